//! Receipts becoming outcomes. Whatever arrives twice, late or in the wrong order changes nothing:
//! a final outcome never goes back, and only `unknown` may still become something better known.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::domain::ids::{BatchId, MessageId, ProjectId, SubmissionId, TemplateId};
use crate::domain::message::Outcome;

/// A receipt in the console's words, not yet matched to a message.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The vendor's session number.
    pub session_no: String,
    /// The phone, normalised; masked ones keep their stars.
    pub phone: String,
    /// The `UserId` the sender gave, as it came back.
    pub user_id: String,
    /// The submission that `user_id` names, if it is ours.
    pub submission: Option<SubmissionId>,
    /// The message that `user_id` names, if it is ours.
    pub message: Option<MessageId>,
    /// What the carrier says.
    pub outcome: Outcome,
    /// The code, as it came.
    pub code: String,
    /// The carrier's own words.
    pub description: String,
    /// The cause the code stands for.
    pub category: &'static str,
    /// Billed pieces.
    pub parts: i32,
    /// When the carrier says it ended.
    pub receipt_at: Option<OffsetDateTime>,
}

/// The message a receipt belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Match {
    /// Position of the receipt in what was asked.
    pub place: usize,
    /// The message.
    pub message: MessageId,
    /// Its submission.
    pub submission: SubmissionId,
    /// Its batch.
    pub batch: BatchId,
    /// Its template.
    pub template: TemplateId,
}

/// Finds the messages that receipts belong to: by session number and phone, or by our own `UserId`
/// and phone. A masked phone matches when only one phone of the submission fits it.
pub async fn matches(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[&Incoming],
) -> sqlx::Result<Vec<Match>> {
    let sessions: Vec<&str> = incoming.iter().map(|one| one.session_no.as_str()).collect();
    let phones: Vec<&str> = incoming.iter().map(|one| one.phone.as_str()).collect();
    let submissions: Vec<i64> =
        incoming.iter().map(|one| one.submission.map_or(0, |id| id.0)).collect();
    let messages: Vec<i64> = incoming.iter().map(|one| one.message.map_or(0, |id| id.0)).collect();
    let rows = sqlx::query!(
        r#"select wanted.place as "place!", m.id as "message: MessageId",
             s.id as "submission!: SubmissionId", s.batch_id as "batch!: BatchId",
             m.template_id as "template: TemplateId"
           from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[])
             with ordinality as wanted (session_no, phone, submission, message, place)
           cross join lateral (
             (select id, batch_id from submissions
              where session_no = wanted.session_no and project_id = $1 limit 1)
             union all
             (select id, batch_id from submissions
              where id = wanted.submission and project_id = $1)
             union all
             (select submission_id, batch_id from messages
              where id = wanted.message and project_id = $1
                and phone like replace(wanted.phone, '*', '_'))
             limit 1
           ) s
           cross join lateral (
             select min(id) as id, min(template_id) as template_id
             from messages
             where submission_id = s.id
               and case when wanted.phone like '%*%'
                 then phone like replace(wanted.phone, '*', '_')
                 else phone = wanted.phone end
             having count(*) = 1
           ) m(id, template_id)
           where m.id is not null"#,
        project.0,
        &sessions as &[&str],
        &phones as &[&str],
        &submissions,
        &messages,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Match {
                place: usize::try_from(row.place - 1).ok()?,
                message: row.message?,
                submission: row.submission,
                batch: row.batch,
                template: row.template?,
            })
        })
        .collect())
}

/// Locks submissions in the order of their ids, so that two settlers never wait for each other in a
/// circle.
pub async fn lock(db: &mut PgConnection, submissions: &[SubmissionId]) -> sqlx::Result<()> {
    let numbers: Vec<i64> = submissions.iter().map(|id| id.0).collect();
    sqlx::query!(
        r#"select id from submissions where id = any($1) order by id for update"#,
        &numbers,
    )
    .fetch_all(db)
    .await?;
    Ok(())
}

