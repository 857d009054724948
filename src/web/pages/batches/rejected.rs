//! `…/rejected.csv` and `…/rejected.xlsx`: the rejected rows of an upload as they were written, each
//! with its line number and the reason. The file can be corrected and uploaded again as it is.

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;

use super::downloads::record_export;
use super::hidden::{shown_report, shown_row};
use super::{find, verdicts};
use crate::app::App;
use crate::db::sending::batches::Batch;
use crate::db::sending::{recipients, uploads};
use crate::domain::sending::cell;
use crate::domain::sending::recipient::{Recipient, Verdict};
use crate::domain::sending::upload::{
    Guess, Mapping, REJECTED_COLUMNS, UploadSource, looks_like_phone, names_phone,
};
use crate::ops::sending::uploads::report::Report;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::ui::files::csv::{headed, lines, streamed};
use crate::web::ui::files::workbook;
use crate::web::ui::layout::{Layout, Section};

/// Returns the name of the file of rejected rows that is of the kind of an uploaded one.
pub(super) fn file_of_rejected_rows(uploaded: UploadSource) -> &'static str {
    match uploaded {
        UploadSource::Text => "rejected.csv",
        UploadSource::Xlsx | UploadSource::Xls => "rejected.xlsx",
    }
}

/// Rows read per query.
const ROWS_PER_PAGE: i64 = 2_000;

/// Query parameters: the verdict of the rows, if not all.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RejectedQuery {
    show: String,
}

/// The rejected rows of a draft, page by page.
struct Export {
    app: web::Data<App>,
    l: Layout,
    batch: Batch,
    verdict: Option<Verdict>,
    names: Vec<String>,
    /// The number of cells of a row before the columns that are added.
    width: usize,
    mapping: Mapping,
}

impl Export {
    async fn begin(
        app: web::Data<App>,
        member: &Member,
        request: &HttpRequest,
        id: &str,
        query: &RejectedQuery,
    ) -> Result<Self, WebError> {
        let batch = find(&app, member, id).await?;
        let upload = uploads::find(&app.db, member.project.id, batch.id).await?;
        let report =
            upload.and_then(|upload| serde_json::from_value::<Report>(upload.report?).ok());
        let report = report.ok_or(WebError::NotFound)?;
        record_export(&app, member, request, batch.id, json!({ "file": "rejected" })).await?;
        let l = Layout::in_project(member, &app, request, Section::Batches).await?;
        let verdict = Verdict::from_key(&query.show).filter(|verdict| *verdict != Verdict::Ready);
        let names = names(&shown_report(&batch, &report));
        let width = names.len();
        let mapping = report.mapping;
        Ok(Self { app, l, batch, verdict, names, width, mapping })
    }

    fn all_names(&self) -> Vec<String> {
        let added = REJECTED_COLUMNS[0].map(str::to_owned);
        self.names.iter().cloned().chain(added).collect()
    }

    /// Returns the rows after a line, and the last line of them if there may be more.
    async fn next_rows(&self, after: i32) -> sqlx::Result<(Vec<Vec<String>>, Option<i32>)> {
        let found =
            recipients::rejected(&self.app.db, self.batch.id, self.verdict, after, ROWS_PER_PAGE)
                .await?;
        let next = found.last().map(|last| last.position);
        Ok((found.into_iter().map(|recipient| self.row(recipient)).collect(), next))
    }

    /// Returns the column of a number of which it is not certain how the spreadsheet shows it. It is
    /// left empty: as a text it would be sent as it is stored.
    fn doubtful_column(&self, recipient: &Recipient) -> Option<usize> {
        match recipient.detail.split_once(':') {
            Some((n, "unclear")) => {
                let index = n.parse::<usize>().ok()?.checked_sub(1)?;
                self.mapping.values.get(index).copied().flatten()
            }
            _ if recipient.detail == "computed" => Some(self.mapping.phone),
            _ => None,
        }
    }

    fn row(&self, recipient: Recipient) -> Vec<String> {
        let reason = verdicts::rejection_reason(&self.l, &recipient);
        let verdict = self.l.t(&format!("verdict-{}", recipient.verdict.key()));
        let doubtful = self.doubtful_column(&recipient);
        let recipient = shown_row(&self.batch, &self.mapping, recipient);
        let mut cells = recipient.cells.unwrap_or_default();
        cells.resize(self.width, String::new());
        if let Some(cell) = doubtful.and_then(|column| cells.get_mut(column)) {
            cell.clear();
        }
        cells.extend([recipient.position.to_string(), verdict, reason]);
        cells
    }
}

/// `…/rejected.csv`.
pub async fn csv(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    query: web::Query<RejectedQuery>,
) -> Result<HttpResponse, WebError> {
    let export = Export::begin(app, &member, &request, &path.1, &query).await?;
    let name = format!("{}-rejected.csv", export.batch.id);
    let from = Some((headed(export.all_names()), 0));
    let pages = stream::unfold((export, from), |(export, from)| async move {
        let (mut bytes, after) = from?;
        match export.next_rows(after).await {
            Ok((rows, next)) => {
                bytes.extend(lines(rows));
                let from = next.map(|next| (Vec::new(), next));
                Some((Ok(web::Bytes::from(bytes)), (export, from)))
            }
            Err(error) => Some((Err(std::io::Error::other(error)), (export, None))),
        }
    });
    Ok(streamed(&request, &member, &name, pages))
}

