//! Notifications of people outside of the pages, stored together with what happened.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::alert::AlertEvent;
use crate::domain::ids::{ProjectId, RobotId, UserId};

/// How a notification is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "notification_channel", rename_all = "snake_case")]
pub enum Channel {
    /// A POST to the project's webhook.
    Webhook,
    /// An email, to the project's addresses or to people.
    Email,
    /// A message of a group robot.
    Robot,
}

impl Channel {
    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Email => "email",
            Self::Robot => "robot",
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

/// A notification to be stored.
#[derive(Debug)]
pub struct New<'a> {
    /// Whose.
    pub project: ProjectId,
    /// What happened.
    pub event: AlertEvent,
    /// The JSON body.
    pub body: &'a Value,
    /// Until when people are not to be disturbed.
    pub held_until: Option<OffsetDateTime>,
}

/// Stores a notification for everybody whom the rules of the project name: once for each channel, and one
/// email for all people together. Without a rule for the event, all channels of the project get it, unless
/// that is sent on request only. A webhook is a program, and is not held. Returns the number of notifications.
pub async fn add(db: &mut PgConnection, new: &New<'_>, now: OffsetDateTime) -> sqlx::Result<u64> {
    let inserted = sqlx::query!(
        r#"with rules as (
             select target, robot_id, role, user_id from alert_rules where project_id = $1 and event = $2
           ),
           defaults as (
             select target from (values ('webhook'::alert_target), ('addresses'), ('robot')) d (target)
             where $6 and not exists (select from rules)
           ),
           targets as (select target from rules union select target from defaults)
           insert into notifications (id, project_id, event, channel, robot_id, emails, body, held, next_try_at)
           select new_id($4), $1, $2, way.channel, way.robot_id, way.emails, $3,
             $5::timestamptz is not null and way.channel <> 'webhook',
             case when way.channel = 'webhook' then $4 else coalesce($5, $4) end
           from (
             select 'webhook'::notification_channel as channel, null::bigint as robot_id,
               null::text[] as emails
             from projects where id = $1 and webhook_sealed is not null
               and exists (select from targets where target = 'webhook')
             union all
             select 'email', null, null
             from projects where id = $1 and cardinality(notification_emails) > 0
               and exists (select from targets where target = 'addresses')
             union all
             select 'robot', r.id, null
             from robots r where r.project_id = $1
               and (r.id in (select robot_id from rules)
                 or exists (select from defaults where target = 'robot'))
             union all
             select 'email', null, array_agg(distinct u.email)
             from users u left join members m on m.user_id = u.id and m.project_id = $1
             where u.disabled_at is null and u.email is not null and exists (select from rules r
               where r.role <= m.role or r.user_id = u.id and (m.role is not null or u.is_owner))
             having count(*) > 0
           ) way"#,
        new.project as ProjectId,
        new.event as AlertEvent,
        new.body,
        now,
        new.held_until,
        new.event.is_notified_by_default(),
    )
    .execute(db)
    .await?;
    Ok(inserted.rows_affected())
}

/// Stores a notification for the mail address of an account, unless the project's addresses have it.
pub async fn add_mail_for(
    db: &mut PgConnection,
    project: ProjectId,
    user: UserId,
    body: &Value,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into notifications (id, project_id, channel, body, next_try_at, emails)
           select new_id($4), p.id, 'email', $3, $4, array[u.email]
           from projects p join users u on u.id = $2 and u.disabled_at is null
           where p.id = $1 and u.email is not null and u.email <> all (p.notification_emails)"#,
        project.0,
        user.0,
        body,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Where a single notification goes.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The channel.
    pub channel: Channel,
    /// The robot, if it is one.
    pub robot: Option<RobotId>,
    /// The recipients of an email; `None` for the project's addresses.
    pub emails: Option<&'a [String]>,
}

