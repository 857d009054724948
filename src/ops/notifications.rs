//! Notifying people outside of the pages: a change of a review status, or missing pushes, goes to
//! the project's webhook and by email, with retries until it is delivered.

use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use tracing::{info, warn};

use crate::app::App;
use crate::db::batches::Batch;
use crate::db::notifications::{self, Channel, Due, NotificationSettings};
use crate::db::{audit, projects};
use crate::domain::batch::{Package, PauseReason};
use crate::domain::call_problem::CallProblem;
use crate::domain::ids::{ProjectId, UserId, first_number_at};
use crate::domain::review::{ReviewStatus, Subject};
use crate::domain::time::rfc3339;
use crate::i18n::{Language, Texts};
use crate::keyring::CannotOpen;
use crate::outbound::{self, OutboundError};

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
/// The most email addresses of a project.
const MAX_EMAILS: usize = 20;

/// The event of pushes that are missing, or are back.
pub const PUSHES_CHANGED: &str = "pushes_changed";

/// The event of a batch that was paused for a reason that needs a person.
pub const BATCH_PAUSED: &str = "batch_paused";

/// A notification: the JSON body of webhooks, and the source of emails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// `review_changed`, [`PUSHES_CHANGED`], [`BATCH_PAUSED`], or `test`.
    pub event: String,
    /// The project's slug.
    pub project: String,
    /// `signature`, `template`, `pushes` or `batch`.
    pub subject: String,
    /// The vendor's id; of a batch, ours.
    pub id: String,
    /// The name of the signature, template or batch.
    pub name: String,
    /// The review status, or `missing`; of pushes, `missing` or `back`; of a batch, the pause reason.
    pub status: String,
    /// The vendor's reason; may be empty.
    pub reason: String,
    /// The SMS package of a paused batch: `notice`, `marketing` or `international`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// When it happened, in RFC 3339, in China.
    pub at: String,
    /// The URL of its page, if `CONSOLE_PUBLIC_URL` is set.
    pub url: Option<String>,
}

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
        | PauseReason::Trial => false,
    };
    let notification = Notification {
        event: BATCH_PAUSED.to_owned(),
        subject: "batch".to_owned(),
        id: batch.id.to_string(),
        name: batch.name.clone(),
        status: pause_reason.key().to_owned(),
        reason: if is_vendor_message { batch.pause_detail.clone() } else { String::new() },
        package: Some(Package::of(batch.purpose, batch.international).key().to_owned()),
        at: rfc3339(app.clock.now()),
        url: app.public_url.as_ref().map(|base| format!("{base}/p/{slug}/batches/{}", batch.id)),
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

/// Why a notification was not delivered, or its settings cannot be loaded or saved.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// The channel was removed from the settings meanwhile.
    #[error("channel is no longer configured")]
    NotConfigured,
    /// The stored notification cannot be parsed.
    #[error("cannot read the stored notification")]
    Unreadable,
    /// The webhook or the mail server did not accept it.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The settings cannot be decrypted: the installation's secret key was changed.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl NotificationError {
    /// Returns how it is stored: a key that pages translate, a space, and the remote error message,
    /// if there is one.
    fn stored(&self) -> String {
        let (key, message) = match self {
            Self::NotConfigured => ("no-wish", String::new()),
            Self::Unreadable => ("unreadable", String::new()),
            Self::Sealed(_) => ("sealed", String::new()),
            Self::Database(_) => ("database", String::new()),
            Self::Outbound(OutboundError::NoMail) => ("no-mail", String::new()),
            Self::Outbound(OutboundError::Message(text)) => ("message", text.clone()),
            Self::Outbound(OutboundError::Mail(text)) => ("mail", text.clone()),
            Self::Outbound(OutboundError::Unreachable(text)) => ("unreachable", text.clone()),
            Self::Outbound(OutboundError::HttpStatus(status, text)) => {
                ("answer", format!("HTTP {status}: {text}"))
            }
        };
        format!("{key} {message}")
    }
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
            let (url, key) = (app.keyring.open(url)?, app.keyring.open(key)?);
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

/// Returns subject and text of the email for a notification.
fn email(texts: Texts, notification: &Notification) -> (String, String) {
    if notification.event == PUSHES_CHANGED {
        let project = [("project", notification.project.as_str().into())];
        let text =
            texts.with(&format!("notification-pushes-{}-text", notification.status), &project);
        let url = notification.url.as_deref().unwrap_or_default();
        let subject = texts.with(&format!("notification-pushes-{}", notification.status), &project);
        let time = email_time(texts, notification);
        return (subject, format!("{text}\n\n{time}{url}\n"));
    }
    if notification.event == BATCH_PAUSED {
        return batch_email(texts, notification);
    }
    let what = texts.t(&format!("notification-{}", notification.subject));
    let status = texts.t(&format!("notification-status-{}", notification.status));
    let values = [
        ("what", what.into()),
        ("name", notification.name.as_str().into()),
        ("status", status.into()),
        ("id", notification.id.as_str().into()),
        ("reason", notification.reason.as_str().into()),
        ("project", notification.project.as_str().into()),
    ];
    let subject = texts.with("notification-subject", &values);
    let mut text = texts.with("notification-text", &values);
    if !notification.reason.is_empty() {
        text.push_str("\n\n");
        text.push_str(&texts.with("notification-reason", &values));
    }
    text.push_str("\n\n");
    text.push_str(&email_time(texts, notification));
    text.push_str(notification.url.as_deref().unwrap_or_default());
    (subject, text.trim_end().to_owned() + "\n")
}

/// Returns subject and text of the email for a paused batch: what its page says as well.
fn batch_email(texts: Texts, notification: &Notification) -> (String, String) {
    let values = [
        ("name", notification.name.as_str().into()),
        ("project", notification.project.as_str().into()),
        ("package", notification.package.as_deref().unwrap_or_default().into()),
        ("reason", notification.reason.as_str().into()),
    ];
    let key = format!("batch-paused-{}", notification.status);
    let title = texts.with(&format!("{key}-title"), &values);
    let subject = texts.with(
        "notification-batch",
        &[("name", notification.name.as_str().into()), ("title", title.into())],
    );
    let mut text = texts.with("notification-batch-text", &values);
    text.push_str("\n\n");
    text.push_str(&texts.with(&key, &values));
    if !notification.reason.is_empty() {
        text.push_str("\n\n");
        text.push_str(&texts.with("notification-reason", &values));
    }
    text.push_str("\n\n");
    text.push_str(&email_time(texts, notification));
    text.push_str(notification.url.as_deref().unwrap_or_default());
    (subject, text.trim_end().to_owned() + "\n")
}

/// Returns when it happened, as a line of an email.
fn email_time(texts: Texts, notification: &Notification) -> String {
    // One of an earlier version has it in UTC.
    let at = OffsetDateTime::parse(&notification.at, &Rfc3339).map(rfc3339).unwrap_or_default();
    texts.with("notification-time", &[("at", at.into())]) + "\n"
}

/// The notification settings of a project, decrypted for its administrators.
#[derive(Debug, Clone, Default)]
pub struct NotificationForm {
    /// The URL of the webhook; empty if there is none.
    pub webhook: String,
    /// The key that webhooks are signed with; empty if there is no webhook.
    pub webhook_key: String,
    /// The email addresses.
    pub emails: Vec<String>,
    /// The language of emails.
    pub language: String,
}

/// What is wrong with notification settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationProblem {
    /// The webhook is not an http or https URL.
    Webhook,
    /// One of the email addresses is invalid.
    Email,
    /// There are too many email addresses.
    ManyEmails,
}

