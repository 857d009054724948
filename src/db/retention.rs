//! Retention: how long a project stores messages, and the phones and texts in them. Everything here
//! works in small steps. Each is a transaction of its own that does not wait for locks for long. A
//! step on our own messages covers a few submissions; submissions that are not complete are left
//! alone.

pub mod partitions;
pub mod retained;

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::{NUMBERS_A_DAY, ProjectId};

/// How long a project stores its messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// The number of months after which messages are deleted; `None` stores them for ever.
    pub retention_months: Option<i16>,
    /// The number of days after which phones and texts are redacted; `None` stores them as long as
    /// the messages.
    pub redact_days: Option<i16>,
}

/// Returns a project's retention policy.
pub async fn of(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<RetentionPolicy> {
    sqlx::query_as!(
        RetentionPolicy,
        "select retention_months, redact_days from projects where id = $1",
        project.0,
    )
    .fetch_one(db)
    .await
}

/// Replaces a project's retention policy.
pub async fn set(
    db: &mut PgConnection,
    project: ProjectId,
    policy: RetentionPolicy,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update projects set retention_months = $2, redact_days = $3 where id = $1",
        project.0,
        policy.retention_months,
        policy.redact_days,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The ids up to which a project's rows are past their retention.
#[derive(Debug, Clone, Copy)]
pub struct Borders {
    /// The project.
    pub project: ProjectId,
    /// Messages with lower ids are deleted; 0 deletes none.
    pub delete: i64,
    /// Phones and texts with lower ids are redacted; 0 redacts none.
    pub redact: i64,
}

/// Returns the borders of all projects.
pub async fn borders(db: &PgPool, now: OffsetDateTime) -> sqlx::Result<Vec<Borders>> {
    sqlx::query_as!(
        Borders,
        r#"select id as "project: ProjectId",
             coalesce(first_id($1::timestamptz - make_interval(months => retention_months)), 0)
               as "delete!",
             coalesce(first_id($1::timestamptz - make_interval(days => redact_days)), 0) as "redact!"
           from projects order by id"#,
        now,
    )
    .fetch_all(db)
    .await
}

/// The number of submissions whose messages are deleted or redacted in one step.
const SUBMISSIONS_A_STEP: i64 = 5;
/// The number of submissions that are only marked in one step, since their messages go with a whole
/// partition.
const MARKED_A_STEP: i64 = 1_000;
/// The number of rows of other kinds in one step.
const ROWS_A_STEP: i64 = 2_000;

/// Begins a step, which fails if it would wait for a lock for more than 200 ms.
async fn step(db: &PgPool) -> sqlx::Result<sqlx::Transaction<'static, sqlx::Postgres>> {
    let mut tx = db.begin().await?;
    sqlx::query!("select set_config('lock_timeout', '200ms', true)").fetch_one(&mut *tx).await?;
    Ok(tx)
}

/// Deletes messages of some complete submissions before the project's border. Submissions before
/// `dropped` are only marked, since their partition is about to be dropped. Returns the number of
/// submissions.
pub async fn delete(db: &PgPool, borders: Borders, dropped: i64) -> sqlx::Result<usize> {
    partitions::or_if_locked(delete_some(db, borders, dropped).await, 0)
}

async fn delete_some(db: &PgPool, borders: Borders, dropped: i64) -> sqlx::Result<usize> {
    let marked =
        complete_before(db, borders.project, borders.delete.min(dropped), true, MARKED_A_STEP)
            .await?;
    if let Some(marked) = marked {
        return record_retention(marked, true).await;
    }
    let Some((mut tx, ids)) =
        complete_before(db, borders.project, borders.delete, true, SUBMISSIONS_A_STEP).await?
    else {
        return Ok(0);
    };
    let (first, last) = id_range(&ids);
    sqlx::query!(
        r#"delete from overruled_receipts where id between $2 and $3 and id in (
             select id from messages where submission_id = any($1) and id between $2 and $3)"#,
        &ids,
        first,
        last,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        r#"delete from outcomes where id between $2 and $3 and id in (
             select id from messages where submission_id = any($1) and id between $2 and $3)"#,
        &ids,
        first,
        last,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "delete from messages where submission_id = any($1) and id between $2 and $3",
        &ids,
        first,
        last,
    )
    .execute(&mut *tx)
    .await?;
    record_retention((tx, ids), true).await
}

/// Redacts phones and values of some complete submissions before the project's border. Returns the
/// number of submissions.
pub async fn redact(db: &PgPool, borders: Borders) -> sqlx::Result<usize> {
    partitions::or_if_locked(redact_some(db, borders).await, 0)
}

