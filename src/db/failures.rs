//! Why messages did not arrive: counts by reason, operator and batch, folded and read as in
//! [`super::statistics`].

use sqlx::PgPool;
use time::OffsetDateTime;

use super::statistics::StatisticsQuery;
use crate::domain::ids::BatchId;
use crate::domain::message::Outcome;

/// Which of them; what is empty is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only {
    /// `failed`, `refused` or `unknown`.
    pub state: String,
    /// The vendor's id of a template.
    pub template: String,
    /// `cmcc`, `ctcc` or `cucc`.
    pub operator: String,
    /// A cause of failures, as `reasons` has it.
    pub cause: String,
    /// A receipt code or RetCode.
    pub code: String,
}

/// How many messages had one fate for one reason.
#[derive(Debug, Clone)]
pub struct Reason {
    /// The hour or day.
    pub begins: OffsetDateTime,
    /// Failed, refused or unknown.
    pub outcome: Outcome,
    /// The cause.
    pub category: String,
    /// The code, as it came.
    pub code: String,
    /// Words that came with it.
    pub words: String,
    /// How many.
    pub n: i64,
}

/// Failures by hour or day, cause and code.
pub async fn by_reason(
    db: &PgPool,
    wanted: StatisticsQuery,
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
        wanted.project.0,
        wanted.since,
        wanted.until,
        wanted.others,
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

/// Failures of an operator or a template.
#[derive(Debug, Clone)]
pub struct Share {
    /// The operator, or the vendor's id of the template.
    pub key: String,
    /// What the template is called.
    pub name: String,
    /// How many.
    pub n: i64,
}

/// Failures by the operator of the phone, the most first.
pub async fn by_operator(
    db: &PgPool,
    wanted: StatisticsQuery,
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
        wanted.project.0,
        wanted.since,
        wanted.until,
        only.template,
        only.operator,
        only.cause,
        only.code,
        only.state,
    )
    .fetch_all(db)
    .await
}

/// Failures by template, the most first.
pub async fn by_template(
    db: &PgPool,
    wanted: StatisticsQuery,
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
        wanted.project.0,
        wanted.since,
        wanted.until,
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

/// A batch with messages that did not arrive.
#[derive(Debug, Clone)]
pub struct Struck {
    /// The batch.
    pub batch: BatchId,
    /// Its name.
    pub name: String,
    /// How many failed.
    pub failed: i64,
    /// How many were refused.
    pub refused: i64,
    /// How many stayed unknown.
    pub unknown: i64,
}

/// The batches with the most failures.
pub async fn by_batch(
    db: &PgPool,
    wanted: StatisticsQuery,
    only: &Only,
    limit: i64,
) -> sqlx::Result<Vec<Struck>> {
    sqlx::query_as!(
        Struck,
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
        wanted.project.0,
        wanted.since,
        wanted.until,
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