/// Loads the settings of `project`.
///
/// # Errors
///
/// [`NotificationError::Sealed`] if they cannot be decrypted.
pub async fn settings(
    app: &App,
    project: ProjectId,
) -> Result<NotificationForm, NotificationError> {
    let stored = notifications::settings(&app.db, project).await?;
    let open = |sealed: &Option<Vec<u8>>| -> Result<String, CannotOpen> {
        let Some(sealed) = sealed else { return Ok(String::new()) };
        Ok(app.keyring.open(sealed)?.expose_secret().to_owned())
    };
    Ok(NotificationForm {
        webhook: open(&stored.webhook_sealed)?,
        webhook_key: open(&stored.webhook_key_sealed)?,
        emails: stored.emails,
        language: stored.language,
    })
}

/// Returns what is wrong with these settings, if anything is.
pub fn problem(form: &NotificationForm) -> Option<NotificationProblem> {
    let is_http = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    let clean = |url: &str| url.len() > 10 && !url.contains(char::is_whitespace);
    let valid = |url: &str| url.is_empty() || is_http(url) && clean(url);
    if !valid(&form.webhook) {
        Some(NotificationProblem::Webhook)
    } else if form.emails.len() > MAX_EMAILS {
        Some(NotificationProblem::ManyEmails)
    } else if !form.emails.iter().all(|email| outbound::is_email(email)) {
        Some(NotificationProblem::Email)
    } else {
        None
    }
}

