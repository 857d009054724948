//! The console under attack: each test is a request that strangers or members can make.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

#[path = "../harness/mod.rs"]
mod harness;

mod bodies;
mod corpus;
mod digits;
mod files;
mod guessing;
mod headers;
mod hostile;
mod logs;
mod process;
mod proxies;
mod roles;
mod secrets;
mod sessions;
mod shares;
mod spending;
