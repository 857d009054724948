//! The pages, one module for each part of the navigation. No page uses another one.

pub mod account;
pub mod admin;
pub mod audit;
pub mod batches;
pub mod dashboard;
pub mod errors;
pub mod failures;
pub mod health;
pub mod messages;
pub mod receipts;
pub mod replies;
pub mod review;
pub mod search;
pub mod send;
pub mod sending;
pub mod settings;
pub mod sign_in;
pub mod statistics;
pub mod suppressions;
