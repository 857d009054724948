//! Tries to guess a password, by whoever makes them. Subjects are hashes: nothing of what strangers type
//! is stored here.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

/// How many tries a subject has, and how long it waits afterwards.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Tries that are looked at without a wait after the one before.
    pub free: i32,
    /// The wait after the next try; it doubles with each more.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// After this long without a try all are forgotten.
    pub forget_after: Duration,
}

/// Counts a try of a subject. Returns `None` if it is looked at, or when the next one will be: then this
/// one is not counted. Of tries at once, no more are looked at than of tries one after the other.
pub async fn count(
    db: &PgPool,
    subject: &str,
    allowance: &Allowance,
    now: OffsetDateTime,
) -> sqlx::Result<Option<OffsetDateTime>> {
    let counted = sqlx::query_scalar!(
        "insert into sign_in_throttle as t (subject, failures, last_failed_at, next_try_at)
         values ($1, 1, $2, next_try_at(1, $3, $4, $5, $2))
         on conflict (subject) do update set last_failed_at = $2,
           failures = case when t.last_failed_at < $6 then 1 else t.failures + 1 end,
           next_try_at = next_try_at(
             case when t.last_failed_at < $6 then 1 else t.failures + 1 end, $3, $4, $5, $2)
         where t.next_try_at <= $2
         returning failures",
        subject,
        now,
        allowance.free,
        allowance.first_wait.as_seconds_f64(),
        allowance.longest_wait.as_seconds_f64(),
        now - allowance.forget_after,
    )
    .fetch_optional(db)
    .await?;
    if counted.is_some() {
        return Ok(None);
    }
    let next =
        sqlx::query_scalar!("select next_try_at from sign_in_throttle where subject = $1", subject)
            .fetch_optional(db)
            .await?;
    Ok(Some(next.unwrap_or(now).max(now + Duration::SECOND)))
}

/// Gives a try back that was successful or was not looked at. The next one is looked at as well.
pub async fn give_back(db: &mut PgConnection, subject: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update sign_in_throttle set failures = failures - 1, next_try_at = 'epoch'
         where subject = $1",
        subject,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("delete from sign_in_throttle where subject = $1 and failures <= 0", subject)
        .execute(db)
        .await?;
    Ok(())
}

/// Forgets the tries of all subjects that begin with `owner`.
pub async fn forget(db: &mut PgConnection, owner: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from sign_in_throttle where starts_with(subject, $1)", owner)
        .execute(db)
        .await?;
    Ok(())
}

/// A count that leaks: one is taken off each time that a failure may happen.
#[derive(Debug)]
pub struct Level<'a> {
    /// Whose count it is.
    pub subject: &'a str,
    /// The failures that an hour may have.
    pub an_hour: i32,
}

/// Adds a failure to each count.
pub async fn raise(
    db: &mut PgConnection,
    levels: &[Level<'_>],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    for level in levels {
        sqlx::query!(
            "insert into sign_in_throttle as t (subject, failures, last_failed_at, next_try_at)
             values ($1, 1, $2, 'epoch')
             on conflict (subject) do update set last_failed_at = $2, failures = 1 + greatest(0,
               t.failures - floor(extract(epoch from $2 - t.last_failed_at)::float8 * $3::float8 / 3600)::int)",
            level.subject,
            now,
            f64::from(level.an_hour),
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// Returns whether one of the counts is higher than an hour may have.
pub async fn is_high(db: &PgPool, levels: &[Level<'_>], now: OffsetDateTime) -> sqlx::Result<bool> {
    let subjects: Vec<String> = levels.iter().map(|level| level.subject.to_owned()).collect();
    let limits: Vec<i32> = levels.iter().map(|level| level.an_hour).collect();
    sqlx::query_scalar!(
        r#"select exists (
             select from unnest($1::text[], $2::int[]) as level (subject, an_hour)
             join sign_in_throttle t on t.subject = level.subject
             where t.failures - extract(epoch from $3 - t.last_failed_at) * level.an_hour / 3600
               >= level.an_hour) as "high!""#,
        &subjects,
        &limits,
        now,
    )
    .fetch_one(db)
    .await
}

/// Deletes tries from before `until`, and the oldest beyond `most`. Returns how many.
pub async fn delete_old(db: &PgPool, until: OffsetDateTime, most: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from sign_in_throttle where last_failed_at < greatest($1,
           (select last_failed_at from sign_in_throttle order by last_failed_at desc
            offset $2 limit 1))",
        until,
        most,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}
