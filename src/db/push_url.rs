//! The door of a project's pushes: its secrets, who may come, and how many came.

use sqlx::{PgConnection, PgPool};
use time::{Date, OffsetDateTime};

use crate::domain::ids::ProjectId;

/// Whose door a secret opens.
#[derive(Debug)]
pub struct Opened {
    /// The project.
    pub project: ProjectId,
    /// Pushes come from one of these networks; from anywhere when there is none.
    pub networks: Vec<String>,
    /// The secret is the one before the newest.
    pub is_old: bool,
}

/// Whose door the secret with this SHA-256 opens now.
pub async fn open(db: &PgPool, hash: &[u8], now: OffsetDateTime) -> sqlx::Result<Option<Opened>> {
    sqlx::query_as!(
        Opened,
        r#"select id as "project!: ProjectId", hook_networks as "networks!", false as "is_old!"
           from projects where hook_secret_hash = $1
           union all
           select id, hook_networks, true
           from projects where old_hook_hash = $1 and old_hook_until > $2"#,
        hash,
        now,
    )
    .fetch_optional(db)
    .await
}

/// What kind of push came, as far as can be told at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(type_name = "push_kind", rename_all = "snake_case")]
pub enum PushKind {
    /// Status reports.
    Reports,
    /// Replies.
    Replies,
    /// Neither.
    Other,
}

impl PushKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Reports, Self::Replies, Self::Other];

    /// The name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Reports => "reports",
            Self::Replies => "replies",
            Self::Other => "other",
        }
    }
}

/// Adds pushes of one kind to a day's number.
pub async fn count(
    db: &mut PgConnection,
    project: ProjectId,
    day: Date,
    kind: PushKind,
    pushes: i64,
    last_at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into push_counts as c (project_id, day, kind, pushes, last_at)
           values ($1, $2, $3, $4, $5)
           on conflict (project_id, day, kind) do update
             set pushes = c.pushes + $4, last_at = greatest(c.last_at, $5)"#,
        project.0,
        day,
        kind as PushKind,
        pushes,
        last_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The old secret was used.
pub async fn old_was_used(
    db: &mut PgConnection,
    project: ProjectId,
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update projects set old_hook_used_at = greatest(old_hook_used_at, $2) where id = $1",
        project.0,
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A push with a right secret came from an address that may not push.
pub async fn was_refused(
    db: &mut PgConnection,
    project: ProjectId,
    address: &str,
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update projects set hook_refused_at = $2, hook_refused_ip = $3 where id = $1",
        project.0,
        at,
        address,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The pushes of one kind.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    /// The kind.
    pub kind: PushKind,
    /// How many came on the day that was asked for.
    pub today: i64,
    /// How many came since the day that was asked for.
    pub lately: i64,
    /// When the last one came.
    pub last_at: OffsetDateTime,
}

/// The pushes of each kind that ever came: on `today`, since `from`, and when last.
pub async fn counted(
    db: &PgPool,
    project: ProjectId,
    today: Date,
    from: Date,
) -> sqlx::Result<Vec<Counted>> {
    sqlx::query_as!(
        Counted,
        r#"select kind as "kind: PushKind",
             coalesce(sum(pushes) filter (where day = $2), 0)::bigint as "today!",
             coalesce(sum(pushes) filter (where day >= $3), 0)::bigint as "lately!",
             max(last_at) as "last_at!"
           from push_counts where project_id = $1
           group by kind order by kind"#,
        project.0,
        today,
        from,
    )
    .fetch_all(db)
    .await
}

/// When a project's status reports were pushed last.
pub async fn last_reports(
    db: &mut PgConnection,
    project: ProjectId,
) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!(
        "select max(last_at) from push_counts where project_id = $1 and kind = 'reports'",
        project.0,
    )
    .fetch_one(db)
    .await
}

/// A project's door as its administrators see it.
#[derive(Debug)]
pub struct Door {
    /// The newest secret, sealed.
    pub secret_sealed: Vec<u8>,
    /// When it was made.
    pub made_at: OffsetDateTime,
    /// The secret before it works until then; it may be over.
    pub old_until: Option<OffsetDateTime>,
    /// When the secret before it was used last since it was replaced.
    pub old_used_at: Option<OffsetDateTime>,
    /// Pushes come from one of these networks; from anywhere when there is none.
    pub networks: Vec<String>,
    /// When a right secret came last from another address.
    pub refused_at: Option<OffsetDateTime>,
    /// That address.
    pub refused_address: String,
}

/// The door of `project`.
pub async fn door(db: &PgPool, project: ProjectId) -> sqlx::Result<Door> {
    sqlx::query_as!(
        Door,
        r#"select hook_secret_sealed as secret_sealed,
             coalesce(hook_made_at, created_at) as "made_at!", old_hook_until as old_until,
             old_hook_used_at as old_used_at, hook_networks as networks,
             hook_refused_at as refused_at, hook_refused_ip as refused_address
           from projects where id = $1"#,
        project.0,
    )
    .fetch_one(db)
    .await
}

/// A secret to replace another.
#[derive(Debug)]
pub struct NewSecret<'a> {
    /// Sealed.
    pub sealed: &'a [u8],
    /// Its SHA-256.
    pub hash: &'a [u8],
    /// The one it replaces works until then.
    pub old_until: OffsetDateTime,
}

