//! Requests and files that mean harm: the console refuses them and stays as it was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

#[path = "../harness/mod.rs"]
mod harness;

mod files;
