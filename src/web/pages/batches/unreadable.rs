//! The page of a draft whose file cannot be read: why, and what can be done about it.

use askama::Template;

use super::questions::{SheetChoice, sheet_choices};
use crate::db::sending::batches::Batch;
use crate::db::sending::uploads::Upload;
use crate::domain::sending::upload::UploadSource;
use crate::ops::sending::uploads::report::{ReadOptions, Report};
use crate::recipient_file::{Encoding, MAX_CELLS};
use crate::web::ui::layout::Layout;

/// Why nothing of a file can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The sheet has no row; another one may have.
    NoRows,
    /// All rows of the sheet are hidden; they can be read.
    AllHidden,
    /// The file has to be fixed.
    File,
}

impl Cause {
    fn key(self) -> &'static str {
        match self {
            Self::NoRows => "-no-rows",
            Self::AllHidden => "-hidden",
            Self::File => "",
        }
    }
}

#[derive(Template)]
#[template(path = "pages/batches/unreadable.html")]
pub(super) struct UnreadablePage {
    l: Layout,
    batch: Batch,
    upload: Upload,
    title: String,
    reason: String,
    hint: String,
    cause: Cause,
    /// The sheets to choose from, if there are several.
    sheets: Vec<SheetChoice>,
    /// Whether another encoding may help.
    try_gbk: bool,
}

impl UnreadablePage {
    pub(super) fn new(l: Layout, batch: Batch, upload: Upload) -> Self {
        let problem = upload.problem.as_deref().unwrap_or("broken");
        let is_text = upload.source == UploadSource::Text;
        let cause = match problem.split_once(':').map_or(problem, |(name, _)| name) {
            "hidden" => Cause::AllHidden,
            "empty" if !is_text => Cause::NoRows,
            _ => Cause::File,
        };
        let report: Report = upload
            .report
            .clone()
            .filter(|_| cause != Cause::File)
            .and_then(|report| serde_json::from_value(report).ok())
            .unwrap_or_default();
        let sheets =
            if report.sheets.len() > 1 { sheet_choices(&l, &report, None) } else { Vec::new() };
        let options: ReadOptions =
            serde_json::from_value(upload.read_options.clone()).unwrap_or_default();
        Self {
            title: l.t(&format!("preview-unreadable{}", cause.key())),
            reason: reason(&l, problem),
            hint: l.t(&format!("preview-unreadable-hint{}", cause.key())),
            try_gbk: is_text && problem == "broken" && options.encoding != Some(Encoding::Gb18030),
            cause,
            sheets,
            upload,
            batch,
            l,
        }
    }

    fn all_hidden(&self) -> bool {
        self.cause == Cause::AllHidden
    }

    /// Whether the file itself has to be fixed.
    fn is_wrong(&self) -> bool {
        self.cause == Cause::File
    }
}

fn reason(l: &Layout, problem: &str) -> String {
    let (name, value) = problem.split_once(':').unwrap_or((problem, ""));
    let value: i64 = value.parse().unwrap_or(0);
    match name {
        "quote" => l.with("upload-problem-quote", &[("line", value.into())]),
        "rows" => l.with("upload-problem-rows", &[("most", value.into())]),
        "bomb" => l.t("upload-problem-bomb"),
        "died" => l.t("upload-problem-died"),
        "encrypted" => l.t("upload-problem-encrypted"),
        "empty" => l.t("upload-problem-empty"),
        "cells" => {
            l.with("upload-problem-cells", &[("line", value.into()), ("most", MAX_CELLS.into())])
        }
        "hidden" => l.with("upload-problem-hidden", &[("rows", value.into())]),
        _ => l.t("upload-problem-broken"),
    }
}
