//! Pages of the whole installation, for owners.

pub mod people;
pub mod projects;
