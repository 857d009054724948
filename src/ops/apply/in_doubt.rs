//! Applications whose call had no answer. A signature can be found again by its content and a
//! change by looking at what it changed; a new template can be found by nobody but a person.

use serde_json::json;
use time::Duration;
use tracing::info;

use super::Form;
use super::accepted::Taken;
use crate::app::App;
use crate::db::applications::{self, Application, ApplicationState, End};
use crate::db::audit;
use crate::db::reviewed::Row;
use crate::db::{signatures, sms_templates};
use crate::domain::ids::{ApplicationId, Id, ProjectId, UserId};
use crate::domain::review::{ReviewStatus, Subject};
use crate::domain::signature::SignatureApplication;
use crate::domain::sms_template::TemplateApplication;
use crate::ops::credentials;
use crate::ops::review::{self, LookupError};
use crate::usms::CallError;

/// Waits before each look; after the last, what the vendor does not know did not arrive.
const LOOKS: [Duration; 4] =
    [Duration::seconds(20), Duration::minutes(2), Duration::minutes(10), Duration::minutes(30)];
/// A change that is not there after so many looks did not arrive: handing it in again harms nothing.
const LOOKS_AT_CHANGE: i32 = 2;

/// What a look at the vendor showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It arrived.
    Taken,
    /// It did not.
    NotTaken,
    /// Not known yet; it will be looked at again.
    Later,
    /// The vendor cannot tell: a person decides.
    Person,
}

/// Looks into one doubt whose turn it is. Answers whether there was one.
pub async fn run_once(app: &App) -> Result<bool, LookupError> {
    let now = app.clock.now();
    let longest = LOOKS[LOOKS.len() - 1];
    let Some((project, id)) = applications::take_doubt(&app.db, now, now + longest).await? else {
        return Ok(false);
    };
    look(app, project, id).await?;
    Ok(true)
}

/// Asks the vendor what became of an application in doubt, and settles it if that shows.
pub async fn look(
    app: &App,
    project: ProjectId,
    id: ApplicationId,
) -> Result<CheckOutcome, LookupError> {
    let found = applications::find(&app.db, project, id).await?;
    let Some(one) = found.filter(|one| one.state == ApplicationState::InDoubt) else {
        return Ok(CheckOutcome::Later);
    };
    let looked = match (one.subject, one.is_resubmission) {
        (Subject::Signature, false) => created_signature(app, &one).await,
        (Subject::Signature, true) => changed_signature(app, &one).await,
        (Subject::Template, false) => Ok(CheckOutcome::Person),
        (Subject::Template, true) => changed_template(app, &one).await,
    };
    let looked = match looked {
        Err(LookupError::Vendor(error)) => {
            info!(application = %id, %error, "cannot check an application in doubt; will retry");
            CheckOutcome::Later
        }
        other => other?,
    };
    settle(app, &one, looked).await?;
    Ok(looked)
}

