//! Signatures and templates, and their applications.

pub mod applications;
pub mod destinations;
pub mod files;
pub mod review_events;
pub mod reviewed;
pub mod signatures;
pub mod sms_templates;
