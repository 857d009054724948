//! Signatures and templates as the vendor describes them now. The API has no list: what is not
//! known yet is asked for by its id, and what is known is asked about again and again. Every change
//! is written down.

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

/// Why something could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The vendor knows nothing of this id or text.
    #[error("not found at UCloud")]
    Nothing,
    /// The vendor's answer lacks what is needed.
    #[error("UCloud's response is missing {0}")]
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

impl LookupError {
    /// Whether the vendor says that there is nothing under the id.
    fn says_missing(&self) -> bool {
        match self {
            Self::Nothing => true,
            // A parameter that is invalid: the id was all that was asked for.
            Self::Vendor(CallError::Refused { ret_code, .. }) => ret_code.0 == 18003,
            Self::Vendor(_) | Self::Incomplete(_) | Self::Credentials(_) | Self::Database(_) => {
                false
            }
        }
    }
}

/// What a look at the vendor came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// What was seen.
    pub row: Row,
    /// Its review status now.
    pub status: ReviewStatus,
}

/// Looks a signature up by SigId or by its text, and keeps what the vendor says. `by` is the person
/// who asked, if one did.
pub async fn look_up_signature(
    app: &App,
    project: ProjectId,
    wanted: &str,
    by: Option<UserId>,
) -> Result<Seen, LookupError> {
    let keys = credentials::of(app, project).await?;
    let wanted = wanted.trim().trim_start_matches('【').trim_end_matches('】');
    wait_for_slot(app, project).await?;
    let asked_at = app.clock.now();
    let answer = ask_for_signature(app, &keys, wanted).await?.ok_or(LookupError::Nothing)?;
    let mut tx = app.db.begin().await?;
    let seen = learn_signature(app, &mut tx, project, &answer, asked_at, by).await?;
    tx.commit().await?;
    Ok(seen)
}

/// Looks a template up by its id and keeps what the vendor says.
pub async fn look_up_template(
    app: &App,
    project: ProjectId,
    template_id: &str,
    by: Option<UserId>,
) -> Result<Seen, LookupError> {
    let keys = credentials::of(app, project).await?;
    let wanted = template_id.trim();
    wait_for_slot(app, project).await?;
    let asked_at = app.clock.now();
    let answer = app.usms.query_template(&keys, wanted).await?.ok_or(LookupError::Nothing)?;
    let mut tx = app.db.begin().await?;
    let seen = learn_template(app, &mut tx, project, wanted, &answer, asked_at, by).await?;
    tx.commit().await?;
    Ok(seen)
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

/// What is known of a row before the vendor's answer is kept.
struct Before {
    status: ReviewStatus,
    reason: String,
    words: String,
    changed_at: OffsetDateTime,
    missing: bool,
    deleted: bool,
}

/// What the vendor says now.
struct After<'a> {
    vendor_id: &'a str,
    name: &'a str,
    status: ReviewStatus,
    reason: &'a str,
    words: &'a str,
}

impl After<'_> {
    /// For those who are told.
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

/// Keeps what the vendor says of a signature, and writes down what changed.
pub(super) async fn learn_signature(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    answer: &SignatureAnswer,
    asked_at: OffsetDateTime,
    by: Option<UserId>,
) -> Result<Seen, LookupError> {
    if answer.sig_id.is_empty() || answer.content.is_empty() {
        return Err(LookupError::Nothing);
    }
    let status = status(answer.status)?;
    let held = signatures::lock(db, project, &answer.sig_id).await?;
    if let Some(known) = held.as_ref().filter(|known| known.changed_at > asked_at) {
        // It was handed in again while the question was under way: the answer is of before.
        return Ok(Seen { row: Row::Signature(known.id), status: known.status });
    }
    let described = signatures::Described {
        sig_id: &answer.sig_id,
        content: &answer.content,
        // The answer does not say; an international one is plain ASCII as a rule.
        international: answer.content.is_ascii(),
        status,
        reason: &answer.reason,
    };
    let before = held.map(|known| Before {
        status: known.status,
        reason: known.reason,
        words: known.content,
        changed_at: known.changed_at,
        missing: known.missing_since.is_some(),
        deleted: known.deleted_at.is_some(),
    });
    let now = app.clock.now();
    let next = next_check_at(app, before.as_ref(), status, now);
    let row = Row::Signature(signatures::keep(db, project, &described, next, now).await?);
    let after = After {
        vendor_id: &answer.sig_id,
        name: &answer.content,
        status,
        reason: &answer.reason,
        words: &answer.content,
    };
    write_down(app, db, project, row, before.as_ref(), &after, by).await?;
    Ok(Seen { row, status })
}

