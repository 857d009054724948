//! What people are notified of, in the transaction in which it happens.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::notification::{
    ACCESS_CHANGED, BATCH_AWAITS_APPROVAL, BATCH_FINISHED, BATCH_PAUSED, BATCH_SENT_BACK,
    BUDGET_80, BUDGET_100, DATABASE_WENT_BACK, MESSAGES_IN_DOUBT, NEW_DEVICE, Notification,
    PUSHES_CHANGED, REVIEW_CHANGED, STANDBY_LOST, TEST,
};
use crate::app::App;
use crate::db::projects;
use crate::db::reporting::alerts::{self, Condition, Finished};
use crate::db::reporting::notifications::{self, New};
use crate::db::sending::batches::Batch;
use crate::db::sending::prices;
use crate::domain::alert::AlertEvent;
use crate::domain::ids::{BatchId, ProjectId, UserId};
use crate::domain::review::{ReviewStatus, Subject};
use crate::domain::sending::batch::{BatchState, Package, PauseReason};
use crate::domain::sending::budget::Budget;
use crate::domain::sending::call_problem::CallProblem;

/// A change of a review status.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// Whether it is a signature or a template.
    pub subject: Subject,
    /// The vendor's id.
    pub vendor_id: &'a str,
    /// The name of the signature or template.
    pub name: &'a str,
    /// The new status; `None` if the vendor does not know it any more.
    pub status: Option<ReviewStatus>,
    /// The vendor's reason; may be empty.
    pub reason: &'a str,
}

/// Stores a notification for everybody whom the rules of the project name.
pub(super) async fn notify(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    event: AlertEvent,
    body: &Value,
) -> sqlx::Result<()> {
    let now = app.clock.now();
    let quiet = alerts::settings(db, project).await?.quiet;
    let held_until = if event.ignores_quiet_hours() { None } else { quiet.end(now) };
    notifications::add(db, &New { project, event, body, held_until }, now).await.map(drop)
}

/// Notifies people of something that will end. What concerns one batch people are notified of each time; anything else once until it
/// ends, by whichever process notices it first.
pub(in crate::ops) async fn notify_begin(
    app: &App,
    db: &mut PgConnection,
    condition: &Condition<'_>,
) -> sqlx::Result<()> {
    let begins = alerts::begin(db, condition, app.clock.now()).await?;
    if begins || condition.batch.is_some() {
        notify(app, db, condition.project, condition.event, condition.body).await?;
    }
    Ok(())
}

/// Queues a notification of a changed review status, in the transaction of the change. Statuses
/// before the end of a review cause none.
pub async fn review_changed(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    change: Change<'_>,
) -> sqlx::Result<()> {
    if change.status.is_some_and(ReviewStatus::is_open) {
        return Ok(());
    }
    let slug = projects::slug(db, project).await?;
    let notification = of_review(app, &slug, change, REVIEW_CHANGED);
    notify(app, db, project, AlertEvent::ReviewDecided, &json!(notification)).await
}

fn of_review(app: &App, slug: &str, change: Change<'_>, event: &str) -> Notification {
    let list = match change.subject {
        Subject::Signature => "signatures",
        Subject::Template => "templates",
    };
    let path = format!("{list}/{}", change.vendor_id);
    Notification {
        id: change.vendor_id.to_owned(),
        name: change.name.to_owned(),
        status: change.status.map_or("missing", ReviewStatus::key).to_owned(),
        reason: change.reason.to_owned(),
        ..Notification::now(app, slug, event, change.subject.key(), &path)
    }
}

/// Returns a notification with which a channel is tried.
pub(super) fn trial(app: &App, slug: &str) -> Notification {
    let change = Change {
        subject: Subject::Template,
        vendor_id: "TEST",
        name: "TEST",
        status: Some(ReviewStatus::Approved),
        reason: "",
    };
    of_review(app, slug, change, TEST)
}

/// Queues a notification that a project's pushes are missing, or are back.
pub async fn pushes_changed(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    are_back: bool,
) -> sqlx::Result<()> {
    let slug = projects::slug(db, project).await?;
    let notification = Notification {
        status: if are_back { "back" } else { "missing" }.to_owned(),
        ..Notification::now(app, &slug, PUSHES_CHANGED, "pushes", "health")
    };
    notify(app, db, project, AlertEvent::PushesMissing, &json!(notification)).await
}

