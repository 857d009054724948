//! Actions on a batch: pause, resume, cancel, approve, reschedule.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::live::{self, Notice};
use super::{ConfirmForm, find};
use crate::app::App;
use crate::db::batches::{self, Batch};
use crate::domain::batch::BatchState;
use crate::domain::role::Permission;
use crate::ops::actor::Actor;
use crate::ops::batch_actions::{self, BatchAction, DecidedBy, Taken};
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
    act(&app, &member, &request, &path.1, BatchAction::Pause, None).await
}

/// The form of [`resume`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResumeForm {
    /// Given to send a batch now that has missed its time.
    now: Option<String>,
    version: String,
}

/// `…/resume`.
pub async fn resume(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<ResumeForm>,
) -> Result<HttpResponse, WebError> {
    let form = form.into_inner();
    let (action, version) = match form.now {
        Some(_) => (BatchAction::Reschedule(app.clock.now()), Some(form.version.as_str())),
        None => (BatchAction::Resume, None),
    };
    act(&app, &member, &request, &path.1, action, version).await
}

/// `…/approve`.
pub async fn approve(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<VersionForm>,
) -> Result<HttpResponse, WebError> {
    let version = form.into_inner().version;
    act(&app, &member, &request, &path.1, BatchAction::Approve, Some(&version)).await
}

/// A form that starts messages: it carries the version of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct VersionForm {
    version: String,
}

/// The form of [`reschedule`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RescheduleForm {
    schedule_at: String,
    /// Given to send it at once.
    now: Option<String>,
    version: String,
}

/// `…/schedule`: sets another time for a batch that has not started, or sends it at once.
pub async fn reschedule(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<RescheduleForm>,
) -> Result<HttpResponse, WebError> {
    let form = form.into_inner();
    let version = Some(form.version.as_str());
    if form.now.is_some() {
        let action = BatchAction::Reschedule(app.clock.now());
        return act(&app, &member, &request, &path.1, action, version).await;
    }
    match schedule::read(&form.schedule_at, app.clock.now()) {
        Ok(Some(at)) => {
            act(&app, &member, &request, &path.1, BatchAction::Reschedule(at), version).await
        }
        invalid => {
            let key = match invalid {
                Err("send-error-schedule-past") => "batch-reschedule-past",
                Err(key) => key,
                Ok(_) => "send-error-schedule",
            };
            let sentence = member.texts(&request).t(key);
            let problem = Notice::Time { typed: form.schedule_at, sentence };
            live::with_notice(&app, &member, &request, &path.1, problem).await
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
        return act(&app, &member, &request, &path.1, BatchAction::Cancel, None).await;
    }
    let batch = find(&app, &member, &path.1).await?;
    let tally = batches::tally(&app.db, batch.id).await?;
    let l = member.layout(&app, &request, Section::Batches).await?;
    page::ok(&CancelPage { l, batch, left: tally.queued })
}

/// Takes an action and redirects to the batch, which then says whether it had an effect. If the page
/// was out of date, it is drawn anew and says what has changed.
async fn act(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    id: &str,
    action: BatchAction,
    version: Option<&str>,
) -> Result<HttpResponse, WebError> {
    let batch = find(app, member, id).await?;
    let ip = peer_ip(request);
    let actor = Actor { project: member.project.id, user: member.person.id, ip: &ip };
    let decided_by = DecidedBy { version, may_approve: member.may(Permission::Approve) };
    let taken = batch_actions::take_decided(app, actor, batch.id, action, decided_by).await?;
    let text_key = match (taken, action) {
        (Taken::OutOfDate(changes), _) => {
            return live::with_notice(app, member, request, id, Notice::OutOfDate(changes)).await;
        }
        (Taken::NotMoved, _) => "batch-not-moved",
        (Taken::Moved(BatchState::Paused), BatchAction::Resume | BatchAction::Approve) => {
            "batch-missed-time"
        }
        (Taken::Moved(BatchState::Scheduled), BatchAction::Resume) => "batch-moved-resume-later",
        (Taken::Moved(BatchState::AwaitingApproval), _) => "batch-moved-needs-approval",
        (Taken::Moved(_), BatchAction::Pause) => "batch-moved-pause",
        (Taken::Moved(_), BatchAction::Resume) => "batch-moved-resume",
        (Taken::Moved(_), BatchAction::Cancel) => "batch-moved-cancel",
        (Taken::Moved(_), BatchAction::Approve) => "batch-moved-approve",
        (Taken::Moved(BatchState::Sending), BatchAction::Reschedule(_)) => "batch-moved-now",
        (Taken::Moved(_), BatchAction::Reschedule(_)) => "batch-moved-schedule",
    };
    let sentence = member.texts(request).t(text_key);
    match text_key {
        "batch-not-moved" | "batch-missed-time" | "batch-moved-needs-approval" => {
            flash::warn(request, &sentence);
        }
        _ => flash::say(request, &sentence),
    }
    Ok(page::see_other(&member.urls().batch(batch.id)))
}
