//! What a person does to a batch: pause, resume, cancel, approve, reschedule, and resolve
//! submissions in doubt. Each action is audited in its transaction.

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::budgets::{self, BudgetError, Soft};
use crate::app::App;
use crate::db::audit;
use crate::db::sending::batch_transitions::Move;
use crate::db::sending::batches::{self, Batch};
use crate::db::sending::submissions::Stopped;
use crate::db::sending::{batch_transitions, submissions};
use crate::domain::ids::{BatchId, SubmissionId};
use crate::domain::sending::batch::{BatchState, PauseReason};
use crate::domain::sending::budget::OverBudget;
use crate::domain::sending::version::{self, Version};
use crate::ops::actor::Actor;
use crate::ops::reporting::notifications;

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
    /// Changes the time of a batch that has not started. A time that is not to come sends it at once.
    Reschedule(OffsetDateTime),
}

/// The result of an action on a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// The batch has this state now.
    Moved(BatchState),
    /// It was paused or cancelled. Calls for this many of its messages are under way, which may
    /// still arrive.
    Stopped(i64),
    /// There was nothing left to pause or cancel: every message had left.
    TooLate,
    /// The state of the batch did not allow it, for example because another person was faster, or
    /// the person who ordered the batch tried to approve it.
    NotMoved,
    /// A budget does not allow it on the day on which the messages would leave. Nothing was changed.
    OverBudget(Box<OverBudget>),
    /// The person decided by a page that was out of date in these parts. Nothing was changed.
    OutOfDate(Vec<version::Part>),
}

/// What a person decided by, and what they may do.
#[derive(Debug, Clone, Copy, Default)]
pub struct DecidedBy<'a> {
    /// The version of the page, for actions that start messages.
    pub version: Option<&'a str>,
    /// Whether the person may approve batches.
    pub may_approve: bool,
}

/// Returns the version of what a page shows of a batch that has not started.
pub fn version_of(batch: &Batch) -> Version {
    Version::default()
        .with(version::Part::Recipients, &format!("{} {}", batch.total, batch.parts))
        .with(
            version::Part::Template,
            &format!("{} {}", batch.vendor_template_id, batch.template_text),
        )
        .with(version::Part::Signature, &batch.sig_content)
        .with(
            version::Part::Time,
            &format!("{:?}", batch.schedule_at.map(|at| at.unix_timestamp())),
        )
}

/// Carries out an action. Returns whether it had an effect.
pub async fn take(
    app: &App,
    actor: Actor<'_>,
    batch: BatchId,
    action: BatchAction,
) -> sqlx::Result<bool> {
    let taken = take_decided(app, actor, batch, action, DecidedBy::default()).await?;
    Ok(matches!(taken, Taken::Moved(_) | Taken::Stopped(_)))
}

/// Carries out an action that a person has decided by a page.
pub async fn take_decided(
    app: &App,
    actor: Actor<'_>,
    batch: BatchId,
    action: BatchAction,
    decided_by: DecidedBy<'_>,
) -> sqlx::Result<Taken> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(posted) = decided_by.version {
        if batch_transitions::lock(&mut tx, batch).await?.is_none() {
            return Ok(Taken::NotMoved);
        }
        let Some(current) = batches::find(&mut *tx, actor.project, batch).await? else {
            return Ok(Taken::NotMoved);
        };
        let changes = version_of(&current).changes_since(posted);
        if !changes.is_empty() {
            return Ok(Taken::OutOfDate(changes));
        }
    }
    let before = batches::find(&mut *tx, actor.project, batch).await?.map(|batch| batch.state);
    let taken = change(&mut tx, actor, batch, action, decided_by.may_approve, now).await?;
    if !matches!(taken, Taken::Moved(_) | Taken::Stopped(_)) {
        return Ok(taken);
    }
    match move_reservation(app, &mut tx, actor, batch, (action, &taken), decided_by.may_approve)
        .await
    {
        Ok(()) => {}
        // What was changed is rolled back.
        Err(BudgetError::Over(over)) => return Ok(Taken::OverBudget(over)),
        Err(BudgetError::Database(error)) => return Err(error),
    }
    let name = match action {
        BatchAction::Pause => "batch_paused",
        BatchAction::Resume => "batch_resumed",
        BatchAction::Cancel => "batch_cancelled",
        BatchAction::Approve => "batch_approved",
        BatchAction::Reschedule(_) => "batch_rescheduled",
    };
    let Some(moved) = batches::find(&mut *tx, actor.project, batch).await? else {
        return Ok(Taken::NotMoved);
    };
    let mut detail = json!({ "state": moved.state.key() });
    match action {
        BatchAction::Reschedule(at) => detail["at"] = json!(at.unix_timestamp()),
        BatchAction::Cancel => {
            let Stopped { cancelled, under_way } = submissions::stopped(&mut *tx, batch).await?;
            detail["cancelled"] = json!(cancelled);
            detail["under_way"] = json!(under_way);
        }
        BatchAction::Pause | BatchAction::Resume | BatchAction::Approve => {}
    }
    // Whoever decided on a batch has cancelled or approved it.
    if let Some(approver) = moved.decider.filter(|_| moved.state != BatchState::Cancelled) {
        detail["approved_by"] = json!(approver);
    }
    record(&mut tx, actor, batch, name, detail, now).await?;
    let awaits = BatchState::AwaitingApproval;
    if taken == Taken::Moved(awaits) && before != Some(awaits) {
        let (project, name) = (actor.project, &moved.name);
        notifications::batch_awaits_approval(app, &mut tx, project, batch, name).await?;
    }
    tx.commit().await?;
    app.wake.submit();
    Ok(taken)
}

