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

/// Locks the owners who may sign in, and returns them.
pub async fn lock_owners(db: &mut PgConnection) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar!(
        r#"select id as "id: UserId" from users where is_owner and disabled_at is null
           order by id for update"#,
    )
    .fetch_all(db)
    .await
}
