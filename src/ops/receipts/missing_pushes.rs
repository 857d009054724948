//! Detecting missing pushes. When none has come for long although polling brings receipts, people
//! are notified: the push URL may be registered wrongly, or a firewall may block it.

use time::{Duration, OffsetDateTime};

use crate::app::App;
use crate::db::projects;
use crate::db::receipts::{push_url, report_pulls};
use crate::domain::ids::ProjectId;
use crate::ops::reporting::notifications;

/// Pushes are missing after this many intervals of the first poll: half an hour at ten seconds.
const INTERVALS: i32 = 180;
/// Older messages prove nothing: receipts come up to this late.
const LOOK_BACK: Duration = Duration::hours(72);

/// A gap in the pushes of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// When status reports were last pushed; `None` if never.
    pub last: Option<OffsetDateTime>,
    /// When the first message was sent whose receipt had to be polled.
    pub since: OffsetDateTime,
}

/// Returns how long pushes may be absent while polling brings receipts.
pub fn patience(app: &App) -> Duration {
    app.pace.first_receipt_poll * INTERVALS
}

/// Returns the current gap in the pushes of `project`. There is none while its reports are pulled.
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
    let since = push_url::first_unpushed(&mut db, project, last, now - LOOK_BACK).await?;
    Ok(since.filter(|since| now - *since >= patience(app)).map(|since| Gap { last, since }))
}

/// Checks every project once, and notifies people when pushes begin to be missing and when they are
/// back. Processes that check at the same time notify once.
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
