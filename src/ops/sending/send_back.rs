//! Sending a batch back, with a reason, instead of approving it: a list becomes a draft again, and an
//! order of a few messages is cancelled.

use serde_json::json;

use super::batch_actions::version_of;
use crate::app::App;
use crate::db::audit;
use crate::db::sending::{batch_transitions, batches, send_backs};
use crate::domain::ids::BatchId;
use crate::domain::sending::batch::BatchState;
use crate::domain::sending::version::Part;
use crate::ops::actor::Actor;
use crate::ops::reporting::notifications::{self, SentBackBatch};

/// The most characters of a reason.
pub const MAX_REASON: usize = 500;

/// The result of sending a batch back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SentBack {
    /// It is a draft again.
    Draft,
    /// It is cancelled; what it would have sent can be ordered again.
    Cancelled,
    /// It does not await approval any more, or is the person's own.
    NotMoved,
    /// The page was out of date in these parts. Nothing was changed.
    OutOfDate(Vec<Part>),
}

/// Sends a batch back that awaits approval, as a person decided by a page of this version.
pub async fn send_back(
    app: &App,
    actor: Actor<'_>,
    batch: BatchId,
    reason: &str,
    version: &str,
) -> sqlx::Result<SentBack> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let is_whole = send_backs::lock_upload(&mut tx, batch).await?;
    if batch_transitions::lock(&mut tx, batch).await? != Some(BatchState::AwaitingApproval) {
        return Ok(SentBack::NotMoved);
    }
    let Some(current) = batches::find(&mut *tx, actor.project, batch).await? else {
        return Ok(SentBack::NotMoved);
    };
    let changes = version_of(&current).changes_since(version);
    if !changes.is_empty() {
        return Ok(SentBack::OutOfDate(changes));
    }
    if current.ordered_by == actor.user {
        return Ok(SentBack::NotMoved);
    }
    let (project, by) = (actor.project, actor.user);
    let to_draft = is_whole && send_backs::to_draft(&mut tx, project, batch, by, now).await?;
    if !to_draft && !batch_transitions::cancel(&mut tx, project, batch, by, now).await? {
        return Ok(SentBack::NotMoved);
    }
    send_backs::record(&mut tx, batch, by, reason, now).await?;
    let state = if to_draft { BatchState::Draft } else { BatchState::Cancelled };
    let entry = audit::Entry {
        project: Some(project),
        user: Some(by),
        action: "batch_sent_back",
        subject: &batch.to_string(),
        detail: json!({ "state": state.key(), "reason": reason, "ordered_by": current.orderer }),
        ip: actor.ip,
    };
    audit::record(&mut tx, &entry, now).await?;
    let sent_back = SentBackBatch {
        id: batch,
        name: &current.name,
        ordered_by: current.ordered_by,
        orderer: &current.orderer,
        reason,
    };
    notifications::batch_sent_back(app, &mut tx, project, sent_back).await?;
    tx.commit().await?;
    app.wake.submit();
    Ok(if to_draft { SentBack::Draft } else { SentBack::Cancelled })
}
