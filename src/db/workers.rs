//! The processes that send, so that the calls of a dead one are not counted as under way.

use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// A process that was not seen for this long is dead.
pub const DEAD_AFTER: Duration = Duration::seconds(4);
/// Rows of dead processes are kept for this long.
const KEPT: Duration = Duration::days(1);

/// What a process heard from the vendor last.
#[derive(Debug, Clone, Default)]
pub struct VendorHeard {
    /// When the vendor answered.
    pub heard_at: Option<OffsetDateTime>,
    /// When a call had no answer.
    pub trouble_at: Option<OffsetDateTime>,
    /// What was seen instead.
    pub problem: String,
}

/// Says that a process lives, and what it heard from the vendor.
pub async fn beat(
    db: &PgPool,
    worker: Uuid,
    heard: &VendorHeard,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into workers (id, started_at, seen_at) values ($1, $2, $2)
           on conflict (id) do update set seen_at = $2, vendor_answered_at = $3,
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

/// Removes the rows of processes that died long ago.
pub async fn forget_dead(db: &PgPool, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("delete from workers where seen_at < $1", now - KEPT).execute(db).await?;
    Ok(())
}
