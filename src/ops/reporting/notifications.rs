//! Notifying people outside of the pages: a change of a review status, or missing pushes, goes to
//! the project's webhook and by email, with retries until it is delivered.

use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::PgConnection;
use time::Duration;
use tracing::{info, warn};

mod email;
mod error;
mod notification;
mod settings;

use email::email;
pub use error::NotificationError;
pub use notification::{BATCH_AWAITS_APPROVAL, BATCH_PAUSED, Notification, PUSHES_CHANGED};
pub use settings::{NotificationForm, NotificationProblem, find_problem, save_settings, settings};

use crate::app::App;
use crate::db::projects;
use crate::db::reporting::notifications::{self, Channel, Due};
use crate::db::sending::batches::Batch;
use crate::db::sending::prices;
use crate::domain::ids::{BatchId, ProjectId, first_number_at};
use crate::domain::review::{ReviewStatus, Subject};
use crate::domain::sending::batch::{BatchState, Package, PauseReason};
use crate::domain::sending::call_problem::CallProblem;
use crate::domain::time::rfc3339;
use crate::i18n::{Language, Texts};
use crate::keyring::Secret;

/// Delays between attempts. After the last one delivery is given up, and the settings page says so.
const RETRY_DELAYS: [Duration; 6] = [
    Duration::seconds(30),
    Duration::minutes(2),
    Duration::minutes(10),
    Duration::hours(1),
    Duration::hours(6),
    Duration::hours(24),
];
/// How long no other process takes a notification: longer than an attempt may take.
const LEASE: Duration = Duration::minutes(2);
/// How long notifications are kept after delivery or the last attempt.
const RETENTION: Duration = Duration::days(30);
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
    let notification = notification(app, db, project, change, "review_changed").await?;
    notifications::add(db, project, &json!(notification), app.clock.now()).await.map(drop)
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
        event: PUSHES_CHANGED.to_owned(),
        subject: "pushes".to_owned(),
        id: String::new(),
        name: String::new(),
        status: if are_back { "back" } else { "missing" }.to_owned(),
        reason: String::new(),
        package: None,
        countries: Vec::new(),
        at: rfc3339(app.clock.now()),
        url: app.public_url.as_ref().map(|base| format!("{base}/p/{slug}/health")),
        project: slug,
    };
    notifications::add(db, project, &json!(notification), app.clock.now()).await.map(drop)
}

/// Queues a notification of a paused batch, in the transaction of the pause. What a person paused
/// causes none.
pub async fn batch_paused(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    batch: &Batch,
    pause_reason: PauseReason,
) -> sqlx::Result<()> {
    if pause_reason == PauseReason::Person {
        return Ok(());
    }
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
        event: BATCH_PAUSED.to_owned(),
        subject: "batch".to_owned(),
        id: batch.id.to_string(),
        name: batch.name.clone(),
        status: pause_reason.key().to_owned(),
        reason: if is_vendor_message { batch.pause_detail.clone() } else { String::new() },
        package: Some(package.key().to_owned()),
        countries,
        at: rfc3339(app.clock.now()),
        url: app.public_url.as_ref().map(|base| format!("{base}/p/{slug}/batches/{}", batch.id)),
        project: slug,
    };
    notifications::add(db, project, &json!(notification), app.clock.now()).await.map(drop)
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
        event: BATCH_AWAITS_APPROVAL.to_owned(),
        subject: "batch".to_owned(),
        id: batch.to_string(),
        name: name.to_owned(),
        status: BatchState::AwaitingApproval.key().to_owned(),
        reason: String::new(),
        package: None,
        countries: Vec::new(),
        at: rfc3339(app.clock.now()),
        url: app.public_url.as_ref().map(|base| format!("{base}/p/{slug}/batches/{batch}")),
        project: slug,
    };
    notifications::add(db, project, &json!(notification), app.clock.now()).await.map(drop)
}

