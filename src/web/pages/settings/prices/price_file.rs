//! CSV files of prices: `kind,country,price,valid_from`, and `note`, which marks examples.

use std::collections::BTreeMap;

use encoding_rs::GB18030;
use time::{Date, Month};

use crate::domain::sending::price::{Price, PriceKind, parse_yuan};
use crate::web::ui::countries;

/// The names of the columns.
pub const COLUMNS: [&str; 5] = ["kind", "country", "price", "valid_from", "note"];
/// The most rows of a file.
const MAX_ROWS: usize = 5_000;

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowProblem {
    /// The first row does not name the columns that are needed.
    Columns,
    /// It is none of the kinds.
    Kind,
    /// The country is not known, or a price at home has one.
    Country,
    /// It is not a price.
    Price,
    /// It is not a day.
    Day,
    /// It is still an example of the sample file.
    Example,
    /// Another row has another price for the same kind, country and day.
    Twice,
    /// The file ends without a row, or has too many.
    Rows,
    /// It cannot be read as CSV.
    Unreadable,
}

impl RowProblem {
    /// Returns the key of its text.
    pub fn text_key(self) -> &'static str {
        match self {
            Self::Columns => "prices-wrong-columns",
            Self::Kind => "prices-wrong-kind",
            Self::Country => "prices-wrong-country",
            Self::Price => "prices-wrong-price",
            Self::Day => "prices-wrong-valid_from",
            Self::Example => "prices-wrong-example",
            Self::Twice => "prices-wrong-twice",
            Self::Rows => "prices-wrong-rows",
            Self::Unreadable => "prices-wrong-unreadable",
        }
    }
}

/// A row that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongRow {
    /// Its line in the file, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub problem: RowProblem,
}

/// Reads a file of prices: all rows, or those that are wrong.
///
/// # Errors
///
/// Every wrong row, in the order of the file.
pub fn read(content: &[u8]) -> Result<Vec<Price>, Vec<WrongRow>> {
    let text = match std::str::from_utf8(content) {
        Ok(text) => text.into(),
        Err(_) => GB18030.decode(content).0,
    };
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let columns = reader.headers().ok().and_then(Columns::of);
    let columns = columns.ok_or_else(|| one(1, RowProblem::Columns))?;
    let (mut prices, mut wrong) = (Vec::new(), Vec::new());
    let mut seen = BTreeMap::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                wrong.push(WrongRow { line, problem: RowProblem::Unreadable });
                continue;
            }
        };
        if record.iter().all(str::is_empty) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        if prices.len() >= MAX_ROWS {
            return Err(one(line, RowProblem::Rows));
        }
        match columns.price(&record) {
            Ok(price) => {
                let of = (price.kind, price.country.clone(), price.valid_from);
                match seen.insert(of, price.price) {
                    None => prices.push(price),
                    Some(other) if other == price.price => {}
                    Some(_) => wrong.push(WrongRow { line, problem: RowProblem::Twice }),
                }
            }
            Err(problem) => wrong.push(WrongRow { line, problem }),
        }
    }
    if !wrong.is_empty() {
        Err(wrong)
    } else if prices.is_empty() {
        Err(one(1, RowProblem::Rows))
    } else {
        Ok(prices)
    }
}

fn one(line: u64, problem: RowProblem) -> Vec<WrongRow> {
    vec![WrongRow { line, problem }]
}

/// Where the columns are, in the order of [`COLUMNS`]. Only the last may be missing.
struct Columns([Option<usize>; COLUMNS.len()]);

impl Columns {
    fn of(names: &csv::StringRecord) -> Option<Self> {
        let place = |column: &str| names.iter().position(|name| name.eq_ignore_ascii_case(column));
        let places = COLUMNS.map(place);
        places[..COLUMNS.len() - 1].iter().all(Option::is_some).then_some(Self(places))
    }

    fn price(&self, record: &csv::StringRecord) -> Result<Price, RowProblem> {
        let [kind, country, price, valid_from, note] =
            self.0.map(|place| place.and_then(|place| record.get(place)).unwrap_or_default());
        if !note.is_empty() {
            return Err(RowProblem::Example);
        }
        read_price(kind, country, price, valid_from)
    }
}

