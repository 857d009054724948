//! The settings of a project.

pub mod batch_rules;
pub mod members;
pub mod notifications;
pub mod opt_out_keywords;
pub mod prices;
pub mod push_url;
pub mod retention;
