//! An operation each: what crosses the database and the vendor.

pub mod credentials;
pub mod order;
pub mod poll;
pub mod receive;
pub mod steer;
pub mod submit;
