//! All SQL, one module per noun. A function takes an executor when a single statement does all of
//! its work, and a transaction or connection when several statements must succeed or fail together.

pub mod accounts;
pub mod audit;
pub mod invariants;
pub mod pooler;
pub mod projects;
pub mod receipts;
pub mod recovery;
pub mod replies;
pub mod reporting;
pub mod retention;
pub mod review;
pub mod roles;
pub mod schema;
pub mod sealed_secrets;
pub mod sending;

// Names are unique over all shelves, so that tests and tools may leave the shelf out.
pub use receipts::*;
pub use recovery::*;
pub use reporting::*;
pub use retention::partitions;
pub use review::*;
pub use sending::*;
