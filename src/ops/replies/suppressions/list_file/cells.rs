//! Cells: what of a phone may be in one.

use crate::domain::phone::{Phone, PhoneProblem, entries};
use crate::domain::sending::cell;
use crate::domain::sending::upload::looks_like_phone;
use crate::recipient_file::Row;

/// Characters of a cell that are kept to guess columns and to show examples.
pub(super) const CELL_LENGTH: usize = 60;

/// Returns a cell as it is stored, without the apostrophe of a careful program.
pub(super) fn written(row: &Row, column: usize) -> &str {
    cell::read(row.stored_cell(column).trim())
}

/// Returns whether a cell has several phones.
pub(super) fn has_several(cell: &str) -> bool {
    let parts: Vec<&str> = cell.split(['/', '|', '\n']).flat_map(entries).collect();
    parts.len() > 1 && parts.iter().all(|part| looks_like_phone(part))
}

/// Returns whether a cell has a phone, or one that was damaged or masked. Dates and other numbers
/// are none.
pub(super) fn may_be_phone(cell: &str) -> bool {
    match Phone::parse(cell) {
        Ok(_) | Err(PhoneProblem::Spreadsheet) => true,
        Err(_) => has_several(cell) || cell.contains('*') && looks_like_phone(cell),
    }
}
