//! Handing in: an application is stored before the vendor is called, nothing is locked while the
//! call runs, and what the answer proves is stored after it. The same form hands in once.

use serde_json::json;
use sqlx::PgConnection;
use time::Duration;
use tracing::{error, info};
use uuid::Uuid;

use super::credentials::{self, CredentialsError};
use super::files::{self, FileError};
use super::submit::{LEASE_MARGIN, why_not_sent, why_unknown};
use crate::app::App;
use crate::db::applications::{self, ApplicationState, End, NewApplication};
use crate::db::audit;
use crate::db::reviewed::Row;
use crate::db::signatures::{self, Signature};
use crate::db::sms_templates::{self, SmsTemplate};
use crate::domain::call_problem::CallProblem;
use crate::domain::ids::{ApplicationId, FileId, ProjectId, UserId};
use crate::domain::review::{ReviewStatus, Subject};
use crate::domain::signature::SignatureApplication;
use crate::domain::sms_template::TemplateApplication;
use crate::usms::{self, CallError, Credentials};

mod accepted;
pub mod in_doubt;

use accepted::Taken;

/// A first look at something in doubt comes this soon.
const FIRST_LOOK: Duration = Duration::seconds(10);
/// How often the other press of a double click looks.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(100);
/// How long recording an answer is tried again after the database failed.
const RECORD_AGAIN: std::time::Duration = std::time::Duration::from_millis(500);

/// What is handed in.
#[derive(Debug, Clone)]
pub enum Form {
    /// For a new signature.
    Signature(SignatureApplication),
    /// A rejected signature, mended.
    ResubmittedSignature(Box<Signature>, SignatureApplication),
    /// For a new template.
    Template(TemplateApplication),
    /// A template, changed.
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
            Self::ResubmittedSignature(known, _) => Some(Row::Signature(known.id)),
            Self::ResubmittedTemplate(known, _) => Some(Row::Template(known.id)),
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

/// What a person hands in.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The project.
    pub project: ProjectId,
    /// Who.
    pub by: UserId,
    /// From where.
    pub address: String,
    /// The form's one-time token.
    pub form_token: Uuid,
    /// What.
    pub form: Form,
    /// The certificate.
    pub certificate: Option<FileId>,
    /// The letter of authority.
    pub proxy: Option<FileId>,
}

/// What handing in came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// The vendor took it; this is its id there.
    Taken(String),
    /// The vendor said no, in its words.
    Refused {
        /// Its code.
        ret_code: i64,
        /// Its words.
        words: String,
    },
    /// It surely did not arrive: the vendor's words, or the key of ours.
    NotTaken(String),
    /// It may or may not have arrived.
    InDoubt(ApplicationId),
    /// This very form was handed in before.
    Already(ApplicationId),
}

/// Why nothing was handed in. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Its review status does not allow a change, or somebody changed it in the meantime.
    #[error("cannot be changed in its current review status")]
    NotNow,
    /// Another application for the same is still in doubt.
    #[error("another application for this is in doubt")]
    Doubtful(ApplicationId),
    /// The form's token was used in another project or by another person.
    #[error("form already submitted")]
    FormUsed,
    /// A file.
    #[error(transparent)]
    AttachedFile(#[from] FileError),
    /// The project's keys.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The call's task broke, or the form cannot be stored.
    #[error("broken: {0}")]
    Broken(String),
}

/// Whether a signature can be changed: only a rejected one (USMS API reference,
/// UpdateUSMSSignature).
pub fn signature_can_change(known: &Signature) -> bool {
    known.status == ReviewStatus::Rejected && known.deleted_at.is_none()
}

/// What of a template can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateChange {
    /// Everything but its purpose; a changed text goes to review again.
    All,
    /// Its name, without a review: it is approved, and a changed text would not be.
    Name,
    /// Nothing.
    Nothing,
}

/// What of a template can be changed now (USMS API reference, UpdateUSMSTemplate).
pub fn template_change(known: &SmsTemplate) -> TemplateChange {
    if known.deleted_at.is_some() {
        return TemplateChange::Nothing;
    }
    match known.status {
        ReviewStatus::Rejected => TemplateChange::All,
        ReviewStatus::Approved => TemplateChange::Name,
        ReviewStatus::Waiting | ReviewStatus::InReview | ReviewStatus::Disabled => {
            TemplateChange::Nothing
        }
    }
}

/// Hands in, once per form. Goes on when whoever waits for it leaves.
pub async fn submit(app: &App, submission: Submission) -> Result<SubmitOutcome, ApplyError> {
    let app_there = app.clone();
    let project = submission.project;
    let task = app.calls.spawn(async move { store_call_record(&app_there, &submission).await });
    let handed = task.await.map_err(|error| ApplyError::Broken(error.to_string()))??;
    if let SubmitOutcome::Already(id) = &handed {
        wait_for(app, project, *id).await?;
    }
    Ok(handed)
}

