//! The partitions of the messages, of their outcomes and of other programs' messages: a month each, the
//! same borders for all three. Whoever changes them waits for nobody for long, since every page would
//! wait behind it: a change that cannot have its locks at once is left to the next turn.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

/// Makes sure that this month and the next one have partitions of their own. Answers how many were made.
pub async fn make_ahead(db: &PgPool, now: OffsetDateTime) -> sqlx::Result<i32> {
    let made =
        sqlx::query_scalar!(r#"select make_partitions($1) as "made!""#, now).fetch_one(db).await;
    or_later(made, 0)
}

/// Where the partition before that of the present begins; 0 when there is none.
pub async fn lately(db: &mut PgConnection) -> sqlx::Result<i64> {
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
    /// Its ids lie before this.
    pub to: i64,
    /// Something in it, or before it, still waits for its end.
    pub waits: bool,
}

/// The partitions whose ids all lie before `border`, oldest first.
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

/// Lets a partition of all three tables go, if it is the oldest that holds anything. Answers whether
/// anything went.
pub async fn drop_oldest(db: &PgPool, name: &str) -> sqlx::Result<bool> {
    let dropped =
        sqlx::query_scalar!(r#"select drop_partition($1) as "dropped!""#, name).fetch_one(db).await;
    or_later(dropped, false)
}

/// PostgreSQL's code for a lock that was not to be had in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// A change that cannot have its locks is as if it had not been asked for.
pub(super) fn or_later<T>(done: sqlx::Result<T>, nothing: T) -> sqlx::Result<T> {
    match done {
        Err(sqlx::Error::Database(error))
            if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) =>
        {
            Ok(nothing)
        }
        other => other,
    }
}
