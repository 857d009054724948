//! Erasing the data of a phone.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::{BatchId, ProjectId};
use crate::domain::replies::suppression::SuppressionScope;

/// What a project has of a phone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Messages that have ended.
    pub messages: i64,
    /// Messages that are still to be sent, or await a receipt: they cannot be erased yet.
    pub waiting: i64,
    /// Messages of other programs.
    pub external: i64,
    /// Replies.
    pub replies: i64,
    /// Entries of the opt-out list.
    pub opt_outs: i64,
    /// Rows of recipient lists that were ordered.
    pub rows: i64,
    /// Rows of drafts, and of lists that wait to be sent: they cannot be erased yet.
    pub draft_rows: i64,
}

/// Returns what a project has of a phone.
pub async fn find(db: &PgPool, project: ProjectId, phone: &str) -> sqlx::Result<Found> {
    sqlx::query_as!(
        Found,
        r#"select
             (select count(*) from messages m join submissions s on s.id = m.submission_id
              where m.project_id = $1 and right(m.phone, 4) = right($2, 4) and m.phone = $2
                and s.complete) as "messages!",
             (select count(*) from messages m join submissions s on s.id = m.submission_id
              where m.project_id = $1 and right(m.phone, 4) = right($2, 4) and m.phone = $2
                and not s.complete) as "waiting!",
             (select count(*) from external_messages e
              where e.project_id = $1 and right(e.phone, 4) = right($2, 4) and e.phone = $2)
               as "external!",
             (select count(*) from replies where project_id = $1 and phone = $2) as "replies!",
             (select count(*) from suppressions where project_id = $1 and phone = $2)
               as "opt_outs!",
             (select count(*) from batches b join recipients r on r.batch_id = b.id
              where b.project_id = $1 and b.planned and r.phone = $2) as "rows!",
             (select count(*) from batches b join recipients r on r.batch_id = b.id
              where b.project_id = $1 and not b.planned and r.phone = $2) as "draft_rows!""#,
        project as ProjectId,
        phone,
    )
    .fetch_one(db)
    .await
}

/// Erases a phone in a project: `erased` takes its place where counts depend on the row.
pub async fn erase(
    db: &mut PgConnection,
    project: ProjectId,
    phone: &str,
    erased: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update messages m set phone = $3, params = '{}'
           from submissions s
           where s.id = m.submission_id and s.complete and m.project_id = $1
             and right(m.phone, 4) = right($2, 4) and m.phone = $2"#,
        project as ProjectId,
        phone,
        erased,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"update external_messages set phone = $3
           where project_id = $1 and right(phone, 4) = right($2, 4) and phone = $2"#,
        project as ProjectId,
        phone,
        erased,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from replies where project_id = $1 and phone = $2",
        project as ProjectId,
        phone,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from conversations where project_id = $1 and phone = $2",
        project as ProjectId,
        phone,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"delete from recipients r using batches b
           where b.id = r.batch_id and b.project_id = $1 and b.planned and r.phone = $2"#,
        project as ProjectId,
        phone,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"update uploads u set report = replace(u.report::text, $2, $3)::jsonb
           from batches b
           where b.id = u.batch_id and b.project_id = $1 and b.planned
             and position($2 in u.report::text) > 0"#,
        project as ProjectId,
        phone,
        erased,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the entry of a phone in the opt-out list. Returns its scope, unless it was only pending.
pub async fn take_opt_out(
    db: &mut PgConnection,
    project: ProjectId,
    phone: &str,
) -> sqlx::Result<Option<SuppressionScope>> {
    let taken = sqlx::query!(
        r#"delete from suppressions where project_id = $1 and phone = $2
           returning scope as "scope: SuppressionScope", pending"#,
        project as ProjectId,
        phone,
    )
    .fetch_optional(db)
    .await?;
    Ok(taken.filter(|row| !row.pending).map(|row| row.scope))
}

/// Stores the hash of a phone that had opted out.
pub async fn insert_opt_out(
    db: &mut PgConnection,
    project: ProjectId,
    phone_hash: &[u8],
    scope: SuppressionScope,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into erased_opt_outs (project_id, phone_hash, scope, erased_at)
           values ($1, $2, $3, $4)
           on conflict (project_id, phone_hash) do update set scope =
             case when erased_opt_outs.scope = 'all' then 'all' else excluded.scope end"#,
        project as ProjectId,
        phone_hash,
        scope as SuppressionScope,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the hashes of a project that apply to marketing, or to everything else.
pub async fn opt_outs(
    db: &mut PgConnection,
    project: ProjectId,
    marketing: bool,
) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar!(
        "select phone_hash from erased_opt_outs where project_id = $1 and (scope = 'all' or $2)",
        project as ProjectId,
        marketing,
    )
    .fetch_all(db)
    .await
}

/// Locks a project and returns the key of its hashes, encrypted, if it has one.
pub async fn lock_key(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(
        "select erasure_key_sealed from projects where id = $1 for no key update",
        project as ProjectId,
    )
    .fetch_one(db)
    .await
}

/// Returns the key of a project's hashes, encrypted, if it has one.
pub async fn key(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(
        "select erasure_key_sealed from projects where id = $1",
        project as ProjectId,
    )
    .fetch_one(db)
    .await
}

/// Stores the key of a project's hashes, encrypted.
pub async fn set_key(db: &mut PgConnection, project: ProjectId, sealed: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        "update projects set erasure_key_sealed = $2 where id = $1",
        project as ProjectId,
        sealed,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives the messages of a batch to some phones the outcome suppressed, as long as they wait. A submission
/// that has no others ends as cancelled.
pub async fn suppress_phones(
    db: &mut PgConnection,
    batch: BatchId,
    phones: &[&str],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"with written as (
             insert into outcomes
               (id, project_id, submission_id, batch_id, template_id, outcome, parts, recorded_at)
             select m.id, m.project_id, m.submission_id, m.batch_id, m.template_id, 'suppressed',
               0, $3
             from messages m join submissions s on s.id = m.submission_id
             where m.batch_id = $1 and m.id > $1 and s.state = 'ready' and m.phone = any($2)
             on conflict (id) do nothing
             returning submission_id
           ), gone as (select submission_id, count(*)::int as n from written group by 1)
           update submissions s
           set suppressed = s.suppressed + gone.n,
             state = case when s.suppressed + gone.n = s.n then 'cancelled' else s.state end,
             complete = s.suppressed + gone.n = s.n
           from gone where s.id = gone.submission_id"#,
        batch.0,
        phones as &[&str],
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
