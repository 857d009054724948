//! Applications: what was submitted to the vendor's review, and the result of each call.

use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::reviewed::{Row, in_columns};
use crate::domain::ids::{ApplicationId, FileId, ProjectId, SignatureId, TemplateId, UserId};
use crate::domain::review::{Purpose, Subject};

/// The result of the call that submitted an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "application_state", rename_all = "snake_case")]
pub enum ApplicationState {
    /// The call may be running.
    Sending,
    /// The vendor accepted it.
    Taken,
    /// The vendor refused it.
    Refused,
    /// It surely did not reach the vendor.
    NotTaken,
    /// It may or may not have reached the vendor.
    InDoubt,
}

impl ApplicationState {
    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Taken => "taken",
            Self::Refused => "refused",
            Self::NotTaken => "not_taken",
            Self::InDoubt => "in_doubt",
        }
    }
}

/// An application.
#[derive(Debug, Clone)]
pub struct Application {
    /// Our id.
    pub id: ApplicationId,
    /// Its project.
    pub project_id: ProjectId,
    /// What it is for.
    pub subject: Subject,
    /// The signature, once it is known.
    pub signature_id: Option<SignatureId>,
    /// The template, once it is known.
    pub template_id: Option<TemplateId>,
    /// Whether it changes something that exists.
    pub is_resubmission: bool,
    /// The result of the call.
    pub state: ApplicationState,
    /// The submitted form.
    pub content: Value,
    /// The certificate.
    pub certificate_id: Option<FileId>,
    /// The letter of authority.
    pub proxy_id: Option<FileId>,
    /// The account that submitted it.
    pub applied_by: UserId,
    /// The name of that account.
    pub person: String,
    /// The vendor's RetCode, if there was a response.
    pub ret_code: Option<i32>,
    /// The vendor message, or the stored name of the call problem if there was no response.
    pub vendor_message: String,
    /// How often the vendor was checked because of a doubt.
    pub checks: i32,
}

impl Application {
    /// Returns the signature or template, once it is known.
    pub fn row(&self) -> Option<Row> {
        self.signature_id.map(Row::Signature).or_else(|| self.template_id.map(Row::Template))
    }
}

/// An application to submit.
#[derive(Debug)]
pub struct NewApplication {
    /// Its project.
    pub project: ProjectId,
    /// What it is for.
    pub subject: Subject,
    /// What it changes; `None` for a first application.
    pub resubmits: Option<Row>,
    /// The form.
    pub content: Value,
    /// The certificate.
    pub certificate: Option<FileId>,
    /// The letter of authority.
    pub proxy: Option<FileId>,
    /// The account that submits it.
    pub applied_by: UserId,
    /// The one-time token of the form.
    pub form_token: Uuid,
}

/// Inserts an application whose call is about to begin. Returns `None` if its form was submitted
/// before.
pub async fn begin(
    db: &mut PgConnection,
    new: &NewApplication,
    lease_until: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<Option<ApplicationId>> {
    let (signature, template) = new.resubmits.map_or((None, None), in_columns);
    sqlx::query_scalar!(
        r#"insert into applications (id, project_id, subject, signature_id, template_id, is_resubmission,
             state, content, certificate_id, proxy_id, applied_by, form_token, lease_until)
           values (new_id($12), $1, $2, $3, $4, $5, 'sending', $6, $7, $8, $9, $10, $11)
           on conflict (form_token) do nothing returning id as "id: ApplicationId""#,
        new.project.0,
        new.subject as Subject,
        signature,
        template,
        new.resubmits.is_some(),
        new.content,
        new.certificate as Option<FileId>,
        new.proxy as Option<FileId>,
        new.applied_by as UserId,
        new.form_token,
        lease_until,
        now,
    )
    .fetch_optional(db)
    .await
}

/// Returns the application that this form created before.
pub async fn by_form_token(
    db: &PgPool,
    project: ProjectId,
    person: UserId,
    form_token: Uuid,
) -> sqlx::Result<Option<ApplicationId>> {
    sqlx::query_scalar!(
        r#"select id as "id: ApplicationId" from applications
           where form_token = $3 and project_id = $1 and applied_by = $2"#,
        project.0,
        person as UserId,
        form_token,
    )
    .fetch_optional(db)
    .await
}

/// The result of a call.
#[derive(Debug)]
pub struct End<'a> {
    /// The state after it.
    pub state: ApplicationState,
    /// The signature or template, if it is known now.
    pub row: Option<Row>,
    /// The vendor's RetCode.
    pub ret_code: Option<i32>,
    /// The vendor message, or the stored name of the call problem.
    pub vendor_message: &'a str,
    /// If it is in doubt, when the vendor is checked.
    pub next_check_at: Option<OffsetDateTime>,
}

