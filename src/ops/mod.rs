//! Operations: everything that combines the database, the vendor and outbound notifications.

pub mod accounts;
pub mod actor;
pub mod apply;
pub mod batch_actions;
pub mod credentials;
pub mod delete_reviewed;
pub mod failure_guard;
pub mod files;
pub mod missing_pushes;
pub mod notifications;
pub mod order;
pub mod plan;
pub mod poll;
pub mod projects;
pub mod pull;
pub mod push_inbox;
pub mod push_url;
pub mod replies;
pub mod resend;
pub mod retention;
pub mod review;
pub mod submit;
pub mod suppressions;
pub mod unreadable_pushes;
pub mod uploads;
pub mod vendor_figures;
