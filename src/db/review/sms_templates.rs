//! SMS templates as the vendor last described them.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use super::reviewed::{Filter, MAX_SCANNED};
use crate::domain::ids::{ProjectId, TemplateId, UserId};
use crate::domain::review::{Purpose, ReviewStatus};

/// An SMS template with its cached review status.
#[derive(Debug, Clone)]
pub struct SmsTemplate {
    /// Our id.
    pub id: TemplateId,
    /// The vendor's id.
    pub template_id: String,
    /// The name that the team gave it.
    pub name: String,
    /// Its purpose.
    pub purpose: Purpose,
    /// The reviewed text with `{1}` `{2}`.
    pub text: String,
    /// The end of a marketing text, or an empty string.
    pub unsubscribe: String,
    /// What each variable means, in the applicant's words, or an empty string.
    pub instruction: String,
    /// A remark for the reviewer, or an empty string.
    pub remark: String,
    /// Whether it is for international phones.
    pub international: bool,
    /// Its review status.
    pub status: ReviewStatus,
    /// Why it was rejected, in the vendor's words, or an empty string.
    pub reason: String,
    /// When the vendor last described it.
    pub checked_at: OffsetDateTime,
    /// When the status last changed.
    pub changed_at: OffsetDateTime,
    /// The name of the account that applied for it.
    pub person: Option<String>,
    /// When the vendor first did not know it any more.
    pub missing_since: Option<OffsetDateTime>,
    /// When it was deleted here.
    pub deleted_at: Option<OffsetDateTime>,
    /// The account that asked the vendor to delete it, while there is no response.
    pub delete_requested_by: Option<UserId>,
}

/// An SMS template as the vendor describes it now.
#[derive(Debug, Clone)]
pub struct Described<'a> {
    /// The vendor's id.
    pub template_id: &'a str,
    /// The name that the team gave it.
    pub name: &'a str,
    /// Its purpose.
    pub purpose: Purpose,
    /// The text with `{1}` `{2}`.
    pub text: &'a str,
    /// The end of a marketing text, or an empty string.
    pub unsubscribe: &'a str,
    /// What each variable means, or an empty string.
    pub instruction: &'a str,
    /// A remark for the reviewer, or an empty string.
    pub remark: &'a str,
    /// Whether it is for international phones; stored only when it is new.
    pub international: bool,
    /// Its review status.
    pub status: ReviewStatus,
    /// Why it was rejected, or an empty string.
    pub reason: &'a str,
}

