//! Drafts that send verification codes again: their values were hidden before, and stay so.

use std::borrow::Cow;

use crate::db::batches::Batch;
use crate::domain::review::Purpose;
use crate::domain::sight::hidden;
use crate::ops::uploads::report::Report;

/// Whether a draft holds the values of verification codes that were sent before.
pub fn sends_hidden_values(batch: &Batch) -> bool {
    batch.purpose == Purpose::Verification && batch.resend_of.is_some()
}

/// Returns cells of such a draft with dots for all but the phone.
pub fn hide_values(cells: &mut [String], phone: usize) {
    let dots = hidden(cells);
    for (column, (cell, dots)) in cells.iter_mut().zip(dots).enumerate() {
        if column != phone {
            *cell = dots;
        }
    }
}

/// Returns the report of a draft as its pages show it.
pub fn shown_report<'a>(batch: &Batch, report: &'a Report) -> Cow<'a, Report> {
    if !sends_hidden_values(batch) {
        return Cow::Borrowed(report);
    }
    let mut shown = report.clone();
    for row in &mut shown.first_rows {
        hide_values(row, report.mapping.phone);
    }
    let named = shown.shortest.iter_mut().chain(&mut shown.longest);
    for sample in named.chain(&mut shown.random) {
        sample.params = hidden(&sample.params);
    }
    Cow::Owned(shown)
}
