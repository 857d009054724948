//! Types and rules, without any I/O.

pub mod batch;
pub mod call_problem;
pub mod cell;
pub mod contact;
pub mod file;
pub mod finding;
pub mod ids;
pub mod message;
pub mod network;
pub mod period;
pub mod phone;
pub mod project;
pub mod receipt;
pub mod receipt_codes;
pub mod recipient;
pub mod reply;
pub mod review;
pub mod role;
pub mod signature;
pub mod sms_template;
pub mod statistics;
pub mod suppression;
pub mod text;
pub mod time;
pub mod upload;
pub mod version;
