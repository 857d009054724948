//! `/batches/{id}/in-doubt`: the submissions in doubt, with what is known of each, and the
//! decisions about one of them or about all with the same cause.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::find;
use crate::app::App;
use crate::db::sending::batches::Batch;
use crate::db::sending::messages;
use crate::db::sending::submissions::{self, Submission};
use crate::domain::accounts::role::Permission;
use crate::domain::ids::SubmissionId;
use crate::domain::phone::masked;
use crate::domain::sending::call_problem::CallProblem;
use crate::domain::sending::version::{Part, Version};
use crate::ops::actor::Actor;
use crate::ops::sending::batch_actions::{self, Decision};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::{flash, page};
use crate::web::ui::call_text::explain;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::Moment;

/// How many submissions are listed, and how many a decision about a cause may cover.
const MAX_SHOWN: usize = 20;
const MAX_DECIDED: i64 = 100_000;

#[derive(Template)]
#[template(path = "pages/batches/in_doubt.html")]
struct InDoubtPage {
    l: Layout,
    batch: Batch,
    causes: Vec<CauseRow>,
    in_doubt: Vec<InDoubtRow>,
    total: usize,
    may_send: bool,
    /// Whether a decision was posted by a page that is out of date.
    out_of_date: bool,
}

/// All submissions of a batch that are in doubt for the same reason.
struct CauseRow {
    key: String,
    reason: String,
    submissions: usize,
    messages: i64,
    version: Version,
}

struct InDoubtRow {
    id: SubmissionId,
    at: Option<Moment>,
    n: i32,
    phones: String,
    reason: String,
    request_id: String,
    version: Version,
}

/// `…/in-doubt`: the submissions in doubt of a batch.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    page::ok(&draw(&app, &member, &request, batch).await?)
}

async fn draw(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    batch: Batch,
) -> Result<InDoubtPage, WebError> {
    let l = Layout::in_project(member, app, request, Section::Batches).await?;
    let whole_phones = member.may(Permission::SeePhones);
    let found = submissions::in_doubt(&app.db, batch.id, MAX_DECIDED).await?;
    let (causes, total) = (causes(&l, &found), found.len());
    let mut in_doubt = Vec::new();
    for submission in found.into_iter().take(MAX_SHOWN) {
        let phones = messages::phones_of(&app.db, submission.id).await?;
        in_doubt.push(InDoubtRow {
            version: version_of([&submission]),
            id: submission.id,
            at: submission.sent_at.map(|at| l.moment(at)),
            n: submission.n,
            phones: first_phones(&phones, whole_phones),
            reason: explain(&l, &submission),
            request_id: submission.vendor_request_id,
        });
    }
    let may_send = member.may(Permission::Send);
    Ok(InDoubtPage { l, batch, causes, in_doubt, total, may_send, out_of_date: false })
}

/// Returns the version of submissions in doubt: which they are, and when each was sent. One that was
/// sent again since and is in doubt again is another doubt.
fn version_of<'a>(submissions: impl IntoIterator<Item = &'a Submission>) -> Version {
    let each = submissions.into_iter().map(|submission| {
        let sent_at = submission.sent_at.map(|at| at.unix_timestamp_nanos()).unwrap_or_default();
        format!("{}@{sent_at}", submission.id)
    });
    Version::default().with(Part::Recipients, &each.collect::<Vec<_>>().join(" "))
}

/// Returns the causes of submissions, the most frequent first.
fn causes(l: &Layout, found: &[Submission]) -> Vec<CauseRow> {
    let mut by_cause: BTreeMap<String, Vec<&Submission>> = BTreeMap::new();
    for submission in found {
        by_cause.entry(cause_key(submission)).or_default().push(submission);
    }
    let mut causes: Vec<CauseRow> = by_cause
        .into_iter()
        .map(|(key, submissions)| CauseRow {
            key,
            reason: submissions.first().map_or_else(String::new, |first| explain(l, first)),
            submissions: submissions.len(),
            messages: submissions.iter().map(|submission| i64::from(submission.n)).sum(),
            version: version_of(submissions),
        })
        .collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.submissions));
    causes
}

