//! Batches from a recipient list: the file is received in chunks as a draft, imported again
//! whenever a person changes how it is read, and confirmed once.

mod classify;
mod confirm;
mod copy;
mod drafts;
mod error;
pub mod import;
mod incoming;
pub mod report;
mod scan;

pub use confirm::{ConfirmRequest, Confirmation, confirm};
pub use drafts::{Change, ShownTexts, discard, read_again, version_of};
pub use error::UploadError;
pub use incoming::{Begin, IncomingFile, MAX_NAME_LENGTH, check, max_draft_bytes};
