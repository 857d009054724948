//! Sending again: the messages of batches that did not arrive, by cause, and which batches repeat
//! which.

use futures_util::TryStreamExt as _;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::batches::Batch;
use super::messages::Target;
use crate::domain::ids::{BatchId, MessageId, ProjectId, first_number_at};
use crate::domain::sending::message::Outcome;

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
/// ordered since then, newest first: at most [`MAX_SOURCES`].
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
           order by id = $7 desc, id desc limit $8"#,
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
    /// The batch.
    pub batch: BatchId,
    /// Failed or refused.
    pub outcome: Outcome,
    /// Of failed ones, the categories of their causes; `None` for all.
    pub categories: Option<&'a [&'a str]>,
}

/// Returns a batch's messages that were not delivered, after `after`, in the order of their file.
/// Messages whose phones are past their retention are left out.
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
           order by o.id limit $5"#,
        wanted.batch.0,
        wanted.outcome as Outcome,
        // The ids of a batch's messages are greater than its own.
        after.map_or(wanted.batch.0, |id| id.0),
        wanted.categories as Option<&[&str]>,
        limit,
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

/// Calls `each` with the phones that a carrier called blacklisted since then.
pub async fn for_each_blacklisted(
    db: &PgPool,
    project: ProjectId,
    since: OffsetDateTime,
    mut each: impl FnMut(String),
) -> sqlx::Result<()> {
    let mut phones = sqlx::query_scalar!(
        r#"select m.phone as "phone!"
           from reasons r
           join outcomes o on o.project_id = $1 and o.reason_id = r.id and o.id >= $2
             and o.outcome = 'failed' and o.outcome <> 'delivered'
           join messages m on m.id = o.id and m.id >= $2
           where r.category = 'blacklist'"#,
        project.0,
        first_number_at(since),
    )
    .fetch(db);
    while let Some(phone) = phones.try_next().await? {
        each(phone);
    }
    Ok(())
}

/// Calls `each` with the phone and values of every message by which a batch was sent again, also by
/// lists that sent such a list again, and that has not failed as well.
pub async fn for_each_resent(
    db: &PgPool,
    source: BatchId,
    mut each: impl FnMut(String, Vec<String>),
) -> sqlx::Result<()> {
    let mut rows = sqlx::query!(
        r#"with recursive again as (
             select batch_id from resend_sources where source_id = $1
             union
             select r.batch_id from again a join resend_sources r on r.source_id = a.batch_id
           )
           select phone as "phone!", params as "params!" from leaving_messages
           where id > $1 and message_state <> 'failed'
             and batch_id = any(array(select batch_id from again))"#,
        source.0,
    )
    .fetch(db);
    while let Some(row) = rows.try_next().await? {
        each(row.phone, row.params);
    }
    Ok(())
}

/// Records which batches a draft sends again. It hides the values that they hide.
pub async fn insert_sources(
    db: &mut PgConnection,
    batch: BatchId,
    sources: &[BatchId],
) -> sqlx::Result<()> {
    let sources: Vec<i64> = sources.iter().map(|id| id.0).collect();
    sqlx::query!(
        r#"update batches set hides_values = true
           where id = $1 and exists (select from batches
             where id = any($2) and (purpose = 'verification' or hides_values))"#,
        batch.0,
        &sources,
    )
    .execute(&mut *db)
    .await?;
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

/// Returns the batches that a batch sends again, and those that they sent again themselves.
pub async fn sources(db: &mut PgConnection, batch: BatchId) -> sqlx::Result<Vec<BatchId>> {
    let ids = sqlx::query_scalar!(
        r#"with recursive chain as (
             select $1::bigint as id
             union
             select r.source_id from chain c join resend_sources r on r.batch_id = c.id
           )
           select id as "id!" from chain where id <> $1 order by 1"#,
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
