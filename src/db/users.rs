//! Accounts and their failed sign-ins.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::domain::ids::UserId;

/// An account.
#[derive(Debug, Clone)]
pub struct User {
    /// Our id.
    pub id: UserId,
    /// The name to sign in with.
    pub name: String,
    /// Whether it manages projects and accounts.
    pub is_owner: bool,
}

/// An account with what is needed to check its password.
#[derive(Debug)]
pub struct Credentials {
    /// The account.
    pub user: User,
    /// The argon2id hash of the password.
    pub password_hash: String,
    /// Whether it may sign in.
    pub enabled: bool,
}

/// Finds an account by its name, in upper or lower case.
pub async fn by_name(db: &PgPool, name: &str) -> sqlx::Result<Option<Credentials>> {
    let row = sqlx::query!(
        r#"select id as "id: UserId", name, is_owner, password_hash, disabled_at is null as "enabled!"
           from users where lower(name) = lower($1)"#,
        name,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Credentials {
        user: User { id: row.id, name: row.name, is_owner: row.is_owner },
        password_hash: row.password_hash,
        enabled: row.enabled,
    }))
}

/// Returns the password hash of an account.
pub async fn password_hash(db: &PgPool, id: UserId) -> sqlx::Result<String> {
    sqlx::query_scalar!("select password_hash from users where id = $1", id as UserId)
        .fetch_one(db)
        .await
}

/// An account with its memberships, as the command line lists it.
#[derive(Debug)]
pub struct Listed {
    /// The name to sign in with.
    pub name: String,
    /// Whether it manages projects and accounts.
    pub is_owner: bool,
    /// Whether it may sign in.
    pub enabled: bool,
    /// Its memberships as `slug:role`, by slug.
    pub places: Vec<String>,
}

/// Returns all accounts, by name.
pub async fn all(db: &PgPool) -> sqlx::Result<Vec<Listed>> {
    sqlx::query_as!(
        Listed,
        r#"select u.name, u.is_owner, u.disabled_at is null as "enabled!",
             coalesce(array_agg(p.slug || ':' || m.role order by p.slug)
               filter (where p.id is not null), '{}') as "places!"
           from users u left join members m on m.user_id = u.id
           left join projects p on p.id = m.project_id
           group by u.id order by lower(u.name)"#,
    )
    .fetch_all(db)
    .await
}

/// Inserts an account. Returns `None` if its name is taken.
pub async fn insert(
    db: &mut PgConnection,
    name: &str,
    password_hash: &str,
    is_owner: bool,
    now: OffsetDateTime,
) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar!(
        r#"insert into users (id, name, password_hash, is_owner, created_at)
           values (new_id($4), $1, $2, $3, $4)
           on conflict (lower(name)) do nothing returning id as "id: UserId""#,
        name,
        password_hash,
        is_owner,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Replaces an account's password.
pub async fn set_password(db: &mut PgConnection, id: UserId, hash: &str) -> sqlx::Result<()> {
    sqlx::query!("update users set password_hash = $2 where id = $1", id as UserId, hash)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns how many sign-ins of the subjects failed in a row, and when the last one failed; subjects
/// without a failed sign-in are left out.
pub async fn failures(
    db: &PgPool,
    subjects: &[String],
) -> sqlx::Result<Vec<(i32, OffsetDateTime)>> {
    let rows = sqlx::query!(
        "select failures, last_failed_at from sign_in_throttle where subject = any($1)",
        subjects,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.failures, row.last_failed_at)).collect())
}

/// Counts a failed sign-in of a subject. The count restarts after a time of `forget` without one.
pub async fn count_failure(
    db: &mut PgConnection,
    subject: &str,
    forget: Duration,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into sign_in_throttle as t (subject, failures, last_failed_at) values ($1, 1, $2)
         on conflict (subject) do update set last_failed_at = $2,
           failures = case when t.last_failed_at < $3 then 1 else t.failures + 1 end",
        subject,
        now,
        now - forget,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Resets the failed sign-ins of a subject.
pub async fn forget_failures(db: &mut PgConnection, subject: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from sign_in_throttle where subject = $1", subject).execute(db).await?;
    Ok(())
}
