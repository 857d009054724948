//! Submitting applications to the vendor's review. An application is stored before the call,
//! nothing is locked while the call runs, and its result is stored after it. A form is submitted
//! once, however often it is sent.

use serde_json::json;
use sqlx::PgConnection;
use time::Duration;
use tracing::{error, info};
use uuid::Uuid;

use super::files::{self, FileError};
use crate::app::App;
use crate::db::audit;
use crate::db::recovery::installation;
use crate::db::review::applications::{self, ApplicationState, End, NewApplication};
use crate::db::review::reviewed::Row;
use crate::db::review::signatures::{self, Signature};
use crate::db::review::sms_templates::{self, SmsTemplate};
use crate::domain::ids::{ApplicationId, FileId, ProjectId, UserId};
use crate::domain::review::signature::SignatureApplication;
use crate::domain::review::sms_template::TemplateApplication;
use crate::domain::review::{ReviewStatus, Subject};
use crate::domain::sending::call_problem::CallProblem;
use crate::ops::credentials::{self, CredentialsError};
use crate::ops::sending::submit::{LEASE_MARGIN, why_not_sent, why_unknown};
use crate::usms::{self, CallError, Credentials};

mod accepted;
pub mod in_doubt;

use accepted::Accepted;

/// How soon an application in doubt is first checked.
const FIRST_CHECK: Duration = Duration::seconds(10);
/// How often the second request of a double click polls for the outcome of the first.
const POLL_INTERVAL: std::time::Duration = std::time::Duration::from_millis(100);
/// How soon recording an outcome is retried after a database error.
const RECORD_RETRY: std::time::Duration = std::time::Duration::from_millis(500);

/// The form of an application.
#[derive(Debug, Clone)]
pub enum Form {
    /// A new signature.
    Signature(SignatureApplication),
    /// A rejected signature with fixes, to be resubmitted.
    ResubmittedSignature(Box<Signature>, SignatureApplication),
    /// A new template.
    Template(TemplateApplication),
    /// A changed template, to be resubmitted.
    ResubmittedTemplate(Box<SmsTemplate>, TemplateApplication),
}

impl Form {
    fn subject(&self) -> Subject {
        match self {
            Self::Signature(_) | Self::ResubmittedSignature(..) => Subject::Signature,
            Self::Template(_) | Self::ResubmittedTemplate(..) => Subject::Template,
        }
    }

    fn resubmits(&self) -> Option<Row> {
        match self {
            Self::Signature(_) | Self::Template(_) => None,
            Self::ResubmittedSignature(signature, _) => Some(Row::Signature(signature.id)),
            Self::ResubmittedTemplate(template, _) => Some(Row::Template(template.id)),
        }
    }

    fn content(&self) -> Result<serde_json::Value, serde_json::Error> {
        match self {
            Self::Signature(form) | Self::ResubmittedSignature(_, form) => {
                serde_json::to_value(form)
            }
            Self::Template(form) | Self::ResubmittedTemplate(_, form) => serde_json::to_value(form),
        }
    }
}

/// An application as a person submits it.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The project.
    pub project: ProjectId,
    /// The person who submits it.
    pub by: UserId,
    /// The IP address of the request.
    pub ip: String,
    /// The form's one-time token.
    pub form_token: Uuid,
    /// The form.
    pub form: Form,
    /// The certificate.
    pub certificate: Option<FileId>,
    /// The letter of authority.
    pub proxy: Option<FileId>,
}

/// The result of submitting an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// The vendor accepted it; contains the vendor's id.
    Taken(String),
    /// The vendor refused it.
    Refused {
        /// The vendor's RetCode.
        ret_code: i64,
        /// The vendor's message.
        words: String,
    },
    /// It surely did not arrive; contains the vendor's message, or a stored [`CallProblem`].
    NotTaken(String),
    /// It may or may not have arrived.
    InDoubt(ApplicationId),
    /// This form was submitted before.
    Already(ApplicationId),
}

