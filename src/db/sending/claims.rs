//! Claims: each gives the next sendable submission to one process, for one call. A claim is
//! committed before its call.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{batch_transitions, call_slots, workers};
use crate::db::recovery::installation::Seen;
use crate::db::replies::suppressions;
use crate::domain::ids::{BatchId, ProjectId, SignatureId, SubmissionId, TemplateId};

/// A submission that this process may send, once.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The submission.
    pub id: SubmissionId,
    /// The project whose keys sign the call.
    pub project_id: ProjectId,
    /// Its batch.
    pub batch_id: BatchId,
    /// Our id of its template.
    pub template_id: TemplateId,
    /// Our id of its signature.
    pub signature_id: Option<SignatureId>,
    /// The vendor's template id.
    pub vendor_template_id: String,
    /// The signature's content.
    pub sig_content: String,
    /// How often it was claimed, including this time.
    pub attempts: i32,
    /// 0 for the trial batch, 1 for the rest.
    pub wave: i16,
    /// The first and last row of the recipient list; `None` if it came without a list.
    pub rows: Option<(i32, i32)>,
    /// The number of messages.
    pub n: i32,
    /// The number of messages in the whole batch.
    pub total: i32,
    /// Whether every phone has its own values.
    pub each_own: bool,
    /// When it was claimed.
    pub claimed_at: OffsetDateTime,
    /// When it becomes in doubt if nothing was recorded. It also identifies this claim: a late or
    /// repeated record changes nothing if the submission was claimed again since.
    pub lease_until: OffsetDateTime,
    /// The process that claimed it; no other may conclude that it was not sent.
    pub worker: Uuid,
    /// Identifies this claim within its process: the same submission may be claimed again as soon as it
    /// is back in the queue.
    pub token: Uuid,
}

/// The limits and circumstances of a claim.
#[derive(Debug, Clone)]
pub struct ClaimRules {
    /// How long a submission may be in flight before it is in doubt.
    pub lease: Duration,
    /// How fast one project may make calls.
    pub pace: call_slots::Pace,
    /// How many calls of one project may run at the same time, over all processes.
    pub concurrency: i64,
    /// The claiming process.
    pub worker: Uuid,
    /// Submissions of this process whose calls have ended and are being recorded; they do not count
    /// as running.
    pub ended: Vec<SubmissionId>,
    /// Whether marketing may be sent now.
    pub marketing_open: bool,
    /// How many submissions may be claimed beyond `concurrency` while this process makes all calls
    /// of a project. They wait in the process until a call ends.
    pub ahead: i64,
    /// What this process knows of the database. One that is behind it went back, and gives nothing.
    pub seen: Option<Seen>,
}

/// The result of an attempt to claim a submission.
#[derive(Debug)]
pub enum Claim {
    /// This submission is to be sent.
    Won(Box<Claimed>),
    /// Phones that opted out were removed from the next submission; the caller may claim again at
    /// once.
    PhonesRemoved,
    /// Nothing may be sent now.
    Nothing,
}

/// Claims the next submission whose project may make a call now, and commits its `in_flight` state
/// and call slot.
///
/// The statement is a database function because claims are the only step of sending that runs one
/// after the other.
pub async fn claim(db: &PgPool, rules: &ClaimRules, now: OffsetDateTime) -> sqlx::Result<Claim> {
    let ended: Vec<i64> = rules.ended.iter().map(|id| id.0).collect();
    // The function returns the rows themselves: a join here would use the snapshot of the beginning
    // of this statement and miss a submission that was planned since.
    let row = sqlx::query!(
        r#"select to_take_out as "to_take_out: SubmissionId", (claimed).id as "id: SubmissionId",
             (claimed).project_id as "project_id: ProjectId", (claimed).batch_id as "batch_id: BatchId",
             (batch).template_id as "template_id: TemplateId",
             (batch).signature_id as "signature_id: SignatureId",
             (batch).vendor_template_id, (batch).sig_content, (claimed).attempts, (claimed).n,
             (claimed).wave, (claimed).first_row, (claimed).last_row,
             (batch).total, (batch).each_own, (claimed).lease_until
           from claim_submission($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"#,
        now,
        now + rules.lease,
        now + rules.pace.burst,
        interval(rules.pace.interval),
        rules.marketing_open,
        rules.concurrency,
        rules.worker,
        now - workers::DEAD_AFTER,
        &ended,
        rules.ahead,
        rules.seen.map(|seen| seen.position),
        rules.seen.map(|seen| seen.row),
    )
    .fetch_one(db)
    .await?;
    if let Some(id) = row.to_take_out {
        remove_suppressed(db, id, now).await?;
        return Ok(Claim::PhonesRemoved);
    }
    let Some(id) = row.id else { return Ok(Claim::Nothing) };
    let claimed = || {
        Some(Claimed {
            id,
            project_id: row.project_id?,
            batch_id: row.batch_id?,
            template_id: row.template_id?,
            signature_id: row.signature_id,
            vendor_template_id: row.vendor_template_id?,
            sig_content: row.sig_content?,
            attempts: row.attempts?,
            wave: row.wave?,
            rows: row.first_row.zip(row.last_row),
            n: row.n?,
            total: row.total?,
            each_own: row.each_own?,
            claimed_at: now,
            lease_until: row.lease_until?,
            worker: rules.worker,
            token: Uuid::new_v4(),
        })
    };
    match claimed() {
        Some(claimed) => Ok(Claim::Won(Box::new(claimed))),
        None => Err(sqlx::Error::Protocol(format!("submission {id} was claimed without its row"))),
    }
}

/// Returns claims of `worker` that it does not know about to the queue, with their submissions and
/// batches. The database's reply to those claims was lost, so no call was ever made for them.
///
/// Only the claiming process may conclude that, and only while the lease is running. The caller
/// must ensure that none of its claims is under way.
pub async fn requeue_unknown(
    db: &mut PgConnection,
    worker: Uuid,
    known: &[SubmissionId],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<(SubmissionId, BatchId)>> {
    let known: Vec<i64> = known.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"update submissions
           set state = 'ready', next_try_at = $2, lease_until = null, sent_at = null,
             attempts = attempts - 1
           where id in (select id from submissions
             where state = 'in_flight' and worker = $1 and lease_until > $2 and id <> all($3)
             order by id for update skip locked)
           returning id as "id: SubmissionId", batch_id as "batch_id: BatchId""#,
        worker,
        now,
        &known,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.batch_id)).collect())
}

/// Removes phones that opted out from a waiting submission, unless another process claims it at
/// this moment.
async fn remove_suppressed(db: &PgPool, id: SubmissionId, now: OffsetDateTime) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    let waiting_batch = sqlx::query_scalar!(
        r#"select batch_id as "batch: BatchId" from submissions
           where id = $1 and state = 'ready' for update skip locked"#,
        id.0,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(batch) = waiting_batch {
        suppressions::suppress_messages(&mut tx, id, now).await?;
        batch_transitions::close(&mut tx, batch, now).await?;
    }
    tx.commit().await
}

/// Converts a duration to a PostgreSQL interval.
pub(in crate::db) fn interval(duration: Duration) -> sqlx::postgres::types::PgInterval {
    sqlx::postgres::types::PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(duration.whole_microseconds()).unwrap_or(i64::MAX),
    }
}
