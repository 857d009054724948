//! `/suppressions/imports/{id}`: a file of phones to suppress that waits for a person. The page asks
//! which columns have the phones, names the rows that are not understood, and offers to add the good
//! phones and to download the rest.

use std::io;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::actor;
use crate::app::App;
use crate::db::replies::suppression_imports::{self, SuppressionImport};
use crate::domain::ids::{Id, SuppressionImportId};
use crate::domain::limits::MAX_OPT_OUT_FILES;
use crate::domain::sending::recipient::Verdict;
use crate::domain::sending::upload::REJECTED_COLUMNS;
use crate::ops::replies::suppressions::import::{self, Import, ImportError, RETENTION, Rest};
use crate::ops::replies::suppressions::list_file::{
    Examined, FileProblem, PhoneColumn, Reading, Survey, WrongRow,
};
use crate::ops::replies::suppressions::wrong_rows::{self, WrongRows};
use crate::recipient_file::TableError;
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::Texts;
use crate::web::http::member::Member;
use crate::web::http::{flash, page, urls};
use crate::web::ui::files::csv::{headed, lines, streamed};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::Moment;

/// The columns that a person has chosen, as parameters of a URL or fields of a form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    column: Vec<String>,
    /// Present if the form that asks for the columns was submitted.
    read: Option<String>,
}

impl Chosen {
    fn of(request: &HttpRequest) -> Result<Self, WebError> {
        serde_html_form::from_str(request.query_string()).map_err(|_| WebError::BadRequest)
    }

    /// Whether a person has submitted the form without choosing a column.
    fn is_missing(&self) -> bool {
        self.read.is_some() && self.column.is_empty()
    }

    fn columns(&self) -> Vec<PhoneColumn> {
        self.column.iter().filter_map(|column| column.parse().ok()).collect()
    }
}

/// A column that can be chosen.
struct Choice {
    column: PhoneColumn,
    name: String,
    examples: String,
    chosen: bool,
}

/// A row that is not understood.
struct RejectedRow {
    line: String,
    written: String,
    reason: String,
    cells: String,
}

#[derive(Template)]
#[template(path = "pages/suppressions/import.html")]
struct ImportPage {
    l: Layout,
    import: SuppressionImport,
    choices: Vec<Choice>,
    reading: Option<Reading>,
    columns: String,
    /// How many phones would be added, or were.
    added: i64,
    already: i64,
    rejected: Vec<RejectedRow>,
    skipped: String,
    until: Moment,
    /// The chosen columns, to be passed on.
    chosen: Vec<String>,
    /// Whether the form was submitted without a column.
    none_chosen: bool,
}

impl ImportPage {
    fn href(&self) -> String {
        self.l.urls.suppression_import(self.import.id, "")
    }

    fn discard(&self) -> String {
        self.l.urls.suppression_import(self.import.id, "/discard")
    }

    fn rejected_file(&self) -> String {
        let columns: Vec<(&str, &str)> =
            self.chosen.iter().map(|column| ("column", column.as_str())).collect();
        let href = self.l.urls.suppression_import(self.import.id, "/rejected.csv");
        if columns.is_empty() { href } else { urls::with_query(&href, &columns) }
    }

    fn is_added(&self) -> bool {
        self.import.added_at.is_some()
    }

    fn wrong_count(&self) -> i64 {
        self.reading.as_ref().map_or(0, |reading| count(reading.wrong_count))
    }

    fn duplicates(&self) -> i64 {
        self.reading.as_ref().map_or(0, |reading| count(reading.duplicates))
    }

