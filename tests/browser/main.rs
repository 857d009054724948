//! The console in a real browser, scripts and all: headless Chromium, driven over WebDriver.
//!
//! With `USMS_SCREENSHOTS` set to a folder, pages are saved there in both widths, themes and
//! languages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

#[path = "../harness/mod.rs"]
mod harness;

mod approvals;
mod browser;
mod gateway;
mod layout;
mod live;
mod message_search;
mod proxy;
mod recovery;
mod replies;
mod reviews;
mod search;
mod sending;
