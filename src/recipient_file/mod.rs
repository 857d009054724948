//! Recipient list files: CSV-like text and spreadsheets, read row by row without holding the whole
//! file in memory, in a process of its own. This module does not know what the columns mean.

mod encoding;
mod number_format;
pub mod reader;
mod records;
mod shape;
mod spreadsheet;
mod text;

pub use encoding::{Encoding, Utf8};
pub use number_format::NumberFormat;
pub use reader::ReaderProcess;
pub use shape::Shape;
pub use spreadsheet::{Book, BookOptions, BookReport, Sheet, read_all_sheets, read_spreadsheet};
pub use text::{Delimiter, read_text, sniff};

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

/// A row with its cells as text, as the person who made the file sees them. Empty rows are skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its line in the file, counted from 1.
    pub line: i32,
    /// The cells, from the first column.
    pub cells: Vec<String>,
    /// Numbers that are shown in another form than they are stored, as they are stored: a phone may
    /// be shown as `1.85E+10`. By column, from 0.
    pub stored: Vec<(usize, String)>,
    /// Columns of which it is not certain how their cells are shown. The cells have the numbers as
    /// they are stored.
    pub unclear: Vec<usize>,
    /// Those of the unclear columns whose stored numbers may be wrong, since the spreadsheet computes
    /// them anew when it is opened.
    pub recomputed: Vec<usize>,
}

impl Row {
    /// Creates a row whose cells are shown as they are stored.
    pub fn new(line: i32, cells: Vec<String>) -> Self {
        Self { line, cells, ..Self::default() }
    }

    /// Returns a cell as it is shown, empty if the row ends before it.
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    /// Returns a cell as it is stored.
    pub fn stored_cell(&self, column: usize) -> &str {
        let stored = self.stored.iter().find(|(other, _)| *other == column);
        stored.map_or_else(|| self.cell(column), |(_, text)| text)
    }
}

/// Receives the rows of a file. Returns [`ControlFlow::Break`] to stop reading.
pub type RowSink<'a> = &'a mut dyn FnMut(Row) -> ControlFlow<()>;

/// Tells whether a cell looks like what the lists are about, a phone.
pub type IsKey = fn(&str) -> bool;

/// The most cells of a row. A file with more of them is not read, so that none is lost.
pub const MAX_CELLS: usize = 500;

/// Why a file cannot be read. Rows that were passed on before the error are valid.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
pub enum TableError {
    /// A quotation mark is opened in this line and not closed, or only in a later row.
    #[error("unclosed quotation mark in line {0}")]
    OpenQuote(i32),
    /// Not a spreadsheet, or a damaged one.
    #[error("cannot open the spreadsheet: {0}")]
    Spreadsheet(String),
    /// The spreadsheet has a password.
    #[error("spreadsheet is encrypted")]
    Encrypted,
    /// A bomb: decompressed or laid out, it has more of something than is allowed.
    #[error("spreadsheet has more than {0} bytes, cells, texts or parts once unpacked")]
    Bomb(u64),
    /// The process that read it has ended before it was done: it wanted more memory or time than it
    /// may have.
    #[error("the reader died")]
    ReaderDied,
    /// No visible sheet has a row.
    #[error("no rows")]
    Empty,
    /// The row in this line has more than [`MAX_CELLS`] cells.
    #[error("more than {MAX_CELLS} cells in line {0}")]
    ManyCells(i32),
    /// All rows of the sheet, this many, are hidden.
    #[error("all {0} rows are hidden")]
    AllHidden(i32),
    /// The console could not read it: no process could be started, no temporary file written, or it is
    /// stopping. The file is not to blame, and may be read later.
    #[error(transparent)]
    #[serde(skip)]
    Io(#[from] std::io::Error),
}