    fn not_listed(&self) -> i64 {
        self.wrong_count() - count(self.rejected.len() as u64)
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

async fn find(app: &App, member: &Member, id: &str) -> Result<SuppressionImport, WebError> {
    let id = id.parse().map_err(|_| WebError::NotFound)?;
    let found = suppression_imports::find(&app.db, member.project.id, id).await?;
    found.ok_or(WebError::NotFound)
}

/// Returns the error of a page for a file that cannot be imported for a reason that is no form error.
pub(super) fn failed(error: ImportError) -> WebError {
    match error {
        ImportError::Gone => WebError::NotFound,
        ImportError::Database(error) => WebError::Database(error),
        ImportError::Undecided | ImportError::TooMany => WebError::BadRequest,
        ImportError::Busy => WebError::BusyWithLists,
        ImportError::File(FileProblem::Table(TableError::Io(error))) => WebError::NoReader(error),
        ImportError::File(error) => WebError::Internal(error.to_string()),
        ImportError::Reading(error) => WebError::Internal(error.to_string()),
    }
}

/// Returns the status and what to say if an uploaded file is not taken.
pub(super) fn refused(l: &Layout, error: ImportError) -> Result<(StatusCode, String), WebError> {
    Ok(match error {
        ImportError::File(problem @ FileProblem::Table(TableError::Io(_))) => {
            tracing::error!(error = %problem, "cannot read an opt-out list for now");
            (StatusCode::SERVICE_UNAVAILABLE, file_problem(l, &problem))
        }
        ImportError::File(problem) => (StatusCode::UNPROCESSABLE_ENTITY, file_problem(l, &problem)),
        ImportError::Busy => (StatusCode::TOO_MANY_REQUESTS, l.t("suppression-error-busy")),
        ImportError::TooMany => {
            let values = [("most", MAX_OPT_OUT_FILES.into())];
            (StatusCode::UNPROCESSABLE_ENTITY, l.with("suppression-error-many-files", &values))
        }
        error => return Err(failed(error)),
    })
}

/// Shows what the file has, and asks what to do with it.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let import = find(&app, &member, &path.1).await?;
    let posted = Chosen::of(&request)?;
    let chosen = chosen_of(&import, &posted);
    let l = Layout::in_project(&member, &app, &request, Section::Suppressions).await?;
    let (project, person) = (member.project.id, member.person.id);
    let looked = import::look(&app, project, person, &import, &chosen).await;
    let (examined, known) = looked.map_err(failed)?;
    let drawn = draw(l, import, examined, known, &chosen);
    if posted.is_missing() {
        return page::unprocessable(&ImportPage { none_chosen: true, ..drawn });
    }
    page::ok(&drawn)
}

/// Returns the columns that count: those from which the phones were added, or else those chosen now.
fn chosen_of(import: &SuppressionImport, chosen: &Chosen) -> Vec<PhoneColumn> {
    match import.added_at {
        Some(_) => import.columns.iter().filter_map(|column| column.parse().ok()).collect(),
        None => chosen.columns(),
    }
}

fn draw(
    l: Layout,
    import: SuppressionImport,
    examined: Examined,
    known: i64,
    chosen: &[PhoneColumn],
) -> ImportPage {
    let Examined { survey, columns, reading } = examined;
    let good = reading.as_ref().map_or(0, |reading| count(reading.phones.len() as u64));
    let (added, already) = match import.added_at {
        Some(_) => (import.added, import.already),
        None => (good - known, known),
    };
    let rejected = reading.as_ref().map(|reading| {
        reading.wrong.iter().map(|row| rejected_row(&l, &survey, row)).collect::<Vec<_>>()
    });
    let names: Vec<String> =
        columns.iter().map(|column| column_name(&l, &survey, *column)).collect();
    let skipped: Vec<&str> = survey.without_phones().map(|sheet| sheet.name.as_str()).collect();
    ImportPage {
        choices: choices(&l, &survey, &columns),
        columns: names.join(", "),
        added,
        already,
        rejected: rejected.unwrap_or_default(),
        skipped: skipped.join(", "),
        until: l.moment(import.id.made_at() + RETENTION),
        chosen: chosen.iter().map(ToString::to_string).collect(),
        none_chosen: false,
        reading,
        import,
        l,
    }
}

fn choices(l: &Layout, survey: &Survey, columns: &[PhoneColumn]) -> Vec<Choice> {
    let each = survey.choices().into_iter().map(|column| {
        let sheet = survey.sheets.get(column.sheet);
        let choice = sheet
            .and_then(|sheet| sheet.choices.iter().find(|choice| choice.index == column.index));
        Choice {
            column,
            name: column_name(l, survey, column),
            examples: choice.map(|choice| choice.examples.join(", ")).unwrap_or_default(),
            chosen: columns.contains(&column),
        }
    });
    each.collect()
}

/// Returns the name of a column, or its number where the file has no name for it, behind that of its
/// sheet if there are several.
fn column_name(l: &Layout, survey: &Survey, column: PhoneColumn) -> String {
    let sheet = survey.sheets.get(column.sheet);
    let choice =
        sheet.and_then(|sheet| sheet.choices.iter().find(|choice| choice.index == column.index));
    let name = choice.map(|choice| choice.name.clone()).filter(|name| !name.is_empty());
    let name =
        name.unwrap_or_else(|| l.with("preview-column", &[("n", (column.index + 1).into())]));
    match sheet.filter(|_| survey.several_sheets()) {
        Some(sheet) => format!("{} · {name}", sheet.name),
        None => name,
    }
}

fn rejected_row(l: &Layout, survey: &Survey, row: &WrongRow) -> RejectedRow {
    let sheet = survey.sheets.get(row.sheet).filter(|_| survey.several_sheets());
    RejectedRow {
        line: line_of(sheet.map(|sheet| sheet.name.as_str()), row.line),
        written: row.written.clone(),
        reason: l.t(&row.problem.text_key()),
        cells: row.cells.join(", "),
    }
}

/// Returns a line as spreadsheets write it: `Sheet2!5`.
fn line_of(sheet: Option<&str>, line: i32) -> String {
    sheet.map_or_else(|| line.to_string(), |sheet| format!("{sheet}!{line}"))
}

/// Adds the good phones, once.
pub async fn add(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<Chosen>,
) -> Result<HttpResponse, WebError> {
    let id: SuppressionImportId = path.1.parse().map_err(|_| WebError::NotFound)?;
    let chosen = form.into_inner().columns();
    let ip = peer_ip(&request);
    let texts = member.texts(&request);
    let urls = member.urls();
    let added = match import::add_good(&app, actor(&member, &ip), id, &chosen).await {
        Ok(added) => added,
        Err(ImportError::Gone) => {
            // A double click: the first one has added all, and nothing was left.
            flash::say(&request, &texts.t("suppression-import-gone"));
            return Ok(page::see_other(&urls.suppressions()));
        }
        Err(ImportError::Undecided) => {
            return Ok(page::see_other(&urls.suppression_import(id, "")));
        }
        Err(error) => return Err(failed(error)),
    };
    match added {
        Import::Added(added, rest) => {
            let values = [("added", added.added.into()), ("there", added.already.into())];
            match rest {
                Rest::None => {
                    flash::say(&request, &texts.with("suppression-added", &values));
                    Ok(page::see_other(&urls.suppressions()))
                }
                Rest::Rows => Ok(page::see_other(&urls.suppression_import(id, ""))),
            }
        }
        Import::Already => {
            flash::say(&request, &texts.t("suppression-import-already"));
            Ok(page::see_other(&urls.suppression_import(id, "")))
        }
    }
}

/// Deletes the file.
pub async fn discard(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    _: Form<Chosen>,
) -> Result<HttpResponse, WebError> {
    let import = find(&app, &member, &path.1).await?;
    let ip = peer_ip(&request);
    import::discard(&app, actor(&member, &ip), import.id).await?;
    let key = match import.added_at {
        Some(_) => "suppression-import-deleted",
        None => "suppression-import-discarded",
    };
    flash::say(&request, &member.texts(&request).t(key));
    Ok(page::see_other(&member.urls().suppressions()))
}

/// `…/rejected.csv`: the rows that are not understood as they were written, each with its line and
/// the reason. The file can be corrected and uploaded again as it is.
pub async fn rejected(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let import = find(&app, &member, &path.1).await?;
    let chosen = chosen_of(&import, &Chosen::of(&request)?);
    let ip = peer_ip(&request);
    let rows = wrong_rows::read(&app, actor(&member, &ip), import.id, chosen).await;
    let rejected = RejectedFile {
        rows: rows.map_err(failed)?,
        texts: member.texts(&request),
        width: 0,
        several_sheets: false,
    };
    let name = format!("{}-rejected.csv", import.id);
    let bytes = stream::unfold(Some(rejected), next_bytes);
    Ok(streamed(&request, &member, &name, bytes))
}

/// Returns the next bytes of a file of rejected rows. If reading has failed, the download fails: a
/// file that only ends would look complete.
async fn next_bytes(
    rejected: Option<RejectedFile>,
) -> Option<(io::Result<web::Bytes>, Option<RejectedFile>)> {
    let mut rejected = rejected?;
    match rejected.rows.recv().await {
        Some(WrongRows::Names(names, several_sheets)) => {
            let bytes = rejected.head(names, several_sheets);
            Some((Ok(bytes.into()), Some(rejected)))
        }
        Some(WrongRows::Rows(rows)) => Some((Ok(rejected.lines(rows).into()), Some(rejected))),
        Some(WrongRows::End) => None,
        None => Some((Err(io::Error::other("cannot read the file again")), None)),
    }
}

/// A file of rejected rows while it is written.
struct RejectedFile {
    rows: mpsc::Receiver<WrongRows>,
    texts: Texts,
    /// The number of cells of a row before the columns that are added.
    width: usize,
    several_sheets: bool,
}

impl RejectedFile {
    fn head(&mut self, mut names: Vec<String>, several_sheets: bool) -> Vec<u8> {
        (self.width, self.several_sheets) = (names.len(), several_sheets);
        names.extend(REJECTED_COLUMNS[0].map(str::to_owned));
        headed(names)
    }

