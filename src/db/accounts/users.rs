//! Accounts.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

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
    /// The argon2id hash of the password; `None` until an invitation is accepted.
    pub password_hash: Option<String>,
    /// Whether it may sign in.
    pub enabled: bool,
}

/// Returns an account by its name, in upper or lower case.
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

/// Returns an account by its id.
pub async fn by_id(db: &PgPool, id: UserId) -> sqlx::Result<Option<User>> {
    sqlx::query_as!(
        User,
        r#"select id as "id: UserId", name, is_owner from users where id = $1"#,
        id as UserId,
    )
    .fetch_optional(db)
    .await
}

/// Locks an account. Returns whether it may sign in.
pub async fn lock_enabled(db: &mut PgConnection, id: UserId) -> sqlx::Result<bool> {
    let enabled = sqlx::query_scalar!(
        r#"select disabled_at is null as "enabled!" from users where id = $1 for no key update"#,
        id as UserId,
    );
    Ok(enabled.fetch_optional(db).await?.unwrap_or(false))
}

/// Returns the password hash of an account, if it has a password.
pub async fn password_hash(db: &PgPool, id: UserId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select password_hash from users where id = $1", id as UserId)
        .fetch_one(db)
        .await
}

/// Returns whether there is an account.
pub async fn exist(db: &PgPool) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from users) as "exist!""#).fetch_one(db).await
}

/// An account to insert.
#[derive(Debug, Clone, Copy)]
pub struct NewUser<'a> {
    /// The name to sign in with.
    pub name: &'a str,
    /// The email address.
    pub email: Option<&'a str>,
    /// The argon2id hash of the password, if it has one yet.
    pub password_hash: Option<&'a str>,
    /// Whether it manages projects and accounts.
    pub is_owner: bool,
}

/// Inserts an account. Returns `None` if its name is taken.
pub async fn insert(
    db: &mut PgConnection,
    new: &NewUser<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar!(
        r#"insert into users (id, name, email, password_hash, is_owner, created_at)
           values (new_id($5), $1, $2, $3, $4, $5)
           on conflict (lower(name)) do nothing returning id as "id: UserId""#,
        new.name,
        new.email,
        new.password_hash,
        new.is_owner,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Replaces the name and the email address of an account. Returns whether the name was free.
pub async fn rename(
    db: &mut PgConnection,
    id: UserId,
    name: &str,
    email: Option<&str>,
) -> sqlx::Result<bool> {
    let renamed = sqlx::query!(
        "update users set name = $2, email = $3 where id = $1",
        id as UserId,
        name,
        email,
    )
    .execute(db)
    .await;
    match renamed {
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        other => other.map(|renamed| renamed.rows_affected() == 1),
    }
}

/// Returns the email address of an account.
pub async fn email(db: &mut PgConnection, id: UserId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select email from users where id = $1", id as UserId).fetch_one(db).await
}

/// Makes an account an owner, or not any more.
pub async fn set_owner(db: &mut PgConnection, id: UserId, is_owner: bool) -> sqlx::Result<()> {
    sqlx::query!("update users set is_owner = $2 where id = $1", id as UserId, is_owner)
        .execute(db)
        .await?;
    Ok(())
}

/// Records that an account signed in.
pub async fn record_sign_in(
    db: &mut PgConnection,
    id: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!("update users set signed_in_at = $2 where id = $1", id as UserId, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Replaces an account's password.
pub async fn set_password(db: &mut PgConnection, id: UserId, hash: &str) -> sqlx::Result<()> {
    sqlx::query!("update users set password_hash = $2 where id = $1", id as UserId, hash)
        .execute(db)
        .await?;
    Ok(())
}

/// Lets an account sign in, or not any more from `disabled_at` on.
pub async fn set_disabled(
    db: &mut PgConnection,
    id: UserId,
    disabled_at: Option<OffsetDateTime>,
) -> sqlx::Result<()> {
    sqlx::query!("update users set disabled_at = $2 where id = $1", id as UserId, disabled_at)
        .execute(db)
        .await?;
    Ok(())
}

/// Locks the owners who can sign in, and returns them. One who was invited cannot until then.
pub async fn lock_owners(db: &mut PgConnection) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar!(
        r#"select id as "id: UserId" from users
           where is_owner and disabled_at is null and password_hash is not null
           order by id for no key update"#,
    )
    .fetch_all(db)
    .await
}

/// Returns the tag of the language of an account, if it has one.
pub async fn language(db: &mut PgConnection, id: UserId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select language from users where id = $1", id as UserId)
        .fetch_one(db)
        .await
}

/// Replaces the language of an account.
pub async fn set_language(
    db: &mut PgConnection,
    id: UserId,
    language: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!("update users set language = $2 where id = $1", id as UserId, language)
        .execute(db)
        .await?;
    Ok(())
}
