//! How a batch moves from state to state. Each function names the states it may leave and answers
//! whether it moved: a second press, or another process that was quicker, moves nothing.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::domain::batch::{BatchState, PauseReason};
use crate::domain::ids::{BatchId, ProjectId, UserId};

/// Pauses what is sending or scheduled, with the reason.
pub async fn pause(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    pause_reason: PauseReason,
    detail: &str,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update batches set state = 'paused', pause_reason = $2, pause_detail = $3
           where id = $1 and project_id = $4 and state in ('sending', 'scheduled')"#,
        batch.0,
        pause_reason as PauseReason,
        detail,
        project.0,
    )
    .execute(&mut *db)
    .await?
    .rows_affected()
        == 1;
    Ok(moved)
}

/// Lets a paused batch go on. Submissions that had waited for the vendor may leave at once, what
/// waited for the first ones leaves too, and failures are counted anew.
pub async fn resume(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    // What is counted below is as of this lock, not as of a moment before somebody else's change.
    lock(db, batch).await?;
    let moved = sqlx::query!(
        r#"update batches b
           set state = 'sending', pause_reason = null, pause_detail = '',
             started_at = coalesce(started_at, $3),
             wave = case when pause_reason = 'trial' then 1 else wave end,
             known_before = s.known, failed_before = s.failed
           from (
             select coalesce(sum(delivered + failed + unknown + refused), 0) as known,
               coalesce(sum(failed + refused), 0) as failed
             from submissions where batch_id = $2
           ) s
           where b.project_id = $1 and b.id = $2 and b.state = 'paused'"#,
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
        r#"update batches set state = 'cancelled', pause_reason = null, pause_detail = '', decided_by = $3,
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
        close(db, batch, now).await?;
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
        r#"update batches set state = 'paused', pause_reason = 'missed_schedule'
           where state = 'scheduled' and schedule_at < $1"#,
        now - grace,
    )
    .execute(db)
    .await?;
    let started = sqlx::query!(
        r#"update batches set state = 'sending', started_at = $1
           where state = 'scheduled' and schedule_at between $2 and $1"#,
        now,
        now - grace,
    )
    .execute(db)
    .await?;
    Ok((started.rows_affected(), missed.rows_affected()))
}

/// Moves the time of a batch that has not begun. One that was paused because its time had passed
/// waits for the new one; one that awaits approval goes on awaiting it.
pub async fn reschedule(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update batches set schedule_at = $3, pause_reason = null, pause_detail = '',
             state = case when state = 'paused' then 'scheduled' else state end
           where project_id = $1 and id = $2 and (state in ('scheduled', 'awaiting_approval')
             or state = 'paused' and started_at is null)"#,
        project.0,
        batch.0,
        at,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// How a draft goes out once a person has confirmed it.
#[derive(Debug, Clone)]
pub struct Confirmed<'a> {
    /// Where it goes from here: sending, scheduled or awaiting approval.
    pub state: BatchState,
    /// What lists call it.
    pub name: &'a str,
    /// Number of recipients.
    pub total: i32,
    /// Billed pieces of all messages together.
    pub parts: i32,
    /// What a part costs, in ten-thousandths of a yuan.
    pub price: Option<i32>,
    /// Whether every phone has values of its own.
    pub each_own: bool,
    /// Who confirmed it.
    pub by: UserId,
    /// When it leaves, if not at once.
    pub schedule_at: Option<OffsetDateTime>,
    /// How it begins.
    pub trial: Option<Trial>,
}

/// The first of a batch leave alone, to see how they fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// How many.
    pub first: i32,
    /// How long to wait after they left, in seconds.
    pub wait_seconds: i32,
    /// The rest leaves by itself when at most so many percent failed; `None` asks a person.
    pub percent: Option<i16>,
}

