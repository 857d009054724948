//! Asking for receipts: pushes can be lost for good, so every session whose receipts are not all
//! there is asked about, from seconds to hours after it left, until 72 hours have passed.

use time::Duration;
use tracing::{info, warn};

use super::credentials::{self, CredentialsError};
use super::receive;
use crate::app::App;
use crate::db::receipts::Incoming;
use crate::db::submissions::{self, DuePoll};
use crate::db::{batch_transitions, receipts};
use crate::domain::ids::ProjectId;
use crate::usms::{CallError, MAX_SESSIONS_PER_QUERY};

/// Carriers answer up to this late (USMS manual); what is not known then stays unknown.
pub const GIVE_UP_AFTER: Duration = Duration::hours(72);
/// Questions about one session come no further apart than this.
const LONGEST_INTERVAL: Duration = Duration::hours(4);

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

/// Asks about one project's due sessions, at most as many as one call takes. Answers how many.
pub async fn run_once(app: &App) -> Result<usize, PollError> {
    let now = app.clock.now();
    let most = i64::try_from(MAX_SESSIONS_PER_QUERY).unwrap_or(i64::MAX);
    let due = submissions::take_due_polls(
        &app.db,
        now,
        app.pace.first_receipt_poll,
        LONGEST_INTERVAL,
        most,
    )
    .await?;
    let Some(project) = due.first().map(|one| one.project_id) else { return Ok(0) };
    let asked = ask(app, project, &due).await;
    for one in due.iter().filter(|one| now - one.sent_at >= GIVE_UP_AFTER) {
        give_up(app, one).await?;
    }
    if let Err(error) = &asked {
        warn!(%project, %error, "receipts could not be asked for; the next turn comes later");
    }
    asked?;
    Ok(due.len())
}

async fn ask(app: &App, project: ProjectId, due: &[DuePoll]) -> Result<(), PollError> {
    let sessions: Vec<&str> = due.iter().filter_map(|one| one.session_no.as_deref()).collect();
    if sessions.is_empty() {
        return Ok(());
    }
    let incoming = answers(app, project, &sessions).await?;
    let mut tx = app.db.begin().await?;
    receive::settle(app, &mut tx, project, &incoming, app.clock.now()).await?;
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
    let receipts = app.usms.get_send_receipt(&keys, sessions).await?;
    Ok(receipts.iter().filter_map(receive::read).collect())
}

/// Asks the vendor about a session number that the console does not know, and keeps the answer.
/// Answers how many receipts it brought.
pub async fn look_up(app: &App, project: ProjectId, session_no: &str) -> Result<usize, PollError> {
    let incoming = answers(app, project, &[session_no]).await?;
    let mut tx = app.db.begin().await?;
    receive::settle(app, &mut tx, project, &incoming, app.clock.now()).await?;
    tx.commit().await?;
    Ok(incoming.len())
}

async fn give_up(app: &App, one: &DuePoll) -> Result<(), PollError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(batch) = receipts::give_up(&mut tx, one.id, now).await? {
        batch_transitions::settle(&mut tx, batch, now).await?;
        info!(submission = %one.id, "no receipt in 72 hours: unknown");
    }
    tx.commit().await?;
    Ok(())
}
