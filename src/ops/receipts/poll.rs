//! Polling receipts: pushes can be lost for good, so every submission with missing receipts is
//! polled, first after seconds and then after hours, until 72 hours have passed.

use time::Duration;
use tracing::{info, warn};

use super::push_inbox;
use crate::app::App;
use crate::db::receipts::receipt_polls::{self, DuePoll};
use crate::db::receipts::reported::Incoming;
use crate::db::receipts::{outcomes, poll_turns};
use crate::db::sending::batch_transitions;
use crate::domain::ids::ProjectId;
use crate::ops::credentials::{self, CredentialsError};
use crate::ops::sending::slots::{self, NoSlot, Patience};
use crate::usms::{CallError, Credentials, MAX_SESSIONS_PER_QUERY};

/// Receipts come up to this late (USMS manual); messages without one are then unknown.
pub const GIVE_UP_AFTER: Duration = Duration::hours(72);
/// The same for a project whose polls fail.
const GIVE_UP_AFTER_FAILURES: Duration = Duration::hours(96);
/// The longest interval between two polls of a submission.
const MAX_INTERVAL: Duration = Duration::hours(4);

/// Why receipts could not be polled.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The project's keys cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The call failed; the submissions are polled again later.
    #[error(transparent)]
    Vendor(#[from] CallError),
    /// A person's look-up found no call slot that nothing else needs.
    #[error("other calls go first")]
    Busy,
}

impl From<NoSlot> for PollError {
    fn from(error: NoSlot) -> Self {
        match error {
            NoSlot::Busy => Self::Busy,
            NoSlot::Database(error) => Self::Database(error),
        }
    }
}

/// Polls due submissions of the next project, at most as many as one call takes. Returns how many.
/// A refused or failed call is not an error, but delays the next poll of the project.
pub async fn run_once(app: &App) -> sqlx::Result<usize> {
    let now = app.clock.now();
    // If this process dies, another one polls the project after this.
    let until = now + app.pace.call_timeout * 2;
    let Some(project) = poll_turns::take(&app.db, now, until).await? else { return Ok(0) };
    let first = app.pace.first_receipt_poll;
    let limit = i64::try_from(MAX_SESSIONS_PER_QUERY).unwrap_or(i64::MAX);
    let due = receipt_polls::take_due(&app.db, project, now, first, MAX_INTERVAL, limit).await?;
    let result = poll(app, project, &due).await;
    let mut tx = app.db.begin().await?;
    match &result {
        Ok(()) => poll_turns::end(&mut tx, project, app.clock.now()).await?,
        Err(error) => {
            let again = poll_turns::fail(&mut tx, project, app.clock.now()).await?;
            receipt_polls::put_off(&mut tx, &due, again).await?;
            warn!(%project, %error, %again, "cannot poll receipts");
        }
    }
    tx.commit().await?;
    let patience = if result.is_ok() { GIVE_UP_AFTER } else { GIVE_UP_AFTER_FAILURES };
    for submission in due.iter().filter(|due| now - due.sent_at >= patience) {
        give_up(app, submission).await?;
    }
    Ok(due.len())
}

async fn poll(app: &App, project: ProjectId, due: &[DuePoll]) -> Result<(), PollError> {
    let sessions: Vec<&str> = due.iter().filter_map(|due| due.session_no.as_deref()).collect();
    if sessions.is_empty() {
        return Ok(());
    }
    let keys = credentials::of(app, project).await?;
    slots::wait(app, project).await?;
    let incoming = fetch(app, &keys, &sessions).await?;
    let mut tx = app.db.begin().await?;
    push_inbox::process(app, &mut tx, project, &incoming, app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Fetches the receipts of these sessions.
async fn fetch(
    app: &App,
    keys: &Credentials,
    sessions: &[&str],
) -> Result<Vec<Incoming>, PollError> {
    let receipts = app.usms.get_send_receipt(keys, sessions).await?;
    Ok(receipts.iter().map(push_inbox::read).collect())
}

/// Fetches and stores the receipts of a session that may not be the console's, as a person asked.
/// Returns how many there were. Sending and the console's own calls go first.
///
/// # Errors
///
/// [`PollError::Busy`] if they leave no call slot for now, another [`PollError`] if the call failed.
pub async fn look_up(app: &App, project: ProjectId, session_no: &str) -> Result<usize, PollError> {
    let keys = credentials::of(app, project).await?;
    slots::wait_for_spare(app, project, Patience::of_look_up()).await?;
    let incoming = fetch(app, &keys, &[session_no]).await?;
    let mut tx = app.db.begin().await?;
    push_inbox::process_of_any_age(app, &mut tx, project, &incoming, app.clock.now()).await?;
    tx.commit().await?;
    Ok(incoming.len())
}

/// Marks the messages without receipt as unknown.
async fn give_up(app: &App, due: &DuePoll) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(batch) = outcomes::give_up(&mut tx, due.id, now).await? {
        batch_transitions::close(&mut tx, batch, now).await?;
        info!(submission = %due.id, "no receipt within 72 hours; marked unknown");
    }
    tx.commit().await
}
