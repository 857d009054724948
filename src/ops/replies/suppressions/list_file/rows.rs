//! Rows: which phones one has, or why it is not understood.

use std::collections::HashSet;

use super::cells::{CELL_LENGTH, has_several, may_be_phone, written};
use super::sheet::Sheet;
use super::survey::{PhoneColumn, Survey};
use crate::domain::phone::{Phone, PhoneProblem};
use crate::domain::sending::cell;
use crate::domain::sending::upload::names_phone;
use crate::recipient_file::Row;

/// Why a row is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowProblem {
    /// Its phone is none that can be sent to.
    Phone(PhoneProblem),
    /// It has several phones, and it is not clear which are meant.
    Several,
    /// It has no phone.
    NoPhone,
}

impl RowProblem {
    /// Returns the key of its text.
    pub fn text_key(self) -> String {
        match self {
            Self::Phone(problem) => format!("phone-problem-{}", problem.key()),
            Self::Several => "suppression-row-several".to_owned(),
            Self::NoPhone => "suppression-row-no-phone".to_owned(),
        }
    }
}

/// A row that is not understood.
#[derive(Debug, Clone)]
pub struct WrongRow {
    /// The number of its sheet, from 0.
    pub sheet: usize,
    /// Its line in the sheet, from 1.
    pub line: i32,
    /// The cells that were read, as they are written.
    pub written: String,
    /// All cells of the file's own, as they can be uploaded again.
    pub cells: Vec<String>,
    /// Why it is not understood.
    pub problem: RowProblem,
}

impl WrongRow {
    /// Returns the row with as much of its cells as a page shows.
    pub(super) fn clipped(mut self) -> Self {
        for cell in &mut self.cells {
            if let Some((end, _)) = cell.char_indices().nth(CELL_LENGTH) {
                *cell = format!("{}…", &cell[..end]);
            }
        }
        self
    }

    /// Returns how many bytes its cells have.
    pub fn bytes(&self) -> usize {
        self.cells.iter().map(String::len).sum()
    }
}

/// How the rows of a sheet are read.
pub(super) struct RowRules<'a> {
    pub(super) sheet: &'a Sheet,
    /// The columns of the phones.
    pub(super) columns: Vec<usize>,
    /// Columns that certainly have something else: a person did not choose them, or they are named so.
    others: HashSet<usize>,
}

impl<'a> RowRules<'a> {
    /// Returns the rules of a sheet; `number` is its number.
    pub(super) fn new(
        survey: &Survey,
        sheet: &'a Sheet,
        number: usize,
        columns: &[PhoneColumn],
        is_guessed: bool,
    ) -> Self {
        let of_sheet = columns.iter().filter(|column| column.sheet == number);
        let columns: Vec<usize> = of_sheet.map(|column| column.index).collect();
        let is_declined =
            |index: usize| !is_guessed && sheet.choices.iter().any(|choice| choice.index == index);
        let is_other = |index: &usize| {
            let name = sheet.name_of(*index);
            sheet.is_added(*index) || is_declined(*index) || !name.is_empty() && !names_phone(name)
        };
        let all = 0..sheet.width.max(sheet.names.len());
        let others = if survey.is_list { HashSet::new() } else { all.filter(is_other).collect() };
        Self { sheet, columns, others }
    }

    /// Returns the phones of a row.
    pub(super) fn phones(&self, row: &Row) -> Result<Vec<Phone>, RowProblem> {
        let mut phones = Vec::new();
        for column in &self.columns {
            let written = written(row, *column);
            if written.is_empty() {
                continue;
            }
            match Phone::parse(written) {
                Ok(phone) => phones.push(phone),
                Err(_) if has_several(written) => return Err(RowProblem::Several),
                Err(problem) => return Err(RowProblem::Phone(problem)),
            }
        }
        if phones.is_empty() {
            return Err(RowProblem::NoPhone);
        }
        let mut further = (0..row.cells.len())
            .filter(|column| !self.columns.contains(column) && !self.others.contains(column))
            .map(|column| written(row, column));
        let is_further = |cell: &str| {
            may_be_phone(cell) && !Phone::parse(cell).is_ok_and(|phone| phones.contains(&phone))
        };
        if further.any(is_further) { Err(RowProblem::Several) } else { Ok(phones) }
    }

    /// Returns a row that is not understood.
    pub(super) fn wrong_row(&self, number: usize, row: &Row, problem: RowProblem) -> WrongRow {
        let read: Vec<&str> = self
            .columns
            .iter()
            .map(|column| written(row, *column))
            .filter(|cell| !cell.is_empty())
            .collect();
        // As typed, the phone as it is stored. Without the apostrophe that a file gets when it is
        // written, so that it does not grow.
        let cell = |column: usize| {
            let is_phone = self.columns.contains(&column);
            cell::read(if is_phone { row.stored_cell(column) } else { row.cell(column) }).to_owned()
        };
        let cells = (0..row.cells.len()).filter(|column| !self.sheet.is_added(*column)).map(cell);
        WrongRow {
            sheet: number,
            line: row.line,
            written: read.join(", ").chars().take(CELL_LENGTH).collect(),
            cells: cells.collect(),
            problem,
        }
    }
}