    fn lines(&self, rows: Vec<(String, WrongRow)>) -> Vec<u8> {
        lines(rows.into_iter().map(|(sheet, row)| {
            let mut cells = row.cells;
            cells.resize(self.width, String::new());
            let sheet = Some(sheet.as_str()).filter(|_| self.several_sheets);
            cells.push(line_of(sheet, row.line));
            cells.push(self.texts.t(&format!("verdict-{}", Verdict::WrongPhone.key())));
            cells.push(self.texts.t(&row.problem.text_key()));
            cells
        }))
    }
}

/// Returns why nothing can be read from a file.
pub(super) fn file_problem(l: &Layout, problem: &FileProblem) -> String {
    match problem {
        FileProblem::Empty => l.t("upload-empty"),
        FileProblem::TooLarge => {
            let most = crate::domain::review::file::MAX_BYTES >> 20;
            l.with("upload-too-large", &[("most", most.into())])
        }
        FileProblem::WrongKind(shape) => l.t(&format!("upload-wrong-kind-{}", shape.key())),
        FileProblem::ManyRows(most) => l.with("upload-problem-rows", &[("most", (*most).into())]),
        FileProblem::NoPhones => l.t("suppression-error-no-phones"),
        FileProblem::Table(TableError::OpenQuote(line)) => {
            l.with("upload-problem-quote", &[("line", (*line).into())])
        }
        FileProblem::Table(TableError::ManyCells(line)) => l.with(
            "upload-problem-cells",
            &[("line", (*line).into()), ("most", crate::recipient_file::MAX_CELLS.into())],
        ),
        FileProblem::Table(TableError::Encrypted) => l.t("upload-problem-encrypted"),
        FileProblem::Table(TableError::Bomb(_)) => l.t("upload-problem-bomb"),
        FileProblem::Table(TableError::ReaderDied) => l.t("upload-problem-died"),
        FileProblem::Table(TableError::Empty | TableError::AllHidden(_)) => {
            l.t("upload-problem-empty")
        }
        FileProblem::Table(TableError::Spreadsheet(_)) => l.t("upload-problem-broken"),
        FileProblem::Table(TableError::Io(_)) => l.t("suppression-error-no-reader"),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;
    use crate::i18n::Language;

    /// Returns the parts of a file whose reader sends these messages and is gone then.
    async fn file(messages: Vec<WrongRows>) -> Vec<io::Result<web::Bytes>> {
        let (sender, rows) = mpsc::channel(messages.len());
        for message in messages {
            sender.try_send(message).unwrap();
        }
        drop(sender);
        let texts = Texts(Language::En);
        let rejected = RejectedFile { rows, texts, width: 0, several_sheets: false };
        stream::unfold(Some(rejected), next_bytes).collect().await
    }

    #[tokio::test]
    async fn a_file_whose_reader_fails_is_not_complete() {
        let names = || WrongRows::Names(vec!["phone".to_owned()], false);
        let whole = file(vec![names(), WrongRows::Rows(Vec::new()), WrongRows::End]).await;
        assert!(whole.iter().all(Result::is_ok));
        let short = file(vec![names(), WrongRows::Rows(Vec::new())]).await;
        assert!(short.last().is_some_and(Result::is_err));
        assert_eq!(short.len(), 3);
    }
}
