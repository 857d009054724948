//! What the vendor would have counted of the sample data: the same, and now and then a few messages
//! of a program that the console knows nothing of.

use time::Duration;

use crate::app::App;
use crate::db::statistics::{self, Wanted};
use crate::db::vendor_figures::{self, Figures};
use crate::domain::ids::ProjectId;
use crate::domain::span::{day_of, midnight};

/// Keeps figures for all days that are over.
pub async fn keep(app: &App, project: ProjectId, days: i64) -> anyhow::Result<()> {
    let now = app.clock.now();
    let today = midnight(day_of(now));
    let wanted =
        Wanted { project, since: today - Duration::days(days), until: today, others: false };
    let counted = statistics::by_time(&app.db, wanted, true).await?;
    let figures: Vec<Figures> = counted
        .into_iter()
        .map(|(begins, counts)| {
            let (day, tally) = (day_of(begins), counts.tally);
            let unseen = if day.day() % 5 == 0 { 3 } else { 0 };
            Figures {
                day,
                international: false,
                country: "CN".to_owned(),
                sent: tally.sent() + unseen,
                delivered: tally.delivered + unseen,
                failed: tally.failed,
                unknown: tally.sent() - tally.delivered - tally.failed,
                refused: tally.refused,
                sent_parts: tally.sent() + unseen,
                delivered_parts: tally.delivered + unseen,
                failed_parts: tally.failed,
                unknown_parts: tally.sent() - tally.delivered - tally.failed,
            }
        })
        .collect();
    let mut tx = app.db.begin().await?;
    vendor_figures::keep(&mut tx, project, &figures).await?;
    tx.commit().await?;
    Ok(())
}