async fn redact_some(db: &PgPool, borders: Borders) -> sqlx::Result<usize> {
    let Some((mut tx, ids)) =
        complete_before(db, borders.project, borders.redact, false, SUBMISSIONS_A_STEP).await?
    else {
        return Ok(0);
    };
    let (first, last) = id_range(&ids);
    sqlx::query!(
        r#"update messages set phone = masked_phone(phone), params = '{}'
           where submission_id = any($1) and id between $2 and $3"#,
        &ids,
        first,
        last,
    )
    .execute(&mut *tx)
    .await?;
    record_retention((tx, ids), false).await
}

type Step = (sqlx::Transaction<'static, sqlx::Postgres>, Vec<i64>);

/// Begins a step and locks some complete submissions before `border`: all whose messages are not
/// deleted, or only those whose messages are whole. Returns `None` if there are none.
async fn complete_before(
    db: &PgPool,
    project: ProjectId,
    border: i64,
    redacted_too: bool,
    limit: i64,
) -> sqlx::Result<Option<Step>> {
    if border <= 0 {
        return Ok(None);
    }
    let mut tx = step(db).await?;
    let ids = sqlx::query_scalar!(
        r#"select id from submissions
           where project_id = $1 and id < $2 and complete
             and (retention = 'whole' or $3 and retention = 'redacted')
           order by id limit $4 for update skip locked"#,
        project.0,
        border,
        redacted_too,
        limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok((!ids.is_empty()).then_some((tx, ids)))
}

/// Ends a step by recording what is left of these submissions' messages.
async fn record_retention((mut tx, ids): Step, deleted: bool) -> sqlx::Result<usize> {
    sqlx::query!(
        r#"update submissions
           set retention = case when $2 then 'deleted'::retention else 'redacted' end where id = any($1)"#,
        &ids,
        deleted,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(ids.len())
}

/// Returns the range of ids in which the messages of submissions lie, since these have the times of
/// their submissions.
fn id_range(submissions: &[i64]) -> (i64, i64) {
    let first = submissions.iter().min().copied().unwrap_or(0);
    let last = submissions.iter().max().copied().unwrap_or(0);
    (first - NUMBERS_A_DAY, last + NUMBERS_A_DAY)
}

/// Returns whether every submission before `border` has its messages deleted or marked as deleted.
pub async fn is_clear(db: &PgPool, border: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select not exists (select from projects p where exists (
             select from submissions s
             where s.project_id = p.id and s.id < $1
               and (not s.complete or s.retention in ('whole', 'redacted')))) as "clear!""#,
        border,
    )
    .fetch_one(db)
    .await
}

/// Deletes and redacts some external messages; those before `dropped` go with their partition.
/// Returns whether there may be more.
pub async fn external(db: &PgPool, borders: Borders, dropped: i64) -> sqlx::Result<bool> {
    partitions::or_if_locked(external_some(db, borders, dropped).await, false)
}

async fn external_some(db: &PgPool, borders: Borders, dropped: i64) -> sqlx::Result<bool> {
    let mut tx = step(db).await?;
    sqlx::query!(
        "insert into retention_progress (project_id) values ($1) on conflict do nothing",
        borders.project.0,
    )
    .execute(&mut *tx)
    .await?;
    let progress = sqlx::query!(
        r#"select greatest(deleted_to, $2) as "deleted_to!",
             greatest(redacted_to, deleted_to, $2) as "redacted_to!"
           from retention_progress where project_id = $1 for update"#,
        borders.project.0,
        dropped,
    )
    .fetch_one(&mut *tx)
    .await?;
    let deleted = next_end(&mut tx, progress.deleted_to, borders.delete).await?;
    let redacted = next_end(&mut tx, progress.redacted_to, borders.redact).await?;
    sqlx::query!(
        r#"delete from overruled_receipts where id >= $2 and id < $3 and id in (
             select id from external_messages where project_id = $1 and id >= $2 and id < $3)"#,
        borders.project.0,
        progress.deleted_to,
        deleted,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "delete from external_messages where project_id = $1 and id >= $2 and id < $3",
        borders.project.0,
        progress.deleted_to,
        deleted,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        r#"update external_messages set phone = masked_phone(phone), user_id = ''
           where project_id = $1 and id >= $2 and id < $3"#,
        borders.project.0,
        progress.redacted_to,
        redacted,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update retention_progress set deleted_to = $2, redacted_to = $3 where project_id = $1",
        borders.project.0,
        deleted,
        redacted,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(deleted < borders.delete || redacted < borders.redact)
}

/// Returns where a step that begins at `from` ends: after the rows of one step, or at the border.
async fn next_end(db: &mut PgConnection, from: i64, border: i64) -> sqlx::Result<i64> {
    if from >= border {
        return Ok(from);
    }
    let end = sqlx::query_scalar!(
        r#"select id from external_messages where id >= $1 and id < $2 order by id offset $3 limit 1"#,
        from,
        border,
        ROWS_A_STEP,
    )
    .fetch_optional(db)
    .await?;
    Ok(end.unwrap_or(border))
}

/// Deletes some replies and some rows of recipient lists before the border, since they consist of
/// phones and texts only. Returns how many.
pub async fn texts(db: &PgPool, borders: Borders) -> sqlx::Result<u64> {
    let border = borders.delete.max(borders.redact);
    if border == 0 {
        return Ok(0);
    }
    let replies = partitions::or_if_locked(replies(db, borders.project, border).await, 0)?;
    let recipients = sqlx::query!(
        r#"delete from recipients where (batch_id, position) in (
             select r.batch_id, r.position from batches b join recipients r on r.batch_id = b.id
             where b.project_id = $1 and b.id < $2 and b.planned
               and b.state in ('done', 'cancelled')
             limit $3 for update of r skip locked)"#,
        borders.project.0,
        border,
        ROWS_A_STEP,
    )
    .execute(db)
    .await?;
    Ok(replies + recipients.rows_affected())
}

/// Deletes some replies before the border, and what their conversations took from them. Those that
/// are perhaps an opt-out stay until a person has decided: no marketing is sent until then.
async fn replies(db: &PgPool, project: ProjectId, border: i64) -> sqlx::Result<u64> {
    let mut tx = step(db).await?;
    let phones = sqlx::query_scalar!(
        r#"select phone from conversations
           where project_id = $1 and phone in (select phone from (
             select r.phone from replies r join conversations c using (project_id, phone)
             where project_id = $1 and r.id < $2 and not (r.opt_out = 'perhaps' and c.undecided)
             order by r.id limit $3) old)
           order by phone for update"#,
        project.0,
        border,
        ROWS_A_STEP,
    )
    .fetch_all(&mut *tx)
    .await?;
    let deleted = sqlx::query!(
        r#"delete from replies r using conversations c
           where r.project_id = $1 and r.id < $2 and r.phone = any($3)
             and c.project_id = $1 and c.phone = r.phone
             and not (r.opt_out = 'perhaps' and c.undecided)"#,
        project.0,
        border,
        &phones,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        r#"with rest as (
             select phone, count(*)::int as n,
               bool_or(opt_out in ('active', 'marketing')) as stands,
               bool_or(opt_out = 'perhaps') and not bool_or(opt_out = 'active') as undecided,
               max(id) as newest, max(replied_at) as last_at,
               (array_agg(id order by replied_at desc, id desc))[1] as last_id,
               (array_agg(left(content, 200) order by replied_at desc, id desc))[1] as last_text
             from replies where project_id = $1 and phone = any($2) group by phone
           ), moved as (
             update conversations c
             set replies = rest.n, unread = least(c.unread, rest.n), opted_out = rest.stands,
               undecided = c.undecided and rest.undecided,
               newest_id = rest.newest, last_id = rest.last_id, last_at = rest.last_at,
               last_text = rest.last_text
             from rest where c.project_id = $1 and c.phone = rest.phone
           )
           delete from conversations c
           where c.project_id = $1 and c.phone = any($2)
             and not exists (select from rest where rest.phone = c.phone)"#,
        project.0,
        &phones,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(deleted.rows_affected())
}

/// Deletes some pushes that were processed before `readable_before`. Those with unreadable items
/// are deleted if they were processed before `unreadable_before`, or when their project's texts are
/// redacted. Returns how many.
pub async fn pushes(
    db: &PgPool,
    now: OffsetDateTime,
    readable_before: OffsetDateTime,
    unreadable_before: OffsetDateTime,
) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        r#"delete from inbox where id in (
             select i.id from inbox i join projects p on p.id = i.project_id
             where i.processed_at < $2 and (i.problems = '[]' or i.processed_at
               < greatest($3, $1::timestamptz - make_interval(days => p.redact_days)))
             limit $4 for update of i skip locked)"#,
        now,
        readable_before,
        unreadable_before,
        ROWS_A_STEP,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}
