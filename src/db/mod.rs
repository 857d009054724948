//! All SQL, a file per noun. A function takes an executor where one statement is the whole story
//! and a transaction where several must stand or fall together.

pub mod applications;
pub mod audit;
pub mod batch_transitions;
pub mod batches;
pub mod call_slots;
pub mod conversations;
pub mod failures;
pub mod files;
pub mod health;
pub mod hooks;
pub mod inbox;
pub mod invariants;
pub mod log;
pub mod login_sessions;
pub mod messages;
pub mod notices;
pub mod overview;
pub mod projects;
pub mod receipts;
pub mod recipients;
pub mod replies;
pub mod report_pulls;
pub mod review_events;
pub mod reviewed;
pub mod signatures;
pub mod sms_templates;
pub mod statistics;
pub mod story;
pub mod submissions;
pub mod suppressions;
pub mod unreadable;
pub mod uploads;
pub mod users;
pub mod vendor_figures;
pub mod workers;