/// The other press of a double click waits for the answer to the first.
async fn wait_for(app: &App, project: ProjectId, id: ApplicationId) -> sqlx::Result<()> {
    let until = app.clock.now() + app.pace.call_timeout;
    while app.clock.now() < until {
        let found = applications::find(&app.db, project, id).await?;
        if found.is_none_or(|one| one.state != ApplicationState::Sending) {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
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
    let answered = call(app, &keys, &submission.form, certificate, proxy).await;
    let handed = concluded(id, answered);
    record(app, submission, id, &handed).await;
    Ok(handed.0)
}

/// Stores the application, if nothing stands against it now.
async fn begin(app: &App, submission: &Submission) -> Result<Option<ApplicationId>, ApplyError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    check_now(&mut tx, submission).await?;
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
        check_open(&mut tx, submission, id).await?;
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
            address: &submission.address,
        };
        audit::record(&mut tx, &entry, now).await?;
    }
    tx.commit().await?;
    Ok(id)
}

/// Another application for the same that nobody has heard of yet stands against this one.
async fn check_open(
    db: &mut PgConnection,
    submission: &Submission,
    own: ApplicationId,
) -> Result<(), ApplyError> {
    let open = applications::open(db, submission.project, submission.form.subject()).await?;
    for open in open.into_iter().filter(|one| one.id != own) {
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

/// Holds what is to be changed, and sees whether it still can be.
async fn check_now(db: &mut PgConnection, submission: &Submission) -> Result<(), ApplyError> {
    let allowed = match &submission.form {
        Form::Signature(_) | Form::Template(_) => true,
        Form::ResubmittedSignature(seen, _) => {
            let known = signatures::lock(db, submission.project, &seen.sig_id).await?;
            known.is_some_and(|known| signature_can_change(&known))
        }
        Form::ResubmittedTemplate(seen, form) => {
            let known = sms_templates::lock(db, submission.project, &seen.template_id).await?;
            known.is_some_and(|known| match template_change(&known) {
                TemplateChange::All => true,
                TemplateChange::Name => known.text == form.text,
                TemplateChange::Nothing => false,
            })
        }
    };
    if allowed { Ok(()) } else { Err(ApplyError::NotNow) }
}

/// Calls the vendor; answers the id of what it took.
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
        Form::ResubmittedSignature(known, form) => {
            let update = usms::UpdateSignature {
                sig_id: known.sig_id.clone(),
                content: form.content.clone(),
                sig_type: form.kind.number(),
                purpose: u8::from(form.on_behalf),
                certificate_type: form.kind.number(),
                file,
                proxy_file,
                scene: form.scene.clone(),
            };
            app.usms.update_signature(keys, &update).await.map(|()| known.sig_id.clone())
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
        Form::ResubmittedTemplate(known, form) => {
            let update = usms::UpdateTemplate {
                template_id: known.template_id.clone(),
                text: form.text.clone(),
                name: form.name.clone(),
                remark: form.remark.clone(),
                unsubscribe: form.unsubscribe.clone(),
                instruction: form.instruction.clone(),
            };
            app.usms.update_template(keys, &update).await.map(|()| known.template_id.clone())
        }
    }
}

/// What an answer proves; with it the vendor's code and words, or ours.
fn concluded(
    id: ApplicationId,
    answered: Result<String, CallError>,
) -> (SubmitOutcome, Option<i32>, String) {
    match answered {
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

/// Records what the call came to, again and again until its lease runs out: then it is in doubt, as
/// it must be.
async fn record(
    app: &App,
    submission: &Submission,
    id: ApplicationId,
    concluded: &(SubmitOutcome, Option<i32>, String),
) {
    let until = app.clock.now() + app.pace.call_timeout + LEASE_MARGIN;
    while let Err(error) = try_record(app, submission, id, concluded).await {
        error!(application = %id, %error, "cannot record the response yet");
        if app.clock.now() >= until {
            return;
        }
        tokio::time::sleep(RECORD_AGAIN).await;
    }
}

async fn try_record(
    app: &App,
    submission: &Submission,
    id: ApplicationId,
    (handed, ret_code, answer): &(SubmitOutcome, Option<i32>, String),
) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let (state, row, next_check_at) = match handed {
        SubmitOutcome::Taken(vendor_id) => {
            let accepted = Taken {
                project: submission.project,
                application: id,
                by: submission.by,
                vendor_id,
                form: &submission.form,
            };
            (ApplicationState::Taken, Some(accepted.keep(app, &mut tx).await?), None)
        }
        SubmitOutcome::Refused { .. } => (ApplicationState::Refused, None, None),
        SubmitOutcome::NotTaken(_) => (ApplicationState::NotTaken, None, None),
        SubmitOutcome::InDoubt(_) | SubmitOutcome::Already(_) => {
            (ApplicationState::InDoubt, None, Some(now + FIRST_LOOK))
        }
    };
    let end = End { state, row, ret_code: *ret_code, vendor_message: answer, next_check_at };
    // Somebody may have settled it in the meantime: then this answer comes too late to move anything.
    if applications::end(&mut tx, id, &end).await? {
        tx.commit().await?;
        info!(application = %id, state = state.key(), "application submitted");
    }
    Ok(())
}

/// Puts in doubt what a process was handing in when it died. Answers how many.
pub async fn expire_leases(app: &App) -> sqlx::Result<u64> {
    applications::doubt_expired(&app.db, &CallProblem::Lease.stored(), app.clock.now()).await
}
