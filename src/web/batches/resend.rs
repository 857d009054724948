//! `/batches/{id}/resend`: makes a new draft of the messages that did not arrive.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use super::find;
use crate::app::App;
use crate::db::batches::{self, Batch};
use crate::db::messages;
use crate::domain::message::{Failed, Tally};
use crate::domain::version::{Part, Version};
use crate::ops::order::OrderError;
use crate::ops::resend::{self, Again};
use crate::ops::uploads::UploadError;
use crate::web::changes::Shown;
use crate::web::error::WebError;
use crate::web::form::Form;
use crate::web::layout::{Layout, Section};
use crate::web::member::Member;
use crate::web::{flash, page};

struct Choice {
    which: Failed,
    count: i64,
}

#[derive(Template)]
#[template(path = "batches/resend.html")]
struct ResendPage {
    l: Layout,
    batch: Batch,
    choices: Vec<Choice>,
    in_doubt: i64,
    waiting: i64,
    form_token: Uuid,
    version: Version,
    /// What has changed since the page whose form was posted.
    changed: Vec<String>,
}

fn choices(tally: &Tally, for_good: i64) -> Vec<Choice> {
    let count = |which| match which {
        Failed::ForNow => tally.failed - for_good,
        Failed::All => tally.failed,
        Failed::Refused => tally.refused,
        Failed::Cancelled => tally.cancelled,
    };
    let all = Failed::ALL.into_iter().map(|which| Choice { which, count: count(which) });
    all.filter(|choice| choice.count > 0).collect()
}

/// Returns the version of the page: how many messages each choice sends again.
fn version_of(batch: &Batch, choices: &[Choice]) -> Version {
    let counts: Vec<String> =
        choices.iter().map(|choice| format!("{}:{}", choice.which.key(), choice.count)).collect();
    Version::default()
        .with(Part::Recipients, &counts.join(" "))
        .with(Part::Template, &batch.template_text)
        .with(Part::Signature, &batch.sig_content)
}

/// The form that asks which messages to send again.
pub async fn form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    page::ok(&draw(&app, &member, &request, &path.1).await?)
}

async fn draw(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    id: &str,
) -> Result<ResendPage, WebError> {
    let batch = find(app, member, id).await?;
    let tally = batches::tally(&app.db, batch.id).await?;
    let for_good = messages::failed_for_good(&app.db, batch.id).await?;
    let choices = choices(&tally, for_good);
    Ok(ResendPage {
        l: member.layout(app, request, Section::Batches).await?,
        version: version_of(&batch, &choices),
        changed: Vec::new(),
        choices,
        in_doubt: tally.in_doubt,
        waiting: tally.submitted + tally.queued,
        form_token: Uuid::new_v4(),
        batch,
    })
}

/// The form of [`make`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResendForm {
    which: String,
    form_token: String,
    version: String,
}

/// Creates the draft and redirects to its preview.
pub async fn make(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<ResendForm>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let which = Failed::from_key(&fields.which).ok_or(WebError::BadRequest)?;
    let mut drawn = draw(&app, &member, &request, &path.1).await?;
    let form_token: Uuid = fields.form_token.parse().map_err(|_| WebError::BadRequest)?;
    let changes = drawn.version.changes_since(&fields.version);
    if !changes.is_empty() {
        drawn.changed = Shown::of_batch(&drawn.batch).sentences(&drawn.l, &changes);
        drawn.form_token = form_token;
        return page::unprocessable(&drawn);
    }
    let batch = drawn.batch;
    let texts = member.texts(&request);
    let again = Again {
        project: member.project.id,
        batch: &batch,
        which,
        by: member.person.id,
        file_name: &texts.with("resend-file", &[("name", batch.name.as_str().into())]),
        form_token,
    };
    let urls = member.urls();
    let (text_key, href) = match resend::draft(&app, &again).await {
        Ok(draft) => return Ok(page::see_other(&urls.batch_part(draft, "preview"))),
        Err(UploadError::Already(draft)) => {
            return Ok(page::see_other(&urls.batch_part(draft, "preview")));
        }
        Err(UploadError::Empty) => ("resend-none", urls.batch(batch.id)),
        Err(UploadError::Order(OrderError::SignatureNotApproved)) => {
            ("send-error-signature-gone", urls.batch_part(batch.id, "resend"))
        }
        Err(UploadError::Order(OrderError::TemplateNotApproved)) => {
            ("send-error-template-gone", urls.batch_part(batch.id, "resend"))
        }
        Err(UploadError::Database(error)) => return Err(WebError::Database(error)),
        Err(error) => return Err(WebError::Internal(error.to_string())),
    };
    flash::warn(&request, &texts.t(text_key));
    Ok(page::see_other(&href))
}
