//! Do pushes come? When none has for long although receipts are there, because the console asked for
//! them, somebody should know: the address may be registered wrongly, or a door in between is shut.

use time::{Duration, OffsetDateTime};

use super::notifications;
use crate::app::App;
use crate::db::{projects, push_url, report_pulls};
use crate::domain::ids::ProjectId;

/// Pushes are missing after this many first intervals of asking: half an hour of ten seconds.
const INTERVALS: i32 = 180;
/// Older messages say nothing: receipts come up to this late.
const LOOKED_BACK: Duration = Duration::hours(72);

/// Pushes that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// When status reports were pushed last; `None` when never.
    pub last: Option<OffsetDateTime>,
    /// When the first message left whose receipt had to be asked for.
    pub since: OffsetDateTime,
}

/// How long no push may come while receipts do.
pub fn patience(app: &App) -> Duration {
    app.pace.first_receipt_poll * INTERVALS
}

/// Whether the pushes of `project` are missing now. While its reports are pulled, none are missed.
pub async fn gap(app: &App, project: ProjectId) -> sqlx::Result<Option<Gap>> {
    let now = app.clock.now();
    if report_pulls::of(&app.db, project).await?.is_some_and(|pulling| pulling.failures == 0) {
        return Ok(None);
    }
    let mut db = app.db.acquire().await?;
    let last = push_url::last_reports(&mut db, project).await?;
    if last.is_some_and(|last| now - last < patience(app)) {
        return Ok(None);
    }
    let since = push_url::first_unpushed(&mut db, project, last, now - LOOKED_BACK).await?;
    Ok(since.filter(|since| now - *since >= patience(app)).map(|since| Gap { last, since }))
}

/// Looks at every project once, and tells those who wish to be told when pushes begin to be missing
/// and when they are back. Processes that look at the same moment tell it once.
pub async fn run_once(app: &App) -> sqlx::Result<()> {
    for project in projects::all(&app.db).await? {
        let since = gap(app, project.id).await?.map(|gap| gap.since);
        let mut tx = app.db.begin().await?;
        if push_url::set_missing(&mut tx, project.id, since).await? {
            notifications::pushes_changed(app, &mut tx, project.id, since.is_none()).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