/// Replaces the newest secret, unless the one before it still works. Answers whether it did.
pub async fn rotate(
    db: &mut PgConnection,
    project: ProjectId,
    new: &NewSecret<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"update projects
           set old_hook_hash = hook_secret_hash, old_hook_until = $4, old_hook_used_at = null,
             hook_secret_sealed = $2, hook_secret_hash = $3, hook_made_at = $5
           where id = $1 and coalesce(old_hook_until <= $5, true)"#,
        project.0,
        new.sealed,
        new.hash,
        new.old_until,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends the secret before the newest. Answers whether it still worked.
pub async fn end_old(
    db: &mut PgConnection,
    project: ProjectId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"update projects set old_hook_hash = null, old_hook_until = null, old_hook_used_at = null
           where id = $1 and old_hook_until > $2"#,
        project.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes where pushes may come from. Answers where they might before.
pub async fn keep_networks(
    db: &mut PgConnection,
    project: ProjectId,
    networks: &[String],
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"update projects p set hook_networks = $2
           from (select id, hook_networks from projects where id = $1 for update) before
           where p.id = before.id
           returning before.hook_networks"#,
        project.0,
        networks,
    )
    .fetch_one(db)
    .await
}

/// When the first message left whose receipt no push can have brought: it left after `last_push`
/// and after `from`, and its outcome is known all the same.
pub async fn first_unpushed(
    db: &mut PgConnection,
    project: ProjectId,
    last_push: Option<OffsetDateTime>,
    from: OffsetDateTime,
) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!(
        r#"select sent_at from submissions
           where project_id = $1 and sent_at > greatest($2::timestamptz, $3::timestamptz)
             and delivered + failed > 0
           order by sent_at limit 1"#,
        project.0,
        last_push as Option<OffsetDateTime>,
        from,
    )
    .fetch_optional(db)
    .await
    .map(Option::flatten)
}

/// Since when people know that a project's pushes are missing.
pub async fn missing_since(
    db: &mut PgConnection,
    project: ProjectId,
) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!("select pushes_missing_since from projects where id = $1", project.0)
        .fetch_one(db)
        .await
}

/// Writes down since when pushes are missing. Answers whether this is news.
pub async fn set_missing(
    db: &mut PgConnection,
    project: ProjectId,
    since: Option<OffsetDateTime>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"update projects set pushes_missing_since = $2
           where id = $1 and (pushes_missing_since is null) <> ($2::timestamptz is null)"#,
        project.0,
        since as Option<OffsetDateTime>,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Finds a push with exactly this body that came since `from`: its number, and when it was settled.
pub async fn find_push(
    db: &PgPool,
    project: ProjectId,
    body: &[u8],
    from: OffsetDateTime,
) -> sqlx::Result<Option<(i64, Option<OffsetDateTime>)>> {
    let row = sqlx::query!(
        r#"select id, processed_at from inbox
           where id >= first_id($3) and project_id = $1 and body = $2 limit 1"#,
        project.0,
        body,
        from,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.id, row.processed_at)))
}

/// Removes a test push.
pub async fn remove_push(db: &PgPool, id: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from inbox where id = $1", id).execute(db).await?;
    Ok(())
}
