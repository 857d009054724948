//! Figures, and what people are notified of.

pub mod dashboard;
pub mod failures;
pub mod health;
pub mod notifications;
pub mod statistics;
pub mod timeline;
pub mod vendor_figures;
