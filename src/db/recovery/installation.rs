//! Which database this is: whether it is the installation, and whether it went back in time.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::recoveries::{Cause, RecoveryId};

/// How the database compares with what it says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// It is the installation.
    Same,
    /// It is the installation on another timeline: a standby was promoted, or it was recovered to a
    /// time.
    Promoted,
    /// It is another database: a dump was restored, or it was copied.
    Copied,
}

/// What a process knows of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The position in the write-ahead log that is on disk, in bytes.
    pub position: i64,
    /// The transaction that wrote the row of the installation.
    pub row: i64,
}

/// What a look at the database shows.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Whether it is the installation.
    pub identity: Identity,
    /// How far it is.
    pub seen: Seen,
    /// When this process was last seen, as the database has it.
    pub own_beat: Option<OffsetDateTime>,
    /// The recovery that has not ended.
    pub open: Option<(RecoveryId, Cause)>,
    /// The newest recovery, ended or not.
    pub newest: Option<RecoveryId>,
    /// When the last process was last seen; `None` if it stopped cleanly.
    pub last_seen_at: Option<OffsetDateTime>,
}

/// Looks at the database, for a process.
pub async fn observe(db: &PgPool, worker: Uuid) -> sqlx::Result<Observed> {
    let row = sqlx::query!(
        r#"select i.system_identifier = (select system_identifier from pg_control_system())
             and i.database_oid = database_oid() and i.written_by = i.xmin as "is_ours!",
             i.timeline = database_timeline() as "is_same_timeline!",
             (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint as "position!",
             i.written_by::text::bigint as "row!",
             (select seen_at from workers where id = $1) as own_beat,
             r.id as "open?: RecoveryId", r.cause as "cause?: Cause",
             (select id from recoveries order by noticed_at desc limit 1) as "newest: RecoveryId",
             (select case when stopped_at is null then seen_at end from workers
               order by coalesce(stopped_at, seen_at) desc limit 1) as last_seen_at
           from installation i left join recoveries r on r.ended_at is null"#,
        worker,
    )
    .fetch_one(db)
    .await?;
    let identity = match (row.is_ours, row.is_same_timeline) {
        (false, _) => Identity::Copied,
        (true, false) => Identity::Promoted,
        (true, true) => Identity::Same,
    };
    Ok(Observed {
        identity,
        seen: Seen { position: row.position, row: row.row },
        own_beat: row.own_beat,
        open: row.open.zip(row.cause),
        newest: row.newest,
        last_seen_at: row.last_seen_at,
    })
}

/// Returns whether this database is the installation and nothing of it has to be repaired first.
/// While it is not, nothing may be sent, applied for or pulled.
pub async fn is_whole(db: &PgPool) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select is_whole(null, null) as "whole!""#).fetch_one(db).await
}

/// Records that this database is the installation.
pub async fn write(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select write_installation()").fetch_one(db).await.map(drop)
}
