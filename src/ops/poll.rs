//! Asking for receipts: pushes can be lost for good, so every session whose receipts are not all
//! there is asked about, from seconds to hours after it left, until 72 hours have passed.

use time::Duration;
use tracing::{info, warn};

use super::credentials::{self, CredentialsError};
use super::{push_inbox, review};
use crate::app::App;
use crate::db::receipt_polls::{self, DuePoll};
use crate::db::receipts::Incoming;
use crate::db::{batch_transitions, poll_turns, receipts};
use crate::domain::ids::ProjectId;
use crate::usms::{CallError, MAX_SESSIONS_PER_QUERY};

/// Carriers answer up to this late (USMS manual); what is not known then stays unknown.
pub const GIVE_UP_AFTER: Duration = Duration::hours(72);
/// The same for a project whose questions are not answered at all.
const GIVE_UP_UNHEARD: Duration = Duration::hours(96);
/// Questions about one session come no further apart than this.
const MAX_INTERVAL: Duration = Duration::hours(4);

/// Why receipts could not be asked for.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The project's keys.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The vendor; the sessions have their next turn later.
    #[error(transparent)]
    Vendor(#[from] CallError),
}

/// Asks about the due sessions of the project whose turn it is, at most as many as one call takes.
/// Answers how many. What the vendor or the keys refuse makes this project wait, and is no error.
pub async fn run_once(app: &App) -> sqlx::Result<usize> {
    let now = app.clock.now();
    // A process that dies with a turn of its own has it taken by another after this.
    let until = now + app.pace.call_timeout * 2;
    let Some(project) = poll_turns::take(&app.db, now, until).await? else { return Ok(0) };
    let (first, most) = (app.pace.first_receipt_poll, MAX_SESSIONS_PER_QUERY);
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let due = receipt_polls::take_due(&app.db, project, now, first, MAX_INTERVAL, most).await?;
    let asked = ask(app, project, &due).await;
    let mut tx = app.db.begin().await?;
    match &asked {
        Ok(()) => poll_turns::end(&mut tx, project, app.clock.now()).await?,
        Err(error) => {
            let again = poll_turns::fail(&mut tx, project, app.clock.now()).await?;
            receipt_polls::put_off(&mut tx, &due, again).await?;
            warn!(%project, %error, %again, "cannot poll receipts");
        }
    }
    tx.commit().await?;
    let patience = if asked.is_ok() { GIVE_UP_AFTER } else { GIVE_UP_UNHEARD };
    for one in due.iter().filter(|one| now - one.sent_at >= patience) {
        give_up(app, one).await?;
    }
    Ok(due.len())
}

async fn ask(app: &App, project: ProjectId, due: &[DuePoll]) -> Result<(), PollError> {
    let sessions: Vec<&str> = due.iter().filter_map(|one| one.session_no.as_deref()).collect();
    if sessions.is_empty() {
        return Ok(());
    }
    let incoming = answers(app, project, &sessions).await?;
    let mut tx = app.db.begin().await?;
    push_inbox::process(app, &mut tx, project, &incoming, app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// What the vendor knows of these sessions now.
async fn answers(
    app: &App,
    project: ProjectId,
    sessions: &[&str],
) -> Result<Vec<Incoming>, PollError> {
    let keys = credentials::of(app, project).await?;
    review::wait_for_slot(app, project).await?;
    let receipts = app.usms.get_send_receipt(&keys, sessions).await?;
    Ok(receipts.iter().map(push_inbox::read).collect())
}

/// Asks the vendor about a session number that the console does not know, and keeps the answer.
/// Answers how many receipts it brought.
pub async fn look_up(app: &App, project: ProjectId, session_no: &str) -> Result<usize, PollError> {
    let incoming = answers(app, project, &[session_no]).await?;
    let mut tx = app.db.begin().await?;
    push_inbox::process_of_any_age(app, &mut tx, project, &incoming, app.clock.now()).await?;
    tx.commit().await?;
    Ok(incoming.len())
}

async fn give_up(app: &App, one: &DuePoll) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(batch) = receipts::give_up(&mut tx, one.id, now).await? {
        batch_transitions::close(&mut tx, batch, now).await?;
        info!(submission = %one.id, "no receipt within 72 hours; marked unknown");
    }
    tx.commit().await
}
