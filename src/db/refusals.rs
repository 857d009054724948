//! What was refused to whom, as audit events with a count: one per action, name, address and hour, and a
//! limited number in an hour.

use serde_json::Value;
use sqlx::{PgExecutor, PgPool};
use time::{Duration, OffsetDateTime};

use crate::domain::ids::{ProjectId, UserId};

/// Something that was refused.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// The action, as a word: `sign_in_failed`.
    pub action: &'a str,
    /// The name that it is counted by, if the person gave one.
    pub name: &'a str,
    /// The address that it is counted by.
    pub ip: &'a str,
    /// The account, if it is known whose it is.
    pub user: Option<UserId>,
    /// The project, if it happened in one.
    pub project: Option<ProjectId>,
    /// Further details of the first one in an hour.
    pub detail: Value,
}

/// Counts a refusal.
pub async fn count(
    db: impl PgExecutor<'_>,
    refusal: &Refusal<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"select count_refusal($1, $2, $3, $4, $5, $6, $7) as "counted: ()""#,
        now,
        refusal.action,
        refusal.name,
        refusal.ip,
        refusal.user as Option<UserId>,
        refusal.project as Option<ProjectId>,
        refusal.detail,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the keys of hours that are over. Their audit events stay.
pub async fn delete_old(db: &PgPool, now: OffsetDateTime) -> sqlx::Result<u64> {
    let deleted = sqlx::query!("delete from refusals where hour < $1", now - Duration::hours(2))
        .execute(db)
        .await?;
    Ok(deleted.rows_affected())
}
