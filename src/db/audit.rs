//! Who did what: rows are only ever added.

use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::domain::ids::{ProjectId, UserId};

/// One deed.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Where, if in a project.
    pub project: Option<ProjectId>,
    /// Who; `None` is nobody known, or the command line.
    pub user: Option<UserId>,
    /// What, as a word: `batch_ordered`.
    pub action: &'a str,
    /// To what.
    pub subject: &'a str,
    /// More about it.
    pub detail: Value,
    /// From which address; `-` for the command line.
    pub address: &'a str,
}

/// Adds a deed. The doer's name is written down with it and outlives the account.
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
        entry.address,
    )
    .execute(db)
    .await?;
    Ok(())
}
