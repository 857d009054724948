//! The actions of the API.

pub mod blacklist;
pub mod pull;
pub mod receipts;
pub mod sending;
pub mod signatures;
pub mod statistics;
pub mod templates;
