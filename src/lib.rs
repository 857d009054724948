//! USMS Console: a self-hosted web console over UCloud USMS.
//!
//! The rooms, and the one direction in which they may use each other:
//!
//! ```text
//! web | worker → ops → db, usms, courier → domain
//! ```
//!
//! [`sandbox`] hangs on nothing, so that it cannot share a mistake with [`usms`]; [`demo`] may use
//! all. `tests/architecture.rs` reads the `use` lines and fails on a backward arrow. The walk
//! through one sending, from the click to the receipt, is in `docs/ARCHITECTURE.md`.

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
