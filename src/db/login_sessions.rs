//! Login sessions. Their keys are known only by hash.

use serde::Deserialize;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use super::dashboard::Needs;
use super::projects::{Membership, Project};
use super::users::User;
use crate::domain::ids::{ProjectId, UserId};

/// No session outlives this, however busy it is.
pub const MAX_AGE: Duration = Duration::days(7);

/// A session to keep.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// SHA-256 of its key.
    pub key_hash: &'a [u8],
    /// Who is signed in.
    pub user: Option<UserId>,
    /// What it remembers.
    pub state: &'a Value,
    /// Where it was signed in from.
    pub ip: &'a str,
    /// With which browser.
    pub user_agent: &'a str,
    /// When it ends unless it is used.
    pub expires_at: OffsetDateTime,
}

/// Keeps a new session.
pub async fn insert(db: &PgPool, new: &NewSession<'_>, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into login_sessions
           (key_hash, user_id, state, ip, user_agent, created_at, seen_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $6, $7)",
        new.key_hash,
        new.user as Option<UserId>,
        new.state,
        new.ip,
        new.user_agent,
        now,
        new.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A session that has not ended.
#[derive(Debug)]
pub struct Loaded {
    /// What it remembers.
    pub state: Value,
    /// Who is signed in and where they may go, for [`SignedIn::read`].
    pub signed_in: Option<String>,
    /// Whether it must be told soon that it is used.
    pub stale: bool,
}

/// What a session remembers, whose it is, and what needs a person in the project that it looked at
/// last, unless it has ended: the one question that every page asks.
pub async fn load(
    db: &PgPool,
    key_hash: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<Option<Loaded>> {
    sqlx::query_as!(
        Loaded,
        r#"select s.state, s.seen_at < $2::timestamptz - interval '30 seconds' as "stale!",
             case when u.id is not null then json_build_object(
               'id', u.id, 'name', u.name, 'is_owner', u.is_owner, 'places', (
                 select coalesce(json_agg(json_build_array(p.id, p.slug, p.name,
                   case when u.is_owner then 'admin' else m.role end) order by lower(p.name), p.id),
                   '[]')
                 from projects p left join members m on m.project_id = p.id and m.user_id = u.id
                 where u.is_owner or m.role is not null
               ), 'needs', (
                 select json_build_array(p.id, n)
                 from projects p cross join lateral project_needs(p.id) n
                 where p.slug = trim('"' from s.state->>'project')
               ))::text end as signed_in
           from login_sessions s left join users u on u.id = s.user_id and u.disabled_at is null
           where s.key_hash = $1 and s.expires_at > $2 and s.created_at > $3"#,
        key_hash,
        now,
        now - MAX_AGE,
    )
    .fetch_optional(db)
    .await
}

/// An account that is signed in, and its places.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The account.
    pub user: User,
    /// Its projects, by name.
    pub places: Vec<Membership>,
    /// What needed a person in the project that was looked at last, when the request came.
    pub needs: Option<(ProjectId, Needs)>,
}

impl SignedIn {
    /// Reads what [`load`] found.
    pub fn read(found: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Found {
            id: i64,
            name: String,
            is_owner: bool,
            places: Vec<(i64, String, String, String)>,
            needs: Option<(i64, Needs)>,
        }
        let found: Found = serde_json::from_str(found).ok()?;
        let place = |(id, slug, name, role): (i64, String, String, String)| {
            let project = Project { id: ProjectId(id), slug, name };
            Some(Membership { project, role: role.parse().ok()? })
        };
        Some(Self {
            user: User { id: UserId(found.id), name: found.name, is_owner: found.is_owner },
            places: found.places.into_iter().filter_map(place).collect(),
            needs: found.needs.map(|(project, needs)| (ProjectId(project), needs)),
        })
    }

    /// The place in the project called `slug`.
    pub fn place(&self, slug: &str) -> Option<&Membership> {
        self.places.iter().find(|place| place.project.slug == slug)
    }
}

/// Changes what a session remembers. `false`: it is gone.
pub async fn update(
    db: &PgPool,
    changed: &NewSession<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update login_sessions set user_id = $2, state = $3, ip = $4, user_agent = $5,
           seen_at = $6, expires_at = least($7::timestamptz, created_at + $8::interval)
         where key_hash = $1",
        changed.key_hash,
        changed.user as Option<UserId>,
        changed.state,
        changed.ip,
        changed.user_agent,
        now,
        changed.expires_at,
        interval(MAX_AGE),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lengthens a session that is used.
pub async fn touch(
    db: &PgPool,
    key_hash: &[u8],
    expires_at: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update login_sessions set seen_at = $3,
           expires_at = least($2::timestamptz, created_at + $4::interval)
         where key_hash = $1",
        key_hash,
        expires_at,
        now,
        interval(MAX_AGE),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a session.
pub async fn delete(db: &PgPool, key_hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("delete from login_sessions where key_hash = $1", key_hash).execute(db).await?;
    Ok(())
}

/// A session as its owner sees it.
#[derive(Debug)]
pub struct LoginSession {
    /// SHA-256 of its key.
    pub key_hash: Vec<u8>,
    /// Where it was signed in from.
    pub ip: String,
    /// With which browser.
    pub user_agent: String,
    /// Since when.
    pub created_at: OffsetDateTime,
    /// When it was last used, to half a minute.
    pub seen_at: OffsetDateTime,
}

/// The running sessions of a person, the latest used first.
pub async fn of_user(
    db: &PgPool,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<LoginSession>> {
    sqlx::query_as!(
        LoginSession,
        "select key_hash, ip, user_agent, created_at, seen_at from login_sessions
         where user_id = $1 and expires_at > $2 order by seen_at desc limit 100",
        user as UserId,
        now,
    )
    .fetch_all(db)
    .await
}

/// Ends one session of a person.
pub async fn revoke(db: &PgPool, user: UserId, key_hash: &[u8]) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from login_sessions where user_id = $1 and key_hash = $2",
        user as UserId,
        key_hash,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all sessions of a person but one. An empty hash ends all.
pub async fn revoke_others(
    db: &mut PgConnection,
    user: UserId,
    keep_key_hash: &[u8],
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from login_sessions where user_id = $1 and key_hash <> $2",
        user as UserId,
        keep_key_hash,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Removes sessions that have ended.
pub async fn delete_ended(db: &PgPool, now: OffsetDateTime) -> sqlx::Result<u64> {
    let done =
        sqlx::query!("delete from login_sessions where expires_at <= $1", now).execute(db).await?;
    Ok(done.rows_affected())
}

fn interval(length: Duration) -> sqlx::postgres::types::PgInterval {
    sqlx::postgres::types::PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(length.whole_microseconds()).unwrap_or(i64::MAX),
    }
}
