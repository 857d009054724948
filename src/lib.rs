//! USMS Console: a self-hosted web console over UCloud USMS.
//!
//! The modules, and the one direction in which they may depend on each other:
//!
//! ```text
//! web | worker → ops → db, usms, outbound
//!                      db → domain
//! ```
//!
//! [`sandbox`] depends on none of them, so that it cannot share a mistake with [`usms`]; [`demo`]
//! may use [`sandbox`], [`serve`], [`app`], [`config`], [`clock`], [`ops`], [`db`] and [`domain`].
//! `tests/architecture.rs` lists what each module may use, and fails on anything else.
//! `docs/ARCHITECTURE.md` follows a message from the click to its receipt.

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
