//! The report of an import: how the file was read, the number of rows by verdict, their billed
//! parts, and sample texts.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::classify::{Classified, SetAside};
use crate::domain::phone::{Carrier, country_of};
use crate::domain::sending::price::{Estimate, HOME, PriceKind, PriceList};
use crate::domain::sending::recipient::Verdict;
use crate::domain::sending::upload::Mapping;
use crate::recipient_file::{Delimiter, Encoding, Sheet};

/// Rows that are shown unchanged, for choosing the columns.
pub const FIRST_ROWS: usize = 5;
/// Sample texts that are chosen at random.
const RANDOM_SAMPLES: usize = 3;
/// Examples of numbers of which it is not certain how they are shown.
const UNCLEAR_EXAMPLES: usize = 3;
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
    /// The column of the phone, from 0, chosen from several; the rest of the mapping is guessed.
    pub phone: Option<usize>,
    /// The name of the sheet.
    pub sheet: Option<String>,
    /// Whether hidden rows and columns are read as well.
    pub hidden: bool,
    /// Whether values such as `null` or `#N/A` are sent.
    pub placeholders: bool,
    /// Columns, from 0, whose numbers are sent as they are stored, though it is not certain how the
    /// spreadsheet shows them.
    pub as_stored: BTreeSet<usize>,
    /// Whether a spreadsheet of before 2007 is read, though its number formats and hidden rows are
    /// not known.
    pub old_spreadsheet: bool,
}

/// Something that a person has to answer before anything can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Which of these columns, from 0, has the phones.
    Phone(Vec<usize>),
    /// Whether a spreadsheet of before 2007 is as the console reads it.
    OldSpreadsheet,
}

/// A column with numbers of which it is not certain how the spreadsheet shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnclearColumn {
    /// The number of rows.
    pub rows: i64,
    /// Some of the numbers as they are stored, with their lines.
    pub examples: Vec<(i32, String)>,
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
pub struct CarrierCounts {
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
    /// All sheets of a spreadsheet.
    #[serde(default)]
    pub sheets: Vec<Sheet>,
    /// The number of hidden rows in the sheet.
    #[serde(default)]
    pub hidden_rows: i32,
    /// The number of hidden columns in the sheet.
    #[serde(default)]
    pub hidden_columns: i32,
    /// Whether it is a spreadsheet of before 2007 that nobody has accepted yet.
    #[serde(default)]
    pub old_spreadsheet: bool,
    /// The columns, from 0, one of which has the phones; empty if there is no doubt.
    #[serde(default)]
    pub phone_candidates: Vec<usize>,
    /// Columns, from 0, whose rows are not sent because it is not certain how the spreadsheet shows
    /// their numbers.
    #[serde(default)]
    pub unclear: BTreeMap<usize, UnclearColumn>,
    /// The number of rows that are not sent because of a value such as `null`.
    #[serde(default)]
    pub placeholders: i64,
    /// The number of values to be sent that carriers may block or phones not show, by problem.
    #[serde(default)]
    pub warnings: BTreeMap<String, i64>,
    /// The column mapping.
    pub mapping: Mapping,
    /// The rows above the header.
    #[serde(default)]
    pub titles: Vec<String>,
    /// The number of cells of the longest row.
    #[serde(default)]
    pub width: usize,
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
    /// Billed parts by country, of rows abroad that are ready.
    #[serde(default)]
    pub parts_abroad: BTreeMap<String, i64>,
    /// Billed parts by country, of repeats abroad.
    #[serde(default)]
    pub repeat_parts_abroad: BTreeMap<String, i64>,
    /// The number of rows that are ready and have more than one part.
    pub several_parts: i64,
    /// The number of rows that are ready, by carrier.
    #[serde(alias = "operators")]
    pub carriers: CarrierCounts,
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

    /// Returns what a person has to answer before anything can be sent.
    pub fn question(&self) -> Option<Question> {
        if self.old_spreadsheet {
            Some(Question::OldSpreadsheet)
        } else if self.phone_candidates.is_empty() {
            None
        } else {
            Some(Question::Phone(self.phone_candidates.clone()))
        }
    }

    /// Returns the number of rows whose phone is the result of a formula.
    pub fn unclear_phones(&self) -> i64 {
        self.unclear.get(&self.mapping.phone).map_or(0, |unclear| unclear.rows)
    }

    /// Returns the number of rows with a value of which it is not certain how it is shown.
    pub fn unclear_values(&self) -> i64 {
        let all: i64 = self.unclear.values().map(|unclear| unclear.rows).sum();
        all - self.unclear_phones()
    }

