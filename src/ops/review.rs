//! Polling and importing signatures and templates. The vendor's API has no list: unknown ones are
//! imported by id, and known ones are polled. Every change is recorded as a review event.

use futures_util::future::join_all;
use time::Duration;
use tracing::{info, warn};

use self::store::{Question, store_signature, store_template};
use super::actor::Actor;
use super::credentials::{self, CredentialsError};
use super::reporting::notifications;
use super::sending::slots::{self, NoSlot, Patience};
use crate::app::App;
use crate::db::audit;
use crate::db::review::review_events::{self, Event, NewEvent};
use crate::db::review::reviewed::{self, Due, Row};
use crate::db::review::{signatures, sms_templates};
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::review::{Purpose, ReviewStatus, Subject};
use crate::usms::{CallError, Credentials, SignatureAnswer};

pub mod apply;
pub mod delete_reviewed;
pub mod destination;
pub mod files;
pub mod signature_kind;
mod store;

pub use self::store::Said;

/// Why a signature or template could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The vendor knows nothing with this id or content.
    #[error("not found at UCloud")]
    Nothing,
    /// The response lacks this required field.
    #[error("UCloud's response is missing {0}")]
    Incomplete(&'static str),
    /// The response says no purpose, nor does anything else.
    #[error("the purpose is not known")]
    NoPurpose,
    /// A person's look-up found no call slot that nothing else needs.
    #[error("other calls go first")]
    Busy,
    /// The call failed.
    #[error(transparent)]
    Vendor(#[from] CallError),
    /// The project's keys cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<NoSlot> for LookupError {
    fn from(error: NoSlot) -> Self {
        match error {
            NoSlot::Busy => Self::Busy,
            NoSlot::Database(error) => Self::Database(error),
        }
    }
}

impl LookupError {
    /// Returns whether the vendor says that there is nothing with the id.
    fn says_missing(&self) -> bool {
        match self {
            Self::Nothing => true,
            // Invalid parameter; the id was the only one.
            Self::Vendor(CallError::Refused { ret_code, .. }) => ret_code.0 == 18003,
            Self::Vendor(_)
            | Self::Incomplete(_)
            | Self::NoPurpose
            | Self::Busy
            | Self::Credentials(_)
            | Self::Database(_) => false,
        }
    }
}

/// The result of a look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The signature or template.
    pub row: Row,
    /// The vendor's id.
    pub vendor_id: String,
    /// Its current review status.
    pub status: ReviewStatus,
    /// Whether it is for international phones.
    pub international: bool,
    /// Whether that was only proposed just now: nobody has said it.
    pub proposed: bool,
    /// The purpose of a template.
    pub purpose: Option<Purpose>,
    /// Whether the person who imported it said otherwise, in vain: a batch was ordered with it.
    pub in_use: bool,
}

/// Looks up a signature at the vendor by its SigId or content, and stores it. `by` is the person
/// who requested it, if there is one; other calls go before theirs.
///
/// # Errors
///
/// [`LookupError::Nothing`] if the vendor does not know it.
pub async fn look_up_signature(
    app: &App,
    project: ProjectId,
    wanted: &str,
    by: Option<UserId>,
) -> Result<Seen, LookupError> {
    signature(app, &Question::of(project, wanted, by)).await
}

/// Looks up a template at the vendor by its id, and stores it. `by` is the person who requested it,
/// if there is one; other calls go before theirs.
///
/// # Errors
///
/// [`LookupError::Nothing`] if the vendor does not know it.
pub async fn look_up_template(
    app: &App,
    project: ProjectId,
    template_id: &str,
    by: Option<UserId>,
) -> Result<Seen, LookupError> {
    template(app, &Question::of(project, template_id, by)).await
}

/// Looks up a signature or template as a person who imports it, and stores what they say about it.
///
/// # Errors
///
/// [`LookupError::NoPurpose`] if nobody says the purpose of a template, [`LookupError::Busy`] if other calls
/// leave none of `patience` for it.
pub async fn import(
    app: &App,
    subject: Subject,
    wanted: &str,
    said: Said,
    actor: Actor<'_>,
    patience: Patience,
) -> Result<Seen, LookupError> {
    let question = Question {
        import: Some((actor, said)),
        patience: Some(patience),
        ..Question::of(actor.project, wanted, Some(actor.user))
    };
    match subject {
        Subject::Signature => signature(app, &question).await,
        Subject::Template => template(app, &question).await,
    }
}

async fn signature(app: &App, question: &Question<'_>) -> Result<Seen, LookupError> {
    let keys = credentials::of(app, question.project).await?;
    let content = question.wanted.trim().trim_matches(['【', '】', '[', ']']);
    slots::wait_for(app, question.project, question.patience).await?;
    let called_at = app.clock.now();
    let response = query_signature(app, &keys, content).await?.ok_or(LookupError::Nothing)?;
    let mut tx = app.db.begin().await?;
    let seen = store_signature(app, &mut tx, question, &response, called_at).await?;
    tx.commit().await?;
    Ok(seen)
}