/// Keeps what the vendor says of a template, and writes down what changed.
pub(super) async fn learn_template(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    asked: &str,
    answer: &TemplateAnswer,
    asked_at: OffsetDateTime,
    by: Option<UserId>,
) -> Result<Seen, LookupError> {
    if answer.text.is_empty() {
        return Err(LookupError::Nothing);
    }
    let status = status(answer.status)?;
    let template_id = if answer.template_id.is_empty() { asked } else { &answer.template_id };
    let held = sms_templates::lock(db, project, template_id).await?;
    if let Some(known) = held.as_ref().filter(|known| known.changed_at > asked_at) {
        return Ok(Seen { row: Row::Template(known.id), status: known.status });
    }
    let purpose = answer.purpose.and_then(Purpose::from_vendor);
    let known_name = held.as_ref().map_or(asked, |known| &known.name);
    let described = sms_templates::Described {
        template_id,
        name: if answer.name.is_empty() { known_name } else { &answer.name },
        purpose: purpose
            .or(held.as_ref().map(|known| known.purpose))
            .ok_or(LookupError::Incomplete("Purpose"))?,
        text: &answer.text,
        unsubscribe: &answer.unsubscribe,
        instruction: &answer.instruction,
        remark: &answer.remark,
        international: answer.text.is_ascii(),
        status,
        reason: &answer.reason,
    };
    let first = held.is_none();
    let before = held.as_ref().map(|known| Before {
        status: known.status,
        reason: known.reason.clone(),
        words: known.text.clone(),
        changed_at: known.changed_at,
        missing: known.missing_since.is_some(),
        deleted: known.deleted_at.is_some(),
    });
    let now = app.clock.now();
    let next = next_check_at(app, before.as_ref(), status, now);
    let id = sms_templates::keep(db, project, &described, next, now).await?;
    let row = Row::Template(id);
    if first && let Some(found) = adopt(db, project, id, &answer.text).await? {
        let event = applied(project, row, status, found);
        review_events::add(db, &event, now).await?;
    } else {
        let after = After {
            vendor_id: template_id,
            name: described.name,
            status,
            reason: &answer.reason,
            words: &answer.text,
        };
        write_down(app, db, project, row, before.as_ref(), &after, by).await?;
    }
    Ok(Seen { row, status })
}

fn applied(
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

/// A template that was imported may be the one whose application had no answer: then that one is
/// settled.
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
    let since = before.filter(|one| one.status == status).map_or(now, |one| one.changed_at);
    now + next_look(status, now - since, app.pace.review_poll, now)
}

async fn write_down(
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
    if known.words != after.words {
        review_events::add(db, &event(Event::ChangedByVendor, &known.words), now).await?;
    }
    let reworded = after.status == ReviewStatus::Rejected && known.reason != after.reason;
    if known.status != after.status || reworded {
        review_events::add(db, &event(Event::Status, ""), now).await?;
        notifications::review_changed(app, db, project, after.change(row)).await?;
    }
    Ok(())
}

