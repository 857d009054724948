//! Types and rules, without any I/O.

pub mod alert;
pub mod client_address;
pub mod device_name;
pub mod ids;
pub mod limits;
pub mod network;
pub mod password;
pub mod period;
pub mod phone;
pub mod project;
pub mod receipt;
pub mod receipt_codes;
pub mod replies;
pub mod review;
pub mod role;
pub mod sending;
pub mod sight;
pub mod statistics;
pub mod text;
pub mod time;

// Names are unique over all shelves, so that tests and tools may leave the shelf out.
pub use replies::*;
pub use review::{file, finding, imported, signature, sms_template, topics};
pub use sending::*;
