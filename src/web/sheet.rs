//! A small table as a file: CSV, or a workbook whose numbers are numbers.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::batches::downloads::{attachment, headed, lines};
use super::error::WebError;

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// What stands in one cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A text, whatever it looks like.
    Text(String),
    /// A count.
    Count(i64),
    /// A number with a fraction.
    Number(f64),
    /// Nothing is known.
    Empty,
}

impl Cell {
    /// A number that may be missing.
    pub fn maybe(number: Option<f64>) -> Self {
        number.map_or(Self::Empty, Self::Number)
    }

    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Number(number) => format!("{number:.4}"),
            Self::Empty => String::new(),
        }
    }
}

/// A table with the names of its columns.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// What the file is called, without its ending.
    pub name: String,
    /// The names of the columns.
    pub head: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// The table as CSV.
    pub fn csv(&self) -> HttpResponse {
        let mut file = headed(self.head.iter().map(|name| (*name).to_owned()).collect());
        file.extend(lines(self.rows.iter().map(|row| row.iter().map(Cell::text).collect())));
        attachment(&format!("{}.csv", self.name)).body(file)
    }

    /// The table as a workbook.
    pub fn xlsx(&self) -> Result<HttpResponse, WebError> {
        let file = self.workbook().map_err(|error| WebError::Internal(error.to_string()))?;
        let mut response = attachment(&format!("{}.xlsx", self.name)).body(file);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(XLSX));
        Ok(response)
    }

    fn workbook(&self) -> Result<Vec<u8>, XlsxError> {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        let bold = Format::new().set_bold();
        for (column, name) in (0..).zip(&self.head) {
            sheet.write_with_format(0, column, *name, &bold)?;
        }
        sheet.set_freeze_panes(1, 1)?;
        for (row, cells) in (1..).zip(&self.rows) {
            for (column, cell) in (0..).zip(cells) {
                match cell {
                    Cell::Text(text) => sheet.write_string(row, column, text)?,
                    #[allow(clippy::cast_precision_loss)]
                    Cell::Count(count) => sheet.write_number(row, column, *count as f64)?,
                    Cell::Number(number) => sheet.write_number(row, column, *number)?,
                    Cell::Empty => sheet,
                };
            }
        }
        book.save_to_buffer()
    }
}
