//! Operations: everything that combines the database, the vendor and outbound notifications.

pub mod accounts;
pub mod actor;
pub mod credentials;
pub mod key_rotation;
pub mod projects;
pub mod receipts;
pub mod recovery;
pub mod refusals;
pub mod replies;
pub mod reporting;
pub mod retention;
pub mod review;
pub mod sending;

// Names are unique over all shelves, so that tests and tools may leave the shelf out.
pub use receipts::*;
pub use replies::suppressions;
pub use reporting::*;
pub use review::{apply, delete_reviewed, destination, files, signature_kind};
pub use sending::*;
