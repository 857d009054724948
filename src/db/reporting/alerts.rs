//! Who is notified of what: rules, quiet hours, and what has begun and not ended yet.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use time::{OffsetDateTime, Time};

use crate::domain::accounts::role::Role;
use crate::domain::alert::{AlertEvent, AlertTarget, QuietHours};
use crate::domain::ids::{AlertRuleId, BatchId, ProjectId, RobotId, UserId};

/// When and from which number on people of a project are notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertSettings {
    /// The quiet hours.
    pub quiet: QuietHours,
    /// People are notified of a batch that finished with at least this share of failures.
    pub failure_percent: i16,
    /// People are notified when more messages than this are in doubt.
    pub in_doubt_over: i32,
}

/// Returns the settings of a project.
pub async fn settings(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<AlertSettings> {
    let row = sqlx::query!(
        r#"select coalesce(s.quiet_from, 0::smallint) as "quiet_from!",
             coalesce(s.quiet_to, 0::smallint) as "quiet_to!",
             coalesce(s.failure_percent, 20::smallint) as "failure_percent!",
             coalesce(s.in_doubt_over, 100) as "in_doubt_over!"
           from projects p left join alert_settings s on s.project_id = p.id where p.id = $1"#,
        project as ProjectId,
    )
    .fetch_one(db)
    .await?;
    Ok(AlertSettings {
        quiet: QuietHours { from: time_of(row.quiet_from), to: time_of(row.quiet_to) },
        failure_percent: row.failure_percent,
        in_doubt_over: row.in_doubt_over,
    })
}

fn time_of(minutes: i16) -> Time {
    let minutes = u8::try_from(minutes / 60).ok().zip(u8::try_from(minutes % 60).ok());
    minutes
        .and_then(|(hour, minute)| Time::from_hms(hour, minute, 0).ok())
        .unwrap_or(Time::MIDNIGHT)
}

fn minutes_of(time: Time) -> i16 {
    i16::from(time.hour()) * 60 + i16::from(time.minute())
}

/// Saves the settings of a project.
pub async fn save_settings(
    db: &mut PgConnection,
    project: ProjectId,
    settings: &AlertSettings,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into alert_settings (project_id, quiet_from, quiet_to, failure_percent, in_doubt_over)
           values ($1, $2, $3, $4, $5)
           on conflict (project_id) do update set quiet_from = $2, quiet_to = $3,
             failure_percent = $4, in_doubt_over = $5"#,
        project as ProjectId,
        minutes_of(settings.quiet.from),
        minutes_of(settings.quiet.to),
        settings.failure_percent,
        settings.in_doubt_over,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A rule as it is listed.
#[derive(Debug)]
pub struct Rule {
    /// Its id.
    pub id: AlertRuleId,
    /// The notification.
    pub event: AlertEvent,
    /// Whom.
    pub target: AlertTarget,
    /// The name of the robot or the person.
    pub name: String,
    /// Whether the person has no email address, so that nothing reaches them.
    pub lacks_email: bool,
}

/// Returns the rules of a project, in the order of their events.
pub async fn rules(db: &PgPool, project: ProjectId) -> sqlx::Result<Vec<Rule>> {
    let rows = sqlx::query!(
        r#"select a.id as "id: AlertRuleId", a.event as "event: AlertEvent",
             a.target::text as "target!", a.robot_id as "robot_id: RobotId", a.role as "role: Role",
             a.user_id as "user_id: UserId", coalesce(r.name, u.name, '') as "name!",
             a.user_id is not null and u.email is null as "lacks_email!"
           from alert_rules a left join robots r on r.id = a.robot_id
           left join users u on u.id = a.user_id
           where a.project_id = $1 order by a.event, a.target, a.role, 7"#,
        project as ProjectId,
    )
    .fetch_all(db)
    .await?;
    let rules = rows.into_iter().map(|row| {
        let target = match (row.robot_id, row.role, row.user_id) {
            (Some(robot), ..) => AlertTarget::Robot(robot),
            (_, Some(role), _) => AlertTarget::Role(role),
            (.., Some(user)) => AlertTarget::Person(user),
            (None, None, None) => match row.target.as_str() {
                "webhook" => AlertTarget::Webhook,
                "addresses" => AlertTarget::Addresses,
                _ => AlertTarget::Nobody,
            },
        };
        Rule { id: row.id, event: row.event, target, name: row.name, lacks_email: row.lacks_email }
    });
    Ok(rules.collect())
}

/// Adds a rule, unless it exists. Returns whether it could be added: a robot or person of another project
/// cannot be notified.
pub async fn add_rule(
    db: &mut PgConnection,
    project: ProjectId,
    event: AlertEvent,
    target: AlertTarget,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let (robot, role, user) = match target {
        AlertTarget::Nobody | AlertTarget::Webhook | AlertTarget::Addresses => (None, None, None),
        AlertTarget::Robot(robot) => (Some(robot), None, None),
        AlertTarget::Role(role) => (None, Some(role), None),
        AlertTarget::Person(user) => (None, None, Some(user)),
    };
    let is_of_project = sqlx::query_scalar!(
        r#"select ($2::bigint is null or exists (select from robots where id = $2 and project_id = $1))
             and ($3::bigint is null or exists (select from users u where u.id = $3
               and (u.is_owner or exists (select from members m where m.user_id = u.id and m.project_id = $1))))
             as "of_project!""#,
        project as ProjectId,
        robot as Option<RobotId>,
        user as Option<UserId>,
    )
    .fetch_one(&mut *db)
    .await?;
    if !is_of_project {
        return Ok(false);
    }
    sqlx::query!(
        r#"insert into alert_rules (id, project_id, event, target, robot_id, role, user_id)
           values (new_id($7), $1, $2, $3::text::alert_target, $4, $5, $6) on conflict do nothing"#,
        project as ProjectId,
        event as AlertEvent,
        target.key(),
        robot as Option<RobotId>,
        role as Option<Role>,
        user as Option<UserId>,
        now,
    )
    .execute(db)
    .await?;
    Ok(true)
}

/// Deletes a rule. Returns what it said, or `None` if it did not exist.
pub async fn delete_rule(
    db: &mut PgConnection,
    project: ProjectId,
    rule: AlertRuleId,
) -> sqlx::Result<Option<(AlertEvent, String)>> {
    let deleted = sqlx::query!(
        r#"delete from alert_rules where project_id = $1 and id = $2
           returning event as "event: AlertEvent", target::text as "target!""#,
        project as ProjectId,
        rule as AlertRuleId,
    )
    .fetch_optional(db)
    .await?;
    Ok(deleted.map(|row| (row.event, row.target)))
}

/// Something that has begun and will end.
#[derive(Debug)]
pub struct Condition<'a> {
    /// Whose.
    pub project: ProjectId,
    /// What it is.
    pub event: AlertEvent,
    /// What it is about: an id, an SMS package, or nothing.
    pub subject: &'a str,
    /// The batch, if it is about one.
    pub batch: Option<BatchId>,
    /// What people are notified.
    pub body: &'a Value,
}

/// Stores that something has begun. Returns whether it had not begun before; of processes that notice it at
/// the same time, one does.
pub async fn begin(
    db: &mut PgConnection,
    condition: &Condition<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        r#"insert into alert_conditions (project_id, event, subject, batch_id, started_at, body)
           values ($1, $2, $3, $4, $5, $6) on conflict do nothing"#,
        condition.project as ProjectId,
        condition.event as AlertEvent,
        condition.subject,
        condition.batch as Option<BatchId>,
        now,
        condition.body,
    )
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Something that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Whose.
    pub project: ProjectId,
    /// What it was.
    pub event: AlertEvent,
    /// What people were notified when it began.
    pub body: Value,
}

