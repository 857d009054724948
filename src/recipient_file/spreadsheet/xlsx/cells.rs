//! The rows and cells of a sheet.

use quick_xml::events::{BytesStart, Event};
use time::{Date, PrimitiveDateTime, Time, format_description::well_known::Iso8601};

use super::super::super::number_format::NumberFormat;
use super::super::super::{MAX_CELLS, RowSink, TableError};
use super::super::row::RowBuilder;
use super::super::{Counts, unreadable};
use super::Context;
use super::parts::{Part, attribute, check_length, is_true, push_entity, text_until};

/// What a cell with a formula has that was never computed.
const NOT_COMPUTED: &str = "#FORMULA?";

/// The rows and columns of a sheet (Excel's specifications and limits).
const MAX_LINES: i32 = 1_048_576;
const MAX_COLUMNS: usize = 16_384;

/// Passes the rows of a sheet to `take`, without hidden ones and without the cells of hidden columns
/// unless `hidden`.
pub(super) fn read(
    part: Part<'_>,
    context: &Context,
    hidden: bool,
    take: RowSink<'_>,
) -> Result<Counts, TableError> {
    let mut sheet = Sheet {
        part,
        context,
        hidden,
        hidden_columns: [false; MAX_CELLS],
        used_columns: [false; MAX_CELLS],
        line: 0,
        text: String::new(),
    };
    sheet.read(take)
}

struct Sheet<'a> {
    part: Part<'a>,
    context: &'a Context,
    hidden: bool,
    hidden_columns: [bool; MAX_CELLS],
    /// Hidden columns that have a cell.
    used_columns: [bool; MAX_CELLS],
    line: i32,
    /// The text of the current cell.
    text: String,
}

