//! `/batches/{id}/in-doubt`: the submissions in doubt, with what is known of each, and the
//! decisions about them.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{MAX_IN_DOUBT, explain, find};
use crate::app::App;
use crate::db::batches::Batch;
use crate::db::{messages, submissions};
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

#[derive(Template)]
#[template(path = "batches/in_doubt.html")]
struct DoubtPage {
    l: Layout,
    batch: Batch,
    in_doubt: Vec<DoubtRow>,
    may_send: bool,
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
    let mut in_doubt = Vec::new();
    for submission in submissions::in_doubt(&app.db, batch.id, MAX_IN_DOUBT).await? {
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
    page::ok(&DoubtPage { l, batch, in_doubt, may_send: member.may(Permission::Send) })
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

/// The form of [`decide`]: a decision about one submission, or about all that are shown.
#[derive(Debug, Deserialize)]
pub struct DecisionForm {
    #[serde(default)]
    submission: Vec<SubmissionId>,
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
    if matches!(fields.decision, DecisionField::SendAgain) && fields.confirm.is_none() {
        let l = member.layout(&app, &request, Section::Batches).await?;
        let title = l.with("in-doubt-again-title", &[("count", fields.submission.len().into())]);
        return page::ok(&AgainPage { l, batch, title, submissions: fields.submission });
    }
    let decision = match fields.decision {
        DecisionField::TreatAsSent => Decision::TreatAsSent,
        DecisionField::SendAgain => Decision::SendAgain,
    };
    let ip = peer_ip(&request);
    let actor = Actor { project: member.project.id, user: member.person.id, ip: &ip };
    let count = batch_actions::decide(&app, actor, batch.id, &fields.submission, decision).await?;
    let texts = member.texts(&request);
    flash::say(&request, &texts.with("in-doubt-decided", &[("count", count.into())]));
    Ok(page::see_other(&member.urls().batch(batch.id)))
}
