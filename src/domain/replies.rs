//! Replies, opt-outs and suppressions.

pub mod opt_out;
pub mod reply;
pub mod suppression;
