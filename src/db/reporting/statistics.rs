//! Statistics: counts by hour. Triggers insert differences together with whatever they count; here
//! these are folded into the counts and read. Every query sums folded and unfolded rows in one
//! statement, so that it sees each commit whole.

use sqlx::{Connection, PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::ProjectId;
use crate::domain::sending::message::Tally;
use crate::domain::statistics::{By, Counts};

/// The key of the advisory lock for folding; no other lock of the console uses it.
const FOLD_LOCK: i64 = 7_301_884_420;

/// Folds pending differences into the counts. Returns the number of folded rows, which is 0 while
/// another process is folding.
pub async fn fold(db: &mut PgConnection) -> sqlx::Result<u64> {
    let mut tx = db.begin().await?;
    let locked =
        sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "alone!""#, FOLD_LOCK)
            .fetch_one(&mut *tx)
            .await?;
    if !locked {
        return Ok(0);
    }
    let mut folded = fold_messages(&mut tx).await?;
    folded += fold_failures(&mut tx).await?;
    folded += fold_times(&mut tx).await?;
    tx.commit().await?;
    Ok(folded)
}

async fn fold_messages(db: &mut PgConnection) -> sqlx::Result<u64> {
    let rows = sqlx::query_scalar!(
        r#"with taken as (delete from hourly_messages_new returning *), folded as (
             insert into hourly_messages as h
             select project_id, hour, batch_id, country, sum(n), sum(queued), sum(submitted),
               sum(in_doubt), sum(delivered), sum(failed), sum(unknown), sum(refused),
               sum(cancelled), sum(suppressed), sum(parts)
             from taken group by 1, 2, 3, 4
             on conflict (project_id, hour, batch_id, country) do update set
               n = h.n + excluded.n, queued = h.queued + excluded.queued,
               submitted = h.submitted + excluded.submitted,
               in_doubt = h.in_doubt + excluded.in_doubt,
               delivered = h.delivered + excluded.delivered, failed = h.failed + excluded.failed,
               unknown = h.unknown + excluded.unknown, refused = h.refused + excluded.refused,
               cancelled = h.cancelled + excluded.cancelled,
               suppressed = h.suppressed + excluded.suppressed, parts = h.parts + excluded.parts
           )
           select count(*) as "count!" from taken"#,
    )
    .fetch_one(db)
    .await?;
    Ok(rows.unsigned_abs())
}

async fn fold_failures(db: &mut PgConnection) -> sqlx::Result<u64> {
    let rows = sqlx::query_scalar!(
        r#"with taken as (delete from hourly_failures_new returning *), folded as (
             insert into hourly_failures as h
             select project_id, hour, batch_id, outcome, reason_id, operator, sum(n)
             from taken group by 1, 2, 3, 4, 5, 6
             on conflict (project_id, hour, batch_id, outcome, reason_id, operator)
               do update set n = h.n + excluded.n
           )
           select count(*) as "count!" from taken"#,
    )
    .fetch_one(db)
    .await?;
    Ok(rows.unsigned_abs())
}

async fn fold_times(db: &mut PgConnection) -> sqlx::Result<u64> {
    let rows = sqlx::query_scalar!(
        r#"with taken as (delete from hourly_times_new returning *), folded as (
             insert into hourly_times as h
             select project_id, hour, batch_id, within_seconds, sum(n)
             from taken group by 1, 2, 3, 4
             on conflict (project_id, hour, batch_id, within_seconds)
               do update set n = h.n + excluded.n
           )
           select count(*) as "count!" from taken"#,
    )
    .fetch_one(db)
    .await?;
    Ok(rows.unsigned_abs())
}

/// Whose messages are counted, over which time. The time begins at a full hour.
#[derive(Debug, Clone, Copy)]
pub struct StatisticsQuery {
    /// The project.
    pub project: ProjectId,
    /// The beginning of the time, included.
    pub since: OffsetDateTime,
    /// The end of the time, excluded. If it lies within an hour, the billed parts of that hour are
    /// not known.
    pub until: OffsetDateTime,
    /// Whether external messages are counted instead of the console's own.
    pub others: bool,
}

/// Returns the counts of each hour or day with messages, oldest first.
pub async fn by_time(
    db: &PgPool,
    query: StatisticsQuery,
    days: bool,
) -> sqlx::Result<Vec<(OffsetDateTime, Counts)>> {
    let rows = sqlx::query!(
        r#"select date_trunc(case when $5 then 'day' else 'hour' end, hour, 'Asia/Shanghai')
               as "begins!",
             sum(n)::bigint as "n!", sum(queued)::bigint as "queued!",
             sum(submitted)::bigint as "submitted!", sum(in_doubt)::bigint as "in_doubt!",
             sum(delivered)::bigint as "delivered!", sum(failed)::bigint as "failed!",
             sum(unknown)::bigint as "unknown!", sum(refused)::bigint as "refused!",
             sum(cancelled)::bigint as "cancelled!", sum(suppressed)::bigint as "suppressed!",
             sum(case country when '86' then parts else 0 end)::bigint as "parts!",
             sum(case country when '86' then 0 else parts end)::bigint as "parts_abroad!",
             coalesce(sum(parts * price), 0)::bigint as "known_cost!",
             sum(case when price is null then parts else 0 end)::bigint as "unpriced!"
           from priced_messages_between($1, $2, $3, $4)
           group by 1 having sum(n) <> 0 order by 1"#,
        query.project.0,
        query.since,
        query.until,
        query.others,
        days,
    )
    .fetch_all(db)
    .await?;
    let counts = rows.into_iter().map(|row| {
        let tally = Tally {
            queued: row.queued,
            submitted: row.submitted,
            in_doubt: row.in_doubt,
            delivered: row.delivered,
            failed: row.failed,
            unknown: row.unknown,
            refused: row.refused,
            cancelled: row.cancelled,
            suppressed: row.suppressed,
        };
        let counts = Counts {
            total: row.n,
            tally,
            parts: row.parts,
            parts_abroad: row.parts_abroad,
            known_cost: row.known_cost,
            unpriced: row.unpriced,
        };
        (row.begins, counts)
    });
    Ok(counts.collect())
}

