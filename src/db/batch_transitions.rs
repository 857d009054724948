//! How a batch moves from state to state. Each function names the states it may leave and answers
//! whether it moved: a second press, or another process that was quicker, moves nothing.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::domain::batch::{BatchState, Hold};
use crate::domain::ids::{BatchId, ProjectId, UserId};

/// Pauses what is sending or scheduled, with the reason.
pub async fn pause(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    hold: Hold,
    detail: &str,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update batches set state = 'paused', hold = $2, hold_detail = $3
           where id = $1 and project_id = $4 and state in ('sending', 'scheduled')"#,
        batch.0,
        hold as Hold,
        detail,
        project.0,
    )
    .execute(&mut *db)
    .await?
    .rows_affected()
        == 1;
    Ok(moved)
}

/// Lets a paused batch go on. Submissions that had waited for the vendor may leave at once.
pub async fn resume(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update batches set state = 'sending', hold = null, hold_detail = '',
             started_at = coalesce(started_at, $3)
           where project_id = $1 and id = $2 and state = 'paused'"#,
        project.0,
        batch.0,
        now,
    )
    .execute(&mut *db)
    .await?
    .rows_affected()
        == 1;
    if moved {
        sqlx::query!(
            r#"update submissions set next_try_at = $2, attempts = 0
               where batch_id = $1 and state = 'ready'"#,
            batch.0,
            now,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(moved)
}

/// Calls off what has not left. Calls in flight run to their end and are recorded.
pub async fn cancel(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    by: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update batches set state = 'cancelled', hold = null, hold_detail = '', decided_by = $3,
             finished_at = $4
           where project_id = $1 and id = $2
             and state in ('draft', 'awaiting_approval', 'scheduled', 'sending', 'paused')"#,
        project.0,
        batch.0,
        by.0,
        now,
    )
    .execute(&mut *db)
    .await?
    .rows_affected()
        == 1;
    if moved {
        sqlx::query!(
            r#"update submissions set state = 'cancelled', settled = true
               where batch_id = $1 and state = 'ready'"#,
            batch.0,
        )
        .execute(&mut *db)
        .await?;
        settle(db, batch, now).await?;
    }
    Ok(moved)
}

/// A second person's yes: the batch leaves, or waits for its time. Nobody approves their own.
pub async fn approve(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    by: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update batches set decided_by = $3,
             state = case when schedule_at > $4 then 'scheduled'::batch_state else 'sending' end,
             started_at = case when schedule_at > $4 then null else $4 end
           where project_id = $1 and id = $2 and state = 'awaiting_approval' and ordered_by <> $3"#,
        project.0,
        batch.0,
        by.0,
        now,
    )
    .execute(&mut *db)
    .await?
    .rows_affected()
        == 1;
    Ok(moved)
}

/// Starts what is due and pauses what was missed by more than `grace`: how many of each.
pub async fn start_due(
    db: &PgPool,
    now: OffsetDateTime,
    grace: Duration,
) -> sqlx::Result<(u64, u64)> {
    let missed = sqlx::query!(
        r#"update batches set state = 'paused', hold = 'missed_schedule'
           where state = 'scheduled' and schedule_at < $1"#,
        now - grace,
    )
    .execute(db)
    .await?;
    let started = sqlx::query!(
        r#"update batches set state = 'sending', started_at = $1
           where state = 'scheduled' and schedule_at <= $1"#,
        now,
    )
    .execute(db)
    .await?;
    Ok((started.rows_affected(), missed.rows_affected()))
}

/// Puts a batch whose in-doubt submission is to be sent again back to work.
pub async fn reopen(db: &mut PgConnection, batch: BatchId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update batches set state = 'sending', finished_at = null
           where id = $1 and state = 'done'"#,
        batch.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks a batch done when nothing is left to submit, and settled when every message has its final
/// outcome. Called after each change of its submissions, in the same
/// transaction. The row is locked first: of two submissions that end at once, the later one sees
/// the earlier one's end.
pub async fn settle(
    db: &mut PgConnection,
    batch: BatchId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let state = sqlx::query_scalar!(
        r#"select state as "state: BatchState" from batches where id = $1 for update"#,
        batch.0,
    )
    .fetch_one(&mut *db)
    .await?;
    match state {
        BatchState::Sending | BatchState::Paused => {
            sqlx::query!(
                r#"update batches set state = 'done', hold = null, hold_detail = '',
                     finished_at = $2
                   where id = $1 and not exists (select from submissions
                     where batch_id = $1 and state in ('ready', 'in_flight'))"#,
                batch.0,
                now,
            )
            .execute(&mut *db)
            .await?;
        }
        BatchState::Draft
        | BatchState::AwaitingApproval
        | BatchState::Scheduled
        | BatchState::Done
        | BatchState::Cancelled => {}
    }
    sqlx::query!(
        r#"update batches set settled = true
           where id = $1 and not settled and state in ('done', 'cancelled')
             and not exists (select from submissions where batch_id = $1 and not settled)"#,
        batch.0,
    )
    .execute(&mut *db)
    .await?;
    Ok(())
}
