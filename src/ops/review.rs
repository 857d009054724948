//! Signatures and templates as the vendor describes them now. The API has no list: what is not
//! known yet is asked for by its id.

use time::{Duration, OffsetDateTime};
use tracing::info;

use super::credentials::{self, CredentialsError};
use crate::app::App;
use crate::db::{signatures, sms_templates};
use crate::domain::ids::ProjectId;
use crate::domain::review::{Purpose, ReviewStatus};
use crate::usms::{CallError, Credentials, SignatureAnswer, TemplateAnswer};

/// Why something could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// The vendor knows nothing of this id or text.
    #[error("the vendor knows nothing under this id")]
    Nothing,
    /// The vendor's answer lacks what is needed.
    #[error("the vendor's answer lacks {0}")]
    Incomplete(&'static str),
    /// The call.
    #[error(transparent)]
    Vendor(#[from] CallError),
    /// The project's keys.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Looks a signature up by SigId or by its text, and keeps what the vendor says. Answers its status.
pub async fn look_up_signature(
    app: &App,
    project: ProjectId,
    wanted: &str,
) -> Result<ReviewStatus, LookUpError> {
    let keys = credentials::of(app, project).await?;
    let wanted = wanted.trim().trim_start_matches('【').trim_end_matches('】');
    let answer = ask_for_signature(app, &keys, wanted).await?.ok_or(LookUpError::Nothing)?;
    let status = status(answer.status)?;
    if answer.sig_id.is_empty() || answer.content.is_empty() {
        return Err(LookUpError::Nothing);
    }
    let described = signatures::Described {
        sig_id: &answer.sig_id,
        content: &answer.content,
        // The answer does not say; an international one is plain ASCII as a rule.
        international: answer.content.is_ascii(),
        status,
        reason: &answer.reason,
    };
    let mut db = app.db.acquire().await.map_err(LookUpError::Database)?;
    signatures::keep(&mut db, project, &described, app.clock.now()).await?;
    Ok(status)
}

/// Approved ones are looked at this often.
const APPROVED_LOOK: Duration = Duration::DAY;
/// Asked about in one turn.
const A_TURN: i64 = 10;

/// Asks about what is under review, and daily about what is approved. Answers how many were asked
/// about; one that could not be asked about has its next turn later.
pub async fn run_once(app: &App) -> sqlx::Result<usize> {
    let now = app.clock.now();
    let (open, approved) = (now - app.pace.review_poll, now - APPROVED_LOOK);
    let due = signatures::take_due(&app.db, open, approved, A_TURN, now).await?;
    let mut asked = due.len();
    for (project, sig_id) in due {
        if let Err(error) = look_up_signature(app, project, &sig_id).await {
            info!(sig_id, %error, "a signature could not be asked about");
        }
    }
    let due = sms_templates::take_due(&app.db, open, approved, A_TURN, now).await?;
    asked += due.len();
    for (project, template_id) in due {
        if let Err(error) = look_up_template(app, project, &template_id).await {
            info!(template_id, %error, "a template could not be asked about");
        }
    }
    Ok(asked)
}

async fn ask_for_signature(
    app: &App,
    keys: &Credentials,
    wanted: &str,
) -> Result<Option<SignatureAnswer>, CallError> {
    if looks_like_an_id(wanted) {
        app.usms.query_signature(keys, Some(wanted), None).await
    } else {
        app.usms.query_signature(keys, None, Some(wanted)).await
    }
}

fn looks_like_an_id(text: &str) -> bool {
    text.len() > 6
        && text.to_ascii_lowercase().starts_with("sig")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Looks a template up by its id and keeps what the vendor says. Answers its status.
pub async fn look_up_template(
    app: &App,
    project: ProjectId,
    template_id: &str,
) -> Result<ReviewStatus, LookUpError> {
    let keys = credentials::of(app, project).await?;
    let answer =
        app.usms.query_template(&keys, template_id.trim()).await?.ok_or(LookUpError::Nothing)?;
    keep_template(app, project, template_id.trim(), &answer, app.clock.now()).await
}

async fn keep_template(
    app: &App,
    project: ProjectId,
    asked: &str,
    answer: &TemplateAnswer,
    now: OffsetDateTime,
) -> Result<ReviewStatus, LookUpError> {
    if answer.text.is_empty() {
        return Err(LookUpError::Nothing);
    }
    let status = status(answer.status)?;
    let purpose = answer.purpose.and_then(Purpose::from_vendor);
    let described = sms_templates::Described {
        template_id: if answer.template_id.is_empty() { asked } else { &answer.template_id },
        name: if answer.name.is_empty() { asked } else { &answer.name },
        purpose: purpose.ok_or(LookUpError::Incomplete("Purpose"))?,
        text: &answer.text,
        unsubscribe: &answer.unsubscribe,
        instruction: &answer.instruction,
        remark: &answer.remark,
        international: answer.text.is_ascii(),
        status,
        reason: &answer.reason,
    };
    let mut db = app.db.acquire().await.map_err(LookUpError::Database)?;
    sms_templates::keep(&mut db, project, &described, now).await?;
    Ok(status)
}

fn status(number: Option<i64>) -> Result<ReviewStatus, LookUpError> {
    number.and_then(ReviewStatus::from_vendor).ok_or(LookUpError::Incomplete("Status"))
}
