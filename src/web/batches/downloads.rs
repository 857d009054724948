//! Downloads: the messages of a batch, and a sample file for a template. Files of any length are
//! streamed.

use std::io;

use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpRequest, HttpResponse, web};
use csv::QuoteStyle;
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;

use super::access::while_permitted;
use super::find;
use crate::app::App;
use crate::db::messages::Message;
use crate::db::{audit, messages, sms_templates};
use crate::domain::cell;
use crate::domain::ids::{BatchId, MessageId, ProjectId, TemplateId};
use crate::domain::message::MessageState;
use crate::domain::review::Purpose;
use crate::domain::sight::Sight;
use crate::domain::sms_template::read_instruction;
use crate::domain::time::rfc3339;
use crate::ops::order;
use crate::web::error::WebError;
use crate::web::form::peer_ip;
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

/// Returns a response that browsers save as a CSV file called `name`, whose content is streamed while
/// the person may see it.
pub fn streamed(
    request: &HttpRequest,
    member: &Member,
    name: &str,
    pages: impl Stream<Item = io::Result<web::Bytes>> + 'static,
) -> HttpResponse {
    attachment(name).streaming(while_permitted(request, member, pages))
}

/// Returns `rows` as CSV. Cells that a spreadsheet would take for a formula get an apostrophe in
/// front. All are quoted: a spreadsheet may separate at other marks than commas, and would then take
/// what follows one in a cell for a cell of its own.
pub fn lines(rows: impl IntoIterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new();
    let mut out = writer.flexible(true).quote_style(QuoteStyle::Always).from_writer(Vec::new());
    for row in rows {
        // Writing into memory cannot fail.
        let _ = out.write_record(row.iter().map(|text| cell::in_csv(text).into_owned()));
    }
    out.into_inner().unwrap_or_default()
}

/// Returns the beginning of a CSV file: the byte order mark and the column names.
pub fn headed(names: Vec<String>) -> Vec<u8> {
    let names: Vec<String> = names.iter().map(|name| column_name(name)).collect();
    [BOM, names.join(",").as_bytes(), b"\n"].concat()
}

/// Returns a column name as a cell. Names of ours need no quotation marks; those of an uploaded file may
/// be anything.
fn column_name(name: &str) -> String {
    let name = cell::in_csv(name);
    let is_plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ' '));
    if is_plain { name.into_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Returns `rows` of ours, which are examples to fill in, as CSV.
pub fn examples(rows: impl IntoIterator<Item = Vec<String>>) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    for row in rows {
        // Writing into memory cannot fail.
        let _ = out.write_record(row);
    }
    out.into_inner().unwrap_or_default()
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
    let sight = member.sight(&app);
    let from = Some((head, None::<MessageId>));
    let project = member.project.id;
    let pages = stream::unfold((app, from), move |(app, from)| async move {
        let (mut bytes, after) = from?;
        let found = page_of(&app, project, batch.id, state, after).await;
        let (next, found) = match found {
            Ok(found) => (found.last().map(|last| (Vec::new(), Some(last.id))), found),
            Err(error) => return Some((Err(error), (app, None))),
        };
        bytes.extend(lines(found.iter().map(|message| row(message, sight))));
        Some((Ok(web::Bytes::from(bytes)), (app, next)))
    });
    Ok(streamed(&request, &member, &format!("{}.csv", batch.id), pages))
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

/// Returns the cells of a message under [`NAMES`], as a person sees it.
pub fn row(message: &Message, sight: Sight) -> Vec<String> {
    let origin = &message.origin;
    let text = origin.text().full_text(
        &message.values_for(sight),
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
        sight.phone(&message.phone),
        message.state.key().to_owned(),
        message.session_no.clone().unwrap_or_default(),
        user_id,
        message.parts.map(|parts| parts.to_string()).unwrap_or_default(),
        reason.code.unwrap_or_default().to_owned(),
        sight.vendor_text(reason.description.unwrap_or_default(), &message.phone).into_owned(),
        at(message.sent_at),
        at(message.receipt_at),
        text,
    ]
}

/// Formats a time as a cell, which is empty while the time is not known.
pub fn at(time: Option<OffsetDateTime>) -> String {
    time.map(rfc3339).unwrap_or_default()
}

pub(super) async fn record_export(
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
    let variables = order::text(&template).variables();
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
    file.extend(examples(phones.iter().map(|phone| {
        let values = (1..=variables).map(|n| match template.purpose {
            // Values of other forms are refused.
            Purpose::Verification => format!("{n}234"),
            Purpose::Notice | Purpose::Marketing => format!("…{n}…"),
        });
        std::iter::once((*phone).to_owned()).chain(values).collect()
    })));
    Ok(attachment(&format!("{}.csv", template.template_id)).body(file))
}
