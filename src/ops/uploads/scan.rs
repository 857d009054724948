//! One pass over a file: its columns are found, then every row is judged and written.

use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::classify::{Classifier, Rules, SendHistory};
use super::copy::CopyLines;
use super::import::{ImportError, Progress};
use super::report::{self, FIRST_ROWS, ReadOptions, Report, ReportBuilder};
use crate::domain::upload::Mapping;
use crate::recipient_file::{self, Book, Row, TableError};

/// Rows looked at to find out which column is what.
const LOOKED_AT: usize = 200;
/// Bytes looked at to find out how a text is written.
const HEAD: usize = 64 << 10;

/// Where rows come from.
pub(super) enum Source {
    Text(Box<dyn Read + Send>),
    Book(File, Book),
}

/// Reads and judges, in a thread of its own.
pub(super) struct Reader {
    pub(super) rules: Rules,
    pub(super) known: SendHistory,
    pub(super) utf8: bool,
    pub(super) wanted: ReadOptions,
    pub(super) meanings: Vec<String>,
    pub(super) most_rows: u32,
    pub(super) far: Arc<Progress>,
}

impl Reader {
    /// Reads and judges all of it.
    pub(super) fn run(self, source: Source, lines: CopyLines) -> Result<Report, ImportError> {
        let mut pass = Scan {
            most_rows: self.most_rows,
            far: self.far,
            meanings: self.meanings,
            wanted: self.wanted.mapping,
            lines,
            report: Report::default(),
            looked_at: Vec::new(),
            rules: Some((self.rules, self.known)),
            judging: None,
            stopped: None,
        };
        let read = match source {
            Source::Text(mut text) => {
                let mut head = vec![0; HEAD];
                let n = fill(&mut text, &mut head).map_err(TableError::Io)?;
                head.truncate(n);
                let (encoding, found) =
                    recipient_file::sniff(&head, self.utf8, self.wanted.encoding);
                let delimiter = self.wanted.delimiter.unwrap_or(found);
                (pass.report.encoding, pass.report.delimiter) = (Some(encoding), Some(delimiter));
                let whole = std::io::Cursor::new(head).chain(text);
                recipient_file::read_text(whole, encoding, delimiter, &mut |row| pass.take(row))
            }
            Source::Book(file, book) => {
                let sheet = recipient_file::read_spreadsheet(file, book, &mut |row| pass.take(row));
                sheet.map(|name| pass.report.sheet = Some(name))
            }
        };
        read?;
        pass.end()
    }
}

fn fill(from: &mut impl Read, into: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match from.read(&mut into[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

/// One pass over the rows: the first are looked at to find the columns, then all are judged.
struct Scan {
    most_rows: u32,
    far: Arc<Progress>,
    meanings: Vec<String>,
    wanted: Option<Mapping>,
    lines: CopyLines,
    report: Report,
    looked_at: Vec<Row>,
    rules: Option<(Rules, SendHistory)>,
    judging: Option<(Classifier, ReportBuilder)>,
    stopped: Option<ImportError>,
}

impl Scan {
    fn take(&mut self, row: Row) -> ControlFlow<()> {
        if self.judging.is_some() {
            return self.classify(row);
        }
        self.looked_at.push(row);
        if self.looked_at.len() < LOOKED_AT { ControlFlow::Continue(()) } else { self.begin() }
    }

    /// Finds the columns and judges what was looked at.
    fn begin(&mut self) -> ControlFlow<()> {
        let rows = std::mem::take(&mut self.looked_at);
        let Some((rules, known)) = self.rules.take() else { return ControlFlow::Break(()) };
        let cells: Vec<Vec<String>> = rows.iter().map(|row| row.cells.clone()).collect();
        let variables = rules.text.variables();
        let mapping = self
            .wanted
            .take()
            .filter(|mapping| mapping.values.len() == variables)
            .unwrap_or_else(|| Mapping::guess(&cells, variables, &self.meanings));
        let header = usize::from(mapping.header);
        let width = cells.iter().map(Vec::len).max().unwrap_or(0);
        let mut columns = cells.first().filter(|_| mapping.header).cloned().unwrap_or_default();
        columns.resize(width, String::new());
        let report = Report {
            columns: report::shown(&columns),
            first_rows: cells
                .iter()
                .skip(header)
                .take(FIRST_ROWS)
                .map(|row| report::shown(row))
                .collect(),
            mapping: mapping.clone(),
            ..std::mem::take(&mut self.report)
        };
        let classify = Classifier::new(Rules { mapping, ..rules }, known);
        self.judging = Some((classify, ReportBuilder::new(report)));
        rows.into_iter().skip(header).try_for_each(|row| self.classify(row))
    }

    fn classify(&mut self, row: Row) -> ControlFlow<()> {
        let Some((classify, tallying)) = &mut self.judging else { return ControlFlow::Break(()) };
        if u32::try_from(tallying.rows()).is_ok_and(|rows| rows >= self.most_rows) {
            self.stopped = Some(ImportError::ManyRows(self.most_rows));
            return ControlFlow::Break(());
        }
        let judged = classify.classify(row);
        tallying.count(&judged);
        self.far.rows.store(tallying.rows(), Ordering::Relaxed);
        if self.lines.put(&judged.recipient) {
            ControlFlow::Continue(())
        } else {
            self.stopped = Some(ImportError::Unwanted);
            ControlFlow::Break(())
        }
    }

    fn end(mut self) -> Result<Report, ImportError> {
        if self.judging.is_none() && self.stopped.is_none() {
            let _ = self.begin();
        }
        if let Some(error) = self.stopped {
            return Err(error);
        }
        let report = self.judging.map(|(_, tallying)| tallying.end());
        let sheet = self.report.sheet;
        let report = report.filter(|report| report.rows > 0).ok_or(TableError::Empty)?;
        self.lines.end();
        Ok(Report { sheet, ..report })
    }
}