async fn notification(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    change: Change<'_>,
    event: &str,
) -> sqlx::Result<Notification> {
    let slug = projects::slug(db, project).await?;
    let list = match change.subject {
        Subject::Signature => "signatures",
        Subject::Template => "templates",
    };
    Ok(Notification {
        event: event.to_owned(),
        subject: change.subject.key().to_owned(),
        id: change.vendor_id.to_owned(),
        name: change.name.to_owned(),
        status: change.status.map_or("missing", ReviewStatus::key).to_owned(),
        reason: change.reason.to_owned(),
        package: None,
        countries: Vec::new(),
        at: rfc3339(app.clock.now()),
        // The vendor's ids are letters and digits: nothing to escape.
        url: app
            .public_url
            .as_ref()
            .map(|base| format!("{base}/p/{slug}/{list}/{}", change.vendor_id)),
        project: slug,
    })
}

/// Delivers a notification that is due. Returns whether there was one.
pub async fn run_once(app: &App) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let Some(due) = notifications::take(&app.db, now, now + LEASE).await? else { return Ok(false) };
    match deliver(app, &due).await {
        Ok(()) => notifications::delivered(&app.db, due.id, app.clock.now()).await?,
        Err(NotificationError::Database(error)) => return Err(error),
        Err(error @ (NotificationError::NotConfigured | NotificationError::Unreadable)) => {
            notifications::failed(&app.db, due.id, &error.stored(), None).await?;
        }
        Err(error) => {
            let index = usize::try_from(due.attempts - 1).unwrap_or(0);
            let next = RETRY_DELAYS.get(index).map(|delay| app.clock.now() + *delay);
            warn!(
                notification = due.id,
                %error,
                again = next.is_some(),
                "notification not delivered"
            );
            notifications::failed(&app.db, due.id, &error.stored(), next).await?;
        }
    }
    Ok(true)
}

/// Deletes notifications whose retention is over. Returns how many.
pub async fn delete_old(app: &App) -> sqlx::Result<u64> {
    notifications::delete_old(&app.db, first_number_at(app.clock.now() - RETENTION)).await
}

/// Returns why the last attempt failed: the key of a text, and the remote error message.
pub fn error(past: &notifications::PastNotification) -> Option<(&str, &str)> {
    past.error.split_once(' ')
}

async fn deliver(app: &App, due: &Due) -> Result<(), NotificationError> {
    let settings = notifications::settings(&app.db, due.project).await?;
    match due.channel {
        Channel::Webhook => {
            let (Some(url), Some(key)) = (&settings.webhook_sealed, &settings.webhook_key_sealed)
            else {
                return Err(NotificationError::NotConfigured);
            };
            let url = app.keyring.open(Secret::Webhook, due.project, url)?;
            let key = app.keyring.open(Secret::WebhookKey, due.project, key)?;
            let now = app.clock.now().unix_timestamp();
            app.outbound.post(url.expose_secret(), &key, now, due.body.to_string()).await?;
        }
        Channel::Email => {
            if settings.emails.is_empty() {
                return Err(NotificationError::NotConfigured);
            }
            let notification: Notification = serde_json::from_value(due.body.clone())
                .map_err(|_| NotificationError::Unreadable)?;
            let texts = Texts(Language::from_tag(&settings.language).unwrap_or(Language::ZhCn));
            let (subject, text) = email(texts, &notification);
            app.outbound.mail(&settings.emails, &subject, &text).await?;
        }
    }
    info!(notification = due.id, "notification delivered");
    Ok(())
}

/// Queues a test notification on every channel of the project. Returns the number of channels.
pub async fn test(app: &App, project: ProjectId) -> sqlx::Result<u64> {
    let change = Change {
        subject: Subject::Template,
        vendor_id: "TEST",
        name: "TEST",
        status: Some(ReviewStatus::Approved),
        reason: "",
    };
    let mut db = app.db.acquire().await?;
    let notification = notification(app, &mut db, project, change, "test").await?;
    notifications::add(&mut db, project, &json!(notification), app.clock.now()).await
}

/// Returns whether delivery was given up.
pub fn given_up(past: &notifications::PastNotification) -> bool {
    past.delivered_at.is_none() && past.next_try_at.is_none()
}
