//! A person's word on a batch: pause, resume, call off, approve, and what to do about doubt. Each is
//! audited in the transaction that does it.

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::app::App;
use crate::db::{audit, batch_transitions, submissions};
use crate::domain::batch::PauseReason;
use crate::domain::ids::{BatchId, ProjectId, SubmissionId, UserId};

/// Who says it, of what.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// The project.
    pub project: ProjectId,
    /// The batch.
    pub batch: BatchId,
    /// The person.
    pub by: UserId,
    /// The address they say it from.
    pub address: &'a str,
}

/// What can be said of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing more leaves until somebody resumes it.
    Pause,
    /// Goes on.
    Resume,
    /// What has not left is called off.
    Cancel,
    /// A second person's yes.
    Approve,
    /// Another time for what has not begun.
    Reschedule(OffsetDateTime),
}

/// Takes a step. Answers whether the batch moved: it may have ended, or somebody was quicker, or
/// the person who ordered it tried to approve it.
pub async fn take(app: &App, actor: Actor<'_>, step: Step) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let moved = match step {
        Step::Pause => pause(&mut tx, actor).await?,
        Step::Resume => batch_transitions::resume(&mut tx, actor.project, actor.batch, now).await?,
        Step::Cancel => {
            batch_transitions::cancel(&mut tx, actor.project, actor.batch, actor.by, now).await?
        }
        Step::Approve => {
            batch_transitions::approve(&mut tx, actor.project, actor.batch, actor.by, now).await?
        }
        Step::Reschedule(at) => {
            batch_transitions::reschedule(&mut tx, actor.project, actor.batch, at).await?
        }
    };
    if !moved {
        return Ok(false);
    }
    let action = match step {
        Step::Pause => "batch_paused",
        Step::Resume => "batch_resumed",
        Step::Cancel => "batch_cancelled",
        Step::Approve => "batch_approved",
        Step::Reschedule(_) => "batch_rescheduled",
    };
    let detail = match step {
        Step::Reschedule(at) => json!({ "at": at.unix_timestamp() }),
        Step::Pause | Step::Resume | Step::Cancel | Step::Approve => json!({}),
    };
    note(&mut tx, actor, action, detail, now).await?;
    tx.commit().await?;
    app.wake.submit();
    Ok(true)
}

async fn pause(db: &mut PgConnection, actor: Actor<'_>) -> sqlx::Result<bool> {
    batch_transitions::pause(db, actor.project, actor.batch, PauseReason::Person, "").await
}

/// What can be said of a submission in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It counts as sent; receipts are awaited.
    TreatAsSent,
    /// It goes out again, at the risk of a second text.
    SendAgain,
}

/// Decides submissions in doubt. Answers how many still were.
pub async fn decide(
    app: &App,
    actor: Actor<'_>,
    submissions: &[SubmissionId],
    decision: Decision,
) -> sqlx::Result<usize> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let mut decided = 0;
    for id in submissions {
        let moved = match decision {
            Decision::TreatAsSent => {
                submissions::treat_as_sent(&mut tx, actor.project, actor.batch, *id, now).await?
            }
            Decision::SendAgain => {
                submissions::send_again(&mut tx, actor.project, actor.batch, *id, now).await?
            }
        };
        if moved {
            decided += 1;
            let action = match decision {
                Decision::TreatAsSent => "doubt_treated_as_sent",
                Decision::SendAgain => "doubt_sent_again",
            };
            let detail = json!({ "submission": id.to_string() });
            note(&mut tx, actor, action, detail, now).await?;
        }
    }
    match decision {
        Decision::TreatAsSent => {}
        Decision::SendAgain => batch_transitions::reopen(&mut tx, actor.batch).await?,
    }
    batch_transitions::close(&mut tx, actor.batch, now).await?;
    tx.commit().await?;
    app.wake.submit();
    Ok(decided)
}

async fn note(
    db: &mut PgConnection,
    actor: Actor<'_>,
    action: &str,
    detail: Value,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.by),
        action,
        subject: &actor.batch.to_string(),
        detail,
        address: actor.address,
    };
    audit::record(db, &entry, now).await
}
