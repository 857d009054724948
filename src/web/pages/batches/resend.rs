//! `/batches/{id}/resend`: makes a new draft of the messages that did not arrive, by cause, of this
//! batch or of several of its template.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::Duration;
use uuid::Uuid;

use super::find;
use super::new::too_many_drafts;
use crate::app::App;
use crate::db::sending::batches::{self, Batch};
use crate::db::sending::resends;
use crate::domain::ids::BatchId;
use crate::domain::sending::message::Tally;
use crate::domain::sending::resend::ResendCause;
use crate::domain::sending::version::{Part, Version};
use crate::ops::sending::order::OrderError;
use crate::ops::sending::resend::{self, Again, Causes};
use crate::ops::sending::uploads::UploadError;
use crate::web::http::error::WebError;
use crate::web::http::form::Form;
use crate::web::http::member::Member;
use crate::web::http::{flash, page};
use crate::web::ui::changes::Shown;
use crate::web::ui::choices::signature_problem_key;
use crate::web::ui::layout::{Layout, Section};

/// Days within which other batches of the template may be included.
const DAYS: [u8; 2] = [1, 7];

/// A cause that may be ticked.
struct Choice {
    cause: ResendCause,
    count: i64,
    ticked: bool,
}

impl Choice {
    /// Returns the text key of its name; its hint has the same with `-do`.
    fn key(&self) -> String {
        match self.cause {
            ResendCause::Failed(category) => format!("cause-{}", category.key()),
            ResendCause::Refused | ResendCause::Cancelled => format!("resend-{}", self.cause.key()),
        }
    }
}

#[derive(Template)]
#[template(path = "pages/batches/resend.html")]
struct ResendPage {
    l: Layout,
    batch: Batch,
    /// The batches whose messages are counted, with their names.
    sources: Vec<(BatchId, String)>,
    /// The days within which other batches are included; 0 for this batch alone.
    within: u8,
    choices: Vec<Choice>,
    blacklisted: i64,
    in_doubt: i64,
    waiting: i64,
    form_token: Uuid,
    version: Version,
    /// What has changed since the page whose form was posted.
    changed: Vec<String>,
    /// Whether the form was posted with nothing ticked.
    nothing_ticked: bool,
}

impl ResendPage {
    /// Returns whether older batches of the template were left out.
    fn is_truncated(&self) -> bool {
        i64::try_from(self.sources.len()).is_ok_and(|count| count >= resends::MAX_SOURCES)
    }

    /// Returns the choices of batches: the days, a label and an address.
    fn scopes(&self) -> Vec<(u8, String, String)> {
        let address = self.l.urls.batch_part(self.batch.id, "resend");
        let this = (0, self.l.t("resend-this-batch"), address.clone());
        let wider = DAYS.map(|days| {
            let label = self.l.with("resend-within", &[("days", days.into())]);
            (days, label, format!("{address}?within={days}"))
        });
        std::iter::once(this).chain(wider).collect()
    }
}

/// Query parameters of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResendQuery {
    within: u8,
}

/// Returns the choices. What is temporary is ticked, or the only one.
fn choices(causes: &Causes) -> Vec<Choice> {
    let only = causes.offered.len() == 1;
    let choice = |(cause, count): &(ResendCause, i64)| Choice {
        cause: *cause,
        count: *count,
        ticked: only || cause.is_temporary(),
    };
    causes.offered.iter().map(choice).collect()
}

/// Returns the version of the page: how many messages each choice sends again.
fn version_of(batch: &Batch, choices: &[Choice]) -> Version {
    let counts: Vec<String> =
        choices.iter().map(|choice| format!("{}:{}", choice.cause.key(), choice.count)).collect();
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
    query: web::Query<ResendQuery>,
) -> Result<HttpResponse, WebError> {
    page::ok(&draw(&app, &member, &request, &path.1, query.within).await?)
}

