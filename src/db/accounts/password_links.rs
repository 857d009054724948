//! Links with which accounts get a password. Only their hashes are stored.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::users::User;
use crate::domain::ids::UserId;

/// A link to store.
#[derive(Debug)]
pub struct NewLink<'a> {
    /// The account that gets a password.
    pub user: UserId,
    /// The SHA-256 hash of the token in the link.
    pub token_hash: &'a [u8],
    /// The account that created the link; `None` is the command line.
    pub created_by: Option<UserId>,
    /// When the link stops working.
    pub expires_at: OffsetDateTime,
}

/// Stores a link. An earlier one of the same account stops working.
pub async fn replace(
    db: &mut PgConnection,
    new: &NewLink<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into password_links (user_id, token_hash, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5)
         on conflict (user_id) do update
           set token_hash = excluded.token_hash, created_by = excluded.created_by,
             created_at = excluded.created_at, expires_at = excluded.expires_at",
        new.user as UserId,
        new.token_hash,
        new.created_by as Option<UserId>,
        now,
        new.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A link that works.
#[derive(Debug)]
pub struct Link {
    /// The account that gets a password.
    pub user: User,
    /// Whether it is the first one.
    pub is_invitation: bool,
}

/// Returns a link that works by the hash of its token.
pub async fn find(
    db: &PgPool,
    token_hash: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<Option<Link>> {
    let row = sqlx::query!(
        r#"select u.id as "id: UserId", u.name, u.is_owner,
             u.password_hash is null as "is_invitation!"
           from password_links l join users u on u.id = l.user_id
           where l.token_hash = $1 and l.expires_at > $2 and u.disabled_at is null"#,
        token_hash,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Link {
        user: User { id: row.id, name: row.name, is_owner: row.is_owner },
        is_invitation: row.is_invitation,
    }))
}

/// Uses a link up. Returns whether it still worked.
pub async fn take(
    db: &mut PgConnection,
    token_hash: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        "delete from password_links where token_hash = $1 and expires_at > $2",
        token_hash,
        now,
    )
    .execute(db)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Makes the link of an account stop working.
pub async fn delete(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!("delete from password_links where user_id = $1", user as UserId)
        .execute(db)
        .await?;
    Ok(())
}
