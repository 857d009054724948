//! Random events on one batch, with its invariants checked after each: final outcomes stay (but what
//! failed may be delivered after all), counters equal counts, and the vendor accepts nothing twice unless a person asked to send it
//! again.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use sqlx::PgPool;
use usms_console::app::App;
use usms_console::db::invariants;
use usms_console::db::sending::batch_transitions;
use usms_console::db::sending::claims::{Claim, Claimed};
use usms_console::db::sending::messages::{self, Target};
use usms_console::db::sending::submissions::RefusedMessage;
use usms_console::domain::ids::{BatchId, SubmissionId, UserId};
use usms_console::domain::sending::batch::PauseReason;
use usms_console::ops::actor::Actor;
use usms_console::ops::receipts::{poll, push_inbox};
use usms_console::ops::sending::batch_actions::{self, BatchAction, Decision};
use usms_console::ops::sending::submit::{self, End};
use usms_console::ops::sending::{failure_guard, plan};

use crate::harness::{CODE, TestClient, TestConsole, TestOptions};

/// The recipients of one batch: three calls, as each message has values of its own.
const RECIPIENTS: usize = 450;

/// What the vendor knows.
#[derive(Default)]
struct Vendor {
    /// How often each message was accepted.
    accepted: BTreeMap<i64, usize>,
    /// The messages of each session number.
    sessions: Vec<(String, Vec<Target>)>,
}

struct Model<'a> {
    console: &'a TestConsole,
    db: &'a PgPool,
    batch: BatchId,
    person: UserId,
    rng: StdRng,
    vendor: Vendor,
    /// The claims of calls that have not ended.
    in_flight: Vec<Claimed>,
    /// Messages that a person asked to send again.
    resent: BTreeSet<i64>,
    /// The outcomes at the last check.
    outcomes: BTreeMap<i64, String>,
    /// The events so far, for messages.
    events: Vec<&'static str>,
}

#[sqlx::test]
async fn no_order_of_events_breaks_an_invariant_of_sending(db: PgPool) {
    let console = TestConsole::start_with(
        &db,
        TestOptions { workers: false, pushes: false, ..TestOptions::default() },
    )
    .await;
    let operator = console.operator().await;
    let seeds: u64 =
        std::env::var("USMS_MODEL_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    for seed in 1..=seeds {
        println!("events of seed {seed}");
        let batch = order(&console, &operator, seed).await;
        let mut model = Model::new(&console, &db, batch, seed).await;
        for _ in 0..90 {
            model.random_event().await;
            model.check(seed).await;
        }
        model.finish(seed).await;
    }
}

/// Orders a batch with phones of its own for this seed.
async fn order(console: &TestConsole, operator: &TestClient, seed: u64) -> BatchId {
    let file: String = (0..RECIPIENTS)
        .map(|n| format!("1{}0{n:03}{:04},{n},5\n", 50 + seed % 9, 1_000 + seed))
        .collect();
    let app = console.app.clone();
    let import = tokio::spawn(async move {
        while !usms_console::ops::sending::uploads::import::run_once(&app).await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    });
    let preview = operator.upload_list(CODE, "a.csv", file.as_bytes()).await;
    import.await.unwrap();
    let trial: &[(&str, &str)] = if seed.is_multiple_of(3) {
        &[
            ("canary", "on"),
            ("canary_first", "40"),
            ("canary_minutes", "0"),
            ("canary_percent", "20"),
        ]
    } else {
        &[]
    };
    let batch = operator.confirm_list(&preview, trial).await;
    batch.rsplit('/').next().unwrap().parse().unwrap()
}

