//! Drafts that send values again that were hidden before, such as verification codes. Their files were
//! written by the console: a column of phones, and a column for each value. However such a file is read,
//! and for whatever template, nothing but those phones is shown of it.

use std::borrow::Cow;

use crate::db::sending::batches::Batch;
use crate::domain::accounts::sight::{hidden, hide};
use crate::domain::phone::Phone;
use crate::domain::sending::recipient::Recipient;
use crate::domain::sending::upload::Mapping;
use crate::ops::sending::uploads::report::Report;

/// The column of the phones.
const PHONES: usize = 0;
/// What the names of the columns of values begin with.
const VALUE: &str = "param";

/// Puts dots in the place of all cells of a row but its phone. Read with another separator, the cell of the
/// phone has the values as well, and is no phone.
fn hide_values(cells: &mut [String]) {
    for (column, cell) in cells.iter_mut().enumerate() {
        if column != PHONES || !Phone::is_whole(cell) {
            hide(cell);
        }
    }
}

/// Returns a row that is not sent as the pages and files of its draft show it.
pub fn shown_row(batch: &Batch, mapping: &Mapping, mut recipient: Recipient) -> Recipient {
    if !batch.hides_values {
        return recipient;
    }
    if mapping.phone != PHONES || !Phone::is_whole(&recipient.phone) {
        hide(&mut recipient.phone);
    }
    if let Some(cells) = &mut recipient.cells {
        hide_values(cells);
    }
    recipient
}

/// Returns the report of a draft as its pages and files show it.
pub fn shown_report<'a>(batch: &Batch, report: &'a Report) -> Cow<'a, Report> {
    if !batch.hides_values {
        return Cow::Borrowed(report);
    }
    let mut shown = report.clone();
    shown.titles.clear();
    for row in &mut shown.first_rows {
        hide_values(row);
    }
    // With another row as the header, the names would be values.
    let is_ours = |name: &str| name == "phone" || name.strip_prefix(VALUE).is_some_and(is_number);
    for name in shown.columns.iter_mut().filter(|name| !is_ours(name)) {
        name.clear();
    }
    for (_, stored) in shown.unclear.values_mut().flat_map(|found| &mut found.examples) {
        hide(stored);
    }
    let named = shown.shortest.iter_mut().chain(&mut shown.longest);
    for sample in named.chain(&mut shown.random) {
        sample.params = hidden(&sample.params);
    }
    Cow::Owned(shown)
}

fn is_number(text: &str) -> bool {
    text.parse::<u8>().is_ok()
}
