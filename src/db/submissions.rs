//! Submissions: the queue of calls. A claim is committed before its call, no lock is held while the
//! call runs, and the outcome is committed after it.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use super::call_slots;
use crate::domain::batch::SubmissionState;
use crate::domain::ids::{BatchId, ProjectId, SignatureId, SubmissionId, TemplateId};
use crate::domain::trouble::Trouble;

/// Stores a submission of `n` messages that may be claimed from `now` on.
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

/// A submission this process may send, once.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The submission.
    pub id: SubmissionId,
    /// Whose keys sign the call.
    pub project_id: ProjectId,
    /// The order it belongs to.
    pub batch_id: BatchId,
    /// Its template, as we keep it.
    pub template_id: TemplateId,
    /// Its signature, as we keep it.
    pub signature_id: SignatureId,
    /// The vendor's id of that template.
    pub vendor_template_id: String,
    /// The signature's content.
    pub sig_content: String,
    /// How often it was claimed, this time included.
    pub attempts: i32,
    /// Number of messages.
    pub n: i32,
    /// When it becomes in doubt if nothing was recorded. Also the mark of this one claim: what is
    /// recorded late, or twice, moves nothing that somebody else claimed since.
    pub lease_until: OffsetDateTime,
}

/// How claims are made.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRules {
    /// After this long in flight without an end, a submission is in doubt.
    pub lease: Duration,
    /// How fast one project may call.
    pub pace: call_slots::Pace,
    /// Whether marketing may leave now.
    pub marketing_open: bool,
}

