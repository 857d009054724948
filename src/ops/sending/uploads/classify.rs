//! Classifying rows: every row of a recipient list gets its verdict.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::domain::phone::Phone;
use crate::domain::sending::outgoing::{self, TextSize, TooLong, Wording};
use crate::domain::sending::recipient::{Recipient, Verdict};
use crate::domain::sending::upload::Mapping;
use crate::domain::text::{self, ParamProblem};
use crate::ops::erasure::ErasedOptOuts;
use crate::recipient_file::Row;

/// Characters of an invalid phone that are kept.
const MAX_PHONE_SHOWN: usize = 40;

/// The suppressions that apply to a batch, and who was sent the template within the last day or is about to
/// be. Compact enough for a million of each.
#[derive(Debug, Default)]
pub struct SendHistory {
    suppressed: HashSet<u64>,
    sent: HashSet<(u64, u64)>,
    /// Phones that had opted out before their data was erased.
    erased: Option<ErasedOptOuts>,
    hasher: RandomState,
}

impl SendHistory {
    /// Adds a suppressed phone.
    pub fn add_suppressed(&mut self, phone: &str) {
        self.suppressed.insert(packed(phone));
    }

    /// Sets the opt-outs of phones whose data was erased.
    pub fn set_erased(&mut self, erased: Option<ErasedOptOuts>) {
        self.erased = erased;
    }

    fn has_opted_out(&self, number: u64, phone: &Phone) -> bool {
        self.suppressed.contains(&number)
            || self.erased.as_ref().is_some_and(|erased| erased.contains(phone.as_str()))
    }

    /// Adds a phone that was sent these values within the last day, or is about to be.
    pub fn add_sent(&mut self, phone: &str, params: &[String]) {
        let values = self.hasher.hash_one(params);
        self.sent.insert((packed(phone), values));
    }

    fn was_sent(&self, phone: u64, params: &[String]) -> bool {
        !self.sent.is_empty() && self.sent.contains(&(phone, self.hasher.hash_one(params)))
    }
}

/// Packs a phone into a number: its digits, and in the highest byte the length of its country code.
/// Different phones have different numbers: 15 digits, the most of a phone, need less than 50 bits.
fn packed(phone: &str) -> u64 {
    let country_length = phone.find(')').map_or(0, |end| end as u64);
    let digits = phone.bytes().filter(u8::is_ascii_digit);
    let number =
        digits.fold(0u64, |sum, digit| sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
    number | (country_length << 56)
}

/// What the rows of a list are classified by.
#[derive(Debug)]
pub struct Rules {
    /// The signature and the template.
    pub wording: Wording,
    /// The column mapping.
    pub mapping: Mapping,
    /// Whether values such as `null` are sent.
    pub placeholders: bool,
    /// Columns whose numbers are sent as they are stored.
    pub as_stored: BTreeSet<usize>,
    /// The number of last columns that are not the file's own.
    pub own_columns: OwnColumns,
}

/// The columns that a file of rejected rows adds to those of the uploaded file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnColumns {
    /// Where they begin, from 0.
    pub start: usize,
    /// How many they are.
    pub count: usize,
}

/// A row with its verdict and the size of its text.
#[derive(Debug)]
pub struct Classified {
    /// The row and its verdict.
    pub recipient: Recipient,
    /// Characters of the text; 0 for a rejected row.
    pub length: usize,
    /// Billed parts; 0 for a rejected row.
    pub parts: usize,
    /// The number of cells.
    pub width: usize,
    /// Problems of its values that do not keep it from being sent.
    pub warnings: BTreeSet<ParamProblem>,
    /// Why it is not sent unless a person says otherwise.
    pub set_aside: Option<SetAside>,
}

/// Why a row is not sent unless a person says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetAside {
    /// A value looks like one that is missing.
    Placeholder,
    /// It is not certain how the spreadsheet shows a number.
    Unclear {
        /// Its column, from 0.
        column: usize,
        /// The number as it is stored.
        stored: String,
    },
}

/// Classifies the rows of a list in the order of the file.
#[derive(Debug)]
pub struct Classifier {
    rules: Rules,
    history: SendHistory,
    seen: HashSet<u64>,
    /// The text of the row before; each is written into the same memory.
    full_text: String,
}

impl Classifier {
    /// Returns a classifier that has seen no row yet.
    pub fn new(rules: Rules, history: SendHistory) -> Self {
        Self { rules, history, seen: HashSet::new(), full_text: String::new() }
    }

