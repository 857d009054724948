//! What a person does to a batch: pause, resume, cancel, approve, reschedule, and resolve
//! submissions in doubt. Each action is audited in its transaction.

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::actor::Actor;
use crate::app::App;
use crate::db::{audit, batch_transitions, submissions};
use crate::domain::batch::PauseReason;
use crate::domain::ids::{BatchId, SubmissionId};

/// An action on a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchAction {
    /// Stops sending until somebody resumes it.
    Pause,
    /// Continues a paused batch.
    Resume,
    /// Cancels the messages that are still queued.
    Cancel,
    /// Approves it, as a second person.
    Approve,
    /// Changes the time of a batch that has not started.
    Reschedule(OffsetDateTime),
}

/// Carries out an action. Returns false if the state of the batch does not allow it, for example
/// because another person was faster, or if the person who ordered the batch tries to approve it.
pub async fn take(
    app: &App,
    actor: Actor<'_>,
    batch: BatchId,
    action: BatchAction,
) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let changed = match action {
        BatchAction::Pause => pause(&mut tx, actor, batch).await?,
        BatchAction::Resume => {
            batch_transitions::resume(&mut tx, actor.project, batch, now).await?
        }
        BatchAction::Cancel => {
            batch_transitions::cancel(&mut tx, actor.project, batch, actor.user, now).await?
        }
        BatchAction::Approve => {
            batch_transitions::approve(&mut tx, actor.project, batch, actor.user, now).await?
        }
        BatchAction::Reschedule(at) => {
            batch_transitions::reschedule(&mut tx, actor.project, batch, at).await?
        }
    };
    if !changed {
        return Ok(false);
    }
    let name = match action {
        BatchAction::Pause => "batch_paused",
        BatchAction::Resume => "batch_resumed",
        BatchAction::Cancel => "batch_cancelled",
        BatchAction::Approve => "batch_approved",
        BatchAction::Reschedule(_) => "batch_rescheduled",
    };
    let detail = match action {
        BatchAction::Reschedule(at) => json!({ "at": at.unix_timestamp() }),
        BatchAction::Pause | BatchAction::Resume | BatchAction::Cancel | BatchAction::Approve => {
            json!({})
        }
    };
    record(&mut tx, actor, batch, name, detail, now).await?;
    tx.commit().await?;
    app.wake.submit();
    Ok(true)
}

async fn pause(db: &mut PgConnection, actor: Actor<'_>, batch: BatchId) -> sqlx::Result<bool> {
    batch_transitions::pause(db, actor.project, batch, PauseReason::Person, "").await
}

/// How to resolve a submission in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It counts as submitted; its receipts are waited for.
    TreatAsSent,
    /// It is sent again, at the risk of sending its texts twice.
    SendAgain,
}

/// Resolves submissions in doubt. Returns how many still were in doubt.
pub async fn decide(
    app: &App,
    actor: Actor<'_>,
    batch: BatchId,
    submissions: &[SubmissionId],
    decision: Decision,
) -> sqlx::Result<usize> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let mut resolved = 0;
    for id in submissions {
        let changed = match decision {
            Decision::TreatAsSent => {
                submissions::treat_as_sent(&mut tx, actor.project, batch, *id, now).await?
            }
            Decision::SendAgain => {
                submissions::send_again(&mut tx, actor.project, batch, *id, now).await?
            }
        };
        if changed {
            resolved += 1;
            let action = match decision {
                Decision::TreatAsSent => "doubt_treated_as_sent",
                Decision::SendAgain => "doubt_sent_again",
            };
            let detail = json!({ "submission": id.to_string() });
            record(&mut tx, actor, batch, action, detail, now).await?;
        }
    }
    match decision {
        Decision::TreatAsSent => {}
        Decision::SendAgain => batch_transitions::reopen(&mut tx, batch).await?,
    }
    batch_transitions::close(&mut tx, batch, now).await?;
    tx.commit().await?;
    app.wake.submit();
    Ok(resolved)
}

async fn record(
    db: &mut PgConnection,
    actor: Actor<'_>,
    batch: BatchId,
    action: &str,
    detail: Value,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action,
        subject: &batch.to_string(),
        detail,
        ip: actor.ip,
    };
    audit::record(db, &entry, now).await
}
