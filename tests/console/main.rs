//! The console over HTTP, as each kind of visitor meets it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

#[path = "../harness/mod.rs"]
mod harness;

mod batches;
mod causes;
mod claims;
mod costs;
mod failures;
mod health;
mod hooks;
mod keeping;
mod lists;
mod log;
mod log_plans;
mod model;
mod notifications;
mod opt_outs;
mod pages;
mod people;
mod pulls;
mod pushes;
mod receipts;
mod replies;
mod reply_lists;
mod review_doubts;
mod review_lists;
mod reviews;
mod sending;
mod statistics;
mod steering;
mod suppressions;
mod vendor;
mod watching;
