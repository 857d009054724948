//! Planning: turning the recipients of a confirmed batch into messages, in steps that are each
//! committed with the submissions of their messages. Recipients that are not messages yet count as
//! queued; if a process dies between two steps, another one continues.

use sqlx::PgConnection;

use crate::app::App;
use crate::db::sending::batch_transitions;
use crate::db::sending::recipients::{self, Planned, Unplanned};
use crate::domain::sending::batch::BatchState;
use crate::domain::sending::outgoing::MAX_PHONES;
use crate::usms::MAX_PHONES_PER_BATCH;

/// Submissions that one step creates.
const SUBMISSIONS_PER_STEP: usize = 20;

/// Plans one step of the oldest batch that is not planned yet. Returns whether there was one.
pub async fn run_once(app: &App) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    let Some(batch) = recipients::take_unplanned(&mut tx, app.in_hand.seen()).await? else {
        return Ok(false);
    };
    let planned = step(app, &mut tx, &batch).await?;
    if planned.last.is_none() {
        recipients::clear_planned(&mut tx, &batch).await?;
    }
    let state = recipients::advance(&mut tx, &batch, planned).await?;
    if planned.last.is_none() || state == BatchState::Cancelled {
        batch_transitions::close(&mut tx, batch.batch, app.clock.now()).await?;
    }
    tx.commit().await?;
    app.wake.submit();
    Ok(true)
}

async fn step(app: &App, db: &mut PgConnection, batch: &Unplanned) -> sqlx::Result<Planned> {
    let per_call = if batch.each_own { MAX_PHONES_PER_BATCH } else { MAX_PHONES };
    let rest = i64::try_from(per_call * SUBMISSIONS_PER_STEP).unwrap_or(i64::MAX);
    let trial = match batch.trial_size {
        Some(size) if batch.planned_to == 0 => {
            i64::from(size) - recipients::trial_messages(db, batch.batch).await?
        }
        Some(_) | None => 0,
    };
    let (wave, limit) = if trial > 0 { (0, trial) } else { (1, rest) };
    let per_call = i64::try_from(per_call).unwrap_or(i64::MAX);
    recipients::plan(db, batch, wave, limit, per_call, app.clock.now()).await
}
