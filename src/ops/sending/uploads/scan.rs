//! One pass over a file: the first rows decide the column mapping, then every row is classified and
//! written.

use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::atomic::{AtomicI32, AtomicI64};

use super::classify::{Classifier, OwnColumns, Rules, SendHistory};
use super::copy::CopyLines;
use super::error::ImportError;
use super::report::{self, FIRST_ROWS, ReadOptions, Report, ReportBuilder};
use crate::domain::sending::cell;
use crate::domain::sending::upload::{Guess, Mapping, rejected_columns};
use crate::recipient_file::{self, Book, ReaderProcess, Row, TableError};

/// The progress of a reader.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) rows: AtomicI32,
    pub(super) bytes: AtomicI64,
}

/// Rows from which the column mapping is guessed, and bytes of them, which are held in memory.
const MAPPING_ROWS: usize = 200;
const MAPPING_BYTES: usize = 4 << 20;
/// Bytes from which encoding and delimiter of a text are detected.
const HEAD_BYTES: usize = 64 << 10;

/// An opened file.
pub(super) enum Source {
    Text(Box<dyn Read + Send>),
    Book(File, Book),
}

/// Reads a file; runs in a thread of its own.
pub(super) struct Reader {
    pub(super) process: ReaderProcess,
    pub(super) rules: Rules,
    pub(super) history: SendHistory,
    pub(super) utf8: bool,
    pub(super) options: ReadOptions,
    pub(super) meanings: Vec<String>,
    pub(super) max_rows: u32,
    pub(super) progress: Arc<Progress>,
}

