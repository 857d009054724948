//! Actions on a batch: pause, resume, cancel, approve, reschedule.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::OffsetDateTime;

use super::live::{self, Notice};
use super::{ConfirmForm, check_may_decide, find};
use crate::app::App;
use crate::db::sending::batches::{self, Batch};
use crate::db::sending::submissions;
use crate::domain::accounts::role::Permission;
use crate::domain::sending::batch::{BatchState, SCHEDULE_GRACE, leaves_at};
use crate::ops::actor::Actor;
use crate::ops::recovery;
use crate::ops::sending::batch_actions::{self, BatchAction, DecidedBy, Taken};
use crate::ops::sending::repeats;
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::Texts;
use crate::web::http::member::Member;
use crate::web::http::{flash, page};
use crate::web::ui::figures::budget_lines;
use crate::web::ui::layout::{Layout, Section, full_time};
use crate::web::ui::{moment, schedule};

#[derive(Template)]
#[template(path = "pages/batches/actions/cancel.html")]
struct CancelPage {
    l: Layout,
    batch: Batch,
    left: i64,
    under_way: i64,
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

/// The form of [`resume`]. It carries the version of the page.
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
    if form.now.is_none() {
        // Pages name their version. A script that pauses and resumes has seen no page: it continues
        // what was decided before.
        let version = (!form.version.is_empty()).then_some(form.version.as_str());
        return act(&app, &member, &request, &path.1, BatchAction::Resume, version).await;
    }
    let form = RescheduleForm { now: form.now, version: form.version, ..RescheduleForm::default() };
    move_batch(&app, &member, &request, &path.1, form, None).await
}

/// `…/doubt-rest`: puts the rest of a batch in doubt that may have been sent before the database went
/// back in time.
pub async fn doubt_rest(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    _: Form<ConfirmForm>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let ip = peer_ip(&request);
    let actor = Actor { project: member.project.id, user: member.person.id, ip: &ip };
    let texts = member.texts(&request);
    match recovery::doubt_rest(&app, actor, batch.id).await? {
        Some(_) => flash::say(&request, &texts.t("batch-rest-doubted")),
        None => flash::warn(&request, &texts.t("batch-not-moved")),
    }
    Ok(page::see_other(&member.urls().batch(batch.id)))
}

/// `…/approve`.
pub async fn approve(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<RescheduleForm>,
) -> Result<HttpResponse, WebError> {
    let form = form.into_inner();
    let batch = find(&app, &member, &path.1).await?;
    check_may_decide(&member, &batch)?;
    let waited = app.clock.now() - batch.since();
    // One with a time, or that was ordered just now, is as it was checked when it was ordered.
    let is_late = batch.schedule_at.is_none() && waited > SCHEDULE_GRACE;
    if is_late
        && batch.state == BatchState::AwaitingApproval
        && let Some(asked) = ask_about_repeats(&app, &member, &request, batch, None, &form).await?
    {
        return Ok(asked);
    }
    act(&app, &member, &request, &path.1, BatchAction::Approve, Some(&form.version)).await
}

/// The form of [`reschedule`] and [`approve`]: it carries the version of the page.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct RescheduleForm {
    schedule_at: String,
    /// Given to send it at once.
    now: Option<String>,
    /// Given to start it although it repeats other messages then.
    again: Option<String>,
    version: String,
}

#[derive(Template)]
#[template(path = "pages/batches/actions/move.html")]
struct MovePage {
    l: Layout,
    batch: Batch,
    /// The messages that repeat others at that time.
    repeats: i64,
    at: Option<OffsetDateTime>,
    form: RescheduleForm,
}

