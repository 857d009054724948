//! A hundred thousand recipients through three processes that are killed all the time, a database
//! that is stopped at once, and a vendor that resets, hangs, throttles and responds with rubbish.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::cluster::Cluster;
use crate::harness::{self, CODE, TestClient, TestConsole, TestOptions, assert_sound};
use crate::{in_state, program};

const RECIPIENTS: usize = 100_000;
const PROCESSES: usize = 3;
/// How long kills and faults go on; then everything finishes undisturbed.
const STORM: Duration = Duration::from_secs(24);
/// The longest that the rest takes: leases of the processes killed last run for half a minute.
const MAX_STORM: Duration = Duration::from_secs(300);
/// The database is stopped at these moments of the storm.
const STOPS: [Duration; 2] = [Duration::from_secs(7), Duration::from_secs(16)];

/// Returns a random fault of the network or the vendor. The RetCodes prove that nothing was
/// accepted, except for 110, which proves nothing: half of those calls are accepted.
fn fault(rng: &mut StdRng) -> Value {
    let once = |kind: Value| {
        let mut fault = json!({ "action": "SendBatchUSMSMessage", "times": 1 });
        fault.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
        fault
    };
    once(match rng.random_range(0..9) {
        0 => json!({ "kind": "reset_before" }),
        1 => json!({ "kind": "reset_after" }),
        2 => json!({ "kind": "hang" }),
        3 => json!({ "kind": "ret_code", "ret_code": 110, "taken": rng.random_bool(0.5) }),
        4 => json!({ "kind": "ret_code", "ret_code": 150 }),
        5 => json!({ "kind": "ret_code", "ret_code": 153 }),
        6 => json!({ "kind": "html" }),
        7 => json!({ "kind": "http_500" }),
        _ => json!({ "kind": "broken_json" }),
    })
}

struct Storm {
    cluster: Cluster,
    db: PgPool,
    console: TestConsole,
    operator: TestClient,
    processes: Vec<Child>,
    rng: StdRng,
    seed: u64,
    call_timeout: &'static str,
}

impl Storm {
    async fn start(seed: u64, call_timeout: &'static str) -> Self {
        let cluster = Cluster::start();
        let db = sqlx::postgres::PgPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(Duration::from_secs(5))
            .connect(&cluster.url())
            .await
            .unwrap();
        sqlx::migrate!().run(&db).await.unwrap();
        // Some receipts arrive while processes are killed, others afterwards.
        let receipt_after = Duration::from_secs(if seed.is_multiple_of(2) { 2 } else { 20 });
        let options = TestOptions { workers: false, receipt_after, ..TestOptions::default() };
        let console = TestConsole::start_with(&db, options).await;
        let operator = console.operator().await;
        let processes =
            (0..PROCESSES).map(|_| start_process(&db, &console, call_timeout)).collect();
        let rng = StdRng::seed_from_u64(seed);
        Self { cluster, db, console, operator, processes, rng, seed, call_timeout }
    }

    async fn order(&self) -> String {
        let list: String = (0..RECIPIENTS)
            .map(|n| format!("185{:04}{:04},{n},5\n", n / 9_000, 1_000 + n % 9_000))
            .collect();
        let preview = self.operator.upload_list(CODE, "list.csv", list.as_bytes()).await;
        self.operator.confirm_list(&preview, &[]).await
    }

    /// Kills a console every second, stops the database twice, and causes faults of the vendor.
    async fn disturb(&mut self) {
        let started = Instant::now();
        let mut stops = STOPS.into_iter().peekable();
        let mut next_kill = started + Duration::from_secs(1);
        while started.elapsed() < STORM {
            let fault = fault(&mut self.rng);
            self.console.fault(fault).await;
            if stops.next_if(|at| started.elapsed() >= *at).is_some() {
                self.cluster.stop_at_once();
                self.cluster.run();
            }
            if Instant::now() >= next_kill {
                self.kill_one().await;
                next_kill += Duration::from_secs(1);
            }
            sleep(Duration::from_millis(self.rng.random_range(50..250))).await;
        }
        self.console.clear_faults().await;
    }

    async fn kill_one(&mut self) {
        let n = self.rng.random_range(0..PROCESSES);
        self.processes[n].kill().await.unwrap();
        self.processes[n] = start_process(&self.db, &self.console, self.call_timeout);
    }

    /// Waits until nothing is left to submit. A batch that was paused by a fault of the vendor is
    /// resumed, as a person would.
    async fn finish(&self, batch: &str) {
        let deadline = Instant::now() + MAX_STORM;
        loop {
            let state: String = sqlx::query_scalar("select state::text from batches")
                .fetch_one(&self.db)
                .await
                .unwrap();
            match state.as_str() {
                "done" => return,
                "paused" => {
                    self.operator.resume(batch).await;
                }
                _ => {}
            }
            assert!(Instant::now() < deadline, "seed {}: {batch} is still {state}", self.seed);
            sleep(Duration::from_millis(300)).await;
        }
    }