/// `…/rejected.xlsx`.
pub async fn xlsx(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    query: web::Query<RejectedQuery>,
) -> Result<HttpResponse, WebError> {
    let export = Export::begin(app, &member, &request, &path.1, &query).await?;
    let (name, names) = (format!("{}-rejected.xlsx", export.batch.id), export.all_names());
    let pages = stream::unfold(Some((export, 0)), |from| async move {
        let (export, after) = from?;
        match export.next_rows(after).await {
            Ok((rows, next)) => {
                let rows = rows.into_iter().map(|cells| {
                    cells.into_iter().map(|text| cell::in_spreadsheet(&text).into_owned()).collect()
                });
                Some((Ok(rows.collect()), next.map(|next| (export, next))))
            }
            Err(error) => Some((Err(std::io::Error::other(error)), None)),
        }
    });
    workbook::respond(&request, &member, &name, names, pages)
}

/// Returns the column names of the file: those of the uploaded one if they lead to the same mapping
/// of columns, or else such that do.
fn names(report: &Report) -> Vec<String> {
    let width = report.width.max(report.columns.len());
    // A row that was taken for the header has no names.
    let has_names = !report.columns.iter().any(|name| looks_like_phone(name));
    // Of the rejected rows, another column may have better phones than of all.
    let mut others = (0..width).filter(|column| *column != report.mapping.phone);
    let is_certain =
        !others.any(|column| report.columns.get(column).is_some_and(|name| names_phone(name)));
    let own_name =
        |column: usize| report.columns.get(column).filter(|name| has_names && !name.is_empty());
    let names: Vec<String> = (0..width)
        .map(|column| own_name(column).cloned().unwrap_or_else(|| plain_name(report, column)))
        .collect();
    if is_certain && leads_to_the_same_mapping(report, &names) {
        names
    } else {
        (0..width).map(|column| plain_name(report, column)).collect()
    }
}

/// Returns a name by which the import knows what a column is used as.
fn plain_name(report: &Report, column: usize) -> String {
    let mapping = &report.mapping;
    if column == mapping.phone {
        return "phone".to_owned();
    }
    match mapping.values.iter().position(|used| *used == Some(column)) {
        Some(variable) => format!("param{}", variable + 1),
        None => format!("column{}", column + 1),
    }
}

fn leads_to_the_same_mapping(report: &Report, names: &[String]) -> bool {
    let added = REJECTED_COLUMNS[0].iter().map(|name| (*name).to_owned());
    let mut rows = vec![names.iter().cloned().chain(added).collect()];
    rows.extend(report.first_rows.iter().cloned());
    let mapping = &report.mapping;
    let guess = Guess { rows: &rows, variables: mapping.values.len(), meanings: &[], phone: None };
    let (guessed, candidates) = guess.mapping();
    candidates.is_empty() && guessed.phone == mapping.phone && guessed.values == mapping.values
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use proptest::prelude::*;

    use super::*;
    use crate::recipient_file::{Delimiter, Encoding, read_text};

    /// Reads a file of rejected rows as an upload does.
    fn read(file: &[u8]) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        read_text(file, Encoding::Utf8, Delimiter::Comma, |_| false, &mut |row| {
            rows.push(row.cells.iter().map(|text| cell::read(text).to_owned()).collect());
            ControlFlow::Continue(())
        })
        .unwrap();
        rows
    }

    fn report(columns: &[&str], phone: usize, values: &[usize]) -> Report {
        let owned = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
        Report {
            columns: owned(columns),
            first_rows: vec![owned(&["18500001234", "5", "1234"])],
            mapping: Mapping {
                header: true,
                title_rows: 0,
                phone,
                values: values.iter().copied().map(Some).collect(),
            },
            ..Report::default()
        }
    }

    #[test]
    fn names_lead_to_the_mapping_that_was_used() {
        assert_eq!(names(&report(&["手机号", "a", "b"], 0, &[1, 2])), ["手机号", "a", "b"]);
        let swapped = names(&report(&["手机号", "a", "b"], 0, &[2, 1]));
        assert_eq!(swapped, ["phone", "param2", "param1"]);
        assert_eq!(names(&report(&["", "", ""], 0, &[1, 2])), ["phone", "param1", "param2"]);
        let two = names(&report(&["手机号", "联系人电话", "b"], 0, &[2]));
        assert_eq!(two, ["phone", "column2", "param1"]);
    }

    proptest! {
        #[test]
        fn cells_are_read_as_they_were(
            rows in proptest::collection::vec(
                proptest::collection::vec("['=+@\"-]{0,2}\\PC{0,8}[\n\",;]{0,2}\\PC{0,4}", 3), 1..5,
            )
        ) {
            let trimmed = |text: &String| text.trim_matches([' ', '\u{feff}', '\u{3000}']).to_owned();
            // Rows come from a file, whose cells are trimmed already.
            let rows: Vec<Vec<String>> =
                rows.iter().map(|row| row.iter().map(trimmed).collect()).collect();
            let rows: Vec<Vec<String>> =
                rows.into_iter().filter(|row| row.iter().any(|text| !text.is_empty())).collect();
            let mut file = headed(vec!["phone".to_owned(), "a".to_owned(), "b".to_owned()]);
            file.extend(lines(rows.clone()));
            let again = read(&file);
            prop_assert_eq!(&again[1..], rows.as_slice());
        }
    }
}
