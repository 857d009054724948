//! Matches receipts to messages.
//!
//! The ids of a submission's messages lie within a day of its own. Searching only that range of ids
//! lets PostgreSQL skip the other partitions.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgConnection;

use super::reported::Incoming;
use crate::domain::ids::{BatchId, MessageId, NUMBERS_A_DAY, ProjectId, SubmissionId, TemplateId};
use crate::domain::sending::message::Outcome;

/// If receipts for at least one in this many messages of a submission came in, all of its messages
/// are read: a sequential read is cheaper than one look-up per receipt.
const DENSE: usize = 4;

/// A submission whose messages get no outcome from anybody else until the transaction ends.
#[derive(Debug, Clone, Copy)]
pub struct LockedSubmission {
    /// Its id.
    pub id: SubmissionId,
    /// The number of its messages.
    pub n: i32,
    /// Whether a receipt would prove the submission itself, because its acceptance is not known
    /// yet.
    pub unproven: bool,
}

/// Locks submissions in the order of their ids, so that two push workers never deadlock.
pub async fn lock(
    db: &mut PgConnection,
    submissions: &[SubmissionId],
) -> sqlx::Result<Vec<LockedSubmission>> {
    let ids: Vec<i64> = submissions.iter().map(|id| id.0).collect();
    sqlx::query_as!(
        LockedSubmission,
        r#"select id as "id: SubmissionId", n,
             state in ('ready', 'in_flight', 'in_doubt')
               or session_no is null and state = 'accepted' as "unproven!"
           from submissions where id = any($1) order by id for update"#,
        &ids,
    )
    .fetch_all(db)
    .await
}

/// Converts a phone to a `LIKE` pattern in which each asterisk of a masked phone stands for any
/// digit.
pub(in crate::db) fn pattern(phone: &str) -> String {
    let mut pattern = String::with_capacity(phone.len());
    for character in phone.chars() {
        match character {
            '*' => pattern.push('_'),
            '\\' | '%' | '_' => pattern.extend(['\\', character]),
            _ => pattern.push(character),
        }
    }
    pattern
}

/// The message that a receipt belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Match {
    /// The receipt's index in what was passed.
    pub index: usize,
    /// The message.
    pub message: MessageId,
    /// Its submission.
    pub submission: SubmissionId,
    /// Its batch.
    pub batch: BatchId,
    /// Its template.
    pub template: TemplateId,
    /// The outcome that is already known.
    pub known: Option<Outcome>,
}

/// Returns the messages of receipts, given the submission of each, with the outcomes known so far.
/// These cannot change while the submissions are locked.
pub async fn matches(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[(SubmissionId, &Incoming)],
    locked: &[LockedSubmission],
) -> sqlx::Result<Vec<Match>> {
    let mut found = Vec::with_capacity(incoming.len());
    let named = read_named(db, project, incoming).await?;
    let mut rest = Vec::new();
    for (index, (submission, receipt)) in incoming.iter().enumerate() {
        let message = receipt.message.and_then(|id| named.get(&id));
        let fits = |(message, phone): &&(Match, String)| {
            message.submission == *submission && *phone == receipt.phone
        };
        match message.filter(fits) {
            Some((message, _)) => found.push(Match { index, ..*message }),
            None => rest.push((index, *submission, *receipt)),
        }
    }
    let mut counts: BTreeMap<SubmissionId, usize> = BTreeMap::new();
    for (_, submission, _) in &rest {
        *counts.entry(*submission).or_default() += 1;
    }
    let is_dense = |submission: &LockedSubmission| {
        let n = usize::try_from(submission.n).unwrap_or(0);
        counts.get(&submission.id).is_some_and(|count| count * DENSE >= n)
    };
    let dense: Vec<LockedSubmission> = locked.iter().copied().filter(is_dense).collect();
    let messages_by_phone = read_whole(db, &dense).await?;
    let mut sparse = Vec::new();
    for (index, submission, receipt) in rest {
        if receipt.phone.contains('*') {
            found.extend(find_masked(db, index, submission, receipt).await?);
        } else if let Some(by_phone) = messages_by_phone.get(&submission) {
            let message = by_phone.get(&receipt.phone);
            found.extend(message.map(|message| Match { index, ..*message }));
        } else {
            sparse.push((index, submission, receipt));
        }
    }
    find_each(db, &sparse, &mut found).await?;
    found.sort_unstable_by_key(|matched| matched.index);
    Ok(found)
}

/// Returns the range of ids in which the messages of all these submissions lie.
fn id_range(submissions: &[i64]) -> (i64, i64) {
    let (first, last) = (submissions.iter().min(), submissions.iter().max());
    (first.unwrap_or(&0) - NUMBERS_A_DAY, last.unwrap_or(&0) + NUMBERS_A_DAY)
}

