//! Batches that were sent back instead of being approved.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use crate::domain::ids::{BatchId, ProjectId, UserId};

/// Why a batch was sent back.
#[derive(Debug, Clone)]
pub struct SentBack {
    /// The reason.
    pub reason: String,
    /// The name of the account that sent it back; empty if it is not known any more.
    pub person: String,
    /// When.
    pub at: OffsetDateTime,
    /// Whether the batch has a recipient list.
    pub is_list: bool,
}

/// Returns why a batch was last sent back, if it was.
pub async fn find(db: impl PgExecutor<'_>, batch: BatchId) -> sqlx::Result<Option<SentBack>> {
    sqlx::query_as!(
        SentBack,
        r#"select b.sent_back_reason as reason, coalesce(u.name, '') as "person!",
             b.sent_back_at as "at!",
             exists (select from uploads where batch_id = b.id) as "is_list!"
           from batches b left join users u on u.id = b.sent_back_by
           where b.id = $1 and b.sent_back_at is not null"#,
        batch.0,
    )
    .fetch_optional(db)
    .await
}

/// Locks the upload of a batch until the end of the transaction. Planning locks it before the batch, so
/// whoever needs both does as well. Returns whether all of its rows are still there: none of them is a
/// message.
pub async fn lock_upload(db: &mut PgConnection, batch: BatchId) -> sqlx::Result<bool> {
    let whole = sqlx::query_scalar!(
        r#"select planned_to = 0 as "whole!" from uploads where batch_id = $1 for update"#,
        batch.0,
    )
    .fetch_optional(&mut *db)
    .await?;
    Ok(whole.unwrap_or(false))
}

/// Makes a list that awaits approval a draft again. Returns whether it did: nobody sends back their own
/// batch, nor one of which messages were made.
pub async fn to_draft(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    by: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"update batches b
           set state = 'draft', total = 0, parts = 0, price = null, decided_by = null, ordered_at = null
           where project_id = $1 and id = $2 and state = 'awaiting_approval' and ordered_by <> $3
             and not planned and not exists (select from submissions where batch_id = b.id)"#,
        project.0,
        batch.0,
        by.0,
    )
    .execute(&mut *db)
    .await?;
    if moved.rows_affected() != 1 {
        return Ok(false);
    }
    sqlx::query!("delete from batch_countries where batch_id = $1", batch.0)
        .execute(&mut *db)
        .await?;
    // The draft is not an order any more: confirming it reserves anew.
    sqlx::query!("delete from budget_reservations where batch_id = $1", batch.0)
        .execute(&mut *db)
        .await?;
    sqlx::query!("update uploads set touched_at = $2 where batch_id = $1", batch.0, now)
        .execute(db)
        .await?;
    Ok(true)
}

/// Records who sent a batch back, and why.
pub async fn record(
    db: &mut PgConnection,
    batch: BatchId,
    by: UserId,
    reason: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update batches set sent_back_at = $2, sent_back_by = $3, sent_back_reason = $4
           where id = $1"#,
        batch.0,
        now,
        by.0,
        reason,
    )
    .execute(db)
    .await?;
    Ok(())
}
