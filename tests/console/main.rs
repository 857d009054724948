//! The console over HTTP, as people of each role, UCloud and monitoring use it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

#[path = "../harness/mod.rs"]
mod harness;

mod accounts;
mod applications_in_doubt;
mod batch_actions;
mod batch_lists;
mod batches;
mod causes;
mod claims;
mod costs;
mod destinations;
mod downloads;
mod failures;
mod figures;
mod files;
mod health;
mod international;
mod lists;
mod live_page;
mod message_search_plans;
mod messages;
mod model;
mod notifications;
mod opt_outs;
mod pages;
mod pasted_lists;
mod people;
mod previews;
mod prices;
mod pulls;
mod push_settings;
mod pushes;
mod receipts;
mod recovery;
mod repeats;
mod replies;
mod reply_lists;
mod resends;
mod retention;
mod review_lists;
mod review_rules;
mod reviews;
mod schedule_model;
mod search;
mod search_plans;
mod second_receipts;
mod sending;
mod standings;
mod statistics;
mod suppression_imports;
mod suppressions;
mod vendor;
