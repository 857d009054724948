//! The failure guard of batches that are sending: a batch whose messages fail too often is paused
//! before more are sent, and the results of a trial batch decide about the rest.

use time::{Duration, OffsetDateTime};
use tracing::{info, warn};

use super::pause;
use crate::app::App;
use crate::db::sending::batch_transitions::{self, GuardedBatch};
use crate::domain::sending::batch::PauseReason;

/// Checks every batch that is sending. Returns how many changed.
pub async fn run_once(app: &App) -> sqlx::Result<usize> {
    let now = app.clock.now();
    let mut changed = 0;
    for batch in batch_transitions::guarded_batches(&app.db).await? {
        let has_changed = match decide(&batch, now) {
            GuardDecision::Continue => false,
            GuardDecision::TrialSent => {
                batch_transitions::trial_sent(&app.db, batch.batch, now).await?;
                true
            }
            GuardDecision::SendRest => {
                info!(batch = %batch.batch, "trial batch passed; sending the rest");
                app.wake.submit();
                batch_transitions::release_rest(&app.db, batch.batch).await?
            }
            GuardDecision::AskPerson => pause(app, &batch, PauseReason::Trial).await?,
            GuardDecision::TooManyFailures => {
                warn!(
                    batch = %batch.batch,
                    failed = batch.failed,
                    known = batch.known,
                    "batch paused: too many failures"
                );
                pause(app, &batch, PauseReason::Failures).await?
            }
        };
        changed += usize::from(has_changed);
    }
    Ok(changed)
}

/// Pauses a batch, and stores the numbers of the decision for the page: failed of known messages.
async fn pause(app: &App, batch: &GuardedBatch, pause_reason: PauseReason) -> sqlx::Result<bool> {
    let detail = match pause_reason {
        PauseReason::Trial => format!("{}/{}", batch.first_failed, batch.first_known),
        _ => format!("{}/{}", batch.failed, batch.known),
    };
    let mut tx = app.db.begin().await?;
    let moved =
        pause::pause(app, &mut tx, batch.project, batch.batch, pause_reason, &detail).await?;
    tx.commit().await?;
    Ok(moved)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GuardDecision {
    /// Nothing to do.
    Continue,
    /// The trial batch has been submitted: its waiting time begins.
    TrialSent,
    /// The trial batch passed: send the rest.
    SendRest,
    /// A person has to decide about the rest.
    AskPerson,
    /// Too many failures: pause.
    TooManyFailures,
}

fn decide(batch: &GuardedBatch, now: OffsetDateTime) -> GuardDecision {
    let too_many_failures = batch.known >= i64::from(batch.failure_least)
        && batch.failed * 100 >= batch.known * i64::from(batch.failure_percent);
    if too_many_failures {
        return GuardDecision::TooManyFailures;
    }
    let trial_not_sent = batch.first == 0 || batch.first_open > 0;
    if batch.trial_size.is_none() || trial_not_sent {
        return GuardDecision::Continue;
    }
    let Some(sent_at) = batch.trial_sent_at else { return GuardDecision::TrialSent };
    let all_known = batch.first_known == batch.first;
    let wait_is_over = now >= sent_at + Duration::seconds(i64::from(batch.trial_wait_seconds));
    if !all_known && !wait_is_over {
        return GuardDecision::Continue;
    }
    match batch.trial_failure_percent {
        Some(percent) if batch.first_in_doubt == 0 && batch.first_known > 0 => {
            let passed = batch.first_failed * 100 <= batch.first_known * i64::from(percent);
            if passed { GuardDecision::SendRest } else { GuardDecision::AskPerson }
        }
        Some(_) | None => GuardDecision::AskPerson,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::domain::ids::{BatchId, ProjectId};

    const NOW: OffsetDateTime = datetime!(2026-11-24 10:00 UTC);

    fn batch() -> GuardedBatch {
        GuardedBatch {
            batch: BatchId(1),
            project: ProjectId(1),
            known: 0,
            failed: 0,
            failure_percent: 30,
            failure_least: 200,
            trial_size: None,
            trial_wait_seconds: 600,
            trial_failure_percent: Some(5),
            trial_sent_at: None,
            first: 100,
            first_open: 0,
            first_in_doubt: 0,
            first_known: 0,
            first_failed: 0,
        }
    }

    #[test]
    fn too_many_failures_need_both_a_share_and_a_number() {
        let decision = |known, failed| decide(&GuardedBatch { known, failed, ..batch() }, NOW);
        assert_eq!(decision(199, 199), GuardDecision::Continue);
        assert_eq!(decision(200, 59), GuardDecision::Continue);
        assert_eq!(decision(200, 60), GuardDecision::TooManyFailures);
    }

    #[test]
    fn the_rest_waits_for_the_trial_batch_and_its_waiting_time() {
        let first = GuardedBatch { trial_size: Some(100), ..batch() };
        let left =
            GuardedBatch { trial_sent_at: Some(NOW - Duration::minutes(9)), ..first.clone() };
        let open = GuardedBatch { first_open: 1, ..first.clone() };
        assert_eq!(decide(&open, NOW), GuardDecision::Continue);
        assert_eq!(decide(&first, NOW), GuardDecision::TrialSent);
        assert_eq!(
            decide(&GuardedBatch { first_known: 99, ..left.clone() }, NOW),
            GuardDecision::Continue
        );
        let late = NOW + Duration::minutes(2);
        assert_eq!(
            decide(&GuardedBatch { first_known: 99, ..left.clone() }, late),
            GuardDecision::SendRest
        );
        assert_eq!(decide(&left, late), GuardDecision::AskPerson, "no outcome is known yet");
        let all = GuardedBatch { first_known: 100, ..left };
        assert_eq!(
            decide(&GuardedBatch { first_failed: 5, ..all.clone() }, NOW),
            GuardDecision::SendRest
        );
        assert_eq!(
            decide(&GuardedBatch { first_failed: 6, ..all.clone() }, NOW),
            GuardDecision::AskPerson
        );
        assert_eq!(
            decide(&GuardedBatch { first_in_doubt: 1, ..all.clone() }, NOW),
            GuardDecision::AskPerson
        );
        assert_eq!(
            decide(&GuardedBatch { trial_failure_percent: None, ..all }, NOW),
            GuardDecision::AskPerson
        );
    }
}
