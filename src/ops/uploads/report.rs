//! The report of an import: how the file was read, the number of rows by verdict, their billed
//! parts, and sample texts.

use std::collections::BTreeMap;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::classify::Classified;
use crate::domain::phone::Carrier;
use crate::domain::recipient::Verdict;
use crate::domain::upload::Mapping;
use crate::recipient_file::{Delimiter, Encoding};

/// Rows that are shown unchanged, for choosing the columns.
pub const FIRST_ROWS: usize = 5;
/// Sample texts that are chosen at random.
const RANDOM_SAMPLES: usize = 3;
/// The most characters of a cell that is shown.
const MAX_CELL_SHOWN: usize = 60;

/// How a person wants a file to be read. Missing options are detected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadOptions {
    /// The character encoding.
    pub encoding: Option<Encoding>,
    /// The character between columns.
    pub delimiter: Option<Delimiter>,
    /// The column mapping.
    pub mapping: Option<Mapping>,
}

/// A text that would be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Its line in the file, counted from 1.
    pub line: i32,
    /// Its recipient.
    pub phone: String,
    /// The values of the variables.
    pub params: Vec<String>,
    /// Characters, including the signature.
    pub length: usize,
    /// Billed parts.
    pub parts: usize,
}

/// Rows by the carrier that the prefix of the phone belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operators {
    /// China Mobile.
    pub cmcc: i64,
    /// China Telecom.
    pub ctcc: i64,
    /// China Unicom.
    pub cucc: i64,
    /// International phones, and prefixes that belong to no carrier.
    pub other: i64,
}

/// The report of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The character encoding; `None` for spreadsheets.
    pub encoding: Option<Encoding>,
    /// The character between columns; `None` for spreadsheets.
    pub delimiter: Option<Delimiter>,
    /// The name of the sheet; `None` for texts.
    pub sheet: Option<String>,
    /// The column mapping.
    pub mapping: Mapping,
    /// The names of the columns; empty where the file has none.
    pub columns: Vec<String>,
    /// The first rows as they are in the file, without the header.
    pub first_rows: Vec<Vec<String>>,
    /// The number of rows with a verdict.
    pub rows: i32,
    /// The number of rows by verdict.
    pub counts: BTreeMap<Verdict, i64>,
    /// Billed parts of rows that are ready.
    pub parts: i64,
    /// Billed parts of repeats.
    pub repeat_parts: i64,
    /// The number of rows that are ready and have more than one part.
    pub several_parts: i64,
    /// The number of rows that are ready, by carrier.
    pub operators: Operators,
    /// Whether all rows that may be sent have the same values.
    pub uniform: bool,
    /// The shortest text.
    pub shortest: Option<Sample>,
    /// The longest text.
    pub longest: Option<Sample>,
    /// Some texts, chosen at random.
    pub random: Vec<Sample>,
}

impl Report {
    /// Returns the number of rows with this verdict.
    pub fn count(&self, verdict: Verdict) -> i64 {
        self.counts.get(&verdict).copied().unwrap_or(0)
    }

    /// Returns the number of rows that would be sent, with or without repeats.
    pub fn going(&self, with_repeats: bool) -> i64 {
        let repeats = if with_repeats { self.count(Verdict::Repeat) } else { 0 };
        self.count(Verdict::Ready) + repeats
    }

    /// Returns the billed parts of the rows that would be sent.
    pub fn going_parts(&self, with_repeats: bool) -> i64 {
        self.parts + if with_repeats { self.repeat_parts } else { 0 }
    }
}

/// Builds a report, row by row.
#[derive(Debug)]
pub struct ReportBuilder {
    report: Report,
    first_params: Option<Vec<String>>,
}

impl ReportBuilder {
    /// Starts from a report that says how the file is read.
    pub fn new(report: Report) -> Self {
        Self { report: Report { uniform: true, ..report }, first_params: None }
    }

    /// Adds a row.
    pub fn add(&mut self, row: &Classified) {
        let report = &mut self.report;
        report.rows += 1;
        *report.counts.entry(row.recipient.verdict).or_default() += 1;
        let parts = i64::try_from(row.parts).unwrap_or(0);
        match row.recipient.verdict {
            Verdict::Ready => {
                report.parts += parts;
                report.several_parts += i64::from(parts > 1);
                self.add_sample(row);
                self.add_operator(&row.recipient.phone);
                self.compare_params(&row.recipient.params);
            }
            Verdict::Repeat => {
                report.repeat_parts += parts;
                self.compare_params(&row.recipient.params);
            }
            Verdict::WrongPhone
            | Verdict::WrongCountry
            | Verdict::MissingValue
            | Verdict::BadValue
            | Verdict::TooLong
            | Verdict::Duplicate
            | Verdict::Suppressed => {}
        }
    }

    fn compare_params(&mut self, params: &[String]) {
        match &self.first_params {
            None => self.first_params = Some(params.to_vec()),
            Some(first) if self.report.uniform => self.report.uniform = first == params,
            Some(_) => {}
        }
    }

    fn add_sample(&mut self, row: &Classified) {
        let report = &mut self.report;
        let shorter = report.shortest.as_ref().is_none_or(|shortest| row.length < shortest.length);
        let longer = report.longest.as_ref().is_none_or(|longest| row.length > longest.length);
        if shorter {
            report.shortest = Some(sample_of(row));
        }
        if longer {
            report.longest = Some(sample_of(row));
        }
        // Reservoir sampling: every row is chosen with the same probability.
        let ready = report.counts.get(&Verdict::Ready).copied().unwrap_or(1).max(1);
        if report.random.len() < RANDOM_SAMPLES {
            report.random.push(sample_of(row));
        } else if let Ok(index) = usize::try_from(rand::rng().random_range(0..ready))
            && index < RANDOM_SAMPLES
        {
            report.random[index] = sample_of(row);
        }
    }

    fn add_operator(&mut self, phone: &str) {
        let operators = &mut self.report.operators;
        let operator = Carrier::of(phone);
        *match operator {
            Some(Carrier::Cmcc) => &mut operators.cmcc,
            Some(Carrier::Ctcc) => &mut operators.ctcc,
            Some(Carrier::Cucc) => &mut operators.cucc,
            None => &mut operators.other,
        } += 1;
    }

    /// Returns the number of rows so far.
    pub fn rows(&self) -> i32 {
        self.report.rows
    }

    /// Returns the finished report.
    pub fn finish(mut self) -> Report {
        self.report.random.sort_by_key(|sample| sample.line);
        self.report
    }
}

fn sample_of(row: &Classified) -> Sample {
    Sample {
        line: row.recipient.position,
        phone: row.recipient.phone.clone(),
        params: row.recipient.params.clone(),
        length: row.length,
        parts: row.parts,
    }
}

/// Clips the cells of a row for display.
pub fn clipped(cells: &[String]) -> Vec<String> {
    cells.iter().map(|cell| cell.chars().take(MAX_CELL_SHOWN).collect()).collect()
}