/// Deletes what has ended: batches that do not wait any more, packages and keys that no batch waits for.
pub async fn delete_ended(db: &mut PgConnection) -> sqlx::Result<Vec<Ended>> {
    sqlx::query_as!(
        Ended,
        r#"delete from alert_conditions c
           where case
             when c.event = 'awaiting_approval' then not exists (select from batches b
               where b.id = c.batch_id and b.state = 'awaiting_approval')
             when c.event in ('batch_paused', 'trial_asks', 'missed_time') then
               not exists (select from batches b where b.id = c.batch_id and b.state = 'paused')
             when c.event = 'package_empty' then not exists (select from batches b
               where b.project_id = c.project_id and b.state = 'paused' and b.pause_reason = 'balance'
                 and case when b.international then 'international'
                   when b.purpose = 'marketing' then 'marketing' else 'notice' end = c.subject)
             when c.event = 'keys_refused' then not exists (select from batches b
               where b.project_id = c.project_id and b.state = 'paused' and b.pause_reason = 'permission')
             else false end
           returning c.project_id as "project: ProjectId", c.event as "event: AlertEvent", c.body"#,
    )
    .fetch_all(db)
    .await
}

/// Deletes something that has ended. Returns what people were notified when it began, if it had begun.
pub async fn end(
    db: &mut PgConnection,
    project: ProjectId,
    event: AlertEvent,
    subject: &str,
) -> sqlx::Result<Option<Value>> {
    sqlx::query_scalar!(
        "delete from alert_conditions where project_id = $1 and event = $2 and subject = $3 returning body",
        project as ProjectId,
        event as AlertEvent,
        subject,
    )
    .fetch_optional(db)
    .await
}

