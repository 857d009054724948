//! Watching over batches that are sending: one whose messages fail too often is paused before more
//! of them leave, and the first of a batch decide about the rest.

use time::{Duration, OffsetDateTime};
use tracing::{info, warn};

use crate::app::App;
use crate::db::batch_transitions::{self, GuardedBatch};
use crate::domain::batch::PauseReason;

/// Looks at every batch that is sending. Answers how many it moved.
pub async fn run_once(app: &App) -> sqlx::Result<usize> {
    let now = app.clock.now();
    let mut moved = 0;
    for one in batch_transitions::guarded_batches(&app.db).await? {
        let done = match judge(&one, now) {
            GuardDecision::Fine => false,
            GuardDecision::FirstLeft => {
                batch_transitions::trial_sent(&app.db, one.batch, now).await?;
                true
            }
            GuardDecision::RestFollows => {
                info!(batch = %one.batch, "trial batch passed; sending the rest");
                app.wake.submit();
                batch_transitions::release_rest(&app.db, one.batch).await?
            }
            GuardDecision::Ask => pause(app, &one, PauseReason::Trial).await?,
            GuardDecision::Surge => {
                warn!(
                    batch = %one.batch,
                    failed = one.failed,
                    known = one.known,
                    "batch paused: too many failures"
                );
                pause(app, &one, PauseReason::Failures).await?
            }
        };
        moved += usize::from(done);
    }
    Ok(moved)
}

/// The numbers are kept with the hold, so that the page can say them later: failed of known.
async fn pause(app: &App, one: &GuardedBatch, pause_reason: PauseReason) -> sqlx::Result<bool> {
    let detail = match pause_reason {
        PauseReason::Trial => format!("{}/{}", one.first_failed, one.first_known),
        _ => format!("{}/{}", one.failed, one.known),
    };
    let mut db = app.db.acquire().await?;
    batch_transitions::pause(&mut db, one.project, one.batch, pause_reason, &detail).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GuardDecision {
    Fine,
    FirstLeft,
    RestFollows,
    Ask,
    Surge,
}

fn judge(one: &GuardedBatch, now: OffsetDateTime) -> GuardDecision {
    let surging = one.known >= i64::from(one.failure_least)
        && one.failed * 100 >= one.known * i64::from(one.failure_percent);
    if surging {
        return GuardDecision::Surge;
    }
    let nothing_yet = one.first == 0 || one.first_open > 0;
    if one.trial_size.is_none() || nothing_yet {
        return GuardDecision::Fine;
    }
    let Some(left_at) = one.trial_sent_at else { return GuardDecision::FirstLeft };
    let all_known = one.first_known == one.first;
    let waited = now >= left_at + Duration::seconds(i64::from(one.trial_wait_seconds));
    if !all_known && !waited {
        return GuardDecision::Fine;
    }
    match one.trial_failure_percent {
        Some(percent) if one.first_in_doubt == 0 && one.first_known > 0 => {
            let well = one.first_failed * 100 <= one.first_known * i64::from(percent);
            if well { GuardDecision::RestFollows } else { GuardDecision::Ask }
        }
        Some(_) | None => GuardDecision::Ask,
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
    fn a_surge_needs_both_its_share_and_its_number() {
        let judged = |known, failed| judge(&GuardedBatch { known, failed, ..batch() }, NOW);
        assert_eq!(judged(199, 199), GuardDecision::Fine);
        assert_eq!(judged(200, 59), GuardDecision::Fine);
        assert_eq!(judged(200, 60), GuardDecision::Surge);
    }

    #[test]
    fn the_rest_waits_for_the_first_and_for_the_time_that_was_set() {
        let first = GuardedBatch { trial_size: Some(100), ..batch() };
        let left =
            GuardedBatch { trial_sent_at: Some(NOW - Duration::minutes(9)), ..first.clone() };
        let open = GuardedBatch { first_open: 1, ..first.clone() };
        assert_eq!(judge(&open, NOW), GuardDecision::Fine);
        assert_eq!(judge(&first, NOW), GuardDecision::FirstLeft);
        assert_eq!(
            judge(&GuardedBatch { first_known: 99, ..left.clone() }, NOW),
            GuardDecision::Fine
        );
        let late = NOW + Duration::minutes(2);
        assert_eq!(
            judge(&GuardedBatch { first_known: 99, ..left.clone() }, late),
            GuardDecision::RestFollows
        );
        assert_eq!(judge(&left, late), GuardDecision::Ask, "nobody knows anything yet");
        let all = GuardedBatch { first_known: 100, ..left };
        assert_eq!(
            judge(&GuardedBatch { first_failed: 5, ..all.clone() }, NOW),
            GuardDecision::RestFollows
        );
        assert_eq!(
            judge(&GuardedBatch { first_failed: 6, ..all.clone() }, NOW),
            GuardDecision::Ask
        );
        assert_eq!(
            judge(&GuardedBatch { first_in_doubt: 1, ..all.clone() }, NOW),
            GuardDecision::Ask
        );
        assert_eq!(
            judge(&GuardedBatch { trial_failure_percent: None, ..all }, NOW),
            GuardDecision::Ask
        );
    }
}
