//! Spreadsheets: their sheets, and the rows of one of them.

mod row;
#[cfg(test)]
mod tests;
mod xls;
mod xlsx;

use std::fs::File;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::{IsKey, Row, RowSink, TableError};
use xlsx::Workbook;

/// Rows of a sheet in which phones are looked for.
const KEY_ROWS: i32 = 200;

/// The format of a spreadsheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Book {
    /// Excel since 2007.
    Xlsx,
    /// Excel before 2007, which is read without number formats and hidden rows.
    Xls,
}

/// What of a spreadsheet is read.
#[derive(Debug, Clone)]
pub struct BookOptions {
    /// The name of the sheet; `None` for the first that has keys, or else rows.
    pub sheet: Option<String>,
    /// Whether hidden rows and columns are read as well.
    pub hidden: bool,
    /// Tells whether a cell looks like a phone.
    pub is_key: IsKey,
}

/// A sheet of a spreadsheet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// The number of rows that are not empty, hidden ones included.
    pub rows: i32,
    /// Whether the sheet is hidden.
    pub hidden: bool,
}

/// What was found in a spreadsheet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookReport {
    /// The name of the sheet that was read.
    pub sheet: String,
    /// All sheets.
    pub sheets: Vec<Sheet>,
    /// The number of hidden rows in the sheet.
    pub hidden_rows: i32,
    /// The number of hidden columns in the sheet that are not empty.
    pub hidden_columns: i32,
}

/// Passes the rows of a sheet to `take`, until it stops.
///
/// # Errors
///
/// [`TableError`] if the file is damaged, encrypted, too large when decompressed, or has no rows.
pub fn read_spreadsheet(
    file: File,
    book: Book,
    options: &BookOptions,
    take: RowSink<'_>,
) -> Result<BookReport, TableError> {
    match book {
        Book::Xlsx => read(Workbook::open(file)?, options, take),
        Book::Xls => read(xls::Workbook::open(file)?, options, take),
    }
}

/// Passes the rows of all sheets, hidden ones included, to `take`, each with the number of its sheet,
/// until it stops. Returns the names of the sheets.
///
/// # Errors
///
/// [`TableError`] if the file is damaged, encrypted or too large when decompressed.
pub fn read_all_sheets(
    file: File,
    book: Book,
    take: &mut dyn FnMut(usize, Row) -> ControlFlow<()>,
) -> Result<Vec<String>, TableError> {
    match book {
        Book::Xlsx => read_all(Workbook::open(file)?, take),
        Book::Xls => read_all(xls::Workbook::open(file)?, take),
    }
}

fn read_all(
    mut book: impl Sheets,
    take: &mut dyn FnMut(usize, Row) -> ControlFlow<()>,
) -> Result<Vec<String>, TableError> {
    let names: Vec<String> = book.sheets().into_iter().map(|(name, _)| name).collect();
    for index in 0..names.len() {
        let mut stopped = false;
        let mut take_row = |row| {
            let flow = take(index, row);
            stopped = flow.is_break();
            flow
        };
        book.read(index, true, &mut take_row)?;
        if stopped {
            break;
        }
    }
    Ok(names)
}

/// What was found while the rows of a sheet were read.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    rows: i32,
    hidden_rows: i32,
    hidden_columns: i32,
}

/// An opened spreadsheet.
trait Sheets {
    /// Returns the names of the sheets, and whether they are hidden.
    fn sheets(&self) -> Vec<(String, bool)>;

    /// Passes the rows of a sheet to `take`.
    fn read(&mut self, index: usize, hidden: bool, take: RowSink<'_>)
    -> Result<Counts, TableError>;
}

fn read(
    mut book: impl Sheets,
    options: &BookOptions,
    take: RowSink<'_>,
) -> Result<BookReport, TableError> {
    let all = book.sheets();
    let mut sheets = Vec::new();
    let mut with_keys = None;
    // Only one sheet: its rows are counted while they are read.
    if all.len() > 1 {
        for (index, (name, hidden)) in all.iter().enumerate() {
            let (rows, has_keys) = survey(&mut book, index, options.is_key)?;
            if has_keys && !hidden && with_keys.is_none() {
                with_keys = Some(index);
            }
            sheets.push(Sheet { name: name.clone(), rows, hidden: *hidden });
        }
    }
    let wanted = options.sheet.as_ref();
    let by_name = wanted.and_then(|name| all.iter().position(|(other, _)| other == name));
    let with_rows = sheets.iter().position(|sheet| sheet.rows > 0 && !sheet.hidden);
    let index = by_name.or(with_keys).or(with_rows).unwrap_or(0);
    let Some((name, hidden)) = all.get(index) else { return Err(TableError::Empty) };
    let counts = book.read(index, options.hidden, take)?;
    if sheets.is_empty() {
        sheets.push(Sheet { name: name.clone(), rows: counts.rows, hidden: *hidden });
    }
    Ok(BookReport {
        sheet: name.clone(),
        sheets,
        hidden_rows: counts.hidden_rows,
        hidden_columns: counts.hidden_columns,
    })
}

/// Counts the rows of a sheet, and tells whether its first ones have a key.
fn survey(book: &mut impl Sheets, index: usize, is_key: IsKey) -> Result<(i32, bool), TableError> {
    let (mut seen, mut has_keys) = (0, false);
    let mut look = |row: Row| {
        seen += 1;
        if seen <= KEY_ROWS && !has_keys {
            has_keys = (0..row.cells.len()).any(|column| is_key(row.stored_cell(column)));
        }
        ControlFlow::Continue(())
    };
    let counts = book.read(index, true, &mut look)?;
    Ok((counts.rows, has_keys))
}

fn unreadable(error: impl std::fmt::Display) -> TableError {
    TableError::Spreadsheet(error.to_string())
}
