//! Actions on a batch: pause, resume, cancel, approve, reschedule.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{ConfirmForm, find};
use crate::app::App;
use crate::db::batches::{self, Batch};
use crate::ops::actor::Actor;
use crate::ops::batch_actions::{self, BatchAction};
use crate::web::error::WebError;
use crate::web::form::{Form, peer_ip};
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
    _: Form<ConfirmForm>,
) -> Result<HttpResponse, WebError> {
    act(&app, &member, &request, &path.1, BatchAction::Pause).await
}

/// `…/resume`.
pub async fn resume(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    _: Form<ConfirmForm>,
) -> Result<HttpResponse, WebError> {
    act(&app, &member, &request, &path.1, BatchAction::Resume).await
}

/// `…/approve`.
pub async fn approve(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    _: Form<ConfirmForm>,
) -> Result<HttpResponse, WebError> {
    act(&app, &member, &request, &path.1, BatchAction::Approve).await
}

/// The form of [`reschedule`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RescheduleForm {
    schedule_at: String,
}

/// `…/schedule`: sets another time for a batch that has not started.
pub async fn reschedule(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<RescheduleForm>,
) -> Result<HttpResponse, WebError> {
    let typed = form.into_inner().schedule_at;
    match schedule::read(&typed, app.clock.now()) {
        Ok(Some(at)) => act(&app, &member, &request, &path.1, BatchAction::Reschedule(at)).await,
        invalid => {
            let batch = find(&app, &member, &path.1).await?;
            let key = invalid.err().unwrap_or("send-error-schedule");
            flash::say(&request, &member.texts(&request).t(key));
            Ok(page::see_other(&member.urls().batch(batch.id)))
        }
    }
}

/// `…/cancel`: asks for confirmation first, since it cannot be undone.
pub async fn cancel(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<ConfirmForm>,
) -> Result<HttpResponse, WebError> {
    if form.into_inner().confirm.is_some() {
        return act(&app, &member, &request, &path.1, BatchAction::Cancel).await;
    }
    let batch = find(&app, &member, &path.1).await?;
    let tally = batches::tally(&app.db, batch.id).await?;
    let l = member.layout(&app, &request, Section::Batches).await?;
    page::ok(&CancelPage { l, batch, left: tally.queued })
}

/// Takes an action and redirects to the batch, which then says whether it had an effect.
async fn act(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    id: &str,
    action: BatchAction,
) -> Result<HttpResponse, WebError> {
    let batch = find(app, member, id).await?;
    let ip = peer_ip(request);
    let actor = Actor { project: member.project.id, user: member.person.id, ip: &ip };
    let moved = batch_actions::take(app, actor, batch.id, action).await?;
    let text_key = match (moved, action) {
        (false, _) => "batch-not-moved",
        (true, BatchAction::Pause) => "batch-moved-pause",
        (true, BatchAction::Resume) => "batch-moved-resume",
        (true, BatchAction::Cancel) => "batch-moved-cancel",
        (true, BatchAction::Approve) => "batch-moved-approve",
        (true, BatchAction::Reschedule(_)) => "batch-moved-schedule",
    };
    flash::say(request, &member.texts(request).t(text_key));
    Ok(page::see_other(&member.urls().batch(batch.id)))
}
