//! Transitions of a batch between its states. Each function names the states it starts from and
//! returns whether the batch moved: a second click, or a process that comes second, changes
//! nothing.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use super::budgets;
use crate::domain::ids::{BatchId, ProjectId, UserId};
use crate::domain::sending::batch::{BatchState, PauseReason, SCHEDULE_GRACE};

/// Pauses a batch that is sending or scheduled, for a reason.
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

/// Resumes a paused batch. Submissions that were waiting for the vendor may be sent at once, the
/// rest no longer waits for the trial batch, and failures are counted from zero. A batch whose
/// scheduled time is still to come waits for it. One that has missed its time by more than
/// [`SCHEDULE_GRACE`] stays paused for that reason, until a person chooses another time. Returns the
/// state that it has now, or `None` if it was not paused.
pub async fn resume(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    now: OffsetDateTime,
) -> sqlx::Result<Option<BatchState>> {
    // The counts below must be as of this lock, not of a moment before somebody else's change.
    if lock(db, batch).await?.is_none() {
        return Ok(None);
    }
    let state = sqlx::query_scalar!(
        r#"update batches b
           set state = case when started_at is null and schedule_at > $3 then 'scheduled'
               when started_at is null and schedule_at < $4 then 'paused'
               else 'sending' end::batch_state,
             pause_reason = case when started_at is null and schedule_at < $4
               then 'missed_schedule'::pause_reason end,
             pause_detail = '',
             started_at = case when started_at is null and (schedule_at > $3 or schedule_at < $4)
               then null else coalesce(started_at, $3) end,
             wave = case when pause_reason = 'trial' then 1 else wave end,
             known_before = s.known, failed_before = s.failed
           from (
             select coalesce(sum(delivered + failed + unknown + refused), 0) as known,
               coalesce(sum(failed + refused), 0) as failed
             from submissions where batch_id = $2
           ) s
           where b.project_id = $1 and b.id = $2 and b.state = 'paused'
           returning b.state as "state: BatchState""#,
        project.0,
        batch.0,
        now,
        now - SCHEDULE_GRACE,
    )
    .fetch_optional(&mut *db)
    .await?;
    if state == Some(BatchState::Sending) {
        sqlx::query!(
            r#"update submissions set next_try_at = $2, attempts = 0
               where batch_id = $1 and state = 'ready'"#,
            batch.0,
            now,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(state)
}

/// Cancels what has not been sent yet. Calls in flight finish and are recorded. A draft was never ordered:
/// it is discarded instead.
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
             and state in ('awaiting_approval', 'scheduled', 'sending', 'paused')"#,
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

/// Approves a batch as a second person: it is sent, or waits for its scheduled time. If that was
/// missed by more than [`SCHEDULE_GRACE`], it is paused until a person chooses another time. Nobody
/// can approve their own batch. Returns the state that it has now, or `None` if it was not approved.
pub async fn approve(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    by: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<Option<BatchState>> {
    sqlx::query_scalar!(
        r#"update batches set decided_by = $3,
             state = case when schedule_at > $4 then 'scheduled' when schedule_at < $5 then 'paused'
               else 'sending' end::batch_state,
             pause_reason = case when schedule_at < $5 then 'missed_schedule'::pause_reason end,
             started_at = case when schedule_at > $4 or schedule_at < $5 then null else $4 end
           where project_id = $1 and id = $2 and state = 'awaiting_approval' and ordered_by <> $3
           returning state as "state: BatchState""#,
        project.0,
        batch.0,
        by.0,
        now,
        now - SCHEDULE_GRACE,
    )
    .fetch_optional(&mut *db)
    .await
}

/// Pauses batches whose time was missed by more than `grace`. Returns them with their projects.
pub async fn pause_missed(
    db: &mut PgConnection,
    now: OffsetDateTime,
    grace: Duration,
) -> sqlx::Result<Vec<(ProjectId, BatchId)>> {
    let paused = sqlx::query!(
        r#"update batches set state = 'paused', pause_reason = 'missed_schedule'
           where state = 'scheduled' and schedule_at < $1 and is_whole(null, null)
           returning project_id as "project: ProjectId", id as "id: BatchId""#,
        now - grace,
    )
    .fetch_all(db)
    .await?;
    Ok(paused.into_iter().map(|row| (row.project, row.id)).collect())
}

/// Starts batches that are due and pauses those that are late by more than `grace`. Returns how
/// many were started and how many paused.
pub async fn start_due(
    db: &PgPool,
    now: OffsetDateTime,
    grace: Duration,
) -> sqlx::Result<(u64, u64)> {
    let missed = pause_missed(&mut *db.acquire().await?, now, grace).await?.len() as u64;
    let started = sqlx::query!(
        r#"update batches set state = 'sending', started_at = $1
           where state = 'scheduled' and schedule_at between $2 and $1 and is_whole(null, null)"#,
        now,
        now - grace,
    )
    .execute(db)
    .await?;
    Ok((started.rows_affected(), missed))
}

/// Another time for a batch that has not started.
#[derive(Debug, Clone, Copy)]
pub struct Move {
    /// The time; `None` for now.
    pub at: Option<OffsetDateTime>,
    /// Who moves it.
    pub by: UserId,
    /// Whether this person may approve batches.
    pub may_approve: bool,
}

/// Changes the scheduled time of a batch that has not started. One that was approved has to be
/// approved again, unless whoever moves it may do so and has not ordered it. One that awaits
/// approval keeps awaiting it, and one that a person or a problem has paused stays paused unless it
/// is to be sent now.
pub async fn reschedule(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    to: &Move,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update batches b
           set schedule_at = $3,
             pause_reason = case when next.state = 'paused' then b.pause_reason end,
             pause_detail = case when next.state = 'paused' then b.pause_detail else '' end,
             state = next.state, decided_by = case when next.approved then $4::bigint end,
             started_at = case when next.state = 'sending' then $6::timestamptz end
           from (
             select id, decided_by is not null and $5 and ordered_by <> $4::bigint as approved,
               case when state = 'awaiting_approval'
                   or decided_by is not null and not ($5 and ordered_by <> $4::bigint)
                 then 'awaiting_approval'
                 when $3::timestamptz is null then 'sending'
                 when state = 'paused' and pause_reason <> 'missed_schedule' then 'paused'
                 else 'scheduled' end::batch_state as state
             from batches
             where project_id = $1 and id = $2 and (state in ('scheduled', 'awaiting_approval')
               or state = 'paused' and started_at is null)
             for update
           ) next
           where b.id = next.id"#,
        project.0,
        batch.0,
        to.at as Option<OffsetDateTime>,
        to.by.0,
        to.may_approve,
        now,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// How a draft is sent, as a person confirmed it.
#[derive(Debug, Clone)]
pub struct Confirmed<'a> {
    /// Its next state: sending, scheduled or awaiting approval.
    pub state: BatchState,
    /// Its name in lists.
    pub name: &'a str,
    /// The number of recipients.
    pub total: i32,
    /// The number of billed parts of all messages together.
    pub parts: i32,
    /// The price of a part, in ten-thousandths of a yuan.
    pub price: Option<i32>,
    /// Whether every phone has its own values.
    pub each_own: bool,
    /// Who confirmed it.
    pub by: UserId,
    /// When sending begins, unless at once.
    pub schedule_at: Option<OffsetDateTime>,
    /// Its trial batch, if it starts with one.
    pub trial: Option<Trial>,
}

/// A trial batch: the first messages of a batch are sent alone to see how they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// The number of messages.
    pub first: i32,
    /// How long to wait after they were sent, in seconds.
    pub wait_seconds: i32,
    /// The rest is sent without asking if at most this percentage failed; `None` always asks a
    /// person.
    pub percent: Option<i16>,
}

/// Stores a person's confirmation of a draft. Returns whether it was still a draft; a second
/// confirmation changes nothing.
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
        trial.map(|trial| trial.first),
        trial.map_or(0, |trial| trial.wait_seconds),
        trial.and_then(|trial| trial.percent),
        now,
        confirmed.price,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// A batch that is sending, with the numbers that decide whether it may go on.
#[derive(Debug, Clone)]
pub struct GuardedBatch {
    /// The batch.
    pub batch: BatchId,
    /// Its project.
    pub project: ProjectId,
    /// Messages with a known outcome since a person last started or resumed it.
    pub known: i64,
    /// Of these, the failed and refused ones.
    pub failed: i64,
    /// The project's threshold in percent.
    pub failure_percent: i16,
    /// The number of known outcomes from which on the threshold applies.
    pub failure_least: i32,
    /// The number of messages in the trial batch, while only that may be sent.
    pub trial_size: Option<i32>,
    /// How long to wait after the trial batch was sent, in seconds.
    pub trial_wait_seconds: i32,
    /// The rest is sent without asking if at most this percentage of the trial batch failed.
    pub trial_failure_percent: Option<i16>,
    /// When the trial batch had been sent.
    pub trial_sent_at: Option<OffsetDateTime>,
    /// The number of messages planned for the trial batch.
    pub first: i64,
    /// Submissions of the trial batch that are still to be sent.
    pub first_open: i64,
    /// Submissions of the trial batch in doubt.
    pub first_in_doubt: i64,
    /// Messages of the trial batch with an outcome.
    pub first_known: i64,
    /// Messages of the trial batch that failed or were refused.
    pub first_failed: i64,
}

/// Returns all batches that are sending.
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

/// Records when the trial batch of a batch had been sent.
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

/// Allows the rest of a batch to be sent after its trial batch. Returns whether it was waiting for
/// that.
pub async fn release_rest(db: &PgPool, batch: BatchId) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        "update batches set wave = 1 where id = $1 and state = 'sending' and wave = 0",
        batch.0,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Reopens a batch that was done because a submission in doubt is to be sent again.
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

/// Returns whether a batch has messages that may still be held back: no call is made for them yet, or
/// one that may come back without having sent them.
pub async fn has_unsent(db: &mut PgConnection, batch: BatchId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select not planned or exists (select from submissions
             where batch_id = $1 and state in ('ready', 'in_flight')) as "unsent!"
           from batches where id = $1"#,
        batch.0,
    )
    .fetch_one(db)
    .await
}

/// Marks a batch done if nothing is left to submit, and complete if every message has its final
/// outcome.
///
/// In a cancelled batch, waiting submissions are cancelled too, including one that returned to the
/// queue at that very moment. Call this after each change of its submissions, in the same
/// transaction. The row is locked first: of two submissions that end at the same time, the later
/// one sees the end of the earlier one.
pub async fn close(db: &mut PgConnection, batch: BatchId, now: OffsetDateTime) -> sqlx::Result<()> {
    let Some(state) = lock(db, batch).await? else { return Ok(()) };
    match state {
        BatchState::Sending | BatchState::Paused => {
            let done = sqlx::query!(
                r#"update batches set state = 'done', pause_reason = null, pause_detail = '',
                     finished_at = $2
                   where id = $1 and planned and not exists (select from submissions
                     where batch_id = $1 and state in ('ready', 'in_flight'))"#,
                batch.0,
                now,
            )
            .execute(&mut *db)
            .await?;
            if done.rows_affected() == 1 {
                budgets::give_back(db, batch).await?;
            }
        }
        BatchState::Cancelled => {
            sqlx::query!(
                r#"update submissions set state = 'cancelled', complete = true
                   where batch_id = $1 and state = 'ready'"#,
                batch.0,
            )
            .execute(&mut *db)
            .await?;
            budgets::give_back(db, batch).await?;
        }
        BatchState::Draft
        | BatchState::AwaitingApproval
        | BatchState::Scheduled
        | BatchState::Done => {}
    }
    let completed = sqlx::query!(
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
    if completed.rows_affected() == 1 {
        budgets::give_back(db, batch).await?;
    }
    Ok(())
}

/// Locks a batch until the end of the transaction. Returns its state; `None` if it is a draft that
/// was discarded meanwhile.
pub async fn lock(db: &mut PgConnection, batch: BatchId) -> sqlx::Result<Option<BatchState>> {
    sqlx::query_scalar!(
        r#"select state as "state: BatchState" from batches where id = $1 for update"#,
        batch.0,
    )
    .fetch_optional(db)
    .await
}
