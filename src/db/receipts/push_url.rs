//! The push URL of a project: its secrets, who may push to it, and how many pushes came.

use sqlx::{PgConnection, PgPool};
use time::{Date, OffsetDateTime};

use crate::domain::ids::ProjectId;

/// The project and conditions of a valid secret.
#[derive(Debug)]
pub struct Opened {
    /// The project.
    pub project: ProjectId,
    /// The networks that pushes may come from; all networks if there are none.
    pub networks: Vec<String>,
    /// Whether the secret is the one before the newest.
    pub is_old: bool,
}

/// Returns the project whose secret has this SHA-256 hash and is valid now.
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

/// The kind of a push, as far as the push endpoint can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(type_name = "push_kind", rename_all = "snake_case")]
pub enum PushKind {
    /// Receipts (the vendor's status reports).
    Reports,
    /// Replies.
    Replies,
    /// Neither.
    Other,
}

impl PushKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Reports, Self::Replies, Self::Other];

    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Reports => "reports",
            Self::Replies => "replies",
            Self::Other => "other",
        }
    }
}

/// Adds a number of pushes of one kind to a day's count.
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

/// Records that the old secret was used.
pub async fn record_old_secret_use(
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

/// Records that a push with a valid secret came from an IP that may not push.
pub async fn record_refused_push(
    db: &mut PgConnection,
    project: ProjectId,
    ip: &str,
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update projects set hook_refused_at = $2, hook_refused_ip = $3 where id = $1",
        project.0,
        at,
        ip,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The counts of one kind of push.
#[derive(Debug, Clone, Copy)]
pub struct PushCount {
    /// The kind.
    pub kind: PushKind,
    /// The number of pushes on the given day.
    pub today: i64,
    /// The number of pushes since the given day.
    pub lately: i64,
    /// When the last push came.
    pub last_at: OffsetDateTime,
}

/// Returns for each kind of push that ever came how many came on `today` and since `from`, and when
/// the last one came.
pub async fn counted(
    db: &PgPool,
    project: ProjectId,
    today: Date,
    from: Date,
) -> sqlx::Result<Vec<PushCount>> {
    sqlx::query_as!(
        PushCount,
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

/// Returns when receipts of a project were last pushed.
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

/// The push URL of a project as its administrators see it.
#[derive(Debug)]
pub struct Endpoint {
    /// The newest secret, encrypted.
    pub secret_sealed: Vec<u8>,
    /// When that secret was created.
    pub made_at: OffsetDateTime,
    /// Until when the previous secret works; this may be in the past.
    pub old_until: Option<OffsetDateTime>,
    /// When the previous secret was last used since it was replaced.
    pub old_used_at: Option<OffsetDateTime>,
    /// The networks that pushes may come from; all networks if there are none.
    pub networks: Vec<String>,
    /// When a valid secret last came from another IP.
    pub refused_at: Option<OffsetDateTime>,
    /// That IP.
    pub refused_address: String,
}

/// Returns the push URL of `project`.
pub async fn endpoint(db: &PgPool, project: ProjectId) -> sqlx::Result<Endpoint> {
    sqlx::query_as!(
        Endpoint,
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

/// A secret that replaces the newest one.
#[derive(Debug)]
pub struct NewSecret<'a> {
    /// The secret, encrypted.
    pub sealed: &'a [u8],
    /// Its SHA-256 hash.
    pub hash: &'a [u8],
    /// Until when the replaced secret works.
    pub old_until: OffsetDateTime,
}

/// Replaces the newest secret, unless the previous one still works. Returns whether it was
/// replaced.
pub async fn rotate(
    db: &mut PgConnection,
    project: ProjectId,
    new: &NewSecret<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let updated = sqlx::query!(
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
    Ok(updated.rows_affected() == 1)
}

/// Ends the previous secret. Returns whether it still worked.
pub async fn end_old(
    db: &mut PgConnection,
    project: ProjectId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let updated = sqlx::query!(
        r#"update projects set old_hook_hash = null, old_hook_until = null, old_hook_used_at = null
           where id = $1 and old_hook_until > $2"#,
        project.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Replaces the networks that pushes may come from. Returns the previous ones.
pub async fn set_networks(
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

/// Returns when the first message was sent whose receipt cannot have been pushed: it was sent after
/// `last_push` and after `from`, but its outcome is known.
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

/// Returns since when a project's pushes are known to be missing.
pub async fn missing_since(
    db: &mut PgConnection,
    project: ProjectId,
) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!("select pushes_missing_since from projects where id = $1", project.0)
        .fetch_one(db)
        .await
}

/// Records since when pushes are missing. Returns whether that changed.
pub async fn set_missing(
    db: &mut PgConnection,
    project: ProjectId,
    since: Option<OffsetDateTime>,
) -> sqlx::Result<bool> {
    let updated = sqlx::query!(
        r#"update projects set pushes_missing_since = $2
           where id = $1 and (pushes_missing_since is null) <> ($2::timestamptz is null)"#,
        project.0,
        since as Option<OffsetDateTime>,
    )
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Returns the id of a push with exactly this body that came since `from`, and when it was processed.
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

/// Deletes a test push.
pub async fn remove_push(db: &PgPool, id: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from inbox where id = $1", id).execute(db).await?;
    Ok(())
}