/// Queues a notification of a paused batch, in the transaction of the pause. What a person paused causes
/// none, nor does a batch that stops for a package or for keys of which people know already.
pub async fn batch_paused(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    batch: &Batch,
    pause_reason: PauseReason,
) -> sqlx::Result<()> {
    let Some(event) = AlertEvent::of_pause(pause_reason) else { return Ok(()) };
    let slug = projects::slug(db, project).await?;
    let is_vendor_message = match pause_reason {
        PauseReason::Balance | PauseReason::Permission | PauseReason::Refused => {
            CallProblem::read(&batch.pause_detail).is_none()
        }
        PauseReason::Person
        | PauseReason::VendorUnavailable
        | PauseReason::MissedSchedule
        | PauseReason::Failures
        | PauseReason::Trial
        | PauseReason::DatabaseWentBack => false,
    };
    let package = Package::of(batch.purpose, batch.international);
    let countries = if package == Package::International {
        let expected = prices::expected(&mut *db, batch.id).await?.countries;
        expected.into_iter().map(|one| one.country).filter(|code| !code.is_empty()).collect()
    } else {
        Vec::new()
    };
    let notification = Notification {
        status: pause_reason.key().to_owned(),
        reason: if is_vendor_message { batch.pause_detail.clone() } else { String::new() },
        package: Some(package.key().to_owned()),
        countries,
        ..of_batch(app, &slug, BATCH_PAUSED, batch.id, &batch.name)
    };
    let id = batch.id.to_string();
    let (subject, batch) = match event {
        AlertEvent::PackageEmpty => (package.key(), None),
        AlertEvent::KeysRefused => ("", None),
        _ => (id.as_str(), Some(batch.id)),
    };
    let condition = Condition { project, event, subject, batch, body: &json!(notification) };
    notify_begin(app, db, &condition).await
}

fn of_batch(app: &App, slug: &str, event: &str, batch: BatchId, name: &str) -> Notification {
    Notification {
        id: batch.to_string(),
        name: name.to_owned(),
        ..Notification::now(app, slug, event, "batch", &format!("batches/{batch}"))
    }
}

/// Queues a notification of a batch that waits for a second person, in the transaction that makes it wait.
pub async fn batch_awaits_approval(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    name: &str,
) -> sqlx::Result<()> {
    let slug = projects::slug(db, project).await?;
    let notification = Notification {
        status: BatchState::AwaitingApproval.key().to_owned(),
        ..of_batch(app, &slug, BATCH_AWAITS_APPROVAL, batch, name)
    };
    let condition = Condition {
        project,
        event: AlertEvent::AwaitingApproval,
        subject: &batch.to_string(),
        batch: Some(batch),
        body: &json!(notification),
    };
    notify_begin(app, db, &condition).await
}

/// A batch that was sent back.
#[derive(Debug, Clone, Copy)]
pub struct SentBackBatch<'a> {
    /// The batch.
    pub id: BatchId,
    /// Its name.
    pub name: &'a str,
    /// Whoever ordered it.
    pub ordered_by: UserId,
    /// The name of that account.
    pub orderer: &'a str,
    /// Why it was sent back.
    pub reason: &'a str,
}

/// Queues a notification of a batch that was sent back, in the transaction of that. Whoever ordered it gets
/// it by mail as well, if their address is known.
pub async fn batch_sent_back(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    batch: SentBackBatch<'_>,
) -> sqlx::Result<()> {
    let slug = projects::slug(db, project).await?;
    let notification = Notification {
        reason: batch.reason.to_owned(),
        status: "sent_back".to_owned(),
        person: Some(batch.orderer.to_owned()),
        ..of_batch(app, &slug, BATCH_SENT_BACK, batch.id, batch.name)
    };
    let body = json!(notification);
    if app.outbound.has_mail() {
        let now = app.clock.now();
        notifications::add_mail_for(db, project, batch.ordered_by, &body, now).await?;
    }
    notify(app, db, project, AlertEvent::SentBack, &body).await
}