    /// Returns the number of rows that would be sent, with or without repeats.
    pub fn going(&self, with_repeats: bool) -> i64 {
        let repeats = if with_repeats { self.count(Verdict::Repeat) } else { 0 };
        self.count(Verdict::Ready) + repeats
    }

    /// Returns the rows that are shown as they would be sent.
    pub fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.shortest.iter().chain(&self.longest).chain(&self.random)
    }

    /// Returns the billed parts of the rows that would be sent.
    pub fn going_parts(&self, with_repeats: bool) -> i64 {
        self.parts + if with_repeats { self.repeat_parts } else { 0 }
    }

    /// Returns what the rows that would be sent cost.
    pub fn estimate(&self, prices: &PriceList, kind: PriceKind, with_repeats: bool) -> Estimate {
        let mut countries = self.parts_abroad.clone();
        if with_repeats {
            for (country, parts) in &self.repeat_parts_abroad {
                *countries.entry(country.clone()).or_default() += parts;
            }
        }
        // At home, or of a file that was read before countries were counted.
        let others = self.going_parts(with_repeats) - countries.values().sum::<i64>();
        if others > 0 {
            let country = if kind == PriceKind::International { "" } else { HOME };
            countries.insert(country.to_owned(), others);
        }
        prices.estimate(kind, countries)
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
        report.width = report.width.max(row.width);
        for problem in &row.warnings {
            *report.warnings.entry(problem.key().to_owned()).or_default() += 1;
        }
        match &row.set_aside {
            Some(SetAside::Placeholder) => report.placeholders += 1,
            Some(SetAside::Unclear { column, stored }) => {
                let unclear = report.unclear.entry(*column).or_default();
                unclear.rows += 1;
                if unclear.examples.len() < UNCLEAR_EXAMPLES {
                    let example = stored.chars().take(MAX_CELL_SHOWN).collect();
                    unclear.examples.push((row.recipient.position, example));
                }
            }
            None => {}
        }
        *report.counts.entry(row.recipient.verdict).or_default() += 1;
        let parts = i64::try_from(row.parts).unwrap_or(0);
        match row.recipient.verdict {
            Verdict::Ready => {
                report.parts += parts;
                add_parts(&mut report.parts_abroad, &row.recipient.phone, parts);
                report.several_parts += i64::from(parts > 1);
                self.add_sample(row);
                self.add_operator(&row.recipient.phone);
                self.compare_params(&row.recipient.params);
            }
            Verdict::Repeat => {
                report.repeat_parts += parts;
                add_parts(&mut report.repeat_parts_abroad, &row.recipient.phone, parts);
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
        let carriers = &mut self.report.carriers;
        let operator = Carrier::of(phone);
        *match operator {
            Some(Carrier::Cmcc) => &mut carriers.cmcc,
            Some(Carrier::Ctcc) => &mut carriers.ctcc,
            Some(Carrier::Cucc) => &mut carriers.cucc,
            None => &mut carriers.other,
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

/// Adds the parts of a row to those of its country, unless it is at home.
fn add_parts(abroad: &mut BTreeMap<String, i64>, phone: &str, parts: i64) {
    let country = country_of(phone);
    if country == HOME {
        return;
    }
    match abroad.get_mut(country) {
        Some(sum) => *sum += parts,
        None => {
            abroad.insert(country.to_owned(), parts);
        }
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

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::domain::sending::price::Price;

    fn prices() -> PriceList {
        let price = |kind, country: &str, price| Price {
            kind,
            country: country.to_owned(),
            valid_from: date!(2026 - 01 - 01),
            price: Some(price),
        };
        [price(PriceKind::Notice, "", 450), price(PriceKind::International, "60", 3_000)]
            .into_iter()
            .collect()
    }

    #[test]
    fn repeats_abroad_cost_something_only_if_they_are_sent() {
        let report = Report {
            parts: 2,
            repeat_parts: 3,
            parts_abroad: [("60".to_owned(), 2)].into(),
            repeat_parts_abroad: [("60".to_owned(), 1), ("65".to_owned(), 2)].into(),
            ..Report::default()
        };
        let estimate = |repeats| report.estimate(&prices(), PriceKind::International, repeats);
        assert_eq!(estimate(false).known_cost(), 6_000);
        assert_eq!(estimate(true).known_cost(), 9_000);
        assert_eq!(estimate(true).unpriced(), ["65"]);
    }

    #[test]
    fn a_file_read_before_countries_were_counted_costs_the_price_of_all_others() {
        let report = Report { parts: 2, ..Report::default() };
        let at_home = report.estimate(&prices(), PriceKind::Notice, false);
        assert_eq!((at_home.known_cost(), at_home.same_price()), (900, Some(450)));
        let abroad = report.estimate(&prices(), PriceKind::International, false);
        assert_eq!(abroad.unpriced(), [""]);
    }
}