/// A person's yes to a draft. A second yes moves nothing.
pub async fn confirm(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    confirmed: &Confirmed<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let trial = confirmed.trial;
    let moved = sqlx::query!(
        r#"update batches
           set state = $3, name = $4, total = $5, parts = $6, each_own = $7, ordered_by = $8,
             schedule_at = $9, trial_size = $10, trial_wait_seconds = $11, trial_failure_percent = $12,
             wave = case when $10::int is null then 1 else 0 end, ordered_at = $13, price = $14,
             started_at = case when $3 = 'sending'::batch_state then $13::timestamptz end
           where project_id = $1 and id = $2 and state = 'draft'"#,
        project.0,
        batch.0,
        confirmed.state as BatchState,
        confirmed.name,
        confirmed.total,
        confirmed.parts,
        confirmed.each_own,
        confirmed.by.0,
        confirmed.schedule_at,
        trial.map(|one| one.first),
        trial.map_or(0, |one| one.wait_seconds),
        trial.and_then(|one| one.percent),
        now,
        confirmed.price,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// A batch that is sending, with what decides whether it may go on.
#[derive(Debug, Clone)]
pub struct GuardedBatch {
    /// The batch.
    pub batch: BatchId,
    /// Its project.
    pub project: ProjectId,
    /// Messages whose fate became known since a person last let it go on.
    pub known: i64,
    /// Of them, those that failed or were refused.
    pub failed: i64,
    /// The project's threshold in percent.
    pub failure_percent: i16,
    /// And from how many known messages on it counts.
    pub failure_least: i32,
    /// How many leave first, while only they may.
    pub trial_size: Option<i32>,
    /// For how long to wait after they left, in seconds.
    pub trial_wait_seconds: i32,
    /// The rest leaves by itself up to so many percent.
    pub trial_failure_percent: Option<i16>,
    /// When the first had left.
    pub trial_sent_at: Option<OffsetDateTime>,
    /// Of the first: how many there are.
    pub first: i64,
    /// Still to be submitted.
    pub first_open: i64,
    /// In doubt.
    pub first_in_doubt: i64,
    /// Known.
    pub first_known: i64,
    /// Failed or refused.
    pub first_failed: i64,
}

/// All batches that are sending.
pub async fn guarded_batches(db: &PgPool) -> sqlx::Result<Vec<GuardedBatch>> {
    sqlx::query_as!(
        GuardedBatch,
        r#"select b.id as "batch: BatchId", b.project_id as "project: ProjectId",
             s.known - b.known_before as "known!", s.failed - b.failed_before as "failed!",
             p.failure_percent, p.failure_least, case when b.wave = 0 then b.trial_size end as trial_size,
             b.trial_wait_seconds, b.trial_failure_percent, b.trial_sent_at, s.first as "first!",
             s.first_open as "first_open!", s.first_in_doubt as "first_in_doubt!",
             s.first_known as "first_known!", s.first_failed as "first_failed!"
           from batches b
           join projects p on p.id = b.project_id
           cross join lateral (
             select coalesce(sum(delivered + failed + unknown + refused), 0) as known,
               coalesce(sum(failed + refused), 0) as failed,
               coalesce(sum(n) filter (where wave = 0), 0) as first,
               count(*) filter (where wave = 0 and state in ('ready', 'in_flight')) as first_open,
               count(*) filter (where wave = 0 and state = 'in_doubt') as first_in_doubt,
               coalesce(sum(delivered + failed + unknown + refused + suppressed)
                 filter (where wave = 0), 0) as first_known,
               coalesce(sum(failed + refused) filter (where wave = 0), 0) as first_failed
             from submissions where batch_id = b.id
           ) s
           where b.state = 'sending'"#,
    )
    .fetch_all(db)
    .await
}

/// Remembers when the first of a batch had left.
pub async fn trial_sent(db: &PgPool, batch: BatchId, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update batches set trial_sent_at = $2
           where id = $1 and state = 'sending' and wave = 0 and trial_sent_at is null"#,
        batch.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets the rest of a batch follow its first.
pub async fn release_rest(db: &PgPool, batch: BatchId) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        "update batches set wave = 1 where id = $1 and state = 'sending' and wave = 0",
        batch.0,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Puts a batch whose in-doubt submission is to be sent again back to work.
pub async fn reopen(db: &mut PgConnection, batch: BatchId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update batches set state = 'sending', finished_at = null, wave = 1
           where id = $1 and state = 'done'"#,
        batch.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks a batch done when nothing is left to submit, and settled when every message has its final
/// outcome. What waits in a batch that was cancelled is cancelled with it, also what came back to the
/// queue in that moment. Called after each change of its submissions, in the same transaction. The row
/// is locked first: of two submissions that end at once, the later one sees the earlier one's end.
pub async fn close(db: &mut PgConnection, batch: BatchId, now: OffsetDateTime) -> sqlx::Result<()> {
    match lock(db, batch).await? {
        BatchState::Sending | BatchState::Paused => {
            sqlx::query!(
                r#"update batches set state = 'done', pause_reason = null, pause_detail = '',
                     finished_at = $2
                   where id = $1 and planned and not exists (select from submissions
                     where batch_id = $1 and state in ('ready', 'in_flight'))"#,
                batch.0,
                now,
            )
            .execute(&mut *db)
            .await?;
        }
        BatchState::Cancelled => {
            sqlx::query!(
                r#"update submissions set state = 'cancelled', complete = true
                   where batch_id = $1 and state = 'ready'"#,
                batch.0,
            )
            .execute(&mut *db)
            .await?;
        }
        BatchState::Draft
        | BatchState::AwaitingApproval
        | BatchState::Scheduled
        | BatchState::Done => {}
    }
    sqlx::query!(
        r#"update batches b
           set complete = true, delivered = s.delivered, failed = s.failed, unknown = s.unknown,
             refused = s.refused, suppressed = s.suppressed, cancelled = s.cancelled
           from (
             select sum(delivered) as delivered, sum(failed) as failed, sum(unknown) as unknown,
               sum(refused) as refused, sum(suppressed) as suppressed,
               coalesce(sum(n - delivered - failed - unknown - refused - suppressed)
                 filter (where state = 'cancelled'), 0) as cancelled
             from submissions where batch_id = $1
           ) s
           where b.id = $1 and b.state in ('done', 'cancelled') and b.planned
             and not exists (select from submissions where batch_id = $1 and not complete)"#,
        batch.0,
    )
    .execute(&mut *db)
    .await?;
    Ok(())
}

/// Locks a batch until the end of the transaction. Returns its state.
pub(super) async fn lock(db: &mut PgConnection, batch: BatchId) -> sqlx::Result<BatchState> {
    sqlx::query_scalar!(
        r#"select state as "state: BatchState" from batches where id = $1 for update"#,
        batch.0,
    )
    .fetch_one(db)
    .await
}
