//! When a batch is sent.

use time::OffsetDateTime;

use crate::db::sending::batches::Batch;
use crate::domain::sending::batch::BatchState;

/// Returns when a batch is sent once it is approved or resumed, if it has a time of its own.
pub(super) fn waits_until(batch: &Batch, now: OffsetDateTime) -> Option<OffsetDateTime> {
    batch.schedule_at.filter(|at| match batch.state {
        BatchState::Scheduled | BatchState::AwaitingApproval => true,
        // Once its time has passed, resuming it asks for another.
        BatchState::Paused => batch.started_at.is_none() && *at > now,
        BatchState::Draft | BatchState::Sending | BatchState::Done | BatchState::Cancelled => false,
    })
}
