//! What would be lost if the database server were lost now, and which setting changes that.

use sqlx::PgPool;
use time::OffsetDateTime;

/// How safe the data of the server are.
#[derive(Debug, Clone)]
pub struct Durability {
    /// Whether writes reach the disk at all (`fsync`).
    pub fsync: bool,
    /// Whether a commit waits until it is on disk, or on the standby (`synchronous_commit`).
    pub waits: bool,
    /// How many standbys have everything that was committed.
    pub synchronous: i64,
    /// How many standbys may lag behind.
    pub asynchronous: i64,
    /// How many standbys there are of which this role may not see more.
    pub hidden: i64,
    /// How many bytes the nearest asynchronous standby is behind; `None` if that is not known.
    pub behind: Option<i64>,
    /// Whether the write-ahead log is archived (`archive_mode`).
    pub archives: bool,
    /// The last attempt to archive failed.
    pub archive_fails: bool,
    /// The time of the server.
    pub server_time: OffsetDateTime,
}

/// What a loss of the server would cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// A crash may damage the database: `fsync` is off.
    Fsync,
    /// A crash loses the last moments: `synchronous_commit` is off.
    Commit,
    /// Archiving fails, so that the disk fills and no recovery to a time is possible.
    Archive,
    /// What has not reached the standby is lost.
    Asynchronous,
    /// Everything since the last backup is lost.
    NoStandby,
    /// There is a standby, but this role may not see of which kind.
    Hidden,
    /// Nothing is lost while a synchronous standby lives.
    Nothing,
}

impl Exposure {
    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Fsync => "fsync",
            Self::Commit => "commit",
            Self::Archive => "archive",
            Self::Asynchronous => "asynchronous",
            Self::NoStandby => "no-standby",
            Self::Hidden => "hidden",
            Self::Nothing => "nothing",
        }
    }

    /// Returns whether a setting contradicts what the console promises.
    pub fn is_wrong(self) -> bool {
        match self {
            Self::Fsync | Self::Commit | Self::Archive => true,
            Self::Asynchronous | Self::NoStandby | Self::Hidden | Self::Nothing => false,
        }
    }
}

impl Durability {
    /// Returns the worst of what could be lost.
    pub fn exposure(&self) -> Exposure {
        match self {
            Self { fsync: false, .. } => Exposure::Fsync,
            Self { waits: false, .. } => Exposure::Commit,
            Self { archive_fails: true, .. } => Exposure::Archive,
            Self { synchronous: 1.., .. } => Exposure::Nothing,
            Self { asynchronous: 1.., .. } => Exposure::Asynchronous,
            Self { hidden: 1.., .. } => Exposure::Hidden,
            Self { .. } => Exposure::NoStandby,
        }
    }
}

/// Asks the server.
pub async fn ask(db: &PgPool) -> sqlx::Result<Durability> {
    sqlx::query_as!(
        Durability,
        r#"select current_setting('fsync') = 'on' as "fsync!",
             current_setting('synchronous_commit') <> 'off' as "waits!",
             current_setting('archive_mode') <> 'off' as "archives!",
             coalesce((select last_failed_time > coalesce(last_archived_time, '-infinity')
               from pg_stat_archiver), false) and current_setting('archive_mode') <> 'off'
               as "archive_fails!",
             count(*) filter (where sync_state in ('sync', 'quorum')
               and current_setting('synchronous_commit') in ('on', 'remote_apply', 'remote_write'))
               as "synchronous!",
             count(*) filter (where sync_state not in ('sync', 'quorum')
               or current_setting('synchronous_commit') not in ('on', 'remote_apply', 'remote_write'))
               as "asynchronous!",
             count(*) filter (where sync_state is null) as "hidden!",
             min(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn))::bigint as behind,
             clock_timestamp() as "server_time!"
           from pg_stat_replication"#,
    )
    .fetch_one(db)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAFE: Durability = Durability {
        fsync: true,
        waits: true,
        synchronous: 1,
        asynchronous: 0,
        hidden: 0,
        behind: Some(0),
        archives: true,
        archive_fails: false,
        server_time: OffsetDateTime::UNIX_EPOCH,
    };

    #[test]
    fn the_worst_exposure_is_named() {
        assert_eq!(SAFE.exposure(), Exposure::Nothing);
        let lagging = Durability { synchronous: 0, asynchronous: 2, ..SAFE };
        assert_eq!(lagging.exposure(), Exposure::Asynchronous);
        let alone = Durability { synchronous: 0, ..SAFE };
        assert_eq!(alone.clone().exposure(), Exposure::NoStandby);
        assert_eq!(Durability { hidden: 1, ..alone }.exposure(), Exposure::Hidden);
        assert_eq!(Durability { waits: false, ..SAFE }.exposure(), Exposure::Commit);
        assert_eq!(Durability { fsync: false, ..SAFE }.exposure(), Exposure::Fsync);
        assert_eq!(Durability { archive_fails: true, ..SAFE }.exposure(), Exposure::Archive);
        assert!(Exposure::Commit.is_wrong() && !Exposure::NoStandby.is_wrong());
    }
}
