//! A sheet of a file, and which of its columns may have the phones.

use crate::domain::sending::upload::{Guess, looks_like_phone, names_phone, rejected_columns};

/// Examples of a column's cells.
const EXAMPLES: usize = 3;

/// A sheet, as its first rows show it.
#[derive(Debug, Default)]
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// The rows that are not empty.
    pub rows: u32,
    /// The columns that may have the phones: one, or several to choose from.
    pub candidates: Vec<usize>,
    /// The columns that a person can choose instead.
    pub choices: Vec<Choice>,
    /// The rows above the phones: titles and the header.
    pub(super) above: u32,
    /// The names of the columns.
    pub(super) names: Vec<String>,
    /// The columns behind `names` that a file of rejected rows has added.
    pub(super) added_columns: usize,
    /// The number of cells of the longest row.
    pub(super) width: usize,
    /// Whether a cell has a phone.
    pub(super) has_phones: bool,
    /// Whether a cell may be a phone with a typing error.
    pub(super) has_numbers: bool,
    /// Whether all cells look like phones, or several of them.
    pub(super) only_phones: bool,
    /// Whether a cell has several entries.
    pub(super) has_entries: bool,
}

/// A column that can be chosen.
#[derive(Debug)]
pub struct Choice {
    /// The column, from 0.
    pub index: usize,
    /// Its name; empty if it has none.
    pub name: String,
    /// Some of its cells.
    pub examples: Vec<String>,
}

impl Sheet {
    /// Returns the name of a column; empty if it has none.
    pub(super) fn name_of(&self, column: usize) -> &str {
        self.names.get(column).map_or("", String::as_str)
    }

    /// Returns whether a file of rejected rows has added a column.
    pub(super) fn is_added(&self, column: usize) -> bool {
        (self.names.len()..self.names.len() + self.added_columns).contains(&column)
    }

    /// Decides where the phones are, by the first rows.
    pub(super) fn guess(&mut self, first_rows: &[Vec<String>]) {
        let guess = Guess { rows: first_rows, variables: 0, meanings: &[], phone: None };
        let (mapping, several) = guess.mapping();
        let header_row = mapping.title_rows.min(first_rows.len());
        let above = if mapping.header { header_row + 1 } else { 0 };
        let header = first_rows.get(header_row).filter(|_| mapping.header);
        self.names = header.cloned().unwrap_or_default();
        self.added_columns = rejected_columns(&self.names);
        self.names.truncate(self.names.len() - self.added_columns);
        self.above = u32::try_from(above).unwrap_or(u32::MAX);
        self.has_phones |= self.names.iter().any(|name| names_phone(name));
        self.candidates = if several.is_empty() { vec![mapping.phone] } else { several };
        let body = &first_rows[above..];
        let is_choice = |index: &usize| {
            self.candidates.contains(index)
                || names_phone(self.name_of(*index))
                || body.iter().any(|row| row.get(*index).is_some_and(|cell| looks_like_phone(cell)))
        };
        let mut choices: Vec<usize> = (0..self.width.max(self.names.len()))
            .filter(|index| !self.is_added(*index))
            .filter(is_choice)
            .collect();
        // A phone beyond the columns with a name is another one of its row, not of a list of its own.
        let named: Vec<usize> =
            self.candidates.iter().copied().filter(|i| self.is_named(*i)).collect();
        if !named.is_empty() {
            choices.retain(|index| self.is_named(*index));
            self.candidates = named;
        }
        self.choices = choices.into_iter().map(|index| self.choice(index, body)).collect();
    }

    fn is_named(&self, column: usize) -> bool {
        !self.name_of(column).is_empty()
    }

    fn choice(&self, index: usize, body: &[Vec<String>]) -> Choice {
        let cells = body.iter().filter_map(|row| row.get(index)).filter(|cell| !cell.is_empty());
        Choice {
            index,
            name: self.name_of(index).to_owned(),
            examples: cells.take(EXAMPLES).cloned().collect(),
        }
    }
}