async fn template(app: &App, question: &Question<'_>) -> Result<Seen, LookupError> {
    let question = Question { wanted: question.wanted.trim(), ..*question };
    let keys = credentials::of(app, question.project).await?;
    slots::wait_for(app, question.project, question.patience).await?;
    let called_at = app.clock.now();
    let response =
        app.usms.query_template(&keys, question.wanted).await?.ok_or(LookupError::Nothing)?;
    let mut tx = app.db.begin().await?;
    let seen = store_template(app, &mut tx, &question, &response, called_at).await?;
    tx.commit().await?;
    Ok(seen)
}

async fn query_signature(
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

/// The most signatures, and the most templates, under review that one run polls.
const OPEN_PER_RUN: i64 = 6;
/// The same for those that are not under review: they must delay neither the others nor sending.
const DECIDED_PER_RUN: i64 = 2;
/// How soon polling is retried after an error, or after its process has died.
const RETRY_AFTER: Duration = Duration::minutes(5);

/// Polls signatures and templates that are due. Returns how many of them are under review.
pub async fn run_once(app: &App) -> sqlx::Result<usize> {
    let now = app.clock.now();
    let mut open = Vec::new();
    let mut decided = Vec::new();
    for subject in [Subject::Signature, Subject::Template] {
        open.extend(
            reviewed::take_due(&app.db, subject, true, OPEN_PER_RUN, RETRY_AFTER, now).await?,
        );
        decided.extend(
            reviewed::take_due(&app.db, subject, false, DECIDED_PER_RUN, RETRY_AFTER, now).await?,
        );
    }
    join_all(open.iter().chain(&decided).map(|due| poll(app, due))).await;
    Ok(open.len())
}

async fn poll(app: &App, due: &Due) {
    let result = match due.row {
        Row::Signature(_) => look_up_signature(app, due.project, &due.vendor_id, None).await,
        Row::Template(_) => look_up_template(app, due.project, &due.vendor_id, None).await,
    };
    match result {
        Ok(_) => {}
        Err(error) if error.says_missing() => {
            if let Err(error) = record_missing(app, due).await {
                warn!(id = due.vendor_id, %error, "cannot record a missing item");
            }
        }
        Err(error) => info!(id = due.vendor_id, %error, "cannot poll review status; will retry"),
    }
}

/// Records that the vendor does not know it any more: as deleted if a deletion was requested here,
/// else as missing.
async fn record_missing(app: &App, due: &Due) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let stored = match due.row {
        Row::Signature(_) => signatures::lock(&mut tx, due.project, &due.vendor_id)
            .await?
            .map(|signature| (signature.content, signature.delete_requested_by)),
        Row::Template(_) => sms_templates::lock(&mut tx, due.project, &due.vendor_id)
            .await?
            .map(|template| (template.name, template.delete_requested_by)),
    };
    let Some((name, delete_requested_by)) = stored else { return Ok(()) };
    let event = |event| NewEvent {
        project: due.project,
        row: due.row,
        event,
        status: None,
        reason: "",
        user: delete_requested_by,
        application: None,
        before: "",
    };
    if delete_requested_by.is_some() {
        if reviewed::set_deleted(&mut tx, due.row, now).await? {
            review_events::add(&mut tx, &event(Event::Deleted), now).await?;
        }
    } else if reviewed::set_missing(&mut tx, due.row, now + Duration::DAY, now).await? {
        review_events::add(&mut tx, &event(Event::Missing), now).await?;
        let change = notifications::Change {
            subject: due.row.subject(),
            vendor_id: &due.vendor_id,
            name: &name,
            status: None,
            reason: "",
        };
        notifications::review_changed(app, &mut tx, due.project, change).await?;
    }
    tx.commit().await
}

/// Makes all signatures or templates of the project due for polling. Returns how many.
pub async fn schedule_all_checks(
    app: &App,
    project: ProjectId,
    subject: Subject,
    by: UserId,
    ip: &str,
) -> sqlx::Result<u64> {
    let now = app.clock.now();
    let n = reviewed::schedule_all_checks(&app.db, project, subject, now).await?;
    let mut db = app.db.acquire().await?;
    let entry = audit::Entry {
        project: Some(project),
        user: Some(by),
        action: "reviews_refreshed",
        subject: subject.key(),
        detail: serde_json::json!({ "count": n }),
        ip,
    };
    audit::record(&mut db, &entry, now).await?;
    Ok(n)
}

/// Replaces the project's sensitive words.
pub async fn save_sensitive_words(
    app: &App,
    project: ProjectId,
    words: &[String],
    by: UserId,
    ip: &str,
) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    reviewed::set_sensitive_words(&mut tx, project, words).await?;
    let entry = audit::Entry {
        project: Some(project),
        user: Some(by),
        action: "sensitive_words_saved",
        subject: &project.to_string(),
        detail: serde_json::json!({ "count": words.len() }),
        ip,
    };
    audit::record(&mut tx, &entry, app.clock.now()).await?;
    tx.commit().await
}
