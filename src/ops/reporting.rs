//! Notifications and the vendor's own figures.

pub mod alerts;
pub mod monthly_reports;
pub mod notifications;
pub mod vendor_figures;