    /// Returns the verdict on a row. Of several rows with the same phone, the first that could be
    /// sent counts.
    pub fn classify(&mut self, mut row: Row) -> Classified {
        self.remove_own_columns(&mut row.cells);
        let width = row.cells.len();
        if self.is_recomputed_phone(&row) {
            let (column, stored) =
                (self.rules.mapping.phone, row.stored_cell(self.rules.mapping.phone));
            let set_aside = Some(SetAside::Unclear { column, stored: stored.to_owned() });
            let rejected = rejected(row, Verdict::WrongPhone, "computed".to_owned(), self);
            return Classified { set_aside, ..rejected };
        }
        let phone = match Phone::parse(row.stored_cell(self.rules.mapping.phone)) {
            Ok(phone) => phone,
            Err(problem) => {
                return rejected(row, Verdict::WrongPhone, problem.key().to_owned(), self);
            }
        };
        if !self.rules.wording.reaches(&phone) {
            return rejected(row, Verdict::WrongCountry, String::new(), self);
        }
        if let Some((index, column)) = self.unclear_value(&row) {
            let stored = row.cell(column).to_owned();
            let detail = format!("{}:unclear", index + 1);
            let rejected = rejected(row, Verdict::BadValue, detail, self);
            let set_aside = Some(SetAside::Unclear { column, stored });
            return Classified { set_aside, ..rejected };
        }
        let columns = &self.rules.mapping.values;
        let params: Vec<String> = columns
            .iter()
            .map(|column| outgoing::value(column.map_or("", |column| row.cell(column))).to_owned())
            .collect();
        let purpose = self.rules.wording.template().purpose;
        let mut warnings = BTreeSet::new();
        for (index, value) in params.iter().enumerate() {
            let Some(problem) = text::param_problem(value, purpose) else { continue };
            let is_placeholder = problem == ParamProblem::Placeholder;
            if !problem.blocks() && (!is_placeholder || self.rules.placeholders) {
                warnings.insert(problem);
                continue;
            }
            let verdict = match problem {
                ParamProblem::Empty => Verdict::MissingValue,
                _ => Verdict::BadValue,
            };
            let detail = format!("{}:{}", index + 1, problem.key());
            let set_aside = is_placeholder.then_some(SetAside::Placeholder);
            return Classified { set_aside, ..rejected(row, verdict, detail, self) };
        }
        let TextSize { length, parts } =
            match self.rules.wording.size_in(&mut self.full_text, &params) {
                Ok(size) => size,
                Err(TooLong(length)) => {
                    return rejected(row, Verdict::TooLong, length.to_string(), self);
                }
            };
        let number = packed(phone.as_str());
        if self.history.has_opted_out(number, &phone) {
            return rejected(row, Verdict::Suppressed, String::new(), self);
        }
        if !self.seen.insert(number) {
            return rejected(row, Verdict::Duplicate, String::new(), self);
        }
        let repeat = self.history.was_sent(number, &params);
        let recipient = Recipient {
            position: row.line,
            verdict: if repeat { Verdict::Repeat } else { Verdict::Ready },
            phone: phone.into_string(),
            params,
            detail: String::new(),
            cells: repeat.then(|| self.as_written(row)),
        };
        Classified { recipient, length, parts, width, warnings, set_aside: None }
    }

    /// Removes the columns that a file of rejected rows has added.
    fn remove_own_columns(&self, cells: &mut Vec<String>) {
        let OwnColumns { start, count } = self.rules.own_columns;
        let end = (start + count).min(cells.len());
        if start < end {
            cells.drain(start..end);
        }
    }

    /// Returns whether the phone is the result of a formula that Excel computes anew.
    fn is_recomputed_phone(&self, row: &Row) -> bool {
        let phone = self.rules.mapping.phone;
        row.recomputed.contains(&phone) && !self.rules.as_stored.contains(&phone)
    }

    /// Returns the first variable with a number of which it is not certain how it is shown, and its
    /// column.
    fn unclear_value(&self, row: &Row) -> Option<(usize, usize)> {
        if row.unclear.is_empty() {
            return None;
        }
        let columns = self.rules.mapping.values.iter().enumerate();
        columns.filter_map(|(index, column)| Some((index, (*column)?))).find(|(_, column)| {
            row.unclear.contains(column) && !self.rules.as_stored.contains(column)
        })
    }

    /// Returns the cells of a row as they can be uploaded again: as they are shown, but the phone as
    /// it is stored.
    fn as_written(&self, row: Row) -> Vec<String> {
        let phone = self.rules.mapping.phone;
        let stored = row.stored_cell(phone).to_owned();
        let mut cells = row.cells;
        if let Some(cell) = cells.get_mut(phone) {
            *cell = stored;
        }
        cells
    }
}

