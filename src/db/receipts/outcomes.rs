//! Turns receipts into outcomes. Repeated, late or reordered receipts change nothing; what a message
//! with an outcome may still become is decided by [`Changes`].

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::overruled_receipts;
use super::receipt_matches::{Match, lock, pattern};
use super::reported::{Columns, Incoming, Reason, ReasonedReceipt};
use crate::domain::ids::{BatchId, MessageId, NUMBERS_A_DAY, ProjectId, SubmissionId};
use crate::domain::receipt::{Changes, Overruled};
use crate::domain::sending::message::Outcome;

/// Returns the submissions of session numbers; each session number must be passed once. Session
/// numbers of other programs are left out.
pub async fn of_sessions(
    db: &mut PgConnection,
    project: ProjectId,
    sessions: &[&str],
) -> sqlx::Result<Vec<(String, SubmissionId)>> {
    let rows = sqlx::query!(
        r#"select wanted.session_no as "session_no!", s.id as "id!: SubmissionId"
           from unnest($2::text[]) as wanted (session_no)
           cross join lateral (
             select id from submissions
             where session_no = wanted.session_no and project_id = $1 order by id limit 1
           ) s"#,
        project.0,
        sessions as &[&str],
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.session_no, row.id)).collect())
}

/// Returns the submissions of receipts with a `UserId` of ours, each with the first element of its
/// entry in `incoming`. Other programs may use the same `UserId`, so the phone is compared too.
pub async fn of_user_ids(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[(usize, &Incoming)],
) -> sqlx::Result<Vec<(usize, SubmissionId)>> {
    let submissions: Vec<i64> =
        incoming.iter().map(|(_, receipt)| receipt.submission.map_or(0, |id| id.0)).collect();
    let messages: Vec<i64> =
        incoming.iter().map(|(_, receipt)| receipt.message.map_or(0, |id| id.0)).collect();
    let phones: Vec<String> = incoming.iter().map(|(_, receipt)| pattern(&receipt.phone)).collect();
    let rows = sqlx::query!(
        r#"select wanted.place as "place!", m.submission_id as "id!: SubmissionId"
           from unnest($2::bigint[], $3::bigint[], $4::text[])
             with ordinality as wanted (submission, message, phone, place)
           cross join lateral (
             (select submission_id from messages
              where id = wanted.message and project_id = $1 and phone like wanted.phone)
             union all
             (select submission_id from messages
              where submission_id = wanted.submission and project_id = $1
                and id between wanted.submission - $5 and wanted.submission + $5
                and phone like wanted.phone
              limit 1)
             limit 1
           ) m"#,
        project.0,
        &submissions,
        &messages,
        &phones,
        NUMBERS_A_DAY,
    )
    .fetch_all(db)
    .await?;
    let entry = |ordinality: i64| {
        usize::try_from(ordinality - 1).ok().and_then(|index| incoming.get(index))
    };
    Ok(rows.into_iter().filter_map(|row| Some((entry(row.place)?.0, row.id))).collect())
}

/// Accepts submissions whose calls are proved by receipts, if that was still open. Returns the
/// batches that changed.
pub async fn prove(
    db: &mut PgConnection,
    submissions: &BTreeMap<SubmissionId, &str>,
    now: OffsetDateTime,
    next_poll_at: OffsetDateTime,
) -> sqlx::Result<Vec<BatchId>> {
    let ids: Vec<i64> = submissions.keys().map(|id| id.0).collect();
    let sessions: Vec<&str> = submissions.values().copied().collect();
    sqlx::query_scalar!(
        r#"update submissions s
           set state = case when s.state in ('ready', 'in_flight', 'in_doubt')
               then 'accepted'::submission_state else s.state end,
             session_no = coalesce(s.session_no, nullif(proof.session_no, '')),
             sent_at = coalesce(s.sent_at, $3), answered_at = coalesce(s.answered_at, $3),
             lease_until = null, vendor_message = '', next_poll_at = coalesce(s.next_poll_at, $4)
           from unnest($1::bigint[], $2::text[]) as proof (id, session_no)
           where s.id = proof.id and (s.state in ('ready', 'in_flight', 'in_doubt')
             or (s.session_no is null and s.state = 'accepted'))
           returning s.batch_id as "batch: BatchId""#,
        &ids,
        &sessions as &[&str],
        now,
        next_poll_at,
    )
    .fetch_all(db)
    .await
}

