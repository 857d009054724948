//! Types and rules, without input or output.

pub mod phone;
pub mod receipt_codes;
pub mod text;
