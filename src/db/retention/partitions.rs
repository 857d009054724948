//! The partitions of messages, outcomes and external messages: one per month, with the same bounds
//! for all three tables.
//!
//! A change of partitions must not wait long for its locks, since every page would wait behind it.
//! If they are not available at once, the change is left to the next run.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

/// Makes sure that this month and the next one have partitions. Returns how many were made.
pub async fn make_ahead(db: &PgPool, now: OffsetDateTime) -> sqlx::Result<i32> {
    let made =
        sqlx::query_scalar!(r#"select make_partitions($1) as "made!""#, now).fetch_one(db).await;
    or_if_locked(made, 0)
}

/// Returns the first id of the partition before the present one, or 0 if there is none.
pub async fn previous_from(db: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(max(from_id), 0) as "from!" from partitions
           where from_id < (select max(from_id) from partitions where from_id <= first_id(now()))"#
    )
    .fetch_one(db)
    .await
}

/// A partition that has ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its name.
    pub name: String,
    /// The first id after it.
    pub to: i64,
    /// Whether something in it, or before it, is not complete yet.
    pub waits: bool,
}

/// Returns the partitions that end at or before the id `border`, oldest first.
pub async fn ended(db: &PgPool, border: i64) -> sqlx::Result<Vec<Ended>> {
    sqlx::query_as!(
        Ended,
        r#"select name, to_id as "to!",
             coalesce(to_id > (select min(id) from submissions where not complete), false)
               as "waits!"
           from partitions where to_id <= $1 order by to_id"#,
        border,
    )
    .fetch_all(db)
    .await
}

/// Drops a partition of all three tables if it is the oldest that holds anything. Returns whether
/// it was dropped.
pub async fn drop_oldest(db: &PgPool, name: &str) -> sqlx::Result<bool> {
    or_if_locked(drop_partition(db, name).await, false)
}

async fn drop_partition(db: &PgPool, name: &str) -> sqlx::Result<bool> {
    let mut tx = db.begin().await?;
    let dropped = sqlx::query_scalar!(r#"select drop_partition($1) as "dropped!""#, name)
        .fetch_one(&mut *tx)
        .await?;
    if dropped {
        // Nothing is left in the first partition.
        sqlx::query!(
            r#"delete from overruled_receipts
               where id < (select to_id from partitions where name = 'first')"#,
        )
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(dropped)
}

/// PostgreSQL's error code for a lock that was not available in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Replaces the error of a change that did not get its locks by `nothing`, as if it had not been
/// tried.
pub(in crate::db) fn or_if_locked<T>(result: sqlx::Result<T>, nothing: T) -> sqlx::Result<T> {
    match result {
        Err(sqlx::Error::Database(error))
            if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) =>
        {
            Ok(nothing)
        }
        other => other,
    }
}
