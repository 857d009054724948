//! The processes that send, so that the calls of a dead one do not count as running.

use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// A process that was not seen for this long is dead.
pub const DEAD_AFTER: Duration = Duration::seconds(4);
/// How long rows of dead processes are kept.
const RETENTION: Duration = Duration::days(1);

/// The vendor's last responses to a process.
#[derive(Debug, Clone, Default)]
pub struct VendorContact {
    /// When the vendor last responded.
    pub heard_at: Option<OffsetDateTime>,
    /// When a call last had no response.
    pub trouble_at: Option<OffsetDateTime>,
    /// The problem of that call.
    pub problem: String,
}

/// Records that a process is alive, and the vendor's last responses to it.
pub async fn beat(
    db: &PgPool,
    worker: Uuid,
    heard: &VendorContact,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into workers (id, started_at, seen_at) values ($1, $2, $2)
           on conflict (id) do update set seen_at = $2, stopped_at = null, vendor_answered_at = $3,
             vendor_error_at = $4, vendor_error = $5"#,
        worker,
        now,
        heard.heard_at as Option<OffsetDateTime>,
        heard.trouble_at as Option<OffsetDateTime>,
        heard.problem,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records that a process stops, and that it has nothing left to record.
pub async fn stop(db: &PgPool, worker: Uuid, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("update workers set stopped_at = $2 where id = $1", worker, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes the rows of processes that died long ago.
pub async fn forget_dead(db: &PgPool, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("delete from workers where seen_at < $1", now - RETENTION).execute(db).await?;
    Ok(())
}
