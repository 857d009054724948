//! Counts of a period as a file: CSV, or an Excel workbook with real numbers.

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use rust_xlsxwriter::{Format, Workbook, XlsxError};
use serde::Deserialize;
use serde_json::json;

use super::csv::{attachment, headed, lines};
use super::workbook::XLSX;
use crate::app::App;
use crate::db::audit;
use crate::domain::period::Period;
use crate::web::http::error::WebError;
use crate::web::http::form::peer_ip;
use crate::web::http::member::Member;

/// The value of a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A text, even if it looks like a number or formula.
    Text(String),
    /// A count.
    Count(i64),
    /// A number with a fraction.
    Number(f64),
    /// No value.
    Empty,
}

impl Cell {
    /// Returns a number that may be missing.
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

/// The kind of a file: the extension in its URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A CSV file.
    Csv,
    /// An Excel workbook.
    Xlsx,
}

impl Kind {
    /// Returns the extension.
    pub fn key(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

/// Counts of a period, with the names of their columns.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// What is counted: `failures`, `statistics`.
    pub of: &'static str,
    /// The period.
    pub period: Period,
    /// What the rows are grouped by, if that can be chosen.
    pub by: Option<&'static str>,
    /// The names of the columns.
    pub head: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// Returns the file as a download, and records an audit event.
    pub async fn respond(
        &self,
        kind: Kind,
        app: &App,
        member: &Member,
        request: &HttpRequest,
    ) -> Result<HttpResponse, WebError> {
        let (from, to) = (self.period.from.to_string(), self.period.to.to_string());
        let entry = audit::Entry {
            project: Some(member.project.id),
            user: Some(member.person.id),
            action: &format!("{}_exported", self.of),
            subject: "",
            detail: json!({ "from": from, "to": to, "what": self.by, "file": kind.key() }),
            ip: &peer_ip(request),
        };
        let mut db = app.db.acquire().await?;
        audit::record(&mut db, &entry, app.clock.now()).await?;
        match kind {
            Kind::Csv => Ok(self.csv()),
            Kind::Xlsx => self.xlsx(),
        }
    }

    fn name(&self, kind: Kind) -> String {
        let by = self.by.map(|by| format!("-{by}")).unwrap_or_default();
        format!("{}-{}-{}{by}.{}", self.of, self.period.from, self.period.to, kind.key())
    }

    fn csv(&self) -> HttpResponse {
        let mut file = headed(self.head.iter().map(|name| (*name).to_owned()).collect());
        file.extend(lines(self.rows.iter().map(|row| row.iter().map(Cell::text).collect())));
        attachment(&self.name(Kind::Csv)).body(file)
    }

    fn xlsx(&self) -> Result<HttpResponse, WebError> {
        let file = self.workbook().map_err(|error| WebError::Internal(error.to_string()))?;
        let mut response = attachment(&self.name(Kind::Xlsx)).body(file);
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
