//! Submissions: the queue of API calls. A claim ([`claims`](super::claims)) is committed before its
//! call, no lock is held during the call, and the outcome is committed after it.

use sqlx::{PgConnection, PgExecutor, PgPool};
use time::OffsetDateTime;

use super::claims::Claimed;
use crate::domain::ids::{BatchId, ProjectId, SubmissionId};
use crate::domain::sending::batch::SubmissionState;
pub use crate::domain::sending::call_end::RefusedMessage;
use crate::domain::sending::call_problem::CallProblem;

/// Inserts a submission of `n` messages that may be claimed from `now` on.
pub async fn insert(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    n: i32,
    now: OffsetDateTime,
) -> sqlx::Result<SubmissionId> {
    sqlx::query_scalar!(
        r#"insert into submissions (id, project_id, batch_id, state, n, next_try_at)
           values (new_id($1), $2, $3, 'ready', $4, $1)
           returning id as "id: SubmissionId""#,
        now,
        project.0,
        batch.0,
        n,
    )
    .fetch_one(db)
    .await
}

/// Records that the vendor accepted all of it under `session_no`. Returns whether it was still
/// open: `false` if a receipt had already proved it or a person had decided.
pub async fn accept(
    db: &mut PgConnection,
    claimed: &Claimed,
    session_no: &str,
    request_id: &str,
    now: OffsetDateTime,
    next_poll_at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update submissions
           set state = 'accepted', session_no = $2, vendor_request_id = $3, answered_at = $4,
             next_poll_at = $5, lease_until = null, vendor_message = ''
           where id = $1 and (state = 'in_flight' and lease_until = $6 or state = 'in_doubt')"#,
        claimed.id.0,
        session_no,
        request_id,
        now,
        next_poll_at,
        claimed.lease_until,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Records a RetCode that came with the session number of an accepted submission, and the vendor's
/// message. This also holds if a receipt proved the call before its response came.
pub async fn record_complaint(
    db: &mut PgConnection,
    id: SubmissionId,
    ret_code: i32,
    vendor_message: &str,
) -> sqlx::Result<()> {
    // An accepted submission with a message is one to look at, so a complaint must have one.
    let vendor_message = match vendor_message {
        "" => format!("RetCode {ret_code}"),
        message => message.to_owned(),
    };
    sqlx::query!(
        r#"update submissions set ret_code = $2, vendor_message = $3
           where id = $1 and state in ('accepted', 'partly')"#,
        id.0,
        ret_code,
        vendor_message,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records that the vendor accepted none of it, with the reason for all of them and those for
/// `each`. Every message that was not suppressed becomes refused. Returns whether the claim was
/// still the current one.
#[allow(clippy::too_many_arguments)]
pub async fn refuse(
    db: &mut PgConnection,
    claimed: &Claimed,
    ret_code: i32,
    vendor_message: &str,
    request_id: &str,
    each: &[RefusedMessage],
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update submissions
           set state = 'refused', ret_code = $2, vendor_message = $3, vendor_request_id = $4,
             answered_at = $5, lease_until = null, refused = n - suppressed, complete = true
           where id = $1 and state = 'in_flight' and lease_until = $6"#,
        claimed.id.0,
        ret_code,
        vendor_message,
        request_id,
        now,
        claimed.lease_until,
    )
    .execute(&mut *db)
    .await?;
    if moved.rows_affected() == 0 {
        return Ok(false);
    }
    let code = ret_code.to_string();
    let reason =
        crate::db::receipts::outcomes::reason_id(db, (&code, vendor_message, "refused")).await?;
    write_refused(db, claimed.id, each, &code, now).await?;
    sqlx::query!(
        r#"insert into outcomes
             (id, project_id, submission_id, batch_id, template_id, outcome, reason_id, parts,
              recorded_at)
           select id, project_id, submission_id, batch_id, template_id, 'refused', $2, 0, $3
           from messages where submission_id = $1
           on conflict (id) do nothing"#,
        claimed.id.0,
        reason,
        now,
    )
    .execute(&mut *db)
    .await?;
    Ok(true)
}

/// Records which messages the vendor did not accept of a call that it accepted in part. This also
/// holds if a receipt proved the call before its response came.
pub async fn refuse_some(
    db: &mut PgConnection,
    submission: SubmissionId,
    not_taken: &[RefusedMessage],
    ret_code: i32,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if not_taken.is_empty() {
        return Ok(());
    }
    crate::db::receipts::receipt_matches::lock(db, &[submission]).await?;
    let refused = write_refused(db, submission, not_taken, &ret_code.to_string(), now).await?;
    sqlx::query!(
        r#"update submissions s
           set refused = s.refused + $2,
             state = case when s.state = 'accepted' then 'partly' else s.state end,
             complete = s.delivered + s.failed + s.unknown + s.refused + $2 + s.suppressed = s.n
           where s.id = $1 and s.state in ('accepted', 'partly')"#,
        submission.0,
        refused,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts refused outcomes for messages, each with its own reason. Returns how many had no outcome
/// before.
async fn write_refused(
    db: &mut PgConnection,
    submission: SubmissionId,
    not_taken: &[RefusedMessage],
    code: &str,
    now: OffsetDateTime,
) -> sqlx::Result<i32> {
    let mut reasons = Vec::with_capacity(not_taken.len());
    for message in not_taken {
        reasons.push(
            crate::db::receipts::outcomes::reason_id(db, (code, &message.reason, "refused"))
                .await?,
        );
    }
    let ids: Vec<i64> = not_taken.iter().map(|message| message.id.0).collect();
    let written = sqlx::query!(
        r#"insert into outcomes
             (id, project_id, submission_id, batch_id, template_id, outcome, reason_id, parts,
              recorded_at)
           select m.id, m.project_id, m.submission_id, m.batch_id, m.template_id, 'refused',
             wanted.reason_id, 0, $4
           from unnest($2::bigint[], $3::int[]) as wanted (id, reason_id)
           join messages m on m.id = wanted.id and m.submission_id = $1
           on conflict (id) do nothing"#,
        submission.0,
        &ids,
        &reasons,
        now,
    )
    .execute(db)
    .await?;
    Ok(i32::try_from(written.rows_affected()).unwrap_or(i32::MAX))
}

/// Returns a submission that surely was not accepted to the queue. Only the process that claimed it
/// can do this, while its lease is running. Returns whether it moved.
///
/// If `counts`, the attempt counts towards the limit after which the batch is paused.
pub async fn requeue(
    db: &mut PgConnection,
    claimed: &Claimed,
    counts: bool,
    next_try_at: OffsetDateTime,
    ret_code: Option<i32>,
    why: &str,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update submissions
           set state = 'ready', next_try_at = $2, lease_until = null, sent_at = null,
             ret_code = $3, vendor_message = $4, attempts = attempts - case when $6 then 0 else 1 end
           where id = $1 and state = 'in_flight' and lease_until = $5 and lease_until > $8
             and worker = $7"#,
        claimed.id.0,
        next_try_at,
        ret_code,
        why,
        claimed.lease_until,
        counts,
        claimed.worker,
        now,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Records that it is unknown whether it was accepted. From then on only a receipt or a person can
/// change it.
pub async fn doubt(
    db: &mut PgConnection,
    claimed: &Claimed,
    ret_code: Option<i32>,
    why: &str,
    request_id: &str,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update submissions
           set state = 'in_doubt', lease_until = null, ret_code = $2, vendor_message = $3,
             vendor_request_id = $4
           where id = $1 and state = 'in_flight' and lease_until = $5"#,
        claimed.id.0,
        ret_code,
        why,
        request_id,
        claimed.lease_until,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Puts in doubt what is in flight with an expired lease because its process died. Returns the
/// submissions with their batches.
pub async fn doubt_expired(
    db: &mut PgConnection,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<(SubmissionId, BatchId)>> {
    let rows = sqlx::query!(
        r#"update submissions
           set state = 'in_doubt', lease_until = null, vendor_message = $2
           where id in (select id from submissions
             where state = 'in_flight' and lease_until < $1
             order by id for update skip locked)
           returning id as "id: SubmissionId", batch_id as "batch_id: BatchId""#,
        now,
        CallProblem::Lease.stored(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.batch_id)).collect())
}

/// Applies a person's decision on a submission in doubt: it counts as sent, and receipts are
/// awaited.
pub async fn treat_as_sent(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    id: SubmissionId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update submissions set state = 'accepted', answered_at = $4, next_poll_at = $4
           where id = $1 and project_id = $2 and batch_id = $3 and state = 'in_doubt'
             and exists (select from batches where id = $3 and state <> 'cancelled')"#,
        id.0,
        project.0,
        batch.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Applies a person's decision on a submission in doubt: it is sent again.
pub async fn send_again(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    id: SubmissionId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update submissions
           set state = 'ready', next_try_at = $4, attempts = 0, sent_at = null, ret_code = null,
             vendor_message = ''
           where id = $1 and project_id = $2 and batch_id = $3 and state = 'in_doubt'
             and exists (select from batches where id = $3 and state <> 'cancelled')"#,
        id.0,
        project.0,
        batch.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// A submission as the batch page and the in-doubt page show it.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Our id.
    pub id: SubmissionId,
    /// Its state.
    pub state: SubmissionState,
    /// The number of messages.
    pub n: i32,
    /// How often it was tried.
    pub attempts: i32,
    /// When the last call was made.
    pub sent_at: Option<OffsetDateTime>,
    /// When the vendor responded.
    pub answered_at: Option<OffsetDateTime>,
    /// When it is tried next, if it is ready.
    pub next_try_at: OffsetDateTime,
    /// The session number.
    pub session_no: Option<String>,
    /// The vendor's RetCode, if it refused.
    pub ret_code: Option<i32>,
    /// The vendor message, or the stored name of the call problem if there was no response.
    pub vendor_message: String,
    /// The vendor's request id of the call, for its support.
    pub vendor_request_id: String,
}

/// Returns the submissions of a batch that a person should look at: failed attempts, refusals,
/// doubts and complaints, newest first.
pub async fn problems(db: &PgPool, batch: BatchId, limit: i64) -> sqlx::Result<Vec<Submission>> {
    sqlx::query_as!(
        Submission,
        r#"select id as "id: SubmissionId", state as "state: SubmissionState", n, attempts, sent_at,
             answered_at, next_try_at, session_no, ret_code, vendor_message, vendor_request_id
           from submissions
           where batch_id = $1 and (vendor_message <> '' or state in ('refused', 'in_doubt'))
           order by id desc limit $2"#,
        batch.0,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Returns a batch's submissions in doubt, oldest first.
pub async fn in_doubt(db: &PgPool, batch: BatchId, limit: i64) -> sqlx::Result<Vec<Submission>> {
    sqlx::query_as!(
        Submission,
        r#"select id as "id: SubmissionId", state as "state: SubmissionState", n, attempts, sent_at,
             answered_at, next_try_at, session_no, ret_code, vendor_message, vendor_request_id
           from submissions where batch_id = $1 and state = 'in_doubt' order by id limit $2"#,
        batch.0,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Returns the submission with a session number whose call the vendor accepted with a complaint.
pub async fn complaint(
    db: &PgPool,
    project: ProjectId,
    session_no: &str,
) -> sqlx::Result<Option<Submission>> {
    sqlx::query_as!(
        Submission,
        r#"select id as "id: SubmissionId", state as "state: SubmissionState", n, attempts, sent_at,
             answered_at, next_try_at, session_no, ret_code, vendor_message, vendor_request_id
           from submissions
           where session_no = $2 and project_id = $1 and ret_code <> 0 and vendor_message <> ''
             and state in ('accepted', 'partly')
           limit 1"#,
        project.0,
        session_no,
    )
    .fetch_optional(db)
    .await
}

/// Returns how many messages of a batch the vendor has accepted since `since`.
pub async fn sent_since(db: &PgPool, batch: BatchId, since: OffsetDateTime) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(n), 0) as "sum!" from submissions
           where batch_id = $1 and answered_at >= $2 and state in ('accepted', 'partly')"#,
        batch.0,
        since,
    )
    .fetch_one(db)
    .await
}

/// The messages of a batch that no call is to be made for, or whose call is being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Messages cancelled before a call was made for them, recipients that are no messages yet
    /// included.
    pub cancelled: i64,
    /// Messages whose call is under way: they may arrive.
    pub under_way: i64,
}

/// Counts what was cancelled in a cancelled batch, and what is under way.
pub async fn stopped(db: impl PgExecutor<'_>, batch: BatchId) -> sqlx::Result<Stopped> {
    sqlx::query_as!(
        Stopped,
        r#"select b.total - s.n + s.cancelled as "cancelled!", s.under_way as "under_way!"
           from batches b
           cross join lateral (
             select coalesce(sum(n), 0) as n,
               coalesce(sum(open) filter (where state = 'cancelled'), 0) as cancelled,
               coalesce(sum(open) filter (where state = 'in_flight'), 0) as under_way
             from (
               select state, n, n - delivered - failed - unknown - refused - suppressed as open
               from submissions where batch_id = b.id
             ) each
           ) s
           where b.id = $1"#,
        batch.0,
    )
    .fetch_one(db)
    .await
}

/// Returns how many messages of a batch are under way: their call is being made.
pub async fn under_way(db: impl PgExecutor<'_>, batch: BatchId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(n - delivered - failed - unknown - refused - suppressed), 0) as "n!"
           from submissions where batch_id = $1 and state = 'in_flight'"#,
        batch.0,
    )
    .fetch_one(db)
    .await
}

/// Returns the session numbers of a batch, oldest first.
pub async fn sessions(db: &PgPool, batch: BatchId, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select session_no as "session_no!" from submissions
           where batch_id = $1 and session_no is not null order by id limit $2"#,
        batch.0,
        limit,
    )
    .fetch_all(db)
    .await
}
