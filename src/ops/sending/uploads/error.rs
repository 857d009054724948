//! Why a file is not accepted, or cannot be imported.

use serde_json::Value;

use super::report::Report;
use crate::domain::ids::BatchId;
use crate::ops::sending::order::OrderError;
use crate::recipient_file::{Shape, TableError};

/// Why a file was not accepted. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Signature or template cannot be used; the other variants do not occur here.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// Neither text nor a spreadsheet that can be read.
    #[error("not a text file or spreadsheet, but {0:?}")]
    WrongKind(Shape),
    /// The file is empty, or there is nothing to send again.
    #[error("file is empty")]
    Empty,
    /// Larger than the settings allow (in bytes).
    #[error("file is larger than {0} bytes")]
    TooLarge(u64),
    /// The person has as many drafts, or as many bytes in their files, as one may.
    #[error("too many drafts")]
    TooManyDrafts,
    /// The form was submitted before and created this draft.
    #[error("form already submitted")]
    Already(BatchId),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Why a file could not be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read: a person has to fix it.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The sheet of a spreadsheet has no rows, or only hidden ones. Another sheet may have some.
    #[error("{error}")]
    NoRows {
        /// Why.
        error: TableError,
        /// The sheets that were found.
        found: Box<Report>,
    },
    /// More rows than the settings allow.
    #[error("more than {0} rows")]
    ManyRows(u32),
    /// Meanwhile the draft was discarded, or is to be read with other options.
    #[error("upload was discarded")]
    Discarded,
    /// This process stops before the file was read.
    #[error("this process stops")]
    Stopped,
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl ImportError {
    /// Returns how it is stored for the page: a code, with details after a colon. `None` if it is
    /// not stored.
    pub(super) fn problem_code(&self) -> Option<String> {
        let error = match self {
            Self::Table(error) | Self::NoRows { error, .. } => error,
            Self::ManyRows(limit) => return Some(format!("rows:{limit}")),
            Self::Discarded | Self::Stopped | Self::Database(_) => return None,
        };
        Some(match error {
            TableError::OpenQuote(line) => format!("quote:{line}"),
            TableError::Io(_) => return None,
            TableError::Spreadsheet(_) => "broken".to_owned(),
            TableError::Encrypted => "encrypted".to_owned(),
            TableError::Bomb(_) => "bomb".to_owned(),
            TableError::Empty => "empty".to_owned(),
            TableError::ManyCells(line) => format!("cells:{line}"),
            TableError::AllHidden(rows) => format!("hidden:{rows}"),
            TableError::ReaderDied => "died".to_owned(),
        })
    }

    /// Returns the sheets that were found, if one of them can be chosen instead.
    pub(super) fn found(&self) -> Option<Value> {
        match self {
            Self::NoRows { found, .. } => serde_json::to_value(found).ok(),
            Self::Table(_)
            | Self::ManyRows(_)
            | Self::Discarded
            | Self::Stopped
            | Self::Database(_) => None,
        }
    }
}
