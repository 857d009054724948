//! Notifications of people outside of the pages, stored together with what happened.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::ProjectId;

/// How a notification is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "notice_channel", rename_all = "snake_case")]
pub enum Channel {
    /// A POST to the project's webhook.
    Webhook,
    /// An email to the project's addresses.
    Email,
}

impl Channel {
    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Email => "email",
        }
    }
}

/// A project's notification settings.
#[derive(Debug)]
pub struct NotificationSettings {
    /// The URL of the webhook, encrypted.
    pub webhook_sealed: Option<Vec<u8>>,
    /// The key that signs webhook requests, encrypted.
    pub webhook_key_sealed: Option<Vec<u8>>,
    /// The recipients of emails.
    pub emails: Vec<String>,
    /// The language of emails.
    pub language: String,
}

/// Returns the notification settings of `project`.
pub async fn settings(db: &PgPool, project: ProjectId) -> sqlx::Result<NotificationSettings> {
    sqlx::query_as!(
        NotificationSettings,
        r#"select webhook_sealed, webhook_key_sealed, notification_emails as emails,
             notification_language as language
           from projects where id = $1"#,
        project.0,
    )
    .fetch_one(db)
    .await
}

/// Replaces the notification settings of `project`.
pub async fn update_settings(
    db: &mut PgConnection,
    project: ProjectId,
    settings: &NotificationSettings,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update projects set webhook_sealed = $2, webhook_key_sealed = $3, notification_emails = $4,
             notification_language = $5
           where id = $1"#,
        project.0,
        settings.webhook_sealed.as_deref(),
        settings.webhook_key_sealed.as_deref(),
        &settings.emails,
        settings.language,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Stores a notification, once for each channel that the project has set up. Returns the number of
/// channels.
pub async fn add(
    db: &mut PgConnection,
    project: ProjectId,
    body: &Value,
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    let inserted = sqlx::query!(
        r#"insert into notifications (id, project_id, channel, body, next_try_at)
           select new_id($3), p.id, way.channel, $2, $3
           from projects p
           cross join lateral (
             select 'webhook'::notification_channel as channel where p.webhook_sealed is not null
             union all
             select 'email' where cardinality(p.notification_emails) > 0
           ) way
           where p.id = $1"#,
        project.0,
        body,
        now,
    )
    .execute(db)
    .await?;
    Ok(inserted.rows_affected())
}

/// A notification that is due.
#[derive(Debug)]
pub struct Due {
    /// Its id.
    pub id: i64,
    /// Whose.
    pub project: ProjectId,
    /// How it is sent.
    pub channel: Channel,
    /// What happened.
    pub body: Value,
    /// How often it was tried, including this time.
    pub attempts: i32,
}

/// Claims a notification that is due; no other process claims it before `until`.
pub async fn take(
    db: &PgPool,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> sqlx::Result<Option<Due>> {
    sqlx::query_as!(
        Due,
        r#"update notifications set next_try_at = $2, attempts = attempts + 1
           where id = (select id from notifications where next_try_at <= $1
             order by next_try_at limit 1 for update skip locked)
           returning id, project_id as "project: ProjectId", channel as "channel: Channel", body,
             attempts"#,
        now,
        until,
    )
    .fetch_optional(db)
    .await
}

/// Records that a notification was delivered.
pub async fn delivered(db: &PgPool, id: i64, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "update notifications set delivered_at = $2, next_try_at = null, error = '' where id = $1",
        id,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records that a try failed. Without a time for the next one, the notification is given up.
pub async fn failed(
    db: &PgPool,
    id: i64,
    error: &str,
    next_try_at: Option<OffsetDateTime>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update notifications set next_try_at = $3, error = $2 where id = $1",
        id,
        error,
        next_try_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A notification as the settings page lists it.
#[derive(Debug, Clone)]
pub struct PastNotification {
    /// When it was stored.
    pub at: OffsetDateTime,
    /// How it is sent.
    pub channel: Channel,
    /// What happened.
    pub body: Value,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was delivered.
    pub delivered_at: Option<OffsetDateTime>,
    /// When it is tried next, if ever.
    pub next_try_at: Option<OffsetDateTime>,
    /// The error of the last failed try.
    pub error: String,
}

/// Returns the latest notifications of a project, newest first.
pub async fn latest(
    db: &PgPool,
    project: ProjectId,
    limit: i64,
) -> sqlx::Result<Vec<PastNotification>> {
    sqlx::query_as!(
        PastNotification,
        r#"select id_time(id) as "at!", channel as "channel: Channel", body, attempts, delivered_at,
             next_try_at, error
           from notifications where project_id = $1 order by id desc limit $2"#,
        project.0,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Deletes notifications with ids below `before` that are not tried any more. Returns how many.
pub async fn delete_old(db: &PgPool, before: i64) -> sqlx::Result<u64> {
    let deleted =
        sqlx::query!("delete from notifications where id < $1 and next_try_at is null", before)
            .execute(db)
            .await?;
    Ok(deleted.rows_affected())
}
