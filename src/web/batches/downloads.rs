//! Downloads: the messages of a batch, the rejected rows of an upload, and a sample file for a
//! template. Files of any length are streamed.

use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{find, preview};
use crate::app::App;
use crate::db::messages::Message;
use crate::db::{audit, messages, recipients, sms_templates, uploads};
use crate::domain::cell;
use crate::domain::ids::{BatchId, MessageId, ProjectId, TemplateId};
use crate::domain::message::MessageState;
use crate::domain::phone::masked;
use crate::domain::recipient::{Recipient, Verdict};
use crate::domain::role::Permission;
use crate::domain::sms_template::read_instruction;
use crate::domain::text::TemplateText;
use crate::ops::order;
use crate::ops::uploads::report::Report;
use crate::web::error::WebError;
use crate::web::form::peer_ip;
use crate::web::layout::{Layout, Section};
use crate::web::member::Member;
use crate::web::message_table::StateReason;

/// Rows read per query.
const ROWS_PER_PAGE: i64 = 2_000;
/// The byte order mark by which spreadsheets recognize UTF-8.
const BOM: &[u8] = "\u{feff}".as_bytes();

/// The column names of a file of messages.
pub const NAMES: [&str; 12] = [
    "id",
    "batch",
    "phone",
    "state",
    "session_no",
    "user_id",
    "parts",
    "receipt_code",
    "receipt_desc",
    "submitted_at",
    "receipt_at",
    "text",
];

/// Starts a response that browsers save as a CSV file called `name`.
pub fn attachment(name: &str) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/csv; charset=utf-8")
        .insert_header(("cache-control", "no-store"))
        .insert_header(ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::Filename(name.to_owned())],
        });
    response
}

/// Returns `rows` as CSV. Cells that a spreadsheet would take for a formula get an apostrophe in
/// front.
pub fn lines(rows: impl IntoIterator<Item = Vec<String>>) -> Vec<u8> {
    let mut out = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in rows {
        // Writing into memory cannot fail.
        let _ = out.write_record(row.iter().map(|text| cell::in_csv(text).into_owned()));
    }
    out.into_inner().unwrap_or_default()
}

/// Returns the beginning of a CSV file: the byte order mark and the column names.
pub fn headed(names: Vec<String>) -> Vec<u8> {
    let mut head = BOM.to_vec();
    head.extend(lines([names]));
    head
}

/// Query parameters of [`messages()`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MessagesQuery {
    state: String,
}

/// `…/messages.csv`: the messages of a batch, or those in one state.
pub async fn messages(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    query: web::Query<MessagesQuery>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let state = MessageState::ALL.into_iter().find(|state| state.key() == query.state);
    let detail = json!({ "file": "messages", "state": query.state });
    record_export(&app, &member, &request, batch.id, detail).await?;
    let head = headed(NAMES.map(str::to_owned).to_vec());
    let whole_phones = member.may(Permission::SeePhones);
    let from = Some((head, None::<MessageId>));
    let project = member.project.id;
    let pages = stream::unfold((app, from), move |(app, from)| async move {
        let (mut bytes, after) = from?;
        let found = page_of(&app, project, batch.id, state, after).await;
        let (next, found) = match found {
            Ok(found) => (found.last().map(|last| (Vec::new(), Some(last.id))), found),
            Err(error) => return Some((Err(error), (app, None))),
        };
        bytes.extend(lines(found.iter().map(|message| row(message, whole_phones))));
        Some((Ok(web::Bytes::from(bytes)), (app, next)))
    });
    Ok(attachment(&format!("{}.csv", batch.id)).streaming(pages))
}

async fn page_of(
    app: &App,
    project: ProjectId,
    batch: BatchId,
    state: Option<MessageState>,
    after: Option<MessageId>,
) -> Result<Vec<Message>, std::io::Error> {
    messages::of_batch(&app.db, project, batch, state, after, ROWS_PER_PAGE)
        .await
        .map_err(std::io::Error::other)
}

/// Returns the cells of a message under [`NAMES`], with its phone masked unless `whole_phones`.
pub fn row(message: &Message, whole_phones: bool) -> Vec<String> {
    let phone = if whole_phones { message.phone.clone() } else { masked(&message.phone) };
    let origin = &message.origin;
    let text = TemplateText::parse(&origin.template_text).full_text(
        &message.params,
        &origin.sig_content,
        origin.international,
    );
    let reason = StateReason::of(message.reason.as_deref());
    let user_id = if origin.each_own {
        message.id.vendor_user_id()
    } else {
        message.submission_id.vendor_user_id()
    };
    vec![
        message.id.to_string(),
        origin.batch.to_string(),
        phone,
        message.state.key().to_owned(),
        message.session_no.clone().unwrap_or_default(),
        user_id,
        message.parts.map(|parts| parts.to_string()).unwrap_or_default(),
        reason.code.unwrap_or_default().to_owned(),
        reason.description.unwrap_or_default().to_owned(),
        at(message.sent_at),
        at(message.receipt_at),
        text,
    ]
}

