//! Figures, and what people are notified of.

pub mod alerts;
pub mod dashboard;
pub mod failures;
pub mod health;
pub mod monthly_reports;
pub mod notifications;
pub mod robots;
pub mod statistics;
pub mod timeline;
pub mod vendor_figures;
