//! Receiving, polling and pulling receipts.

pub mod missing_pushes;
pub mod poll;
pub mod pull;
pub mod push_inbox;
pub mod push_problems;
pub mod push_url;
pub mod unreadable_pushes;
