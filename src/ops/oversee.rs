//! Watching over batches that are sending: one whose messages fail too often is paused before more
//! of them leave, and the first of a batch decide about the rest.

use time::{Duration, OffsetDateTime};
use tracing::{info, warn};

use crate::app::App;
use crate::db::batch_transitions::{self, Overseen};
use crate::domain::batch::Hold;

/// Looks at every batch that is sending. Answers how many it moved.
pub async fn run_once(app: &App) -> sqlx::Result<usize> {
    let now = app.clock.now();
    let mut moved = 0;
    for one in batch_transitions::overseen(&app.db).await? {
        let done = match judge(&one, now) {
            Judgement::Fine => false,
            Judgement::FirstLeft => {
                batch_transitions::canary_left(&app.db, one.batch, now).await?;
                true
            }
            Judgement::RestFollows => {
                info!(batch = %one.batch, "trial batch passed; sending the rest");
                app.wake.submit();
                batch_transitions::let_the_rest_follow(&app.db, one.batch).await?
            }
            Judgement::Ask => pause(app, &one, Hold::Canary).await?,
            Judgement::Surge => {
                warn!(
                    batch = %one.batch,
                    failed = one.failed,
                    known = one.known,
                    "batch paused: too many failures"
                );
                pause(app, &one, Hold::Failures).await?
            }
        };
        moved += usize::from(done);
    }
    Ok(moved)
}

/// The numbers are kept with the hold, so that the page can say them later: failed of known.
async fn pause(app: &App, one: &Overseen, hold: Hold) -> sqlx::Result<bool> {
    let detail = match hold {
        Hold::Canary => format!("{}/{}", one.first_failed, one.first_known),
        _ => format!("{}/{}", one.failed, one.known),
    };
    let mut db = app.db.acquire().await?;
    batch_transitions::pause(&mut db, one.project, one.batch, hold, &detail).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judgement {
    Fine,
    FirstLeft,
    RestFollows,
    Ask,
    Surge,
}

fn judge(one: &Overseen, now: OffsetDateTime) -> Judgement {
    let surging = one.known >= i64::from(one.failure_least)
        && one.failed * 100 >= one.known * i64::from(one.failure_percent);
    if surging {
        return Judgement::Surge;
    }
    let nothing_yet = one.first == 0 || one.first_open > 0;
    if one.canary.is_none() || nothing_yet {
        return Judgement::Fine;
    }
    let Some(left_at) = one.canary_left_at else { return Judgement::FirstLeft };
    let all_known = one.first_known == one.first;
    let waited = now >= left_at + Duration::seconds(i64::from(one.canary_wait_seconds));
    if !all_known && !waited {
        return Judgement::Fine;
    }
    match one.canary_percent {
        Some(percent) if one.first_in_doubt == 0 && one.first_known > 0 => {
            let well = one.first_failed * 100 <= one.first_known * i64::from(percent);
            if well { Judgement::RestFollows } else { Judgement::Ask }
        }
        Some(_) | None => Judgement::Ask,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::domain::ids::{BatchId, ProjectId};

    const NOW: OffsetDateTime = datetime!(2026-11-24 10:00 UTC);

    fn batch() -> Overseen {
        Overseen {
            batch: BatchId(1),
            project: ProjectId(1),
            known: 0,
            failed: 0,
            failure_percent: 30,
            failure_least: 200,
            canary: None,
            canary_wait_seconds: 600,
            canary_percent: Some(5),
            canary_left_at: None,
            first: 100,
            first_open: 0,
            first_in_doubt: 0,
            first_known: 0,
            first_failed: 0,
        }
    }

    #[test]
    fn a_surge_needs_both_its_share_and_its_number() {
        let judged = |known, failed| judge(&Overseen { known, failed, ..batch() }, NOW);
        assert_eq!(judged(199, 199), Judgement::Fine);
        assert_eq!(judged(200, 59), Judgement::Fine);
        assert_eq!(judged(200, 60), Judgement::Surge);
    }

    #[test]
    fn the_rest_waits_for_the_first_and_for_the_time_that_was_set() {
        let first = Overseen { canary: Some(100), ..batch() };
        let left = Overseen { canary_left_at: Some(NOW - Duration::minutes(9)), ..first.clone() };
        let open = Overseen { first_open: 1, ..first.clone() };
        assert_eq!(judge(&open, NOW), Judgement::Fine);
        assert_eq!(judge(&first, NOW), Judgement::FirstLeft);
        assert_eq!(judge(&Overseen { first_known: 99, ..left.clone() }, NOW), Judgement::Fine);
        let late = NOW + Duration::minutes(2);
        assert_eq!(
            judge(&Overseen { first_known: 99, ..left.clone() }, late),
            Judgement::RestFollows
        );
        assert_eq!(judge(&left, late), Judgement::Ask, "nobody knows anything yet");
        let all = Overseen { first_known: 100, ..left };
        assert_eq!(
            judge(&Overseen { first_failed: 5, ..all.clone() }, NOW),
            Judgement::RestFollows
        );
        assert_eq!(judge(&Overseen { first_failed: 6, ..all.clone() }, NOW), Judgement::Ask);
        assert_eq!(judge(&Overseen { first_in_doubt: 1, ..all.clone() }, NOW), Judgement::Ask);
        assert_eq!(judge(&Overseen { canary_percent: None, ..all }, NOW), Judgement::Ask);
    }
}
