//! Claims: the next submission that may leave, for one process and once. A claim is committed before
//! its call.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{batch_transitions, call_slots, suppressions, workers};
use crate::domain::ids::{BatchId, ProjectId, SignatureId, SubmissionId, TemplateId};

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
    /// Number of messages of the whole batch.
    pub total: i32,
    /// Every phone has values of its own.
    pub each_own: bool,
    /// When it becomes in doubt if nothing was recorded. Also the mark of this one claim: what is
    /// recorded late, or twice, moves nothing that somebody else claimed since.
    pub lease_until: OffsetDateTime,
    /// The process that claimed it: no other may say that it was not sent.
    pub worker: Uuid,
}

/// How claims are made.
#[derive(Debug, Clone)]
pub struct ClaimRules {
    /// After this long in flight without an end, a submission is in doubt.
    pub lease: Duration,
    /// How fast one project may call.
    pub pace: call_slots::Pace,
    /// Calls of one project under way at once, over all processes.
    pub concurrency: i64,
    /// The process that claims.
    pub worker: Uuid,
    /// Calls of this process that have ended and are being recorded: they are not under way.
    pub ended: Vec<SubmissionId>,
    /// Whether marketing may leave now.
    pub marketing_open: bool,
    /// So many may be claimed beyond `concurrency` while this process makes all calls of a project.
    /// They wait in it for the end of a call.
    pub ahead: i64,
}

/// What a look for the next submission came to.
#[derive(Debug)]
pub enum Claim {
    /// This one is to be sent.
    Won(Box<Claimed>),
    /// Phones that opted out were taken out of the next one: it may be looked for again at once.
    TakenOut,
    /// Nothing may leave now.
    Nothing,
}

/// Claims the next submission whose project may call now: commits `in_flight` and the taken slot.
/// The statement is a function of the database, since claims are the only step of sending that is
/// taken one after the other.
pub async fn claim(db: &PgPool, rules: &ClaimRules, now: OffsetDateTime) -> sqlx::Result<Claim> {
    let ended: Vec<i64> = rules.ended.iter().map(|id| id.0).collect();
    // The function returns the rows themselves: a join to them here would read as of the beginning of
    // this statement, and miss a submission that was planned since.
    let found = sqlx::query!(
        r#"select to_take_out as "to_take_out: SubmissionId", (claimed).id as "id: SubmissionId",
             (claimed).project_id as "project_id: ProjectId", (claimed).batch_id as "batch_id: BatchId",
             (batch).template_id as "template_id: TemplateId",
             (batch).signature_id as "signature_id: SignatureId",
             (batch).vendor_template_id, (batch).sig_content, (claimed).attempts, (claimed).n,
             (batch).total, (batch).each_own, (claimed).lease_until
           from claim_submission($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"#,
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
    )
    .fetch_one(db)
    .await?;
    if let Some(id) = found.to_take_out {
        take_out(db, id, now).await?;
        return Ok(Claim::TakenOut);
    }
    let Some(id) = found.id else { return Ok(Claim::Nothing) };
    let claimed = || {
        Some(Claimed {
            id,
            project_id: found.project_id?,
            batch_id: found.batch_id?,
            template_id: found.template_id?,
            signature_id: found.signature_id?,
            vendor_template_id: found.vendor_template_id?,
            sig_content: found.sig_content?,
            attempts: found.attempts?,
            n: found.n?,
            total: found.total?,
            each_own: found.each_own?,
            lease_until: found.lease_until?,
            worker: rules.worker,
        })
    };
    match claimed() {
        Some(claimed) => Ok(Claim::Won(Box::new(claimed))),
        None => Err(sqlx::Error::Protocol(format!("submission {id} was claimed without its row"))),
    }
}

/// Puts claims of `worker` that it does not know of back into the queue: their answer was lost on the
/// way here, so they were never called. Only the process that claimed may conclude that, and only while
/// the lease runs; the caller sees to it that no claim of it is under way. Returns which.
pub async fn put_back_unknown(
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

/// Takes phones that opted out from a submission that waits, unless another process claimed it in
/// this moment.
async fn take_out(db: &PgPool, id: SubmissionId, now: OffsetDateTime) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    let waiting = sqlx::query_scalar!(
        r#"select batch_id as "batch: BatchId" from submissions
           where id = $1 and state = 'ready' for update skip locked"#,
        id.0,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(batch) = waiting {
        suppressions::take_out(&mut tx, id, now).await?;
        batch_transitions::close(&mut tx, batch, now).await?;
    }
    tx.commit().await
}

/// As the database reckons with it.
pub(super) fn interval(duration: Duration) -> sqlx::postgres::types::PgInterval {
    sqlx::postgres::types::PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(duration.whole_microseconds()).unwrap_or(i64::MAX),
    }
}