/// Why an application was not submitted. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The review status does not allow a change, or somebody else has changed it meanwhile.
    #[error("cannot be changed in its current review status")]
    NotNow,
    /// The database went back in time or is a copy: nothing is applied for until that is resolved.
    #[error("this is not the production database, or it is being recovered")]
    Halted,
    /// Another application for the same signature or template is in doubt.
    #[error("another application for this is in doubt")]
    Doubtful(ApplicationId),
    /// The form's token was used in another project or by another account.
    #[error("form already submitted")]
    FormUsed,
    /// An application file cannot be used.
    #[error(transparent)]
    AttachedFile(#[from] FileError),
    /// The project's keys cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The task of the call panicked, or the form cannot be serialized.
    #[error("broken: {0}")]
    Broken(String),
}

/// Returns whether a change of a signature is offered. The manual (guide/5003/303) names waiting, in
/// review and rejected; the API reference (UpdateUSMSSignature) rejected only. The vendor decides.
pub fn signature_can_change(signature: &Signature) -> bool {
    may_change(signature.status) && signature.deleted_at.is_none()
}

fn may_change(status: ReviewStatus) -> bool {
    match status {
        ReviewStatus::Waiting | ReviewStatus::InReview | ReviewStatus::Rejected => true,
        ReviewStatus::Approved | ReviewStatus::Disabled => false,
    }
}

/// What can be changed in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateChange {
    /// Everything but its purpose; a changed text is reviewed again.
    All,
    /// Its name only, without a review: it is approved, and would lose that with another text.
    Name,
    /// Nothing.
    Nothing,
}

/// Returns which change of a template is offered now (USMS manual, guide/5003/305; USMS API reference,
/// UpdateUSMSTemplate). The vendor decides.
pub fn template_change(template: &SmsTemplate) -> TemplateChange {
    if template.deleted_at.is_some() {
        return TemplateChange::Nothing;
    }
    match template.status {
        ReviewStatus::Waiting | ReviewStatus::InReview | ReviewStatus::Rejected => {
            TemplateChange::All
        }
        ReviewStatus::Approved => TemplateChange::Name,
        ReviewStatus::Disabled => TemplateChange::Nothing,
    }
}

/// Submits an application, once per form. Continues when the client disconnects.
///
/// # Errors
///
/// [`ApplyError`] if the application was not stored; what the vendor says is in the result.
pub async fn submit(app: &App, submission: Submission) -> Result<SubmitOutcome, ApplyError> {
    let task_app = app.clone();
    let project = submission.project;
    let task = app.spawn_call(async move { store_call_record(&task_app, &submission).await });
    let outcome = task.await.map_err(|error| ApplyError::Broken(error.to_string()))??;
    if let SubmitOutcome::Already(id) = &outcome {
        wait_for(app, project, *id).await?;
    }
    Ok(outcome)
}

