//! What signatures and templates have in common: lists by review status, status checks and
//! deletion.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::domain::ids::{BatchId, ProjectId, SignatureId, TemplateId, UserId};
use crate::domain::review::topics;
use crate::domain::review::{ReviewStatus, Subject};

/// A signature or a template, by our id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// A signature.
    Signature(SignatureId),
    /// A template.
    Template(TemplateId),
}

impl Row {
    /// Returns the kind of thing it is.
    pub fn subject(self) -> Subject {
        match self {
            Self::Signature(_) => Subject::Signature,
            Self::Template(_) => Subject::Template,
        }
    }
}

/// Returns the values of the two columns that identify a row; one of them is null.
pub(in crate::db) fn in_columns(row: Row) -> (Option<i64>, Option<i64>) {
    match row {
        Row::Signature(id) => (Some(id.0), None),
        Row::Template(id) => (None, Some(id.0)),
    }
}

fn row_of(subject: Subject, id: i64) -> Row {
    match subject {
        Subject::Signature => Row::Signature(SignatureId(id)),
        Subject::Template => Row::Template(TemplateId(id)),
    }
}

/// Where a page of a list ended; the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When the last row changed.
    pub changed_at: OffsetDateTime,
    /// Its id.
    pub id: i64,
}

/// The number of newest rows that a search scans without an index; if they fill the page, no index
/// is needed. Rarer matches are found by the index of letter pairs.
pub(in crate::db) const MAX_SCANNED: i64 = 1_000;

/// The filters and the page of a list.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The review statuses to list.
    pub statuses: Vec<ReviewStatus>,
    /// Whether deleted ones are listed instead of existing ones.
    pub gone: bool,
    /// A part of the id, name or text, in lower case; an empty string matches all.
    pub search: String,
    /// Only domestic or only international ones.
    pub international: Option<bool>,
    /// Where the previous page ended.
    pub after: Option<Cursor>,
    /// The maximum number of rows.
    pub limit: i64,
}

impl Filter {
    /// Returns whether the search text is long enough for the index of letter pairs.
    pub(in crate::db) fn has_pairs(&self) -> bool {
        self.search.chars().nth(1).is_some()
    }

    /// Returns the cursor as values; the first page begins above everything.
    pub(in crate::db) fn below(&self) -> (OffsetDateTime, i64) {
        let top = time::macros::datetime!(9999-01-01 00:00 UTC);
        self.after.map_or((top, i64::MAX), |cursor| (cursor.changed_at, cursor.id))
    }
}

/// Counts by review status; deleted ones are counted separately.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// The counts by status.
    pub by_status: Vec<(ReviewStatus, i64)>,
    /// The number of deleted ones.
    pub gone: i64,
}

struct Count {
    status: ReviewStatus,
    gone: bool,
    n: i64,
}

/// Counts a project's signatures or templates.
pub async fn counts(db: &PgPool, project: ProjectId, subject: Subject) -> sqlx::Result<Counts> {
    let rows = sqlx::query_as!(
        Count,
        r#"select status as "status: ReviewStatus", gone, n from review_counts
           where project_id = $1 and subject = $2 and n > 0"#,
        project.0,
        subject as Subject,
    )
    .fetch_all(db)
    .await?;
    let mut counts = Counts::default();
    for row in rows {
        if row.gone {
            counts.gone += row.n;
        } else {
            counts.by_status.push((row.status, row.n));
        }
    }
    Ok(counts)
}

/// A signature or template whose status check is due.
#[derive(Debug)]
pub struct Due {
    /// The project.
    pub project: ProjectId,
    /// The signature or template.
    pub row: Row,
    /// The vendor's id.
    pub vendor_id: String,
}

struct DueRow {
    project_id: ProjectId,
    id: i64,
    vendor_id: String,
}