impl MovePage {
    /// Returns the part of the address that the form posts to.
    fn action(&self) -> &'static str {
        if self.batch.state == BatchState::AwaitingApproval
            && self.at.is_none()
            && self.form.now.is_none()
        {
            "approve"
        } else {
            "schedule"
        }
    }
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
    if form.now.is_some() {
        return move_batch(&app, &member, &request, &path.1, form, None).await;
    }
    match schedule::read(&form.schedule_at, app.clock.now()) {
        Ok(Some(at)) => move_batch(&app, &member, &request, &path.1, form, Some(at)).await,
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

/// Moves a batch to a time, or to now. If it repeats other messages then, it asks first.
async fn move_batch(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    id: &str,
    form: RescheduleForm,
    at: Option<OffsetDateTime>,
) -> Result<HttpResponse, WebError> {
    let batch = find(app, member, id).await?;
    if batch.can_reschedule()
        && let Some(asked) = ask_about_repeats(app, member, request, batch, at, &form).await?
    {
        return Ok(asked);
    }
    let action = BatchAction::Reschedule(at.unwrap_or_else(|| app.clock.now()));
    act(app, member, request, id, action, Some(&form.version)).await
}

/// Asks first if a batch would repeat other messages at a time, or now, unless the form says that it
/// was asked.
async fn ask_about_repeats(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    batch: Batch,
    at: Option<OffsetDateTime>,
    form: &RescheduleForm,
) -> Result<Option<HttpResponse>, WebError> {
    if form.again.is_some() {
        return Ok(None);
    }
    let repeats = repeats::of_batch(app, member.project.id, &batch, at).await?;
    if repeats == 0 {
        return Ok(None);
    }
    let l = Layout::in_project(member, app, request, Section::Batches).await?;
    page::ok(&MovePage { l, batch, repeats, at, form: form.clone() }).map(Some)
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
    let l = Layout::in_project(&member, &app, &request, Section::Batches).await?;
    let under_way = submissions::under_way(&app.db, batch.id).await?;
    page::ok(&CancelPage { l, batch, left: (tally.queued - under_way).max(0), under_way })
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
    let may_approve = match action {
        // Moving an approved batch approves it again.
        BatchAction::Reschedule(_) => member.may_decide_on(batch.ordered_by),
        BatchAction::Pause | BatchAction::Resume | BatchAction::Cancel | BatchAction::Approve => {
            member.may(Permission::Approve)
        }
    };
    let decided_by = DecidedBy { version, may_approve };
    let taken = batch_actions::take_decided(app, actor, batch.id, action, decided_by).await?;
    let texts = member.texts(request);
    let is_doubtful = is_doubtful(&taken, action);
    let sentence = match taken {
        Taken::OutOfDate(changes) => {
            return live::with_notice(app, member, request, id, Notice::OutOfDate(changes)).await;
        }
        Taken::OverBudget(over) => budget_lines::over(texts, &over),
        Taken::NotMoved => texts.t("batch-not-moved"),
        Taken::TooLate => texts.t(late_key(action)),
        Taken::Stopped(under_way) => {
            let key = if action == BatchAction::Pause { "pause" } else { "cancel" };
            texts.with(&format!("batch-moved-{key}"), &[("count", under_way.into())])
        }
        Taken::Moved(state) => moved_sentence(texts, action, &batch, state, app.clock.now()),
    };
    if is_doubtful {
        flash::warn(request, &sentence);
    } else {
        flash::say(request, &sentence);
    }
    Ok(page::see_other(&member.urls().batch(batch.id)))
}

/// Returns whether an action did not do what the person wanted, or not all of it.
fn is_doubtful(taken: &Taken, action: BatchAction) -> bool {
    match taken {
        Taken::NotMoved | Taken::TooLate | Taken::OverBudget(_) | Taken::OutOfDate(_) => true,
        Taken::Moved(BatchState::Paused) => {
            matches!(action, BatchAction::Resume | BatchAction::Approve)
        }
        Taken::Moved(BatchState::AwaitingApproval) => true,
        Taken::Moved(_) | Taken::Stopped(_) => false,
    }
}

fn late_key(action: BatchAction) -> &'static str {
    match action {
        BatchAction::Cancel => "batch-late-cancel",
        BatchAction::Pause
        | BatchAction::Resume
        | BatchAction::Approve
        | BatchAction::Reschedule(_) => "batch-late-pause",
    }
}

/// Says what an action has done to `batch`, which has this state now. What may not leave yet is said
/// to leave when it may.
fn moved_sentence(
    texts: Texts,
    action: BatchAction,
    batch: &Batch,
    state: BatchState,
    now: OffsetDateTime,
) -> String {
    let leaves = leaves_at(batch.purpose, now);
    let waits = state == BatchState::Sending && leaves > now;
    let key = match (action, state) {
        (BatchAction::Resume | BatchAction::Approve, BatchState::Paused) => "batch-missed-time",
        (BatchAction::Resume, BatchState::Scheduled) => "batch-moved-resume-later",
        (_, BatchState::AwaitingApproval) if batch.state == BatchState::AwaitingApproval => {
            "batch-moved-schedule"
        }
        (_, BatchState::AwaitingApproval) => "batch-moved-needs-approval",
        (BatchAction::Approve, BatchState::Scheduled) => "batch-moved-approve-later",
        (BatchAction::Approve, _) if waits => "batch-moved-approve-at",
        (BatchAction::Approve, _) => "batch-moved-approve",
        (BatchAction::Reschedule(_), BatchState::Sending) if waits => "batch-moved-now-at",
        (BatchAction::Reschedule(_), BatchState::Sending) => "batch-moved-now",
        (BatchAction::Reschedule(_), _) => "batch-moved-schedule",
        (_, _) if waits => "batch-moved-resume-at",
        (_, _) => "batch-moved-resume",
    };
    let leaves = if state == BatchState::Scheduled {
        batch.schedule_at.map_or(leaves, |at| leaves_at(batch.purpose, at))
    } else {
        leaves
    };
    let (time, when) = (moment::local_time(leaves), full_time(leaves));
    texts.with(key, &[("time", time.into()), ("when", when.into())])
}
