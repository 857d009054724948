//! The rows of a recipient list with their verdicts, and the planning that turns sendable rows into
//! messages.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::batch_transitions;
use crate::db::recovery::installation::Seen;
use crate::domain::ids::{BatchId, ProjectId, TemplateId};
use crate::domain::sending::batch::BatchState;
use crate::domain::sending::call_problem::CallProblem;
use crate::domain::sending::recipient::{Recipient, Verdict};

/// Returns the rows of a draft after line `after` that are not sent, or those with one verdict.
pub async fn rejected(
    db: &PgPool,
    batch: BatchId,
    verdict: Option<Verdict>,
    after: i32,
    limit: i64,
) -> sqlx::Result<Vec<Recipient>> {
    match verdict {
        Some(verdict) => with_verdict(db, batch, verdict, after, limit).await,
        None => not_ready(db, batch, after, limit).await,
    }
}

async fn with_verdict(
    db: &PgPool,
    batch: BatchId,
    verdict: Verdict,
    after: i32,
    limit: i64,
) -> sqlx::Result<Vec<Recipient>> {
    sqlx::query_as!(
        Recipient,
        r#"select position, verdict as "verdict: Verdict", phone, params, detail, cells
           from recipients where batch_id = $1 and verdict = $2 and position > $3
           order by position limit $4"#,
        batch.0,
        verdict as Verdict,
        after,
        limit,
    )
    .fetch_all(db)
    .await
}

async fn not_ready(
    db: &PgPool,
    batch: BatchId,
    after: i32,
    limit: i64,
) -> sqlx::Result<Vec<Recipient>> {
    sqlx::query_as!(
        Recipient,
        r#"select position, verdict as "verdict: Verdict", phone, params, detail, cells
           from recipients where batch_id = $1 and verdict <> 'ready' and position > $2
           order by position limit $3"#,
        batch.0,
        after,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Deletes all rows of a draft before they are written again.
pub async fn clear(db: &mut PgConnection, batch: BatchId) -> sqlx::Result<()> {
    sqlx::query!("delete from recipients where batch_id = $1", batch.0).execute(db).await?;
    Ok(())
}

/// The statement that inserts rows by COPY, with the columns in this order.
pub const COPY_IN: &str =
    "copy recipients (batch_id, position, verdict, phone, params, detail, cells) from stdin";

/// A batch whose recipients are still to become messages.
#[derive(Debug, Clone)]
pub struct Unplanned {
    /// The batch.
    pub batch: BatchId,
    /// Its project.
    pub project: ProjectId,
    /// Its template.
    pub template: TemplateId,
    /// Whether every phone has its own values.
    pub each_own: bool,
    /// The number of messages in the trial batch, if it has one.
    pub trial_size: Option<i32>,
    /// Whether repeats are sent all the same.
    pub with_repeats: bool,
    /// The last line whose recipient has become a message.
    pub planned_to: i32,
    /// Whether its messages may have been sent already, so that they are in doubt.
    pub rest_in_doubt: bool,
}

/// How many submissions of a sending batch may wait while the rest is still being planned. Planning
/// everything at once would slow down the sending.
const MAX_READY_SUBMISSIONS: i64 = 250;

/// Locks the oldest batch that still has recipients to plan, unless enough of its submissions are
/// waiting already, or it is held because its rows may have been sent. Other processes skip it until the transaction ends.
pub async fn take_unplanned(
    db: &mut PgConnection,
    seen: Option<Seen>,
) -> sqlx::Result<Option<Unplanned>> {
    sqlx::query_as!(
        Unplanned,
        r#"select b.id as "batch: BatchId", b.project_id as "project: ProjectId",
             b.template_id as "template: TemplateId", b.each_own, b.trial_size, u.with_repeats,
             u.planned_to, b.rest_in_doubt
           from batches b join uploads u on u.batch_id = b.id
           where is_whole($2, $3) and not b.planned and b.state <> 'draft'
             and coalesce(b.pause_reason <> 'database_went_back', true) and (b.state <> 'sending' or $1 > (
             select count(*) from (
               select from submissions s where s.batch_id = b.id and s.state = 'ready' limit $1
             ) ready))
           order by b.id limit 1
           for update of u skip locked"#,
        MAX_READY_SUBMISSIONS,
        seen.map(|seen| seen.position),
        seen.map(|seen| seen.row),
    )
    .fetch_optional(db)
    .await
}

/// The result of one step of planning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// The number of recipients that became messages.
    pub messages: i64,
    /// The line of the last of them; `None` if nothing was left.
    pub last: Option<i32>,
}

/// Returns how many messages a trial batch has already, written again after the database forgot them.
pub async fn trial_messages(db: &mut PgConnection, batch: BatchId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(n), 0)::bigint as "n!" from submissions where batch_id = $1 and wave = 0"#,
        batch.0,
    )
    .fetch_one(db)
    .await
}

