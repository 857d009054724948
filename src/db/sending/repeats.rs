//! Messages with the same text that leave within a span of time.

use futures_util::TryStreamExt as _;
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::domain::ids::{BatchId, ProjectId, TemplateId, first_number_at};
use crate::domain::sending::message::MessageState;

/// A batch that was ordered longer ago and has not finished was forgotten: no time is further ahead.
const MAX_WAIT: Duration = Duration::days(100);

/// A span of time, without its ends, in which messages leave.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Its beginning.
    pub after: OffsetDateTime,
    /// Its end.
    pub before: OffsetDateTime,
    /// Now: what waits without a time, or for a time that has passed, may leave at any moment.
    pub now: OffsetDateTime,
}

/// A message with the same values to the same phone.
#[derive(Debug, Clone)]
pub struct Repeat {
    /// The phone.
    pub phone: String,
    /// The name of the account that ordered it.
    pub orderer: String,
    /// Its state.
    pub state: MessageState,
    /// When it left or will leave.
    pub leaves_at: OffsetDateTime,
}

/// A query for the messages of a template that leave within a span.
#[derive(Debug, Clone)]
pub struct TemplateQuery {
    /// The project.
    pub project: ProjectId,
    /// The template.
    pub template: TemplateId,
    /// The batch whose messages are compared, if it was ordered.
    pub own: Option<BatchId>,
    /// The batches that it sends again: their failed messages do not count.
    pub sources: Vec<BatchId>,
    /// When they leave.
    pub span: Span,
}

/// Returns those of `phones` to which the same template with the same values leaves within a span,
/// each with the newest such message. Cancelled and refused messages do not count.
pub async fn of_phones(
    db: &PgPool,
    project: ProjectId,
    template: TemplateId,
    params: &[String],
    phones: &[&str],
    span: Span,
) -> sqlx::Result<Vec<Repeat>> {
    let query = TemplateQuery { project, template, own: None, sources: Vec::new(), span };
    let mut db = db.acquire().await?;
    let batches = batches_within(&mut db, &query).await?;
    let Some(first) = batches.iter().min() else { return Ok(Vec::new()) };
    sqlx::query_as!(
        Repeat,
        // Stored messages are looked up phone by phone; lists that are still being planned are few.
        r#"select wanted.phone as "phone!", last.orderer as "orderer!",
             last.state as "state!: MessageState", last.leaves_at as "leaves_at!"
           from unnest($4::text[]) with ordinality as wanted (phone, place)
           cross join lateral (
             (select m.id, u.name as orderer, message_state(s.state, o.outcome) as state,
               leaves_at(s.state, s.sent_at, b.schedule_at, $8) as leaves_at
             from messages m
             join submissions s on s.id = m.submission_id
             join batches b on b.id = m.batch_id
             join users u on u.id = b.ordered_by
             left join outcomes o on o.id = m.id
             where m.project_id = $1 and right(m.phone, 4) = right(wanted.phone, 4)
               and m.phone = wanted.phone and m.id >= $5
               and m.template_id = $2 and m.params = $3
               and leaves_at(s.state, s.sent_at, b.schedule_at, $8) > $6
               and leaves_at(s.state, s.sent_at, b.schedule_at, $8) < $7
               and message_state(s.state, o.outcome) not in ('refused', 'cancelled', 'suppressed')
             order by m.id desc limit 1)
             union all
             (select b.id, u.name, 'queued', leaves_at('ready', null, b.schedule_at, $8)
             from batches b
             join users u on u.id = b.ordered_by
             join uploads l on l.batch_id = b.id
             join recipients r on r.batch_id = b.id and r.position > l.planned_to
             where b.id = any($9) and not b.planned and b.state not in ('draft', 'cancelled')
               and r.phone = wanted.phone and r.params = $3
               and (r.verdict = 'ready' or l.with_repeats and r.verdict = 'repeat')
               and leaves_at('ready', null, b.schedule_at, $8) > $6
               and leaves_at('ready', null, b.schedule_at, $8) < $7
             limit 1)
             order by 1 desc limit 1
           ) last
           order by place"#,
        project.0,
        template.0,
        params,
        phones as &[&str],
        first,
        span.after,
        span.before,
        span.now,
        &batches,
    )
    .fetch_all(&mut *db)
    .await
}

