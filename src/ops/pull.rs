//! Pulling status reports, for accounts that UCloud opened it for. What is pulled is deleted there:
//! each answer is on disk, as a push is, before the next call is made. Whoever dies between an answer
//! and its commit loses what one call brings; asking by session number finds that again.

use serde_json::json;
use time::Duration;
use tracing::{error, info, warn};

use super::credentials::{self, CredentialsError};
use super::{push_inbox, review};
use crate::app::App;
use crate::db::report_pulls::{self, Turn};
use crate::domain::ids::ProjectId;
use crate::usms::{CallError, MAX_REPORTS_PER_PULL};

/// After errors the next turn comes this late at most.
const MAX_INTERVAL: Duration = Duration::hours(1);
/// How long a lease outlives the longest call.
const SPARE: Duration = Duration::seconds(30);
/// An answer that cannot be kept is tried again this often, a second apart.
const TRIES_TO_KEEP: u32 = 60;

/// Why reports could not be pulled.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The project's keys.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The vendor.
    #[error(transparent)]
    Vendor(#[from] CallError),
}

/// Pulls all there is for one project that is due. Answers whether one was.
pub async fn run_once(app: &App) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let Some(turn) = report_pulls::take(&app.db, now, now + lease(app)).await? else {
        return Ok(false);
    };
    match pull_all(app, turn.project).await {
        Ok(()) => {
            let next = app.clock.now() + app.pace.first_receipt_poll;
            report_pulls::rest(&app.db, turn.project, next).await?;
        }
        Err(PullError::Database(error)) => return Err(error),
        Err(error @ (PullError::Vendor(_) | PullError::Credentials(_))) => {
            let now = app.clock.now();
            let wait = wait_after(app, &turn);
            warn!(project = %turn.project, %error, "cannot pull reports; will retry");
            report_pulls::failed(&app.db, turn.project, &error.to_string(), now, now + wait)
                .await?;
        }
    }
    Ok(true)
}

/// Doubles with every failure.
fn wait_after(app: &App, turn: &Turn) -> Duration {
    let doubled = 2_i32.pow(turn.failures.clamp(0, 16).cast_unsigned());
    (app.pace.first_receipt_poll * doubled).min(MAX_INTERVAL)
}

fn lease(app: &App) -> Duration {
    app.pace.call_timeout + SPARE
}

/// Calls until fewer come than may.
async fn pull_all(app: &App, project: ProjectId) -> Result<(), PullError> {
    loop {
        let keys = credentials::of(app, project).await?;
        review::wait_for_slot(app, project).await?;
        let reports = app.usms.pull_reports(&keys, MAX_REPORTS_PER_PULL).await?;
        let count = reports.len();
        if count > 0 {
            let body = json!({ "MsgType": 2, "Data": reports }).to_string();
            keep(app, project, body.as_bytes()).await?;
            info!(%project, reports = count, "reports pulled");
        }
        let now = app.clock.now();
        let pulled = i64::try_from(count).unwrap_or(0);
        let wanted = report_pulls::brought(&app.db, project, pulled, now, now + lease(app)).await?;
        if count < MAX_REPORTS_PER_PULL || !wanted {
            return Ok(());
        }
    }
}

/// Keeps an answer as a push would be. The vendor has it no more: it is worth a minute of trying.
async fn keep(app: &App, project: ProjectId, body: &[u8]) -> sqlx::Result<()> {
    let mut tries = 0;
    loop {
        match push_inbox::store(app, project, body).await {
            Ok(()) => return Ok(()),
            Err(error) => {
                tries += 1;
                error!(%project, %error, tries, "cannot store pulled reports yet");
                if tries == TRIES_TO_KEEP {
                    return Err(error);
                }
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    }
}
