//! Claims: whatever else is planned, claimed or lost, what is claimed is called or put back.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::{PgPool, Postgres, Transaction};
use time::OffsetDateTime;
use usms_console::app::App;
use usms_console::db::sending::claims::Claim;
use usms_console::db::sending::submissions;
use usms_console::domain::ids::{BatchId, SubmissionId};
use usms_console::ops::sending::submit::{self, End};

use super::replies::quiet;
use crate::harness::{CODE, TestConsole, until};

/// Orders a batch with one submission, which is ready.
async fn order_batch(console: &TestConsole) -> BatchId {
    let operator = console.operator().await;
    operator.send(CODE, &["482913", "5"], "18500001234").await;
    sqlx::query_scalar("select id from batches")
        .fetch_one(&console.app.db)
        .await
        .map(BatchId)
        .unwrap()
}

/// Plans another submission of the batch, in a transaction that began a moment ago.
async fn plan(console: &TestConsole, batch: BatchId) -> SubmissionId {
    plan_at(console, batch, OffsetDateTime::now_utc() - time::Duration::seconds(1)).await
}

async fn plan_at(console: &TestConsole, batch: BatchId, began: OffsetDateTime) -> SubmissionId {
    let mut db = console.app.db.acquire().await.unwrap();
    submissions::insert(&mut db, console.project, batch, 1, began).await.unwrap()
}

/// Locks the project's call slot, which every claim waits for.
async fn lock_slot(console: &TestConsole) -> Transaction<'static, Postgres> {
    let mut tx = console.app.db.begin().await.unwrap();
    sqlx::query("insert into call_slots (project_id, next_at) values ($1, now()) on conflict (project_id) do update set next_at = now()")
        .bind(console.project.0)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx
}

async fn waiting_claims(db: &PgPool) -> i64 {
    sqlx::query_scalar(
        r"select count(*) from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'
            and query like '%claim_submission%'",
    )
    .fetch_one(db)
    .await
    .unwrap()
}

async fn in_flight(db: &PgPool) -> BTreeSet<i64> {
    let rows = sqlx::query_scalar("select id from submissions where state = 'in_flight'");
    rows.fetch_all(db).await.unwrap().into_iter().collect()
}

/// Has the process look for lost claims, as after a broken connection.
async fn suspect_a_lost_claim(console: &TestConsole) {
    let until = OffsetDateTime::now_utc() + time::Duration::minutes(1);
    *console.app.in_hand.lost_until.lock().await = Some(until);
}

fn won(claim: Claim) -> Option<SubmissionId> {
    match claim {
        Claim::Won(claimed) => Some(claimed.id),
        Claim::PhonesRemoved | Claim::Nothing => None,
    }
}

