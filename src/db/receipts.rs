//! Receipts: pushes, polls and pulls, and what they say about messages.

pub mod external_messages;
pub mod inbox;
pub mod outcomes;
pub mod overruled_receipts;
pub mod poll_turns;
pub mod push_url;
pub mod receipt_matches;
pub mod receipt_polls;
pub mod report_pulls;
pub mod reported;
pub mod unreadable_pushes;
