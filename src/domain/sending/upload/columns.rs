//! Guessing what the columns of a file are, by their names and cells.

use super::Mapping;
use crate::domain::phone::{Phone, PhoneProblem};

/// Names of columns that mean a mobile phone.
const MOBILE_NAMES: [&str; 13] = [
    "mobile",
    "mobilephone",
    "mobilenumber",
    "mobileno",
    "cell",
    "cellphone",
    "msisdn",
    "手机",
    "手机号",
    "手机号码",
    "移动电话",
    "联系手机",
    "接收号码",
];
/// Names that mean a phone, perhaps a landline.
const PHONE_NAMES: [&str; 14] = [
    "phone",
    "phones",
    "phonenumber",
    "phone_number",
    "phoneno",
    "tel",
    "telephone",
    "tel.",
    "number",
    "电话",
    "电话号码",
    "号码",
    "联系电话",
    "联系方式",
];
/// Words in names of columns that have phones.
const PHONE_WORDS: [&str; 5] = ["手机", "电话", "mobile", "phone", "cell"];
/// Rows in which the header is looked for.
const HEADER_ROWS: usize = 10;

/// The names of the last three columns of a file of rejected rows, in each language.
pub const REJECTED_COLUMNS: [[&str; 3]; 2] =
    [["line", "verdict", "reason"], ["行号", "结果", "原因"]];

/// Returns how many of the last columns of a header are those of a file of rejected rows.
pub fn rejected_columns(header: &[String]) -> usize {
    let end = header.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
    let last_three = end.checked_sub(3).map(|start| &header[start..end]);
    let ours = last_three.is_some_and(|last| {
        REJECTED_COLUMNS
            .iter()
            .any(|names| last.iter().zip(names).all(|(cell, name)| normalized(cell) == *name))
    });
    // Empty columns behind them count as well.
    if ours { header.len() - end + 3 } else { 0 }
}

/// What is known about a file when its columns are guessed.
#[derive(Debug)]
pub struct Guess<'a> {
    /// The first rows.
    pub rows: &'a [Vec<String>],
    /// The number of variables of the template.
    pub variables: usize,
    /// What the variables mean, by the template's instruction.
    pub meanings: &'a [String],
    /// The column of the phone, from 0, if a person has chosen it.
    pub phone: Option<usize>,
}