/// Claims until nothing is ready. Returns the ids of the claimed submissions.
async fn claim_all(app: App, total: usize) -> Vec<i64> {
    let mut all = Vec::new();
    let mut idle = 0;
    while idle < 200 && all.len() < total {
        match submit::claim(&app).await.unwrap() {
            Claim::Won(claimed) => {
                idle = 0;
                all.push(claimed.id.0);
                let end = End::Taken {
                    session_no: claimed.id.to_string(),
                    request_id: String::new(),
                    ret_code: 0,
                    not_taken: Vec::new(),
                };
                submit::record(&app, &claimed, &end).await.unwrap();
            }
            Claim::PhonesRemoved | Claim::Nothing => {
                idle += 1;
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    }
    all
}

#[sqlx::test]
async fn submissions_planned_during_a_claim_are_claimed_whole(db: PgPool) {
    let console = quiet(&db).await;
    let batch = order_batch(&console).await;
    for round in 0..24 {
        let waiting: i64 =
            sqlx::query_scalar("select min(id) from submissions where state = 'ready'")
                .fetch_one(&db)
                .await
                .unwrap();
        let mut slot = lock_slot(&console).await;
        let app = console.app.clone();
        let claim = tokio::spawn(async move { submit::claim(&app).await.unwrap() });
        until("the claim waits for the slot", async || waiting_claims(&db).await == 1).await;
        // Each round has another order of events between the start of the claim and its choice.
        let planned = match round % 3 {
            0 => {
                let planned = plan(&console, batch).await;
                end(&db, waiting).await;
                planned
            }
            1 => {
                end(&db, waiting).await;
                plan(&console, batch).await
            }
            _ => {
                let sooner = plan(&console, batch).await;
                sqlx::query("update submissions set next_try_at = '2020-01-01' where id = $1")
                    .bind(sooner.0)
                    .execute(&db)
                    .await
                    .unwrap();
                sooner
            }
        };
        sqlx::query("update call_slots set next_at = '2020-01-01'")
            .execute(&mut *slot)
            .await
            .unwrap();
        slot.commit().await.unwrap();
        let claimed = won(claim.await.unwrap());
        assert_eq!(claimed, Some(planned), "round {round}");
        end(&db, planned.0).await;
        end(&db, waiting).await;
        plan(&console, batch).await;
    }
}

/// Ends a submission as if its call had been recorded.
async fn end(db: &PgPool, submission: i64) {
    sqlx::query("update submissions set state = 'accepted', lease_until = null where id = $1")
        .bind(submission)
        .execute(db)
        .await
        .unwrap();
}

#[sqlx::test]
async fn concurrent_claims_and_planning_lose_nothing(db: PgPool) {
    const TOTAL: usize = 600;
    let console = quiet(&db).await;
    let batch = order_batch(&console).await;
    let claiming: Vec<_> =
        (0..3).map(|_| tokio::spawn(claim_all(console.app.clone(), TOTAL))).collect();
    let mut rng = StdRng::seed_from_u64(7);
    for _ in 1..TOTAL {
        // The newest is often the first in the queue.
        let ago = time::Duration::milliseconds(rng.random_range(1_000..3_600_000));
        plan_at(&console, batch, OffsetDateTime::now_utc() - ago).await;
    }
    let mut claimed = Vec::new();
    for task in claiming {
        claimed.extend(task.await.unwrap());
    }
    assert_eq!(
        in_flight(&db).await,
        BTreeSet::new(),
        "no claim is left without a process that knows it"
    );
    let distinct: BTreeSet<i64> = claimed.iter().copied().collect();
    assert_eq!((claimed.len(), distinct.len()), (TOTAL, TOTAL), "each is claimed once");
}

#[sqlx::test]
async fn a_claim_whose_result_was_lost_is_put_back_by_its_own_process_only(db: PgPool) {
    let console = quiet(&db).await;
    order_batch(&console).await;
    let mut slot = lock_slot(&console).await;
    // The connection is dropped while PostgreSQL makes the claim, which is committed all the same.
    let app = console.app.clone();
    let claim = tokio::spawn(async move { submit::claim(&app).await });
    until("the claim waits for the slot", async || waiting_claims(&db).await == 1).await;
    claim.abort();
    assert!(claim.await.unwrap_err().is_cancelled());
    sqlx::query("update call_slots set next_at = '2020-01-01'").execute(&mut *slot).await.unwrap();
    slot.commit().await.unwrap();
    until("the claim is committed", async || in_flight(&db).await.len() == 1).await;

    let other = App { process: uuid::Uuid::new_v4(), ..console.app.clone() };
    assert_eq!(submit::requeue_unknown(&other).await.unwrap(), 0, "not by another process");
    assert_eq!(submit::requeue_unknown(&console.app).await.unwrap(), 1);
    assert_eq!(submit::requeue_unknown(&console.app).await.unwrap(), 0, "once");
    assert!(submit::run_once(&console.app).await.unwrap(), "it is sent");
    assert_eq!(console.accepted().await, (1, 0));
}

#[sqlx::test]
async fn a_claim_that_is_in_use_is_not_put_back(db: PgPool) {
    let console = quiet(&db).await;
    order_batch(&console).await;
    let claimed = won(submit::claim(&console.app).await.unwrap());
    assert!(claimed.is_some());
    suspect_a_lost_claim(&console).await;
    assert_eq!(submit::requeue_unknown(&console.app).await.unwrap(), 0);
    assert_eq!(in_flight(&db).await.len(), 1);
}

#[sqlx::test]
async fn a_submission_that_is_claimed_again_stays_in_hand_when_its_earlier_claim_is_recorded(
    db: PgPool,
) {
    let console = quiet(&db).await;
    order_batch(&console).await;
    let Claim::Won(first) = submit::claim(&console.app).await.unwrap() else { panic!("no claim") };
    submit::record(&console.app, &first, &End::NotBegun).await.unwrap();
    let second = won(submit::claim(&console.app).await.unwrap());
    assert_eq!(second, Some(first.id), "it went back to the queue");
    submit::record(&console.app, &first, &End::NotBegun).await.unwrap();
    suspect_a_lost_claim(&console).await;
    assert_eq!(submit::requeue_unknown(&console.app).await.unwrap(), 0, "its call may be running");
    assert_eq!(in_flight(&db).await.len(), 1);
}

#[sqlx::test]
async fn only_the_claiming_process_may_record_not_sent_and_only_within_its_lease(db: PgPool) {
    let console = quiet(&db).await;
    order_batch(&console).await;
    let Claim::Won(claimed) = submit::claim(&console.app).await.unwrap() else {
        panic!("no claim")
    };
    let not_sent = End::not_sent(String::new(), None);
    let mut of_other_process = claimed.clone();
    of_other_process.worker = uuid::Uuid::new_v4();
    submit::record(&console.app, &of_other_process, &not_sent).await.unwrap();
    assert_eq!(in_flight(&db).await.len(), 1, "another process concludes nothing");

    let past = OffsetDateTime::now_utc() - time::Duration::seconds(1);
    sqlx::query("update submissions set lease_until = $1").bind(past).execute(&db).await.unwrap();
    let mut late = claimed.clone();
    late.lease_until = past;
    submit::record(&console.app, &late, &not_sent).await.unwrap();
    assert_eq!(in_flight(&db).await.len(), 1, "nothing is concluded after the lease");
    submit::expire_leases(&console.app).await.unwrap();
    let state: String =
        sqlx::query_scalar("select state::text from submissions").fetch_one(&db).await.unwrap();
    assert_eq!(state, "in_doubt");
}