async fn draw(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    id: &str,
    within: u8,
) -> Result<ResendPage, WebError> {
    let batch = find(app, member, id).await?;
    let within = if DAYS.contains(&within) { within } else { 0 };
    let sources = sources_of(app, member, &batch, within).await?;
    let tally = sum(&batches::tallies(&app.db, &sources).await?);
    let causes = resend::causes(app, &sources, tally.refused, tally.cancelled).await?;
    let choices = choices(&causes);
    Ok(ResendPage {
        l: Layout::in_project(member, app, request, Section::Batches).await?,
        version: version_of(&batch, &choices),
        changed: Vec::new(),
        nothing_ticked: false,
        sources: resends::names(&app.db, &sources).await?,
        within,
        choices,
        blacklisted: causes.blacklisted,
        in_doubt: tally.in_doubt,
        waiting: tally.submitted + tally.queued,
        form_token: Uuid::new_v4(),
        batch,
    })
}

/// Returns the batches whose messages are counted.
async fn sources_of(
    app: &App,
    member: &Member,
    batch: &Batch,
    within: u8,
) -> Result<Vec<BatchId>, WebError> {
    if within == 0 {
        return Ok(vec![batch.id]);
    }
    let since = app.clock.now() - Duration::days(i64::from(within));
    Ok(resends::like(&app.db, member.project.id, batch, since).await?)
}

fn sum(tallies: &[Tally]) -> Tally {
    tallies.iter().fold(Tally::default(), |mut sum, tally| {
        sum += *tally;
        sum
    })
}

/// The form of [`make`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResendForm {
    cause: Vec<String>,
    /// Stands for several causes, for scripts: `for_now` for what is temporary, `all` for every
    /// failure, `refused`, `cancelled`.
    which: String,
    within: u8,
    form_token: String,
    version: String,
}

impl ResendForm {
    /// Returns the chosen causes among those that are offered.
    fn causes(&self, choices: &[Choice]) -> Vec<ResendCause> {
        let is_chosen = |cause: ResendCause| match self.which.as_str() {
            "for_now" => cause.is_temporary(),
            "all" => matches!(cause, ResendCause::Failed(_)),
            which => which == cause.key() || self.cause.iter().any(|key| key == cause.key()),
        };
        choices.iter().map(|choice| choice.cause).filter(|cause| is_chosen(*cause)).collect()
    }
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
    let mut drawn = draw(&app, &member, &request, &path.1, fields.within).await?;
    let form_token: Uuid = fields.form_token.parse().map_err(|_| WebError::BadRequest)?;
    let changes = drawn.version.changes_since(&fields.version);
    let causes = fields.causes(&drawn.choices);
    if !changes.is_empty() || causes.is_empty() {
        for choice in &mut drawn.choices {
            choice.ticked = causes.contains(&choice.cause);
        }
        drawn.changed = Shown::of_batch(&drawn.batch).sentences(&drawn.l, &changes);
        drawn.nothing_ticked = causes.is_empty();
        drawn.form_token = form_token;
        return page::unprocessable(&drawn);
    }
    let batch = drawn.batch;
    let sources: Vec<BatchId> = drawn.sources.iter().map(|(id, _)| *id).collect();
    let texts = member.texts(&request);
    let again = Again {
        project: member.project.id,
        batch: &batch,
        sources: &sources,
        causes: &causes,
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
        Err(UploadError::TooManyDrafts) => {
            flash::warn(&request, &too_many_drafts(&app, texts));
            return Ok(page::see_other(&urls.batch_part(batch.id, "resend")));
        }
        Err(UploadError::Empty) => ("resend-none", urls.batch(batch.id)),
        Err(UploadError::Order(OrderError::SignatureNotApproved)) => {
            ("send-error-signature-gone", urls.batch_part(batch.id, "resend"))
        }
        Err(UploadError::Order(OrderError::TemplateNotApproved)) => {
            ("send-error-template-gone", urls.batch_part(batch.id, "resend"))
        }
        Err(UploadError::Order(OrderError::Signature(problem))) => {
            (signature_problem_key(problem), urls.batch_part(batch.id, "resend"))
        }
        Err(UploadError::Database(error)) => return Err(WebError::Database(error)),
        Err(error) => return Err(WebError::Internal(error.to_string())),
    };
    flash::warn(&request, &texts.t(text_key));
    Ok(page::see_other(&href))
}
