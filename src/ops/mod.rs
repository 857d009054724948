//! An operation each: what crosses the database and the vendor.

pub mod accounts;
pub mod apply;
pub mod credentials;
pub mod notify;
pub mod order;
pub mod oversee;
pub mod papers;
pub mod plan;
pub mod poll;
pub mod projects;
pub mod reading;
pub mod receive;
pub mod remove;
pub mod resend;
pub mod retain;
pub mod review;
pub mod steer;
pub mod submit;
pub mod suppress;
pub mod upload;