/// A signature that appeared under this content after it was applied for is the one.
async fn created_signature(app: &App, one: &Application) -> Result<CheckOutcome, LookupError> {
    let form: SignatureApplication = read(one)?;
    let keys = credentials::of(app, one.project_id).await?;
    review::wait_for_slot(app, one.project_id).await?;
    let answer = match app.usms.query_signature(&keys, None, Some(&form.content)).await {
        Ok(answer) => answer,
        Err(CallError::Refused { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let Some(answer) = answer.filter(|answer| !answer.sig_id.is_empty()) else {
        return Ok(not_there(one, LOOKS.len()));
    };
    let known = signatures::by_sig_id(&app.db, one.project_id, &answer.sig_id).await?;
    if known.is_some_and(|known| known.id.made_at() < one.id.made_at()) {
        // Another with the same content, from before: the vendor shows one of them only.
        return Ok(CheckOutcome::Person);
    }
    accepted(app, one, &answer.sig_id, &Form::Signature(form)).await?;
    review::look_up_signature(app, one.project_id, &answer.sig_id, None).await?;
    Ok(CheckOutcome::Taken)
}

async fn changed_signature(app: &App, one: &Application) -> Result<CheckOutcome, LookupError> {
    let form: SignatureApplication = read(one)?;
    let Some(known) = signature_of(app, one).await? else { return Ok(CheckOutcome::Person) };
    let keys = credentials::of(app, one.project_id).await?;
    review::wait_for_slot(app, one.project_id).await?;
    let answer = app.usms.query_signature(&keys, Some(&known.sig_id), None).await?;
    let Some(answer) = answer else { return Ok(not_there(one, 2)) };
    let status = answer.status.and_then(ReviewStatus::from_vendor);
    let arrived = answer.content == form.content
        && (status != Some(ReviewStatus::Rejected) || answer.reason != known.reason);
    if !arrived {
        return Ok(not_there(one, 2));
    }
    let vendor_id = known.sig_id.clone();
    accepted(app, one, &vendor_id, &Form::ResubmittedSignature(Box::new(known), form)).await?;
    review::look_up_signature(app, one.project_id, &vendor_id, None).await?;
    Ok(CheckOutcome::Taken)
}

async fn changed_template(app: &App, one: &Application) -> Result<CheckOutcome, LookupError> {
    let form: TemplateApplication = read(one)?;
    let Some(known) = template_of(app, one).await? else { return Ok(CheckOutcome::Person) };
    let keys = credentials::of(app, one.project_id).await?;
    review::wait_for_slot(app, one.project_id).await?;
    let answer = app.usms.query_template(&keys, &known.template_id).await?;
    let Some(answer) = answer else { return Ok(not_there(one, 2)) };
    let renamed_only = known.text == form.text;
    let status = answer.status.and_then(ReviewStatus::from_vendor);
    let arrived = answer.text == form.text
        && (!renamed_only || answer.name == form.name)
        && (renamed_only
            || status != Some(ReviewStatus::Rejected)
            || answer.reason != known.reason);
    if !arrived {
        return Ok(not_there(one, 2));
    }
    let vendor_id = known.template_id.clone();
    accepted(app, one, &vendor_id, &Form::ResubmittedTemplate(Box::new(known), form)).await?;
    review::look_up_template(app, one.project_id, &vendor_id, None).await?;
    Ok(CheckOutcome::Taken)
}

fn read<T: serde::de::DeserializeOwned>(one: &Application) -> Result<T, LookupError> {
    serde_json::from_value(one.content.clone()).map_err(|_| LookupError::Incomplete("content"))
}

async fn signature_of(app: &App, one: &Application) -> sqlx::Result<Option<signatures::Signature>> {
    let Some(id) = one.signature_id else { return Ok(None) };
    signatures::by_id(&app.db, one.project_id, id).await
}

async fn template_of(
    app: &App,
    one: &Application,
) -> sqlx::Result<Option<sms_templates::SmsTemplate>> {
    let Some(id) = one.template_id else { return Ok(None) };
    sms_templates::by_id(&app.db, one.project_id, id).await
}

/// Not there: a little later it may be, after enough looks it did not arrive.
fn not_there(one: &Application, enough: usize) -> CheckOutcome {
    let enough =
        if one.is_resubmission { LOOKS_AT_CHANGE } else { i32::try_from(enough).unwrap_or(4) };
    if one.checks >= enough { CheckOutcome::NotTaken } else { CheckOutcome::Later }
}

async fn accepted(
    app: &App,
    one: &Application,
    vendor_id: &str,
    form: &Form,
) -> Result<(), LookupError> {
    let mut tx = app.db.begin().await?;
    let accepted =
        Taken { project: one.project_id, application: one.id, by: one.applied_by, vendor_id, form };
    let row = accepted.keep(app, &mut tx).await?;
    if end(&mut tx, one, ApplicationState::Taken, Some(row), None).await? {
        tx.commit().await?;
    }
    Ok(())
}

async fn end(
    db: &mut sqlx::PgConnection,
    one: &Application,
    state: ApplicationState,
    row: Option<Row>,
    next_check_at: Option<time::OffsetDateTime>,
) -> sqlx::Result<bool> {
    let end = End {
        state,
        row,
        ret_code: one.ret_code,
        vendor_message: &one.vendor_message,
        next_check_at,
    };
    applications::end(db, one.id, &end).await
}

/// Records what a look showed, but for what was taken, which is recorded with it.
async fn settle(app: &App, one: &Application, looked: CheckOutcome) -> sqlx::Result<()> {
    let mut db = app.db.acquire().await?;
    match looked {
        CheckOutcome::Taken => {}
        CheckOutcome::NotTaken => {
            end(&mut db, one, ApplicationState::NotTaken, None, None).await?;
        }
        CheckOutcome::Person => {
            end(&mut db, one, ApplicationState::InDoubt, None, None).await?;
        }
        CheckOutcome::Later => {
            let turn = usize::try_from(one.checks).unwrap_or(0).min(LOOKS.len() - 1);
            let next = app.clock.now() + LOOKS[turn];
            end(&mut db, one, ApplicationState::InDoubt, None, Some(next)).await?;
        }
    }
    Ok(())
}

/// A person says that it did not arrive. Answers whether it was still in doubt.
pub async fn give_up(
    app: &App,
    project: ProjectId,
    id: ApplicationId,
    by: UserId,
    address: &str,
) -> sqlx::Result<bool> {
    let found = applications::find(&app.db, project, id).await?;
    let Some(one) = found.filter(|one| one.state == ApplicationState::InDoubt) else {
        return Ok(false);
    };
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let ended = end(&mut tx, &one, ApplicationState::NotTaken, None, None).await?;
    let entry = audit::Entry {
        project: Some(project),
        user: Some(by),
        action: "application_given_up",
        subject: &id.to_string(),
        detail: json!({}),
        address,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await?;
    Ok(ended)
}