/// Stores a notification for one channel, if the project has set it up. Returns its id.
pub async fn add_to(
    db: &mut PgConnection,
    project: ProjectId,
    way: Way<'_>,
    body: &Value,
    now: OffsetDateTime,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        r#"insert into notifications (id, project_id, channel, robot_id, emails, body, next_try_at)
           select new_id($6), p.id, $2::notification_channel, $3, $4, $5, $6 from projects p
           where p.id = $1 and case $2::notification_channel
             when 'webhook' then webhook_sealed is not null
             when 'email' then $4::text[] is not null or cardinality(notification_emails) > 0
             else exists (select from robots r where r.id = $3 and r.project_id = p.id) end
           returning id"#,
        project as ProjectId,
        way.channel as Channel,
        way.robot as Option<RobotId>,
        way.emails,
        body,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Notifications that waited for the end of the quiet hours, all for the same channel.
#[derive(Debug)]
pub struct Gathered {
    /// Whose.
    pub project: ProjectId,
    /// The channel.
    pub channel: Channel,
    /// The robot, if it is one.
    pub robot: Option<RobotId>,
    /// The recipients of emails.
    pub emails: Option<Vec<String>>,
    /// The notifications: ids and what happened, oldest first.
    pub held: Vec<(i64, Value)>,
}

/// Takes the notifications that waited for the end of the quiet hours, of one channel. They are not
/// delivered one by one after this; a process that comes second finds none.
pub async fn gather(db: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<Option<Gathered>> {
    let Some(first) = sqlx::query!(
        r#"select project_id as "project: ProjectId", channel as "channel: Channel",
             robot_id as "robot: RobotId", emails
           from notifications where held and next_try_at <= $1 order by next_try_at, id limit 1"#,
        now,
    )
    .fetch_optional(&mut *db)
    .await?
    else {
        return Ok(None);
    };
    let rows = sqlx::query!(
        r#"update notifications set held = false, next_try_at = null
           where held and next_try_at <= $1 and project_id = $2 and channel = $3
             and robot_id is not distinct from $4 and emails is not distinct from $5
           returning id, body"#,
        now,
        first.project as ProjectId,
        first.channel as Channel,
        first.robot as Option<RobotId>,
        first.emails.as_deref(),
    )
    .fetch_all(db)
    .await?;
    let mut held: Vec<(i64, Value)> = rows.into_iter().map(|row| (row.id, row.body)).collect();
    held.sort_by_key(|(id, _)| *id);
    let (project, channel, robot) = (first.project, first.channel, first.robot);
    Ok(Some(Gathered { project, channel, robot, emails: first.emails, held }))
}

/// Has a notification delivered by itself after the quiet hours.
pub async fn release(db: &mut PgConnection, id: i64, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("update notifications set next_try_at = $2 where id = $1", id, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Records the digest that notifications are delivered in.
pub async fn set_digest(db: &mut PgConnection, ids: &[i64], digest: i64) -> sqlx::Result<()> {
    sqlx::query!("update notifications set digest_id = $2 where id = any($1)", ids, digest)
        .execute(db)
        .await?;
    Ok(())
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
    /// The robot, if it is one and was not deleted.
    pub robot: Option<RobotId>,
    /// The recipients of an email; `None` for the project's addresses.
    pub emails: Option<Vec<String>>,
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
             and not held order by next_try_at limit 1 for update skip locked)
           returning id, project_id as "project: ProjectId", channel as "channel: Channel",
             robot_id as "robot: RobotId", emails, body, attempts"#,
        now,
        until,
    )
    .fetch_optional(db)
    .await
}

/// Records that a notification was delivered, and what was answered.
pub async fn delivered(
    db: &PgPool,
    id: i64,
    answer: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update notifications set delivered_at = $2, next_try_at = null, error = '', answer = $3
           where id = $1"#,
        id,
        now,
        answer,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts a try off that was not made.
pub async fn put_off(db: &PgPool, id: i64, until: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "update notifications set next_try_at = $2, attempts = attempts - 1 where id = $1",
        id,
        until,
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
    /// What was answered when it was delivered.
    pub answer: String,
    /// Whether it waits for the end of the quiet hours.
    pub held: bool,
    /// Whether it is delivered in a digest.
    pub in_digest: bool,
    /// The name of the robot, if it is one.
    pub robot: Option<String>,
    /// The recipients of an email; `None` for the project's addresses.
    pub emails: Option<Vec<String>>,
}

/// Returns the latest notifications of a project, newest first.
pub async fn latest(
    db: &PgPool,
    project: ProjectId,
    limit: i64,
) -> sqlx::Result<Vec<PastNotification>> {
    sqlx::query_as!(
        PastNotification,
        r#"select id_time(n.id) as "at!", n.channel as "channel: Channel", n.body, n.attempts,
             n.delivered_at, n.next_try_at, n.error, n.answer, n.held,
             n.digest_id is not null as "in_digest!", r.name as "robot?", n.emails
           from notifications n left join robots r on r.id = n.robot_id
           where n.project_id = $1 order by n.id desc limit $2"#,
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