/// The counts of a template, a signature, a person …
#[derive(Debug, Clone)]
pub struct Group {
    /// What identifies it: a vendor's id, an id or a name.
    pub key: String,
    /// Its display name, if it has one besides the key.
    pub name: String,
    /// The vendor's id of its signature, if all its messages have the same.
    pub sig_id: Option<String>,
    /// The counts of its messages.
    pub counts: Counts,
}

/// Returns the sum of all messages of a period.
pub async fn sum(db: &PgPool, query: StatisticsQuery) -> sqlx::Result<Counts> {
    let days = by_time(db, query, true).await?;
    Ok(days.into_iter().map(|(_, counts)| counts).sum())
}

/// Returns the counts of each group, largest first. For hours and days see [`by_time`].
pub async fn by_group(db: &PgPool, query: StatisticsQuery, by: By) -> sqlx::Result<Vec<Group>> {
    let rows = sqlx::query!(
        r#"select case $5
               when 'template' then b.vendor_template_id when 'signature' then
                 case when b.sig_content = '' then '' when b.international
                   then '[' || b.sig_content || ']' else '【' || b.sig_content || '】' end
               when 'purpose' then b.purpose::text when 'country' then c.country
               when 'batch' then b.id::text when 'person' then b.ordered_by::text
               else '' end as "key!",
             max(case $5
               when 'template' then t.name when 'batch' then b.name when 'person' then u.name
               else '' end) as "name!",
             case when min(b.signature_id) = max(b.signature_id) then max(s.sig_id) end as sig_id,
             sum(n)::bigint as "n!", sum(queued)::bigint as "queued!",
             sum(submitted)::bigint as "submitted!", sum(in_doubt)::bigint as "in_doubt!",
             sum(c.delivered)::bigint as "delivered!", sum(c.failed)::bigint as "failed!",
             sum(c.unknown)::bigint as "unknown!", sum(c.refused)::bigint as "refused!",
             sum(c.cancelled)::bigint as "cancelled!", sum(c.suppressed)::bigint as "suppressed!",
             sum(case c.country when '86' then c.parts else 0 end)::bigint as "parts!",
             sum(case c.country when '86' then 0 else c.parts end)::bigint as "parts_abroad!",
             coalesce(sum(c.parts * c.price), 0)::bigint as "known_cost!",
             sum(case when c.price is null then c.parts else 0 end)::bigint as "unpriced!"
           from priced_messages_between($1, $2, $3, $4) c
           join batches b on b.id = c.batch_id
           join sms_templates t on t.id = b.template_id
           left join signatures s on s.id = b.signature_id
           join users u on u.id = b.ordered_by
           group by 1 having sum(n) <> 0 order by sum(n) desc, 1"#,
        query.project.0,
        query.since,
        query.until,
        query.others,
        by.key(),
    )
    .fetch_all(db)
    .await?;
    let groups = rows.into_iter().map(|row| {
        let tally = Tally {
            queued: row.queued,
            submitted: row.submitted,
            in_doubt: row.in_doubt,
            delivered: row.delivered,
            failed: row.failed,
            unknown: row.unknown,
            refused: row.refused,
            cancelled: row.cancelled,
            suppressed: row.suppressed,
        };
        let counts = Counts {
            total: row.n,
            tally,
            parts: row.parts,
            parts_abroad: row.parts_abroad,
            known_cost: row.known_cost,
            unpriced: row.unpriced,
        };
        Group { key: row.key, name: row.name, sig_id: row.sig_id, counts }
    });
    Ok(groups.collect())
}

/// Returns how long delivered messages took, as numbers of seconds, each with the number of
/// messages that took at most so long but longer than the previous one.
pub async fn times(db: &PgPool, query: StatisticsQuery) -> sqlx::Result<Vec<(i32, i64)>> {
    let rows = sqlx::query!(
        r#"select within_seconds as "within_seconds!", sum(n)::bigint as "n!"
           from counted_times
           where project_id = $1 and hour >= $2 and hour < $3 and (batch_id = 0) = $4
           group by 1 having sum(n) <> 0 order by 1"#,
        query.project.0,
        query.since,
        query.until,
        query.others,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.within_seconds, row.n)).collect())
}
