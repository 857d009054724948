//! Parts that several pages draw.

pub mod batch_row;
pub mod call_text;
pub mod changes;
pub mod choices;
pub mod countries;
pub mod figures;
pub mod files;
pub mod layout;
pub mod message_table;
pub mod missing_pushes;
pub mod moment;
pub mod open_applications;
pub mod period_picker;
pub mod proposed_destination;
pub mod refused_password;
pub mod schedule;
pub mod segments;
pub mod status;
pub mod word_list;
