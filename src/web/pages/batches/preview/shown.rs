//! The rows, texts and columns of a file as its preview shows them.

use crate::db::review::sms_templates::SmsTemplate;
use crate::db::sending::batches::Batch;
use crate::domain::review::sms_template::read_instruction;
use crate::domain::sending::recipient::Recipient;
use crate::domain::sending::upload::Mapping;
use crate::ops::sending::uploads::report::{Report, Sample};
use crate::web::pages::batches::confirm_fields::ConfirmFields;
use crate::web::pages::batches::questions::column_name;
use crate::web::pages::batches::verdicts::rejection_reason;
use crate::web::ui::layout::Layout;
use crate::web::ui::segments::{Segment, segments_of};

/// A row that is not sent.
pub(super) struct RejectedRow {
    pub(super) line: i32,
    pub(super) phone: String,
    pub(super) verdict: String,
    pub(super) reason: String,
    pub(super) cells: String,
}

/// A text as a recipient will read it.
pub(super) struct SampleText {
    pub(super) caption: String,
    pub(super) segments: Vec<Segment>,
}

/// A column of the file.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) first: String,
    pub(super) used_as: String,
}

pub(super) fn size(bytes: i64) -> String {
    #[allow(clippy::cast_precision_loss)]
    let bytes = bytes as f64;
    if bytes < 1_000_000.0 {
        format!("{:.1} KB", (bytes / 1_000.0).max(0.1))
    } else {
        format!("{:.1} MB", bytes / 1_000_000.0)
    }
}

pub(super) fn rejected_row(l: &Layout, recipient: Recipient) -> RejectedRow {
    let cells = recipient.cells.as_deref().unwrap_or_default().join(", ");
    RejectedRow {
        line: recipient.position,
        verdict: l.t(&format!("verdict-{}", recipient.verdict.key())),
        reason: rejection_reason(l, &recipient),
        cells: cells.chars().take(120).collect(),
        phone: recipient.phone,
    }
}

pub(super) fn samples(l: &Layout, batch: &Batch, report: &Report) -> Vec<SampleText> {
    let text = |key: &str, sample: &Sample| SampleText {
        caption: l.with(
            key,
            &[
                ("line", sample.line.into()),
                ("length", sample.length.into()),
                ("parts", sample.parts.into()),
            ],
        ),
        segments: segments_of(&batch.text(), &sample.params),
    };
    let mut lines = Vec::new();
    let mut all = Vec::new();
    let named = [("preview-shortest", &report.shortest), ("preview-longest", &report.longest)];
    for (key, sample) in named.into_iter().filter_map(|(key, found)| Some((key, found.as_ref()?))) {
        if !lines.contains(&sample.line) {
            lines.push(sample.line);
            all.push(text(key, sample));
        }
    }
    for sample in &report.random {
        if !lines.contains(&sample.line) {
            all.push(text("preview-random", sample));
        }
    }
    all
}

pub(super) fn columns(l: &Layout, report: &Report, posted: &ConfirmFields) -> Vec<Column> {
    let mapping = &report.mapping;
    (0..report.columns.len())
        .map(|index| Column {
            name: column_name(l, report, index),
            first: report
                .first_rows
                .iter()
                .filter_map(|row| row.get(index))
                .find(|cell| !cell.is_empty())
                .cloned()
                .unwrap_or_default(),
            used_as: match posted.column.get(index) {
                Some(used_as) => used_as.clone(),
                None => used_as(mapping, index),
            },
        })
        .collect()
}

/// Returns what a column is used as, in the form: `phone`, the number of a variable, or nothing.
pub(in crate::web::pages::batches) fn used_as(mapping: &Mapping, column: usize) -> String {
    if mapping.phone == column {
        return "phone".to_owned();
    }
    let variable = mapping.values.iter().position(|used| *used == Some(column));
    variable.map_or_else(String::new, |index| (index + 1).to_string())
}

pub(super) fn variables(batch: &Batch, template: Option<&SmsTemplate>) -> Vec<(usize, String)> {
    let count = batch.text().variables();
    let meanings =
        template.map_or_else(Vec::new, |template| read_instruction(&template.instruction, count));
    (1..=count)
        .map(|n| {
            let meaning = meanings.get(n - 1).map(String::as_str).unwrap_or_default();
            (n, format!("{{{n}}} {meaning}").trim().to_owned())
        })
        .collect()
}
