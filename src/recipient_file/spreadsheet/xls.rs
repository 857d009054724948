//! Excel before 2007 and WPS `.et`. The library reads neither number formats nor hidden rows, so
//! that a person has to say whether there are any.

mod weight;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use calamine::{Data, Reader, SheetVisible, Xls};

use super::super::{Row, RowSink, TableError};
use super::row::{RowBuilder, number_text};
use super::{Counts, Sheets, unreadable};

/// The name of the stream of an encrypted spreadsheet since 2007, in UTF-16.
const ENCRYPTED: &[u8] = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0";

pub(super) struct Workbook {
    book: Xls<BufReader<File>>,
}

impl Workbook {
    pub(super) fn open(mut file: File) -> Result<Self, TableError> {
        let size = file.metadata()?.len();
        if size > weight::MAX_BYTES {
            return Err(TableError::Bomb(weight::MAX_BYTES));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.read_to_end(&mut bytes)?;
        if memchr::memmem::find(&bytes, ENCRYPTED).is_some() {
            return Err(TableError::Encrypted);
        }
        weight::check(io::Cursor::new(bytes))?;
        file.rewind()?;
        match Xls::new(BufReader::new(file)) {
            Ok(book) => Ok(Self { book }),
            Err(calamine::XlsError::Password) => Err(TableError::Encrypted),
            Err(error) => Err(unreadable(error)),
        }
    }
}

impl Sheets for Workbook {
    fn sheets(&self) -> Vec<(String, bool)> {
        let sheets = self.book.sheets_metadata().iter();
        sheets.map(|sheet| (sheet.name.clone(), sheet.visible != SheetVisible::Visible)).collect()
    }

    fn read(&mut self, index: usize, _: bool, take: RowSink<'_>) -> Result<Counts, TableError> {
        let Some((name, _)) = self.sheets().into_iter().nth(index) else {
            return Err(TableError::Empty);
        };
        let range = self.book.worksheet_range(&name).map_err(unreadable)?;
        let (first_line, first_column) = range.start().unwrap_or((0, 0));
        let mut counts = Counts::default();
        for (line, cells) in (first_line + 1..).zip(range.rows()) {
            let Some(row) = row_of(line, first_column as usize, cells)? else { continue };
            counts.rows += 1;
            if take(row).is_break() {
                break;
            }
        }
        Ok(counts)
    }
}

fn row_of(line: u32, first_column: usize, cells: &[Data]) -> Result<Option<Row>, TableError> {
    let mut row = RowBuilder::begin(i32::try_from(line).unwrap_or(i32::MAX));
    for (column, cell) in (first_column..).zip(cells) {
        match cell {
            Data::Int(number) => row.text(column, &number.to_string()),
            Data::Float(number) => row.text(column, &number_text(*number)),
            Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => {
                row.text(column, text);
            }
            Data::Bool(value) => row.text(column, if *value { "TRUE" } else { "FALSE" }),
            Data::DateTime(at) => row.unclear(column, &number_text(at.as_f64())),
            Data::Error(error) => row.text(column, &error.to_string()),
            Data::Empty => {}
        }
    }
    row.end()
}
