//! Texts in the cells of files that are opened with a spreadsheet.

use std::borrow::Cow;

/// Returns whether a spreadsheet would take a text for a formula.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn needs_apostrophe(text: &str) -> bool {
    is_formula(text) || text.starts_with('\'')
}

/// Returns a text as a cell of a CSV file: an apostrophe is put before what a spreadsheet would take
/// for a formula, and before an apostrophe, so that [`read`] returns the same text.
pub fn in_csv(text: &str) -> Cow<'_, str> {
    if needs_apostrophe(text) { format!("'{text}").into() } else { text.into() }
}

/// Returns a text as a cell of a spreadsheet that [`read`] is applied to. Such cells have a type, so
/// that only a text needs an apostrophe from which [`read`] would remove one.
pub fn in_spreadsheet(text: &str) -> Cow<'_, str> {
    if read(text).len() == text.len() { text.into() } else { format!("'{text}").into() }
}

/// Returns the text of a cell without the apostrophe that [`in_csv`] puts before it, as other careful
/// programs do, and without the formula `="…"` by which some keep leading zeros.
pub fn read(cell: &str) -> &str {
    let of_formula = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    of_formula
        .or_else(|| cell.strip_prefix('\'').filter(|rest| needs_apostrophe(rest)))
        .unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_apostrophe_is_put_before_formulas_and_apostrophes() {
        assert_eq!(in_csv("-50元"), "'-50元");
        assert_eq!(in_csv("'-50元"), "''-50元");
        assert_eq!(in_csv("'a"), "''a");
        assert_eq!(in_csv("50-"), "50-");
        assert_eq!(in_spreadsheet("-50元"), "-50元");
        assert_eq!(in_spreadsheet("'-50元"), "''-50元");
        assert_eq!(read("''-50元"), "'-50元");
        assert_eq!(read("'a"), "'a");
        assert_eq!(read("=\"007\""), "007");
        assert_eq!(read("'=\"007\""), "=\"007\"");
    }

    proptest! {
        #[test]
        fn a_written_cell_is_read_as_it_was(text in "['=@+\"-]{0,3}\\PC{0,10}\"?") {
            let (csv, spreadsheet) = (in_csv(&text), in_spreadsheet(&text));
            prop_assert_eq!(read(&csv), text.as_str());
            prop_assert_eq!(read(&spreadsheet), text.as_str());
        }
    }
}
