//! SMS templates as the vendor last described them.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::{ProjectId, TemplateId};
use crate::domain::review::{Purpose, ReviewStatus};

/// An SMS template with its cached review status.
#[derive(Debug, Clone)]
pub struct SmsTemplate {
    /// Our id.
    pub id: TemplateId,
    /// The vendor's id.
    pub template_id: String,
    /// What the team calls it.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The reviewed text with `{1}` `{2}`.
    pub text: String,
    /// What a marketing text ends with; else empty.
    pub unsubscribe: String,
    /// What each variable means, in the applicant's words; else empty.
    pub instruction: String,
    /// For international texts.
    pub international: bool,
    /// The vendor's review.
    pub status: ReviewStatus,
    /// Why it was rejected, in the vendor's words; else empty.
    pub reason: String,
    /// When the vendor was last asked.
    pub checked_at: OffsetDateTime,
    /// When the status last changed.
    pub changed_at: OffsetDateTime,
}

/// An SMS template as the vendor describes it now.
#[derive(Debug, Clone)]
pub struct Described<'a> {
    /// The vendor's id.
    pub template_id: &'a str,
    /// What the team calls it.
    pub name: &'a str,
    /// What it is for.
    pub purpose: Purpose,
    /// The text with `{1}` `{2}`.
    pub text: &'a str,
    /// What a marketing text ends with; else empty.
    pub unsubscribe: &'a str,
    /// What each variable means; else empty.
    pub instruction: &'a str,
    /// A note for the reviewer; else empty.
    pub remark: &'a str,
    /// For international texts.
    pub international: bool,
    /// The vendor's review.
    pub status: ReviewStatus,
    /// Why it was rejected; else empty.
    pub reason: &'a str,
}

/// Keeps what the vendor says of a template; the time of change moves only with the status.
pub async fn keep(
    db: &mut PgConnection,
    project: ProjectId,
    described: &Described<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<TemplateId> {
    sqlx::query_scalar!(
        r#"insert into sms_templates
             (id, project_id, template_id, name, purpose, text, unsubscribe, instruction, remark,
              international, status, reason, checked_at, changed_at)
           values (new_id($12), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
           on conflict (project_id, template_id) do update set
             name = excluded.name, purpose = excluded.purpose, text = excluded.text,
             unsubscribe = excluded.unsubscribe, instruction = excluded.instruction,
             remark = excluded.remark, status = excluded.status, reason = excluded.reason,
             checked_at = excluded.checked_at, deleted_at = null,
             changed_at = case when sms_templates.status = excluded.status
               then sms_templates.changed_at else excluded.changed_at end
           returning id as "id: TemplateId""#,
        project.0,
        described.template_id,
        described.name,
        described.purpose as Purpose,
        described.text,
        described.unsubscribe,
        described.instruction,
        described.remark,
        described.international,
        described.status as ReviewStatus,
        described.reason,
        now,
    )
    .fetch_one(db)
    .await
}

/// A project's templates, newest first, at most `limit`.
pub async fn list(db: &PgPool, project: ProjectId, limit: i64) -> sqlx::Result<Vec<SmsTemplate>> {
    sqlx::query_as!(
        SmsTemplate,
        r#"select id as "id: TemplateId", template_id, name, purpose as "purpose: Purpose", text,
             unsubscribe, instruction, international, status as "status: ReviewStatus", reason,
             checked_at, changed_at
           from sms_templates where project_id = $1 and deleted_at is null
           order by id desc limit $2"#,
        project.0,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The templates that may be sent with, by name.
pub async fn approved(db: &PgPool, project: ProjectId) -> sqlx::Result<Vec<SmsTemplate>> {
    sqlx::query_as!(
        SmsTemplate,
        r#"select id as "id: TemplateId", template_id, name, purpose as "purpose: Purpose", text,
             unsubscribe, instruction, international, status as "status: ReviewStatus", reason,
             checked_at, changed_at
           from sms_templates
           where project_id = $1 and deleted_at is null and status = 'approved'
           order by name, id"#,
        project.0,
    )
    .fetch_all(db)
    .await
}

/// One approved template of the project, if it is one.
pub async fn find_approved(
    db: &mut PgConnection,
    project: ProjectId,
    id: TemplateId,
) -> sqlx::Result<Option<SmsTemplate>> {
    sqlx::query_as!(
        SmsTemplate,
        r#"select id as "id: TemplateId", template_id, name, purpose as "purpose: Purpose", text,
             unsubscribe, instruction, international, status as "status: ReviewStatus", reason,
             checked_at, changed_at
           from sms_templates
           where project_id = $1 and id = $2 and deleted_at is null and status = 'approved'"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Takes those whose turn it is to be asked about: under review and last asked before
/// `open_before`, or approved and last asked before `approved_before` (they can be disabled later).
/// Taking moves their turn, so no other process takes them as well.
pub async fn take_due(
    db: &PgPool,
    open_before: OffsetDateTime,
    approved_before: OffsetDateTime,
    limit: i64,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<(ProjectId, String)>> {
    let rows = sqlx::query!(
        r#"update sms_templates set checked_at = $4
           where id in (
             select id from sms_templates
             where deleted_at is null
               and ((status in ('waiting', 'in_review') and checked_at < $1)
                 or (status = 'approved' and checked_at < $2))
             order by checked_at limit $3
             for update skip locked
           )
           returning project_id as "project_id: ProjectId", template_id"#,
        open_before,
        approved_before,
        limit,
        now,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.project_id, row.template_id)).collect())
}
