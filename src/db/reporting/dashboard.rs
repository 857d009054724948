//! The data of the dashboard: today's numbers, messages by hour, and what needs a person.

use sqlx::PgPool;
use time::OffsetDateTime;

use crate::domain::ids::{BatchId, ProjectId};
use crate::domain::review::{Purpose, Subject};
use crate::domain::sending::batch::PauseReason;

/// What was sent within a time, and its outcomes.
#[derive(Debug, Clone, Copy)]
pub struct Numbers {
    /// The number of messages that the vendor accepted or may have accepted.
    pub submitted: i64,
    /// The number of these that were delivered.
    pub delivered: i64,
    /// The number of these that failed.
    pub failed: i64,
    /// The number of these without a final receipt.
    pub waiting: i64,
}

/// Returns the numbers of what was sent from `from` until before `to`.
pub async fn numbers(
    db: &PgPool,
    project: ProjectId,
    from: OffsetDateTime,
    to: OffsetDateTime,
) -> sqlx::Result<Numbers> {
    sqlx::query_as!(
        Numbers,
        r#"select coalesce(sum(delivered + failed + unknown + waiting), 0) as "submitted!",
             coalesce(sum(delivered), 0) as "delivered!", coalesce(sum(failed), 0) as "failed!",
             coalesce(sum(waiting), 0) as "waiting!"
           from (
             select delivered, failed, unknown,
               case when state in ('accepted', 'partly', 'in_doubt')
                 then n - delivered - failed - unknown - refused - suppressed else 0 end as waiting
             from submissions where project_id = $1 and sent_at >= $2 and sent_at < $3
           ) s"#,
        project.0,
        from,
        to,
    )
    .fetch_one(db)
    .await
}

/// Returns the number of messages submitted in each of the 24 hours that begin at `from`.
pub async fn by_hour(
    db: &PgPool,
    project: ProjectId,
    from: OffsetDateTime,
) -> sqlx::Result<[i64; 24]> {
    let rows = sqlx::query!(
        r#"select (extract(epoch from sent_at - $2) / 3600)::float8 as "hour!",
             case when state in ('accepted', 'partly', 'in_doubt') then n - refused - suppressed
               else delivered + failed + unknown end as "n!"
           from submissions
           where project_id = $1 and sent_at >= $2 and sent_at < $2 + interval '24 hours'"#,
        project.0,
        from,
    )
    .fetch_all(db)
    .await?;
    let mut hours = [0; 24];
    for row in rows {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let hour = (row.hour as usize).min(23);
        hours[hour] += i64::from(row.n);
    }
    Ok(hours)
}

/// A batch with messages in doubt.
#[derive(Debug, Clone)]
pub struct InDoubt {
    /// The batch.
    pub batch: BatchId,
    /// Its name.
    pub name: String,
    /// The number of these messages.
    pub messages: i64,
    /// Since when the oldest of them is in doubt.
    pub since: OffsetDateTime,
}

/// Returns batches with messages in doubt, oldest doubt first.
pub async fn in_doubt(db: &PgPool, project: ProjectId, limit: i64) -> sqlx::Result<Vec<InDoubt>> {
    sqlx::query_as!(
        InDoubt,
        r#"select b.id as "batch: BatchId", b.name, sum(s.n) as "messages!",
             min(s.sent_at) as "since!"
           from submissions s join batches b on b.id = s.batch_id
           where s.project_id = $1 and s.state = 'in_doubt'
           group by b.id order by min(s.sent_at) limit $2"#,
        project.0,
        limit,
    )
    .fetch_all(db)
    .await
}

/// A batch that is waiting for a person.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The batch.
    pub batch: BatchId,
    /// Its name.
    pub name: String,
    /// The number of recipients.
    pub total: i32,
    /// Why it is paused; `None` if it awaits approval.
    pub pause_reason: Option<PauseReason>,
    /// The name of the account that ordered it.
    pub orderer: String,
    /// When it was ordered.
    pub ordered_at: Option<OffsetDateTime>,
    /// The purpose of its template.
    pub purpose: Purpose,
    /// Whether it goes to international phones.
    pub international: bool,
}

