//! Messages that other programs of the account sent, known by their receipts alone.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::receipts::{Incoming, Said};
use crate::domain::ids::{NUMBERS_A_DAY, ProjectId, SubmissionId, first_number_at};
use crate::domain::message::Outcome;

/// Holds a project's messages of other programs for the rest of the transaction: a receipt which
/// looks foreign and the answer that makes it ours cannot pass each other, and nobody else writes
/// them. Taken before any submission is locked.
pub async fn lock(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('others', $1))", project.0)
        .fetch_one(db)
        .await?;
    Ok(())
}

/// The part of an answer in [`hold`]: answers do not wait for each other.
pub async fn hold_off(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock_shared(hashtextextended('others', $1))", project.0)
        .fetch_one(db)
        .await?;
    Ok(())
}

/// Keeps receipts of messages that other programs of the account sent, each session and phone named
/// once, with the number of its reason. One that was kept since `since` is known again; of it only
/// `unknown` may change. The project's other messages must be held.
pub async fn keep(
    db: &mut PgConnection,
    project: ProjectId,
    external: &[(&Incoming, i32)],
    since: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let sessions: Vec<&str> = external.iter().map(|(one, _)| one.session_no.as_str()).collect();
    let phones: Vec<&str> = external.iter().map(|(one, _)| one.phone.as_str()).collect();
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
    let (mut new, mut better) = (Vec::new(), Vec::new());
    for ((one, reason), known) in external.iter().zip(known) {
        match (known.id, known.outcome) {
            (Some(id), Some(Outcome::Unknown)) if one.outcome != Outcome::Unknown => {
                better.push((id, *one, *reason));
            }
            (Some(_), _) => {}
            (None, _) => new.push((*one, *reason)),
        }
    }
    insert(db, project, &new, now).await?;
    correct(db, &better, now).await
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
    let sessions: Vec<&str> = new.iter().map(|(one, _)| one.session_no.as_str()).collect();
    let phones: Vec<&str> = new.iter().map(|(one, _)| one.phone.as_str()).collect();
    let user_ids: Vec<&str> = new.iter().map(|(one, _)| one.user_id.as_str()).collect();
    let said = Said::of(new.iter().copied());
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
        &said.outcomes as &[Outcome],
        &said.reasons,
        &said.parts,
        &said.times as &[Option<OffsetDateTime>],
        // As `new_id` makes them, without reckoning the time anew for each.
        first_number_at(now),
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn correct(
    db: &mut PgConnection,
    better: &[(i64, &Incoming, i32)],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if better.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = better.iter().map(|(id, _, _)| *id).collect();
    let said = Said::of(better.iter().map(|(_, one, reason)| (*one, *reason)));
    sqlx::query!(
        r#"update external_messages f
           set outcome = told.outcome, reason_id = told.reason_id, parts = told.parts,
             receipt_at = told.receipt_at, recorded_at = $6
           from unnest($1::bigint[], $2::outcome[], $3::int[], $4::int[], $5::timestamptz[])
             as told (id, outcome, reason_id, parts, receipt_at)
           where f.id = told.id"#,
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

/// Takes back what was kept as foreign under a session number that turned out to be that of
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
    /// Billed pieces.
    pub parts: i32,
    /// When the carrier says it ended.
    pub receipt_at: Option<OffsetDateTime>,
}
