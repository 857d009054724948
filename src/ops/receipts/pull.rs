//! Pulling status reports, for accounts for which UCloud has enabled it. The vendor deletes what is
//! pulled, so each response is stored in the push inbox before the next call. A process that dies
//! between a response and its commit loses the reports of one call; polling finds them again.

use serde_json::json;
use time::Duration;
use tracing::{error, info, warn};

use super::push_inbox;
use crate::app::App;
use crate::db::receipts::report_pulls::{self, Turn};
use crate::domain::ids::ProjectId;
use crate::ops::credentials::{self, CredentialsError};
use crate::ops::sending::slots;
use crate::usms::{CallError, MAX_REPORTS_PER_PULL};

/// The longest interval between two pulls after errors.
const MAX_INTERVAL: Duration = Duration::hours(1);
/// How long a lease exceeds the longest call.
const LEASE_MARGIN: Duration = Duration::seconds(30);
/// How often storing a response is attempted, a second apart.
const STORE_ATTEMPTS: u32 = 60;

/// Why reports could not be pulled.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The project's keys cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The call failed.
    #[error(transparent)]
    Vendor(#[from] CallError),
}

/// Pulls all reports of one project that is due. Returns whether there was one.
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

/// Returns the delay after a failure: it doubles with every failure up to [`MAX_INTERVAL`].
fn wait_after(app: &App, turn: &Turn) -> Duration {
    let doubled = 2_i32.pow(turn.failures.clamp(0, 16).cast_unsigned());
    (app.pace.first_receipt_poll * doubled).min(MAX_INTERVAL)
}

fn lease(app: &App) -> Duration {
    app.pace.call_timeout + LEASE_MARGIN
}

/// Calls until a response is not full, or pulling is switched off.
async fn pull_all(app: &App, project: ProjectId) -> Result<(), PullError> {
    loop {
        let keys = credentials::of(app, project).await?;
        slots::wait(app, project).await?;
        let reports = app.usms.pull_reports(&keys, MAX_REPORTS_PER_PULL).await?;
        let count = reports.len();
        if count > 0 {
            let body = json!({ "MsgType": 2, "Data": reports }).to_string();
            store(app, project, body.as_bytes()).await?;
            info!(%project, reports = count, "reports pulled");
        }
        let now = app.clock.now();
        let pulled = i64::try_from(count).unwrap_or(0);
        let enabled =
            report_pulls::brought(&app.db, project, pulled, now, now + lease(app)).await?;
        if count < MAX_REPORTS_PER_PULL || !enabled {
            return Ok(());
        }
    }
}

/// Stores a response like a push. The vendor no longer has these reports, so this is retried for a
/// minute.
async fn store(app: &App, project: ProjectId, body: &[u8]) -> sqlx::Result<()> {
    let mut attempts = 0;
    loop {
        match push_inbox::store(app, project, body).await {
            Ok(()) => return Ok(()),
            Err(error) => {
                attempts += 1;
                error!(%project, %error, tries = attempts, "cannot store pulled reports yet");
                if attempts == STORE_ATTEMPTS {
                    return Err(error);
                }
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    }
}
