//! What the preview asks or tells about a file before its verdicts: which column has the phones,
//! what is hidden, and values that are probably not meant to be sent.

use super::confirm_fields::ConfirmFields;
use crate::ops::sending::uploads::report::{Question, ReadOptions, Report};
use crate::web::ui::layout::Layout;

/// A column that may have the phones.
pub(super) struct Candidate {
    pub(super) column: usize,
    pub(super) name: String,
    pub(super) examples: String,
}

/// A column with numbers of which it is not certain how they are shown.
pub(super) struct Unclear {
    pub(super) column: usize,
    pub(super) sentence: String,
    pub(super) examples: String,
}

/// A column whose numbers are sent as they are stored, because a person said so.
pub(super) struct AsStored {
    pub(super) column: usize,
    pub(super) sentence: String,
}

/// A sheet that can be chosen.
pub(super) struct SheetChoice {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

/// Everything about a file that is asked or told.
pub(super) struct Questions {
    pub(super) candidates: Vec<Candidate>,
    pub(super) old_spreadsheet: bool,
    pub(super) unclear: Vec<Unclear>,
    pub(super) as_stored: Vec<AsStored>,
    pub(super) placeholders: i64,
    pub(super) placeholders_sent: bool,
    pub(super) hidden: Option<String>,
    pub(super) hidden_read: bool,
    pub(super) sheets: Vec<SheetChoice>,
    pub(super) titles: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl Questions {
    pub(super) fn of(
        l: &Layout,
        report: &Report,
        options: &ReadOptions,
        posted: &ConfirmFields,
    ) -> Self {
        let question = report.question();
        let candidates = match &question {
            Some(Question::Phone(columns)) => columns.as_slice(),
            Some(Question::OldSpreadsheet) | None => &[],
        };
        Self {
            candidates: candidates.iter().map(|column| candidate(l, report, *column)).collect(),
            old_spreadsheet: question == Some(Question::OldSpreadsheet),
            unclear: unclear(l, report),
            as_stored: as_stored(l, report, options),
            placeholders: report.placeholders,
            placeholders_sent: options.placeholders,
            hidden: hidden(l, report),
            hidden_read: match posted.hidden.as_slice() {
                [] => options.hidden,
                posted => posted.contains(&1),
            },
            sheets: sheet_choices(l, report, posted.sheet.as_deref()),
            titles: report.titles.clone(),
            warnings: warnings(l, report),
        }
    }

    /// Returns whether nothing can be sent before a question is answered.
    pub(super) fn block(&self) -> bool {
        self.old_spreadsheet || !self.candidates.is_empty()
    }
}

/// Returns the name of a column, or its number where the file has no name for it.
pub(super) fn column_name(l: &Layout, report: &Report, column: usize) -> String {
    match report.columns.get(column).map(String::as_str).unwrap_or_default() {
        "" => l.with("preview-column", &[("n", (column + 1).into())]),
        name => name.to_owned(),
    }
}

fn candidate(l: &Layout, report: &Report, column: usize) -> Candidate {
    let cells = report.first_rows.iter().filter_map(|row| row.get(column));
    let examples: Vec<&str> =
        cells.map(String::as_str).filter(|cell| !cell.is_empty()).take(3).collect();
    Candidate { column, name: column_name(l, report, column), examples: examples.join(", ") }
}

fn unclear(l: &Layout, report: &Report) -> Vec<Unclear> {
    let each = report.unclear.iter().map(|(column, found)| {
        let name = column_name(l, report, *column);
        let examples: Vec<String> = found
            .examples
            .iter()
            .map(|(line, stored)| {
                l.with(
                    "preview-unclear-example",
                    &[("line", (*line).into()), ("stored", stored.as_str().into())],
                )
            })
            .collect();
        Unclear {
            column: *column,
            sentence: l
                .with("preview-unclear", &[("rows", found.rows.into()), ("name", name.into())]),
            examples: examples.join(" · "),
        }
    });
    each.collect()
}

fn as_stored(l: &Layout, report: &Report, options: &ReadOptions) -> Vec<AsStored> {
    let each = options.as_stored.iter().map(|column| AsStored {
        column: *column,
        sentence: l.with("preview-as-stored", &[("name", column_name(l, report, *column).into())]),
    });
    each.collect()
}

fn hidden(l: &Layout, report: &Report) -> Option<String> {
    let (rows, columns) = (report.hidden_rows, report.hidden_columns);
    (rows > 0 || columns > 0)
        .then(|| l.with("preview-hidden", &[("rows", rows.into()), ("columns", columns.into())]))
}

/// Returns the sheets of a spreadsheet, as they can be chosen.
pub(super) fn sheet_choices(l: &Layout, report: &Report, chosen: Option<&str>) -> Vec<SheetChoice> {
    let chosen = chosen.or(report.sheet.as_deref());
    let each = report.sheets.iter().map(|sheet| {
        let key = if sheet.hidden { "preview-sheet-hidden" } else { "preview-sheet-rows" };
        SheetChoice {
            name: sheet.name.clone(),
            label: l
                .with(key, &[("name", sheet.name.as_str().into()), ("rows", sheet.rows.into())]),
            chosen: chosen == Some(sheet.name.as_str()),
        }
    });
    each.collect()
}

fn warnings(l: &Layout, report: &Report) -> Vec<String> {
    let each = report.warnings.iter().map(|(problem, count)| {
        let why = l.t(&format!("param-problem-{problem}"));
        l.with("preview-warning", &[("count", (*count).into()), ("why", why.into())])
    });
    each.collect()
}
