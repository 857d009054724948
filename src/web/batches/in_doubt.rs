//! `/batches/{id}/in-doubt`: the submissions in doubt, with what is known of each, and the
//! decisions about one of them or about all with the same cause.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{explain, find};
use crate::app::App;
use crate::db::batches::Batch;
use crate::db::messages;
use crate::db::submissions::{self, Submission};
use crate::domain::ids::SubmissionId;
use crate::domain::phone::masked;
use crate::domain::role::Permission;
use crate::ops::actor::Actor;
use crate::ops::batch_actions::{self, Decision};
use crate::web::error::WebError;
use crate::web::form::{Form, peer_ip};
use crate::web::layout::{Layout, Section};
use crate::web::member::Member;
use crate::web::moment::Moment;
use crate::web::{flash, page};

/// How many submissions are listed, and how many a decision about a cause may cover.
const MAX_SHOWN: usize = 20;
const MAX_DECIDED: i64 = 100_000;

#[derive(Template)]
#[template(path = "batches/in_doubt.html")]
struct DoubtPage {
    l: Layout,
    batch: Batch,
    causes: Vec<CauseRow>,
    in_doubt: Vec<DoubtRow>,
    total: usize,
    may_send: bool,
}

/// All submissions of a batch that are in doubt for the same reason.
struct CauseRow {
    key: String,
    reason: String,
    submissions: usize,
    messages: i64,
    last: SubmissionId,
}

struct DoubtRow {
    id: SubmissionId,
    at: Option<Moment>,
    n: i32,
    phones: String,
    reason: String,
    request_id: String,
}

/// `…/in-doubt`: the submissions in doubt of a batch.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let l = member.layout(&app, &request, Section::Batches).await?;
    let whole_phones = member.may(Permission::SeePhones);
    let found = submissions::in_doubt(&app.db, batch.id, MAX_DECIDED).await?;
    let (causes, total) = (causes(&l, &found), found.len());
    let mut in_doubt = Vec::new();
    for submission in found.into_iter().take(MAX_SHOWN) {
        let phones = messages::phones_of(&app.db, submission.id).await?;
        in_doubt.push(DoubtRow {
            id: submission.id,
            at: submission.sent_at.map(|at| l.moment(at)),
            n: submission.n,
            phones: first_phones(&phones, whole_phones),
            reason: explain(&l, &submission),
            request_id: submission.vendor_request_id,
        });
    }
    let may_send = member.may(Permission::Send);
    page::ok(&DoubtPage { l, batch, causes, in_doubt, total, may_send })
}

/// Returns the causes of submissions, the most frequent first.
fn causes(l: &Layout, found: &[Submission]) -> Vec<CauseRow> {
    let mut causes: Vec<CauseRow> = Vec::new();
    for submission in found {
        let key = cause_key(submission);
        match causes.iter_mut().find(|cause| cause.key == key) {
            Some(cause) => {
                cause.submissions += 1;
                cause.messages += i64::from(submission.n);
                cause.last = submission.id;
            }
            None => causes.push(CauseRow {
                key,
                reason: explain(l, submission),
                submissions: 1,
                messages: submission.n.into(),
                last: submission.id,
            }),
        }
    }
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

/// The form of [`decide`]: a decision about submissions, or about all with a cause up to the last
/// one that the page counted.
#[derive(Debug, Deserialize)]
pub struct DecisionForm {
    #[serde(default)]
    submission: Vec<SubmissionId>,
    cause: Option<String>,
    last: Option<SubmissionId>,
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
#[template(path = "batches/again.html")]
struct AgainPage {
    l: Layout,
    batch: Batch,
    title: String,
    submissions: Vec<SubmissionId>,
    cause: Option<(String, SubmissionId)>,
}

/// Decides what becomes of submissions in doubt. Sending again asks for confirmation first, since
/// people may receive the text twice.
pub async fn decide(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<DecisionForm>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let fields = form.into_inner();
    let cause = fields.cause.zip(fields.last);
    let chosen = match &cause {
        None => fields.submission,
        Some((key, last)) => with_cause(&app, &batch, key, *last).await?,
    };
    if matches!(fields.decision, DecisionField::SendAgain) && fields.confirm.is_none() {
        let l = member.layout(&app, &request, Section::Batches).await?;
        let title = l.with("in-doubt-again-title", &[("count", chosen.len().into())]);
        let submissions = if cause.is_some() { Vec::new() } else { chosen };
        return page::ok(&AgainPage { l, batch, title, submissions, cause });
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

/// Returns the submissions in doubt with a cause, none of them later than `last`.
async fn with_cause(
    app: &App,
    batch: &Batch,
    key: &str,
    last: SubmissionId,
) -> sqlx::Result<Vec<SubmissionId>> {
    let found = submissions::in_doubt(&app.db, batch.id, MAX_DECIDED).await?;
    let counted = found.iter().filter(|one| one.id <= last && cause_key(one) == key);
    Ok(counted.map(|submission| submission.id).collect())
}
