//! What a person can say of a batch: pause, resume, call off, approve, another time.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{ConfirmRequest, find};
use crate::app::App;
use crate::db::batches::{self, Batch};
use crate::ops::batch_actions::{self, Actor, Step};
use crate::web::error::WebError;
use crate::web::form::{Form, peer_address};
use crate::web::layout::{Layout, Section};
use crate::web::member::Member;
use crate::web::{flash, page, schedule};

#[derive(Template)]
#[template(path = "batches/cancel.html")]
struct CancelPage {
    l: Layout,
    batch: Batch,
    left: i64,
}

/// `…/pause`.
pub async fn pause(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    _: Form<ConfirmRequest>,
) -> Result<HttpResponse, WebError> {
    step(&app, &member, &request, &path.1, Step::Pause).await
}

/// `…/resume`.
pub async fn resume(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    _: Form<ConfirmRequest>,
) -> Result<HttpResponse, WebError> {
    step(&app, &member, &request, &path.1, Step::Resume).await
}

/// `…/approve`.
pub async fn approve(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    _: Form<ConfirmRequest>,
) -> Result<HttpResponse, WebError> {
    step(&app, &member, &request, &path.1, Step::Approve).await
}

/// Another time.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Time {
    schedule_at: String,
}

/// `…/schedule`: another time for what has not begun.
pub async fn reschedule(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<Time>,
) -> Result<HttpResponse, WebError> {
    let typed = form.into_inner().schedule_at;
    match schedule::read(&typed, app.clock.now()) {
        Ok(Some(at)) => step(&app, &member, &request, &path.1, Step::Reschedule(at)).await,
        wrong => {
            let batch = find(&app, &member, &path.1).await?;
            let key = wrong.err().unwrap_or("send-error-schedule");
            flash::say(&request, &member.texts(&request).t(key));
            Ok(page::see_other(&member.urls().batch(batch.id)))
        }
    }
}

/// `…/cancel`: asks for a yes first, since it cannot be undone.
pub async fn cancel(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<ConfirmRequest>,
) -> Result<HttpResponse, WebError> {
    if form.into_inner().confirm.is_some() {
        return step(&app, &member, &request, &path.1, Step::Cancel).await;
    }
    let batch = find(&app, &member, &path.1).await?;
    let tally = batches::tally(&app.db, batch.id).await?;
    let l = member.layout(&app, &request, Section::Batches).await?;
    page::ok(&CancelPage { l, batch, left: tally.queued })
}

async fn step(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    id: &str,
    step: Step,
) -> Result<HttpResponse, WebError> {
    let batch = find(app, member, id).await?;
    let address = peer_address(request);
    let word = Actor {
        project: member.project.id,
        batch: batch.id,
        by: member.person.id,
        address: &address,
    };
    let moved = batch_actions::take(app, word, step).await?;
    let said = match (moved, step) {
        (false, _) => "batch-not-moved",
        (true, Step::Pause) => "batch-moved-pause",
        (true, Step::Resume) => "batch-moved-resume",
        (true, Step::Cancel) => "batch-moved-cancel",
        (true, Step::Approve) => "batch-moved-approve",
        (true, Step::Reschedule(_)) => "batch-moved-schedule",
    };
    flash::say(request, &member.texts(request).t(said));
    Ok(page::see_other(&member.urls().batch(batch.id)))
}