/// Reads a price from its four fields.
///
/// # Errors
///
/// What is wrong with the first field that cannot be used.
pub fn read_price(
    kind: &str,
    country: &str,
    price: &str,
    valid_from: &str,
) -> Result<Price, RowProblem> {
    let kind = PriceKind::from_key(kind.trim()).ok_or(RowProblem::Kind)?;
    let country = match (kind, country.trim()) {
        (_, "") => String::new(),
        (PriceKind::International, country) => {
            countries::code_of(country).ok_or(RowProblem::Country)?
        }
        (PriceKind::Notice | PriceKind::Verification | PriceKind::Marketing, _) => {
            return Err(RowProblem::Country);
        }
    };
    let price = Some(parse_yuan(price).ok_or(RowProblem::Price)?);
    let valid_from = read_day(valid_from).ok_or(RowProblem::Day)?;
    Ok(Price { kind, country, valid_from, price })
}

/// Reads a day: `2026-12-01`, or as spreadsheets save it, `2026/12/1`.
fn read_day(typed: &str) -> Option<Date> {
    let mut numbers = typed.trim().split(['-', '/']);
    let year: i32 = numbers.next()?.parse().ok().filter(|year| (2000..=2100).contains(year))?;
    let month = Month::try_from(numbers.next()?.parse::<u8>().ok()?).ok()?;
    let day = numbers.next()?.parse().ok()?;
    numbers.next().is_none().then(|| Date::from_calendar_date(year, month, day).ok())?
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_file_as_a_spreadsheet_saves_it_is_read() {
        let file = "\u{feff}Kind,country,price,valid_from,note\r\n\
            notice,,0.045,2026-12-01,\r\nmarketing,,¥0.054,2026/12/1\r\n,,,,\r\n\
            international,+60,0.3,2026-12-01,\r\ninternational,Japan,0.5,2026-12-01,\r\n\
            international,,0.8,2026-12-01,\r\n";
        let prices = read(file.as_bytes()).unwrap();
        let shown: Vec<_> =
            prices.iter().map(|one| (one.kind, one.country.as_str(), one.price)).collect();
        assert_eq!(
            shown,
            [
                (PriceKind::Notice, "", Some(450)),
                (PriceKind::Marketing, "", Some(540)),
                (PriceKind::International, "60", Some(3_000)),
                (PriceKind::International, "81", Some(5_000)),
                (PriceKind::International, "", Some(8_000)),
            ]
        );
        assert!(prices.iter().all(|one| one.valid_from == date!(2026 - 12 - 01)));
        let (gbk, _, _) =
            GB18030.encode("kind,country,price,valid_from\ninternational,日本,1,2026-12-01\n");
        assert_eq!(read(&gbk).unwrap()[0].country, "81");
    }

    #[test]
    fn every_wrong_row_is_named_with_its_line() {
        let file = "kind,country,price,valid_from,note\n\
            notice,60,0.045,2026-12-01,\n\
            login,,0.045,2026-12-01,\n\
            notice,,0.045,2026-12-01,\n\
            international,Atlantis,0.3,2026-12-01,\n\
            international,86,0.3,2026-12-01,\n\
            marketing,,free,2026-12-01,\n\
            marketing,,0.054,2026-13-01,\n\
            notice,,0.046,2026-12-01,\n\
            marketing,,0.055,2026-12-01,example\n\
            verification,,0.044,2026-12-01,\n";
        let wrong = read(file.as_bytes()).unwrap_err();
        let shown: Vec<_> = wrong.iter().map(|row| (row.line, row.problem)).collect();
        assert_eq!(
            shown,
            [
                (2, RowProblem::Country),
                (3, RowProblem::Kind),
                (5, RowProblem::Country),
                (6, RowProblem::Country),
                (7, RowProblem::Price),
                (8, RowProblem::Day),
                (9, RowProblem::Twice),
                (10, RowProblem::Example),
            ]
        );
    }

    #[test]
    fn verification_codes_and_notices_may_have_a_price_each() {
        let file = "kind,country,price,valid_from\n\
            verification,,0.044,2026-12-01\nnotice,,0.0450,2026-12-01\n";
        let prices = read(file.as_bytes()).unwrap();
        let shown: Vec<_> = prices.iter().map(|one| (one.kind, one.price)).collect();
        let expected = [(PriceKind::Verification, Some(440)), (PriceKind::Notice, Some(450))];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_file_without_the_columns_or_without_rows_is_refused() {
        for (file, problem) in [
            ("", RowProblem::Columns),
            ("kind,price\nnotice,1\n", RowProblem::Columns),
            ("kind,country,price,valid_from\n", RowProblem::Rows),
        ] {
            assert_eq!(read(file.as_bytes()), Err(one(1, problem)), "{file}");
        }
    }
}
