//! Whose turn it is to be asked about receipts: one call of a project at a time, over all processes,
//! and the project first that was asked about longest ago. One whose questions fail waits, and holds
//! nobody up.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::domain::ids::ProjectId;

/// The first wait after a question that failed; the next ones double.
const FIRST_WAIT: Duration = Duration::seconds(5);
/// The longest.
const MAX_WAIT: Duration = Duration::minutes(10);

/// Takes the turn of a project with sessions that are due. Nobody else asks for it before `until`,
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

/// Ends a turn that brought an answer.
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

/// Ends a turn that brought none. Answers when the project is asked about again.
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
