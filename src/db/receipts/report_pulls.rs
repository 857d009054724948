//! Projects whose receipts are also pulled, and the results of these pulls.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::ProjectId;

/// A project whose pull is due.
#[derive(Debug)]
pub struct Turn {
    /// The project.
    pub project: ProjectId,
    /// The number of failed calls since the last successful one.
    pub failures: i32,
}

/// Claims a project that is due; no other process pulls for it before `lease_until`.
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

/// Records that reports were pulled and stored, and extends the lease to `lease_until`. Returns
/// whether the project still pulls.
pub async fn brought(
    db: &PgPool,
    project: ProjectId,
    reports: i64,
    now: OffsetDateTime,
    lease_until: OffsetDateTime,
) -> sqlx::Result<bool> {
    let updated = sqlx::query!(
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
    Ok(updated.rows_affected() == 1)
}

/// Ends a claim; the next pull is due at `next_at`.
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

/// Records a failed call and ends the claim; the next pull is due at `next_at`.
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

/// Switches pulling for `project` on or off. Returns whether that changed it.
pub async fn set(
    db: &mut PgConnection,
    project: ProjectId,
    on: bool,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let changed = if on {
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
    Ok(changed.rows_affected() == 1)
}

/// The state of a project's pulls.
#[derive(Debug, Clone)]
pub struct Pulling {
    /// The number of failed calls since the last successful one.
    pub failures: i32,
    /// The error of the last failed call.
    pub error: String,
    /// When reports last came.
    pub pulled_at: Option<OffsetDateTime>,
    /// When the vendor was last called.
    pub asked_at: Option<OffsetDateTime>,
    /// The number of reports pulled so far.
    pub pulled: i64,
}

/// Returns the state of the pulls of `project`, or `None` if it does not pull.
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
