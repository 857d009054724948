//! Batches, messages, and what may be sent.

pub mod batch;
pub mod budget;
pub mod call_end;
pub mod call_problem;
pub mod cell;
pub mod contact;
pub mod message;
pub mod outgoing;
pub mod price;
pub mod recipient;
pub mod resend;
pub mod upload;
pub mod version;
