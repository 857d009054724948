//! Fetching the vendor's own counts, every morning and on request. The vendor counts whole days up
//! to yesterday, and keeps changing the last few while receipts come.

use time::{Duration, OffsetDateTime};
use tracing::warn;

use crate::app::App;
use crate::db::reporting::vendor_figures::{self, Figures};
use crate::domain::ids::ProjectId;
use crate::domain::period::{day_of, midnight};
use crate::ops::credentials::{self, CredentialsError};
use crate::ops::sending::slots::{self, NoSlot, Patience};
use crate::usms::{CallError, DayFigures};

/// Days that are fetched; the last one is yesterday.
const DAYS: i64 = 30;
/// How long after midnight in China the vendor surely has yesterday's counts.
const MORNING: Duration = Duration::hours(8);
/// How soon fetching is retried after an error.
const RETRY_AFTER: Duration = Duration::hours(1);

/// Why the vendor's counts could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FiguresError {
    /// The project's keys cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A call failed.
    #[error(transparent)]
    Vendor(#[from] CallError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// There was no call slot that nothing else needs.
    #[error("other calls go first")]
    Busy,
}

impl From<NoSlot> for FiguresError {
    fn from(error: NoSlot) -> Self {
        match error {
            NoSlot::Busy => Self::Busy,
            NoSlot::Database(error) => Self::Database(error),
        }
    }
}

/// Fetches the counts of one project that is due. Returns whether there was one.
pub async fn run_once(app: &App) -> Result<bool, FiguresError> {
    let now = app.clock.now();
    let Some(project) = vendor_figures::take_due(&app.db, now, next_morning(now)).await? else {
        return Ok(false);
    };
    if let Err(error) = ask(app, project).await {
        warn!(%project, %error, "cannot fetch UCloud's statistics; will retry");
    }
    Ok(true)
}

/// Fetches and stores the counts of a project now. Returns the number of rows, one per day and
/// country. An error is stored as well.
///
/// # Errors
///
/// [`FiguresError`] if a call failed.
pub async fn ask(app: &App, project: ProjectId) -> Result<usize, FiguresError> {
    fetch_and_store(app, project, false).await
}

/// Does the same because a person asks: all other calls go first.
///
/// # Errors
///
/// [`FiguresError::Busy`] if they leave no call slot for now, another [`FiguresError`] if a call failed.
pub async fn look_up(app: &App, project: ProjectId) -> Result<usize, FiguresError> {
    fetch_and_store(app, project, true).await
}

async fn fetch_and_store(
    app: &App,
    project: ProjectId,
    by_person: bool,
) -> Result<usize, FiguresError> {
    let result = fetch(app, project, by_person).await;
    let now = app.clock.now();
    match result {
        Ok(figures) => {
            let mut tx = app.db.begin().await?;
            vendor_figures::upsert(&mut tx, project, &figures).await?;
            vendor_figures::answered(&mut tx, project, now, next_morning(now)).await?;
            tx.commit().await?;
            Ok(figures.len())
        }
        Err(FiguresError::Busy) => Err(FiguresError::Busy),
        Err(error) => {
            let why = error.to_string();
            vendor_figures::unanswered(&app.db, project, &why, now + RETRY_AFTER).await?;
            Err(error)
        }
    }
}

async fn fetch(
    app: &App,
    project: ProjectId,
    by_person: bool,
) -> Result<Vec<Figures>, FiguresError> {
    let keys = credentials::of(app, project).await?;
    let to = day_of(app.clock.now()) - Duration::DAY;
    let from = to - Duration::days(DAYS - 1);
    let mut figures = Vec::new();
    for domestic in [true, false] {
        // The console's own two calls a day wait for nothing.
        if by_person {
            slots::wait_for_spare(app, project, Patience::of_look_up()).await?;
        }
        for day in app.usms.get_send_statistics(&keys, from, to, domestic).await? {
            add(&mut figures, day, !domestic);
        }
    }
    Ok(figures)
}

/// Adds a row. The vendor returns several rows of a day and country, one for each sub-account.
fn add(figures: &mut Vec<Figures>, row: DayFigures, international: bool) {
    let same = figures.iter_mut().find(|known| {
        known.day == row.day && known.international == international && known.country == row.country
    });
    match same {
        Some(known) => {
            known.sent += row.sent;
            known.delivered += row.delivered;
            known.failed += row.failed;
            known.unknown += row.unknown;
            known.refused += row.refused;
            known.sent_parts += row.sent_parts;
            known.delivered_parts += row.delivered_parts;
            known.failed_parts += row.failed_parts;
            known.unknown_parts += row.unknown_parts;
        }
        None => figures.push(Figures {
            day: row.day,
            international,
            country: row.country,
            sent: row.sent,
            delivered: row.delivered,
            failed: row.failed,
            unknown: row.unknown,
            refused: row.refused,
            sent_parts: row.sent_parts,
            delivered_parts: row.delivered_parts,
            failed_parts: row.failed_parts,
            unknown_parts: row.unknown_parts,
        }),
    }
}

fn next_morning(now: OffsetDateTime) -> OffsetDateTime {
    let today = midnight(day_of(now)) + MORNING;
    if today > now { today } else { today + Duration::DAY }
}
