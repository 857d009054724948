//! Recipient list files: CSV-like text and spreadsheets, read row by row without holding the whole
//! file in memory. This module does not know what the columns mean.

mod spreadsheet;
mod text;

pub use spreadsheet::{Book, read_spreadsheet};
pub use text::{Delimiter, Encoding, read_text, sniff};

use std::ops::ControlFlow;

/// A row with its cells as text. Empty rows are skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its line in the file, counted from 1.
    pub line: i32,
    /// The cells, from the first column.
    pub cells: Vec<String>,
}

/// Receives the rows of a file. Returns [`ControlFlow::Break`] to stop reading.
pub type RowSink<'a> = &'a mut dyn FnMut(Row) -> ControlFlow<()>;

/// The most cells of a row; cells beyond are dropped.
pub const MAX_CELLS: usize = 200;

/// Why a file cannot be read. Rows that were passed on before the error are valid.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A quotation mark is opened in this line and never closed.
    #[error("unclosed quotation mark in line {0}")]
    OpenQuote(i32),
    /// Not a spreadsheet, or a damaged or encrypted one.
    #[error("cannot open the spreadsheet: {0}")]
    Spreadsheet(String),
    /// A zip bomb: decompressed, it is larger than this many bytes.
    #[error("spreadsheet is larger than {0} bytes once decompressed")]
    Bomb(u64),
    /// No visible sheet has a row.
    #[error("no rows")]
    Empty,
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The kind of a file, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text with columns.
    Text,
    /// A spreadsheet since Excel 2007 (a zip archive).
    Xlsx,
    /// A spreadsheet of before Excel 2007.
    Xls,
    /// Something else: an image, a document, a program.
    Other,
}

impl Shape {
    /// Returns the kind of a file that begins with `head`.
    pub fn of(head: &[u8]) -> Self {
        const OTHER_MAGIC: [&[u8]; 8] = [
            b"%PDF",
            b"\x89PNG",
            b"\xff\xd8\xff",
            b"GIF8",
            b"\x7fELF",
            b"MZ",
            b"Rar!",
            b"\x1f\x8b",
        ];
        if head.starts_with(b"PK\x03\x04") {
            Self::Xlsx
        } else if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
            Self::Xls
        } else if OTHER_MAGIC.iter().any(|magic| head.starts_with(magic)) || is_binary(head) {
            Self::Other
        } else {
            Self::Text
        }
    }
}

/// Returns whether these bytes are no text. Text has no control characters except line ends and
/// tabs; in UTF-16 every other byte may be zero.
fn is_binary(head: &[u8]) -> bool {
    let head = &head[..head.len().min(4_096)];
    let controls = head.iter().filter(|b| **b < 9 || (14..32).contains(*b)).count();
    controls > 0 && text::utf16(head).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_file_is_detected_from_its_first_bytes() {
        assert_eq!(Shape::of(b"PK\x03\x04rest"), Shape::Xlsx);
        assert_eq!(Shape::of(b"phone,name\n1"), Shape::Text);
        assert_eq!(Shape::of("手机号".as_bytes()), Shape::Text);
        assert_eq!(Shape::of(b"\xff\xfe1\x008\x00"), Shape::Text);
        assert_eq!(Shape::of(b"1\x008\x005\x00,\x00"), Shape::Text);
        assert_eq!(Shape::of(b"\x89PNG\r\n"), Shape::Other);
        assert_eq!(Shape::of(b"a\x00\x01\x02b"), Shape::Other);
        assert_eq!(Shape::of(b""), Shape::Text);
    }
}
