//! Making messages of a confirmed batch's recipients, step by step, each committed with the
//! submissions that carry them. What is not a message yet counts as queued; a process that dies
//! between two steps leaves the rest to another.

use sqlx::PgConnection;

use super::order::MAX_PHONES;
use crate::app::App;
use crate::db::batch_transitions;
use crate::db::recipients::{self, Planned, Unplanned};
use crate::domain::batch::BatchState;
use crate::usms::MAX_PHONES_PER_BATCH;

/// Calls' worth of recipients in one step.
const CALLS_A_STEP: usize = 20;

/// Takes one step for the oldest batch that needs one. Answers whether there was one.
pub async fn run_once(app: &App) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    let Some(of) = recipients::take_unplanned(&mut tx).await? else { return Ok(false) };
    let planned = step(app, &mut tx, &of).await?;
    if planned.last.is_none() {
        recipients::clear_planned(&mut tx, &of).await?;
    }
    let state = recipients::advance(&mut tx, &of, planned).await?;
    if planned.last.is_none() || state == BatchState::Cancelled {
        batch_transitions::close(&mut tx, of.batch, app.clock.now()).await?;
    }
    tx.commit().await?;
    app.wake.submit();
    Ok(true)
}

async fn step(app: &App, db: &mut PgConnection, of: &Unplanned) -> sqlx::Result<Planned> {
    let each = if of.each_own { MAX_PHONES_PER_BATCH } else { MAX_PHONES };
    let rest = i64::try_from(each * CALLS_A_STEP).unwrap_or(i64::MAX);
    let (wave, limit) = match of.trial_size {
        Some(first) if of.planned_to == 0 => (0, i64::from(first)),
        Some(_) | None => (1, rest),
    };
    let each = i64::try_from(each).unwrap_or(i64::MAX);
    recipients::plan(db, of, wave, limit, each, app.clock.now()).await
}