impl Sheet<'_> {
    fn read(&mut self, take: RowSink<'_>) -> Result<Counts, TableError> {
        let mut counts = Counts::default();
        let mut buffer = Vec::new();
        loop {
            match self.part.next(&mut buffer)? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "col" => self.note_column(&element),
                    "row" => {
                        let row_hidden = self.begin_row(&element)?;
                        let row = self.read_row()?;
                        let Some(row) = row.end()? else { continue };
                        counts.rows += 1;
                        counts.hidden_rows += i32::from(row_hidden);
                        if (self.hidden || !row_hidden) && take(row).is_break() {
                            break;
                        }
                    }
                    _ => {}
                },
                Event::End(element) if element.local_name().as_ref() == "sheetData" => break,
                Event::Eof => break,
                _ => {}
            }
        }
        let used = self.used_columns.iter().filter(|used| **used).count();
        counts.hidden_columns = i32::try_from(used).unwrap_or(i32::MAX);
        Ok(counts)
    }

    fn note_column(&mut self, element: &BytesStart<'_>) {
        let hidden = is_true(element, "hidden")
            || attribute(element, "width").is_some_and(|width| width.parse() == Ok(0.0));
        let bound = |name: &str| attribute(element, name).and_then(|n| n.parse::<usize>().ok());
        if let (true, Some(first), Some(last)) = (hidden, bound("min"), bound("max")) {
            let columns = first.saturating_sub(1)..last.min(MAX_CELLS);
            if let Some(columns) = self.hidden_columns.get_mut(columns) {
                columns.fill(true);
            }
        }
    }

    /// Moves on to a row. Returns whether it is hidden, which a height of 0 does as well.
    fn begin_row(&mut self, element: &BytesStart<'_>) -> Result<bool, TableError> {
        // Each row has a line of its own, even in a damaged file.
        let next = self.line + 1;
        self.line = match attribute(element, "r") {
            Some(line) => {
                let line = line.trim().parse::<i32>().ok().filter(|line| *line >= 0);
                line.unwrap_or(i32::MAX).max(next)
            }
            None => next,
        };
        if self.line > MAX_LINES {
            return Err(unreadable("a row beyond the last one"));
        }
        let has_no_height = attribute(element, "ht").is_some_and(|ht| ht.parse() == Ok(0.0));
        Ok(has_no_height || is_true(element, "hidden"))
    }

    fn read_row(&mut self) -> Result<RowBuilder, TableError> {
        let mut row = RowBuilder::begin(self.line);
        let mut column = 0;
        let mut buffer = Vec::new();
        loop {
            match self.part.next(&mut buffer)? {
                Event::Start(element) if element.local_name().as_ref() == "c" => {
                    let cell = CellHead::of(&element, column);
                    if cell.column >= MAX_COLUMNS {
                        return Err(unreadable("a cell beyond the last column"));
                    }
                    if cell.column < column {
                        row.forget(cell.column);
                    }
                    column = cell.column + 1;
                    self.read_cell(&cell, &mut row)?;
                }
                Event::End(element) if element.local_name().as_ref() == "row" => return Ok(row),
                Event::Eof => return Err(unreadable("unexpected end")),
                _ => {}
            }
        }
    }

    fn read_cell(&mut self, cell: &CellHead, row: &mut RowBuilder) -> Result<(), TableError> {
        let has_formula = self.read_content()?;
        if self.text.is_empty() {
            if !has_formula {
                return Ok(());
            }
            // Excel would compute it; here is no value.
            self.text.push_str(NOT_COMPUTED);
            let text = CellHead { kind: Kind::Error, ..*cell };
            return self.put(&text, row, has_formula);
        }
        self.put(cell, row, has_formula)
    }

    /// Puts the cell whose value was read.
    fn put(
        &mut self,
        cell: &CellHead,
        row: &mut RowBuilder,
        has_formula: bool,
    ) -> Result<(), TableError> {
        if self.hidden_columns.get(cell.column) == Some(&true) {
            self.used_columns[cell.column] = true;
            if !self.hidden {
                return Ok(());
            }
        }
        let context = self.context;
        let format = context.formats.get(cell.style).map_or(&context.general, AsRef::as_ref);
        match cell.kind {
            Kind::Number => match self.text.trim().parse::<f64>() {
                Ok(number) => row.number(cell.column, number, format, context.from_1904),
                Err(_) => put_text(row, cell.column, &self.text, format),
            },
            Kind::Shared => {
                let index = self.text.trim().parse::<usize>().ok();
                let text = index.and_then(|index| context.strings.get(index));
                let text = text.ok_or_else(|| unreadable("a shared string is missing"))?;
                put_text(row, cell.column, text, format);
            }
            Kind::Text => put_text(row, cell.column, &self.text, format),
            Kind::Bool => {
                let value = matches!(self.text.trim(), "1" | "true");
                row.text(cell.column, if value { "TRUE" } else { "FALSE" });
            }
            Kind::Error => row.text(cell.column, &self.text),
            Kind::Date => match serial(self.text.trim(), context.from_1904) {
                Some(number) => row.number(cell.column, number, format, context.from_1904),
                None => row.unclear(cell.column, &self.text),
            },
        }
        if has_formula && context.computed_on_load {
            row.recomputed(cell.column);
        }
        Ok(())
    }

    /// Reads the value of a cell into `text`, up to the cell's end. Returns whether it has a formula,
    /// which is left out: its value is what is shown.
    fn read_content(&mut self) -> Result<bool, TableError> {
        self.text.clear();
        let (mut in_value, mut has_formula) = (false, false);
        let mut buffer = Vec::new();
        loop {
            check_length(&self.text)?;
            match self.part.next(&mut buffer)? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "v" => in_value = true,
                    "f" => has_formula = true,
                    "is" => self.text = text_until(&mut self.part, "is")?,
                    _ => {}
                },
                Event::End(element) => match element.local_name().as_ref() {
                    "v" => in_value = false,
                    "c" => return Ok(has_formula),
                    _ => {}
                },
                Event::Text(content) if in_value => self.text.push_str(&content.xml10_content()),
                Event::CData(content) if in_value => self.text.push_str(&content.xml10_content()),
                Event::GeneralRef(entity) if in_value => push_entity(&entity, &mut self.text),
                Event::Eof => return Err(unreadable("unexpected end")),
                _ => {}
            }
        }
    }
}

