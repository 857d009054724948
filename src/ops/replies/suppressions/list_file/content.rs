//! The content of a file: what kind it is, and its rows.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::domain::phone::entries;
use crate::domain::review::file::MAX_BYTES;
use crate::recipient_file::{
    self, Book, Delimiter, Encoding, ReaderProcess, Row, Shape, TableError, Utf8,
};

/// Bytes from which encoding and delimiter of a text are detected.
const HEAD_BYTES: usize = 64 << 10;

/// Why nothing can be read from a file.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// It is empty.
    #[error("file is empty")]
    Empty,
    /// It is larger than [`MAX_BYTES`].
    #[error("file is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Neither text nor a spreadsheet that can be read.
    #[error("not a text file or spreadsheet, but {0:?}")]
    WrongKind(Shape),
    /// It cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// It has more than this many rows.
    #[error("more than {0} rows")]
    ManyRows(u32),
    /// None of its cells looks like a phone.
    #[error("no phones")]
    NoPhones,
}

/// A file with the kind of its content, and room for the process that reads it.
pub(super) struct ListFile {
    content: Arc<Vec<u8>>,
    kind: Kind,
    process: ReaderProcess,
}

enum Kind {
    Text(Encoding, Delimiter),
    Book(Book),
}

/// Waits for room for the process that reads a file.
pub async fn room_for(content: &[u8]) -> ReaderProcess {
    match Shape::of(content) {
        Shape::Xlsx | Shape::Xls => ReaderProcess::for_book().await,
        _ => ReaderProcess::for_text().await,
    }
}

impl ListFile {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// [`FileProblem`] if its kind is none that can be read, or its size.
    pub(super) fn open(content: Arc<Vec<u8>>, process: ReaderProcess) -> Result<Self, FileProblem> {
        if content.is_empty() {
            return Err(FileProblem::Empty);
        }
        if content.len() > MAX_BYTES {
            return Err(FileProblem::TooLarge);
        }
        let kind = match Shape::of(&content) {
            Shape::Text => {
                let mut utf8 = Utf8::default();
                utf8.update(&content);
                let head = &content[..content.len().min(HEAD_BYTES)];
                let (encoding, delimiter) = recipient_file::sniff(head, utf8.is_likely(), None);
                Kind::Text(encoding, delimiter)
            }
            Shape::Xlsx => Kind::Book(Book::Xlsx),
            Shape::Xls => Kind::Book(Book::Xls),
            shape @ (Shape::WebPage
            | Shape::Pdf
            | Shape::Image
            | Shape::OpenDocument
            | Shape::Other) => return Err(FileProblem::WrongKind(shape)),
        };
        Ok(Self { content, kind, process })
    }

    /// Passes all rows to `take`, each with the number of its sheet. Returns the names of the sheets.
    pub(super) fn rows(
        &self,
        take: &mut dyn FnMut(usize, Row) -> ControlFlow<()>,
    ) -> Result<Vec<String>, TableError> {
        match self.kind {
            Kind::Text(encoding, delimiter) => {
                let mut take_row = |row| take(0, row);
                let mut content = self.content.as_slice();
                self.process.read_text(&mut content, encoding, delimiter, &mut take_row)?;
                Ok(vec![String::new()])
            }
            Kind::Book(book) => {
                let mut spooled = tempfile::tempfile()?;
                spooled.write_all(&self.content)?;
                io::Seek::rewind(&mut spooled)?;
                self.process.read_all_sheets(spooled, book, take)
            }
        }
    }

    /// Passes the lines of a text to `take`, each as a row of one cell.
    pub(super) fn lines(
        &self,
        take: &mut dyn FnMut(usize, Row) -> ControlFlow<()>,
    ) -> Result<(), TableError> {
        let Kind::Text(encoding, delimiter) = self.kind else { return Ok(()) };
        // With another delimiter each line is one cell, however many phones it has.
        let other = if delimiter == Delimiter::Bar { Delimiter::Tab } else { Delimiter::Bar };
        let mut take_line = |row: Row| {
            let line = row.cells.join(",").replace('|', ",");
            take(0, Row::new(row.line, vec![line]))
        };
        let mut content = self.content.as_slice();
        self.process.read_text(&mut content, encoding, other, &mut take_line)
    }

    /// Passes the entries of a text to `take`, each as a row.
    pub(super) fn entries(
        &self,
        take: &mut dyn FnMut(usize, Row) -> ControlFlow<()>,
    ) -> Result<(), TableError> {
        self.lines(&mut |sheet, row| {
            let mut all = entries(row.cell(0));
            all.try_for_each(|entry| take(sheet, Row::new(row.line, vec![entry.to_owned()])))
        })
    }

    /// Returns whether it is a text.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text(..))
    }
}