impl Guess<'_> {
    /// Guesses the mapping. Returns it with the columns of phones that a person has to choose from,
    /// if there are several. Variables are matched by number or meaning; those that are left take
    /// the remaining columns in order, except columns that are empty or have phones.
    pub fn mapping(&self) -> (Mapping, Vec<usize>) {
        let header_row = self.header_row();
        let title_rows = header_row.unwrap_or(0);
        let names: Vec<String> = match header_row {
            Some(row) => self.rows[row].iter().map(|cell| normalized(cell)).collect(),
            None => Vec::new(),
        };
        let body = &self.rows[header_row.map_or(0, |row| row + 1)..];
        let ours = header_row.map_or(0, |row| rejected_columns(&self.rows[row]));
        let width = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let own_columns = names.len() - ours..names.len();
        let columns: Vec<Column> = (0..width)
            .filter(|column| !own_columns.contains(column))
            .map(|column| Column::of(column, &names, body))
            .collect();
        // In a file of rejected rows, the name is ours.
        let mut ours_phone = names.iter().enumerate().filter(|(_, name)| *name == "phone");
        let ours_phone = match (ours, ours_phone.next(), ours_phone.next()) {
            (1.., Some((column, _)), None) => Some(column),
            _ => None,
        };
        let (phone, candidates) = match self.phone.or(ours_phone) {
            Some(phone) => (phone, Vec::new()),
            None => phone_column(&columns),
        };
        let values = self.values(&columns, &names, phone);
        (Mapping { header: header_row.is_some(), title_rows, phone, values }, candidates)
    }

    /// Returns the row that names the columns. Rows above it have fewer cells and no phone.
    fn header_row(&self) -> Option<usize> {
        let no_phones = |row: &[String]| !row.iter().any(|cell| looks_like_phone(cell));
        let cells = |row: &[String]| row.iter().filter(|cell| !cell.is_empty()).count();
        let named = (0..self.rows.len().min(HEADER_ROWS)).find(|index| {
            let row = &self.rows[*index];
            let above = &self.rows[..*index];
            let names_phone = row.iter().any(|cell| is_phone_name(&normalized(cell)));
            let narrower = |above: &Vec<String>| cells(above) < cells(row).max(2);
            no_phones(row)
                && row.iter().any(|cell| self.names_column(cell))
                && above.iter().all(|above| no_phones(above) && (names_phone || narrower(above)))
        });
        named.or_else(|| {
            let no_digit = |cell: &String| !cell.chars().any(char::is_numeric);
            let first = self.rows.first()?;
            first.iter().all(no_digit).then_some(0)
        })
    }

    /// Returns whether a cell names the column of a phone or of a variable.
    fn names_column(&self, cell: &str) -> bool {
        let name = normalized(cell);
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        let mut variables = (1..=self.variables.max(1)).map(|n| (n, self.meaning(n)));
        !name.is_empty()
            && (is_phone_name(&name)
                || !is_number && variables.any(|(n, meaning)| names_variable(&name, n, &meaning)))
    }

    fn meaning(&self, n: usize) -> String {
        self.meanings.get(n - 1).map(|name| normalized(name)).unwrap_or_default()
    }

    fn values(&self, columns: &[Column], names: &[String], phone: usize) -> Vec<Option<usize>> {
        let mut unused: Vec<&Column> =
            columns.iter().filter(|column| column.index != phone).collect();
        let mut values = vec![None; self.variables];
        for (index, value) in values.iter_mut().enumerate() {
            let (n, meaning) = (index + 1, self.meaning(index + 1));
            let named = |column: &&&Column| {
                names.get(column.index).is_some_and(|name| names_variable(name, n, &meaning))
            };
            *value = unused.iter().find(named).map(|column| column.index);
            unused.retain(|column| Some(column.index) != *value);
        }
        let mut rest = unused.into_iter().filter(|column| !column.is_empty && !column.has_phones);
        for value in values.iter_mut().filter(|value| value.is_none()) {
            *value = rest.next().map(|column| column.index);
        }
        values
    }
}

/// A column as its name and cells show it.
#[derive(Debug)]
struct Column {
    index: usize,
    name: Name,
    /// Most of its cells are phones that can be sent to.
    sendable: bool,
    /// Cells that look like phones, also ones that cannot be sent to.
    phones: usize,
    /// Most of its cells are landlines.
    landlines: bool,
    /// It has phones, or is named so.
    has_phones: bool,
    has_cells: bool,
    is_empty: bool,
}

/// What the name of a column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    /// Something else, or there is none.
    Other,
    /// Something with a phone.
    PhoneWord,
    Phone,
    Mobile,
}

impl Column {
    fn of(index: usize, names: &[String], body: &[Vec<String>]) -> Self {
        let cells: Vec<&String> =
            body.iter().filter_map(|row| row.get(index)).filter(|cell| !cell.is_empty()).collect();
        let count = |wanted: fn(&str) -> bool| cells.iter().filter(|cell| wanted(cell)).count();
        let sendable = count(|cell| Phone::parse(cell).is_ok());
        let phones = count(looks_like_phone);
        let name = names.get(index).map_or("", String::as_str);
        let mostly = |some: usize| some > 0 && some * 2 >= cells.len();
        let name_kind = name_kind(name);
        Self {
            index,
            name: name_kind,
            sendable: mostly(sendable),
            phones,
            landlines: mostly(count(|cell| Phone::parse(cell) == Err(PhoneProblem::Landline))),
            has_phones: mostly(count(is_phone_of_some_kind))
                || name_kind != Name::Other && phones > 0
                || matches!(name_kind, Name::Phone | Name::Mobile),
            has_cells: !cells.is_empty(),
            is_empty: cells.is_empty() && name.is_empty(),
        }
    }

    /// Returns whether its name says that it has the phones, though they cannot be sent to.
    fn is_named_only(&self) -> bool {
        match self.name {
            Name::Mobile => true,
            Name::Phone | Name::PhoneWord => self.phones > 0 || !self.has_cells,
            Name::Other => false,
        }
    }
}