impl Reader {
    /// Reads the whole file, classifies its rows and writes them to `lines`.
    pub(super) fn run(self, source: Source, lines: CopyLines) -> Result<Report, ImportError> {
        let options = self.options;
        let mut scan = Scan {
            max_rows: self.max_rows,
            progress: self.progress,
            meanings: self.meanings,
            mapping: options.mapping,
            phone: options.phone,
            lines,
            report: Report::default(),
            first_rows: Vec::new(),
            first_bytes: 0,
            rules: Some((self.rules, self.history)),
            classifying: None,
            stopped: None,
        };
        match source {
            Source::Text(mut text) => {
                let mut head = vec![0; HEAD_BYTES];
                let n = fill(&mut text, &mut head).map_err(TableError::Io)?;
                head.truncate(n);
                let (encoding, detected) =
                    recipient_file::sniff(&head, self.utf8, options.encoding);
                let delimiter = options.delimiter.unwrap_or(detected);
                (scan.report.encoding, scan.report.delimiter) = (Some(encoding), Some(delimiter));
                let mut whole = std::io::Cursor::new(head).chain(text);
                let mut take = |row| scan.take(row);
                self.process.read_text(&mut whole, encoding, delimiter, &mut take)?;
                scan.end()
            }
            Source::Book(file, book) => {
                let (sheet, hidden) = (options.sheet, options.hidden);
                let mut take = |row| scan.take(row);
                let found = self.process.read_spreadsheet(file, book, sheet, hidden, &mut take)?;
                let ended = scan.end();
                let report = |report| Report {
                    sheet: Some(found.sheet),
                    sheets: found.sheets,
                    hidden_rows: found.hidden_rows,
                    hidden_columns: found.hidden_columns,
                    old_spreadsheet: book == Book::Xls && !options.old_spreadsheet,
                    ..report
                };
                match ended {
                    Err(ImportError::Table(TableError::Empty)) => {
                        let error = match found.hidden_rows {
                            1.. => TableError::AllHidden(found.hidden_rows),
                            _ => TableError::Empty,
                        };
                        let found = Box::new(report(Report::default()));
                        Err(ImportError::NoRows { error, found })
                    }
                    ended => ended.map(report),
                }
            }
        }
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

/// Replaces a cell by the text that it stands for.
fn read_cell(text: &mut String) {
    let read = cell::read(text);
    if read.len() != text.len() {
        *text = read.to_owned();
    }
}

/// Returns the cells of a row as they are stored, for guessing columns.
fn stored_cells(row: &Row) -> Vec<String> {
    (0..row.cells.len()).map(|column| row.stored_cell(column).to_owned()).collect()
}

/// The state of a pass: until the column mapping is known, rows are collected in `first_rows`.
struct Scan {
    max_rows: u32,
    progress: Arc<Progress>,
    meanings: Vec<String>,
    mapping: Option<Mapping>,
    phone: Option<usize>,
    lines: CopyLines,
    report: Report,
    first_rows: Vec<Row>,
    first_bytes: usize,
    rules: Option<(Rules, SendHistory)>,
    classifying: Option<(Classifier, ReportBuilder)>,
    stopped: Option<ImportError>,
}

impl Scan {
    fn take(&mut self, mut row: Row) -> ControlFlow<()> {
        row.cells.iter_mut().for_each(read_cell);
        if self.classifying.is_some() {
            return self.classify(row);
        }
        self.first_bytes += row.cells.iter().map(String::len).sum::<usize>();
        self.first_rows.push(row);
        if self.first_rows.len() < MAPPING_ROWS && self.first_bytes < MAPPING_BYTES {
            ControlFlow::Continue(())
        } else {
            self.begin()
        }
    }

    /// Decides the column mapping and classifies the rows collected so far.
    fn begin(&mut self) -> ControlFlow<()> {
        let rows = std::mem::take(&mut self.first_rows);
        let Some((rules, history)) = self.rules.take() else { return ControlFlow::Break(()) };
        let cells: Vec<Vec<String>> = rows.iter().map(stored_cells).collect();
        let variables = rules.wording.variables();
        let guess = Guess { rows: &cells, variables, meanings: &self.meanings, phone: self.phone };
        let chosen = self.mapping.take().filter(|mapping| mapping.values.len() == variables);
        let (mapping, phone_candidates) = match chosen {
            Some(mapping) => (mapping, Vec::new()),
            None => guess.mapping(),
        };
        let header_row = mapping.title_rows.min(cells.len());
        let above = if mapping.header { header_row + 1 } else { 0 };
        let header = cells.get(header_row).filter(|_| mapping.header).cloned().unwrap_or_default();
        let count = rejected_columns(&header);
        let own_columns = OwnColumns { start: header.len() - count, count };
        let width = cells.iter().map(Vec::len).max().unwrap_or(0).saturating_sub(count);
        let mut columns = header[..own_columns.start].to_vec();
        columns.resize(width.max(columns.len()), String::new());
        let titles = cells.iter().take(above.saturating_sub(1)).map(|row| row.join(" "));
        let report = Report {
            columns: report::clipped(&columns),
            titles: report::clipped(&titles.collect::<Vec<_>>()),
            first_rows: rows
                .iter()
                .skip(above)
                .take(FIRST_ROWS)
                .map(|row| report::clipped(&row.cells))
                .collect(),
            mapping: mapping.clone(),
            phone_candidates,
            width,
            ..std::mem::take(&mut self.report)
        };
        let classifier = Classifier::new(Rules { mapping, own_columns, ..rules }, history);
        self.classifying = Some((classifier, ReportBuilder::new(report)));
        rows.into_iter().skip(above).try_for_each(|row| self.classify(row))
    }

    fn classify(&mut self, row: Row) -> ControlFlow<()> {
        let Some((classifier, report)) = &mut self.classifying else {
            return ControlFlow::Break(());
        };
        if u32::try_from(report.rows()).is_ok_and(|rows| rows >= self.max_rows) {
            self.stopped = Some(ImportError::ManyRows(self.max_rows));
            return ControlFlow::Break(());
        }
        let classified = classifier.classify(row);
        report.add(&classified);
        self.progress.rows.store(report.rows(), Ordering::Relaxed);
        if self.lines.put(&classified.recipient) {
            ControlFlow::Continue(())
        } else {
            self.stopped = Some(ImportError::Discarded);
            ControlFlow::Break(())
        }
    }

    fn end(mut self) -> Result<Report, ImportError> {
        if self.classifying.is_none() && self.stopped.is_none() {
            let _ = self.begin();
        }
        if let Some(error) = self.stopped {
            return Err(error);
        }
        let report = self.classifying.map(|(_, report)| report.finish());
        let report = report.filter(|report| report.rows > 0).ok_or(TableError::Empty)?;
        self.lines.end();
        Ok(report)
    }
}