impl<'a> Model<'a> {
    async fn new(console: &'a TestConsole, db: &'a PgPool, batch: BatchId, seed: u64) -> Self {
        let person: i64 =
            sqlx::query_scalar("select id from users limit 1").fetch_one(db).await.unwrap();
        Self {
            console,
            db,
            batch,
            person: UserId(person),
            rng: StdRng::seed_from_u64(seed),
            vendor: Vendor::default(),
            in_flight: Vec::new(),
            resent: BTreeSet::new(),
            outcomes: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    fn app(&self) -> &'a App {
        &self.console.app
    }

    async fn random_event(&mut self) {
        let what = self.rng.random_range(0..100);
        let name = match what {
            0..12 => {
                plan::run_once(self.app()).await.unwrap();
                "plan"
            }
            12..34 => self.claim().await,
            34..60 => self.end_call().await,
            60..72 => self.receipts().await,
            72..78 => self.second_receipts().await,
            78..82 => self.act(BatchAction::Pause).await,
            82..89 => self.act(BatchAction::Resume).await,
            89..90 => self.act(BatchAction::Cancel).await,
            90..93 => self.decide().await,
            93..95 => self.crash().await,
            95..97 => self.opt_out().await,
            97..98 => self.pause_for_failures().await,
            98..99 => {
                // The sandbox knows none of these sessions: nothing may change.
                let _ = poll::run_once(self.app()).await;
                "poll"
            }
            _ => {
                failure_guard::run_once(self.app()).await.unwrap();
                "failure guard"
            }
        };
        self.events.push(name);
    }

    async fn claim(&mut self) -> &'static str {
        // The model skips the delays between attempts.
        sqlx::query("update submissions set next_try_at = now() - interval '1 minute' where state = 'ready'")
            .execute(self.db)
            .await
            .unwrap();
        sqlx::query("delete from call_slots").execute(self.db).await.unwrap();
        match submit::claim(self.app()).await.unwrap() {
            Claim::Won(claimed) => {
                self.in_flight.push(*claimed);
                "claim"
            }
            Claim::PhonesRemoved => "suppressed",
            Claim::Nothing => "nothing to claim",
        }
    }

