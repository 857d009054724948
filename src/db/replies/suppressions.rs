//! Suppressions: phones that nothing, or no marketing, is sent to, and their removal from
//! submissions.

use futures_util::TryStreamExt;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::opt_outs::Remaining;
use crate::domain::ids::{ProjectId, SubmissionId, SuppressionId, UserId};
use crate::domain::replies::suppression::{SuppressionReason, SuppressionScope};

/// A suppressed phone.
#[derive(Debug, Clone)]
pub struct Suppression {
    /// Our id; it contains when the phone was added.
    pub id: SuppressionId,
    /// The whole phone; pages mask it for viewers.
    pub phone: String,
    /// Why.
    pub reason: SuppressionReason,
    /// What is not sent to it.
    pub scope: SuppressionScope,
    /// Whether it is there because a reply is perhaps an opt-out, and nobody has decided.
    pub pending: bool,
    /// Whether a reply has made its scope `All`.
    pub raised: bool,
    /// A note that was stored with it.
    pub note: String,
    /// The name of the account that added it; `None` if the console did.
    pub added_by: Option<String>,
    /// When it was added to the vendor's blacklist.
    pub blacklisted_at: Option<OffsetDateTime>,
}

/// Gives messages to suppressed phones in a waiting submission the outcome suppressed, and updates
/// its counter. A submission that has no other messages ends as cancelled. Returns the number of
/// messages.
pub async fn suppress_messages(
    db: &mut PgConnection,
    submission: SubmissionId,
    now: OffsetDateTime,
) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        r#"with written as (
             insert into outcomes
               (id, project_id, submission_id, batch_id, template_id, outcome, parts, recorded_at)
             select m.id, m.project_id, m.submission_id, m.batch_id, m.template_id, 'suppressed',
               0, $2
             from messages m join suppressions s using (project_id, phone)
             join batches b on b.id = m.batch_id
             where m.submission_id = $1 and (s.scope = 'all' or b.purpose = 'marketing')
             on conflict (id) do nothing
             returning id
           ), gone as (select count(*)::int as n from written), moved as (
             update submissions s
             set suppressed = s.suppressed + gone.n,
               state = case when s.suppressed + gone.n = s.n then 'cancelled' else s.state end,
               complete = s.suppressed + gone.n = s.n
             from gone where s.id = $1 and gone.n > 0
           )
           select n as "n!" from gone"#,
        submission.0,
        now,
    )
    .fetch_one(db)
    .await
}

/// What phones are added with.
#[derive(Debug, Clone, Copy)]
pub struct NewSuppression<'a> {
    /// Why.
    pub reason: SuppressionReason,
    /// What is not sent to them.
    pub scope: SuppressionScope,
    /// A note.
    pub note: &'a str,
    /// The account that adds them.
    pub by: UserId,
}

/// Returns new ids for phones that are added, in ascending order.
pub async fn new_ids(
    db: &mut PgConnection,
    count: usize,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"select new_id($1) as "id!" from generate_series(1, $2)"#,
        now,
        i32::try_from(count).unwrap_or(i32::MAX),
    )
    .fetch_all(db)
    .await
}

/// Adds phones, each with its id. Those that were suppressed as far stay as they are; pending ones, and those of which
/// only marketing was suppressed, are replaced. Returns how many are new or replaced.
pub async fn add(
    db: &mut PgConnection,
    project: ProjectId,
    phones: &[&str],
    ids: &[i64],
    new: NewSuppression<'_>,
) -> sqlx::Result<u64> {
    let added = sqlx::query!(
        r#"insert into suppressions as s (project_id, phone, id, reason, note, added_by, scope)
           select $1, phone, id, $4, $5, $6, $7
           from unnest($3::text[], $2::bigint[]) as wanted (phone, id)
           order by phone
           on conflict (project_id, phone) do update
           set reason = excluded.reason, note = excluded.note, added_by = excluded.added_by,
             scope = excluded.scope, pending = false
           where s.pending or (s.scope = 'marketing' and excluded.scope = 'all')"#,
        project.0,
        ids,
        phones as &[&str],
        new.reason as SuppressionReason,
        new.note,
        new.by.0,
        new.scope as SuppressionScope,
    )
    .execute(db)
    .await?;
    Ok(added.rows_affected())
}