/// Makes the second request of a double click wait for the outcome of the first.
async fn wait_for(app: &App, project: ProjectId, id: ApplicationId) -> sqlx::Result<()> {
    let until = app.clock.now() + app.pace.call_timeout;
    while app.clock.now() < until {
        let found = applications::find(&app.db, project, id).await?;
        if found.is_none_or(|application| application.state != ApplicationState::Sending) {
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

async fn store_call_record(
    app: &App,
    submission: &Submission,
) -> Result<SubmitOutcome, ApplyError> {
    let earlier = applications::by_form_token(
        &app.db,
        submission.project,
        submission.by,
        submission.form_token,
    );
    if let Some(id) = earlier.await? {
        return Ok(SubmitOutcome::Already(id));
    }
    if !installation::is_whole(&app.db).await? {
        return Err(ApplyError::Halted);
    }
    let keys = credentials::of(app, submission.project).await?;
    let resubmits = submission.form.resubmits().is_some();
    let certificate =
        files::for_vendor(app, submission.project, submission.certificate, resubmits).await?;
    let proxy = files::for_vendor(app, submission.project, submission.proxy, resubmits).await?;
    let Some(id) = begin(app, submission).await? else {
        let id = applications::by_form_token(
            &app.db,
            submission.project,
            submission.by,
            submission.form_token,
        );
        return id.await?.map(SubmitOutcome::Already).ok_or(ApplyError::FormUsed);
    };
    let result = call(app, &keys, &submission.form, certificate, proxy).await;
    let conclusion = conclude(id, result);
    record(app, submission, id, &conclusion).await;
    Ok(conclusion.0)
}

/// Stores the application, unless another one is in the way. `None` if its form was used before.
async fn begin(app: &App, submission: &Submission) -> Result<Option<ApplicationId>, ApplyError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    check_can_change(&mut tx, submission).await?;
    let content = submission.form.content().map_err(|e| ApplyError::Broken(e.to_string()))?;
    let new = NewApplication {
        project: submission.project,
        subject: submission.form.subject(),
        resubmits: submission.form.resubmits(),
        content,
        certificate: submission.certificate,
        proxy: submission.proxy,
        applied_by: submission.by,
        form_token: submission.form_token,
    };
    let lease = now + app.pace.call_timeout + LEASE_MARGIN;
    let id = applications::begin(&mut tx, &new, lease, now).await?;
    if let Some(id) = id {
        check_no_other(&mut tx, submission, id).await?;
    }
    if let Some(id) = id {
        let entry = audit::Entry {
            project: Some(submission.project),
            user: Some(submission.by),
            action: match submission.form.subject() {
                Subject::Signature => "signature_handed_in",
                Subject::Template => "template_handed_in",
            },
            subject: &id.to_string(),
            detail: json!({ "change": new.resubmits.is_some() }),
            ip: &submission.ip,
        };
        audit::record(&mut tx, &entry, now).await?;
    }
    tx.commit().await?;
    Ok(id)
}

/// Fails if another application for the same signature or template has no outcome yet.
async fn check_no_other(
    db: &mut PgConnection,
    submission: &Submission,
    own: ApplicationId,
) -> Result<(), ApplyError> {
    let open = applications::open(db, submission.project, submission.form.subject()).await?;
    for open in open.into_iter().filter(|open| open.id != own) {
        let same_row = open.row().is_some() && open.row() == submission.form.resubmits();
        let same_name = match &submission.form {
            Form::Signature(form) => open.content["content"] == form.content,
            Form::Template(form) => open.content["text"] == form.text,
            Form::ResubmittedSignature(..) | Form::ResubmittedTemplate(..) => false,
        };
        if same_row || same_name && !open.is_resubmission {
            return Err(ApplyError::Doubtful(open.id));
        }
    }
    Ok(())
}

/// Locks the signature or template that is resubmitted, and fails if it cannot be changed any more.
async fn check_can_change(
    db: &mut PgConnection,
    submission: &Submission,
) -> Result<(), ApplyError> {
    let allowed = match &submission.form {
        Form::Signature(_) | Form::Template(_) => true,
        Form::ResubmittedSignature(seen, _) => {
            let current = signatures::lock(db, submission.project, &seen.sig_id).await?;
            current.is_some_and(|signature| {
                signature_can_change(&signature) && signature.content == seen.content
            })
        }
        Form::ResubmittedTemplate(seen, form) => {
            let current = sms_templates::lock(db, submission.project, &seen.template_id).await?;
            current.is_some_and(|template| match template_change(&template) {
                TemplateChange::All => template.text == seen.text,
                TemplateChange::Name => template.text == form.text,
                TemplateChange::Nothing => false,
            })
        }
    };
    if allowed { Ok(()) } else { Err(ApplyError::NotNow) }
}

/// Calls the vendor; returns the vendor's id of the signature or template.
async fn call(
    app: &App,
    keys: &Credentials,
    form: &Form,
    file: Option<String>,
    proxy_file: Option<String>,
) -> Result<String, CallError> {
    match form {
        Form::Signature(form) => {
            let create = usms::CreateSignature {
                content: form.content.clone(),
                sig_type: form.kind.number(),
                purpose: u8::from(form.on_behalf),
                certificate_type: form.kind.number(),
                description: form.description.clone(),
                file,
                international: form.international,
                proxy_file,
                qualification_id: form.qualification_id.clone(),
                scene: form.scene.clone(),
            };
            app.usms.create_signature(keys, &create).await
        }
        Form::ResubmittedSignature(signature, form) => {
            let update = usms::UpdateSignature {
                sig_id: signature.sig_id.clone(),
                content: form.content.clone(),
                sig_type: form.kind.number(),
                purpose: u8::from(form.on_behalf),
                certificate_type: form.kind.number(),
                file,
                proxy_file,
                scene: form.scene.clone(),
            };
            app.usms.update_signature(keys, &update).await.map(|()| signature.sig_id.clone())
        }
        Form::Template(form) => {
            let create = usms::CreateTemplate {
                purpose: form.purpose.number(),
                name: form.name.clone(),
                text: form.text.clone(),
                international: form.international,
                remark: form.remark.clone(),
                unsubscribe: form.unsubscribe.clone(),
                instruction: form.instruction.clone(),
            };
            app.usms.create_template(keys, &create).await
        }
        Form::ResubmittedTemplate(template, form) => {
            let update = usms::UpdateTemplate {
                template_id: template.template_id.clone(),
                text: form.text.clone(),
                name: form.name.clone(),
                remark: form.remark.clone(),
                instruction: form.instruction.clone(),
            };
            app.usms.update_template(keys, &update).await.map(|()| template.template_id.clone())
        }
    }
}

/// Returns what the result of the call proves, with the vendor's RetCode and message, or a stored
/// [`CallProblem`].
fn conclude(
    id: ApplicationId,
    result: Result<String, CallError>,
) -> (SubmitOutcome, Option<i32>, String) {
    match result {
        Ok(vendor_id) => (SubmitOutcome::Taken(vendor_id), None, String::new()),
        Err(CallError::Refused { ret_code, message, .. }) => {
            let refused = SubmitOutcome::Refused { ret_code: ret_code.0, words: message.clone() };
            (refused, i32::try_from(ret_code.0).ok(), message)
        }
        Err(CallError::NotSent { because, ret_code, .. }) => {
            let why = why_not_sent(because);
            let code = ret_code.and_then(|code| i32::try_from(code.0).ok());
            (SubmitOutcome::NotTaken(why.clone()), code, why)
        }
        Err(CallError::Unknown { because, ret_code, .. }) => {
            let code = ret_code.and_then(|code| i32::try_from(code.0).ok());
            (SubmitOutcome::InDoubt(id), code, why_unknown(because))
        }
    }
}

/// Records the outcome of the call, retrying until the lease of the application expires; it is then
/// in doubt, as it must be.
async fn record(
    app: &App,
    submission: &Submission,
    id: ApplicationId,
    conclusion: &(SubmitOutcome, Option<i32>, String),
) {
    let until = app.clock.now() + app.pace.call_timeout + LEASE_MARGIN;
    while let Err(error) = try_record(app, submission, id, conclusion).await {
        error!(application = %id, %error, "cannot record the response yet");
        if app.clock.now() >= until {
            return;
        }
        tokio::time::sleep(RECORD_RETRY).await;
    }
}

async fn try_record(
    app: &App,
    submission: &Submission,
    id: ApplicationId,
    (outcome, ret_code, vendor_message): &(SubmitOutcome, Option<i32>, String),
) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let (state, row, next_check_at) = match outcome {
        SubmitOutcome::Taken(vendor_id) => {
            let accepted = Accepted {
                project: submission.project,
                application: id,
                by: submission.by,
                vendor_id,
                form: &submission.form,
            };
            (ApplicationState::Taken, Some(accepted.record(app, &mut tx).await?), None)
        }
        SubmitOutcome::Refused { .. } => (ApplicationState::Refused, None, None),
        SubmitOutcome::NotTaken(_) => (ApplicationState::NotTaken, None, None),
        SubmitOutcome::InDoubt(_) | SubmitOutcome::Already(_) => {
            (ApplicationState::InDoubt, None, Some(now + FIRST_CHECK))
        }
    };
    let end = End { state, row, ret_code: *ret_code, vendor_message, next_check_at };
    // A person may have resolved it meanwhile; then this outcome is too late and changes nothing.
    if applications::end(&mut tx, id, &end).await? {
        tx.commit().await?;
        info!(application = %id, state = state.key(), "application submitted");
    }
    Ok(())
}

/// Puts in doubt the applications that a process was submitting when it died. Returns how many.
pub async fn expire_leases(app: &App) -> sqlx::Result<u64> {
    applications::doubt_expired(&app.db, &CallProblem::Lease.stored(), app.clock.now()).await
}
