//! The turns in which projects are polled for receipts: one call per project at a time, over all
//! processes, and first the project that was polled longest ago. A project whose polls fail waits
//! without delaying the others.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::domain::ids::ProjectId;

/// The wait after the first failed poll; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::seconds(5);
/// The longest wait after a failed poll.
const MAX_WAIT: Duration = Duration::minutes(10);

/// Claims the turn of a project with polls that are due. No other process polls it before `until`,
/// unless the turn ends sooner.
pub async fn take(
    db: &PgPool,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> sqlx::Result<Option<ProjectId>> {
    sqlx::query!(
        r#"insert into poll_turns (project_id, asked_at, not_before)
           select id, '-infinity', '-infinity' from projects p
           where not exists (select from poll_turns t where t.project_id = p.id)
           on conflict do nothing"#,
    )
    .execute(db)
    .await?;
    sqlx::query_scalar!(
        r#"update poll_turns set asked_at = $1, not_before = $2
           where project_id = (
             select t.project_id from poll_turns t
             where t.not_before <= $1 and exists (select from submissions s
               where s.project_id = t.project_id and s.next_poll_at <= $1 and not s.complete)
             order by t.asked_at limit 1
             for update skip locked)
           returning project_id as "project: ProjectId""#,
        now,
        until,
    )
    .fetch_optional(db)
    .await
}

/// Ends a turn with a response.
pub async fn end(
    db: &mut PgConnection,
    project: ProjectId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update poll_turns set not_before = $2, failures = 0 where project_id = $1",
        project.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a turn without a response. Returns when the project is polled again.
pub async fn fail(
    db: &mut PgConnection,
    project: ProjectId,
    now: OffsetDateTime,
) -> sqlx::Result<OffsetDateTime> {
    sqlx::query_scalar!(
        r#"update poll_turns
           set failures = failures + 1,
             not_before = $2::timestamptz + least($3::float8 * power(2, least(failures, 20)), $4)
               * interval '1 second'
           where project_id = $1
           returning not_before"#,
        project.0,
        now,
        FIRST_WAIT.as_seconds_f64(),
        MAX_WAIT.as_seconds_f64(),
    )
    .fetch_one(db)
    .await
}