/// Upserts a template as the vendor describes it. The time of change moves only with the status.
/// What the vendor may leave out (unsubscribe text, instruction and remark) stays as it is. Returns
/// our id.
pub async fn upsert(
    db: &mut PgConnection,
    project: ProjectId,
    described: &Described<'_>,
    next_check_at: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<TemplateId> {
    sqlx::query_scalar!(
        r#"insert into sms_templates
             (id, project_id, template_id, name, purpose, text, unsubscribe, instruction, remark,
              international, status, reason, checked_at, changed_at, next_check_at)
           values (new_id($12), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)
           on conflict (project_id, template_id) do update set
             name = excluded.name, purpose = excluded.purpose, text = excluded.text,
             unsubscribe = case when excluded.unsubscribe = '' then sms_templates.unsubscribe
               else excluded.unsubscribe end,
             instruction = case when excluded.instruction = '' then sms_templates.instruction
               else excluded.instruction end,
             remark = case when excluded.remark = '' then sms_templates.remark
               else excluded.remark end,
             status = excluded.status, reason = excluded.reason,
             checked_at = excluded.checked_at, next_check_at = excluded.next_check_at,
             deleted_at = null, missing_since = null, delete_requested_by = null,
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
        next_check_at,
    )
    .fetch_one(db)
    .await
}

/// Stores what the application contained and the vendor does not report.
pub async fn set_application(
    db: &mut PgConnection,
    id: TemplateId,
    international: bool,
    applied_by: UserId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update sms_templates set international = $2, applied_by = $3, destination_proposed = false
         where id = $1",
        id.0,
        international,
        applied_by as UserId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns a page of the list, latest change first.
pub async fn list(
    db: &PgPool,
    project: ProjectId,
    filter: &Filter,
    purposes: &[Purpose],
) -> sqlx::Result<Vec<SmsTemplate>> {
    if filter.search.is_empty() {
        return scan(db, project, filter, purposes, filter.limit).await;
    }
    let found = scan(db, project, filter, purposes, MAX_SCANNED).await?;
    let full = i64::try_from(found.len()).is_ok_and(|n| n >= filter.limit);
    if full || !filter.has_pairs() {
        return Ok(found);
    }
    search_by_pairs(db, project, filter, purposes).await
}

/// Returns the newest rows of each status in the filter, merged; for a search, those that match
/// among the first `scan_limit` of each.
async fn scan(
    db: &PgPool,
    project: ProjectId,
    filter: &Filter,
    purposes: &[Purpose],
    scan_limit: i64,
) -> sqlx::Result<Vec<SmsTemplate>> {
    let (changed_at, id) = filter.below();
    // A single character has no pairs, so all rows are scanned.
    let scan_limit =
        if filter.search.is_empty() || filter.has_pairs() { scan_limit } else { i64::MAX };
    sqlx::query_as!(
        SmsTemplate,
        r#"select t.id as "id: TemplateId", t.template_id, t.name, t.purpose as "purpose: Purpose",
             t.text, t.unsubscribe, t.instruction, t.remark, t.international,
             t.status as "status: ReviewStatus", t.reason, t.checked_at, t.changed_at,
             u.name as "person?", t.missing_since, t.deleted_at,
             t.delete_requested_by as "delete_requested_by: UserId"
           from (
             select t.*
             from unnest($2::review_status[]) wanted (status)
             cross join lateral (
               select * from sms_templates t
               where t.project_id = $1 and t.gone = $3 and t.status = wanted.status
                 and (t.changed_at, t.id) < ($4, $5)
                 and ($6::bool is null or t.international = $6)
                 and t.purpose = any($9::purpose[])
               order by t.changed_at desc, t.id desc limit $10
             ) t
             order by t.changed_at desc, t.id desc limit $10
           ) t
           left join users u on u.id = t.applied_by
           where $7 = '' or strpos(t.search, $7) > 0
           order by t.changed_at desc, t.id desc limit $8"#,
        project.0,
        &filter.statuses as &[ReviewStatus],
        filter.gone,
        changed_at,
        id,
        filter.international,
        filter.search,
        filter.limit,
        purposes as &[Purpose],
        scan_limit,
    )
    .fetch_all(db)
    .await
}

/// Returns the rows that match a search, using the index of letter pairs.
async fn search_by_pairs(
    db: &PgPool,
    project: ProjectId,
    filter: &Filter,
    purposes: &[Purpose],
) -> sqlx::Result<Vec<SmsTemplate>> {
    let (changed_at, id) = filter.below();
    sqlx::query_as!(
        SmsTemplate,
        r#"select t.id as "id: TemplateId", t.template_id, t.name, t.purpose as "purpose: Purpose",
             t.text, t.unsubscribe, t.instruction, t.remark, t.international,
             t.status as "status: ReviewStatus", t.reason, t.checked_at, t.changed_at,
             u.name as "person?", t.missing_since, t.deleted_at,
             t.delete_requested_by as "delete_requested_by: UserId"
           from sms_templates t left join users u on u.id = t.applied_by
           where t.project_id = $1 and t.status = any($2::review_status[]) and t.gone = $3
             and (t.changed_at, t.id) < ($4, $5)
             and ($6::bool is null or t.international = $6)
             and t.purpose = any($9::purpose[])
             and t.pairs @> search_pairs($7) and strpos(t.search, $7) > 0
           order by t.changed_at desc, t.id desc limit $8"#,
        project.0,
        &filter.statuses as &[ReviewStatus],
        filter.gone,
        changed_at,
        id,
        filter.international,
        filter.search,
        filter.limit,
        purposes as &[Purpose],
    )
    .fetch_all(db)
    .await
}

/// Returns a template of the project by the vendor's id, deleted or not.
pub async fn by_template_id(
    db: &PgPool,
    project: ProjectId,
    template_id: &str,
) -> sqlx::Result<Option<SmsTemplate>> {
    sqlx::query_as!(
        SmsTemplate,
        r#"select t.id as "id: TemplateId", t.template_id, t.name, t.purpose as "purpose: Purpose",
             t.text, t.unsubscribe, t.instruction, t.remark, t.international,
             t.status as "status: ReviewStatus", t.reason, t.checked_at, t.changed_at,
             u.name as "person?", t.missing_since, t.deleted_at,
             t.delete_requested_by as "delete_requested_by: UserId"
           from sms_templates t left join users u on u.id = t.applied_by
           where t.project_id = $1 and t.template_id = $2"#,
        project.0,
        template_id,
    )
    .fetch_optional(db)
    .await
}

/// Returns a template of the project by our id, deleted or not.
pub async fn by_id(
    db: &PgPool,
    project: ProjectId,
    id: TemplateId,
) -> sqlx::Result<Option<SmsTemplate>> {
    sqlx::query_as!(
        SmsTemplate,
        r#"select t.id as "id: TemplateId", t.template_id, t.name, t.purpose as "purpose: Purpose",
             t.text, t.unsubscribe, t.instruction, t.remark, t.international,
             t.status as "status: ReviewStatus", t.reason, t.checked_at, t.changed_at,
             u.name as "person?", t.missing_since, t.deleted_at,
             t.delete_requested_by as "delete_requested_by: UserId"
           from sms_templates t left join users u on u.id = t.applied_by
           where t.project_id = $1 and t.id = $2"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Locks a template by the vendor's id until the transaction ends.
pub async fn lock(
    db: &mut PgConnection,
    project: ProjectId,
    template_id: &str,
) -> sqlx::Result<Option<SmsTemplate>> {
    sqlx::query_as!(
        SmsTemplate,
        r#"select t.id as "id: TemplateId", t.template_id, t.name, t.purpose as "purpose: Purpose",
             t.text, t.unsubscribe, t.instruction, t.remark, t.international,
             t.status as "status: ReviewStatus", t.reason, t.checked_at, t.changed_at,
             u.name as "person?", t.missing_since, t.deleted_at,
             t.delete_requested_by as "delete_requested_by: UserId"
           from sms_templates t left join users u on u.id = t.applied_by
           where t.project_id = $1 and t.template_id = $2 for update of t"#,
        project.0,
        template_id,
    )
    .fetch_optional(db)
    .await
}

/// Returns at most `limit` templates that can be used for sending, by name.
pub async fn approved(
    db: &PgPool,
    project: ProjectId,
    limit: i64,
) -> sqlx::Result<Vec<SmsTemplate>> {
    sqlx::query_as!(
        SmsTemplate,
        r#"select t.id as "id: TemplateId", t.template_id, t.name, t.purpose as "purpose: Purpose",
             t.text, t.unsubscribe, t.instruction, t.remark, t.international,
             t.status as "status: ReviewStatus", t.reason, t.checked_at, t.changed_at,
             u.name as "person?", t.missing_since, t.deleted_at,
             t.delete_requested_by as "delete_requested_by: UserId"
           from sms_templates t left join users u on u.id = t.applied_by
           where t.project_id = $1 and not t.gone and t.status = 'approved'
             and t.missing_since is null
           order by t.name, t.id limit $2"#,
        project.0,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Returns a template of the project if it is approved. Its destination cannot change until the
/// transaction ends.
pub async fn find_approved(
    db: &mut PgConnection,
    project: ProjectId,
    id: TemplateId,
) -> sqlx::Result<Option<SmsTemplate>> {
    sqlx::query_as!(
        SmsTemplate,
        r#"select t.id as "id: TemplateId", t.template_id, t.name, t.purpose as "purpose: Purpose",
             t.text, t.unsubscribe, t.instruction, t.remark, t.international,
             t.status as "status: ReviewStatus", t.reason, t.checked_at, t.changed_at,
             u.name as "person?", t.missing_since, t.deleted_at,
             t.delete_requested_by as "delete_requested_by: UserId"
           from sms_templates t left join users u on u.id = t.applied_by
           where t.project_id = $1 and t.id = $2 and not t.gone and t.status = 'approved'
             and t.missing_since is null
           for key share of t"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}
