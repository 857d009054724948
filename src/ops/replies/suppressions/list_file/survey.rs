//! What a file has: its sheets, and where their phones are.

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use super::cells::{CELL_LENGTH, may_be_phone};
use super::content::{FileProblem, ListFile};
use super::sheet::Sheet;
use crate::domain::phone::entries;
use crate::domain::sending::upload::looks_like_phone;
use crate::recipient_file::{Row, TableError};

/// Rows of a sheet from which its columns are guessed.
const GUESS_ROWS: usize = 1_000;
/// Cells of all sheets that are held in memory for that, and bytes of them.
const GUESS_CELLS: usize = 200_000;
const GUESS_BYTES: usize = 8 << 20;
/// A text without a header whose rows have so many phones is a list of phones, not a table.
const LIST_COLUMNS: usize = 3;

/// A column of a sheet, both from 0; written as `0-2`. The sheet of a text is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneColumn {
    /// The number of the sheet.
    pub sheet: usize,
    /// The number of the column.
    pub index: usize,
}

impl fmt::Display for PhoneColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.sheet, self.index)
    }
}

impl FromStr for PhoneColumn {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (sheet, index) = text.split_once('-').ok_or(())?;
        let number = |digits: &str| digits.parse().map_err(|_| ());
        Ok(Self { sheet: number(sheet)?, index: number(index)? })
    }
}

/// What a file has: its sheets, and where their phones are.
#[derive(Debug)]
pub struct Survey {
    /// All sheets; a text has one without a name.
    pub sheets: Vec<Sheet>,
    /// Whether it is a text without columns, with phones one after another.
    pub(super) is_list: bool,
}

impl Survey {
    /// Surveys a file. A text with more columns than are read may be a list of phones in long lines.
    pub(super) fn of(file: &ListFile, max_rows: u32) -> Result<Self, FileProblem> {
        match Self::of_rows(file, max_rows, false) {
            Err(FileProblem::Table(TableError::ManyCells(line))) => {
                let of_lines = Self::of_rows(file, max_rows, true).ok();
                let list = of_lines.filter(|survey| survey.is_list);
                list.ok_or_else(|| TableError::ManyCells(line).into())
            }
            other => other,
        }
    }

    fn of_rows(file: &ListFile, max_rows: u32, as_lines: bool) -> Result<Self, FileProblem> {
        let mut sheets: Vec<Sheet> = Vec::new();
        let mut first_rows: Vec<Vec<Vec<String>>> = Vec::new();
        let (mut total, mut cells_kept, mut bytes_kept) = (0, 0, 0);
        let mut take = |number: usize, row: Row| {
            total += 1;
            if total > max_rows {
                return ControlFlow::Break(());
            }
            while sheets.len() <= number {
                sheets.push(Sheet { only_phones: true, ..Sheet::default() });
                first_rows.push(Vec::new());
            }
            let sheet = &mut sheets[number];
            sheet.rows += 1;
            sheet.width = sheet.width.max(row.cells.len());
            let cells = || (0..row.cells.len()).map(|column| row.stored_cell(column));
            if sheet.only_phones || !sheet.has_phones {
                let mut filled = cells().filter(|cell| !cell.is_empty());
                sheet.has_phones |= cells().any(may_be_phone);
                sheet.has_numbers |= cells().any(looks_like_phone);
                sheet.only_phones &= filled.all(|cell| entries(cell).all(looks_like_phone));
                sheet.has_entries |= cells().any(|cell| entries(cell).nth(1).is_some());
            }
            let has_room = cells_kept < GUESS_CELLS && bytes_kept < GUESS_BYTES;
            if first_rows[number].len() < GUESS_ROWS && has_room {
                let clipped = |cell: &str| cell.chars().take(CELL_LENGTH).collect();
                let kept: Vec<String> = cells().map(clipped).collect();
                cells_kept += kept.len();
                bytes_kept += kept.iter().map(String::len).sum::<usize>();
                first_rows[number].push(kept);
            }
            ControlFlow::Continue(())
        };
        let names = if as_lines {
            file.lines(&mut take)?;
            vec![String::new()]
        } else {
            file.rows(&mut take)?
        };
        if total > max_rows {
            return Err(FileProblem::ManyRows(max_rows));
        }
        for (sheet, (name, first_rows)) in sheets.iter_mut().zip(names.into_iter().zip(&first_rows))
        {
            sheet.name = name;
            sheet.guess(first_rows);
        }
        if sheets.iter().all(|sheet| sheet.rows <= sheet.above) {
            return Err(TableError::Empty.into());
        }
        if !sheets.iter().any(|sheet| sheet.has_phones) {
            sheets.iter_mut().for_each(|sheet| sheet.has_phones = sheet.has_numbers);
        }
        if !sheets.iter().any(|sheet| sheet.has_phones) {
            return Err(FileProblem::NoPhones);
        }
        let is_list = is_list(file, &sheets)
            || as_lines && sheets.iter().all(|sheet| sheet.only_phones && sheet.above == 0);
        Ok(Self { is_list, sheets })
    }