/// Returns a row that is not sent, with its verdict.
fn rejected(row: Row, verdict: Verdict, detail: String, classifier: &Classifier) -> Classified {
    let written = row.stored_cell(classifier.rules.mapping.phone);
    let phone: String = written.chars().filter(|c| !c.is_control()).take(MAX_PHONE_SHOWN).collect();
    let width = row.cells.len();
    let recipient = Recipient {
        position: row.line,
        verdict,
        phone,
        params: Vec::new(),
        detail,
        cells: Some(classifier.as_written(row)),
    };
    let warnings = BTreeSet::new();
    Classified { recipient, length: 0, parts: 0, width, warnings, set_aside: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{SignatureId, TemplateId};
    use crate::domain::review::Purpose;
    use crate::domain::sending::outgoing::OutgoingTemplate;
    use proptest::prelude::*;

    fn classifier(history: SendHistory) -> Classifier {
        let rules = Rules {
            wording: Wording::of_draft(
                Some(SignatureId(1)),
                "云帆书店".to_owned(),
                OutgoingTemplate {
                    id: TemplateId(1),
                    text: "{1}您好，余额{2}元。".to_owned(),
                    added_opt_out: String::new(),
                    purpose: Purpose::Notice,
                    international: false,
                },
            ),
            mapping: Mapping { values: vec![Some(1), Some(2)], ..Mapping::default() },
            placeholders: false,
            as_stored: BTreeSet::new(),
            own_columns: OwnColumns::default(),
        };
        Classifier::new(rules, history)
    }

    fn row(line: i32, cells: &[&str]) -> Row {
        Row::new(line, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn every_row_gets_a_verdict_with_its_detail() {
        let mut history = SendHistory::default();
        history.add_suppressed("18500000009");
        history.add_sent("18500000008", &["李".to_owned(), "5".to_owned()]);
        let mut classifier = classifier(history);
        let long = "字".repeat(490);
        let rows: [(&[&str], Verdict, &str); 12] = [
            (&["1.38E+10", "李", "5"], Verdict::WrongPhone, "spreadsheet"),
            (&["010-12345678", "李", "5"], Verdict::WrongPhone, "landline"),
            (&["(60)123456789", "李", "5"], Verdict::WrongCountry, ""),
            (&["18500000001", "", "5"], Verdict::MissingValue, "1:empty"),
            (&["18500000001", "李"], Verdict::MissingValue, "2:empty"),
            (&["18500000001", "李", "【5】"], Verdict::BadValue, "2:brackets"),
            (&["18500000001", &long, "5"], Verdict::TooLong, "504"),
            (&["+86 185-0000-0001", "李", "5"], Verdict::Ready, ""),
            (&["18500000001", "韩", "6"], Verdict::Duplicate, ""),
            (&["18500000009", "李", "5"], Verdict::Suppressed, ""),
            (&["18500000008", "李", "5"], Verdict::Repeat, ""),
            (&["18500000007", "李", "5"], Verdict::Ready, ""),
        ];
        for (n, (cells, verdict, detail)) in rows.into_iter().enumerate() {
            let classified = classifier.classify(row(i32::try_from(n).unwrap(), cells)).recipient;
            assert_eq!(
                (classified.verdict, classified.detail.as_str()),
                (verdict, detail),
                "{cells:?}"
            );
            assert_eq!(classified.cells.is_none(), verdict == Verdict::Ready);
        }
    }

    #[test]
    fn other_values_to_the_same_phone_are_not_a_repeat() {
        let mut history = SendHistory::default();
        history.add_sent("18500000008", &["李".to_owned(), "5".to_owned()]);
        let classified = classifier(history).classify(row(1, &["18500000008", "李", "6"]));
        assert_eq!(classified.recipient.verdict, Verdict::Ready);
    }

    proptest! {
        #[test]
        fn different_phones_pack_to_different_numbers(
            digits in "[1-9]{8,15}", codes in proptest::array::uniform2(0_usize..4),
            changed in proptest::option::of(0_usize..8),
        ) {
            let mut other = digits.clone().into_bytes();
            if let Some(index) = changed {
                other[index] = if other[index] == b'9' { b'1' } else { other[index] + 1 };
            }
            let other = String::from_utf8(other).unwrap();
            let spelled = |digits: &str, code: usize| match code {
                0 => digits.to_owned(),
                code => format!("({}){}", &digits[..code], &digits[code..]),
            };
            let (phone, other) = (spelled(&digits, codes[0]), spelled(&other, codes[1]));
            prop_assert_eq!(phone == other, packed(&phone) == packed(&other), "{} {}", phone, other);
        }

        #[test]
        fn a_row_is_sent_as_it_is_written_or_kept_with_what_is_wrong(
            phone in "1850000[0-9]{4}|\\PC{0,12}",
            values in proptest::collection::vec("[一-龥a-z0-9]{1,5}|\\PC{0,20}", 0..3),
        ) {
            let cells: Vec<String> = std::iter::once(phone).chain(values).collect();
            let Classified { recipient, length, parts, .. } =
                classifier(SendHistory::default()).classify(Row::new(1, cells.clone()));
            if recipient.verdict == Verdict::Ready {
                prop_assert_eq!(Phone::parse(&cells[0]).map(Phone::into_string), Ok(recipient.phone));
                let trimmed: Vec<&str> = cells[1..].iter().map(|cell| cell.trim()).collect();
                prop_assert_eq!(recipient.params, trimmed);
                prop_assert!(recipient.cells.is_none() && length > 0 && parts > 0);
            } else {
                prop_assert_eq!(recipient.cells, Some(cells));
                prop_assert!(recipient.params.is_empty() && (length, parts) == (0, 0));
            }
        }
    }
}
