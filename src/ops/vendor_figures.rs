//! Asking the vendor for its own counts: every morning, and when a person asks. It counts whole days
//! up to yesterday, and goes on changing the last few while receipts come.

use time::{Duration, OffsetDateTime};
use tracing::warn;

use super::credentials::{self, CredentialsError};
use crate::app::App;
use crate::db::vendor_figures::{self, Figures};
use crate::domain::ids::ProjectId;
use crate::domain::period::{day_of, midnight};
use crate::usms::{CallError, DayFigures};

/// Days asked about, the last of which is yesterday.
const DAYS: i64 = 30;
/// When the vendor has yesterday's counts for sure, after midnight in China.
const MORNING: Duration = Duration::hours(8);
/// How soon it is asked again when it did not answer.
const AGAIN_AFTER: Duration = Duration::hours(1);

/// Why the vendor's counts could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FiguresError {
    /// The project's keys.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The vendor.
    #[error(transparent)]
    Vendor(#[from] CallError),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Asks about one project whose turn has come. Answers whether there was one.
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

/// Asks about a project now and keeps the answer: how many days of countries it has. What went wrong
/// is kept as well.
pub async fn ask(app: &App, project: ProjectId) -> Result<usize, FiguresError> {
    let asked = figures(app, project).await;
    let now = app.clock.now();
    match asked {
        Ok(figures) => {
            let mut tx = app.db.begin().await?;
            vendor_figures::keep(&mut tx, project, &figures).await?;
            vendor_figures::answered(&mut tx, project, now, next_morning(now)).await?;
            tx.commit().await?;
            Ok(figures.len())
        }
        Err(error) => {
            let why = error.to_string();
            vendor_figures::unanswered(&app.db, project, &why, now + AGAIN_AFTER).await?;
            Err(error)
        }
    }
}

async fn figures(app: &App, project: ProjectId) -> Result<Vec<Figures>, FiguresError> {
    let keys = credentials::of(app, project).await?;
    let to = day_of(app.clock.now()) - Duration::DAY;
    let from = to - Duration::days(DAYS - 1);
    let mut figures = Vec::new();
    for domestic in [true, false] {
        for one in app.usms.get_send_statistics(&keys, from, to, domestic).await? {
            add(&mut figures, one, !domestic);
        }
    }
    Ok(figures)
}

/// A day and country can come in several rows, one for each sub-account.
fn add(figures: &mut Vec<Figures>, one: DayFigures, international: bool) {
    let same = figures.iter_mut().find(|known| {
        known.day == one.day && known.international == international && known.country == one.country
    });
    match same {
        Some(known) => {
            known.sent += one.sent;
            known.delivered += one.delivered;
            known.failed += one.failed;
            known.unknown += one.unknown;
            known.refused += one.refused;
            known.sent_parts += one.sent_parts;
            known.delivered_parts += one.delivered_parts;
            known.failed_parts += one.failed_parts;
            known.unknown_parts += one.unknown_parts;
        }
        None => figures.push(Figures {
            day: one.day,
            international,
            country: one.country,
            sent: one.sent,
            delivered: one.delivered,
            failed: one.failed,
            unknown: one.unknown,
            refused: one.refused,
            sent_parts: one.sent_parts,
            delivered_parts: one.delivered_parts,
            failed_parts: one.failed_parts,
            unknown_parts: one.unknown_parts,
        }),
    }
}

fn next_morning(now: OffsetDateTime) -> OffsetDateTime {
    let today = midnight(day_of(now)) + MORNING;
    if today > now { today } else { today + Duration::DAY }
}
