//! An operation each: what crosses the database and the vendor.

pub mod accounts;
pub mod apply;
pub mod credentials;
pub mod hooks;
pub mod notify;
pub mod order;
pub mod oversee;
pub mod papers;
pub mod plan;
pub mod poll;
pub mod projects;
pub mod pull;
pub mod pushes;
pub mod reading;
pub mod receive;
pub mod receive_again;
pub mod remove;
pub mod replies;
pub mod resend;
pub mod retain;
pub mod review;
pub mod steer;
pub mod submit;
pub mod suppress;
pub mod upload;
pub mod vendor_figures;
