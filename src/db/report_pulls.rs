//! Projects whose status reports are pulled as well, and how that goes.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::ProjectId;

/// A project's turn to pull.
#[derive(Debug)]
pub struct Turn {
    /// The project.
    pub project: ProjectId,
    /// Calls that failed since the last one that did not.
    pub failures: i32,
}

/// Takes the turn of a project that is due; no other process pulls for it before `lease_until`.
pub async fn take(
    db: &PgPool,
    now: OffsetDateTime,
    lease_until: OffsetDateTime,
) -> sqlx::Result<Option<Turn>> {
    sqlx::query_as!(
        Turn,
        r#"update report_pulls set lease_until = $2
           where project_id = (
             select project_id from report_pulls
             where next_at <= $1 and coalesce(lease_until <= $1, true)
             order by next_at limit 1 for update skip locked)
           returning project_id as "project: ProjectId", failures"#,
        now,
        lease_until,
    )
    .fetch_optional(db)
    .await
}

/// Reports came and are kept; the turn goes on until `lease_until`. Answers whether the project
/// still wants to pull.
pub async fn brought(
    db: &PgPool,
    project: ProjectId,
    reports: i64,
    now: OffsetDateTime,
    lease_until: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"update report_pulls
           set pulled = pulled + $2, pulled_at = case when $2 > 0 then $3 else pulled_at end,
             asked_at = $3, failures = 0, error = '', lease_until = $4
           where project_id = $1"#,
        project.0,
        reports,
        now,
        lease_until,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a turn; the next one comes at `next_at`.
pub async fn rest(db: &PgPool, project: ProjectId, next_at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "update report_pulls set next_at = $2, lease_until = null where project_id = $1",
        project.0,
        next_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A call failed: the turn ends, and the next one comes at `next_at`.
pub async fn failed(
    db: &PgPool,
    project: ProjectId,
    problem: &str,
    now: OffsetDateTime,
    next_at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update report_pulls
           set failures = failures + 1, error = $2, asked_at = $3, next_at = $4,
             lease_until = null
           where project_id = $1"#,
        project.0,
        problem,
        now,
        next_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Pulls for `project` from now on, or no more. Answers whether that is a change.
pub async fn set(
    db: &mut PgConnection,
    project: ProjectId,
    on: bool,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = if on {
        sqlx::query!(
            r#"insert into report_pulls (project_id, next_at) values ($1, $2)
               on conflict (project_id) do nothing"#,
            project.0,
            now,
        )
        .execute(db)
        .await?
    } else {
        sqlx::query!("delete from report_pulls where project_id = $1", project.0)
            .execute(db)
            .await?
    };
    Ok(done.rows_affected() == 1)
}

/// How pulling goes.
#[derive(Debug, Clone)]
pub struct Pulling {
    /// Calls that failed since the last one that did not.
    pub failures: i32,
    /// What was said about the last failure.
    pub error: String,
    /// When reports came last.
    pub pulled_at: Option<OffsetDateTime>,
    /// When the vendor was asked last.
    pub asked_at: Option<OffsetDateTime>,
    /// How many reports have come.
    pub pulled: i64,
}

/// How pulling goes for `project`; `None` when it does not pull.
pub async fn of(db: &PgPool, project: ProjectId) -> sqlx::Result<Option<Pulling>> {
    sqlx::query_as!(
        Pulling,
        "select failures, error, pulled_at, asked_at, pulled from report_pulls
         where project_id = $1",
        project.0,
    )
    .fetch_optional(db)
    .await
}
