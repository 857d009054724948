//! Messages with the same text that leave within a span of time.

use futures_util::TryStreamExt as _;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::{BatchId, MessageId, ProjectId, TemplateId};
use crate::domain::message::MessageState;

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
    /// The id of the newest such message.
    pub id: MessageId,
    /// The name of the account that ordered it.
    pub orderer: String,
    /// Its state.
    pub state: MessageState,
    /// When it left or will leave.
    pub leaves_at: OffsetDateTime,
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
    let query = TemplateQuery { project, template, but: Vec::new(), span };
    let mut db = db.acquire().await?;
    let Some(first) = first_batch(&mut db, &query).await? else { return Ok(Vec::new()) };
    sqlx::query_as!(
        Repeat,
        r#"select wanted.phone as "phone!", last.id as "id: MessageId", last.orderer,
             last.state as "state!: MessageState", last.leaves_at as "leaves_at!"
           from unnest($4::text[]) with ordinality as wanted (phone, place)
           cross join lateral (
             select m.id, u.name as orderer, message_state(s.state, o.outcome) as state,
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
             order by m.id desc limit 1
           ) last
           order by place"#,
        project.0,
        template.0,
        params,
        phones as &[&str],
        first.0,
        span.after,
        span.before,
        span.now,
    )
    .fetch_all(&mut *db)
    .await
}

/// A query for the messages of a template that leave within a span.
#[derive(Debug, Clone)]
pub struct TemplateQuery {
    /// The project.
    pub project: ProjectId,
    /// The template.
    pub template: TemplateId,
    /// Batches whose messages are left out.
    pub but: Vec<BatchId>,
    /// When they leave.
    pub span: Span,
}

/// Calls `each` with the phone and values of every message of a template that leaves within a span.
/// Cancelled and refused messages are left out.
pub async fn for_each(
    db: &PgPool,
    query: TemplateQuery,
    mut each: impl FnMut(&str, &[String]),
) -> sqlx::Result<()> {
    let mut db = db.acquire().await?;
    let Some(first) = first_batch(&mut db, &query).await? else { return Ok(()) };
    let mut rows = sqlx::query!(
        r#"select m.phone as "phone!", m.params as "params!"
           from messages m
           join submissions s on s.id = m.submission_id
           join batches b on b.id = m.batch_id
           left join lateral (select outcome from outcomes where id = m.id offset 0) o on true
           where m.project_id = $1 and m.template_id = $2 and m.id >= $3 and m.batch_id <> all($4)
             and leaves_at(s.state, s.sent_at, b.schedule_at, $7) > $5
             and leaves_at(s.state, s.sent_at, b.schedule_at, $7) < $6
             and message_state(s.state, o.outcome) not in ('refused', 'cancelled', 'suppressed')
           union all
           select r.phone, r.params
           from batches b
           join uploads u on u.batch_id = b.id
           join recipients r on r.batch_id = b.id
           where b.project_id = $1 and b.template_id = $2 and b.id <> all($4) and not b.planned
             and b.state not in ('draft', 'cancelled')
             and leaves_at('ready', null, b.schedule_at, $7) > $5
             and leaves_at('ready', null, b.schedule_at, $7) < $6
             and (r.verdict = 'ready' or u.with_repeats and r.verdict = 'repeat')"#,
        query.project.0,
        query.template.0,
        first.0,
        &query.but.iter().map(|id| id.0).collect::<Vec<_>>(),
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
    let Some(first) = first_batch(db, query).await? else { return Ok(0) };
    sqlx::query_scalar!(
        r#"with mine as (
             select phone, params from messages where batch_id = $8 and id > $8
             union
             select r.phone, r.params
             from recipients r join uploads u on u.batch_id = r.batch_id
             where r.batch_id = $8
               and (r.verdict = 'ready' or u.with_repeats and r.verdict = 'repeat')
           ), others as (
             select m.phone, m.params
             from messages m
             join submissions s on s.id = m.submission_id
             join batches b on b.id = m.batch_id
             left join lateral (select outcome from outcomes where id = m.id offset 0) o on true
             where m.project_id = $1 and m.template_id = $2 and m.id >= $3
               and m.batch_id <> all($4)
               and leaves_at(s.state, s.sent_at, b.schedule_at, $7) > $5
               and leaves_at(s.state, s.sent_at, b.schedule_at, $7) < $6
               and message_state(s.state, o.outcome) not in ('refused', 'cancelled', 'suppressed')
             union all
             select r.phone, r.params
             from batches b
             join uploads u on u.batch_id = b.id
             join recipients r on r.batch_id = b.id
             where b.project_id = $1 and b.template_id = $2 and b.id <> all($4) and not b.planned
               and b.state not in ('draft', 'cancelled')
               and leaves_at('ready', null, b.schedule_at, $7) > $5
               and leaves_at('ready', null, b.schedule_at, $7) < $6
               and (r.verdict = 'ready' or u.with_repeats and r.verdict = 'repeat')
           )
           select count(*) as "count!" from mine where exists (
             select from others where others.phone = mine.phone and others.params = mine.params)"#,
        query.project.0,
        query.template.0,
        first.0,
        &query.but.iter().map(|id| id.0).collect::<Vec<_>>(),
        query.span.after,
        query.span.before,
        query.span.now,
        batch.0,
    )
    .fetch_one(db)
    .await
}

/// Returns the first batch of a template of which messages may leave within a span, if there is one.
/// No message is older than its batch, so that earlier ones need not be read.
async fn first_batch(
    db: &mut PgConnection,
    query: &TemplateQuery,
) -> sqlx::Result<Option<BatchId>> {
    let first = sqlx::query_scalar!(
        r#"select min(id) from batches
           where template_id = $2 and project_id = $1 and id <> all($3) and state <> 'draft'
             and coalesce(finished_at, 'infinity') > $4
             and coalesce(started_at, greatest(schedule_at, $6)) < $5"#,
        query.project.0,
        query.template.0,
        &query.but.iter().map(|id| id.0).collect::<Vec<_>>(),
        query.span.after,
        query.span.before,
        query.span.now,
    )
    .fetch_one(db)
    .await?;
    Ok(first.map(BatchId))
}

/// Returns a number that differs when batches of a template were ordered or moved to another time
/// since. If it does after a draft was read, the repeats in its preview may be out of date.
pub async fn orders_seen(
    db: &mut PgConnection,
    project: ProjectId,
    template: TemplateId,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) + coalesce(sum(extract(epoch from schedule_at)::bigint), 0)::bigint
             as "seen!"
           from batches where template_id = $2 and project_id = $1 and state <> 'draft'"#,
        project.0,
        template.0,
    )
    .fetch_one(db)
    .await
}