/// Formats a time as RFC 3339, or as an empty cell while it is not known.
pub fn at(time: Option<OffsetDateTime>) -> String {
    time.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

async fn record_export(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    batch: BatchId,
    detail: serde_json::Value,
) -> Result<(), WebError> {
    let entry = audit::Entry {
        project: Some(member.project.id),
        user: Some(member.person.id),
        action: "batch_exported",
        subject: &batch.to_string(),
        detail,
        ip: &peer_ip(request),
    };
    let mut db = app.db.acquire().await?;
    Ok(audit::record(&mut db, &entry, app.clock.now()).await?)
}

/// Query parameters of [`rejected`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RejectedQuery {
    show: String,
}

/// `…/rejected.csv`: the rejected rows of an upload as they were written, each with its line number
/// and the reason. The file can be corrected and uploaded again as it is.
pub async fn rejected(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    query: web::Query<RejectedQuery>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let upload = uploads::find(&app.db, member.project.id, batch.id).await?;
    let report = upload.and_then(|upload| serde_json::from_value::<Report>(upload.report?).ok());
    let report = report.ok_or(WebError::NotFound)?;
    record_export(&app, &member, &request, batch.id, json!({ "file": "rejected" })).await?;
    let l = member.layout(&app, &request, Section::Batches).await?;
    let verdict = Verdict::from_key(&query.show).filter(|verdict| *verdict != Verdict::Ready);
    let width = report.columns.len();
    let mut names = names(&report);
    names.extend(["line", "verdict", "reason"].map(str::to_owned));
    let from = Some((headed(names), 0));
    let pages = stream::unfold((app, l, from), move |(app, l, from)| async move {
        let (mut bytes, after) = from?;
        let found =
            match recipients::rejected(&app.db, batch.id, verdict, after, ROWS_PER_PAGE).await {
                Ok(found) => found,
                Err(error) => return Some((Err(std::io::Error::other(error)), (app, l, None))),
            };
        let next = found.last().map(|last| (Vec::new(), last.position));
        bytes.extend(lines(found.into_iter().map(|recipient| rejected_row(&l, recipient, width))));
        Some((Ok(web::Bytes::from(bytes)), (app, l, next)))
    });
    Ok(attachment(&format!("{}-rejected.csv", batch.id)).streaming(pages))
}

/// Returns the column names of the uploaded file. A column without a name gets one that the import
/// recognizes.
fn names(report: &Report) -> Vec<String> {
    let mapping = &report.mapping;
    let name = |(index, name): (usize, &String)| {
        if !name.is_empty() {
            return name.clone();
        }
        if index == mapping.phone {
            return "phone".to_owned();
        }
        match mapping.values.iter().position(|column| *column == Some(index)) {
            Some(variable) => format!("param{}", variable + 1),
            None => format!("column{}", index + 1),
        }
    };
    report.columns.iter().enumerate().map(name).collect()
}

fn rejected_row(l: &Layout, recipient: Recipient, width: usize) -> Vec<String> {
    let reason = preview::rejection_reason(l, &recipient);
    let verdict = l.t(&format!("verdict-{}", recipient.verdict.key()));
    let mut cells = recipient.cells.unwrap_or_default();
    cells.resize(width, String::new());
    cells.extend([recipient.position.to_string(), verdict, reason]);
    cells
}

/// Query parameters of [`sample`].
#[derive(Debug, Deserialize)]
pub struct SampleQuery {
    template_id: TemplateId,
}

/// `/batches/sample.csv`: a recipient file with the columns that a template needs.
pub async fn sample(
    app: web::Data<App>,
    member: Member,
    query: web::Query<SampleQuery>,
) -> Result<HttpResponse, WebError> {
    let mut db = app.db.acquire().await?;
    let template = sms_templates::find_approved(&mut db, member.project.id, query.template_id)
        .await?
        .ok_or(WebError::NotFound)?;
    let variables = TemplateText::parse(&order::body(&template)).variables();
    let meanings = read_instruction(&template.instruction, variables);
    let names = meanings.iter().enumerate().map(|(index, meaning)| {
        if meaning.is_empty() { format!("{{{}}}", index + 1) } else { meaning.clone() }
    });
    let mut file = headed(std::iter::once("phone".to_owned()).chain(names).collect());
    let phones: &[&str] = if template.international {
        &["(60)123456789", "(65)81234567"]
    } else {
        &["18500001234", "18500001235"]
    };
    file.extend(lines(phones.iter().map(|phone| {
        let values = (1..=variables).map(|n| format!("…{n}…"));
        std::iter::once((*phone).to_owned()).chain(values).collect()
    })));
    Ok(attachment(&format!("{}.csv", template.template_id)).body(file))
}