/// Moves what a batch has reserved to the day on which it leaves after an action.
async fn move_reservation(
    app: &App,
    db: &mut PgConnection,
    actor: Actor<'_>,
    batch: BatchId,
    done: (BatchAction, &Taken),
    may_approve: bool,
) -> Result<(), BudgetError> {
    let soft = match done {
        // Whoever approves decides about soft budgets too, or is asked to.
        (BatchAction::Approve, _) | (_, Taken::Moved(BatchState::AwaitingApproval)) => {
            Soft::Decided
        }
        (BatchAction::Reschedule(_), _) => Soft::Open,
        (BatchAction::Pause | BatchAction::Resume | BatchAction::Cancel, _) => return Ok(()),
    };
    let Some(moved) = batches::find(&mut *db, actor.project, batch).await? else { return Ok(()) };
    let may_decide = may_approve && moved.ordered_by != actor.user;
    let soft = if may_decide { Soft::Decided } else { soft };
    let day = budgets::leaving_day(moved.purpose, moved.schedule_at, app.clock.now());
    budgets::move_to(app, db, actor.project, batch, day, soft).await
}

/// Changes the state of a batch.
async fn change(
    db: &mut PgConnection,
    actor: Actor<'_>,
    batch: BatchId,
    action: BatchAction,
    may_approve: bool,
    now: OffsetDateTime,
) -> sqlx::Result<Taken> {
    let state = match action {
        BatchAction::Resume | BatchAction::Reschedule(_)
            if !may_resume(db, actor, batch, may_approve).await? =>
        {
            None
        }
        BatchAction::Resume => batch_transitions::resume(db, actor.project, batch, now).await?,
        BatchAction::Approve => {
            batch_transitions::approve(db, actor.project, batch, actor.user, now).await?
        }
        BatchAction::Pause | BatchAction::Cancel => {
            return stop(db, actor, batch, action, now).await;
        }
        BatchAction::Reschedule(at) => {
            let to = Move { at: Some(at).filter(|at| *at > now), by: actor.user, may_approve };
            match batch_transitions::reschedule(db, actor.project, batch, &to, now).await? {
                true => batch_transitions::lock(db, batch).await?,
                false => None,
            }
        }
    };
    Ok(state.map_or(Taken::NotMoved, Taken::Moved))
}

/// Returns whether a person may resume a batch. One that may have been sent before the database went
/// back is sent, perhaps twice, only by somebody who may approve.
async fn may_resume(
    db: &mut PgConnection,
    actor: Actor<'_>,
    batch: BatchId,
    may_approve: bool,
) -> sqlx::Result<bool> {
    let batch = batches::find(db, actor.project, batch).await?;
    let went_back = Some(PauseReason::DatabaseWentBack);
    Ok(may_approve || batch.is_none_or(|batch| batch.pause_reason != went_back))
}

/// Pauses or cancels a batch.
async fn stop(
    db: &mut PgConnection,
    actor: Actor<'_>,
    batch: BatchId,
    action: BatchAction,
    now: OffsetDateTime,
) -> sqlx::Result<Taken> {
    let is_pause = action == BatchAction::Pause;
    let too_late = match batch_transitions::lock(db, batch).await? {
        Some(BatchState::Done) => true,
        Some(BatchState::Sending) => is_pause && !batch_transitions::has_unsent(db, batch).await?,
        Some(
            BatchState::Draft
            | BatchState::AwaitingApproval
            | BatchState::Scheduled
            | BatchState::Paused
            | BatchState::Cancelled,
        )
        | None => false,
    };
    if too_late {
        return Ok(Taken::TooLate);
    }
    let moved = if is_pause {
        batch_transitions::pause(db, actor.project, batch, PauseReason::Person, "").await?
    } else {
        batch_transitions::cancel(db, actor.project, batch, actor.user, now).await?
    };
    if !moved {
        return Ok(Taken::NotMoved);
    }
    Ok(Taken::Stopped(submissions::under_way(db, batch).await?))
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
