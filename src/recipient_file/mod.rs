//! Tables in files: text with columns, and spreadsheets, read row by row without ever holding the
//! whole. It knows nothing of what the columns mean.

mod spreadsheet;
mod text;

pub use spreadsheet::{Book, read_spreadsheet};
pub use text::{Delimiter, Encoding, read_text, sniff};

use std::ops::ControlFlow;

/// A row: its line in the file, from 1, and its cells as text. Empty rows are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line, from 1.
    pub line: i32,
    /// The cells.
    pub cells: Vec<String>,
}

/// Takes the rows of a table, until it has enough.
pub type Taker<'a> = &'a mut dyn FnMut(Row) -> ControlFlow<()>;

/// A row has no more cells than this; the rest of it is dropped.
pub const MAX_CELLS: usize = 200;

/// Why a table cannot be read. What was read before stays read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A quotation mark was opened in this line and never closed.
    #[error("unclosed quotation mark in line {0}")]
    OpenQuote(i32),
    /// Not a spreadsheet, or a broken or encrypted one.
    #[error("cannot open the spreadsheet: {0}")]
    Spreadsheet(String),
    /// Unpacked it would be larger than anything people make.
    #[error("spreadsheet is larger than {0} bytes once decompressed")]
    Bomb(u64),
    /// No sheet has a row.
    #[error("no rows")]
    Empty,
    /// The file could not be read on.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What a file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text with columns.
    Text,
    /// A spreadsheet of today (a zip archive).
    Xlsx,
    /// A spreadsheet of before 2007.
    Xls,
    /// Something else: an image, a document, a program.
    Other,
}

impl Shape {
    /// What begins with `head`.
    pub fn of(head: &[u8]) -> Self {
        const OTHERS: [&[u8]; 8] = [
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
        } else if OTHERS.iter().any(|other| head.starts_with(other)) || is_binary(head) {
            Self::Other
        } else {
            Self::Text
        }
    }
}

/// Text has no control characters but line ends and tabs; UTF-16 has zeros in every other place.
fn is_binary(head: &[u8]) -> bool {
    let head = &head[..head.len().min(4_096)];
    let controls = head.iter().filter(|b| **b < 9 || (14..32).contains(*b)).count();
    controls > 0 && text::utf16(head).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_first_bytes() {
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
