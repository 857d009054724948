//! Pausing a batch for a reason that needs a person, who is notified of it.

use sqlx::PgConnection;

use super::notifications;
use crate::app::App;
use crate::db::{batch_transitions, batches};
use crate::domain::batch::PauseReason;
use crate::domain::ids::{BatchId, ProjectId};

/// Pauses a batch that is sending or scheduled, and queues the notification in the same
/// transaction. Returns whether it was not paused already.
pub(super) async fn pause(
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
