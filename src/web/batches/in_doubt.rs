//! `/batches/{id}/in-doubt`: what is known of each submission that nobody knows was taken, and what a
//! person decides.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{TROUBLES, find, why};
use crate::app::App;
use crate::db::batches::Batch;
use crate::db::{messages, submissions};
use crate::domain::ids::SubmissionId;
use crate::domain::phone::masked;
use crate::domain::role::Permission;
use crate::ops::batch_actions::{self, Actor, Decision};
use crate::web::error::WebError;
use crate::web::form::{Form, peer_address};
use crate::web::layout::{Layout, Section};
use crate::web::member::Member;
use crate::web::moment::Moment;
use crate::web::{flash, page};

#[derive(Template)]
#[template(path = "batches/in_doubt.html")]
struct DoubtPage {
    l: Layout,
    batch: Batch,
    in_doubt: Vec<Doubt>,
    may_send: bool,
}

struct Doubt {
    id: SubmissionId,
    at: Option<Moment>,
    n: i32,
    phones: String,
    why: String,
    request_id: String,
}

/// `…/in-doubt`: what is known of each, to decide.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let l = member.layout(&app, &request, Section::Batches).await?;
    let whole = member.may(Permission::SeePhones);
    let mut in_doubt = Vec::new();
    for one in submissions::in_doubt(&app.db, batch.id, TROUBLES).await? {
        let phones = messages::phones_of(&app.db, one.id).await?;
        in_doubt.push(Doubt {
            id: one.id,
            at: one.sent_at.map(|at| l.moment(at)),
            n: one.n,
            phones: first_phones(&phones, whole),
            why: why(&l, &one),
            request_id: one.vendor_request_id,
        });
    }
    page::ok(&DoubtPage { l, batch, in_doubt, may_send: member.may(Permission::Send) })
}

fn first_phones(phones: &[String], whole: bool) -> String {
    let shown: Vec<String> = phones
        .iter()
        .take(3)
        .map(|phone| if whole { phone.clone() } else { masked(phone) })
        .collect();
    let rest = if phones.len() > shown.len() { " …" } else { "" };
    format!("{}{rest}", shown.join(", "))
}

/// A decision about doubts: one submission, or all that are shown.
#[derive(Debug, Deserialize)]
pub struct Decided {
    #[serde(default)]
    submission: Vec<SubmissionId>,
    decision: Chosen,
    /// The person's yes to sending again.
    confirm: Option<String>,
}

/// What was decided.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
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

/// Decides doubts. Sending again asks for a yes first: people may receive the text twice.
pub async fn decide(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<Decided>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let decided = form.into_inner();
    if matches!(decided.decision, Chosen::SendAgain) && decided.confirm.is_none() {
        let l = member.layout(&app, &request, Section::Batches).await?;
        let title = l.with("in-doubt-again-title", &[("count", decided.submission.len().into())]);
        return page::ok(&AgainPage { l, batch, title, submissions: decided.submission });
    }
    let decision = match decided.decision {
        Chosen::TreatAsSent => Decision::TreatAsSent,
        Chosen::SendAgain => Decision::SendAgain,
    };
    let address = peer_address(&request);
    let word = Actor {
        project: member.project.id,
        batch: batch.id,
        by: member.person.id,
        address: &address,
    };
    let count = batch_actions::decide(&app, word, &decided.submission, decision).await?;
    let texts = member.texts(&request);
    flash::say(&request, &texts.with("in-doubt-decided", &[("count", count.into())]));
    Ok(page::see_other(&member.urls().batch(batch.id)))
}
