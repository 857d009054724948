//! Login sessions. Their keys are stored as hashes only.

use serde::Deserialize;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use super::users::User;
use crate::db::projects::{Membership, Project};
use crate::db::reporting::dashboard::Needs;
use crate::domain::accounts::role::Role;
use crate::domain::ids::{ProjectId, UserId};

/// A login session to store.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// The SHA-256 hash of its key.
    pub key_hash: &'a [u8],
    /// The account that is signed in.
    pub user: Option<UserId>,
    /// The values stored in it.
    pub state: &'a Value,
    /// The IP it was signed in from.
    pub ip: &'a str,
    /// The browser it was signed in with.
    pub user_agent: &'a str,
    /// When it ends if it is not used.
    pub expires_at: OffsetDateTime,
}

/// Inserts a login session.
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

/// A login session that has not ended.
#[derive(Debug)]
pub struct Loaded {
    /// The values stored in it.
    pub state: Value,
    /// The account that is signed in and its memberships, for [`SignedIn::read`].
    pub signed_in: Option<String>,
    /// Whether its use has to be recorded soon.
    pub stale: bool,
}

/// Loads a login session, unless it has ended, with its account and what needs a person in the
/// project that it visited last. This is the one query that every page makes.
pub async fn load(
    db: &PgPool,
    key_hash: &[u8],
    max_age: Duration,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Loaded>> {
    sqlx::query_as!(
        Loaded,
        r#"select s.state, s.seen_at < $2::timestamptz - interval '30 seconds' as "stale!",
             case when u.id is not null then json_build_object(
               'id', u.id, 'name', u.name, 'is_owner', u.is_owner, 'places', (
                 select coalesce(json_agg(json_build_array(p.id, p.slug, p.name,
                   case when u.is_owner then 'admin' else m.role end, (
                     select coalesce(json_agg(i.approver_id), '[]')
                     from stand_ins i join users a on a.id = i.approver_id and a.disabled_at is null
                     left join members r on r.project_id = p.id and r.user_id = a.id
                     where i.project_id = p.id and i.stand_in_id = u.id and i.until > $2
                       and (a.is_owner or r.role in ('approver', 'admin'))
                   ), p.archived_at is not null) order by lower(p.name), p.id),
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
        now - max_age,
    )
    .fetch_optional(db)
    .await
}

/// An account that is signed in, with its memberships.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The account.
    pub user: User,
    /// Its memberships, by project name.
    pub places: Vec<Membership>,
    /// What needed a person in the project that was visited last, when the request came.
    pub needs: Option<(ProjectId, Needs)>,
}

impl SignedIn {
    /// Reads what [`load`] returned.
    pub fn read(json: &str) -> Option<Self> {
        type Place = (i64, String, String, String, Vec<i64>, bool);
        #[derive(Deserialize)]
        struct Found {
            id: i64,
            name: String,
            is_owner: bool,
            places: Vec<Place>,
            needs: Option<(i64, Needs)>,
        }
        let found: Found = serde_json::from_str(json).ok()?;
        let membership = |(id, slug, name, role, stands_in_for, is_archived): Place| {
            let project = Project { id: ProjectId(id), slug, name, is_archived };
            let stands_in_for = stands_in_for.into_iter().map(UserId).collect();
            Some(Membership { project, role: role.parse().ok()?, stands_in_for })
        };
        Some(Self {
            user: User { id: UserId(found.id), name: found.name, is_owner: found.is_owner },
            places: found.places.into_iter().filter_map(membership).collect(),
            needs: found.needs.map(|(project, needs)| (ProjectId(project), needs)),
        })
    }

    /// Returns the membership in the project with this slug.
    pub fn place(&self, slug: &str) -> Option<&Membership> {
        self.places.iter().find(|membership| membership.project.slug == slug)
    }
}

/// What a login session may see of a project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Access {
    /// The SHA-256 hash of the session's key.
    pub key_hash: Vec<u8>,
    /// The project.
    pub project: ProjectId,
    /// The person's role in it.
    pub role: Role,
}

/// Returns those of `accesses` that still hold: their session has not ended, and the person has the
/// same role in the project.
pub async fn holding(
    db: &PgPool,
    accesses: &[Access],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Access>> {
    let key_hashes: Vec<Vec<u8>> = accesses.iter().map(|one| one.key_hash.clone()).collect();
    let projects: Vec<i64> = accesses.iter().map(|one| one.project.0).collect();
    let roles: Vec<Role> = accesses.iter().map(|one| one.role).collect();
    sqlx::query_as!(
        Access,
        r#"select w.key_hash as "key_hash!", w.project_id as "project!: ProjectId",
             w.role as "role!: Role"
           from unnest($1::bytea[], $2::bigint[], $3::role[]) as w (key_hash, project_id, role)
           join login_sessions s on s.key_hash = w.key_hash
           join users u on u.id = s.user_id and u.disabled_at is null
           left join members m on m.user_id = u.id and m.project_id = w.project_id
           where s.expires_at > $4
             and w.role = case when u.is_owner then 'admin' else m.role end"#,
        &key_hashes,
        &projects,
        roles as Vec<Role>,
        now,
    )
    .fetch_all(db)
    .await
}

/// Replaces the values of a login session. Returns `false` if it no longer exists.
pub async fn update(
    db: &PgPool,
    changed: &NewSession<'_>,
    max_age: Duration,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let updated = sqlx::query!(
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
        interval(max_age),
    )
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Extends a login session that is used.
pub async fn touch(
    db: &PgPool,
    key_hash: &[u8],
    expires_at: OffsetDateTime,
    max_age: Duration,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update login_sessions set seen_at = $3,
           expires_at = least($2::timestamptz, created_at + $4::interval)
         where key_hash = $1",
        key_hash,
        expires_at,
        now,
        interval(max_age),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a login session.
pub async fn delete(db: &PgPool, key_hash: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("delete from login_sessions where key_hash = $1", key_hash).execute(db).await?;
    Ok(())
}

/// A login session as its owner sees it.
#[derive(Debug)]
pub struct LoginSession {
    /// The SHA-256 hash of its key.
    pub key_hash: Vec<u8>,
    /// The IP it was signed in from.
    pub ip: String,
    /// The browser it was signed in with.
    pub user_agent: String,
    /// When it was signed in.
    pub created_at: OffsetDateTime,
    /// When it was last used, to half a minute.
    pub seen_at: OffsetDateTime,
}

/// Returns the active login sessions of an account, latest used first.
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

/// Deletes one login session of an account. Returns how many, none or one.
pub async fn revoke(db: &mut PgConnection, user: UserId, key_hash: &[u8]) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from login_sessions where user_id = $1 and key_hash = $2",
        user as UserId,
        key_hash,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes all login sessions of an account but one; an empty hash deletes all. Returns how many.
pub async fn revoke_others(
    db: &mut PgConnection,
    user: UserId,
    keep_key_hash: &[u8],
) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from login_sessions where user_id = $1 and key_hash <> $2",
        user as UserId,
        keep_key_hash,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes login sessions that have ended. Returns how many.
pub async fn delete_ended(db: &PgPool, now: OffsetDateTime) -> sqlx::Result<u64> {
    let deleted =
        sqlx::query!("delete from login_sessions where expires_at <= $1", now).execute(db).await?;
    Ok(deleted.rows_affected())
}

fn interval(length: Duration) -> sqlx::postgres::types::PgInterval {
    sqlx::postgres::types::PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(length.whole_microseconds()).unwrap_or(i64::MAX),
    }
}
