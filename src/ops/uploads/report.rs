//! What was found in a file: how it was read, how many rows have which verdict, what they cost, and
//! how some of them will read.

use std::collections::BTreeMap;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::classify::Classified;
use crate::domain::phone::Operator;
use crate::domain::recipient::Verdict;
use crate::domain::upload::Mapping;
use crate::recipient_file::{Delimiter, Encoding};

/// Rows shown as they are written, to choose columns by.
pub const FIRST_ROWS: usize = 5;
/// Texts shown that were drawn by lot.
const RANDOM: usize = 3;
/// A cell that is shown has no more letters.
const CELL_SHOWN: usize = 60;

/// How a person wants a file read; what is missing is found out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadOptions {
    /// How letters are written.
    pub encoding: Option<Encoding>,
    /// What stands between columns.
    pub delimiter: Option<Delimiter>,
    /// Which column is what.
    pub mapping: Option<Mapping>,
}

/// How a text reads that will be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Its line in the file.
    pub line: i32,
    /// To whom.
    pub phone: String,
    /// The values of the variables.
    pub params: Vec<String>,
    /// Characters, signature included.
    pub length: usize,
    /// Billed pieces.
    pub parts: usize,
}

/// Rows and parts by the operator that the phone's prefix belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operators {
    /// China Mobile.
    pub cmcc: i64,
    /// China Telecom.
    pub ctcc: i64,
    /// China Unicom.
    pub cucc: i64,
    /// Phones abroad and prefixes of nobody.
    pub other: i64,
}

/// What was found in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How letters are written; none in spreadsheets.
    pub encoding: Option<Encoding>,
    /// What stands between columns; none in spreadsheets.
    pub delimiter: Option<Delimiter>,
    /// The sheet that was read; none in texts.
    pub sheet: Option<String>,
    /// Which column is what.
    pub mapping: Mapping,
    /// The names of the columns, as far as there are any.
    pub columns: Vec<String>,
    /// The first rows as they are written, without the header.
    pub first_rows: Vec<Vec<String>>,
    /// Rows with a verdict.
    pub rows: i32,
    /// How many rows have which verdict.
    pub counts: BTreeMap<Verdict, i64>,
    /// Billed pieces of the ready.
    pub parts: i64,
    /// Billed pieces of the repeats.
    pub repeat_parts: i64,
    /// Of the ready, those with more than one part.
    pub several_parts: i64,
    /// The ready by operator.
    pub operators: Operators,
    /// Whether all that may be sent carry the same values.
    pub uniform: bool,
    /// The shortest text.
    pub shortest: Option<Sample>,
    /// The longest text.
    pub longest: Option<Sample>,
    /// Some texts drawn by lot.
    pub random: Vec<Sample>,
}

impl Report {
    /// How many rows have a verdict.
    pub fn count(&self, verdict: Verdict) -> i64 {
        self.counts.get(&verdict).copied().unwrap_or(0)
    }

    /// How many are sent to, with the repeats or without.
    pub fn going(&self, with_repeats: bool) -> i64 {
        let repeats = if with_repeats { self.count(Verdict::Repeat) } else { 0 };
        self.count(Verdict::Ready) + repeats
    }

    /// Their billed pieces.
    pub fn going_parts(&self, with_repeats: bool) -> i64 {
        self.parts + if with_repeats { self.repeat_parts } else { 0 }
    }
}

/// Adds up rows as they are judged.
#[derive(Debug)]
pub struct ReportBuilder {
    report: Report,
    common: Option<Vec<String>>,
}

impl ReportBuilder {
    /// Nothing yet, of a file that is read in this way.
    pub fn new(report: Report) -> Self {
        Self { report: Report { uniform: true, ..report }, common: None }
    }

    /// Counts a row.
    pub fn count(&mut self, judged: &Classified) {
        let report = &mut self.report;
        report.rows += 1;
        *report.counts.entry(judged.recipient.verdict).or_default() += 1;
        let parts = i64::try_from(judged.parts).unwrap_or(0);
        match judged.recipient.verdict {
            Verdict::Ready => {
                report.parts += parts;
                report.several_parts += i64::from(parts > 1);
                self.sample(judged);
                self.operator(&judged.recipient.phone);
                self.compare(&judged.recipient.params);
            }
            Verdict::Repeat => {
                report.repeat_parts += parts;
                self.compare(&judged.recipient.params);
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

    fn compare(&mut self, params: &[String]) {
        match &self.common {
            None => self.common = Some(params.to_vec()),
            Some(common) if self.report.uniform => self.report.uniform = common == params,
            Some(_) => {}
        }
    }

    fn sample(&mut self, judged: &Classified) {
        let report = &mut self.report;
        let shorter = report.shortest.as_ref().is_none_or(|one| judged.length < one.length);
        let longer = report.longest.as_ref().is_none_or(|one| judged.length > one.length);
        if shorter {
            report.shortest = Some(sample_of(judged));
        }
        if longer {
            report.longest = Some(sample_of(judged));
        }
        // Each row has the same chance to be among those that are kept.
        let ready = report.counts.get(&Verdict::Ready).copied().unwrap_or(1).max(1);
        if report.random.len() < RANDOM {
            report.random.push(sample_of(judged));
        } else if let Ok(place) = usize::try_from(rand::rng().random_range(0..ready))
            && place < RANDOM
        {
            report.random[place] = sample_of(judged);
        }
    }

    fn operator(&mut self, phone: &str) {
        let operators = &mut self.report.operators;
        let operator = Operator::of(phone);
        *match operator {
            Some(Operator::Cmcc) => &mut operators.cmcc,
            Some(Operator::Ctcc) => &mut operators.ctcc,
            Some(Operator::Cucc) => &mut operators.cucc,
            None => &mut operators.other,
        } += 1;
    }

    /// Rows so far.
    pub fn rows(&self) -> i32 {
        self.report.rows
    }

    /// All of it.
    pub fn end(mut self) -> Report {
        self.report.random.sort_by_key(|one| one.line);
        self.report
    }
}

fn sample_of(judged: &Classified) -> Sample {
    Sample {
        line: judged.recipient.position,
        phone: judged.recipient.phone.clone(),
        params: judged.recipient.params.clone(),
        length: judged.length,
        parts: judged.parts,
    }
}

/// A row as it is shown to choose columns by.
pub fn shown(cells: &[String]) -> Vec<String> {
    cells.iter().map(|cell| cell.chars().take(CELL_SHOWN).collect()).collect()
}
