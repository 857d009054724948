//! An operation each: what crosses the database and the vendor.

pub mod accounts;
pub mod credentials;
pub mod order;
pub mod poll;
pub mod projects;
pub mod receive;
pub mod review;
pub mod steer;
pub mod submit;