/// Returns the messages that receipts name by their `UserId`, with their phones. Other programs may
/// use the same `UserId`, so the caller has to compare the phone.
async fn read_named(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[(SubmissionId, &Incoming)],
) -> sqlx::Result<HashMap<MessageId, (Match, String)>> {
    let ids: Vec<i64> =
        incoming.iter().filter_map(|(_, receipt)| Some(receipt.message?.0)).collect();
    let (Some(from), Some(to)) = (ids.iter().min(), ids.iter().max()) else {
        return Ok(HashMap::new());
    };
    let rows = sqlx::query!(
        r#"select m.id as "message: MessageId", m.submission_id as "submission: SubmissionId",
             m.batch_id as "batch: BatchId", m.template_id as "template: TemplateId", m.phone,
             o.outcome as "known?: Outcome"
           from (
             select id, submission_id, batch_id, template_id, phone from messages
             where project_id = $1 and id = any($2) and id between $3 and $4 offset 0
           ) m
           left join (
             select id, outcome from outcomes
             where id = any($2) and id between $3 and $4 offset 0
           ) o on o.id = m.id"#,
        project.0,
        &ids,
        from,
        to,
    )
    .fetch_all(db)
    .await?;
    let read = rows.into_iter().map(|row| {
        let (message, submission, batch) = (row.message, row.submission, row.batch);
        let (template, known) = (row.template, row.known);
        (message, (Match { index: 0, message, submission, batch, template, known }, row.phone))
    });
    Ok(read.collect())
}

/// Returns all messages of submissions, by phone.
async fn read_whole(
    db: &mut PgConnection,
    submissions: &[LockedSubmission],
) -> sqlx::Result<HashMap<SubmissionId, HashMap<String, Match>>> {
    let mut read: HashMap<SubmissionId, HashMap<String, Match>> = HashMap::new();
    if submissions.is_empty() {
        return Ok(read);
    }
    let ids: Vec<i64> = submissions.iter().map(|submission| submission.id.0).collect();
    let (from, to) = id_range(&ids);
    let rows = sqlx::query!(
        r#"select m.id as "message: MessageId", m.submission_id as "submission: SubmissionId",
             m.batch_id as "batch: BatchId", m.template_id as "template: TemplateId", m.phone,
             o.outcome as "known?: Outcome"
           from messages m
           left join lateral (
             select outcome from outcomes where id = m.id and id between $2 and $3 offset 0
           ) o on true
           where m.submission_id = any($1) and m.id between $2 and $3"#,
        &ids,
        from,
        to,
    )
    .fetch_all(db)
    .await?;
    for row in rows {
        let (message, submission, batch) = (row.message, row.submission, row.batch);
        let (template, known) = (row.template, row.known);
        let found = Match { index: 0, message, submission, batch, template, known };
        read.entry(submission).or_default().insert(row.phone, found);
    }
    Ok(read)
}

/// Looks messages up one by one.
async fn find_each(
    db: &mut PgConnection,
    wanted: &[(usize, SubmissionId, &Incoming)],
    found: &mut Vec<Match>,
) -> sqlx::Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let submissions: Vec<i64> = wanted.iter().map(|(_, id, _)| id.0).collect();
    let phones: Vec<&str> = wanted.iter().map(|(_, _, receipt)| receipt.phone.as_str()).collect();
    let (from, to) = id_range(&submissions);
    let rows = sqlx::query!(
        r#"select wanted.place as "place!", m.id as "message: MessageId",
             wanted.submission as "submission!: SubmissionId", m.batch_id as "batch: BatchId",
             m.template_id as "template: TemplateId", o.outcome as "known?: Outcome"
           from unnest($1::bigint[], $2::text[])
             with ordinality as wanted (submission, phone, place)
           cross join lateral (
             select id, batch_id, template_id from messages
             where submission_id = wanted.submission and phone = wanted.phone
               and id between wanted.submission - $3 and wanted.submission + $3
               and id between $4 and $5
             limit 1
           ) m
           left join lateral (
             select outcome from outcomes where id = m.id and id between $4 and $5 offset 0
           ) o on true"#,
        &submissions,
        &phones as &[&str],
        NUMBERS_A_DAY,
        // The same range for all of them, so that PostgreSQL does not even open other partitions.
        from,
        to,
    )
    .fetch_all(db)
    .await?;
    let index = |nth: i64| Some(wanted.get(usize::try_from(nth - 1).ok()?)?.0);
    found.extend(rows.into_iter().filter_map(|row| {
        Some(Match {
            index: index(row.place)?,
            message: row.message,
            submission: row.submission,
            batch: row.batch,
            template: row.template,
            known: row.known,
        })
    }));
    Ok(())
}

/// Returns the message of a masked phone: the one that the `UserId` names, or else the only one that
/// fits.
async fn find_masked(
    db: &mut PgConnection,
    index: usize,
    submission: SubmissionId,
    receipt: &Incoming,
) -> sqlx::Result<Option<Match>> {
    let candidates = sqlx::query!(
        r#"select m.id as "message: MessageId", m.batch_id as "batch: BatchId",
             m.template_id as "template: TemplateId", o.outcome as "known?: Outcome"
           from messages m
           left join lateral (select outcome from outcomes where id = m.id offset 0) o on true
           where m.submission_id = $1 and m.id between $1 - $3 and $1 + $3 and m.phone like $2
             and m.id = coalesce($4, m.id)
           limit 2"#,
        submission.0,
        pattern(&receipt.phone),
        NUMBERS_A_DAY,
        receipt.message.map(|id| id.0),
    )
    .fetch_all(db)
    .await?;
    let [row] = candidates.as_slice() else { return Ok(None) };
    let (message, batch, template, known) = (row.message, row.batch, row.template, row.known);
    Ok(Some(Match { index, message, submission, batch, template, known }))
}