/// What is under review that is asked about in one turn.
const OPEN_A_TURN: i64 = 6;
/// The rest, which can wait: it must not crowd out what is under review, nor sending.
const SETTLED_A_TURN: i64 = 2;
/// One that could not be asked about, or whose process died, has its next turn after this.
const TURN_AGAIN: Duration = Duration::minutes(5);

/// Asks about what is due: under review, and now and then the rest. Answers how many that are under
/// review were asked about.
pub async fn run_once(app: &App) -> sqlx::Result<usize> {
    let now = app.clock.now();
    let mut open = Vec::new();
    let mut settled = Vec::new();
    for subject in [Subject::Signature, Subject::Template] {
        open.extend(
            reviewed::take_due(&app.db, subject, true, OPEN_A_TURN, TURN_AGAIN, now).await?,
        );
        settled.extend(
            reviewed::take_due(&app.db, subject, false, SETTLED_A_TURN, TURN_AGAIN, now).await?,
        );
    }
    join_all(open.iter().chain(&settled).map(|due| ask(app, due))).await;
    Ok(open.len())
}

async fn ask(app: &App, due: &Due) {
    let looked = match due.row {
        Row::Signature(_) => look_up_signature(app, due.project, &due.vendor_id, None).await,
        Row::Template(_) => look_up_template(app, due.project, &due.vendor_id, None).await,
    };
    match looked {
        Ok(_) => {}
        Err(error) if error.says_missing() => {
            if let Err(error) = missing(app, due).await {
                warn!(id = due.vendor_id, %error, "cannot record a missing item");
            }
        }
        Err(error) => info!(id = due.vendor_id, %error, "cannot poll review status; will retry"),
    }
}

/// Waits until the project may call: sending and asking share its rate.
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

/// The vendor does not know it: deleted, as somebody here asked, or gone by itself.
async fn missing(app: &App, due: &Due) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let held = match due.row {
        Row::Signature(_) => signatures::lock(&mut tx, due.project, &due.vendor_id)
            .await?
            .map(|one| (one.content, one.delete_requested_by)),
        Row::Template(_) => sms_templates::lock(&mut tx, due.project, &due.vendor_id)
            .await?
            .map(|one| (one.name, one.delete_requested_by)),
    };
    let Some((name, asked_by)) = held else { return Ok(()) };
    let event = |event| NewEvent {
        project: due.project,
        row: due.row,
        event,
        status: None,
        reason: "",
        user: asked_by,
        application: None,
        before: "",
    };
    if asked_by.is_some() {
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

/// Has all signatures or templates of the project asked about again. Answers how many.
pub async fn look_at_all(
    app: &App,
    project: ProjectId,
    subject: Subject,
    by: UserId,
    address: &str,
) -> sqlx::Result<u64> {
    let now = app.clock.now();
    let n = reviewed::look_at_all(&app.db, project, subject, now).await?;
    let mut db = app.db.acquire().await?;
    let entry = audit::Entry {
        project: Some(project),
        user: Some(by),
        action: "reviews_refreshed",
        subject: subject.key(),
        detail: serde_json::json!({ "count": n }),
        address,
    };
    audit::record(&mut db, &entry, now).await?;
    Ok(n)
}

/// Replaces the words that the team does not want to hand in unseen.
pub async fn keep_sensitive_words(
    app: &App,
    project: ProjectId,
    words: &[String],
    by: UserId,
    address: &str,
) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    reviewed::set_sensitive_words(&mut tx, project, words).await?;
    let entry = audit::Entry {
        project: Some(project),
        user: Some(by),
        action: "sensitive_words_kept",
        subject: &project.to_string(),
        detail: serde_json::json!({ "count": words.len() }),
        address,
    };
    audit::record(&mut tx, &entry, app.clock.now()).await?;
    tx.commit().await
}

fn status(number: Option<i64>) -> Result<ReviewStatus, LookupError> {
    number.and_then(ReviewStatus::from_vendor).ok_or(LookupError::Incomplete("Status"))
}
