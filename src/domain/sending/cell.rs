//! Texts in the cells of files that are opened with a spreadsheet.

use std::borrow::Cow;

/// What a formula begins with (OWASP, CSV injection), also in full width, as Chinese spreadsheets
/// accept it.
const FORMULA_STARTS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Returns whether a spreadsheet would take a text for a formula. Some skip spaces and invisible
/// characters in front of one.
fn is_formula(text: &str) -> bool {
    let seen = text.trim_start_matches(is_skipped);
    seen.starts_with(FORMULA_STARTS) || text.starts_with(['\t', '\r', '\n'])
}

fn is_skipped(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
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
        for start in [
            "=",
            "+",
            "@",
            "＝",
            "＋",
            "－",
            "＠",
            "\u{feff}=",
            "\u{a0}=",
            "\n=",
            " -",
            "\u{200b}@",
        ] {
            let formula = format!("{start}1+1");
            assert_eq!(in_csv(&formula), format!("'{formula}"));
            assert_eq!(read(&in_csv(&formula)), formula);
        }
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
        fn a_written_cell_is_read_as_it_was(text in "['=@+＝\u{feff} \"-]{0,3}\\PC{0,10}\"?") {
            let (csv, spreadsheet) = (in_csv(&text), in_spreadsheet(&text));
            prop_assert_eq!(read(&csv), text.as_str());
            prop_assert_eq!(read(&spreadsheet), text.as_str());
        }
    }
}
