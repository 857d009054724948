//! What the sandbox stores.

pub mod faults;
pub mod journal;
pub mod outcomes;
pub mod records;
pub mod report_queue;
pub mod seeds;
pub mod store;
