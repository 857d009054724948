//! Notifications and the vendor's own figures.

pub mod notifications;
pub mod vendor_figures;
