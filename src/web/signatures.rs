//! `/signatures`: what may stand in front of a text, and where its review is.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::clock_face::Moment;
use super::components::{Copy, Status};
use super::error::WebError;
use super::form::Form;
use super::layout::{Layout, Section};
use super::looked_up::{self, Answer, Ids, Wanted};
use super::member::Member;
use super::page;
use crate::app::App;
use crate::db::signatures::{self, Signature};
use crate::domain::review::ReviewStatus;
use crate::domain::role::Permission;
use crate::ops::review;

/// Signatures shown at most.
const MOST: i64 = 500;

struct Row {
    status: Status,
    changed: Moment,
    copy: Copy,
    signature: Signature,
}

#[derive(Template)]
#[template(path = "review/signatures.html")]
struct ListPage {
    l: Layout,
    tabs: Vec<looked_up::Tab>,
    rows: Vec<Row>,
    may_send: bool,
}

#[derive(Template)]
#[template(path = "review/import.html")]
struct ImportPage {
    l: Layout,
    title: String,
    lead: String,
    list: (String, String),
    action: String,
    ids: String,
    answers: Vec<Answer>,
    problem: Option<String>,
}

/// The list.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Signatures).await?;
    let all = signatures::list(&app.db, member.project.id, MOST).await?;
    let statuses: Vec<ReviewStatus> = all.iter().map(|one| one.status).collect();
    let tabs = looked_up::tabs(&l, &l.urls.signatures(), &statuses, wanted.status());
    let rows = all
        .into_iter()
        .filter(|one| wanted.takes(one.status))
        .map(|one| Row {
            status: Status::new(&one.status, l.words),
            changed: l.moment(one.changed_at),
            copy: l.copy(&one.sig_id),
            signature: one,
        })
        .collect();
    page::ok(&ListPage { l, tabs, rows, may_send: member.may(Permission::Send) })
}

/// The form that asks for ids.
pub async fn import_form(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Signatures).await?;
    page::ok(&page_of(l, String::new(), Vec::new(), None))
}

/// Looks each id or text up and keeps it, or says why not.
pub async fn import(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    form: Form<Ids>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Signatures).await?;
    let typed = form.into_inner().ids;
    let wanted = match looked_up::lines(&l, &typed) {
        Ok(wanted) => wanted,
        Err(problem) => return page::unprocessable(&page_of(l, typed, Vec::new(), Some(problem))),
    };
    let mut answers = Vec::with_capacity(wanted.len());
    for one in wanted {
        let found = review::look_up_signature(&app, member.project.id, &one).await;
        answers.push(Answer::of(&l, one, found)?);
    }
    let left = looked_up::not_found(&answers);
    page::ok(&page_of(l, left, answers, None))
}

fn page_of(l: Layout, ids: String, answers: Vec<Answer>, problem: Option<String>) -> ImportPage {
    ImportPage {
        title: l.t("signatures-import").to_string(),
        lead: l.t("signatures-import-lead").to_string(),
        list: (l.urls.signatures(), l.t("signatures-title").to_string()),
        action: l.urls.import_signatures(),
        ids,
        answers,
        problem,
        l,
    }
}