/// Counts those of the phones that adding them with `scope` would not change.
pub async fn count_known(
    db: &PgPool,
    project: ProjectId,
    phones: &[&str],
    scope: SuppressionScope,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from unnest($2::text[]) as wanted (phone)
           join suppressions s on s.project_id = $1 and s.phone = wanted.phone
           where not s.pending and (s.scope = 'all' or $3 = 'marketing'::suppression_scope)"#,
        project.0,
        phones as &[&str],
        scope as SuppressionScope,
    )
    .fetch_one(db)
    .await
}

/// Adds phones that opted out by a reply, each with its text. Of those of which only marketing was
/// suppressed, the scope is raised; the others stay as they are.
pub async fn opt_out(
    db: &mut PgConnection,
    project: ProjectId,
    phones: &[&str],
    texts: &[&str],
    scope: SuppressionScope,
    by: Option<UserId>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into suppressions as s (project_id, phone, id, reason, note, scope, added_by)
           select $1, phone, id, 'reply', words, $5, $6 from (
             select phone, words, new_id($2) as id
             from unnest($3::text[], $4::text[]) with ordinality as n (phone, words, place)
             order by place
           ) said
           order by phone
           on conflict (project_id, phone) do update
           set scope = excluded.scope, pending = false, raised = s.reason <> 'reply',
             note = case when s.reason = 'reply' and excluded.note <> '' then excluded.note
               else s.note end,
             added_by = case when s.reason = 'reply' then excluded.added_by else s.added_by end
           where s.pending or (s.scope = 'marketing' and excluded.scope = 'all')"#,
        project.0,
        now,
        phones as &[&str],
        texts as &[&str],
        scope as SuppressionScope,
        by.map(|id| id.0),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds phones whose reply is perhaps an opt-out, each with its text: no marketing is sent to them
/// until a person decides. Existing ones stay as they are.
pub async fn add_pending(
    db: &mut PgConnection,
    project: ProjectId,
    phones: &[&str],
    texts: &[&str],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into suppressions (project_id, phone, id, reason, note, scope, pending)
           select $1, phone, id, 'reply', words, 'marketing', true from (
             select phone, words, new_id($2) as id
             from unnest($3::text[], $4::text[]) with ordinality as n (phone, words, place)
             order by place
           ) said
           order by phone
           on conflict (project_id, phone) do nothing"#,
        project.0,
        now,
        phones as &[&str],
        texts as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the pending suppression of a phone. Returns whether there was one.
pub async fn remove_pending(
    db: &mut PgConnection,
    project: ProjectId,
    phone: &str,
) -> sqlx::Result<bool> {
    let removed = sqlx::query!(
        "delete from suppressions where project_id = $1 and phone = $2 and pending",
        project.0,
        phone,
    )
    .execute(db)
    .await?;
    Ok(removed.rows_affected() > 0)
}

/// Lowers the suppression of a phone whose opt-outs were undone to what its replies still say, or
/// deletes it if they say nothing. One with another reason gets back the scope that it had before
/// the opt-outs. Returns whether the phone was on the vendor's blacklist, or `None` if nothing was
/// deleted.
pub async fn lower_replied(
    db: &mut PgConnection,
    project: ProjectId,
    phone: &str,
    remaining: Remaining,
) -> sqlx::Result<Option<bool>> {
    if remaining.all {
        return Ok(None);
    }
    sqlx::query!(
        r#"update suppressions
           set scope = 'marketing', raised = false, pending = reason = 'reply' and not $3
           where project_id = $1 and phone = $2 and (reason = 'reply' or raised)"#,
        project.0,
        phone,
        remaining.marketing,
    )
    .execute(&mut *db)
    .await?;
    if remaining.marketing || remaining.perhaps {
        return Ok(None);
    }
    sqlx::query_scalar!(
        r#"delete from suppressions where project_id = $1 and phone = $2 and reason = 'reply'
           returning blacklisted_at is not null as "offered!""#,
        project.0,
        phone,
    )
    .fetch_optional(db)
    .await
}

/// Returns the suppression of a phone.
pub async fn of_phone(
    db: &mut PgConnection,
    project: ProjectId,
    phone: &str,
) -> sqlx::Result<Option<Suppression>> {
    sqlx::query_as!(
        Suppression,
        r#"select s.id as "id: SuppressionId", s.phone, s.reason as "reason: SuppressionReason",
             s.scope as "scope: SuppressionScope", s.pending, s.raised, s.note, u.name as "added_by?", s.blacklisted_at
           from suppressions s left join users u on u.id = s.added_by
           where s.project_id = $1 and s.phone = $2"#,
        project.0,
        phone,
    )
    .fetch_optional(db)
    .await
}

/// Deletes a suppression. Returns its phone if it existed.
pub async fn remove(
    db: &mut PgConnection,
    project: ProjectId,
    id: SuppressionId,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "delete from suppressions where project_id = $1 and id = $2 returning phone",
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Returns a suppression of the project.
pub async fn find(
    db: &PgPool,
    project: ProjectId,
    id: SuppressionId,
) -> sqlx::Result<Option<Suppression>> {
    sqlx::query_as!(
        Suppression,
        r#"select s.id as "id: SuppressionId", s.phone, s.reason as "reason: SuppressionReason",
             s.scope as "scope: SuppressionScope", s.pending, s.raised, s.note, u.name as "added_by?", s.blacklisted_at
           from suppressions s left join users u on u.id = s.added_by
           where s.project_id = $1 and s.id = $2"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Returns the newest suppressions of a project before `before`, optionally only those of one phone
/// or of phones that end in four digits. `mask` is the pattern that the masks of phones match.
pub async fn list(
    db: &PgPool,
    project: ProjectId,
    phone: Option<&str>,
    mask: Option<&str>,
    before: Option<SuppressionId>,
    limit: i64,
) -> sqlx::Result<Vec<Suppression>> {
    let last_four = phone.filter(|text| text.len() == 4);
    let whole = phone.filter(|text| text.len() != 4);
    sqlx::query_as!(
        Suppression,
        r#"select s.id as "id: SuppressionId", s.phone, s.reason as "reason: SuppressionReason",
             s.scope as "scope: SuppressionScope", s.pending, s.raised, s.note, u.name as "added_by?", s.blacklisted_at
           from suppressions s left join users u on u.id = s.added_by
           where s.project_id = $1 and s.id < $4
             and ($2::text is null or s.phone = $2)
             and ($3::text is null or right(s.phone, 4) = $3)
             and ($6::text is null or masked_phone(s.phone) like $6)
           order by s.id desc limit $5"#,
        project.0,
        whole,
        last_four,
        before.map_or(i64::MAX, |id| id.0),
        limit,
        mask,
    )
    .fetch_all(db)
    .await
}

/// Calls `each` with every phone of the project that is not sent marketing, or not sent other
/// messages.
pub async fn for_each(
    db: &PgPool,
    project: ProjectId,
    marketing: bool,
    mut each: impl FnMut(&str),
) -> sqlx::Result<()> {
    let mut rows = sqlx::query!(
        "select phone from suppressions where project_id = $1 and (scope = 'all' or $2)",
        project.0,
        marketing,
    )
    .fetch(db);
    while let Some(row) = rows.try_next().await? {
        each(&row.phone);
    }
    Ok(())
}

/// Returns up to `limit` phones that nothing is sent to and that are not on the vendor's blacklist
/// yet, oldest first.
pub async fn not_blacklisted(
    db: &PgPool,
    project: ProjectId,
    limit: i64,
) -> sqlx::Result<Vec<(SuppressionId, String)>> {
    let rows = sqlx::query!(
        r#"select id as "id: SuppressionId", phone from suppressions
           where project_id = $1 and blacklisted_at is null and scope = 'all' order by id limit $2"#,
        project.0,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.phone)).collect())
}

/// Records that phones are on the vendor's blacklist.
pub async fn blacklisted(
    db: &mut PgConnection,
    ids: &[SuppressionId],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    sqlx::query!("update suppressions set blacklisted_at = $2 where id = any($1)", &ids, now)
        .execute(db)
        .await?;
    Ok(())
}
