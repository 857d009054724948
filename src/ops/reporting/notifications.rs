//! Notifying people outside of the pages: what happens goes to the channels that the rules of a project
//! name, with retries until it is delivered.

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::format_description::well_known::Iso8601;
use time::{Date, Duration};
use tracing::{info, warn};

mod email;
mod error;
mod events;
pub mod notification;
mod settings;

use email::email;
pub use error::NotificationError;
pub use events::{
    AccessChange, Change, SentBackBatch, access_changed, batch_awaits_approval, batch_paused,
    batch_sent_back, database_went_back, pushes_changed, review_changed, signed_in_on_new_device,
};
pub(in crate::ops) use events::{
    batch_finished, many_in_doubt, notify_begin, of_budget, standby_lost,
};
pub use notification::{
    ALERT_ENDED, BATCH_AWAITS_APPROVAL, BATCH_PAUSED, BATCH_SENT_BACK, DIGEST, MONTHLY_REPORT,
    Notification, PUSHES_CHANGED, TEST,
};
pub use settings::{NotificationForm, NotificationProblem, find_problem, save_settings, settings};

use super::monthly_reports::{self, ReportError, ReportFile};
use crate::app::App;
use crate::db::projects;
use crate::db::reporting::notifications::{self, Channel, Due, Gathered, Way};
use crate::db::reporting::{alerts, robots};
use crate::domain::alert::{AlertEvent, RobotKind};
use crate::domain::ids::{ProjectId, RobotId, first_number_at};
use crate::i18n::{Language, Texts};
use crate::keyring::Secret;
use crate::outbound::{ChatKind, ChatMessage, OutboundError};

/// Delays between attempts. After the last one delivery is given up, and the settings page says so.
const RETRY_DELAYS: [Duration; 6] = [
    Duration::seconds(30),
    Duration::minutes(2),
    Duration::minutes(10),
    Duration::hours(1),
    Duration::hours(6),
    Duration::hours(24),
];
/// How long a robot is left alone that was called too often: DingTalk takes nothing for ten minutes.
const LIMITED_DELAY: Duration = Duration::minutes(10);
/// How long no other process takes a notification: longer than an attempt may take.
const LEASE: Duration = Duration::minutes(2);
/// How long notifications are kept after delivery or the last attempt.
const RETENTION: Duration = Duration::days(30);
/// How long it is remembered that people were notified of a budget: longer than a month ahead.
const BUDGET_RETENTION: Duration = Duration::days(400);
/// The most notifications that a digest names.
const MAX_DIGEST: usize = 50;

/// Queues a notification that what people were notified of is over.
pub(in crate::ops) async fn over(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    event: AlertEvent,
    begun: Value,
) -> sqlx::Result<()> {
    let Ok(begun) = serde_json::from_value::<Notification>(begun) else { return Ok(()) };
    events::notify(app, db, project, event, &json!(begun.over(app.clock.now()))).await
}

/// Ends something that people were notified of, if it was, and queues a notification of that.
pub(in crate::ops) async fn end(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    event: AlertEvent,
    subject: &str,
) -> sqlx::Result<()> {
    match alerts::end(db, project, event, subject).await? {
        Some(begun) => over(app, db, project, event, begun).await,
        None => Ok(()),
    }
}