    /// Returns the columns that may have the phones. If there are several, a person has to choose.
    pub fn candidates(&self) -> Vec<PhoneColumn> {
        if self.is_list {
            return vec![PhoneColumn { sheet: 0, index: 0 }];
        }
        self.with_phones(|sheet| sheet.candidates.clone())
    }

    /// Returns all columns that a person can choose.
    pub fn choices(&self) -> Vec<PhoneColumn> {
        if self.is_list {
            return self.candidates();
        }
        self.with_phones(|sheet| sheet.choices.iter().map(|choice| choice.index).collect())
    }

    fn with_phones(&self, columns: impl Fn(&Sheet) -> Vec<usize>) -> Vec<PhoneColumn> {
        let sheets = self.sheets.iter().enumerate().filter(|(_, sheet)| sheet.has_phones);
        sheets
            .flat_map(|(sheet, found)| {
                columns(found).into_iter().map(move |index| PhoneColumn { sheet, index })
            })
            .collect()
    }

    /// Returns the sheets in which nothing looks like a phone; they are not read.
    pub fn without_phones(&self) -> impl Iterator<Item = &Sheet> {
        self.sheets.iter().filter(|sheet| sheet.rows > 0 && !sheet.has_phones)
    }

    /// Returns whether more than one sheet has rows, so that a line needs the name of its sheet.
    pub fn several_sheets(&self) -> bool {
        self.sheets.iter().filter(|sheet| sheet.rows > 0).count() > 1
    }

    /// Returns the column names of a file with rows of `columns` that leads to the same columns when
    /// it is uploaded: other columns of the choice get a name, as otherwise their phones would count.
    pub(super) fn names(&self, columns: &[PhoneColumn]) -> Vec<String> {
        let choices = self.choices();
        let width = if self.is_list {
            1
        } else {
            let sheets = columns.iter().filter_map(|column| self.sheets.get(column.sheet));
            let widths = sheets.map(|sheet| {
                let added = if sheet.width > sheet.names.len() { sheet.added_columns } else { 0 };
                (sheet.width - added).max(sheet.names.len())
            });
            widths.max().unwrap_or(1)
        };
        let name = |index: usize| {
            let here = |column: &&PhoneColumn| column.index == index;
            let read = columns.iter().find(here);
            let choice = choices.iter().find(here);
            let sheet = read.or(choice).or(columns.first()).and_then(|c| self.sheets.get(c.sheet));
            match sheet.map_or("", |sheet| sheet.name_of(index)) {
                "" if read.is_some() => "phone".to_owned(),
                "" if choice.is_some() => format!("column{}", index + 1),
                name => name.to_owned(),
            }
        };
        (0..width).map(name).collect()
    }
}

/// Returns whether a text is a list of phones without columns: all phones are in one line, or each
/// line has many.
fn is_list(file: &ListFile, sheets: &[Sheet]) -> bool {
    let ([sheet], true) = (sheets, file.is_text()) else { return false };
    let is_line = sheet.rows == 1 && (sheet.width > 1 || sheet.has_entries);
    sheet.only_phones && sheet.above == 0 && (is_line || sheet.candidates.len() >= LIST_COLUMNS)
}
