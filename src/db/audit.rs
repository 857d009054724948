//! Audit events: who did what. Rows are only ever added.

use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::domain::ids::{ProjectId, UserId};

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
