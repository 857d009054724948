//! Assembling rows from cells.

use super::super::number_format::NumberFormat;
use super::super::{MAX_CELLS, Row, TableError};
use super::unreadable;

/// The most bytes of a row, as of a line of a text: the first rows are held in memory.
const MAX_ROW_BYTES: usize = 1 << 20;

/// A row that is being assembled.
#[derive(Debug, Default)]
pub(super) struct RowBuilder {
    row: Row,
    /// Whether there is a cell beyond the last column that is read.
    beyond: bool,
    /// The bytes of all cells.
    bytes: usize,
}

impl RowBuilder {
    /// Begins a row in a line that is counted from 1.
    pub(super) fn begin(line: i32) -> Self {
        Self { row: Row::new(line, Vec::new()), ..Self::default() }
    }

    /// Puts a text that is shown as it is stored.
    pub(super) fn text(&mut self, column: usize, text: &str) {
        // PostgreSQL cannot store a NUL character in a text.
        let text = text.trim().replace('\0', "");
        self.bytes += text.len();
        if self.bytes > MAX_ROW_BYTES {
            return;
        }
        match self.cell(column) {
            Some(cell) => *cell = text,
            None => self.beyond |= !text.is_empty(),
        }
    }

    /// Puts a number as its format shows it.
    pub(super) fn number(
        &mut self,
        column: usize,
        value: f64,
        format: &NumberFormat,
        from_1904: bool,
    ) {
        let stored = number_text(value);
        match format.show(value, from_1904) {
            Some(shown) if shown == stored => self.text(column, &stored),
            Some(shown) => {
                self.text(column, &shown);
                self.stored(column, stored);
            }
            None => self.unclear(column, &stored),
        }
    }

    /// Removes a cell and what was noted on it, as it occurs again.
    pub(super) fn forget(&mut self, column: usize) {
        if let Some(cell) = self.row.cells.get_mut(column) {
            cell.clear();
        }
        self.row.stored.retain(|(other, _)| *other != column);
        self.row.unclear.retain(|other| *other != column);
        self.row.recomputed.retain(|other| *other != column);
    }

    /// Puts a cell of which it is not certain how it is shown.
    pub(super) fn unclear(&mut self, column: usize, stored: &str) {
        self.text(column, stored);
        self.doubt(column);
    }

    /// Notes that the spreadsheet computes a cell anew when it is opened.
    pub(super) fn recomputed(&mut self, column: usize) {
        self.doubt(column);
        if column < MAX_CELLS {
            self.row.recomputed.push(column);
        }
    }

    /// Notes that it is not certain how a cell is shown.
    fn doubt(&mut self, column: usize) {
        if column < MAX_CELLS && !self.row.unclear.contains(&column) {
            self.row.unclear.push(column);
        }
    }

    fn stored(&mut self, column: usize, stored: String) {
        if column < MAX_CELLS {
            self.row.stored.push((column, stored));
        }
    }

    fn cell(&mut self, column: usize) -> Option<&mut String> {
        if column >= MAX_CELLS {
            return None;
        }
        let cells = &mut self.row.cells;
        if cells.len() <= column {
            cells.resize(column + 1, String::new());
        }
        cells.get_mut(column)
    }

    /// Returns the row unless it is empty.
    ///
    /// # Errors
    ///
    /// [`TableError::ManyCells`] if it has a cell beyond the last column that is read,
    /// [`TableError::Spreadsheet`] if it is too long.
    pub(super) fn end(self) -> Result<Option<Row>, TableError> {
        if self.bytes > MAX_ROW_BYTES {
            return Err(unreadable("a row is too long"));
        }
        if self.beyond {
            return Err(TableError::ManyCells(self.row.line));
        }
        Ok(Some(self.row).filter(|row| row.cells.iter().any(|cell| !cell.is_empty())))
    }
}

/// Formats a number with the 15 digits that spreadsheets have, without an exponent: a phone that is
/// stored as a number has all of its digits.
pub(super) fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        #[allow(clippy::cast_possible_truncation)]
        return (number as i64).to_string();
    }
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_spreadsheets_have() {
        assert_eq!(number_text(18_500_001_234.0), "18500001234");
        assert_eq!(number_text(0.1 + 0.2), "0.3");
        assert_eq!(number_text(-2.5), "-2.5");
    }

    #[test]
    fn a_number_that_is_shown_otherwise_has_its_stored_form_as_well() {
        let mut row = RowBuilder::begin(1);
        row.number(0, 18_500_001_234.0, &NumberFormat::parse("0.00E+00"), false);
        row.number(1, 0.5, &NumberFormat::parse("# ?/?"), false);
        let row = row.end().unwrap().unwrap();
        assert_eq!((row.cell(0), row.stored_cell(0)), ("1.85E+10", "18500001234"));
        assert_eq!((row.cell(1), row.unclear.as_slice()), ("0.5", &[1][..]));
    }
}