/// A receipt proves that the call was taken: whatever stood open about it is settled.
pub async fn prove(
    db: &mut PgConnection,
    submission: SubmissionId,
    session_no: &str,
    now: OffsetDateTime,
    next_poll_at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update submissions
           set state = case when state in ('ready', 'in_flight', 'in_doubt')
               then 'accepted'::submission_state else state end,
             session_no = coalesce(session_no, nullif($2, '')),
             sent_at = coalesce(sent_at, $3), answered_at = coalesce(answered_at, $3),
             lease_until = null, answer = '',
             next_poll_at = coalesce(next_poll_at, $4)
           where id = $1 and (state in ('ready', 'in_flight', 'in_doubt')
             or (session_no is null and state = 'accepted'))"#,
        submission.0,
        session_no,
        now,
        next_poll_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The number of a reason, kept once per code and words.
pub async fn keep_reason(
    db: &mut PgConnection,
    code: &str,
    description: &str,
    category: &str,
) -> sqlx::Result<i32> {
    let known = sqlx::query_scalar!(
        r#"select id from reasons where code = $1 and description = $2"#,
        code,
        description,
    )
    .fetch_optional(&mut *db)
    .await?;
    if let Some(id) = known {
        return Ok(id);
    }
    sqlx::query_scalar!(
        r#"insert into reasons (code, description, category) values ($1, $2, $3)
           on conflict (code, description) do update set category = excluded.category
           returning id"#,
        code,
        description,
        category,
    )
    .fetch_one(db)
    .await
}

/// Writes outcomes of the project's own messages and moves their submissions' counters by exactly
/// what changed. The submissions must be locked. Answers the batches touched, each once, in order.
pub async fn write(
    db: &mut PgConnection,
    project: ProjectId,
    outcomes: &[(Match, &Incoming, i32)],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let ids: Vec<i64> = outcomes.iter().map(|(of, _, _)| of.message.0).collect();
    let submissions: Vec<i64> = outcomes.iter().map(|(of, _, _)| of.submission.0).collect();
    let batches: Vec<i64> = outcomes.iter().map(|(of, _, _)| of.batch.0).collect();
    let templates: Vec<i64> = outcomes.iter().map(|(of, _, _)| of.template.0).collect();
    let what: Vec<Outcome> = outcomes.iter().map(|(_, one, _)| one.outcome).collect();
    let reasons: Vec<i32> = outcomes.iter().map(|(_, _, reason)| *reason).collect();
    let parts: Vec<i32> = outcomes.iter().map(|(_, one, _)| one.parts).collect();
    let times: Vec<Option<OffsetDateTime>> =
        outcomes.iter().map(|(_, one, _)| one.receipt_at).collect();
    sqlx::query!(
        r#"with incoming as (
             select * from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
               $6::outcome[], $7::int[], $8::int[], $9::timestamptz[])
               as t (id, submission_id, batch_id, template_id, outcome, reason_id, parts,
                 receipt_at)
           ), before as (
             select id, outcome from outcomes where id = any($2::bigint[])
           ), written as (
             insert into outcomes
               (id, project_id, submission_id, batch_id, template_id, outcome, reason_id, parts,
                receipt_at, recorded_at)
             select id, $1, submission_id, batch_id, template_id, outcome, reason_id, parts,
               receipt_at, $10
             from incoming
             on conflict (id) do update set
               outcome = excluded.outcome, reason_id = excluded.reason_id,
               parts = excluded.parts, receipt_at = excluded.receipt_at,
               recorded_at = excluded.recorded_at
             where outcomes.outcome = 'unknown' and excluded.outcome <> 'unknown'
             returning id, submission_id, outcome
           ), moved as (
             select w.submission_id,
               count(*) filter (where w.outcome = 'delivered') as delivered,
               count(*) filter (where w.outcome = 'failed') as failed,
               count(*) filter (where w.outcome = 'unknown')
                 - count(*) filter (where before.outcome = 'unknown') as unknown
             from written w left join before on before.id = w.id
             group by w.submission_id
           )
           update submissions s
           set delivered = s.delivered + moved.delivered, failed = s.failed + moved.failed,
             unknown = s.unknown + moved.unknown,
             settled = s.state = 'cancelled' or s.delivered + moved.delivered + s.failed + moved.failed + s.unknown
               + moved.unknown + s.refused + s.suppressed = s.n
           from moved where s.id = moved.submission_id"#,
        project.0,
        &ids,
        &submissions,
        &batches,
        &templates,
        &what as &[Outcome],
        &reasons,
        &parts,
        &times as &[Option<OffsetDateTime>],
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives every message of a submission that still waits the outcome `unknown`.
pub async fn give_up(
    db: &mut PgConnection,
    submission: SubmissionId,
    now: OffsetDateTime,
) -> sqlx::Result<Option<BatchId>> {
    lock(db, &[submission]).await?;
    let reason = keep_reason(db, "72h", "", "unknown").await?;
    sqlx::query!(
        r#"insert into outcomes
             (id, project_id, submission_id, batch_id, template_id, outcome, reason_id, parts,
              recorded_at)
           select id, project_id, submission_id, batch_id, template_id, 'unknown', $2, 0, $3
           from messages where submission_id = $1
           on conflict (id) do nothing"#,
        submission.0,
        reason,
        now,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query_scalar!(
        r#"update submissions
           set unknown = n - delivered - failed - refused - suppressed, settled = true
           where id = $1 and state in ('accepted', 'partly') and not settled
           returning batch_id as "batch: BatchId""#,
        submission.0,
    )
    .fetch_optional(db)
    .await
}

/// Holds a session number for the rest of the transaction, so that a receipt which looks foreign
/// and the answer that makes it ours cannot pass each other.
pub async fn hold_session(
    db: &mut PgConnection,
    project: ProjectId,
    session_no: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"select pg_advisory_xact_lock(hashtextextended($2, $1))"#,
        project.0,
        session_no,
    )
    .fetch_one(db)
    .await?;
    Ok(())
}

/// Keeps the receipt of a message that another program of the account sent.
pub async fn keep_foreign(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &Incoming,
    reason: i32,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into foreign_messages
             (id, project_id, session_no, phone, user_id, outcome, reason_id, parts, receipt_at,
              recorded_at)
           values (new_id($1), $2, $3, $4, $5, $6, $7, $8, $9, $1)
           on conflict (project_id, session_no, phone) do update set
             outcome = excluded.outcome, reason_id = excluded.reason_id, parts = excluded.parts,
             receipt_at = excluded.receipt_at, recorded_at = excluded.recorded_at
           where foreign_messages.outcome = 'unknown' and excluded.outcome <> 'unknown'"#,
        now,
        project.0,
        incoming.session_no,
        incoming.phone,
        incoming.user_id,
        incoming.outcome as Outcome,
        reason,
        incoming.parts,
        incoming.receipt_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes back what was kept as foreign under a session number that turned out to be ours.
pub async fn adopt(
    db: &mut PgConnection,
    project: ProjectId,
    session_no: &str,
) -> sqlx::Result<Vec<Adopted>> {
    sqlx::query_as!(
        Adopted,
        r#"delete from foreign_messages f using reasons r
           where f.project_id = $1 and f.session_no = $2 and r.id = f.reason_id
           returning f.phone, f.user_id, f.outcome as "outcome: Outcome", r.code, r.description,
             r.category, f.parts, f.receipt_at"#,
        project.0,
        session_no,
    )
    .fetch_all(db)
    .await
}

/// A receipt that was kept as foreign.
#[derive(Debug, Clone)]
pub struct Adopted {
    /// The phone.
    pub phone: String,
    /// The `UserId` the sender gave.
    pub user_id: String,
    /// What the carrier says.
    pub outcome: Outcome,
    /// The code, as it came.
    pub code: String,
    /// The carrier's own words.
    pub description: String,
    /// The cause the code stands for.
    pub category: String,
    /// Billed pieces.
    pub parts: i32,
    /// When the carrier says it ended.
    pub receipt_at: Option<OffsetDateTime>,
}
