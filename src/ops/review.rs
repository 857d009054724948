//! Polling and importing signatures and templates. The vendor's API has no list: unknown ones are
//! imported by id, and known ones are polled. Every change is recorded as a review event.

use futures_util::future::join_all;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use tracing::{info, warn};

use super::credentials::{self, CredentialsError};
use super::notifications;
use super::submit::BURST;
use crate::app::App;
use crate::db::review_events::{self, Event, NewEvent};
use crate::db::reviewed::{self, Due, Row};
use crate::db::{applications, audit, call_slots, signatures, sms_templates};
use crate::domain::ids::{ApplicationId, ProjectId, TemplateId, UserId};
use crate::domain::review::{Purpose, ReviewStatus, Subject, next_look};
use crate::usms::{CallError, Credentials, SignatureAnswer, TemplateAnswer};

/// Why a signature or template could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The vendor knows nothing with this id or content.
    #[error("not found at UCloud")]
    Nothing,
    /// The response lacks this required field.
    #[error("UCloud's response is missing {0}")]
    Incomplete(&'static str),
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

impl LookupError {
    /// Returns whether the vendor says that there is nothing with the id.
    fn says_missing(&self) -> bool {
        match self {
            Self::Nothing => true,
            // Invalid parameter; the id was the only one.
            Self::Vendor(CallError::Refused { ret_code, .. }) => ret_code.0 == 18003,
            Self::Vendor(_) | Self::Incomplete(_) | Self::Credentials(_) | Self::Database(_) => {
                false
            }
        }
    }
}

/// The result of a look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The signature or template.
    pub row: Row,
    /// Its current review status.
    pub status: ReviewStatus,
}

/// Looks up a signature at the vendor by its SigId or content, and stores it. `by` is the person
/// who requested it, if there is one.
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
    let keys = credentials::of(app, project).await?;
    let wanted = wanted.trim().trim_start_matches('【').trim_end_matches('】');
    wait_for_slot(app, project).await?;
    let called_at = app.clock.now();
    let response = query_signature(app, &keys, wanted).await?.ok_or(LookupError::Nothing)?;
    let mut tx = app.db.begin().await?;
    let seen = store_signature(app, &mut tx, project, &response, called_at, by).await?;
    tx.commit().await?;
    Ok(seen)
}

/// Looks up a template at the vendor by its id, and stores it. `by` is the person who requested it,
/// if there is one.
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
    let keys = credentials::of(app, project).await?;
    let template_id = template_id.trim();
    wait_for_slot(app, project).await?;
    let called_at = app.clock.now();
    let response =
        app.usms.query_template(&keys, template_id).await?.ok_or(LookupError::Nothing)?;
    let mut tx = app.db.begin().await?;
    let seen = store_template(app, &mut tx, project, template_id, &response, called_at, by).await?;
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

/// What is stored before a response.
struct Before {
    status: ReviewStatus,
    reason: String,
    content: String,
    changed_at: OffsetDateTime,
    missing: bool,
    deleted: bool,
}

/// What the vendor responded.
struct After<'a> {
    vendor_id: &'a str,
    name: &'a str,
    status: ReviewStatus,
    reason: &'a str,
    content: &'a str,
}

impl After<'_> {
    /// Returns the change for a notification.
    fn change(&self, row: Row) -> notifications::Change<'_> {
        notifications::Change {
            subject: row.subject(),
            vendor_id: self.vendor_id,
            name: self.name,
            status: Some(self.status),
            reason: self.reason,
        }
    }
}

/// Stores a signature as the vendor describes it, and records what changed.
pub(super) async fn store_signature(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    response: &SignatureAnswer,
    called_at: OffsetDateTime,
    by: Option<UserId>,
) -> Result<Seen, LookupError> {
    if response.sig_id.is_empty() || response.content.is_empty() {
        return Err(LookupError::Nothing);
    }
    let status = parse_status(response.status)?;
    let stored = signatures::lock(db, project, &response.sig_id).await?;
    if let Some(known) = stored.as_ref().filter(|known| known.changed_at > called_at) {
        // It was resubmitted during the call: the response is outdated.
        return Ok(Seen { row: Row::Signature(known.id), status: known.status });
    }
    let described = signatures::Described {
        sig_id: &response.sig_id,
        content: &response.content,
        // The response does not say; international signatures are usually ASCII.
        international: response.content.is_ascii(),
        status,
        reason: &response.reason,
    };
    let before = stored.map(|known| Before {
        status: known.status,
        reason: known.reason,
        content: known.content,
        changed_at: known.changed_at,
        missing: known.missing_since.is_some(),
        deleted: known.deleted_at.is_some(),
    });
    let now = app.clock.now();
    let next = next_check_at(app, before.as_ref(), status, now);
    let row = Row::Signature(signatures::upsert(db, project, &described, next, now).await?);
    let after = After {
        vendor_id: &response.sig_id,
        name: &response.content,
        status,
        reason: &response.reason,
        content: &response.content,
    };
    record_changes(app, db, project, row, before.as_ref(), &after, by).await?;
    Ok(Seen { row, status })
}

