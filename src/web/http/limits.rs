//! How much one client or person may use at once.

pub mod bodies;
pub mod connections;
pub mod places;
pub mod quotas;
