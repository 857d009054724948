//! External messages: sent by other programs of the account, known by their receipts alone.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::receipts::{Columns, Incoming};
use crate::domain::ids::{NUMBERS_A_DAY, ProjectId, SubmissionId, first_number_at};
use crate::domain::message::Outcome;

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

/// Upserts receipts of external messages, each with the id of its reason. Each session number and
/// phone may occur once, and the project must be locked by [`lock`].
///
/// A receipt that is already stored since `since` is recognized, and only an `unknown` outcome is
/// replaced.
pub async fn upsert(
    db: &mut PgConnection,
    project: ProjectId,
    external: &[(&Incoming, i32)],
    since: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let sessions: Vec<&str> =
        external.iter().map(|(receipt, _)| receipt.session_no.as_str()).collect();
    let phones: Vec<&str> = external.iter().map(|(receipt, _)| receipt.phone.as_str()).collect();
    let known = sqlx::query!(
        r#"select f.id as "id?", f.outcome as "outcome?: Outcome"
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
    .fetch_all(&mut *db)
    .await?;
    let (mut new, mut corrections) = (Vec::new(), Vec::new());
    for ((receipt, reason), known) in external.iter().zip(known) {
        match (known.id, known.outcome) {
            (Some(id), Some(Outcome::Unknown)) if receipt.outcome != Outcome::Unknown => {
                corrections.push((id, *receipt, *reason));
            }
            (Some(_), _) => {}
            (None, _) => new.push((*receipt, *reason)),
        }
    }
    insert(db, project, &new, now).await?;
    correct(db, &corrections, now).await
}

async fn insert(
    db: &mut PgConnection,
    project: ProjectId,
    new: &[(&Incoming, i32)],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let sessions: Vec<&str> = new.iter().map(|(receipt, _)| receipt.session_no.as_str()).collect();
    let phones: Vec<&str> = new.iter().map(|(receipt, _)| receipt.phone.as_str()).collect();
    let user_ids: Vec<&str> = new.iter().map(|(receipt, _)| receipt.user_id.as_str()).collect();
    let columns = Columns::collect(new.iter().copied());
    sqlx::query!(
        r#"insert into external_messages
             (id, project_id, session_no, phone, user_id, outcome, reason_id, parts, receipt_at,
              recorded_at)
           select $10 | (nextval('ids') & 4194303), $2, session_no, phone, user_id, outcome,
             reason_id, parts, receipt_at, $1
           from unnest($3::text[], $4::text[], $5::text[], $6::outcome[], $7::int[], $8::int[],
             $9::timestamptz[])
             as told (session_no, phone, user_id, outcome, reason_id, parts, receipt_at)"#,
        now,
        project.0,
        &sessions as &[&str],
        &phones as &[&str],
        &user_ids as &[&str],
        &columns.outcomes as &[Outcome],
        &columns.reasons,
        &columns.parts,
        &columns.receipt_times as &[Option<OffsetDateTime>],
        // The same as `new_id` would create, without computing the time for each.
        first_number_at(now),
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn correct(
    db: &mut PgConnection,
    corrections: &[(i64, &Incoming, i32)],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if corrections.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = corrections.iter().map(|(id, _, _)| *id).collect();
    let columns =
        Columns::collect(corrections.iter().map(|(_, receipt, reason)| (*receipt, *reason)));
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

/// Deletes and returns the external messages of a session number that turned out to be that of
/// `submission`.
pub async fn adopt(
    db: &mut PgConnection,
    project: ProjectId,
    session_no: &str,
    submission: SubmissionId,
) -> sqlx::Result<Vec<Adopted>> {
    sqlx::query_as!(
        Adopted,
        r#"delete from external_messages f using reasons r
           where f.project_id = $1 and f.session_no = $2 and f.id >= $3 and r.id = f.reason_id
           returning f.phone, f.user_id, f.outcome as "outcome: Outcome", r.code, r.description,
             f.parts, f.receipt_at"#,
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