/// Inserts messages and submissions for the next `limit` recipients, `each` to a submission.
pub async fn plan(
    db: &mut PgConnection,
    unplanned: &Unplanned,
    wave: i16,
    limit: i64,
    each: i64,
    now: OffsetDateTime,
) -> sqlx::Result<Planned> {
    sqlx::query_as!(
        Planned,
        r#"with next as (
             select position, phone, params, (row_number() over (order by position) - 1) as n
             from (
               select position, phone, params from recipients
               where batch_id = $1 and position > $2
                 and (verdict = 'ready' or $3 and verdict = 'repeat')
                 and not exists (select from rewritten_rows w
                   where w.batch_id = $1 and position between w.first_row and w.last_row)
               order by position limit $4
             ) rows
           ), calls as (
             select n / $5 as call, count(*)::int as n, new_id($6) as id, min(position) as first_row,
               max(position) as last_row
             from next group by 1 order by 1
           ), made as (
             insert into submissions
               (id, project_id, batch_id, state, n, next_try_at, wave, first_row, last_row, vendor_message)
             select id, $7, $1, (case when $10 then 'in_doubt' else 'ready' end)::submission_state, n, $6,
               $8, first_row, last_row, case when $10 then $11 else '' end
             from calls
           ), put as (
             insert into messages
               (id, project_id, submission_id, batch_id, template_id, phone, params)
             select new_id($6), $7, calls.id, $1, $9, phone, params
             from next join calls on calls.call = next.n / $5 order by next.n
           )
           select count(*) as "messages!", max(position) as "last" from next"#,
        unplanned.batch.0,
        unplanned.planned_to,
        unplanned.with_repeats,
        limit,
        each,
        now,
        unplanned.project.0,
        wave,
        unplanned.template.0,
        unplanned.rest_in_doubt,
        CallProblem::WentBack.stored(),
    )
    .fetch_one(db)
    .await
}

/// Records how far planning is, and returns the state of the batch. If the batch was cancelled
/// meanwhile, its new submissions are cancelled as well; its row is locked, so that no cancellation
/// can slip through.
pub async fn advance(
    db: &mut PgConnection,
    unplanned: &Unplanned,
    planned: Planned,
) -> sqlx::Result<BatchState> {
    let state = batch_transitions::lock(db, unplanned.batch).await?;
    let state = state.ok_or(sqlx::Error::RowNotFound)?;
    if state == BatchState::Cancelled {
        sqlx::query!(
            r#"update submissions set state = 'cancelled', complete = true
               where batch_id = $1 and state = 'ready'"#,
            unplanned.batch.0,
        )
        .execute(&mut *db)
        .await?;
    }
    match planned.last {
        Some(last) => {
            sqlx::query!(
                "update uploads set planned_to = $2 where batch_id = $1",
                unplanned.batch.0,
                last,
            )
            .execute(&mut *db)
            .await?;
        }
        None => {
            sqlx::query!("update batches set planned = true where id = $1", unplanned.batch.0)
                .execute(&mut *db)
                .await?;
        }
    }
    Ok(state)
}

/// Deletes the rows that have become messages and the file they came in. Rows that were not sent
/// stay.
pub async fn clear_planned(db: &mut PgConnection, unplanned: &Unplanned) -> sqlx::Result<()> {
    sqlx::query!(
        r#"delete from recipients
           where batch_id = $1 and (verdict = 'ready' or $2 and verdict = 'repeat')"#,
        unplanned.batch.0,
        unplanned.with_repeats,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("delete from upload_chunks where batch_id = $1", unplanned.batch.0)
        .execute(db)
        .await?;
    Ok(())
}

/// Serializes the confirmations of batches of one template until the transaction ends.
pub async fn lock_confirmations(db: &mut PgConnection, template: TemplateId) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('confirm', $1))", template.0)
        .fetch_one(db)
        .await?;
    Ok(())
}

/// Sets whether repeats are sent as well.
pub async fn with_repeats(
    db: &mut PgConnection,
    batch: BatchId,
    with_repeats: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update uploads set with_repeats = $2 where batch_id = $1",
        batch.0,
        with_repeats,
    )
    .execute(db)
    .await?;
    Ok(())
}
