//! External messages: sent by other programs of the account, known by their receipts alone.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::overruled_receipts;
use super::reported::{Columns, Incoming, ReasonedReceipt};
use crate::domain::ids::{MessageId, NUMBERS_A_DAY, ProjectId, SubmissionId, first_number_at};
use crate::domain::receipt::Changes;
use crate::domain::sending::message::Outcome;

/// Locks a project's external messages until the end of the transaction. A receipt that looks
/// external and the response that proves it to be ours cannot miss each other, and nobody else
/// inserts external messages. Must be called before any submission is locked.
pub async fn lock(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('others', $1))", project.0)
        .fetch_one(db)
        .await?;
    Ok(())
}

/// Takes the counterpart of [`lock`] for a response of the vendor; responses do not wait for each
/// other.
pub async fn lock_shared(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock_shared(hashtextextended('others', $1))", project.0)
        .fetch_one(db)
        .await?;
    Ok(())
}

/// Upserts receipts of external messages, in the order in which they came. The project must be locked
/// by [`lock`]. A message that is already stored since `since` is recognized.
pub async fn upsert(
    db: &mut PgConnection,
    project: ProjectId,
    receipts: &[ReasonedReceipt<'_>],
    since: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let mut by_message: BTreeMap<(&str, &str), (usize, Vec<ReasonedReceipt<'_>>)> = BTreeMap::new();
    for (place, (receipt, reason)) in receipts.iter().enumerate() {
        let message = by_message.entry((&receipt.session_no, &receipt.phone));
        message.or_insert((place, Vec::new())).1.push((receipt, *reason));
    }
    let messages: Vec<(&str, &str)> = by_message.keys().copied().collect();
    let known = find(db, project, &messages, since, now).await?;
    // Ids, which lists are sorted by, follow the order of arrival and not that of the phones: it
    // would tell of the digits that viewers do not see.
    let places = by_message.values().zip(&known).filter(|(_, known)| known.is_none());
    let mut places: Vec<usize> = places.map(|((place, _), _)| *place).collect();
    places.sort_unstable();
    let new_ids = new_ids(db, places.len(), now).await?;
    let new_ids: HashMap<usize, MessageId> = places.into_iter().zip(new_ids).collect();
    let (mut new, mut corrections, mut overruled) = (Vec::new(), Vec::new(), Vec::new());
    for ((place, receipts), known) in by_message.values().zip(known) {
        let mut changes = Changes::of(known.map(|(_, outcome)| outcome));
        for told in receipts {
            changes.add(told.0.outcome, *told);
        }
        let list = if known.is_some() { &mut corrections } else { &mut new };
        let new_id = || new_ids.get(place).copied();
        let Some(id) = known.map(|(id, _)| id).or_else(new_id) else { continue };
        list.extend(changes.deciding.map(|told| (id, told)));
        overruled.extend(changes.overruled.map(|receipt| (id, receipt)));
    }
    overruled_receipts::insert(db, &overruled, now).await?;
    insert(db, project, &new, now).await?;
    correct(db, &corrections, now).await
}

/// Returns the ids and outcomes of messages by session number and phone, in their order.
async fn find(
    db: &mut PgConnection,
    project: ProjectId,
    messages: &[(&str, &str)],
    since: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Option<(MessageId, Outcome)>>> {
    let sessions: Vec<&str> = messages.iter().map(|(session_no, _)| *session_no).collect();
    let phones: Vec<&str> = messages.iter().map(|(_, phone)| *phone).collect();
    let rows = sqlx::query!(
        r#"select f.id as "id?: MessageId", f.outcome as "outcome?: Outcome"
           from unnest($2::text[], $3::text[]) with ordinality as wanted (session_no, phone, place)
           left join lateral (
             select id, outcome from external_messages
             where project_id = $1 and session_no = wanted.session_no
               and phone = wanted.phone
               and id >= $4 and id < $5
             limit 1
           ) f on true
           order by place"#,
        project.0,
        &sessions as &[&str],
        &phones as &[&str],
        first_number_at(since),
        first_number_at(now + Duration::DAY),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.id.zip(row.outcome)).collect())
}

/// Returns new ids.
async fn new_ids(
    db: &mut PgConnection,
    count: usize,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<MessageId>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    sqlx::query_scalar!(
        // The same as `new_id` would create, without computing the time for each.
        r#"select $1 | (nextval('ids') & 4194303) as "id!: MessageId" from generate_series(1, $2)"#,
        first_number_at(now),
        i32::try_from(count).unwrap_or(i32::MAX),
    )
    .fetch_all(db)
    .await
}

async fn insert(
    db: &mut PgConnection,
    project: ProjectId,
    new: &[(MessageId, ReasonedReceipt<'_>)],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = new.iter().map(|(id, _)| id.0).collect();
    let text = |field: fn(&Incoming) -> &str| -> Vec<&str> {
        new.iter().map(|(_, (receipt, _))| field(receipt)).collect()
    };
    let sessions = text(|receipt| &receipt.session_no);
    let phones = text(|receipt| &receipt.phone);
    let user_ids = text(|receipt| &receipt.user_id);
    let columns = Columns::collect(new.iter().map(|(_, told)| *told));
    sqlx::query!(
        r#"insert into external_messages
             (id, project_id, session_no, phone, user_id, outcome, reason_id, parts, receipt_at,
              recorded_at)
           select id, $2, session_no, phone, user_id, outcome, reason_id, parts, receipt_at, $1
           from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::outcome[], $8::int[],
             $9::int[], $10::timestamptz[])
             as told (id, session_no, phone, user_id, outcome, reason_id, parts, receipt_at)"#,
        now,
        project.0,
        &ids,
        &sessions as &[&str],
        &phones as &[&str],
        &user_ids as &[&str],
        &columns.outcomes as &[Outcome],
        &columns.reasons,
        &columns.parts,
        &columns.receipt_times as &[Option<OffsetDateTime>],
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn correct(
    db: &mut PgConnection,
    corrections: &[(MessageId, ReasonedReceipt<'_>)],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if corrections.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = corrections.iter().map(|(id, _)| id.0).collect();
    let columns = Columns::collect(corrections.iter().map(|(_, told)| *told));
    sqlx::query!(
        r#"update external_messages f
           set outcome = told.outcome, reason_id = told.reason_id, parts = told.parts,
             receipt_at = told.receipt_at, recorded_at = $6
           from unnest($1::bigint[], $2::outcome[], $3::int[], $4::int[], $5::timestamptz[])
             as told (id, outcome, reason_id, parts, receipt_at)
           where f.id = told.id"#,
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

/// Deletes the external messages of a session number that turned out to be that of `submission`.
/// Returns their receipts.
pub async fn adopt(
    db: &mut PgConnection,
    project: ProjectId,
    session_no: &str,
    submission: SubmissionId,
) -> sqlx::Result<Vec<Adopted>> {
    sqlx::query_as!(
        Adopted,
        r#"with gone as (
             delete from external_messages
             where project_id = $1 and session_no = $2 and id >= $3
             returning id, phone, user_id, outcome, reason_id, parts, receipt_at
           ), overruled as (
             delete from overruled_receipts where id in (select id from gone)
             returning id, reason_id, parts, receipt_at
           )
           select g.phone as "phone!", g.user_id as "user_id!", told.outcome as "outcome!: Outcome",
             r.code as "code!", r.description as "description!", told.parts as "parts!",
             told.receipt_at
           from (
             select id, outcome, reason_id, parts, receipt_at from gone
             union all
             select id, 'failed', reason_id, parts, receipt_at from overruled
           ) told
           join gone g on g.id = told.id
           join reasons r on r.id = told.reason_id"#,
        project.0,
        session_no,
        submission.0 - NUMBERS_A_DAY,
    )
    .fetch_all(db)
    .await
}

/// A receipt that was stored as an external message.
#[derive(Debug, Clone)]
pub struct Adopted {
    /// The phone.
    pub phone: String,
    /// The sender's `UserId`.
    pub user_id: String,
    /// The outcome that the carrier reported.
    pub outcome: Outcome,
    /// The receipt code, as it came.
    pub code: String,
    /// The carrier's description.
    pub description: String,
    /// The number of billed parts.
    pub parts: i32,
    /// When it ended, according to the carrier.
    pub receipt_at: Option<OffsetDateTime>,
}
