//! All SQL, a file per noun. A function takes an executor where one statement is the whole story
//! and a transaction where several must stand or fall together.

pub mod applications;
pub mod audit;
pub mod batch_transitions;
pub mod batches;
pub mod call_slots;
pub mod files;
pub mod foreign_messages;
pub mod inbox;
pub mod invariants;
pub mod keeping;
pub mod login_sessions;
pub mod messages;
pub mod notices;
pub mod overview;
pub mod pieces;
pub mod poll_turns;
pub mod projects;
pub mod receipts;
pub mod recipients;
pub mod review_events;
pub mod reviewed;
pub mod signatures;
pub mod sms_templates;
pub mod submissions;
pub mod suppressions;
pub mod uploads;
pub mod users;
pub mod workers;
