//! Files with phones to suppress: which columns have them, and which rows are understood. Nothing is
//! left out without a word: hidden rows and all sheets are read, and a row with a phone of which it
//! is not clear whether it is meant is one that is not understood.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::str::FromStr;

use crate::domain::cell;
use crate::domain::file::MAX_BYTES;
use crate::domain::phone::{Phone, PhoneProblem, entries};
use crate::domain::upload::{Guess, is_phone, looks_like_phone, names_phone, rejected_columns};
use crate::recipient_file::{self, Book, Delimiter, Encoding, Row, Shape, TableError, Utf8};

/// Rows of a sheet from which its columns are guessed.
const GUESS_ROWS: usize = 1_000;
/// Cells of all sheets that are held in memory for that.
const GUESS_CELLS: usize = 500_000;
/// Characters of a cell that are kept to guess columns and to show examples.
const CELL_LENGTH: usize = 60;
/// Bytes from which encoding and delimiter of a text are detected.
const HEAD_BYTES: usize = 64 << 10;
/// Examples of a column's cells.
const EXAMPLES: usize = 3;
/// Rows that are not understood and kept to be shown.
pub const MAX_LISTED: usize = 50;
/// A text without a header whose rows have so many phones is a list of phones, not a table.
const LIST_COLUMNS: usize = 3;

/// Why nothing can be read from a file.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// It is empty.
    #[error("file is empty")]
    Empty,
    /// It is larger than [`MAX_BYTES`].
    #[error("file is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Neither text nor a spreadsheet that can be read.
    #[error("not a text file or spreadsheet, but {0:?}")]
    WrongKind(Shape),
    /// It cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// It has more than this many rows.
    #[error("more than {0} rows")]
    ManyRows(u32),
    /// None of its cells looks like a phone.
    #[error("no phones")]
    NoPhones,
}

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

/// A file with the kind of its content.
struct ListFile {
    content: Vec<u8>,
    kind: Kind,
}

enum Kind {
    Text(Encoding, Delimiter),
    Book(Book),
}

impl ListFile {
    fn open(content: Vec<u8>) -> Result<Self, FileProblem> {
        if content.is_empty() {
            return Err(FileProblem::Empty);
        }
        if content.len() > MAX_BYTES {
            return Err(FileProblem::TooLarge);
        }
        let kind = match Shape::of(&content) {
            Shape::Text => {
                let mut utf8 = Utf8::default();
                utf8.update(&content);
                let head = &content[..content.len().min(HEAD_BYTES)];
                let (encoding, delimiter) = recipient_file::sniff(head, utf8.is_likely(), None);
                Kind::Text(encoding, delimiter)
            }
            Shape::Xlsx => Kind::Book(Book::Xlsx),
            Shape::Xls => Kind::Book(Book::Xls),
            shape @ (Shape::WebPage
            | Shape::Pdf
            | Shape::Image
            | Shape::OpenDocument
            | Shape::Other) => return Err(FileProblem::WrongKind(shape)),
        };
        Ok(Self { content, kind })
    }

    /// Passes all rows to `take`, each with the number of its sheet. Returns the names of the sheets.
    fn rows(
        &self,
        take: &mut dyn FnMut(usize, Row) -> ControlFlow<()>,
    ) -> Result<Vec<String>, TableError> {
        match self.kind {
            Kind::Text(encoding, delimiter) => {
                let mut take_row = |row| take(0, row);
                let content = self.content.as_slice();
                recipient_file::read_text(content, encoding, delimiter, is_phone, &mut take_row)?;
                Ok(vec![String::new()])
            }
            Kind::Book(book) => {
                let mut spooled = tempfile::tempfile()?;
                spooled.write_all(&self.content)?;
                io::Seek::rewind(&mut spooled)?;
                recipient_file::read_all_sheets(spooled, book, take)
            }
        }
    }

    /// Passes the lines of a text to `take`, each as a row of one cell.
    fn lines(&self, take: &mut dyn FnMut(usize, Row) -> ControlFlow<()>) -> Result<(), TableError> {
        let Kind::Text(encoding, delimiter) = self.kind else { return Ok(()) };
        // With another delimiter each line is one cell, however many phones it has.
        let other = if delimiter == Delimiter::Bar { Delimiter::Tab } else { Delimiter::Bar };
        let mut take_line = |row: Row| {
            let line = row.cells.join(",").replace('|', ",");
            take(0, Row::new(row.line, vec![line]))
        };
        let content = self.content.as_slice();
        recipient_file::read_text(content, encoding, other, is_phone, &mut take_line)
    }

    /// Passes the entries of a text to `take`, each as a row.
    fn entries(
        &self,
        take: &mut dyn FnMut(usize, Row) -> ControlFlow<()>,
    ) -> Result<(), TableError> {
        self.lines(&mut |sheet, row| {
            let mut all = entries(row.cell(0));
            all.try_for_each(|entry| take(sheet, Row::new(row.line, vec![entry.to_owned()])))
        })
    }
}