    /// Pushes again what the vendor knows of calls in doubt: pushes that met no database were
    /// lost after three retries.
    async fn push_missing_receipts(&self) {
        let doubts: Vec<(String, i64)> = sqlx::query_as(
            "select distinct on (s.id) m.phone, m.id from submissions s
             join messages m on m.submission_id = s.id where s.state = 'in_doubt'",
        )
        .fetch_all(&self.db)
        .await
        .unwrap();
        for (phone, _) in doubts {
            let query = format!("messages?phone={phone}");
            let accepted = self.console.admin(reqwest::Method::GET, &query, Value::Null).await;
            for message in accepted.as_array().unwrap() {
                let report = json!({ "MsgType": 2, "Data": [{ "SessionNo": message["session_no"],
                    "Phone": phone, "CostCount": 1, "ReceiptTime": message["at"],
                    "ReceiptResult": "发送成功", "ReceiptCode": "DELIVRD", "ReceiptDesc": "",
                    "UserId": message["user_id"] }] });
                let url = format!("http://{}{}", self.console.address, self.console.hook_path);
                let response = harness::http().post(url).json(&report).send().await.unwrap();
                assert!(response.status().is_success());
            }
        }
        let deadline = Instant::now() + MAX_STORM;
        let waiting = "select count(*) from inbox where processed_at is null";
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&self.db).await.unwrap() > 0 {
            assert!(Instant::now() < deadline, "seed {}: pushes still wait", self.seed);
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Asserts that each recipient was accepted once or is in doubt, with a reason.
    async fn check_totals(&self) {
        let seed = self.seed;
        assert_sound(&self.db).await;
        let recipients = |state: &'static str| {
            let sum = "select coalesce(sum(n), 0)::bigint from submissions where state::text = $1";
            sqlx::query_scalar::<_, i64>(sum).bind(state).fetch_one(&self.db)
        };
        let (accepted, in_doubt) =
            (recipients("accepted").await.unwrap(), recipients("in_doubt").await.unwrap());
        let total = i64::try_from(RECIPIENTS).unwrap();
        assert_eq!(accepted + in_doubt, total, "seed {seed}: some are in neither state");
        let (sent, twice) = self.console.accepted().await;
        assert_eq!(twice, 0, "seed {seed}: accepted twice");
        assert_eq!(sent, accepted, "seed {seed}: a message in doubt was accepted");
        let without_reason =
            "select count(*) from submissions where state = 'in_doubt' and vendor_message = ''";
        let without_reason: i64 =
            sqlx::query_scalar(without_reason).fetch_one(&self.db).await.unwrap();
        assert_eq!(without_reason, 0, "seed {seed}: a doubt without a reason");
        println!("seed {seed}: {accepted} accepted once, {in_doubt} in doubt and not accepted");
    }
}

fn start_process(db: &PgPool, console: &TestConsole, call_timeout: &str) -> Child {
    program(db, console)
        .env("CONSOLE_CALL_TIMEOUT", call_timeout)
        .env("CONSOLE_LISTEN", "127.0.0.1:0")
        .env("CONSOLE_SUBMIT_RATE", "30")
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_consoles_killed_every_second_leave_each_message_accepted_once_or_in_doubt() {
    let seeds: u64 =
        std::env::var("USMS_STORM_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    for seed in 1..=seeds {
        println!("storm of seed {seed}");
        let mut storm = Storm::start(seed, "2s").await;
        let batch = storm.order().await;
        storm.disturb().await;
        assert!(
            in_state(&storm.db, "accepted").await > 0,
            "seed {seed}: nothing was sent meanwhile"
        );
        storm.finish(&batch).await;
        storm.push_missing_receipts().await;
        storm.check_totals().await;
        for mut process in std::mem::take(&mut storm.processes) {
            process.kill().await.unwrap();
        }
        storm.db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_asked_to_stop_under_load_finishes_its_calls_and_leaves_nothing_in_doubt() {
    let mut storm = Storm::start(2, "70s").await;
    let slow =
        json!({ "action": "SendBatchUSMSMessage", "kind": "delay", "millis": 900, "times": 0 });
    storm.console.fault(slow).await;
    let batch = storm.order().await;
    let deadline = Instant::now() + MAX_STORM;
    while in_state(&storm.db, "accepted").await < 20 {
        assert!(Instant::now() < deadline, "nothing is sent");
        sleep(Duration::from_millis(50)).await;
    }
    let started = Instant::now();
    for mut process in std::mem::take(&mut storm.processes) {
        let id = process.id().unwrap().to_string();
        let signalled = Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        assert!(signalled.success());
        let ended = tokio::time::timeout(MAX_STORM, process.wait()).await;
        assert!(ended.expect("it does not stop").unwrap().success());
    }
    println!("three processes stopped within {:?}", started.elapsed());
    assert_eq!(in_state(&storm.db, "in_flight").await, 0);
    assert_eq!(in_state(&storm.db, "in_doubt").await, 0);
    assert!(in_state(&storm.db, "ready").await > 0, "{batch} had ended before");
    assert_sound(&storm.db).await;
    storm.db.close().await;
}
