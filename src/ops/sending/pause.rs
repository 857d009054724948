//! Pausing a batch for a reason that needs a person, who is notified of it.

use sqlx::PgConnection;
use time::Duration;

use crate::app::App;
use crate::db::sending::{batch_transitions, batches};
use crate::domain::ids::{BatchId, ProjectId};
use crate::domain::sending::batch::PauseReason;
use crate::ops::reporting::notifications;

/// Pauses the batches whose time was missed by more than `grace`, and queues the notifications. Returns how
/// many there were.
pub async fn pause_missed(app: &App, grace: Duration) -> sqlx::Result<usize> {
    let mut tx = app.db.begin().await?;
    let missed = batch_transitions::pause_missed(&mut tx, app.clock.now(), grace).await?;
    for (project, batch) in &missed {
        if let Some(batch) = batches::find(&mut *tx, *project, *batch).await? {
            let reason = PauseReason::MissedSchedule;
            notifications::batch_paused(app, &mut tx, *project, &batch, reason).await?;
        }
    }
    tx.commit().await?;
    Ok(missed.len())
}

/// Pauses a batch that is sending or scheduled, and queues the notification in the same
/// transaction. Returns whether it was not paused already.
pub(in crate::ops) async fn pause(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    pause_reason: PauseReason,
    detail: &str,
) -> sqlx::Result<bool> {
    if !batch_transitions::pause(db, project, batch, pause_reason, detail).await? {
        return Ok(false);
    }
    if let Some(batch) = batches::find(&mut *db, project, batch).await? {
        notifications::batch_paused(app, db, project, &batch, pause_reason).await?;
    }
    Ok(true)
}