/// Records the result of a call, unless there was one before. Returns whether it was recorded.
pub async fn end(db: &mut PgConnection, id: ApplicationId, end: &End<'_>) -> sqlx::Result<bool> {
    let (signature, template) = end.row.map_or((None, None), in_columns);
    let updated = sqlx::query!(
        r#"update applications
           set state = $2, signature_id = coalesce($3, signature_id),
             template_id = coalesce($4, template_id), ret_code = $5, vendor_message = $6,
             next_check_at = $7, lease_until = null
           where id = $1 and state in ('sending', 'in_doubt')"#,
        id.0,
        end.state as ApplicationState,
        signature,
        template,
        end.ret_code,
        end.vendor_message,
        end.next_check_at,
    )
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Returns an application of the project.
pub async fn find(
    db: &PgPool,
    project: ProjectId,
    id: ApplicationId,
) -> sqlx::Result<Option<Application>> {
    sqlx::query_as!(
        Application,
        r#"select a.id as "id: ApplicationId", a.project_id as "project_id: ProjectId",
             a.subject as "subject: Subject", a.signature_id as "signature_id: SignatureId",
             a.template_id as "template_id: TemplateId", a.is_resubmission,
             a.state as "state: ApplicationState", a.content,
             a.certificate_id as "certificate_id: FileId", a.proxy_id as "proxy_id: FileId",
             a.applied_by as "applied_by: UserId", u.name as person, a.ret_code, a.vendor_message, a.checks
           from applications a join users u on u.id = a.applied_by
           where a.project_id = $1 and a.id = $2"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Returns the applications for one signature or template that were not refused at once, newest
/// first.
pub async fn of(db: &PgPool, row: Row) -> sqlx::Result<Vec<Application>> {
    let (signature, template) = in_columns(row);
    sqlx::query_as!(
        Application,
        r#"select a.id as "id: ApplicationId", a.project_id as "project_id: ProjectId",
             a.subject as "subject: Subject", a.signature_id as "signature_id: SignatureId",
             a.template_id as "template_id: TemplateId", a.is_resubmission,
             a.state as "state: ApplicationState", a.content,
             a.certificate_id as "certificate_id: FileId", a.proxy_id as "proxy_id: FileId",
             a.applied_by as "applied_by: UserId", u.name as person, a.ret_code, a.vendor_message, a.checks
           from applications a join users u on u.id = a.applied_by
           where (a.signature_id = $1 or a.template_id = $2) and a.state in ('taken', 'in_doubt')
           order by a.id desc limit 50"#,
        signature,
        template,
    )
    .fetch_all(db)
    .await
}

/// Returns the applications of a kind that are waiting for a result, oldest first.
pub async fn open(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    subject: Subject,
) -> sqlx::Result<Vec<Application>> {
    sqlx::query_as!(
        Application,
        r#"select a.id as "id: ApplicationId", a.project_id as "project_id: ProjectId",
             a.subject as "subject: Subject", a.signature_id as "signature_id: SignatureId",
             a.template_id as "template_id: TemplateId", a.is_resubmission,
             a.state as "state: ApplicationState", a.content,
             a.certificate_id as "certificate_id: FileId", a.proxy_id as "proxy_id: FileId",
             a.applied_by as "applied_by: UserId", u.name as person, a.ret_code, a.vendor_message, a.checks
           from applications a join users u on u.id = a.applied_by
           where a.project_id = $1 and a.subject = $2 and a.state in ('sending', 'in_doubt')
           order by a.id limit 20"#,
        project.0,
        subject as Subject,
    )
    .fetch_all(db)
    .await
}

/// Puts in doubt applications whose process died during the call. Returns how many.
pub async fn doubt_expired(
    db: &PgPool,
    vendor_message: &str,
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    let updated = sqlx::query!(
        r#"update applications
           set state = 'in_doubt', lease_until = null, vendor_message = $2, next_check_at = $1
           where state = 'sending' and lease_until < $1"#,
        now,
        vendor_message,
    )
    .execute(db)
    .await?;
    Ok(updated.rows_affected())
}

/// Claims a doubt that is due for a check; no other process claims it before `until`.
pub async fn take_doubt(
    db: &PgPool,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> sqlx::Result<Option<(ProjectId, ApplicationId)>> {
    let row = sqlx::query!(
        r#"update applications set next_check_at = $2, checks = checks + 1
           where id = (select id from applications
             where state = 'in_doubt' and next_check_at <= $1
             order by next_check_at limit 1 for update skip locked)
           returning project_id as "project_id: ProjectId", id as "id: ApplicationId""#,
        now,
        until,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.project_id, row.id)))
}

/// A first application in doubt, with what it said that the vendor's answers do not.
#[derive(Debug)]
pub struct Doubtful {
    /// The application.
    pub id: ApplicationId,
    /// Who submitted it.
    pub applied_by: UserId,
    /// Whether it is for international phones.
    pub international: bool,
    /// The purpose, of a template.
    pub purpose: Option<Purpose>,
}

/// Returns the oldest first application in doubt for a signature with this content, or for a template
/// with this text.
pub async fn doubtful(
    db: &mut PgConnection,
    project: ProjectId,
    subject: Subject,
    text: &str,
) -> sqlx::Result<Option<Doubtful>> {
    let row = sqlx::query!(
        r#"select id as "id: ApplicationId", applied_by as "applied_by: UserId", content
           from applications
           where project_id = $1 and subject = $2 and not is_resubmission and state = 'in_doubt'
             and content ->> case when subject = 'signature' then 'content' else 'text' end = $3
           order by id limit 1"#,
        project.0,
        subject as Subject,
        text,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Doubtful {
        id: row.id,
        applied_by: row.applied_by,
        international: row.content["international"].as_bool().unwrap_or_default(),
        purpose: row.content["purpose"].as_str().and_then(Purpose::read),
    }))
}
