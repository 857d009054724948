//! USMS Console: a self-hosted web console over UCloud USMS.
//!
//! The modules, and the one direction in which they may depend on each other:
//!
//! ```text
//! web | worker → ops → db, usms, outbound → domain
//! ```
//!
//! [`sandbox`] depends on none of them, so that it cannot share a mistake with [`usms`]; [`demo`]
//! may use all. `tests/architecture.rs` reads the `use` lines and fails on a dependency in the
//! wrong direction. `docs/ARCHITECTURE.md` follows a message from the click to its receipt.

pub mod app;
pub mod backpressure;
pub mod bench;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod demo;
pub mod domain;
pub mod i18n;
pub mod keyring;
pub mod ops;
pub mod outbound;
pub mod recipient_file;
pub mod sandbox;
pub mod serve;
pub mod telemetry;
pub mod usms;
pub mod web;
pub mod worker;