/// Claims rows whose status check is due, either under review or with a final status. Claiming
/// moves the next check by `lease`, so that no other process checks them at the same time and none
/// is forgotten.
pub async fn take_due(
    db: &PgPool,
    subject: Subject,
    open: bool,
    limit: i64,
    lease: Duration,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Due>> {
    let rows = match subject {
        Subject::Signature => {
            sqlx::query_as!(
                DueRow,
                r#"update signatures set next_check_at = $2
                   where id in (
                     select id from signatures
                     where not gone and next_check_at <= $1
                       and (status in ('waiting', 'in_review')) = $4
                     order by next_check_at limit $3 for update skip locked)
                   returning project_id as "project_id: ProjectId", id, sig_id as vendor_id"#,
                now,
                now + lease,
                limit,
                open,
            )
            .fetch_all(db)
            .await?
        }
        Subject::Template => {
            sqlx::query_as!(
                DueRow,
                r#"update sms_templates set next_check_at = $2
                   where id in (
                     select id from sms_templates
                     where not gone and next_check_at <= $1
                       and (status in ('waiting', 'in_review')) = $4
                     order by next_check_at limit $3 for update skip locked)
                   returning project_id as "project_id: ProjectId", id, template_id as vendor_id"#,
                now,
                now + lease,
                limit,
                open,
            )
            .fetch_all(db)
            .await?
        }
    };
    let due = rows.into_iter().map(|row| Due {
        project: row.project_id,
        row: row_of(subject, row.id),
        vendor_id: row.vendor_id,
    });
    Ok(due.collect())
}

/// Schedules a status check at `at`. Returns whether the row exists.
pub async fn schedule_check(
    db: &mut PgConnection,
    row: Row,
    at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let updated = match row {
        Row::Signature(id) => {
            sqlx::query!("update signatures set next_check_at = $2 where id = $1", id.0, at)
                .execute(db)
                .await?
        }
        Row::Template(id) => {
            sqlx::query!("update sms_templates set next_check_at = $2 where id = $1", id.0, at)
                .execute(db)
                .await?
        }
    };
    Ok(updated.rows_affected() == 1)
}

/// Schedules a status check of all rows as soon as the call rate allows. Returns how many there
/// are.
pub async fn schedule_all_checks(
    db: &PgPool,
    project: ProjectId,
    subject: Subject,
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    let updated =
        match subject {
            Subject::Signature => {
                sqlx::query!(
                    "update signatures set next_check_at = $2 where project_id = $1 and not gone",
                    project.0,
                    now,
                )
                .execute(db)
                .await?
            }
            Subject::Template => sqlx::query!(
                "update sms_templates set next_check_at = $2 where project_id = $1 and not gone",
                project.0,
                now,
            )
            .execute(db)
            .await?,
        };
    Ok(updated.rows_affected())
}

/// Marks one as unknown to the vendor and schedules the next check at `next_check_at`. Returns
/// whether it was known before. The mark is removed as soon as the vendor describes it again.
pub async fn set_missing(
    db: &mut PgConnection,
    row: Row,
    next_check_at: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    schedule_check(db, row, next_check_at).await?;
    let updated = match row {
        Row::Signature(id) => {
            sqlx::query!(
                r#"update signatures set missing_since = $2, checked_at = $2
                   where id = $1 and missing_since is null"#,
                id.0,
                now
            )
            .execute(db)
            .await?
        }
        Row::Template(id) => {
            sqlx::query!(
                r#"update sms_templates set missing_since = $2, checked_at = $2
                   where id = $1 and missing_since is null"#,
                id.0,
                now
            )
            .execute(db)
            .await?
        }
    };
    Ok(updated.rows_affected() == 1)
}

/// Records who asks the vendor to delete it, before the call; `None` undoes that. Returns whether
/// the row exists.
pub async fn record_deletion_request(
    db: &mut PgConnection,
    row: Row,
    by: Option<UserId>,
) -> sqlx::Result<bool> {
    let updated = match row {
        Row::Signature(id) => {
            sqlx::query!(
                "update signatures set delete_requested_by = $2 where id = $1",
                id.0,
                by as Option<UserId>
            )
            .execute(db)
            .await?
        }
        Row::Template(id) => {
            sqlx::query!(
                "update sms_templates set delete_requested_by = $2 where id = $1",
                id.0,
                by as Option<UserId>
            )
            .execute(db)
            .await?
        }
    };
    Ok(updated.rows_affected() == 1)
}

/// Marks one as deleted. It stays in the history and in old batches. Returns whether it was not
/// deleted before.
pub async fn set_deleted(
    db: &mut PgConnection,
    row: Row,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let updated = match row {
        Row::Signature(id) => {
            sqlx::query!(
                r#"update signatures set deleted_at = $2, delete_requested_by = null
                   where id = $1 and deleted_at is null"#,
                id.0,
                now
            )
            .execute(db)
            .await?
        }
        Row::Template(id) => {
            sqlx::query!(
                r#"update sms_templates set deleted_at = $2, delete_requested_by = null
                   where id = $1 and deleted_at is null"#,
                id.0,
                now
            )
            .execute(db)
            .await?
        }
    };
    Ok(updated.rows_affected() == 1)
}

/// A batch that still has messages to send with a signature or template.
#[derive(Debug, Clone)]
pub struct Dependent {
    /// The batch.
    pub batch: BatchId,
    /// Its name.
    pub name: String,
    /// The number of recipients.
    pub total: i32,
    /// The time it is scheduled for.
    pub schedule_at: Option<OffsetDateTime>,
}

/// Returns the batches that still have messages to send with it, oldest first.
pub async fn dependents(db: &PgPool, row: Row) -> sqlx::Result<Vec<Dependent>> {
    let (signature, template) = in_columns(row);
    sqlx::query_as!(
        Dependent,
        r#"select id as "batch: BatchId", name, total, schedule_at from batches
           where state in ('draft', 'awaiting_approval', 'scheduled', 'sending', 'paused')
             and (signature_id = $1 or template_id = $2)
           order by id limit 50"#,
        signature,
        template,
    )
    .fetch_all(db)
    .await
}

/// Returns how many messages with each of these the vendor has accepted since `since` (an id), in
/// their order.
pub async fn sent_since(
    db: &PgPool,
    subject: Subject,
    ids: &[i64],
    since: i64,
) -> sqlx::Result<Vec<i64>> {
    match subject {
        Subject::Signature => {
            sqlx::query_scalar!(
                r#"select coalesce((select sum(s.n - s.refused - s.suppressed)
                     from batches b join submissions s on s.batch_id = b.id
                     where b.signature_id = wanted.id and b.id >= $2
                       and s.state in ('accepted', 'partly')), 0) as "n!"
                   from unnest($1::bigint[]) with ordinality wanted (id, place)
                   order by wanted.place"#,
                ids,
                since,
            )
            .fetch_all(db)
            .await
        }
        Subject::Template => {
            sqlx::query_scalar!(
                r#"select coalesce((select sum(s.n - s.refused - s.suppressed)
                     from batches b join submissions s on s.batch_id = b.id
                     where b.template_id = wanted.id and b.id >= $2
                       and s.state in ('accepted', 'partly')), 0) as "n!"
                   from unnest($1::bigint[]) with ordinality wanted (id, place)
                   order by wanted.place"#,
                ids,
                since,
            )
            .fetch_all(db)
            .await
        }
    }
}

/// Returns the project's sensitive words: the forbidden topics until its team edits them.
pub async fn sensitive_words(db: &PgPool, project: ProjectId) -> sqlx::Result<Vec<String>> {
    let edited = sqlx::query_scalar!(
        r#"select array(select word from sensitive_words where project_id = $1 order by word)
             as "words!"
           from projects where id = $1 and sensitive_words_edited"#,
        project.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(edited.unwrap_or_else(|| topics::FORBIDDEN.map(str::to_owned).to_vec()))
}

/// Replaces the project's sensitive words.
pub async fn set_sensitive_words(
    db: &mut PgConnection,
    project: ProjectId,
    words: &[String],
) -> sqlx::Result<()> {
    sqlx::query!("update projects set sensitive_words_edited = true where id = $1", project.0)
        .execute(&mut *db)
        .await?;
    sqlx::query!("delete from sensitive_words where project_id = $1", project.0)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        r#"insert into sensitive_words (project_id, word)
           select $1, word from unnest($2::text[]) word on conflict do nothing"#,
        project.0,
        words,
    )
    .execute(db)
    .await?;
    Ok(())
}
