//! Applications in doubt: the response to the call was lost. A signature can be found by its
//! content, and a resubmission by what it changed; a new template can only be found by a person.

use serde_json::json;
use time::Duration;
use tracing::info;

use super::Form;
use super::accepted::Accepted;
use crate::app::App;
use crate::db::audit;
use crate::db::review::applications::{self, Application, ApplicationState, End};
use crate::db::review::reviewed::Row;
use crate::db::review::{signatures, sms_templates};
use crate::domain::ids::{ApplicationId, Id, ProjectId, UserId};
use crate::domain::review::signature::SignatureApplication;
use crate::domain::review::sms_template::TemplateApplication;
use crate::domain::review::{ReviewStatus, Subject};
use crate::ops::credentials;
use crate::ops::review::{self, LookupError};
use crate::ops::sending::slots::{self, Patience};
use crate::usms::CallError;

/// Delays before the checks. What the vendor does not know at the last one did not arrive.
const CHECK_DELAYS: [Duration; 4] =
    [Duration::seconds(20), Duration::minutes(2), Duration::minutes(10), Duration::minutes(30)];
/// The number of checks after which a missing resubmission did not arrive: submitting it again does
/// no harm.
const RESUBMISSION_CHECKS: i32 = 2;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOutcome {
    /// The application arrived.
    Taken,
    /// It did not arrive.
    NotTaken,
    /// Not known yet; it will be checked again.
    Later,
    /// It cannot be determined from the vendor: a person has to decide.
    Person,
}

/// Checks one application in doubt that is due. Returns whether there was one.
pub async fn run_once(app: &App) -> Result<bool, LookupError> {
    let now = app.clock.now();
    let max_delay = CHECK_DELAYS[CHECK_DELAYS.len() - 1];
    let Some((project, id)) = applications::take_doubt(&app.db, now, now + max_delay).await? else {
        return Ok(false);
    };
    look(app, project, id, None).await?;
    Ok(true)
}

/// Checks at the vendor what became of an application in doubt, and records the result. An
/// application that is not in doubt any more is left alone. `patience` is that of the person who asks, if
/// there is one.
///
/// # Errors
///
/// [`LookupError`] if the check cannot be made; failed calls are no error but
/// [`CheckOutcome::Later`].
pub async fn look(
    app: &App,
    project: ProjectId,
    id: ApplicationId,
    patience: Option<Patience>,
) -> Result<CheckOutcome, LookupError> {
    let found = applications::find(&app.db, project, id).await?;
    let Some(application) =
        found.filter(|application| application.state == ApplicationState::InDoubt)
    else {
        return Ok(CheckOutcome::Later);
    };
    let checked = match (application.subject, application.is_resubmission) {
        (Subject::Signature, false) => check_new_signature(app, &application, patience).await,
        (Subject::Signature, true) => check_changed_signature(app, &application, patience).await,
        (Subject::Template, false) => Ok(CheckOutcome::Person),
        (Subject::Template, true) => check_changed_template(app, &application, patience).await,
    };
    let outcome = match checked {
        Err(LookupError::Vendor(error)) => {
            info!(application = %id, %error, "cannot check an application in doubt; will retry");
            CheckOutcome::Later
        }
        other => other?,
    };
    record(app, &application, outcome).await?;
    Ok(outcome)
}

