//! Polling for receipts, one session number at a time.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::db::sending::claims::interval;
use crate::domain::ids::{ProjectId, SubmissionId};

/// A submission whose poll is due.
#[derive(Debug, Clone)]
pub struct DuePoll {
    /// The submission.
    pub id: SubmissionId,
    /// The project whose keys sign the call.
    pub project_id: ProjectId,
    /// The session number; a submission treated as sent may have none.
    pub session_no: Option<String>,
    /// When its call was made.
    pub sent_at: OffsetDateTime,
}

/// Claims up to `limit` submissions of a project whose polls are due and schedules their next
/// polls. The interval starts at `first` and doubles up to `longest`. No two processes claim the
/// same poll.
pub async fn take_due(
    db: &PgPool,
    project: ProjectId,
    now: OffsetDateTime,
    first: Duration,
    longest: Duration,
    limit: i64,
) -> sqlx::Result<Vec<DuePoll>> {
    sqlx::query_as!(
        DuePoll,
        r#"with due as (
             select id from submissions
             where project_id = $5 and next_poll_at <= $1 and not complete
             order by next_poll_at limit $4
             for update skip locked
           )
           update submissions s
           set polls = polls + 1,
             next_poll_at = $1 + least($3::interval, $2::interval * power(2, least(polls, 20)))
           from due where s.id = due.id
           returning s.id as "id: SubmissionId", s.project_id as "project_id: ProjectId",
             s.session_no, coalesce(s.sent_at, $1) as "sent_at!""#,
        now,
        interval(first),
        interval(longest),
        limit,
        project.0,
    )
    .fetch_all(db)
    .await
}

/// Reschedules polls without a response to `at`; they do not count.
pub async fn put_off(
    db: &mut PgConnection,
    due: &[DuePoll],
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    let ids: Vec<i64> = due.iter().map(|poll| poll.id.0).collect();
    sqlx::query!(
        r#"update submissions set polls = greatest(polls - 1, 0), next_poll_at = $2
           where id in (select id from submissions where id = any($1) order by id for update)
             and not complete"#,
        &ids,
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}
