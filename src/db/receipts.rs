//! Receipts becoming outcomes. Whatever arrives twice, late or in the wrong order changes nothing:
//! a final outcome never goes back, and only `unknown` may still become something better known.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::receipt_matches::{Match, lock, pattern};
use crate::domain::ids::{BatchId, MessageId, NUMBERS_A_DAY, ProjectId, SubmissionId};
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

/// What a receipt says of a failure: its code, the carrier's words, and the cause it is kept under.
/// One code with the same words has several causes where carriers mean different things by it.
pub type Reason<'a> = (&'a str, &'a str, &'a str);

impl Incoming {
    /// Its reason.
    pub fn reason(&self) -> Reason<'_> {
        (&self.code, &self.description, self.category)
    }
}

/// The submissions of session numbers, each given once. Sessions of other programs have none.
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

/// The submissions of receipts that carry a `UserId` of ours: by the place of each. Other programs
/// may use the same ones, so the phone is compared, too.
pub async fn of_user_ids(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[(usize, &Incoming)],
) -> sqlx::Result<Vec<(usize, SubmissionId)>> {
    let submissions: Vec<i64> =
        incoming.iter().map(|(_, one)| one.submission.map_or(0, |id| id.0)).collect();
    let messages: Vec<i64> =
        incoming.iter().map(|(_, one)| one.message.map_or(0, |id| id.0)).collect();
    let phones: Vec<String> = incoming.iter().map(|(_, one)| pattern(&one.phone)).collect();
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
    let index = |one: i64| usize::try_from(one - 1).ok().and_then(|at| incoming.get(at));
    Ok(rows.into_iter().filter_map(|row| Some((index(row.place)?.0, row.id))).collect())
}

/// A receipt proves that the call was taken: whatever stood open about it is settled. Answers the
/// batches that were moved by it.
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

/// The number of a reason, kept once.
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

/// The numbers of reasons, in their order. New ones are kept, sorted, so that two settlers never wait
/// for each other in a circle.
pub async fn reason_ids(
    db: &mut PgConnection,
    reasons: &BTreeSet<Reason<'_>>,
) -> sqlx::Result<Vec<i32>> {
    let codes: Vec<&str> = reasons.iter().map(|(code, ..)| *code).collect();
    let descriptions: Vec<&str> = reasons.iter().map(|(_, words, _)| *words).collect();
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

/// What receipts say, column by column, as statements take it.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub outcomes: Vec<Outcome>,
    /// The numbers of reasons.
    pub reasons: Vec<i32>,
    pub parts: Vec<i32>,
    pub times: Vec<Option<OffsetDateTime>>,
}

impl Said {
    /// Of each receipt and the number of its reason.
    pub fn of<'a>(receipts: impl Iterator<Item = (&'a Incoming, i32)>) -> Self {
        let mut said = Self::default();
        for (receipt, reason) in receipts {
            said.outcomes.push(receipt.outcome);
            said.reasons.push(reason);
            said.parts.push(receipt.parts);
            said.times.push(receipt.receipt_at);
        }
        said
    }
}

/// What a receipt says of a message of ours, where that is news.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// The message.
    pub of: Match,
    /// What its receipt says.
    pub says: &'a Incoming,
    /// The number of its reason.
    pub reason: i32,
}

/// Writes outcomes of the project's own messages and moves their submissions' counters by exactly
/// what changed. The submissions must be locked, what is known of the messages looked up since, and
/// each message named once. Answers the batches whose submissions are settled.
pub async fn write(
    db: &mut PgConnection,
    project: ProjectId,
    updates: &[Update<'_>],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<BatchId>> {
    let (first, better): (Vec<Update<'_>>, Vec<Update<'_>>) =
        updates.iter().partition(|one| one.of.known.is_none());
    insert(db, project, &first, now).await?;
    correct(db, &better, now).await?;
    move_counters(db, updates).await
}

async fn insert(
    db: &mut PgConnection,
    project: ProjectId,
    updates: &[Update<'_>],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if updates.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = updates.iter().map(|one| one.of.message.0).collect();
    let submissions: Vec<i64> = updates.iter().map(|one| one.of.submission.0).collect();
    let batches: Vec<i64> = updates.iter().map(|one| one.of.batch.0).collect();
    let templates: Vec<i64> = updates.iter().map(|one| one.of.template.0).collect();
    let said = Said::of(updates.iter().map(|one| (one.says, one.reason)));
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
        &said.outcomes as &[Outcome],
        &said.reasons,
        &said.parts,
        &said.times as &[Option<OffsetDateTime>],
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Of what was unknown, what is known by now.
async fn correct(
    db: &mut PgConnection,
    updates: &[Update<'_>],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if updates.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = updates.iter().map(|one| one.of.message.0).collect();
    let said = Said::of(updates.iter().map(|one| (one.says, one.reason)));
    sqlx::query!(
        r#"update outcomes o
           set outcome = told.outcome, reason_id = told.reason_id, parts = told.parts,
             receipt_at = told.receipt_at, recorded_at = $6
           from unnest($1::bigint[], $2::outcome[], $3::int[], $4::int[], $5::timestamptz[])
             as told (id, outcome, reason_id, parts, receipt_at)
           where o.id = told.id"#,
        &ids,
        &said.outcomes as &[Outcome],
        &said.reasons,
        &said.parts,
        &said.times as &[Option<OffsetDateTime>],
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn move_counters(
    db: &mut PgConnection,
    updates: &[Update<'_>],
) -> sqlx::Result<Vec<BatchId>> {
    let mut moves: BTreeMap<SubmissionId, [i32; 3]> = BTreeMap::new();
    for one in updates {
        let [delivered, failed, unknown] = moves.entry(one.of.submission).or_default();
        *delivered += i32::from(one.says.outcome == Outcome::Delivered);
        *failed += i32::from(one.says.outcome == Outcome::Failed);
        *unknown += i32::from(one.says.outcome == Outcome::Unknown)
            - i32::from(one.of.known == Some(Outcome::Unknown));
    }
    let ids: Vec<i64> = moves.keys().map(|id| id.0).collect();
    let [delivered, failed, unknown] =
        [0, 1, 2].map(|kind| moves.values().map(|by| by[kind]).collect::<Vec<i32>>());
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

/// Gives every message of a submission that still waits the outcome `unknown`.
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
