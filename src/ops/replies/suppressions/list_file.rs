//! Files with phones to suppress: which columns have them, and which rows are understood. Nothing is
//! left out without a word: hidden rows and all sheets are read, and a row with a phone of which it
//! is not clear whether it is meant is one that is not understood.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::domain::phone::Phone;
use crate::recipient_file::{ReaderProcess, Row, TableError};

mod cells;
mod content;
mod rows;
mod sheet;
mod survey;

use content::ListFile;
pub use content::{FileProblem, room_for};
use rows::RowRules;
pub use rows::{RowProblem, WrongRow};
pub use sheet::{Choice, Sheet};
pub use survey::{PhoneColumn, Survey};

/// Rows that are not understood and kept to be shown.
pub const MAX_LISTED: usize = 50;

/// What was read from a file.
#[derive(Debug, Default)]
pub struct Reading {
    /// The phones, each once, in the order of the file.
    pub phones: Vec<Phone>,
    /// How many phones were there again.
    pub duplicates: u64,
    /// The first rows that are not understood, at most [`MAX_LISTED`].
    pub wrong: Vec<WrongRow>,
    /// How many rows are not understood.
    pub wrong_count: u64,
}

/// A file after it was read.
#[derive(Debug)]
pub struct Examined {
    /// Where its phones are.
    pub survey: Survey,
    /// The columns that were read; none while a person has to choose.
    pub columns: Vec<PhoneColumn>,
    /// What was read; `None` while a person has to choose columns.
    pub reading: Option<Reading>,
}

impl Examined {
    /// Returns whether every row is understood, and it is certain which columns have the phones.
    pub fn is_certain(&self) -> bool {
        self.reading.as_ref().is_some_and(|reading| reading.wrong_count == 0)
    }
}

/// Reads a file whole, in `process`. `chosen` are the columns that a person has chosen; without any,
/// the phones are read if it is certain where they are.
///
/// # Errors
///
/// [`FileProblem`] if nothing can be read from the file.
pub fn examine(
    content: Arc<Vec<u8>>,
    process: ReaderProcess,
    chosen: &[PhoneColumn],
    max_rows: u32,
) -> Result<Examined, FileProblem> {
    let file = ListFile::open(content, process)?;
    let survey = Survey::of(&file, max_rows)?;
    let Some(columns) = columns(&survey, chosen) else {
        return Ok(Examined { survey, columns: Vec::new(), reading: None });
    };
    let mut reading = Reading::default();
    let mut seen = HashSet::new();
    let max_phones = usize::try_from(max_rows).unwrap_or(usize::MAX);
    let mut take = |row: Result<Vec<Phone>, WrongRow>| {
        match row {
            Ok(phones) => {
                for phone in phones {
                    if seen.insert(phone.clone()) {
                        reading.phones.push(phone);
                    } else {
                        reading.duplicates += 1;
                    }
                }
            }
            Err(row) => {
                reading.wrong_count += 1;
                if reading.wrong.len() < MAX_LISTED {
                    reading.wrong.push(row.clipped());
                }
            }
        }
        // A row may have several.
        if reading.phones.len() > max_phones {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    read(&file, &survey, &columns, chosen.is_empty(), &mut take)?;
    if reading.phones.len() > max_phones {
        return Err(FileProblem::ManyRows(max_rows));
    }
    Ok(Examined { survey, columns, reading: Some(reading) })
}

/// Passes the names of the columns to `begin`, and then each row that is not understood to `take`,
/// until it stops.
///
/// # Errors
///
/// [`FileProblem`] if nothing can be read from the file.
pub fn for_each_wrong(
    content: Arc<Vec<u8>>,
    process: ReaderProcess,
    chosen: &[PhoneColumn],
    max_rows: u32,
    begin: impl FnOnce(&Survey, Vec<String>),
    mut take: impl FnMut(&Survey, WrongRow) -> ControlFlow<()>,
) -> Result<(), FileProblem> {
    let file = ListFile::open(content, process)?;
    let survey = Survey::of(&file, max_rows)?;
    let Some(columns) = columns(&survey, chosen) else { return Ok(()) };
    begin(&survey, survey.names(&columns));
    let mut take_row = |row: Result<Vec<Phone>, WrongRow>| match row {
        Ok(_) => ControlFlow::Continue(()),
        Err(row) => take(&survey, row),
    };
    Ok(read(&file, &survey, &columns, chosen.is_empty(), &mut take_row)?)
}

/// Returns the columns to read: those chosen, or else the only candidate.
fn columns(survey: &Survey, chosen: &[PhoneColumn]) -> Option<Vec<PhoneColumn>> {
    let choices = survey.choices();
    let mut columns: Vec<PhoneColumn> =
        chosen.iter().copied().filter(|column| choices.contains(column)).collect();
    columns.sort_unstable();
    columns.dedup();
    if !columns.is_empty() {
        return Some(columns);
    }
    let candidates = survey.candidates();
    (candidates.len() == 1).then_some(candidates)
}

/// Passes each row of the sheets of `columns` to `take`.
fn read(
    file: &ListFile,
    survey: &Survey,
    columns: &[PhoneColumn],
    is_guessed: bool,
    take: &mut dyn FnMut(Result<Vec<Phone>, WrongRow>) -> ControlFlow<()>,
) -> Result<(), TableError> {
    let rules: Vec<RowRules<'_>> = survey
        .sheets
        .iter()
        .enumerate()
        .map(|(number, sheet)| RowRules::new(survey, sheet, number, columns, is_guessed))
        .collect();
    let mut rows_read = vec![0; survey.sheets.len()];
    let mut take_row = |number: usize, row: Row| {
        let (Some(rules), Some(rows_read)) = (rules.get(number), rows_read.get_mut(number)) else {
            return ControlFlow::Continue(());
        };
        *rows_read += 1;
        if rules.columns.is_empty() || *rows_read <= rules.sheet.above {
            return ControlFlow::Continue(());
        }
        take(rules.phones(&row).map_err(|problem| rules.wrong_row(number, &row, problem)))
    };
    if survey.is_list { file.entries(&mut take_row) } else { file.rows(&mut take_row).map(drop) }
}

#[cfg(test)]
mod tests;
