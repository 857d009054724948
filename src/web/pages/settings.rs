//! The settings of a project.

pub mod alerts;
pub mod batch_rules;
pub mod budgets;
pub mod members;
pub mod notifications;
pub mod opt_out_keywords;
pub mod prices;
pub mod push_url;
pub mod retention;
pub mod stand_ins;