/// Stores a template as the vendor describes it, and records what changed.
pub(super) async fn store_template(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    requested_id: &str,
    response: &TemplateAnswer,
    called_at: OffsetDateTime,
    by: Option<UserId>,
) -> Result<Seen, LookupError> {
    if response.text.is_empty() {
        return Err(LookupError::Nothing);
    }
    let status = parse_status(response.status)?;
    let template_id =
        if response.template_id.is_empty() { requested_id } else { &response.template_id };
    let stored = sms_templates::lock(db, project, template_id).await?;
    if let Some(known) = stored.as_ref().filter(|known| known.changed_at > called_at) {
        return Ok(Seen { row: Row::Template(known.id), status: known.status });
    }
    let purpose = response.purpose.and_then(Purpose::from_vendor);
    let known_name = stored.as_ref().map_or(requested_id, |known| &known.name);
    let described = sms_templates::Described {
        template_id,
        name: if response.name.is_empty() { known_name } else { &response.name },
        purpose: purpose
            .or(stored.as_ref().map(|known| known.purpose))
            .ok_or(LookupError::Incomplete("Purpose"))?,
        text: &response.text,
        unsubscribe: &response.unsubscribe,
        instruction: &response.instruction,
        remark: &response.remark,
        international: response.text.is_ascii(),
        status,
        reason: &response.reason,
    };
    let first = stored.is_none();
    let before = stored.as_ref().map(|known| Before {
        status: known.status,
        reason: known.reason.clone(),
        content: known.text.clone(),
        changed_at: known.changed_at,
        missing: known.missing_since.is_some(),
        deleted: known.deleted_at.is_some(),
    });
    let now = app.clock.now();
    let next = next_check_at(app, before.as_ref(), status, now);
    let id = sms_templates::upsert(db, project, &described, next, now).await?;
    let row = Row::Template(id);
    if first && let Some(found) = adopt(db, project, id, &response.text).await? {
        let event = applied_event(project, row, status, found);
        review_events::add(db, &event, now).await?;
    } else {
        let after = After {
            vendor_id: template_id,
            name: described.name,
            status,
            reason: &response.reason,
            content: &response.text,
        };
        record_changes(app, db, project, row, before.as_ref(), &after, by).await?;
    }
    Ok(Seen { row, status })
}

fn applied_event(
    project: ProjectId,
    row: Row,
    status: ReviewStatus,
    (application, by): (ApplicationId, UserId),
) -> NewEvent<'static> {
    NewEvent {
        project,
        row,
        event: Event::Applied,
        status: Some(status),
        reason: "",
        user: Some(by),
        application: Some(application),
        before: "",
    }
}

/// Resolves an application in doubt for a template with this text: the imported template is its
/// result.
async fn adopt(
    db: &mut PgConnection,
    project: ProjectId,
    id: TemplateId,
    text: &str,
) -> sqlx::Result<Option<(ApplicationId, UserId)>> {
    let Some((application, by)) = applications::doubtful_template(db, project, text).await? else {
        return Ok(None);
    };
    let end = applications::End {
        state: applications::ApplicationState::Taken,
        row: Some(Row::Template(id)),
        ret_code: None,
        vendor_message: "",
        next_check_at: None,
    };
    applications::end(db, application, &end).await?;
    sms_templates::set_application(db, id, text.is_ascii(), by).await?;
    info!(%application, "application in doubt found at UCloud");
    Ok(Some((application, by)))
}

fn next_check_at(
    app: &App,
    before: Option<&Before>,
    status: ReviewStatus,
    now: OffsetDateTime,
) -> OffsetDateTime {
    let since =
        before.filter(|before| before.status == status).map_or(now, |before| before.changed_at);
    now + next_look(status, now - since, app.pace.review_poll, now)
}

async fn record_changes(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    row: Row,
    before: Option<&Before>,
    after: &After<'_>,
    by: Option<UserId>,
) -> sqlx::Result<()> {
    let now = app.clock.now();
    let event = |event, before| NewEvent {
        project,
        row,
        event,
        status: Some(after.status),
        reason: after.reason,
        user: None,
        application: None,
        before,
    };
    let Some(known) = before.filter(|known| !known.deleted) else {
        let imported = NewEvent { user: by, ..event(Event::Imported, "") };
        return review_events::add(db, &imported, now).await;
    };
    if known.missing {
        review_events::add(db, &event(Event::FoundAgain, ""), now).await?;
    }
    if known.content != after.content {
        review_events::add(db, &event(Event::ChangedByVendor, &known.content), now).await?;
    }
    let reason_changed = after.status == ReviewStatus::Rejected && known.reason != after.reason;
    if known.status != after.status || reason_changed {
        review_events::add(db, &event(Event::Status, ""), now).await?;
        notifications::review_changed(app, db, project, after.change(row)).await?;
    }
    Ok(())
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

/// Waits for a call slot of the project: sending and all other calls share its rate.
pub(super) async fn wait_for_slot(app: &App, project: ProjectId) -> sqlx::Result<()> {
    let pace = call_slots::Pace { interval: app.pace.call_interval(), burst: BURST };
    loop {
        let mut db = app.db.acquire().await?;
        if call_slots::take(&mut db, project, pace, app.clock.now()).await? {
            return Ok(());
        }
        drop(db);
        tokio::time::sleep(pace.interval.unsigned_abs()).await;
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
        action: "sensitive_words_kept",
        subject: &project.to_string(),
        detail: serde_json::json!({ "count": words.len() }),
        ip,
    };
    audit::record(&mut tx, &entry, app.clock.now()).await?;
    tx.commit().await
}

fn parse_status(number: Option<i64>) -> Result<ReviewStatus, LookupError> {
    number.and_then(ReviewStatus::from_vendor).ok_or(LookupError::Incomplete("Status"))
}