/// Delivers a notification that is due, or gathers those that waited for the end of the quiet hours. Returns
/// whether there was one.
pub async fn run_once(app: &App) -> sqlx::Result<bool> {
    if gather(app).await? {
        return Ok(true);
    }
    let now = app.clock.now();
    let Some(due) = notifications::take(&app.db, now, now + LEASE).await? else { return Ok(false) };
    match deliver(app, &due).await {
        Ok(Delivery::Made(answer)) => {
            info!(notification = due.id, "notification delivered");
            notifications::delivered(&app.db, due.id, &answer, app.clock.now()).await?;
        }
        Ok(Delivery::PutOff(until)) => notifications::put_off(&app.db, due.id, until).await?,
        Err(NotificationError::Database(error)) => return Err(error),
        Err(error @ (NotificationError::NotConfigured | NotificationError::Unreadable)) => {
            notifications::failed(&app.db, due.id, &error.stored(), None).await?;
        }
        Err(error) => {
            let index = usize::try_from(due.attempts - 1).unwrap_or(0);
            let least = if error.is_limit() { LIMITED_DELAY } else { Duration::ZERO };
            let delay = RETRY_DELAYS.get(index).map(|delay| (*delay).max(least));
            let next = delay.map(|delay| app.clock.now() + delay);
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

/// Makes one notification of those that waited for the end of the quiet hours, for one channel. Returns
/// whether there were any.
async fn gather(app: &App) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(gathered) = notifications::gather(&mut tx, now).await? else { return Ok(false) };
    let Gathered { project, channel, robot, emails, held } = gathered;
    if let [(only, _)] = held.as_slice() {
        notifications::release(&mut tx, *only, now).await?;
    } else if !held.is_empty() {
        let slug = projects::slug(&mut tx, project).await?;
        let items = held.iter().filter_map(|(_, body)| serde_json::from_value(body.clone()).ok());
        let digest = Notification {
            count: i64::try_from(held.len()).ok(),
            items: items.take(MAX_DIGEST).collect(),
            ..Notification::now(app, &slug, DIGEST, "", "")
        };
        let way = Way { channel, robot, emails: emails.as_deref() };
        let id = notifications::add_to(&mut tx, project, way, &json!(digest), now).await?;
        if let Some(id) = id {
            let ids: Vec<i64> = held.iter().map(|(id, _)| *id).collect();
            notifications::set_digest(&mut tx, &ids, id).await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}

/// Deletes notifications whose retention is over. Returns how many.
pub async fn delete_old(app: &App) -> sqlx::Result<u64> {
    alerts::delete_old(&app.db, app.clock.now() - BUDGET_RETENTION).await?;
    notifications::delete_old(&app.db, first_number_at(app.clock.now() - RETENTION)).await
}

/// Returns why the last attempt failed: the key of a text, and the remote error message.
pub fn error(past: &notifications::PastNotification) -> Option<(&str, &str)> {
    past.error.split_once(' ')
}

/// What became of a delivery that did not fail.
enum Delivery {
    /// It was made; this was answered.
    Made(String),
    /// The robot takes no more until then.
    PutOff(time::OffsetDateTime),
}

async fn deliver(app: &App, due: &Due) -> Result<Delivery, NotificationError> {
    let settings = notifications::settings(&app.db, due.project).await?;
    let texts = Texts(Language::from_tag(&settings.language).unwrap_or(Language::ZhCn));
    match due.channel {
        Channel::Webhook => {
            let (Some(url), Some(key)) = (&settings.webhook_sealed, &settings.webhook_key_sealed)
            else {
                return Err(NotificationError::NotConfigured);
            };
            let url = app.keyring.open(Secret::Webhook, due.project, url)?;
            let key = app.keyring.open(Secret::WebhookKey, due.project, key)?;
            let now = app.clock.now().unix_timestamp();
            let body = due.body.to_string();
            let status = app.outbound.post(url.expose_secret(), &key, now, body).await?;
            Ok(Delivery::Made(format!("HTTP {status}")))
        }
        Channel::Email => {
            let to = due.emails.as_ref().unwrap_or(&settings.emails);
            if to.is_empty() {
                return Err(NotificationError::NotConfigured);
            }
            let notification = read(due)?;
            let (subject, text) = email(texts, &notification);
            let report = report_of(app, texts, due.project, &notification).await?;
            let file = report.as_ref().map(|file| (file.name.as_str(), file.content.as_slice()));
            Ok(Delivery::Made(app.outbound.mail_with(to, &subject, &text, file).await?))
        }
        Channel::Robot => match due.robot {
            Some(robot) => say(app, due, robot, texts).await,
            None => Err(NotificationError::NotConfigured),
        },
    }
}

fn read(due: &Due) -> Result<Notification, NotificationError> {
    serde_json::from_value(due.body.clone()).map_err(|_| NotificationError::Unreadable)
}

/// Returns the file of a monthly report.
async fn report_of(
    app: &App,
    texts: Texts,
    project: ProjectId,
    notification: &Notification,
) -> Result<Option<ReportFile>, NotificationError> {
    if notification.event != MONTHLY_REPORT {
        return Ok(None);
    }
    let month = Date::parse(&notification.status, &Iso8601::DATE)
        .map_err(|_| NotificationError::Unreadable)?;
    let made = monthly_reports::make(app, texts, project, &notification.project, month).await;
    match made {
        Ok(file) => Ok(Some(file)),
        Err(ReportError::Database(error)) => Err(NotificationError::Database(error)),
        Err(ReportError::Workbook(error)) => {
            Err(NotificationError::Outbound(OutboundError::Message(error.to_string())))
        }
    }
}

/// Has a robot notify its group.
async fn say(
    app: &App,
    due: &Due,
    robot: RobotId,
    texts: Texts,
) -> Result<Delivery, NotificationError> {
    let found = robots::find(&app.db, due.project, robot).await?;
    let robot = found.ok_or(NotificationError::NotConfigured)?;
    let notification = read(due)?;
    let url = app.keyring.open(Secret::RobotUrl, due.project, &robot.url_sealed)?;
    let open = |sealed: &Vec<u8>| app.keyring.open(Secret::RobotSecret, due.project, sealed);
    let secret = robot.secret_sealed.as_ref().map(open).transpose()?;
    let now = app.clock.now();
    if let Some(until) = robots::take_call(&app.db, robot.id, now).await? {
        return Ok(Delivery::PutOff(until));
    }
    let (title, text) = email(texts, &notification);
    let link = texts.t("notification-link");
    let text = match &notification.url {
        Some(url) => text.trim_end().trim_end_matches(url.as_str()).trim_end(),
        None => text.trim_end(),
    };
    let message = ChatMessage {
        title: &title,
        text,
        link: notification.url.as_deref().map(|url| (url, link.as_str())),
    };
    let kind = match robot.kind {
        RobotKind::Wecom => ChatKind::Wecom,
        RobotKind::Dingtalk => ChatKind::Dingtalk,
        RobotKind::Feishu => ChatKind::Feishu,
    };
    let at = i64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    let said = app.outbound.say(kind, url.expose_secret(), secret.as_ref(), at, &message).await?;
    Ok(Delivery::Made(format!("0 {said}").trim_end().to_owned()))
}

/// Queues a test notification on every channel of the project's settings. Returns the number of channels.
pub async fn test(app: &App, project: ProjectId) -> sqlx::Result<u64> {
    let webhook = test_channel(app, project, Channel::Webhook, None).await?;
    let email = test_channel(app, project, Channel::Email, None).await?;
    Ok(u64::from(webhook) + u64::from(email))
}

/// Queues a test notification on one channel. Returns whether the project has set it up.
pub async fn test_channel(
    app: &App,
    project: ProjectId,
    channel: Channel,
    robot: Option<RobotId>,
) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let slug = projects::slug(&mut tx, project).await?;
    let body = json!(events::trial(app, &slug));
    let way = Way { channel, robot, emails: None };
    let added = notifications::add_to(&mut tx, project, way, &body, now).await?;
    tx.commit().await?;
    Ok(added.is_some())
}

/// Returns what a stored notification is about, in a line.
pub fn subject(texts: Texts, body: &Value) -> String {
    match serde_json::from_value::<Notification>(body.clone()) {
        Ok(test) if test.event == TEST => texts.t("settings-test-notification"),
        Ok(notification) => email(texts, &notification).0,
        Err(_) => String::new(),
    }
}

/// Returns whether delivery was given up.
pub fn given_up(past: &notifications::PastNotification) -> bool {
    past.delivered_at.is_none() && past.next_try_at.is_none() && !past.in_digest
}
