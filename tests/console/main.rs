//! The console over HTTP, as each kind of visitor meets it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

#[path = "../harness/mod.rs"]
mod harness;

mod batches;
mod keeping;
mod lists;
mod model;
mod notices;
mod pages;
mod people;
mod pushes;
mod receipts;
mod review_doubts;
mod review_lists;
mod reviews;
mod sending;
mod steering;
mod suppressions;
mod vendor;
