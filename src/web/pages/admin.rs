//! Pages of the whole installation, for owners.

pub mod erasure;
pub mod people;
pub mod projects;
