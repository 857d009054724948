//! Suppressions: phones that nothing is sent to, and their removal from submissions.

use futures_util::TryStreamExt;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::{ProjectId, SubmissionId, SuppressionId, UserId};
use crate::domain::suppression::SuppressionReason;

/// A suppressed phone.
#[derive(Debug, Clone)]
pub struct Suppression {
    /// Our id; it contains when the phone was added.
    pub id: SuppressionId,
    /// The whole phone; pages mask it for viewers.
    pub phone: String,
    /// Why.
    pub reason: SuppressionReason,
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
             where m.submission_id = $1
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

/// Adds phones; existing ones stay as they are. Returns how many are new.
pub async fn add(
    db: &mut PgConnection,
    project: ProjectId,
    phones: &[&str],
    reason: SuppressionReason,
    note: &str,
    by: Option<UserId>,
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    let added = sqlx::query!(
        r#"insert into suppressions (project_id, phone, id, reason, note, added_by)
           select $1, phone, new_id($2), $4, $5, $6 from unnest($3::text[]) as phone
           on conflict (project_id, phone) do nothing"#,
        project.0,
        now,
        phones as &[&str],
        reason as SuppressionReason,
        note,
        by.map(|id| id.0),
    )
    .execute(db)
    .await?;
    Ok(added.rows_affected())
}

/// Counts those of the phones that are suppressed.
pub async fn count_known(db: &PgPool, project: ProjectId, phones: &[&str]) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from unnest($2::text[]) as wanted (phone)
           join suppressions s on s.project_id = $1 and s.phone = wanted.phone"#,
        project.0,
        phones as &[&str],
    )
    .fetch_one(db)
    .await
}

/// Adds phones that opted out by a reply, each with its text. Existing ones stay as they are.
pub async fn add_replied(
    db: &mut PgConnection,
    project: ProjectId,
    phones: &[&str],
    texts: &[&str],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into suppressions (project_id, phone, id, reason, note)
           select $1, phone, new_id($2), 'reply', words
           from unnest($3::text[], $4::text[]) as said (phone, words) order by phone
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

/// Deletes the suppression of a phone that opted out by a reply. Returns whether the phone was on
/// the vendor's blacklist, or `None` if there was none.
pub async fn remove_replied(
    db: &mut PgConnection,
    project: ProjectId,
    phone: &str,
) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        r#"delete from suppressions where project_id = $1 and phone = $2 and reason = 'reply'
           returning blacklisted_at is not null as "offered!""#,
        project.0,
        phone,
    )
    .fetch_optional(db)
    .await
}

/// Finds the suppression of a phone.
pub async fn of_phone(
    db: &mut PgConnection,
    project: ProjectId,
    phone: &str,
) -> sqlx::Result<Option<Suppression>> {
    sqlx::query_as!(
        Suppression,
        r#"select s.id as "id: SuppressionId", s.phone, s.reason as "reason: SuppressionReason",
             s.note, u.name as "added_by?", s.blacklisted_at
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

/// Finds a suppression of the project.
pub async fn find(
    db: &PgPool,
    project: ProjectId,
    id: SuppressionId,
) -> sqlx::Result<Option<Suppression>> {
    sqlx::query_as!(
        Suppression,
        r#"select s.id as "id: SuppressionId", s.phone, s.reason as "reason: SuppressionReason",
             s.note, u.name as "added_by?", s.blacklisted_at
           from suppressions s left join users u on u.id = s.added_by
           where s.project_id = $1 and s.id = $2"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Returns the newest suppressions of a project before `before`, optionally only those of one phone
/// or of phones that end in four digits.
pub async fn list(
    db: &PgPool,
    project: ProjectId,
    phone: Option<&str>,
    before: Option<SuppressionId>,
    limit: i64,
) -> sqlx::Result<Vec<Suppression>> {
    let last_four = phone.filter(|text| text.len() == 4);
    let whole = phone.filter(|text| text.len() != 4);
    sqlx::query_as!(
        Suppression,
        r#"select s.id as "id: SuppressionId", s.phone, s.reason as "reason: SuppressionReason",
             s.note, u.name as "added_by?", s.blacklisted_at
           from suppressions s left join users u on u.id = s.added_by
           where s.project_id = $1 and s.id < $4
             and ($2::text is null or s.phone = $2)
             and ($3::text is null or right(s.phone, 4) = $3)
           order by s.id desc limit $5"#,
        project.0,
        whole,
        last_four,
        before.map_or(i64::MAX, |id| id.0),
        limit,
    )
    .fetch_all(db)
    .await
}

/// Calls `each` with every suppressed phone of the project.
pub async fn for_each(
    db: &PgPool,
    project: ProjectId,
    mut each: impl FnMut(&str),
) -> sqlx::Result<()> {
    let mut rows =
        sqlx::query!("select phone from suppressions where project_id = $1", project.0).fetch(db);
    while let Some(row) = rows.try_next().await? {
        each(&row.phone);
    }
    Ok(())
}

/// Returns up to `limit` phones that are not on the vendor's blacklist yet, oldest first.
pub async fn not_blacklisted(
    db: &PgPool,
    project: ProjectId,
    limit: i64,
) -> sqlx::Result<Vec<(SuppressionId, String)>> {
    let rows = sqlx::query!(
        r#"select id as "id: SuppressionId", phone from suppressions
           where project_id = $1 and blacklisted_at is null order by id limit $2"#,
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
