//! Uploads of recipient lists: their state, type and column mapping.

use serde::{Deserialize, Serialize};

use super::phone::{Phone, PhoneProblem};

/// The state of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "upload_state", rename_all = "snake_case")]
pub enum UploadState {
    /// The file is being received from the browser.
    Receiving,
    /// The file is complete and waits to be read.
    Waiting,
    /// The file is being read.
    Reading,
    /// Every row has its verdict.
    Read,
    /// The file cannot be read; a reason is stored with it.
    Unreadable,
}

/// The type of an uploaded file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "upload_source", rename_all = "snake_case")]
pub enum UploadSource {
    /// Delimited text, such as CSV.
    Text,
    /// A spreadsheet of Excel 2007 or later.
    Xlsx,
    /// A spreadsheet of an earlier Excel.
    Xls,
}

/// The column mapping: which column holds the phone, and which hold the variables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Whether the first row names the columns.
    pub header: bool,
    /// The column of the phone, from 0.
    pub phone: usize,
    /// The column of each variable, from 0, in the order of the variables; `None` for a variable
    /// without a column.
    pub values: Vec<Option<usize>>,
}

/// Column names that mean a phone.
const PHONE_NAMES: [&str; 16] = [
    "phone",
    "phones",
    "phonenumber",
    "phone_number",
    "mobile",
    "mobilephone",
    "tel",
    "telephone",
    "number",
    "手机",
    "手机号",
    "手机号码",
    "电话",
    "电话号码",
    "号码",
    "联系电话",
];

impl Mapping {
    /// Guesses the mapping from the first rows of a file, for a template with the given number of
    /// variables. The phone's column is the one with such a name, or else the one with the most
    /// phones. Variables are matched by number or by the names in `meanings`; those that are left
    /// take the remaining columns in order.
    pub fn guess(rows: &[Vec<String>], variables: usize, meanings: &[String]) -> Self {
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        let header = rows.first().is_some_and(|row| is_header(row));
        let names: Vec<String> = match rows.first() {
            Some(row) if header => row.iter().map(|cell| normalized(cell)).collect(),
            _ => Vec::new(),
        };
        let body = &rows[usize::from(header).min(rows.len())..];
        let named = names.iter().position(|name| PHONE_NAMES.contains(&name.as_str()));
        let phone = named.unwrap_or_else(|| most_phones(body, width));
        let mut unused: Vec<usize> = (0..width).filter(|column| *column != phone).collect();
        let mut values = vec![None; variables];
        for (index, value) in values.iter_mut().enumerate() {
            let meaning = meanings.get(index).map(|name| normalized(name)).unwrap_or_default();
            let column = names.iter().position(|name| names_variable(name, index + 1, &meaning));
            if let Some(column) = column.filter(|column| unused.contains(column)) {
                unused.retain(|other| *other != column);
                *value = Some(column);
            }
        }
        let mut rest = unused.into_iter();
        for value in values.iter_mut().filter(|value| value.is_none()) {
            *value = rest.next();
        }
        Self { header, phone, values }
    }
}

/// Returns a column name in lower case, without spaces and decoration.
fn normalized(name: &str) -> String {
    let significant =
        |letter: &char| !letter.is_whitespace() && !matches!(letter, '\u{feff}' | '*');
    name.chars().filter(significant).collect::<String>().to_lowercase()
}

/// Returns whether a file's first row is a header: it has text, but nothing like a phone.
fn is_header(row: &[String]) -> bool {
    let any_phone = row.iter().any(|cell| looks_like_phone(cell));
    let any_text = row.iter().any(|cell| !cell.is_empty());
    any_text && !any_phone
}

/// Returns whether a cell has a phone, or what a typing error or a spreadsheet made of one.
fn looks_like_phone(cell: &str) -> bool {
    match Phone::parse(cell) {
        Ok(_) | Err(PhoneProblem::Spreadsheet | PhoneProblem::Landline) => true,
        Err(
            PhoneProblem::TooShort
            | PhoneProblem::TooLong
            | PhoneProblem::NotMobile
            | PhoneProblem::NotDigits
            | PhoneProblem::Abroad,
        ) => {
            let digits = cell.bytes().filter(u8::is_ascii_digit).count();
            digits >= 7 && cell.chars().all(|c| !c.is_alphabetic())
        }
    }
}

/// Returns the column with the most phones.
fn most_phones(rows: &[Vec<String>], width: usize) -> usize {
    let phones = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.filter(|cell| Phone::parse(cell).is_ok()).count()
    };
    // `max_by_key` returns the last of equal columns; the first is wanted.
    (0..width).rev().max_by_key(|column| phones(*column)).unwrap_or(0)
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
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
    }

    fn guess(text: &str, variables: usize) -> Mapping {
        Mapping::guess(&rows(text), variables, &[])
    }

    #[test]
    fn a_file_in_the_vendors_own_layout_needs_no_header() {
        let mapping = guess("18500001234,李雷,50\n18500001235,韩梅梅,60", 2);
        assert_eq!(mapping, Mapping { header: false, phone: 0, values: vec![Some(1), Some(2)] });
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let mapping = guess("姓名,参数2,手机号,参数1\n李雷,50,18500001234,x", 2);
        assert_eq!(mapping, Mapping { header: true, phone: 2, values: vec![Some(3), Some(1)] });
        let meanings = ["金额".to_owned(), "姓名".to_owned()];
        let mapping =
            Mapping::guess(&rows("姓名,Mobile Phone,金额\n李,18500001234,5"), 2, &meanings);
        assert_eq!(mapping, Mapping { header: true, phone: 1, values: vec![Some(2), Some(0)] });
    }

    #[test]
    fn without_a_header_the_column_with_the_most_phones_is_the_phone() {
        let mapping = guess("1,18500001234,李\n2,1850000,韩\n3,18500001236,王", 1);
        assert_eq!(mapping, Mapping { header: false, phone: 1, values: vec![Some(0)] });
    }

    #[test]
    fn a_first_row_with_an_invalid_phone_is_not_a_header() {
        assert!(!guess("1.85E+10,李", 1).header);
        assert!(!guess("1850000123,李", 1).header);
        assert!(guess("phone,name", 1).header);
    }

    #[test]
    fn a_variable_without_a_column_gets_none() {
        assert_eq!(guess("18500001234,李", 2).values, [Some(1), None]);
        assert_eq!(Mapping::guess(&[], 1, &[]).values, [None]);
    }
}