/// Claims the next submission whose project may call now: commits `in_flight` and the taken slot.
pub async fn claim(
    db: &PgPool,
    rules: ClaimRules,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Claimed>> {
    let mut tx = db.begin().await?;
    let claimed = sqlx::query_as!(
        Claimed,
        r#"with next as (
             select s.id
             from submissions s
             join batches b on b.id = s.batch_id
             left join call_slots c on c.project_id = s.project_id
             where s.state = 'ready' and s.next_try_at <= $1
               and b.state = 'sending' and ($3 or b.purpose <> 'marketing')
               and coalesce(c.next_at <= $4, true)
             order by s.next_try_at, s.id limit 1
             for update of s skip locked
           )
           update submissions s
           set state = 'in_flight', attempts = attempts + 1, lease_until = $2, sent_at = $1
           from next, batches b
           where s.id = next.id and b.id = s.batch_id
           returning s.id as "id: SubmissionId", s.project_id as "project_id: ProjectId",
             s.batch_id as "batch_id: BatchId", b.template_id as "template_id: TemplateId",
             b.signature_id as "signature_id: SignatureId", b.vendor_template_id, b.sig_content, s.attempts, s.n, s.lease_until as "lease_until!""#,
        now,
        now + rules.lease,
        rules.marketing_open,
        now + rules.pace.burst,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(claimed) = claimed else { return Ok(None) };
    if !call_slots::take(&mut tx, claimed.project_id, rules.pace, now).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    tx.commit().await?;
    Ok(Some(claimed))
}

/// Records that the vendor took all of it under `session_no`. Answers whether it was still open:
/// `false` when a receipt had proved it before, or a person had decided.
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
             next_poll_at = $5, lease_until = null, answer = ''
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

/// Records that the vendor took none of it, and why; every message of it becomes refused.
pub async fn refuse(
    db: &mut PgConnection,
    claimed: &Claimed,
    ret_code: i32,
    answer: &str,
    request_id: &str,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update submissions
           set state = 'refused', ret_code = $2, answer = $3, vendor_request_id = $4,
             answered_at = $5, lease_until = null, refused = n, settled = true
           where id = $1 and state = 'in_flight' and lease_until = $6"#,
        claimed.id.0,
        ret_code,
        answer,
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
    let reason = super::receipts::keep_reason(db, &code, answer, "refused").await?;
    sqlx::query!(
        r#"insert into outcomes
             (id, project_id, submission_id, batch_id, template_id, outcome, reason_id, parts,
              recorded_at)
           select id, project_id, submission_id, batch_id, template_id, 'refused', $2, 0, $3
           from messages where submission_id = $1"#,
        claimed.id.0,
        reason,
        now,
    )
    .execute(&mut *db)
    .await?;
    Ok(true)
}

/// Puts a submission that surely was not taken back into the queue.
pub async fn ready_again(
    db: &mut PgConnection,
    claimed: &Claimed,
    next_try_at: OffsetDateTime,
    ret_code: Option<i32>,
    why: &str,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update submissions
           set state = 'ready', next_try_at = $2, lease_until = null, sent_at = null,
             ret_code = $3, answer = $4
           where id = $1 and state = 'in_flight' and lease_until = $5"#,
        claimed.id.0,
        next_try_at,
        ret_code,
        why,
        claimed.lease_until,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"update submissions s set state = 'cancelled', settled = true
           from batches b
           where s.id = $1 and s.state = 'ready' and b.id = s.batch_id and b.state = 'cancelled'"#,
        claimed.id.0,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Records that nobody can say whether it was taken. Nothing but a receipt or a person moves it on.
pub async fn doubt(
    db: &mut PgConnection,
    claimed: &Claimed,
    ret_code: Option<i32>,
    why: &str,
    request_id: &str,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update submissions
           set state = 'in_doubt', lease_until = null, ret_code = $2, answer = $3,
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

/// Puts in doubt what was in flight when its process died: its lease ran out. Answers which.
pub async fn doubt_expired(
    db: &mut PgConnection,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<(SubmissionId, BatchId)>> {
    let rows = sqlx::query!(
        r#"update submissions
           set state = 'in_doubt', lease_until = null, answer = $2
           where id in (select id from submissions
             where state = 'in_flight' and lease_until < $1
             order by id for update skip locked)
           returning id as "id: SubmissionId", batch_id as "batch_id: BatchId""#,
        now,
        Trouble::Lease.stored(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.batch_id)).collect())
}

/// A person's word on a submission in doubt: it counts as sent, and receipts are awaited.
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

/// A person's word on a submission in doubt: it goes out again.
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
             answer = ''
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
    /// Where it stands.
    pub state: SubmissionState,
    /// Number of messages.
    pub n: i32,
    /// How often it was tried.
    pub attempts: i32,
    /// When the last call left.
    pub sent_at: Option<OffsetDateTime>,
    /// When the vendor answered.
    pub answered_at: Option<OffsetDateTime>,
    /// When it is tried next, while it is ready.
    pub next_try_at: OffsetDateTime,
    /// The vendor's session number.
    pub session_no: Option<String>,
    /// The vendor's code, when it said no.
    pub ret_code: Option<i32>,
    /// The vendor's words, or ours on why nothing was heard.
    pub answer: String,
    /// The vendor's id of the call, to give to its support.
    pub vendor_request_id: String,
}

/// What is worth a person's eye in a batch: tries that failed, refusals, doubts; newest first.
pub async fn troubles(db: &PgPool, batch: BatchId, limit: i64) -> sqlx::Result<Vec<Submission>> {
    sqlx::query_as!(
        Submission,
        r#"select id as "id: SubmissionId", state as "state: SubmissionState", n, attempts, sent_at,
             answered_at, next_try_at, session_no, ret_code, answer, vendor_request_id
           from submissions
           where batch_id = $1 and (answer <> '' or state in ('refused', 'in_doubt'))
           order by id desc limit $2"#,
        batch.0,
        limit,
    )
    .fetch_all(db)
    .await
}

/// A batch's submissions in doubt, oldest first.
pub async fn in_doubt(db: &PgPool, batch: BatchId, limit: i64) -> sqlx::Result<Vec<Submission>> {
    sqlx::query_as!(
        Submission,
        r#"select id as "id: SubmissionId", state as "state: SubmissionState", n, attempts, sent_at,
             answered_at, next_try_at, session_no, ret_code, answer, vendor_request_id
           from submissions where batch_id = $1 and state = 'in_doubt' order by id limit $2"#,
        batch.0,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The session numbers of a batch, oldest first.
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

/// A session that is due to be asked about.
#[derive(Debug, Clone)]
pub struct DuePoll {
    /// The submission.
    pub id: SubmissionId,
    /// Whose keys sign the call.
    pub project_id: ProjectId,
    /// The vendor's session number; a submission treated as sent may have none.
    pub session_no: Option<String>,
    /// When it left.
    pub sent_at: OffsetDateTime,
}

/// Takes up to `limit` submissions of one project that are due to be asked about and moves their
/// next turn: from `first`, doubling, to `longest`. Processes never take the same turn twice.
pub async fn take_due_polls(
    db: &PgPool,
    now: OffsetDateTime,
    first: Duration,
    longest: Duration,
    limit: i64,
) -> sqlx::Result<Vec<DuePoll>> {
    sqlx::query_as!(
        DuePoll,
        r#"with project as (
             select project_id as id from submissions
             where next_poll_at <= $1 and not settled
             order by next_poll_at limit 1
           ), due as (
             select s.id from submissions s, project
             where s.next_poll_at <= $1 and not s.settled and s.project_id = project.id
             order by s.next_poll_at limit $4
             for update of s skip locked
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
    )
    .fetch_all(db)
    .await
}

fn interval(duration: Duration) -> sqlx::postgres::types::PgInterval {
    sqlx::postgres::types::PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(duration.whole_microseconds()).unwrap_or(i64::MAX),
    }
}
