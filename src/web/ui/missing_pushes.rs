//! The sentence about pushes that do not come.

use super::layout::Layout;
use crate::ops::receipts::missing_pushes::Gap;

/// Returns the sentence about a gap between pushes.
pub fn gap_text(l: &Layout, gap: Gap) -> String {
    match gap.last {
        Some(last) => l.with("health-gap", &[("when", l.ago(last).into())]),
        None => l.with("health-gap-ever", &[("when", l.ago(gap.since).into())]),
    }
}
