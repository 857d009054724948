//! Uploads of recipient lists: their state, type and column mapping.

use serde::{Deserialize, Serialize};

mod columns;

pub use columns::{
    Guess, REJECTED_COLUMNS, is_phone, looks_like_phone, names_phone, rejected_columns,
};

/// The state of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "upload_state", rename_all = "snake_case")]
pub enum UploadState {
    /// The file is being received from the browser.
    Receiving,
    /// The file is complete and waits to be read.
    Waiting,
    /// The file is being read.
    Reading,
    /// Every row has its verdict.
    Read,
    /// The file cannot be read; a reason is stored with it.
    Unreadable,
}

/// The type of an uploaded file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "upload_source", rename_all = "snake_case")]
pub enum UploadSource {
    /// Delimited text, such as CSV.
    Text,
    /// A spreadsheet of Excel 2007 or later.
    Xlsx,
    /// A spreadsheet of an earlier Excel.
    Xls,
}

/// The column mapping: which column holds the phone, and which hold the variables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Whether a row names the columns: the first one, or the one behind `title_rows`.
    pub header: bool,
    /// The number of rows above the header, such as a title.
    #[serde(default)]
    pub title_rows: usize,
    /// The column of the phone, from 0.
    pub phone: usize,
    /// The column of each variable, from 0, in the order of the variables; `None` for a variable
    /// without a column.
    pub values: Vec<Option<usize>>,
}
