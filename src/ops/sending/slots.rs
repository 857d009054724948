//! Waiting for call slots: the console's own calls take the next one, and what people ask for takes those
//! that nothing else needs.

use time::Duration;
use tokio::time::{Instant, sleep};

use super::submit::BURST;
use crate::app::App;
use crate::db::sending::call_slots::{self, Pace};
use crate::domain::ids::ProjectId;
use crate::domain::limits::{LOOK_UP_INTERVAL, MAX_LOOK_UP_WAIT};

/// How long a look-up waits before it tries again to take a slot.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_millis(100);
/// How long an import of several may take: less than proxies wait for an answer.
const MAX_IMPORT_TIME: std::time::Duration = std::time::Duration::from_secs(50);
/// How long each of its calls waits for a slot.
const MAX_IMPORT_WAIT: std::time::Duration = std::time::Duration::from_secs(10);
/// An import takes at most every second slot, so that 500 fit into its time at the usual rate.
const IMPORT_SHARE: i32 = 2;

/// For which slots the calls wait that a person asks for, and until when.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    until: Instant,
    is_import: bool,
}

impl Patience {
    /// Returns that of a look-up, which begins now.
    pub fn of_look_up() -> Self {
        Self { until: Instant::now() + MAX_LOOK_UP_WAIT, is_import: false }
    }

    /// Returns that of a look-up of an import that began at this time.
    pub fn of_import(began: Instant) -> Self {
        let until = (Instant::now() + MAX_IMPORT_WAIT).min(began + MAX_IMPORT_TIME);
        Self { until, is_import: true }
    }

    /// Returns the time between two calls.
    fn interval(self, pace: Pace) -> Duration {
        if self.is_import {
            (pace.interval * IMPORT_SHARE).min(LOOK_UP_INTERVAL)
        } else {
            LOOK_UP_INTERVAL
        }
    }
}

/// Why a look-up has no call slot.
#[derive(Debug, thiserror::Error)]
pub enum NoSlot {
    /// There is none for now that nothing else needs.
    #[error("other calls go first")]
    Busy,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Waits for a call slot of the project: sending and all other calls share its rate.
pub async fn wait(app: &App, project: ProjectId) -> sqlx::Result<()> {
    let pace = Pace { interval: app.pace.call_interval(), burst: BURST };
    loop {
        let mut db = app.db.acquire().await?;
        if call_slots::take(&mut db, project, pace, app.clock.now()).await? {
            return Ok(());
        }
        drop(db);
        sleep(pace.interval.unsigned_abs()).await;
    }
}

/// Waits for a call slot that nothing else needs, for a call that a person asks for.
///
/// # Errors
///
/// [`NoSlot::Busy`] if there is none in time.
pub async fn wait_for_spare(
    app: &App,
    project: ProjectId,
    patience: Patience,
) -> Result<(), NoSlot> {
    let pace = Pace { interval: app.pace.call_interval(), burst: Duration::ZERO };
    let interval = patience.interval(pace);
    loop {
        let mut db = app.db.acquire().await?;
        if call_slots::take_for_look_up(&mut db, project, pace, interval, app.clock.now()).await? {
            return Ok(());
        }
        drop(db);
        if Instant::now() >= patience.until {
            return Err(NoSlot::Busy);
        }
        sleep(RETRY_AFTER.min(interval.unsigned_abs())).await;
    }
}

/// Waits for the next call slot, or for a spare one if a person asks.
///
/// # Errors
///
/// [`NoSlot::Busy`] if there is no spare one in time.
pub async fn wait_for(
    app: &App,
    project: ProjectId,
    patience: Option<Patience>,
) -> Result<(), NoSlot> {
    match patience {
        Some(patience) => wait_for_spare(app, project, patience).await,
        None => Ok(wait(app, project).await?),
    }
}
