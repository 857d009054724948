//! Receipts that say "failed" of messages that were delivered all the same, own and external ones.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::reported::{Columns, ReasonedReceipt};
use crate::db::sending::messages::Reason;
use crate::domain::ids::MessageId;
use crate::domain::receipt::Overruled;

/// Inserts the overruled receipts of messages, one each; further ones of a message change nothing.
/// Stored outcomes are copied and must not have been corrected yet.
pub async fn insert(
    db: &mut PgConnection,
    overruled: &[(MessageId, Overruled<ReasonedReceipt<'_>>)],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let (mut stored, mut came) = (Vec::new(), Vec::new());
    for (id, receipt) in overruled {
        match receipt {
            Overruled::Stored => stored.push(id.0),
            Overruled::Receipt(told) => came.push((id.0, *told)),
        }
    }
    if !stored.is_empty() {
        copy(db, &stored).await?;
    }
    if came.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = came.iter().map(|(id, _)| *id).collect();
    let columns = Columns::collect(came.iter().map(|(_, told)| *told));
    sqlx::query!(
        r#"insert into overruled_receipts (id, reason_id, parts, receipt_at, recorded_at)
           select id, reason_id, parts, receipt_at, $5
           from unnest($1::bigint[], $2::int[], $3::int[], $4::timestamptz[])
             as told (id, reason_id, parts, receipt_at)
           on conflict (id) do nothing"#,
        &ids,
        &columns.reasons,
        &columns.parts,
        &columns.receipt_times as &[Option<OffsetDateTime>],
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn copy(db: &mut PgConnection, ids: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into overruled_receipts (id, reason_id, parts, receipt_at, recorded_at)
           select id, reason_id, parts, receipt_at, recorded_at from outcomes where id = any($1)
           union all
           select id, reason_id, parts, receipt_at, recorded_at from external_messages
           where id = any($1)
           on conflict (id) do nothing"#,
        ids,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// An overruled receipt.
#[derive(Debug, Clone)]
pub struct OverruledReceipt {
    /// The reason of the failure.
    pub reason: Reason,
    /// When it failed, according to the carrier.
    pub receipt_at: Option<OffsetDateTime>,
    /// When the receipt was recorded.
    pub recorded_at: OffsetDateTime,
}

/// Returns the overruled receipt of a message.
pub async fn find(db: &PgPool, id: MessageId) -> sqlx::Result<Option<OverruledReceipt>> {
    let row = sqlx::query!(
        r#"select r.code, r.description, r.category, o.receipt_at, o.recorded_at
           from overruled_receipts o join reasons r on r.id = o.reason_id where o.id = $1"#,
        id.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| OverruledReceipt {
        reason: Reason { code: row.code, description: row.description, category: row.category },
        receipt_at: row.receipt_at,
        recorded_at: row.recorded_at,
    }))
}