/// Returns the column of the phone, and the columns that a person has to choose from if there are
/// several of them. Where only a column with another name has phones, such as order numbers, and all
/// phones of the column that is named so are damaged, these are to choose from.
fn phone_column(columns: &[Column]) -> (usize, Vec<usize>) {
    let sendable: Vec<&Column> = columns.iter().filter(|column| column.sendable).collect();
    let named: Vec<&Column> =
        sendable.iter().copied().filter(|column| column.name != Name::Other).collect();
    let choice = if let Some(best) = named.iter().map(|column| column.name).max() {
        // A column of mobile phones by its name, though all of them are damaged, counts as well.
        let damaged = |column: &&Column| {
            !column.sendable
                && !column.landlines
                && column.has_cells
                && column.is_named_only()
                && (column.name > best || column.name == Name::Mobile)
        };
        let possible =
            |column: &&Column| column.sendable && column.name != Name::Other || damaged(column);
        columns.iter().filter(possible).collect()
    } else if sendable.is_empty() {
        Vec::new()
    } else {
        let possible = |column: &&Column| column.sendable || column.is_named_only();
        columns.iter().filter(possible).collect()
    };
    match choice.as_slice() {
        [only] => (only.index, Vec::new()),
        [first, ..] => (first.index, choice.iter().map(|column| column.index).collect()),
        [] => {
            // The first of the best: `max_by_key` returns the last of equal ones.
            let best = columns.iter().rev().max_by_key(|column| (column.name, column.phones));
            (best.map_or(0, |column| column.index), Vec::new())
        }
    }
}

/// Returns whether the name of a column says that it has phones.
pub fn names_phone(name: &str) -> bool {
    name_kind(&normalized(name)) != Name::Other
}

fn name_kind(name: &str) -> Name {
    let name = without_remark(name);
    if MOBILE_NAMES.contains(&name) {
        Name::Mobile
    } else if PHONE_NAMES.contains(&name) {
        Name::Phone
    } else if PHONE_WORDS.iter().any(|word| name.contains(word)) {
        Name::PhoneWord
    } else {
        Name::Other
    }
}

/// Removes a number or remark behind a name: `手机号2`, `手机号（必填）`.
fn without_remark(name: &str) -> &str {
    let name = name.split(['(', '（', '[', '【']).next().unwrap_or(name);
    name.trim_end_matches(|letter: char| letter.is_ascii_digit())
}

fn is_phone_name(name: &str) -> bool {
    matches!(name_kind(name), Name::Mobile | Name::Phone)
}

/// Returns a column name in lower case, without spaces and decoration.
fn normalized(name: &str) -> String {
    let significant =
        |letter: &char| !letter.is_whitespace() && !matches!(letter, '\u{feff}' | '*' | ':' | '：');
    name.chars().filter(significant).collect::<String>().to_lowercase()
}

/// Returns whether a cell has a phone, or what a typing error or a spreadsheet made of one.
pub fn looks_like_phone(cell: &str) -> bool {
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    is_phone_of_some_kind(cell)
        || (7..=15).contains(&digits)
            && cell.chars().all(|letter| !letter.is_alphabetic())
            && !is_date(cell)
}

/// Returns whether a cell is a date such as `2026-11-29`.
fn is_date(cell: &str) -> bool {
    let parts: Vec<&str> = cell.trim().split(['-', '/', '.']).collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    matches!(lengths.as_slice(), [4, 1..=2, 1..=2])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Returns whether a cell has a mobile phone, a landline, or what a spreadsheet made of one.
fn is_phone_of_some_kind(cell: &str) -> bool {
    matches!(Phone::parse(cell), Ok(_) | Err(PhoneProblem::Spreadsheet | PhoneProblem::Landline))
}

/// Returns whether a cell has a phone that can be sent to.
pub fn is_phone(cell: &str) -> bool {
    Phone::parse(cell).is_ok()
}

/// Returns whether a column called `name` holds variable `n`.
fn names_variable(name: &str, n: usize, meaning: &str) -> bool {
    if !meaning.is_empty() && name == meaning {
        return true;
    }
    let number = n.to_string();
    [
        format!("{{{number}}}"),
        number.clone(),
        format!("param{number}"),
        format!("p{number}"),
        format!("params.{number}"),
        format!("变量{number}"),
        format!("参数{number}"),
        format!("变量{{{number}}}"),
        format!("var{number}"),
        format!("value{number}"),
    ]
    .contains(&name.to_owned())
}

#[cfg(test)]
mod tests;