/// Calls `each` with the phone and values of every message of a template that leaves within a span.
/// Cancelled and refused messages are left out.
pub async fn for_each(
    db: &PgPool,
    query: TemplateQuery,
    mut each: impl FnMut(&str, &[String]),
) -> sqlx::Result<()> {
    let mut db = db.acquire().await?;
    let batches = batches_within(&mut db, &query).await?;
    let Some(first) = batches.iter().min() else { return Ok(()) };
    let mut rows = sqlx::query!(
        r#"select phone as "phone!", params as "params!" from leaving_messages
           where id >= $1 and batch_id = any($2)
             and (batch_id <> all($3) or message_state <> 'failed')
             and leaves_at(state, sent_at, schedule_at, $6) > $4
             and leaves_at(state, sent_at, schedule_at, $6) < $5"#,
        first,
        &batches,
        &numbers(&query.sources),
        query.span.after,
        query.span.before,
        query.span.now,
    )
    .fetch(&mut *db);
    while let Some(row) = rows.try_next().await? {
        each(&row.phone, &row.params);
    }
    Ok(())
}

/// Returns how many messages of a batch that has not started are the same as messages of other
/// batches that leave within a span.
pub async fn count_of_batch(
    db: &mut PgConnection,
    batch: BatchId,
    query: &TemplateQuery,
) -> sqlx::Result<i64> {
    let batches = batches_within(db, query).await?;
    let Some(first) = batches.iter().min() else { return Ok(0) };
    sqlx::query_scalar!(
        r#"with mine as (
             select phone, params from messages where batch_id = $7 and id > $7
             union
             select r.phone, r.params
             from recipients r join uploads u on u.batch_id = r.batch_id
             where r.batch_id = $7
               and (r.verdict = 'ready' or u.with_repeats and r.verdict = 'repeat')
           ), others as (
             select phone, params from leaving_messages
             where id >= $1 and batch_id = any($2)
               and (batch_id <> all($3) or message_state <> 'failed')
               and leaves_at(state, sent_at, schedule_at, $6) > $4
               and leaves_at(state, sent_at, schedule_at, $6) < $5
           )
           select count(*) as "count!" from mine where exists (
             select from others where others.phone = mine.phone and others.params = mine.params)"#,
        first,
        &batches,
        &numbers(&query.sources),
        query.span.after,
        query.span.before,
        query.span.now,
        batch.0,
    )
    .fetch_one(db)
    .await
}

/// Returns whether batches are within a span that were not when it was `ago` earlier.
pub async fn has_others_since(
    db: &mut PgConnection,
    query: &TemplateQuery,
    ago: Duration,
) -> sqlx::Result<bool> {
    let Span { after, before, now } = query.span;
    let earlier = Span { after: after - ago, before: before - ago, now: now - ago };
    let then = batches_within(db, &TemplateQuery { span: earlier, ..query.clone() }).await?;
    Ok(batches_within(db, query).await?.iter().any(|id| !then.contains(id)))
}

/// Returns the batches of a template of which messages may leave within a span.
async fn batches_within(db: &mut PgConnection, query: &TemplateQuery) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"select id from batches
           where template_id = $2 and project_id = $1 and state <> 'draft' and id >= $3 and id <> $4
             and coalesce(finished_at, 'infinity') > $5
             and coalesce(started_at, greatest(schedule_at, $7)) < $6"#,
        query.project.0,
        query.template.0,
        first_number_at(query.span.now - MAX_WAIT),
        query.own.map_or(0, |own| own.0),
        query.span.after,
        query.span.before,
        query.span.now,
    )
    .fetch_all(db)
    .await
}

fn numbers(batches: &[BatchId]) -> Vec<i64> {
    batches.iter().map(|id| id.0).collect()
}

/// Returns a number that differs when batches of a template were ordered or moved to another time
/// since. If it does after a draft was read, the repeats in its preview may be out of date.
pub async fn orders_seen(
    db: &mut PgConnection,
    project: ProjectId,
    template: TemplateId,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(
               hashtextextended(concat(id, ' ', extract(epoch from schedule_at)), 0) % 1000000007
             ), 0)::bigint as "seen!"
           from batches where template_id = $2 and project_id = $1 and state <> 'draft'"#,
        project.0,
        template.0,
    )
    .fetch_one(db)
    .await
}