    /// Ends one of the calls in a random way; its result may be recorded twice.
    async fn end_call(&mut self) -> &'static str {
        if self.in_flight.is_empty() {
            return "no call";
        }
        let claimed = self.in_flight.swap_remove(self.rng.random_range(0..self.in_flight.len()));
        let targets = messages::targets(self.db, claimed.id).await.unwrap();
        let (name, end) = self.random_end(&claimed, &targets);
        submit::record(self.app(), &claimed, &end).await.unwrap();
        if self.rng.random_bool(0.2) {
            submit::record(self.app(), &claimed, &end).await.unwrap();
        }
        name
    }

    /// Returns a random end of a call, with its name.
    fn random_end(&mut self, claimed: &Claimed, targets: &[Target]) -> (&'static str, End) {
        let request_id = String::new();
        match self.rng.random_range(0..10) {
            0..4 => {
                let session_no = self.accept(claimed, targets.to_vec());
                let end = End::Taken { session_no, request_id, ret_code: 0, not_taken: Vec::new() };
                ("accepted", end)
            }
            4 => {
                let (some, rest) = targets.split_at(targets.len() / 3);
                if rest.is_empty() {
                    return ("not sent", End::not_sent(String::new(), None));
                }
                let session_no = self.accept(claimed, rest.to_vec());
                let reason = |target: &Target| RefusedMessage {
                    id: target.id,
                    reason: "号码在黑名单".to_owned(),
                };
                let not_taken = some.iter().map(reason).collect();
                ("partly", End::Taken { session_no, request_id, ret_code: 18046, not_taken })
            }
            5 => {
                let answer = "含有敏感词".to_owned();
                ("refused", End::Refused { ret_code: 18023, answer, request_id, each: Vec::new() })
            }
            6 => ("not sent", End::not_sent("x".to_owned(), None)),
            7 => {
                let pause_reason = Some(PauseReason::Balance);
                (
                    "no balance",
                    End::NotSent {
                        ret_code: Some(18013),
                        why: "x".to_owned(),
                        pause_reason,
                        throttled: false,
                    },
                )
            }
            8 => {
                self.accept(claimed, targets.to_vec());
                (
                    "in doubt, accepted",
                    End::InDoubt { ret_code: None, why: "x".to_owned(), request_id },
                )
            }
            _ => {
                ("in doubt", End::InDoubt { ret_code: Some(110), why: "x".to_owned(), request_id })
            }
        }
    }

    /// Lets the vendor accept these messages. Returns the session number.
    fn accept(&mut self, claimed: &Claimed, targets: Vec<Target>) -> String {
        for target in &targets {
            *self.vendor.accepted.entry(target.id.0).or_default() += 1;
        }
        let session = format!("s-{}-{}", claimed.id, self.vendor.sessions.len());
        self.vendor.sessions.push((session.clone(), targets));
        session
    }

    /// Pushes receipts of some phones of one session, in any order, some of them repeated.
    async fn receipts(&mut self) -> &'static str {
        if self.vendor.sessions.is_empty() {
            return "no session";
        }
        let (session, targets) =
            self.vendor.sessions[self.rng.random_range(0..self.vendor.sessions.len())].clone();
        let count = self.rng.random_range(1..=targets.len());
        let mut items = Vec::new();
        for _ in 0..count {
            let target = &targets[self.rng.random_range(0..targets.len())];
            let result = ["发送成功", "发送失败", "状态未知"][self.rng.random_range(0..3)];
            items.push(json!({ "SessionNo": session, "Phone": target.phone, "CostCount": 1,
                "ReceiptTime": 1_790_000_000, "ReceiptResult": result, "ReceiptCode": "X",
                "ReceiptDesc": "", "UserId": target.id.vendor_user_id() }));
        }
        let body = json!({ "MsgType": 2, "Data": items }).to_string();
        push_inbox::store(self.app(), self.console.project, body.as_bytes()).await.unwrap();
        while push_inbox::process_next(self.app()).await.unwrap() {}
        "receipts"
    }

    /// Pushes two receipts for some phones of one session, together or one after the other: failed
    /// then delivered, delivered then failed, or the same twice.
    async fn second_receipts(&mut self) -> &'static str {
        if self.vendor.sessions.is_empty() {
            return "no session";
        }
        let (session, targets) =
            self.vendor.sessions[self.rng.random_range(0..self.vendor.sessions.len())].clone();
        let (name, results) = match self.rng.random_range(0..3) {
            0 => ("failed then delivered", ["发送失败", "发送成功"]),
            1 => ("delivered then failed", ["发送成功", "发送失败"]),
            _ => ("failed twice", ["发送失败", "发送失败"]),
        };
        let some: Vec<&Target> = targets.iter().filter(|_| self.rng.random_bool(0.1)).collect();
        let together = self.rng.random_bool(0.5);
        for result in results {
            let items: Vec<_> = some
                .iter()
                .map(|target| {
                    json!({ "SessionNo": session, "Phone": target.phone, "CostCount": 1,
                        "ReceiptTime": 1_790_000_000, "ReceiptResult": result,
                        "ReceiptCode": result, "ReceiptDesc": "",
                        "UserId": target.id.vendor_user_id() })
                })
                .collect();
            let body = json!({ "MsgType": 2, "Data": items }).to_string();
            push_inbox::store(self.app(), self.console.project, body.as_bytes()).await.unwrap();
            while !together && push_inbox::process_next(self.app()).await.unwrap() {}
        }
        while push_inbox::process_next(self.app()).await.unwrap() {}
        name
    }

    fn actor(&self) -> Actor<'static> {
        Actor { project: self.console.project, user: self.person, ip: "-" }
    }

    async fn act(&mut self, action: BatchAction) -> &'static str {
        batch_actions::take(self.app(), self.actor(), self.batch, action).await.unwrap();
        match action {
            BatchAction::Pause => "pause",
            BatchAction::Resume => "resume",
            BatchAction::Cancel => "cancel",
            BatchAction::Approve | BatchAction::Reschedule(_) => "other action",
        }
    }

    async fn decide(&mut self) -> &'static str {
        let in_doubt: Vec<i64> = sqlx::query_scalar(
            "select id from submissions where state = 'in_doubt' and batch_id = $1",
        )
        .bind(self.batch.0)
        .fetch_all(self.db)
        .await
        .unwrap();
        let Some(submission) = in_doubt.first() else { return "no doubt" };
        let again = self.rng.random_bool(0.5);
        let decision = if again { Decision::SendAgain } else { Decision::TreatAsSent };
        let ids = [SubmissionId(*submission)];
        let moved = batch_actions::decide(self.app(), self.actor(), self.batch, &ids, decision)
            .await
            .unwrap();
        if again && moved == 1 {
            let messages: Vec<i64> =
                sqlx::query_scalar("select id from messages where submission_id = $1")
                    .bind(submission)
                    .fetch_all(self.db)
                    .await
                    .unwrap();
            self.resent.extend(messages);
        }
        if again { "send again" } else { "treat as sent" }
    }

    /// A process with a call in flight dies; its lease ends. The vendor may have accepted the call.
    async fn crash(&mut self) -> &'static str {
        if self.in_flight.is_empty() {
            return "nothing to crash";
        }
        let claimed = self.in_flight.swap_remove(0);
        if self.rng.random_bool(0.5) {
            let targets = messages::targets(self.db, claimed.id).await.unwrap();
            self.accept(&claimed, targets);
        }
        sqlx::query("update submissions set lease_until = now() - interval '1 second' where id = $1 and state = 'in_flight'")
            .bind(claimed.id.0)
            .execute(self.db)
            .await
            .unwrap();
        submit::expire_leases(self.app()).await.unwrap();
        "crash"
    }

    async fn opt_out(&mut self) -> &'static str {
        sqlx::query(
            "insert into suppressions (project_id, phone, id, reason)
             select project_id, phone, new_id(now()), 'reply' from messages
             where batch_id = $1 order by random() limit 7 on conflict do nothing",
        )
        .bind(self.batch.0)
        .execute(self.db)
        .await
        .unwrap();
        "opt out"
    }

    async fn pause_for_failures(&mut self) -> &'static str {
        let mut db = self.db.acquire().await.unwrap();
        batch_transitions::pause(
            &mut db,
            self.console.project,
            self.batch,
            PauseReason::Failures,
            "9/9",
        )
        .await
        .unwrap();
        "pause for failures"
    }

    /// Checks every invariant.
    async fn check(&mut self, seed: u64) {
        let last = self.events.last().copied().unwrap_or_default();
        for (invariant, breaches) in invariants::broken(self.db).await.unwrap().by_name() {
            assert_eq!(breaches, 0, "seed {seed}: {invariant}, after {:?}", self.events);
        }
        for (message, times) in &self.vendor.accepted {
            assert!(
                *times <= 1 || self.resent.contains(message),
                "seed {seed}: {message} was accepted {times} times, after {:?}",
                self.events
            );
        }
        let rows: Vec<(i64, String)> =
            sqlx::query_as("select id, outcome::text from outcomes where batch_id = $1")
                .bind(self.batch.0)
                .fetch_all(self.db)
                .await
                .unwrap();
        let now: BTreeMap<i64, String> = rows.into_iter().collect();
        for (message, before) in &self.outcomes {
            let after = now.get(message).map(String::as_str);
            let better_known = before == "unknown" && after.is_some()
                || before == "failed" && after == Some("delivered");
            assert!(
                after == Some(before) || better_known,
                "seed {seed}: {message} went from {before} to {after:?} by {last}"
            );
        }
        self.outcomes = now;
        let not_delivered: i64 = sqlx::query_scalar(
            "select count(*) from overruled_receipts x left join outcomes o using (id)
             where o.outcome is distinct from 'delivered'",
        )
        .fetch_one(self.db)
        .await
        .unwrap();
        assert_eq!(not_delivered, 0, "seed {seed}: only a delivery overrules a failure");
    }

    /// Runs the batch to its end: nothing but doubts may be left.
    async fn finish(&mut self, seed: u64) {
        while plan::run_once(self.app()).await.unwrap() {}
        // The rest follows a trial batch when a person resumes it, and the failure guard looks
        // twice before that.
        let mut idle = 0;
        while idle < 3 {
            let moved = failure_guard::run_once(self.app()).await.unwrap();
            self.act(BatchAction::Resume).await;
            let nothing = self.in_flight.is_empty() && self.claim().await == "nothing to claim";
            idle = if nothing && moved == 0 { idle + 1 } else { 0 };
            while let Some(claimed) = self.in_flight.pop() {
                let targets = messages::targets(self.db, claimed.id).await.unwrap();
                let session_no = self.accept(&claimed, targets);
                let request_id = String::new();
                let end = End::Taken { session_no, request_id, ret_code: 0, not_taken: Vec::new() };
                submit::record(self.app(), &claimed, &end).await.unwrap();
            }
        }
        self.check(seed).await;
        let state: String = sqlx::query_scalar("select state::text from batches where id = $1")
            .bind(self.batch.0)
            .fetch_one(self.db)
            .await
            .unwrap();
        assert!(
            state == "done" || state == "cancelled",
            "seed {seed}: {state} after {:?}",
            self.events
        );
        let not_accepted: i64 = sqlx::query_scalar(
            "select count(*) from messages m join submissions s on s.id = m.submission_id
             where m.batch_id = $1 and s.state in ('accepted', 'partly')
               and not m.id = any($2) and s.answered_at is null",
        )
        .bind(self.batch.0)
        .bind(self.vendor.accepted.keys().copied().collect::<Vec<i64>>())
        .fetch_one(self.db)
        .await
        .unwrap();
        assert_eq!(not_accepted, 0, "seed {seed}");
        sqlx::query("delete from suppressions").execute(self.db).await.unwrap();
    }
}