/// Returns the id of a reason and inserts it if it is new.
pub async fn reason_id(
    db: &mut PgConnection,
    (code, description, category): Reason<'_>,
) -> sqlx::Result<i32> {
    let known = sqlx::query_scalar!(
        r#"select id from reasons where code = $1 and description = $2 and category = $3"#,
        code,
        description,
        category,
    )
    .fetch_optional(&mut *db)
    .await?;
    if let Some(id) = known {
        return Ok(id);
    }
    sqlx::query_scalar!(
        r#"insert into reasons (code, description, category) values ($1, $2, $3)
           on conflict (code, description, category) do update set category = excluded.category
           returning id"#,
        code,
        description,
        category,
    )
    .fetch_one(db)
    .await
}

/// Returns the ids of reasons, in their order. New ones are inserted in sorted order, so that two
/// push workers never deadlock.
pub async fn reason_ids(
    db: &mut PgConnection,
    reasons: &BTreeSet<Reason<'_>>,
) -> sqlx::Result<Vec<i32>> {
    let codes: Vec<&str> = reasons.iter().map(|(code, ..)| *code).collect();
    let descriptions: Vec<&str> = reasons.iter().map(|(_, description, _)| *description).collect();
    let categories: Vec<&str> = reasons.iter().map(|(.., category)| *category).collect();
    let known = sqlx::query_scalar!(
        r#"select r.id as "id?" from unnest($1::text[], $2::text[], $3::text[])
             with ordinality as wanted (code, description, category, place)
           left join lateral (
             select id from reasons
             where code = wanted.code and description = wanted.description
               and category = wanted.category
           ) r on true
           order by place"#,
        &codes as &[&str],
        &descriptions as &[&str],
        &categories as &[&str],
    )
    .fetch_all(&mut *db)
    .await?;
    let mut ids = Vec::with_capacity(known.len());
    for (id, reason) in known.into_iter().zip(reasons) {
        ids.push(match id {
            Some(id) => id,
            None => reason_id(db, *reason).await?,
        });
    }
    Ok(ids)
}

/// What receipts change about one of our messages.
#[derive(Debug, Clone, Copy)]
pub struct MessageUpdate<'a> {
    /// The message.
    pub of: Match,
    /// The changes.
    pub changes: Changes<ReasonedReceipt<'a>>,
}

/// A receipt that decides the outcome of one of our messages.
#[derive(Debug, Clone, Copy)]
struct DecidingReceipt<'a> {
    of: Match,
    says: &'a Incoming,
    reason: i32,
}

