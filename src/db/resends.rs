//! Sending again: the messages of batches that did not arrive, by cause, and which batches repeat
//! which.

use sqlx::{PgConnection, PgPool};

use super::batches::Batch;
use super::messages::Target;
use crate::domain::ids::{BatchId, MessageId, ProjectId, first_number_at};
use crate::domain::message::Outcome;
use time::OffsetDateTime;

/// The most batches that one list sends again.
pub const MAX_SOURCES: i64 = 200;

/// Messages that failed for one cause.
#[derive(Debug, Clone)]
pub struct CauseCount {
    /// The category of the cause; empty if there is none.
    pub category: String,
    /// The number of messages.
    pub count: i64,
}

/// Returns for which causes messages of batches failed, most common cause first.
pub async fn causes(db: &PgPool, batches: &[BatchId]) -> sqlx::Result<Vec<CauseCount>> {
    let ids: Vec<i64> = batches.iter().map(|id| id.0).collect();
    sqlx::query_as!(
        CauseCount,
        r#"select coalesce(r.category, '') as "category!", sum(o.n)::bigint as "count!"
           from (
             select reason_id, count(*) as n from outcomes
             where batch_id = any($1) and outcome = 'failed' and outcome <> 'delivered'
             group by 1
           ) o
           left join reasons r on r.id = o.reason_id
           group by 1 order by 2 desc, 1"#,
        &ids,
    )
    .fetch_all(db)
    .await
}

/// Returns `batch` and the other batches of its template, with its text and signature, that were
/// ordered since then, newest first.
pub async fn like(
    db: &PgPool,
    project: ProjectId,
    batch: &Batch,
    since: OffsetDateTime,
) -> sqlx::Result<Vec<BatchId>> {
    let ids = sqlx::query_scalar!(
        r#"select id from batches
           where project_id = $1 and template_id = $2 and signature_id is not distinct from $3
             and template_text = $4 and sig_content = $5 and state <> 'draft'
             and (id >= $6 or id = $7)
           order by id desc limit $8"#,
        project.0,
        batch.template_id.0,
        batch.signature_id.map(|id| id.0),
        batch.template_text,
        batch.sig_content,
        first_number_at(since),
        batch.id.0,
        MAX_SOURCES,
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(BatchId).collect())
}

/// Messages of a batch with an outcome.
#[derive(Debug, Clone, Copy)]
pub struct Undelivered<'a> {
    /// The project.
    pub project: ProjectId,
    /// The batch.
    pub batch: BatchId,
    /// Failed or refused.
    pub outcome: Outcome,
    /// Of failed ones, the categories of their causes; `None` for all.
    pub categories: Option<&'a [&'a str]>,
    /// Since when a receipt that called the phone blacklisted counts.
    pub blacklisted_since: OffsetDateTime,
}

/// Returns a batch's messages that were not delivered, after `after`, in the order of their file.
/// Messages whose phones are past their retention are left out, and those to phones that a carrier
/// called blacklisted.
pub async fn undelivered(
    db: &PgPool,
    wanted: Undelivered<'_>,
    after: Option<MessageId>,
    limit: i64,
) -> sqlx::Result<Vec<Target>> {
    sqlx::query_as!(
        Target,
        // In the order of the index, looked up one by one, so that a page reads no more rows than
        // it shows.
        r#"select o.id as "id: MessageId", m.phone, m.params
           from (
             select id, submission_id, reason_id from outcomes
             where batch_id = $1 and outcome = $2 and outcome <> 'delivered' and id > $3
             order by id offset 0
           ) o
           cross join lateral (
             select phone, params from messages where id = o.id and id > $3 offset 0
           ) m
           left join lateral (
             select category from reasons where id = o.reason_id offset 0
           ) r on true
           where exists (
               select from submissions where id = o.submission_id and retention = 'whole' offset 0)
             and ($4::text[] is null or coalesce(r.category, '') = any($4))
             and not exists (
               select
               from (
                 select id from messages
                 where project_id = $6 and right(phone, 4) = right(m.phone, 4) and phone = m.phone
                   and id >= $7
                 offset 0
               ) same
               cross join lateral (
                 select reason_id from outcomes where id = same.id and outcome = 'failed' offset 0
               ) failed
               join reasons on reasons.id = failed.reason_id
               where reasons.category = 'blacklist')
           order by o.id limit $5"#,
        wanted.batch.0,
        wanted.outcome as Outcome,
        // The ids of a batch's messages are greater than its own.
        after.map_or(wanted.batch.0, |id| id.0),
        wanted.categories as Option<&[&str]>,
        limit,
        wanted.project.0,
        first_number_at(wanted.blacklisted_since),
    )
    .fetch_all(db)
    .await
}

/// Returns a batch's messages that were cancelled before they were submitted, after `after`, in the
/// order of their file. Messages whose phones are past their retention are left out.
pub async fn cancelled(
    db: &PgPool,
    batch: BatchId,
    after: Option<MessageId>,
    limit: i64,
) -> sqlx::Result<Vec<Target>> {
    sqlx::query_as!(
        Target,
        r#"select m.id as "id: MessageId", m.phone, m.params
           from messages m join submissions s on s.id = m.submission_id
           where m.batch_id = $1 and m.id > $2 and s.state = 'cancelled' and s.retention = 'whole'
             and not exists (select from outcomes o where o.id = m.id offset 0)
           order by m.id limit $3"#,
        batch.0,
        after.map_or(batch.0, |id| id.0),
        limit,
    )
    .fetch_all(db)
    .await
}

/// Records which batches a draft sends again.
pub async fn insert_sources(
    db: &mut PgConnection,
    batch: BatchId,
    sources: &[BatchId],
) -> sqlx::Result<()> {
    let sources: Vec<i64> = sources.iter().map(|id| id.0).collect();
    sqlx::query!(
        r#"insert into resend_sources (batch_id, source_id) select $1, unnest($2::bigint[])
           on conflict do nothing"#,
        batch.0,
        &sources,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the batches that a batch sends again.
pub async fn sources(db: &mut PgConnection, batch: BatchId) -> sqlx::Result<Vec<BatchId>> {
    let ids = sqlx::query_scalar!(
        "select source_id from resend_sources where batch_id = $1 order by 1",
        batch.0,
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(BatchId).collect())
}

/// Returns names of batches, with their ids, newest first.
pub async fn names(db: &PgPool, batches: &[BatchId]) -> sqlx::Result<Vec<(BatchId, String)>> {
    let ids: Vec<i64> = batches.iter().map(|id| id.0).collect();
    let rows =
        sqlx::query!("select id, name from batches where id = any($1) order by id desc", &ids,)
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().map(|row| (BatchId(row.id), row.name)).collect())
}
