//! The push inbox: pushes as they came, on disk before they are answered and processed afterwards.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::ProjectId;

/// Stores a push. Once this returns, the push survives any crash.
pub async fn insert(
    db: &PgPool,
    project: ProjectId,
    body: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into inbox (id, project_id, body, received_at)
           values (new_id($1), $2, $3, $1)"#,
        now,
        project.0,
        body,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A push that is waiting to be processed.
#[derive(Debug)]
pub struct Waiting {
    /// Its id.
    pub id: i64,
    /// The project of its push URL.
    pub project_id: ProjectId,
    /// The bytes as they came.
    pub body: Vec<u8>,
}

/// The maximum number of pushes considered for one transaction.
const MAX_PUSHES: i64 = 1_000;
/// The number of bytes from which on no more pushes are added to a transaction: some 40,000
/// receipts. The more pushes are processed together, the less often the counters of the same
/// submission are updated.
const MAX_BYTES: usize = 8 << 20;
/// How often a push is tried alone before it is set aside; the try among others does not count.
const MAX_TRIES: i32 = 5;

/// Locks the oldest pushes of one project that no other worker is processing, as many as belong in
/// one transaction. Pushes that failed before are skipped.
pub async fn lock_waiting(db: &mut PgConnection) -> sqlx::Result<Vec<Waiting>> {
    let candidates = sqlx::query!(
        r#"with first as (
             select project_id from inbox where processed_at is null and tries = 0
             order by id limit 1 for update skip locked
           )
           select i.id, octet_length(i.body) as "bytes!" from inbox i, first
           where i.processed_at is null and i.tries = 0 and i.project_id = first.project_id
           order by i.id limit $1
           for update of i skip locked"#,
        MAX_PUSHES,
    )
    .fetch_all(&mut *db)
    .await?;
    let mut bytes = 0;
    let ids: Vec<i64> = candidates
        .iter()
        .take_while(|push| {
            let fits = bytes < MAX_BYTES;
            bytes += usize::try_from(push.bytes).unwrap_or(0);
            fits
        })
        .map(|push| push.id)
        .collect();
    sqlx::query_as!(
        Waiting,
        r#"select id, project_id as "project_id: ProjectId", body
           from inbox where id = any($1) order by id"#,
        &ids,
    )
    .fetch_all(db)
    .await
}

/// Locks one push, unless it is processed or another worker is processing it.
pub async fn lock_one(db: &mut PgConnection, id: i64) -> sqlx::Result<Option<Waiting>> {
    sqlx::query_as!(
        Waiting,
        r#"select id, project_id as "project_id: ProjectId", body
           from inbox where id = $1 and processed_at is null for update skip locked"#,
        id,
    )
    .fetch_optional(db)
    .await
}

/// Returns the id of a push that failed before and is due for another try.
pub async fn failed_before(db: &PgPool, now: OffsetDateTime) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        r#"select id from inbox
           where processed_at is null and tries > 0 and try_at <= $1 order by try_at limit 1"#,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Counts a failed try. The next one is delayed; after the last one the push is set aside, which
/// means that it counts as processed and has the error as its problem.
pub async fn record_failure(
    db: &PgPool,
    id: i64,
    error: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update inbox
           set tries = tries + 1,
             try_at = $3::timestamptz + interval '1 second' * power(4, tries),
             processed_at = case when tries + 1 >= $4 then $3 end,
             problems = case when tries + 1 >= $4
               then jsonb_build_array(jsonb_build_object('why', $2::text, 'item', null))
               else problems end
           where id = $1 and processed_at is null"#,
        id,
        error,
        now,
        MAX_TRIES,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks pushes processed, each with its items that could not be read.
pub async fn mark_processed(
    db: &mut PgConnection,
    processed: &[(i64, Value)],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let ids: Vec<i64> = processed.iter().map(|(id, _)| *id).collect();
    let problems: Vec<Value> = processed.iter().map(|(_, problems)| problems.clone()).collect();
    sqlx::query!(
        r#"update inbox i set processed_at = $3, problems = told.problems
           from unnest($1::bigint[], $2::jsonb[]) as told (id, problems)
           where i.id = told.id"#,
        &ids,
        &problems,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
