//! The chain of hashes over the audit events, and how long they are kept.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::domain::ids::{AuditEventId, first_number_at};

/// Events are chained when nothing older can be committed any more. Besides running transactions, this
/// leaves time to one that has taken its time but not begun.
const MARGIN: Duration = Duration::minutes(5);
/// Refusals are counted in an event for an hour.
const COUNTED_FOR: Duration = Duration::hours(2);

/// Chains some events that can't change any more. Returns how many.
pub async fn extend(db: &PgPool, now: OffsetDateTime, limit: i32) -> sqlx::Result<i32> {
    let border = sqlx::query_scalar!(
        r#"select least($1::bigint,
             (select first_id(min(xact_start) - interval '1 minute') from pg_stat_activity
              where datname = current_database() and pid <> pg_backend_pid()),
             (select min(id) from audit_log
              where id >= $2 and (detail->>'counted_until')::timestamptz > $3)) as "border!""#,
        first_number_at(now - MARGIN),
        first_number_at(now - COUNTED_FOR),
        now - MARGIN,
    )
    .fetch_one(db)
    .await?;
    sqlx::query_scalar!(r#"select chain_audit($1, $2) as "chained!""#, border, limit)
        .fetch_one(db)
        .await
}

/// Removes some events that are past their retention. Returns how many.
pub async fn remove_old(db: &PgPool, limit: i32) -> sqlx::Result<i32> {
    sqlx::query_scalar!(r#"select remove_old_audit($1) as "removed!""#, limit).fetch_one(db).await
}

/// Returns how many months audit events are kept; `None` keeps them for ever.
pub async fn retention(db: &mut PgConnection) -> sqlx::Result<Option<i16>> {
    sqlx::query_scalar!("select retention_months from audit_settings").fetch_one(db).await
}

/// Replaces how many months audit events are kept.
pub async fn set_retention(db: &mut PgConnection, months: Option<i16>) -> sqlx::Result<()> {
    sqlx::query!("update audit_settings set retention_months = $1", months).execute(db).await?;
    Ok(())
}

/// Where the chain breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// This event was changed, or its hash.
    Changed(AuditEventId),
    /// This event was removed, or one before it.
    Removed(AuditEventId),
    /// This event was added after later ones.
    Added(AuditEventId),
}

/// What the chain proves.
#[derive(Debug)]
pub struct Verified {
    /// The number of chained events.
    pub events: i64,
    /// The hash of the last of them; empty if there is none.
    pub last_hash: Vec<u8>,
    /// Where it breaks first, if it does.
    pub broken: Option<Break>,
}

/// Verifies the whole chain.
pub async fn verify(db: &PgPool) -> sqlx::Result<Verified> {
    let last = sqlx::query!(
        r#"select count(*) as "events!",
             coalesce((select hash from audit_chain order by seq desc limit 1), '') as "hash!"
           from audit_chain"#,
    )
    .fetch_one(db)
    .await?;
    let first_break = sqlx::query!(
        r#"select c.event_id as "event: AuditEventId",
             a.id is null or c.seq <> coalesce(c.last_seq, k.seq, 0) + 1 as "is_removed!"
           from (
             select seq, event_id, hash, lag(seq) over (order by seq) as last_seq,
               lag(hash) over (order by seq) as last_hash
             from audit_chain
           ) c
           left join audit_anchor k on true
           left join audit_log a on a.id = c.event_id
           where a.id is null or c.seq <> coalesce(c.last_seq, k.seq, 0) + 1
             or c.hash <> sha256(coalesce(c.last_hash, k.hash, '')
               || convert_to(audit_text(a), 'UTF8'))
           order by c.seq limit 1"#,
    )
    .fetch_optional(db)
    .await?;
    let broken = match first_break {
        Some(found) if found.is_removed => Some(Break::Removed(found.event)),
        Some(found) => Some(Break::Changed(found.event)),
        None => added(db).await?.map(Break::Added),
    };
    Ok(Verified { events: last.events, last_hash: last.hash, broken })
}

/// Returns the first event that is older than a chained one and not chained. One that a recovery wrote
/// again is chained soon.
async fn added(db: &PgPool) -> sqlx::Result<Option<AuditEventId>> {
    sqlx::query_scalar!(
        r#"select a.id as "id: AuditEventId" from audit_log a
           where a.id < (select max(event_id) from audit_chain)
             and not exists (select from audit_chain c where c.event_id = a.id)
             and not exists (select from recovery_actions r where r.event_id = a.id)
           order by a.id limit 1"#,
    )
    .fetch_optional(db)
    .await
}