/// Returns what submissions with the same RetCode and vendor message or call problem share.
fn cause_key(submission: &Submission) -> String {
    let code = submission.ret_code.map(|code| code.to_string()).unwrap_or_default();
    format!("{code}.{}", hex::encode(&submission.vendor_message))
}

fn first_phones(phones: &[String], whole_phones: bool) -> String {
    let shown: Vec<String> = phones
        .iter()
        .take(3)
        .map(|phone| if whole_phones { phone.clone() } else { masked(phone) })
        .collect();
    let rest = if phones.len() > shown.len() { " …" } else { "" };
    format!("{}{rest}", shown.join(", "))
}

/// The form of [`decide`]: a decision about submissions, or about all with a cause.
#[derive(Debug, Deserialize)]
pub struct DoubtForm {
    #[serde(default)]
    submission: Vec<SubmissionId>,
    cause: Option<String>,
    /// The version of the submissions that the page showed or counted. Submissions that are named
    /// one by one need none.
    version: Option<String>,
    decision: DecisionField,
    /// Present once sending again has been confirmed.
    confirm: Option<String>,
}

/// A decision, as the form names it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionField {
    /// See [`Decision::TreatAsSent`].
    TreatAsSent,
    /// See [`Decision::SendAgain`].
    SendAgain,
}

#[derive(Template)]
#[template(path = "pages/batches/in_doubt/again.html")]
struct AgainPage {
    l: Layout,
    batch: Batch,
    title: String,
    /// The number of messages that are sent again.
    messages: i64,
    /// Why the submissions are in doubt, each reason once.
    reasons: Vec<String>,
    submissions: Vec<SubmissionId>,
    cause: Option<String>,
    version: Version,
}

/// Decides what becomes of submissions in doubt. Sending again asks for confirmation first, since
/// people may receive the text twice.
pub async fn decide(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<DoubtForm>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let fields = form.into_inner();
    let cause = fields.cause;
    let mut found = submissions::in_doubt(&app.db, batch.id, MAX_DECIDED).await?;
    found.retain(|submission| match &cause {
        None => fields.submission.contains(&submission.id),
        Some(key) => cause_key(submission) == *key,
    });
    let version = version_of(&found);
    let posted = match (fields.version, &cause) {
        (None, None) => version.to_string(),
        (posted, _) => posted.unwrap_or_default(),
    };
    if !version.changes_since(&posted).is_empty() {
        let drawn = draw(&app, &member, &request, batch).await?;
        return page::unprocessable(&InDoubtPage { out_of_date: true, ..drawn });
    }
    let went_back =
        |one: &Submission| CallProblem::read(&one.vendor_message) == Some(CallProblem::WentBack);
    if matches!(fields.decision, DecisionField::SendAgain)
        && found.iter().any(went_back)
        && !member.may(Permission::Approve)
    {
        // It may have been sent before the database went back in time.
        return Err(WebError::Forbidden);
    }
    let chosen: Vec<SubmissionId> = found.iter().map(|submission| submission.id).collect();
    if matches!(fields.decision, DecisionField::SendAgain) && fields.confirm.is_none() {
        let l = Layout::in_project(&member, &app, &request, Section::Batches).await?;
        let title = l.with("in-doubt-again-title", &[("count", chosen.len().into())]);
        let causes = causes(&l, &found);
        let messages = causes.iter().map(|cause| cause.messages).sum();
        let reasons = causes.into_iter().map(|cause| cause.reason).collect();
        let submissions = if cause.is_some() { Vec::new() } else { chosen };
        return page::ok(&AgainPage {
            l,
            batch,
            title,
            messages,
            reasons,
            submissions,
            cause,
            version,
        });
    }
    let decision = match fields.decision {
        DecisionField::TreatAsSent => Decision::TreatAsSent,
        DecisionField::SendAgain => Decision::SendAgain,
    };
    let ip = peer_ip(&request);
    let actor = Actor { project: member.project.id, user: member.person.id, ip: &ip };
    let count = batch_actions::decide(&app, actor, batch.id, &chosen, decision).await?;
    let texts = member.texts(&request);
    flash::say(&request, &texts.with("in-doubt-decided", &[("count", count.into())]));
    Ok(page::see_other(&member.urls().batch(batch.id)))
}
