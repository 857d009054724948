//! The processes that send, so that the calls of a dead one are not counted as under way.

use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// A process that was not seen for this long is dead.
pub const DEAD_AFTER: Duration = Duration::seconds(4);
/// Rows of dead processes are kept for this long.
const KEPT: Duration = Duration::days(1);

/// Says that a process lives.
pub async fn beat(db: &PgPool, worker: Uuid, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into workers (id, started_at, seen_at) values ($1, $2, $2)
           on conflict (id) do update set seen_at = $2"#,
        worker,
        now,
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