/// Queues a notification of a batch that finished with many failures.
pub(in crate::ops) async fn batch_finished(
    app: &App,
    db: &mut PgConnection,
    finished: &Finished,
) -> sqlx::Result<()> {
    let slug = projects::slug(db, finished.project).await?;
    let notification = Notification {
        count: Some(finished.failed),
        limit: Some(i64::from(finished.total)),
        ..of_batch(app, &slug, BATCH_FINISHED, finished.batch, &finished.name)
    };
    notify(app, db, finished.project, AlertEvent::BatchFinished, &json!(notification)).await
}

/// Queues a notification of many messages in doubt.
pub(in crate::ops) async fn many_in_doubt(
    app: &App,
    db: &mut PgConnection,
    found: &alerts::InDoubt,
) -> sqlx::Result<()> {
    let (project, event) = (found.project, AlertEvent::InDoubt);
    let slug = projects::slug(db, project).await?;
    let notification = Notification {
        count: Some(found.count),
        limit: Some(i64::from(found.over)),
        ..Notification::now(app, &slug, MESSAGES_IN_DOUBT, "messages", "")
    };
    let body = &json!(notification);
    notify_begin(app, db, &Condition { project, event, subject: "", batch: None, body }).await
}

/// Returns the notification of a budget of which people are notified.
pub(in crate::ops) async fn of_budget(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    event: AlertEvent,
    budget: &Budget,
    used: i64,
) -> sqlx::Result<Notification> {
    let slug = projects::slug(db, project).await?;
    let event = if event == AlertEvent::Budget80 { BUDGET_80 } else { BUDGET_100 };
    Ok(Notification {
        name: budget.name.clone().unwrap_or_default(),
        status: budget.period.key().to_owned(),
        count: Some(used),
        limit: Some(budget.cap),
        ..Notification::now(app, &slug, event, budget.unit.key(), "settings/budgets")
    })
}

/// Queues a notification that the database has no standby any more.
pub(in crate::ops) async fn standby_lost(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
) -> sqlx::Result<()> {
    let slug = projects::slug(db, project).await?;
    let body = &json!(Notification::now(app, &slug, STANDBY_LOST, "database", "health"));
    let event = AlertEvent::StandbyLost;
    notify_begin(app, db, &Condition { project, event, subject: "", batch: None, body }).await
}

/// Queues a notification in every project that the database was rolled back. `cause` names what showed it.
pub async fn database_went_back(app: &App, db: &mut PgConnection, cause: &str) -> sqlx::Result<()> {
    for project in projects::all(&app.db).await? {
        let notification = Notification {
            status: cause.to_owned(),
            ..Notification::now(app, &project.slug, DATABASE_WENT_BACK, "database", "sending")
        };
        notify(app, db, project.id, AlertEvent::DatabaseWentBack, &json!(notification)).await?;
    }
    Ok(())
}

/// What was changed about who may do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessChange {
    /// A user got a role.
    RoleSet,
    /// A user was taken out of the project.
    MemberRemoved,
    /// The API keys were replaced.
    KeysChanged,
}

impl AccessChange {
    fn key(self) -> &'static str {
        match self {
            Self::RoleSet => "role_set",
            Self::MemberRemoved => "member_removed",
            Self::KeysChanged => "keys_changed",
        }
    }
}

/// Queues a notification of a change of members or keys, in its transaction.
pub async fn access_changed(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    change: AccessChange,
    name: &str,
) -> sqlx::Result<()> {
    let slug = projects::slug(db, project).await?;
    let subject = if change == AccessChange::KeysChanged { "keys" } else { "user" };
    let notification = Notification {
        name: name.to_owned(),
        status: change.key().to_owned(),
        ..Notification::now(app, &slug, ACCESS_CHANGED, subject, "audit")
    };
    notify(app, db, project, AlertEvent::AccessChanged, &json!(notification)).await
}

/// Queues a notification of a sign-in with an unknown browser, in each project of the user whose rules ask
/// for it.
pub async fn signed_in_on_new_device(
    app: &App,
    db: &mut PgConnection,
    user: UserId,
    name: &str,
    ip: &str,
) -> sqlx::Result<()> {
    for project in alerts::projects_of(db, user, AlertEvent::NewDevice).await? {
        let slug = projects::slug(db, project).await?;
        let notification = Notification {
            name: name.to_owned(),
            reason: ip.to_owned(),
            ..Notification::now(app, &slug, NEW_DEVICE, "user", "audit")
        };
        notify(app, db, project, AlertEvent::NewDevice, &json!(notification)).await?;
    }
    Ok(())
}