/// What a file has: its sheets, and where their phones are.
#[derive(Debug)]
pub struct Survey {
    /// All sheets; a text has one without a name.
    pub sheets: Vec<Sheet>,
    /// Whether it is a text without columns, with phones one after another.
    is_list: bool,
}

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
    above: u32,
    /// The names of the columns.
    names: Vec<String>,
    /// The columns behind `names` that a file of rejected rows has added.
    added_columns: usize,
    /// The number of cells of the longest row.
    width: usize,
    has_phones: bool,
    /// Whether a cell may be a phone with a typing error.
    has_numbers: bool,
    /// Whether all cells look like phones, or several of them.
    only_phones: bool,
    /// Whether a cell has several entries.
    has_entries: bool,
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
    fn name_of(&self, column: usize) -> &str {
        self.names.get(column).map_or("", String::as_str)
    }

    /// Returns whether a file of rejected rows has added a column.
    fn is_added(&self, column: usize) -> bool {
        (self.names.len()..self.names.len() + self.added_columns).contains(&column)
    }

    /// Decides where the phones are, by the first rows.
    fn guess(&mut self, first_rows: &[Vec<String>]) {
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

impl Survey {
    /// Surveys a file. A text with more columns than are read may be a list of phones in long lines.
    fn of(file: &ListFile, max_rows: u32) -> Result<Self, FileProblem> {
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
        let (mut total, mut cells_kept) = (0, 0);
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
            if first_rows[number].len() < GUESS_ROWS && cells_kept < GUESS_CELLS {
                cells_kept += row.cells.len();
                let clipped = |cell: &str| cell.chars().take(CELL_LENGTH).collect();
                first_rows[number].push(cells().map(clipped).collect());
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
    fn names(&self, columns: &[PhoneColumn]) -> Vec<String> {
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
    let (Kind::Text(..), [sheet]) = (&file.kind, sheets) else { return false };
    let is_line = sheet.rows == 1 && (sheet.width > 1 || sheet.has_entries);
    sheet.only_phones && sheet.above == 0 && (is_line || sheet.candidates.len() >= LIST_COLUMNS)
}

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

/// Reads a file whole. `chosen` are the columns that a person has chosen; without any, the phones
/// are read if it is certain where they are.
///
/// # Errors
///
/// [`FileProblem`] if nothing can be read from the file.
pub fn examine(
    content: Vec<u8>,
    chosen: &[PhoneColumn],
    max_rows: u32,
) -> Result<Examined, FileProblem> {
    let file = ListFile::open(content)?;
    let survey = Survey::of(&file, max_rows)?;
    let Some(columns) = columns(&survey, chosen) else {
        return Ok(Examined { survey, columns: Vec::new(), reading: None });
    };
    let mut reading = Reading::default();
    let mut seen = HashSet::new();
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
                    reading.wrong.push(row);
                }
            }
        }
        ControlFlow::Continue(())
    };
    read(&file, &survey, &columns, chosen.is_empty(), &mut take)?;
    Ok(Examined { survey, columns, reading: Some(reading) })
}

/// Passes the names of the columns to `begin`, and then each row that is not understood to `take`,
/// until it stops.
///
/// # Errors
///
/// [`FileProblem`] if nothing can be read from the file.
pub fn for_each_wrong(
    content: Vec<u8>,
    chosen: &[PhoneColumn],
    max_rows: u32,
    begin: impl FnOnce(&Survey, Vec<String>),
    mut take: impl FnMut(&Survey, WrongRow) -> ControlFlow<()>,
) -> Result<(), FileProblem> {
    let file = ListFile::open(content)?;
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

/// How the rows of a sheet are read.
struct RowRules<'a> {
    sheet: &'a Sheet,
    /// The columns of the phones.
    columns: Vec<usize>,
    /// Columns that certainly have something else: a person did not choose them, or they are named so.
    others: HashSet<usize>,
}

impl<'a> RowRules<'a> {
    fn new(
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
    fn phones(&self, row: &Row) -> Result<Vec<Phone>, RowProblem> {
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

    fn wrong_row(&self, number: usize, row: &Row, problem: RowProblem) -> WrongRow {
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

/// Returns a cell as it is stored, without the apostrophe of a careful program.
fn written(row: &Row, column: usize) -> &str {
    cell::read(row.stored_cell(column).trim())
}

/// Returns whether a cell has several phones.
fn has_several(cell: &str) -> bool {
    let parts: Vec<&str> = cell.split(['/', '|', '\n']).flat_map(entries).collect();
    parts.len() > 1 && parts.iter().all(|part| looks_like_phone(part))
}

/// Returns whether a cell has a phone, or one that was damaged or masked. Dates and other numbers
/// are none.
fn may_be_phone(cell: &str) -> bool {
    match Phone::parse(cell) {
        Ok(_) | Err(PhoneProblem::Spreadsheet) => true,
        Err(_) => has_several(cell) || cell.contains('*') && looks_like_phone(cell),
    }
}

#[cfg(test)]
mod tests;