/// Saves settings. A new or changed webhook gets a new key.
pub async fn save_settings(
    app: &App,
    project: ProjectId,
    form: &NotificationForm,
    by: UserId,
    ip: &str,
) -> Result<(), NotificationError> {
    let before = settings(app, project).await?;
    let key = if form.webhook == before.webhook && !before.webhook_key.is_empty() {
        before.webhook_key
    } else {
        hex::encode(rand::rng().random::<[u8; 32]>())
    };
    let seal = |text: &str| -> Result<Option<Vec<u8>>, CannotOpen> {
        if form.webhook.is_empty() {
            return Ok(None);
        }
        app.keyring.seal(&SecretString::from(text)).map(Some)
    };
    let sealed = NotificationSettings {
        webhook_sealed: seal(&form.webhook)?,
        webhook_key_sealed: seal(&key)?,
        emails: form.emails.clone(),
        language: form.language.clone(),
    };
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    notifications::update_settings(&mut tx, project, &sealed).await?;
    let entry = audit::Entry {
        project: Some(project),
        user: Some(by),
        action: "notifications_changed",
        subject: &project.to_string(),
        detail: json!({ "webhook": !form.webhook.is_empty(), "emails": form.emails.len() }),
        ip,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let form = |webhook: &str, emails: &[&str]| NotificationForm {
            webhook: webhook.to_owned(),
            emails: emails.iter().map(|email| (*email).to_owned()).collect(),
            ..NotificationForm::default()
        };
        assert_eq!(problem(&form("", &[])), None);
        assert_eq!(problem(&form("https://hooks.example.test/x", &["a@example.test"])), None);
        for wrong in ["ftp://x.example", "https://", "javascript:1", "https://a b.example"] {
            assert_eq!(problem(&form(wrong, &[])), Some(NotificationProblem::Webhook), "{wrong}");
        }
        assert_eq!(problem(&form("", &["nobody"])), Some(NotificationProblem::Email));
        assert_eq!(problem(&form("", &["a@b.test"; 21])), Some(NotificationProblem::ManyEmails));
    }

    #[test]
    fn every_error_has_a_text() {
        let outbound = [
            OutboundError::NoMail,
            OutboundError::Message(String::new()),
            OutboundError::Mail(String::new()),
            OutboundError::Unreachable(String::new()),
            OutboundError::HttpStatus(500, "not now".to_owned()),
        ];
        let mut all: Vec<NotificationError> =
            outbound.into_iter().map(NotificationError::Outbound).collect();
        all.extend([
            NotificationError::NotConfigured,
            NotificationError::Unreadable,
            NotificationError::Sealed(CannotOpen),
            NotificationError::Database(sqlx::Error::PoolTimedOut),
        ]);
        for error in all {
            let stored = error.stored();
            let (key, _) = stored.split_once(' ').unwrap();
            let key = format!("notification-error-{key}");
            assert!(Texts(Language::En).try_t(&key).is_some(), "{key}");
        }
    }

    #[test]
    fn an_email_about_pushes_links_to_the_health_page() {
        for (language, status) in Language::ALL
            .into_iter()
            .flat_map(|language| [(language, "missing"), (language, "back")])
        {
            let notification = Notification {
                event: PUSHES_CHANGED.to_owned(),
                project: "shop".to_owned(),
                subject: "pushes".to_owned(),
                id: String::new(),
                name: String::new(),
                status: status.to_owned(),
                reason: String::new(),
                package: None,
                at: "2026-11-29T14:07:11+08:00".to_owned(),
                url: Some("https://console.example.test/p/shop/health".to_owned()),
            };
            let (subject, text) = email(Texts(language), &notification);
            assert!(subject.contains("shop"), "{subject}");
            assert!(text.contains("/p/shop/health"), "{text}");
            assert!(text.contains("2026-11-29T14:07:11+08:00"), "{text}");
        }
    }

    #[test]
    fn an_email_says_what_happened_and_why_and_links_to_the_page() {
        let notification = Notification {
            event: "review_changed".to_owned(),
            project: "default".to_owned(),
            subject: "template".to_owned(),
            id: "UTA1".to_owned(),
            name: "发货通知".to_owned(),
            status: "rejected".to_owned(),
            reason: "含有链接".to_owned(),
            package: None,
            at: "2026-11-29T06:07:11Z".to_owned(),
            url: Some("https://console.example.test/p/default/templates/UTA1".to_owned()),
        };
        for language in Language::ALL {
            let (subject, text) = email(Texts(language), &notification);
            assert!(subject.contains("发货通知"), "{subject}");
            let time = "2026-11-29T14:07:11+08:00";
            for part in ["UTA1", "含有链接", time, "https://console.example.test/"] {
                assert!(text.contains(part), "{text}");
            }
        }
    }
}