/// Returns batches that await approval or were not paused by a person, newest first.
pub async fn waiting(db: &PgPool, project: ProjectId, limit: i64) -> sqlx::Result<Vec<Waiting>> {
    sqlx::query_as!(
        Waiting,
        r#"select b.id as "batch: BatchId", b.name, b.total, b.pause_reason as "pause_reason: PauseReason",
             u.name as orderer, b.ordered_at, b.purpose as "purpose: Purpose", b.international
           from batches b join users u on u.id = b.ordered_by
           where b.project_id = $1
             and (b.state = 'awaiting_approval' or (b.state = 'paused' and b.pause_reason <> 'person'))
           order by b.id desc limit $2"#,
        project.0,
        limit,
    )
    .fetch_all(db)
    .await
}

/// A signature or template that was rejected.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// The vendor's id.
    pub vendor_id: String,
    /// Its name.
    pub name: String,
    /// The vendor's reason.
    pub reason: String,
    /// When it was rejected.
    pub since: OffsetDateTime,
}

/// Returns rejected templates, newest first.
pub async fn rejected_templates(
    db: &PgPool,
    project: ProjectId,
    limit: i64,
) -> sqlx::Result<Vec<Rejected>> {
    sqlx::query_as!(
        Rejected,
        r#"select template_id as vendor_id, name, reason, changed_at as since from sms_templates
           where project_id = $1 and status = 'rejected' and not gone
           order by changed_at desc limit $2"#,
        project.0,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Returns rejected signatures, newest first.
pub async fn rejected_signatures(
    db: &PgPool,
    project: ProjectId,
    limit: i64,
) -> sqlx::Result<Vec<Rejected>> {
    sqlx::query_as!(
        Rejected,
        r#"select sig_id as vendor_id, content as name, reason, changed_at as since from signatures
           where project_id = $1 and status = 'rejected' and not gone
           order by changed_at desc limit $2"#,
        project.0,
        limit,
    )
    .fetch_all(db)
    .await
}

/// A signature or template that can no longer be used for sending, though nobody here deleted it.
#[derive(Debug, Clone)]
pub struct FailedReview {
    /// What it is.
    pub subject: Subject,
    /// The vendor's id.
    pub vendor_id: String,
    /// Its name.
    pub name: String,
    /// Whether the vendor does not know it any more; otherwise the vendor disabled it.
    pub missing: bool,
    /// Since when.
    pub since: OffsetDateTime,
}

/// Returns what the vendor does not know any more, and what was disabled since `since`, newest
/// first.
pub async fn failed_reviews(
    db: &PgPool,
    project: ProjectId,
    since: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<FailedReview>> {
    sqlx::query_as!(
        FailedReview,
        r#"select subject as "subject!: Subject", vendor_id as "vendor_id!", name as "name!",
             missing as "missing!", since as "since!"
           from (
             select 'signature'::review_subject as subject, sig_id as vendor_id, content as name,
               missing_since is not null as missing, coalesce(missing_since, changed_at) as since
             from signatures
             where project_id = $1 and not gone
               and (missing_since is not null or (status = 'disabled' and changed_at > $2))
             union all
             select 'template', template_id, name, missing_since is not null,
               coalesce(missing_since, changed_at)
             from sms_templates
             where project_id = $1 and not gone
               and (missing_since is not null or (status = 'disabled' and changed_at > $2))
           ) fallen
           order by since desc limit $3"#,
        project.0,
        since,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The counts that the navigation shows as badges.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
pub struct Needs {
    /// The number of batches in doubt, paused with a reason, or awaiting approval.
    pub batches: i64,
    /// The number of rejected signatures, and of applications for signatures in doubt.
    pub signatures: i64,
    /// The number of rejected templates, and of applications for templates in doubt.
    pub templates: i64,
    /// The number of conversations with unread replies or with one to decide, at most 1,000.
    pub replies: i64,
    /// Whether nothing is sent at the moment: a person stopped it, or the database went back in time.
    pub halted: bool,
}

/// Counts what needs a person, for the navigation of every page.
pub async fn needs(db: &PgPool, project: ProjectId) -> sqlx::Result<Needs> {
    sqlx::query_as!(
        Needs,
        r#"select batches as "batches!", signatures as "signatures!", templates as "templates!",
             replies as "replies!", halted as "halted!"
           from project_needs($1)"#,
        project.0,
    )
    .fetch_one(db)
    .await
}