/// Deletes what people were notified of of budgets of periods that are over.
pub async fn delete_old(db: &PgPool, before: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from alert_conditions where event in ('budget_80', 'budget_100') and started_at < $1",
        before,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The messages of a project that are in doubt.
#[derive(Debug)]
pub struct InDoubt {
    /// The project.
    pub project: ProjectId,
    /// How many there are.
    pub count: i64,
    /// From how many on people are notified.
    pub over: i32,
    /// Whether people were notified.
    pub is_notified: bool,
}

/// Returns the projects with messages in doubt, and those of which people were notified so.
pub async fn in_doubt(db: &PgPool) -> sqlx::Result<Vec<InDoubt>> {
    sqlx::query_as!(
        InDoubt,
        r#"select p.id as "project!: ProjectId", coalesce(d.n, 0) as "count!",
             coalesce(s.in_doubt_over, 100) as "over!", c.project_id is not null as "is_notified!"
           from projects p
           left join (select project_id, sum(n) as n from submissions where state = 'in_doubt'
             group by project_id) d on d.project_id = p.id
           left join alert_settings s on s.project_id = p.id
           left join alert_conditions c on c.project_id = p.id and c.event = 'in_doubt'
           where d.n > 0 or c.project_id is not null"#,
    )
    .fetch_all(db)
    .await
}

/// A batch of which all outcomes are known.
#[derive(Debug)]
pub struct Finished {
    /// Its project.
    pub project: ProjectId,
    /// The batch.
    pub batch: BatchId,
    /// Its name.
    pub name: String,
    /// The number of messages.
    pub total: i32,
    /// How many failed or were refused.
    pub failed: i64,
    /// Whether it was sent to its end.
    pub is_done: bool,
}

/// Takes up to a hundred batches of which all outcomes are known, each once.
pub async fn take_finished(db: &mut PgConnection) -> sqlx::Result<Vec<Finished>> {
    sqlx::query_as!(
        Finished,
        r#"update batches set outcome_notified = true
           where id in (select id from batches where complete and not outcome_notified
             order by id limit 100 for update skip locked)
           returning project_id as "project: ProjectId", id as "batch: BatchId", name, total,
             coalesce(failed, 0)::bigint + coalesce(refused, 0)::bigint as "failed!",
             state = 'done' as "is_done!""#,
    )
    .fetch_all(db)
    .await
}

/// Returns the projects of a user whose rules name an event.
pub async fn projects_of(
    db: &mut PgConnection,
    user: UserId,
    event: AlertEvent,
) -> sqlx::Result<Vec<ProjectId>> {
    sqlx::query_scalar!(
        r#"select p.id as "id: ProjectId" from projects p
           where exists (select from alert_rules r where r.project_id = p.id and r.event = $2)
             and (exists (select from members m where m.project_id = p.id and m.user_id = $1)
               or exists (select from users u where u.id = $1 and u.is_owner))"#,
        user as UserId,
        event as AlertEvent,
    )
    .fetch_all(db)
    .await
}

/// Records that a standby is connected.
pub async fn see_standby(db: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into standby_seen (seen_at) values ($1)
           on conflict (only_row) do update set seen_at = $1"#,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns when a standby was last connected; `None` if never.
pub async fn standby_seen(db: &mut PgConnection) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!("select seen_at from standby_seen").fetch_optional(db).await
}