/// Writes outcomes of the project's own messages and changes the counters of their submissions by
/// exactly the difference. Returns the batches with submissions that are complete.
///
/// The submissions must be locked, the known outcomes must have been read since, and each message
/// may occur once.
pub async fn write(
    db: &mut PgConnection,
    project: ProjectId,
    updates: &[MessageUpdate<'_>],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<BatchId>> {
    let overruled: Vec<(MessageId, Overruled<ReasonedReceipt<'_>>)> =
        updates.iter().filter_map(|one| Some((one.of.message, one.changes.overruled?))).collect();
    overruled_receipts::insert(db, &overruled, now).await?;
    let decided: Vec<DecidingReceipt<'_>> = updates
        .iter()
        .filter_map(|MessageUpdate { of, changes }| {
            let (says, reason) = changes.deciding?;
            Some(DecidingReceipt { of: *of, says, reason })
        })
        .collect();
    if decided.is_empty() {
        return Ok(Vec::new());
    }
    let (first, corrected): (Vec<DecidingReceipt<'_>>, Vec<DecidingReceipt<'_>>) =
        decided.iter().partition(|receipt| receipt.of.known.is_none());
    insert(db, project, &first, now).await?;
    correct(db, &corrected, now).await?;
    move_counters(db, &decided).await
}

async fn insert(
    db: &mut PgConnection,
    project: ProjectId,
    receipts: &[DecidingReceipt<'_>],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if receipts.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = receipts.iter().map(|receipt| receipt.of.message.0).collect();
    let submissions: Vec<i64> = receipts.iter().map(|receipt| receipt.of.submission.0).collect();
    let batches: Vec<i64> = receipts.iter().map(|receipt| receipt.of.batch.0).collect();
    let templates: Vec<i64> = receipts.iter().map(|receipt| receipt.of.template.0).collect();
    let columns = Columns::collect(receipts.iter().map(|receipt| (receipt.says, receipt.reason)));
    sqlx::query!(
        r#"insert into outcomes
             (id, project_id, submission_id, batch_id, template_id, outcome, reason_id, parts,
              receipt_at, recorded_at)
           select id, $1, submission_id, batch_id, template_id, outcome, reason_id, parts,
             receipt_at, $10
           from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::outcome[],
             $7::int[], $8::int[], $9::timestamptz[])
             as told (id, submission_id, batch_id, template_id, outcome, reason_id, parts,
               receipt_at)"#,
        project.0,
        &ids,
        &submissions,
        &batches,
        &templates,
        &columns.outcomes as &[Outcome],
        &columns.reasons,
        &columns.parts,
        &columns.receipt_times as &[Option<OffsetDateTime>],
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Replaces outcomes with what is known now.
async fn correct(
    db: &mut PgConnection,
    receipts: &[DecidingReceipt<'_>],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if receipts.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = receipts.iter().map(|receipt| receipt.of.message.0).collect();
    let columns = Columns::collect(receipts.iter().map(|receipt| (receipt.says, receipt.reason)));
    sqlx::query!(
        r#"update outcomes o
           set outcome = told.outcome, reason_id = told.reason_id, parts = told.parts,
             receipt_at = told.receipt_at, recorded_at = $6
           from unnest($1::bigint[], $2::outcome[], $3::int[], $4::int[], $5::timestamptz[])
             as told (id, outcome, reason_id, parts, receipt_at)
           where o.id = told.id"#,
        &ids,
        &columns.outcomes as &[Outcome],
        &columns.reasons,
        &columns.parts,
        &columns.receipt_times as &[Option<OffsetDateTime>],
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn move_counters(
    db: &mut PgConnection,
    receipts: &[DecidingReceipt<'_>],
) -> sqlx::Result<Vec<BatchId>> {
    let mut changes: BTreeMap<SubmissionId, [i32; 3]> = BTreeMap::new();
    for receipt in receipts {
        let [delivered, failed, unknown] = changes.entry(receipt.of.submission).or_default();
        let change = |outcome| {
            i32::from(receipt.says.outcome == outcome)
                - i32::from(receipt.of.known == Some(outcome))
        };
        *delivered += change(Outcome::Delivered);
        *failed += change(Outcome::Failed);
        *unknown += change(Outcome::Unknown);
    }
    let ids: Vec<i64> = changes.keys().map(|id| id.0).collect();
    let [delivered, failed, unknown] =
        [0, 1, 2].map(|column| changes.values().map(|delta| delta[column]).collect::<Vec<i32>>());
    let rows = sqlx::query!(
        r#"update submissions s
           set delivered = s.delivered + by.delivered, failed = s.failed + by.failed,
             unknown = s.unknown + by.unknown,
             complete = s.state = 'cancelled' or s.delivered + by.delivered + s.failed + by.failed
               + s.unknown + by.unknown + s.refused + s.suppressed = s.n
           from unnest($1::bigint[], $2::int[], $3::int[], $4::int[])
             as by (id, delivered, failed, unknown)
           where s.id = by.id
           returning s.batch_id as "batch: BatchId", s.complete"#,
        &ids,
        &delivered,
        &failed,
        &unknown,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter(|row| row.complete).map(|row| row.batch).collect())
}

/// Gives every message of a submission that has no outcome yet the outcome `unknown`. Returns the
/// batch if the submission was still open.
pub async fn give_up(
    db: &mut PgConnection,
    submission: SubmissionId,
    now: OffsetDateTime,
) -> sqlx::Result<Option<BatchId>> {
    lock(db, &[submission]).await?;
    let reason = reason_id(db, ("72h", "", "unknown")).await?;
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
           set unknown = n - delivered - failed - refused - suppressed, complete = true
           where id = $1 and state in ('accepted', 'partly') and not complete
           returning batch_id as "batch: BatchId""#,
        submission.0,
    )
    .fetch_optional(db)
    .await
}
