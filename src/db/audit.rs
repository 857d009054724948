//! Audit events: who did what. Rows are only ever added.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::{AuditEventId, ProjectId, UserId};

/// An audit event.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The project, if it happened in one.
    pub project: Option<ProjectId>,
    /// The account; `None` is somebody unknown, or the command line.
    pub user: Option<UserId>,
    /// The action, as a word: `batch_ordered`.
    pub action: &'a str,
    /// What it was done to.
    pub subject: &'a str,
    /// Further details.
    pub detail: Value,
    /// The IP; `-` for the command line.
    pub ip: &'a str,
}

/// Records an audit event. The name of the account is stored with it and outlives the account.
pub async fn record(
    db: &mut PgConnection,
    entry: &Entry<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into audit_log (id, project_id, user_id, actor, action, subject, detail, ip)
           values (new_id($1), $2, $3, coalesce((select name from users where id = $3), ''),
             $4, $5, $6, $7)"#,
        now,
        entry.project as Option<ProjectId>,
        entry.user as Option<UserId>,
        entry.action,
        entry.subject,
        entry.detail,
        entry.ip,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which audit events to list.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The name of the account that did it, in upper or lower case; empty for all.
    pub actor: String,
    /// What was done; empty for all.
    pub action: String,
    /// The first moment.
    pub since: OffsetDateTime,
    /// The moment after the last.
    pub until: OffsetDateTime,
    /// The number of events.
    pub limit: i64,
}

/// An audit event as it is listed.
#[derive(Debug)]
pub struct Event {
    /// Its id, which has its time.
    pub id: AuditEventId,
    /// The slug of the project, if it happened in one.
    pub project: Option<String>,
    /// The name of the account; empty for somebody unknown, or the command line.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// Further details.
    pub detail: Value,
    /// The IP; `-` for the command line.
    pub ip: String,
}

/// Returns the events of a project, the newest first, from below `before` on.
pub async fn of_project(
    db: &PgPool,
    project: ProjectId,
    filter: &Filter,
    before: Option<AuditEventId>,
) -> sqlx::Result<Vec<Event>> {
    sqlx::query_as!(
        Event,
        r#"select a.id as "id: AuditEventId", p.slug as "project?", a.actor, a.action, a.subject,
             a.detail, a.ip
           from audit_log a join projects p on p.id = a.project_id
           where a.project_id = $1 and ($2 = '' or lower(a.actor) = lower($2))
             and ($3 = '' or a.action = $3) and a.id >= first_id($4) and a.id < first_id($5)
             and a.id < coalesce($6, 9223372036854775807)
           order by a.id desc limit $7"#,
        project as ProjectId,
        filter.actor,
        filter.action,
        filter.since,
        filter.until,
        before as Option<AuditEventId>,
        filter.limit,
    )
    .fetch_all(db)
    .await
}

/// Returns the events of all projects and of none, the newest first, from below `before` on.
pub async fn of_all(
    db: &PgPool,
    filter: &Filter,
    before: Option<AuditEventId>,
) -> sqlx::Result<Vec<Event>> {
    sqlx::query_as!(
        Event,
        r#"select a.id as "id: AuditEventId", p.slug as "project?", a.actor, a.action, a.subject,
             a.detail, a.ip
           from audit_log a left join projects p on p.id = a.project_id
           where ($1 = '' or lower(a.actor) = lower($1)) and ($2 = '' or a.action = $2)
             and a.id >= first_id($3) and a.id < first_id($4)
             and a.id < coalesce($5, 9223372036854775807)
           order by a.id desc limit $6"#,
        filter.actor,
        filter.action,
        filter.since,
        filter.until,
        before as Option<AuditEventId>,
        filter.limit,
    )
    .fetch_all(db)
    .await
}
