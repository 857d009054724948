//! Why messages were not delivered: counts by reason, carrier and batch, folded and read as in
//! [`super::statistics`].

use sqlx::PgPool;
use time::OffsetDateTime;

use super::statistics::StatisticsQuery;
use crate::domain::ids::BatchId;
use crate::domain::sending::message::Outcome;

/// The filters; empty ones match everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only {
    /// `failed`, `refused` or `unknown`.
    pub state: String,
    /// A vendor's template id.
    pub template: String,
    /// A carrier: `cmcc`, `ctcc` or `cucc`.
    pub operator: String,
    /// A cause of failures, as in the table `reasons`.
    pub cause: String,
    /// A receipt code or RetCode.
    pub code: String,
}

/// The number of messages with one outcome for one reason.
#[derive(Debug, Clone)]
pub struct Reason {
    /// The beginning of the hour or day.
    pub begins: OffsetDateTime,
    /// Failed, refused or unknown.
    pub outcome: Outcome,
    /// The category of the cause.
    pub category: String,
    /// The code, as it came.
    pub code: String,
    /// A description that came with it.
    pub words: String,
    /// The number of messages.
    pub n: i64,
}

/// Returns failures by hour or day, cause and code.
pub async fn by_reason(
    db: &PgPool,
    query: StatisticsQuery,
    only: &Only,
    days: bool,
) -> sqlx::Result<Vec<Reason>> {
    sqlx::query_as!(
        Reason,
        r#"select date_trunc(case when $5 then 'day' else 'hour' end, f.hour, 'Asia/Shanghai')
               as "begins!",
             f.outcome as "outcome!: Outcome", coalesce(r.category, '') as "category!",
             coalesce(r.code, '') as "code!", coalesce(max(r.description), '') as "words!",
             sum(f.n)::bigint as "n!"
           from counted_failures f
           left join reasons r on r.id = f.reason_id
           left join batches b on b.id = f.batch_id
           where f.project_id = $1 and f.hour >= $2 and f.hour < $3 and (f.batch_id = 0) = $4
             and ($6 = '' or b.vendor_template_id = $6) and ($7 = '' or f.operator = $7)
             and ($8 = '' or r.category = $8) and ($9 = '' or r.code = $9)
             and ($10 = '' or f.outcome::text = $10)
           group by 1, 2, 3, 4 having sum(f.n) <> 0"#,
        query.project.0,
        query.since,
        query.until,
        query.others,
        days,
        only.template,
        only.operator,
        only.cause,
        only.code,
        only.state,
    )
    .fetch_all(db)
    .await
}

/// The failures of a carrier or a template.
#[derive(Debug, Clone)]
pub struct Share {
    /// The carrier, or the vendor's template id.
    pub key: String,
    /// The name of the template.
    pub name: String,
    /// The number of messages.
    pub n: i64,
}

/// Returns failures by carrier of the phone, largest first.
pub async fn by_operator(
    db: &PgPool,
    query: StatisticsQuery,
    only: &Only,
) -> sqlx::Result<Vec<Share>> {
    sqlx::query_as!(
        Share,
        r#"select f.operator as "key!", '' as "name!", sum(f.n)::bigint as "n!"
           from counted_failures f
           left join reasons r on r.id = f.reason_id
           join batches b on b.id = f.batch_id
           where f.project_id = $1 and f.hour >= $2 and f.hour < $3
             and ($4 = '' or b.vendor_template_id = $4) and ($5 = '' or f.operator = $5)
             and ($6 = '' or r.category = $6) and ($7 = '' or r.code = $7)
             and ($8 = '' or f.outcome::text = $8)
           group by 1 having sum(f.n) <> 0 order by 3 desc, 1"#,
        query.project.0,
        query.since,
        query.until,
        only.template,
        only.operator,
        only.cause,
        only.code,
        only.state,
    )
    .fetch_all(db)
    .await
}

/// Returns failures by template, largest first.
pub async fn by_template(
    db: &PgPool,
    query: StatisticsQuery,
    only: &Only,
    limit: i64,
) -> sqlx::Result<Vec<Share>> {
    sqlx::query_as!(
        Share,
        r#"select b.vendor_template_id as "key!", max(t.name) as "name!", sum(f.n)::bigint as "n!"
           from counted_failures f
           left join reasons r on r.id = f.reason_id
           join batches b on b.id = f.batch_id
           join sms_templates t on t.id = b.template_id
           where f.project_id = $1 and f.hour >= $2 and f.hour < $3
             and ($4 = '' or b.vendor_template_id = $4) and ($5 = '' or f.operator = $5)
             and ($6 = '' or r.category = $6) and ($7 = '' or r.code = $7)
             and ($9 = '' or f.outcome::text = $9)
           group by 1 having sum(f.n) <> 0 order by 3 desc, 1 limit $8"#,
        query.project.0,
        query.since,
        query.until,
        only.template,
        only.operator,
        only.cause,
        only.code,
        limit,
        only.state,
    )
    .fetch_all(db)
    .await
}

/// A batch with messages that were not delivered.
#[derive(Debug, Clone)]
pub struct AffectedBatch {
    /// The batch.
    pub batch: BatchId,
    /// Its name.
    pub name: String,
    /// The number of failed messages.
    pub failed: i64,
    /// The number of refused messages.
    pub refused: i64,
    /// The number of unknown messages.
    pub unknown: i64,
}

/// Returns the batches with the most failures.
pub async fn by_batch(
    db: &PgPool,
    query: StatisticsQuery,
    only: &Only,
    limit: i64,
) -> sqlx::Result<Vec<AffectedBatch>> {
    sqlx::query_as!(
        AffectedBatch,
        r#"select b.id as "batch: BatchId", max(b.name) as "name!",
             sum(case f.outcome when 'failed' then f.n else 0 end)::bigint as "failed!",
             sum(case f.outcome when 'refused' then f.n else 0 end)::bigint as "refused!",
             sum(case f.outcome when 'unknown' then f.n else 0 end)::bigint as "unknown!"
           from counted_failures f
           left join reasons r on r.id = f.reason_id
           join batches b on b.id = f.batch_id
           where f.project_id = $1 and f.hour >= $2 and f.hour < $3
             and ($4 = '' or b.vendor_template_id = $4) and ($5 = '' or f.operator = $5)
             and ($6 = '' or r.category = $6) and ($7 = '' or r.code = $7)
             and ($9 = '' or f.outcome::text = $9)
           group by b.id having sum(f.n) <> 0 order by sum(f.n) desc, b.id desc limit $8"#,
        query.project.0,
        query.since,
        query.until,
        only.template,
        only.operator,
        only.cause,
        only.code,
        limit,
        only.state,
    )
    .fetch_all(db)
    .await
}