/// Checks a new signature: one with its content that appeared after the application is the one.
async fn check_new_signature(
    app: &App,
    application: &Application,
    patience: Option<Patience>,
) -> Result<CheckOutcome, LookupError> {
    let form: SignatureApplication = parse_form(application)?;
    let keys = credentials::of(app, application.project_id).await?;
    slots::wait_for(app, application.project_id, patience).await?;
    let response = match app.usms.query_signature(&keys, None, Some(&form.content)).await {
        Ok(response) => response,
        Err(CallError::Refused { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let Some(response) = response.filter(|response| !response.sig_id.is_empty()) else {
        return Ok(not_found(application, CHECK_DELAYS.len()));
    };
    let known = signatures::by_sig_id(&app.db, application.project_id, &response.sig_id).await?;
    if known.is_some_and(|known| known.id.made_at() < application.id.made_at()) {
        // An older signature with the same content: the vendor returns only one of them.
        return Ok(CheckOutcome::Person);
    }
    record_accepted(app, application, &response.sig_id, &Form::Signature(form)).await?;
    review::look_up_signature(app, application.project_id, &response.sig_id, None).await?;
    Ok(CheckOutcome::Taken)
}

async fn check_changed_signature(
    app: &App,
    application: &Application,
    patience: Option<Patience>,
) -> Result<CheckOutcome, LookupError> {
    let form: SignatureApplication = parse_form(application)?;
    let Some(known) = find_signature(app, application).await? else {
        return Ok(CheckOutcome::Person);
    };
    if known.status.is_open() && known.content == form.content {
        // What else has changed is not in the vendor's response.
        return Ok(CheckOutcome::Person);
    }
    let keys = credentials::of(app, application.project_id).await?;
    slots::wait_for(app, application.project_id, patience).await?;
    let response = app.usms.query_signature(&keys, Some(&known.sig_id), None).await?;
    let Some(response) = response else { return Ok(not_found(application, 2)) };
    let status = response.status.and_then(ReviewStatus::from_vendor);
    let arrived = response.content == form.content
        && (status != Some(ReviewStatus::Rejected) || response.reason != known.reason);
    if !arrived {
        return Ok(not_found(application, 2));
    }
    let vendor_id = known.sig_id.clone();
    record_accepted(
        app,
        application,
        &vendor_id,
        &Form::ResubmittedSignature(Box::new(known), form),
    )
    .await?;
    review::look_up_signature(app, application.project_id, &vendor_id, None).await?;
    Ok(CheckOutcome::Taken)
}

async fn check_changed_template(
    app: &App,
    application: &Application,
    patience: Option<Patience>,
) -> Result<CheckOutcome, LookupError> {
    let form: TemplateApplication = parse_form(application)?;
    let Some(known) = find_template(app, application).await? else {
        return Ok(CheckOutcome::Person);
    };
    if known.status.is_open() && known.text == form.text && known.name == form.name {
        // What else has changed is not in the vendor's response.
        return Ok(CheckOutcome::Person);
    }
    let keys = credentials::of(app, application.project_id).await?;
    slots::wait_for(app, application.project_id, patience).await?;
    let response = app.usms.query_template(&keys, &known.template_id).await?;
    let Some(response) = response else { return Ok(not_found(application, 2)) };
    let renamed_only = known.text == form.text;
    let status = response.status.and_then(ReviewStatus::from_vendor);
    let arrived = response.text == form.text
        && (!renamed_only || response.name == form.name)
        && (renamed_only
            || status != Some(ReviewStatus::Rejected)
            || response.reason != known.reason);
    if !arrived {
        return Ok(not_found(application, 2));
    }
    let vendor_id = known.template_id.clone();
    record_accepted(
        app,
        application,
        &vendor_id,
        &Form::ResubmittedTemplate(Box::new(known), form),
    )
    .await?;
    review::look_up_template(app, application.project_id, &vendor_id, None).await?;
    Ok(CheckOutcome::Taken)
}

fn parse_form<T: serde::de::DeserializeOwned>(application: &Application) -> Result<T, LookupError> {
    serde_json::from_value(application.content.clone())
        .map_err(|_| LookupError::Incomplete("content"))
}

async fn find_signature(
    app: &App,
    application: &Application,
) -> sqlx::Result<Option<signatures::Signature>> {
    let Some(id) = application.signature_id else { return Ok(None) };
    signatures::by_id(&app.db, application.project_id, id).await
}

async fn find_template(
    app: &App,
    application: &Application,
) -> sqlx::Result<Option<sms_templates::SmsTemplate>> {
    let Some(id) = application.template_id else { return Ok(None) };
    sms_templates::by_id(&app.db, application.project_id, id).await
}

/// Returns the outcome of a check that found nothing: it may appear later, but after enough checks
/// it did not arrive.
fn not_found(application: &Application, max_checks: usize) -> CheckOutcome {
    let max_checks = if application.is_resubmission {
        RESUBMISSION_CHECKS
    } else {
        i32::try_from(max_checks).unwrap_or(4)
    };
    if application.checks >= max_checks { CheckOutcome::NotTaken } else { CheckOutcome::Later }
}

async fn record_accepted(
    app: &App,
    application: &Application,
    vendor_id: &str,
    form: &Form,
) -> Result<(), LookupError> {
    let mut tx = app.db.begin().await?;
    let accepted = Accepted {
        project: application.project_id,
        application: application.id,
        by: application.applied_by,
        vendor_id,
        form,
    };
    let row = accepted.record(app, &mut tx).await?;
    if end(&mut tx, application, ApplicationState::Taken, Some(row), None).await? {
        tx.commit().await?;
    }
    Ok(())
}

async fn end(
    db: &mut sqlx::PgConnection,
    application: &Application,
    state: ApplicationState,
    row: Option<Row>,
    next_check_at: Option<time::OffsetDateTime>,
) -> sqlx::Result<bool> {
    let end = End {
        state,
        row,
        ret_code: application.ret_code,
        vendor_message: &application.vendor_message,
        next_check_at,
    };
    applications::end(db, application.id, &end).await
}

/// Records the outcome of a check, except [`CheckOutcome::Taken`], which is recorded already.
async fn record(app: &App, application: &Application, outcome: CheckOutcome) -> sqlx::Result<()> {
    let mut db = app.db.acquire().await?;
    match outcome {
        CheckOutcome::Taken => {}
        CheckOutcome::NotTaken => {
            end(&mut db, application, ApplicationState::NotTaken, None, None).await?;
        }
        CheckOutcome::Person => {
            end(&mut db, application, ApplicationState::InDoubt, None, None).await?;
        }
        CheckOutcome::Later => {
            let index =
                usize::try_from(application.checks).unwrap_or(0).min(CHECK_DELAYS.len() - 1);
            let next = app.clock.now() + CHECK_DELAYS[index];
            end(&mut db, application, ApplicationState::InDoubt, None, Some(next)).await?;
        }
    }
    Ok(())
}

/// Records a person's decision that an application did not arrive. Returns whether it was still in
/// doubt.
pub async fn give_up(
    app: &App,
    project: ProjectId,
    id: ApplicationId,
    by: UserId,
    ip: &str,
) -> sqlx::Result<bool> {
    let found = applications::find(&app.db, project, id).await?;
    let Some(application) =
        found.filter(|application| application.state == ApplicationState::InDoubt)
    else {
        return Ok(false);
    };
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let ended = end(&mut tx, &application, ApplicationState::NotTaken, None, None).await?;
    let entry = audit::Entry {
        project: Some(project),
        user: Some(by),
        action: "application_given_up",
        subject: &id.to_string(),
        detail: json!({}),
        ip,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await?;
    Ok(ended)
}