fn put_text(row: &mut RowBuilder, column: usize, text: &str, format: &NumberFormat) {
    match format.show_text(text) {
        Some(shown) => row.text(column, &shown),
        None => row.unclear(column, text),
    }
}

/// The place, style and type of a cell.
struct CellHead {
    column: usize,
    style: usize,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Number,
    Shared,
    Text,
    Bool,
    Error,
    Date,
}

impl CellHead {
    /// Reads the attributes of a cell. `next` is its column if it does not name one.
    fn of(element: &BytesStart<'_>, next: usize) -> Self {
        let mut head = Self { column: next, style: 0, kind: Kind::Number };
        let mut attributes = element.attributes();
        attributes.with_checks(false);
        for one in attributes.flatten() {
            let value = one.value.as_ref();
            match one.key.as_ref() {
                "r" => head.column = column_of(value).unwrap_or(next),
                "s" => head.style = value.parse().unwrap_or(0),
                "t" => {
                    head.kind = match value {
                        "s" => Kind::Shared,
                        "str" | "inlineStr" => Kind::Text,
                        "b" => Kind::Bool,
                        "e" => Kind::Error,
                        "d" => Kind::Date,
                        _ => Kind::Number,
                    }
                }
                _ => {}
            }
        }
        head
    }
}

/// Returns the column of a reference such as `AB12`, from 0.
fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let column = letters.fold(0_usize, |sum, letter| {
        sum.saturating_mul(26).saturating_add(usize::from(letter.to_ascii_uppercase() - b'A') + 1)
    });
    column.checked_sub(1)
}

/// Returns the number of days that a date or time of ISO 8601 stands for.
fn serial(text: &str, from_1904: bool) -> Option<f64> {
    let epoch = if from_1904 {
        time::macros::datetime!(1904-01-01 0:00)
    } else {
        time::macros::datetime!(1899-12-30 0:00)
    };
    let text = text.trim_end_matches('Z');
    let at = if let Ok(at) = PrimitiveDateTime::parse(text, &Iso8601::DATE_TIME) {
        at
    } else if let Ok(date) = Date::parse(text, &Iso8601::DATE) {
        date.midnight()
    } else {
        let time = Time::parse(text, &Iso8601::TIME).ok()?;
        return Some(time.duration_since(Time::MIDNIGHT).as_seconds_f64() / 86_400.0);
    };
    let days = (at - epoch).as_seconds_f64() / 86_400.0;
    // Before March 1900 spreadsheets count one day less.
    Some(if from_1904 || days >= 61.0 { days } else { days - 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_name_columns_by_letters() {
        assert_eq!(column_of("A1"), Some(0));
        assert_eq!(column_of("Z9"), Some(25));
        assert_eq!(column_of("AB12"), Some(27));
        assert_eq!(column_of("12"), None);
        let letters = |mut column: usize| {
            let mut letters = Vec::new();
            loop {
                letters.insert(0, b'A' + u8::try_from(column % 26).unwrap());
                if column < 26 {
                    return String::from_utf8(letters).unwrap();
                }
                column = column / 26 - 1;
            }
        };
        assert_eq!(letters(MAX_COLUMNS - 1), "XFD");
        assert!(
            (0..MAX_COLUMNS)
                .all(|column| column_of(&format!("{}7", letters(column))) == Some(column))
        );
    }

    #[test]
    fn dates_of_iso_8601_are_numbers_of_days() {
        assert_eq!(serial("2024-11-25", false), Some(45_621.0));
        assert_eq!(serial("2024-11-25T12:00:00", false), Some(45_621.5));
        assert_eq!(serial("2024-11-25T12:00:00.000Z", true), Some(44_159.5));
        assert_eq!(serial("06:00:00", false), Some(0.25));
        assert_eq!(serial("1900-01-01", false), Some(1.0));
        assert_eq!(serial("soon", false), None);
    }
}
