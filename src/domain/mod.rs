//! Types and rules, without any I/O.

pub mod accounts;
pub mod alert;
pub mod client_address;
pub mod ids;
pub mod limits;
pub mod network;
pub mod period;
pub mod phone;
pub mod project;
pub mod receipt;
pub mod receipt_codes;
pub mod replies;
pub mod review;
pub mod sending;
pub mod statistics;
pub mod text;
pub mod time;

// Names are unique over all shelves, so that tests and tools may leave the shelf out.
pub use accounts::*;
pub use replies::*;
pub use review::{file, finding, imported, signature, sms_template, topics};
pub use sending::*;
