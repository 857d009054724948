//! Downloads: the messages of a batch, and a sample file for a template. Files of any length are
//! streamed.

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;

use super::find;
use crate::app::App;
use crate::db::audit;
use crate::db::review::sms_templates;
use crate::db::sending::messages;
use crate::db::sending::messages::Message;
use crate::domain::ids::{BatchId, MessageId, ProjectId, TemplateId};
use crate::domain::review::Purpose;
use crate::domain::review::sms_template::read_instruction;
use crate::domain::sending::message::MessageState;
use crate::ops::sending::order;
use crate::web::http::error::WebError;
use crate::web::http::form::peer_ip;
use crate::web::http::member::Member;
use crate::web::ui::files::csv::{attachment, examples, headed, lines, streamed};
use crate::web::ui::files::message_csv::{NAMES, row};

/// Rows read per query.
const ROWS_PER_PAGE: i64 = 2_000;

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
