//! Which message a receipt belongs to.
//!
//! A submission's messages bear its time. They are looked for within a day of it, which says which
//! pieces of the table need not be looked at.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgConnection;

use super::receipts::Incoming;
use crate::domain::ids::{BatchId, MessageId, NUMBERS_A_DAY, ProjectId, SubmissionId, TemplateId};
use crate::domain::message::Outcome;

/// A submission is read whole when receipts of at least one in so many of its messages came: reading
/// them in a row costs less than looking for each.
const DENSE: usize = 4;

/// A submission whose messages nobody else gives an outcome to until the transaction ends.
#[derive(Debug, Clone, Copy)]
pub struct Locked {
    /// Its number.
    pub id: SubmissionId,
    /// How many messages it holds.
    pub n: i32,
    /// Whether a receipt is news of the submission itself: that it was taken.
    pub unproven: bool,
}

/// Locks submissions in the order of their ids, so that two settlers never wait for each other in a
/// circle.
pub async fn lock(
    db: &mut PgConnection,
    submissions: &[SubmissionId],
) -> sqlx::Result<Vec<Locked>> {
    let numbers: Vec<i64> = submissions.iter().map(|id| id.0).collect();
    sqlx::query_as!(
        Locked,
        r#"select id as "id: SubmissionId", n,
             state in ('ready', 'in_flight', 'in_doubt')
               or session_no is null and state = 'accepted' as "unproven!"
           from submissions where id = any($1) order by id for update"#,
        &numbers,
    )
    .fetch_all(db)
    .await
}

/// A phone as `like` compares it: the stars of a masked one stand for any digit.
pub(super) fn pattern(phone: &str) -> String {
    let mut pattern = String::with_capacity(phone.len());
    for letter in phone.chars() {
        match letter {
            '*' => pattern.push('_'),
            '\\' | '%' | '_' => pattern.extend(['\\', letter]),
            _ => pattern.push(letter),
        }
    }
    pattern
}

/// The message a receipt belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Match {
    /// Position of the receipt in what was asked.
    pub index: usize,
    /// The message.
    pub message: MessageId,
    /// Its submission.
    pub submission: SubmissionId,
    /// Its batch.
    pub batch: BatchId,
    /// Its template.
    pub template: TemplateId,
    /// What is known of it already.
    pub known: Option<Outcome>,
}

/// Finds the messages that receipts belong to, given the submission of each, and what is known of
/// them already: nobody writes it while the submissions are locked.
pub async fn matches(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[(SubmissionId, &Incoming)],
    locked: &[Locked],
) -> sqlx::Result<Vec<Match>> {
    let mut found = Vec::with_capacity(incoming.len());
    let named = read_named(db, project, incoming).await?;
    let mut rest = Vec::new();
    for (index, (submission, one)) in incoming.iter().enumerate() {
        let message = one.message.and_then(|id| named.get(&id));
        let fits = |(message, phone): &&(Match, String)| {
            message.submission == *submission && *phone == one.phone
        };
        match message.filter(fits) {
            Some((message, _)) => found.push(Match { index, ..*message }),
            None => rest.push((index, *submission, *one)),
        }
    }
    let mut came: BTreeMap<SubmissionId, usize> = BTreeMap::new();
    for (_, submission, _) in &rest {
        *came.entry(*submission).or_default() += 1;
    }
    let is_dense = |one: &Locked| {
        let n = usize::try_from(one.n).unwrap_or(0);
        came.get(&one.id).is_some_and(|came| came * DENSE >= n)
    };
    let dense: Vec<Locked> = locked.iter().copied().filter(is_dense).collect();
    let read = read_whole(db, &dense).await?;
    let mut sparse = Vec::new();
    for (index, submission, one) in rest {
        if one.phone.contains('*') {
            found.extend(of_masked(db, index, submission, one).await?);
        } else if let Some(messages) = read.get(&submission) {
            let message = messages.get(&one.phone);
            found.extend(message.map(|message| Match { index, ..*message }));
        } else {
            sparse.push((index, submission, one));
        }
    }
    look_up(db, &sparse, &mut found).await?;
    found.sort_unstable_by_key(|one| one.index);
    Ok(found)
}

/// Between which numbers the messages of all these submissions lie.
fn span(submissions: &[i64]) -> (i64, i64) {
    let (least, most) = (submissions.iter().min(), submissions.iter().max());
    (least.unwrap_or(&0) - NUMBERS_A_DAY, most.unwrap_or(&0) + NUMBERS_A_DAY)
}

/// The messages that receipts name by their `UserId`, with their phones. Other programs may use the same
/// ones, so who asks compares the phone.
async fn read_named(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[(SubmissionId, &Incoming)],
) -> sqlx::Result<HashMap<MessageId, (Match, String)>> {
    let ids: Vec<i64> = incoming.iter().filter_map(|(_, one)| Some(one.message?.0)).collect();
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

/// All messages of submissions, by phone.
async fn read_whole(
    db: &mut PgConnection,
    submissions: &[Locked],
) -> sqlx::Result<HashMap<SubmissionId, HashMap<String, Match>>> {
    let mut read: HashMap<SubmissionId, HashMap<String, Match>> = HashMap::new();
    if submissions.is_empty() {
        return Ok(read);
    }
    let ids: Vec<i64> = submissions.iter().map(|one| one.id.0).collect();
    let (from, to) = span(&ids);
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

/// Looks for messages one by one.
async fn look_up(
    db: &mut PgConnection,
    wanted: &[(usize, SubmissionId, &Incoming)],
    found: &mut Vec<Match>,
) -> sqlx::Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let submissions: Vec<i64> = wanted.iter().map(|(_, id, _)| id.0).collect();
    let phones: Vec<&str> = wanted.iter().map(|(_, _, one)| one.phone.as_str()).collect();
    let (from, to) = span(&submissions);
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
        // The same for all of them, so that other pieces are not even opened.
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

/// A masked phone is that of the message which the `UserId` names, else of the only one that fits.
async fn of_masked(
    db: &mut PgConnection,
    index: usize,
    submission: SubmissionId,
    one: &Incoming,
) -> sqlx::Result<Option<Match>> {
    let fits = sqlx::query!(
        r#"select m.id as "message: MessageId", m.batch_id as "batch: BatchId",
             m.template_id as "template: TemplateId", o.outcome as "known?: Outcome"
           from messages m
           left join lateral (select outcome from outcomes where id = m.id offset 0) o on true
           where m.submission_id = $1 and m.id between $1 - $3 and $1 + $3 and m.phone like $2
             and m.id = coalesce($4, m.id)
           limit 2"#,
        submission.0,
        pattern(&one.phone),
        NUMBERS_A_DAY,
        one.message.map(|id| id.0),
    )
    .fetch_all(db)
    .await?;
    let [row] = fits.as_slice() else { return Ok(None) };
    let (message, batch, template, known) = (row.message, row.batch, row.template, row.known);
    Ok(Some(Match { index, message, submission, batch, template, known }))
}
