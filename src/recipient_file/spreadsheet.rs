//! Excel spreadsheets: the first visible sheet that has rows.

use std::fs::File;
use std::io::{self, BufReader, Read};

use calamine::{Data, DataRef, ExcelDateTime, Reader, SheetVisible, Xls, Xlsx};
use time::{Duration, PrimitiveDateTime};

use super::{MAX_CELLS, Row, RowSink, TableError};

/// The most bytes of a decompressed spreadsheet: about ten million cells.
const MAX_DECOMPRESSED: u64 = 1 << 30;
/// The most bytes of its shared strings, which are held in memory while it is read.
const MAX_SHARED_STRINGS: u64 = 256 << 20;

/// The format of a spreadsheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Book {
    /// Excel since 2007.
    Xlsx,
    /// Excel before 2007.
    Xls,
}

/// Passes the rows of the first visible sheet that has any to `take`, until it stops. Returns the
/// name of the sheet.
///
/// # Errors
///
/// [`TableError`] if the file is damaged, encrypted, too large when decompressed, or has no rows.
pub fn read_spreadsheet(file: File, book: Book, take: RowSink<'_>) -> Result<String, TableError> {
    match book {
        Book::Xlsx => read_xlsx(file, take),
        Book::Xls => read_xls(file, take),
    }
}

fn read_xlsx(file: File, take: RowSink<'_>) -> Result<String, TableError> {
    check_decompressed_size(file.try_clone()?)?;
    let mut book: Xlsx<_> = Xlsx::new(BufReader::new(file)).map_err(unreadable)?;
    for name in visible(book.sheets_metadata()) {
        let mut reader = book.worksheet_cells_reader(&name).map_err(unreadable)?;
        let mut row = RowBuilder::default();
        let mut any = false;
        while let Some(cell) = reader.next_cell().map_err(unreadable)? {
            let (line, column) = cell.get_position();
            if let Some(finished) = row.move_to(line) {
                any = true;
                if take(finished).is_break() {
                    return Ok(name);
                }
            }
            row.put(column, cell_text(cell.get_value()));
        }
        if let Some(last) = row.end() {
            let _ = take(last);
            any = true;
        }
        if any {
            return Ok(name);
        }
    }
    Err(TableError::Empty)
}

fn read_xls(file: File, take: RowSink<'_>) -> Result<String, TableError> {
    let mut book: Xls<_> = Xls::new(BufReader::new(file)).map_err(unreadable)?;
    for name in visible(book.sheets_metadata()) {
        let range = book.worksheet_range(&name).map_err(unreadable)?;
        let first = range.start().map_or(0, |(line, _)| line);
        let mut any = false;
        for (index, cells) in range.rows().enumerate() {
            let mut row = RowBuilder::default();
            let _ = row.move_to(first + u32::try_from(index).unwrap_or(u32::MAX));
            for (column, value) in cells.iter().enumerate() {
                row.put(u32::try_from(column).unwrap_or(u32::MAX), owned_cell_text(value));
            }
            let Some(row) = row.end() else { continue };
            any = true;
            if take(row).is_break() {
                return Ok(name);
            }
        }
        if any {
            return Ok(name);
        }
    }
    Err(TableError::Empty)
}

fn visible(sheets: &[calamine::Sheet]) -> Vec<String> {
    let visible = sheets.iter().filter(|sheet| sheet.visible == SheetVisible::Visible);
    visible.map(|sheet| sheet.name.clone()).collect()
}

fn unreadable(error: impl std::fmt::Display) -> TableError {
    TableError::Spreadsheet(error.to_string())
}

/// Decompresses everything once without keeping it: a small file can be a zip bomb.
fn check_decompressed_size(file: File) -> Result<(), TableError> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(unreadable)?;
    let mut total = 0;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(unreadable)?;
        let shared_strings = part.name().is_ok_and(|name| name.ends_with("sharedStrings.xml"));
        let limit = if shared_strings { MAX_SHARED_STRINGS } else { MAX_DECOMPRESSED - total };
        let bytes = io::copy(&mut part.take(limit + 1), &mut io::sink()).map_err(unreadable)?;
        if bytes > limit {
            return Err(TableError::Bomb(limit));
        }
        total += bytes;
    }
    Ok(())
}

/// Assembles a row from its cells.
#[derive(Default)]
struct RowBuilder {
    line: u32,
    cells: Vec<String>,
}

impl RowBuilder {
    /// Moves on to the row `line`; returns the row before unless it is empty.
    fn move_to(&mut self, line: u32) -> Option<Row> {
        if line == self.line {
            return None;
        }
        let finished = std::mem::take(self).end();
        self.line = line;
        finished
    }

    fn put(&mut self, column: u32, text: String) {
        let column = column as usize;
        if column >= MAX_CELLS {
            return;
        }
        if self.cells.len() <= column {
            self.cells.resize(column + 1, String::new());
        }
        self.cells[column] = text.trim().replace('\0', "");
    }

    fn end(self) -> Option<Row> {
        let line = i32::try_from(self.line + 1).unwrap_or(i32::MAX);
        let any = self.cells.iter().any(|cell| !cell.is_empty());
        any.then_some(Row { line, cells: self.cells })
    }
}

fn cell_text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(yes) => bool_text(*yes),
        DataRef::DateTime(at) => date_text(at),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

fn owned_cell_text(value: &Data) -> String {
    match value {
        Data::Int(number) => number.to_string(),
        Data::Float(number) => number_text(*number),
        Data::String(text) => text.clone(),
        Data::Bool(yes) => bool_text(*yes),
        Data::DateTime(at) => date_text(at),
        Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Error(error) => error.to_string(),
        Data::Empty => String::new(),
    }
}

fn bool_text(value: bool) -> String {
    if value { "TRUE".to_owned() } else { "FALSE".to_owned() }
}

/// Formats a number as a spreadsheet shows it: a phone stored as a number has all of its digits.
fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        #[allow(clippy::cast_possible_truncation)]
        return (number as i64).to_string();
    }
    // Spreadsheets show 15 significant digits: 0.1 + 0.2 is 0.3 there.
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    rounded.to_string()
}

fn date_text(at: &ExcelDateTime) -> String {
    const EPOCH: PrimitiveDateTime = time::macros::datetime!(1899-12-30 0:00);
    let days = at.as_f64();
    if at.is_duration() || !(1.0..3_000_000.0).contains(&days) {
        return number_text(days);
    }
    #[allow(clippy::cast_possible_truncation)]
    let seconds = (days * 86_400.0).round() as i64;
    let Some(at) = EPOCH.checked_add(Duration::seconds(seconds)) else {
        return number_text(days);
    };
    if seconds % 86_400 == 0 {
        at.date().to_string()
    } else {
        format!("{} {:02}:{:02}", at.date(), at.hour(), at.minute())
    }
}
