//! A hundred thousand recipients through three processes that are killed all the time, a database
//! that is stopped at once, and a vendor that resets, hangs, throttles and answers rubbish.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::cluster::Cluster;
use crate::harness::{self, TestClient, TestConsole, TestOptions};
use crate::{in_state, program, sound};

const RECIPIENTS: usize = 100_000;
const PROCESSES: usize = 3;
/// Kills and faults go on for so long; then everything comes to its end undisturbed.
const STORM: Duration = Duration::from_secs(24);
/// The whole, in the slowest case: leases of the last ones killed run for half a minute.
const MAX_STORM: Duration = Duration::from_secs(300);
/// The database is stopped at these moments of the storm.
const STOPS: [Duration; 2] = [Duration::from_secs(7), Duration::from_secs(16)];

/// What the network and the vendor do, one at a time. The RetCodes say that nothing was taken, but
/// for 110, which says nothing: half of those calls were.
fn fault(dice: &mut StdRng) -> Value {
    let of = |what: Value| {
        let mut fault = json!({ "action": "SendBatchUSMSMessage", "times": 1 });
        fault.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        fault
    };
    of(match dice.random_range(0..9) {
        0 => json!({ "kind": "reset_before" }),
        1 => json!({ "kind": "reset_after" }),
        2 => json!({ "kind": "hang" }),
        3 => json!({ "kind": "ret_code", "ret_code": 110, "taken": dice.random_bool(0.5) }),
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
    dice: StdRng,
    seed: u64,
    call_timeout: &'static str,
}

impl Storm {
    async fn gather(seed: u64, call_timeout: &'static str) -> Self {
        let cluster = Cluster::start();
        let db = sqlx::postgres::PgPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(Duration::from_secs(5))
            .connect(&cluster.url())
            .await
            .unwrap();
        sqlx::migrate!().run(&db).await.unwrap();
        // Some receipts come while processes die, others when it is over.
        let receipt_after = Duration::from_secs(if seed.is_multiple_of(2) { 2 } else { 20 });
        let options = TestOptions { workers: false, receipt_after, ..TestOptions::default() };
        let console = TestConsole::start_with(&db, options).await;
        let operator = console.operator().await;
        let processes =
            (0..PROCESSES).map(|_| start_process(&db, &console, call_timeout)).collect();
        let dice = StdRng::seed_from_u64(seed);
        Self { cluster, db, console, operator, processes, dice, seed, call_timeout }
    }

    async fn order(&self) -> String {
        let list: String = (0..RECIPIENTS)
            .map(|n| format!("185{:04}{:04},{n},5\n", n / 9_000, 1_000 + n % 9_000))
            .collect();
        let preview = self.operator.upload_list("登录验证码", "list.csv", list.as_bytes()).await;
        self.operator.confirm_list(&preview, &[]).await
    }

    /// Kills a console every second, stops the database twice, and has the vendor err.
    async fn rage(&mut self) {
        let began = Instant::now();
        let mut stops = STOPS.into_iter().peekable();
        let mut next_kill = began + Duration::from_secs(1);
        while began.elapsed() < STORM {
            let fault = fault(&mut self.dice);
            self.console.fault(fault).await;
            if stops.next_if(|at| began.elapsed() >= *at).is_some() {
                self.cluster.stop_at_once();
                self.cluster.run();
            }
            if Instant::now() >= next_kill {
                self.kill_one().await;
                next_kill += Duration::from_secs(1);
            }
            sleep(Duration::from_millis(self.dice.random_range(50..250))).await;
        }
        self.console.clear_faults().await;
    }

    async fn kill_one(&mut self) {
        let one = self.dice.random_range(0..PROCESSES);
        self.processes[one].kill().await.unwrap();
        self.processes[one] = start_process(&self.db, &self.console, self.call_timeout);
    }

    /// Waits until nothing is left to submit. A batch that was paused for what the vendor did is
    /// told to go on, as a person would.
    async fn calm(&self, batch: &str) {
        let until = Instant::now() + MAX_STORM;
        loop {
            let state: String = sqlx::query_scalar("select state::text from batches")
                .fetch_one(&self.db)
                .await
                .unwrap();
            match state.as_str() {
                "done" => return,
                "paused" => {
                    let csrf = self.operator.get(batch).await.csrf();
                    self.operator.post(&format!("{batch}/resume"), &[("csrf", &csrf)]).await;
                }
                _ => {}
            }
            assert!(Instant::now() < until, "seed {}: {batch} is {state} for ever", self.seed);
            sleep(Duration::from_millis(300)).await;
        }
    }

    /// The vendor pushes again what it knows of calls in doubt: pushes that met no database were
    /// lost with their three retries.
    async fn receipts_arrive(&self) {
        let doubts: Vec<(String, i64)> = sqlx::query_as(
            "select distinct on (s.id) m.phone, m.id from submissions s
             join messages m on m.submission_id = s.id where s.state = 'in_doubt'",
        )
        .fetch_all(&self.db)
        .await
        .unwrap();
        for (phone, _) in doubts {
            let which = format!("messages?phone={phone}");
            let accepted = self.console.admin(reqwest::Method::GET, &which, Value::Null).await;
            for one in accepted.as_array().unwrap() {
                let report = json!({ "MsgType": 2, "Data": [{ "SessionNo": one["session_no"],
                    "Phone": phone, "CostCount": 1, "ReceiptTime": one["at"],
                    "ReceiptResult": "发送成功", "ReceiptCode": "DELIVRD", "ReceiptDesc": "",
                    "UserId": one["user_id"] }] });
                let url = format!("http://{}{}", self.console.address, self.console.hook_path);
                let answer = harness::http().post(url).json(&report).send().await.unwrap();
                assert!(answer.status().is_success());
            }
        }
        let until = Instant::now() + MAX_STORM;
        let waiting = "select count(*) from inbox where processed_at is null";
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&self.db).await.unwrap() > 0 {
            assert!(Instant::now() < until, "seed {}: pushes wait for ever", self.seed);
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Every recipient was taken once or stands in doubt, with a reason; nothing else is left.
    async fn account(&self) {
        let seed = self.seed;
        sound(&self.db).await;
        let of = |state: &'static str| {
            let ask = "select coalesce(sum(n), 0)::bigint from submissions where state::text = $1";
            sqlx::query_scalar::<_, i64>(ask).bind(state).fetch_one(&self.db)
        };
        let (accepted, in_doubt) = (of("accepted").await.unwrap(), of("in_doubt").await.unwrap());
        let total = i64::try_from(RECIPIENTS).unwrap();
        assert_eq!(accepted + in_doubt, total, "seed {seed}: some are in no such state");
        let (sent, twice) = self.console.accepted().await;
        assert_eq!(twice, 0, "seed {seed}: accepted twice");
        assert_eq!(sent, accepted, "seed {seed}: what is in doubt now was not accepted");
        let silent =
            "select count(*) from submissions where state = 'in_doubt' and vendor_message = ''";
        let silent: i64 = sqlx::query_scalar(silent).fetch_one(&self.db).await.unwrap();
        assert_eq!(silent, 0, "seed {seed}: a doubt without a reason");
        println!("seed {seed}: {accepted} accepted once, {in_doubt} in doubt and not taken");
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
async fn three_consoles_killed_every_second_have_each_of_a_hundred_thousand_taken_once_or_in_doubt()
{
    let seeds: u64 =
        std::env::var("USMS_STORM_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    for seed in 1..=seeds {
        println!("storm of seed {seed}");
        let mut storm = Storm::gather(seed, "2s").await;
        let batch = storm.order().await;
        storm.rage().await;
        assert!(in_state(&storm.db, "accepted").await > 0, "seed {seed}: nothing left meanwhile");
        storm.calm(&batch).await;
        storm.receipts_arrive().await;
        storm.account().await;
        for mut process in std::mem::take(&mut storm.processes) {
            process.kill().await.unwrap();
        }
        storm.db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_told_to_stop_under_load_finishes_its_calls_and_leaves_nothing_in_doubt() {
    let mut storm = Storm::gather(2, "70s").await;
    let slow =
        json!({ "action": "SendBatchUSMSMessage", "kind": "delay", "millis": 900, "times": 0 });
    storm.console.fault(slow).await;
    let batch = storm.order().await;
    let until = Instant::now() + MAX_STORM;
    while in_state(&storm.db, "accepted").await < 20 {
        assert!(Instant::now() < until, "nothing leaves");
        sleep(Duration::from_millis(50)).await;
    }
    let began = Instant::now();
    for mut process in std::mem::take(&mut storm.processes) {
        let id = process.id().unwrap().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        assert!(told.success());
        let ended = tokio::time::timeout(MAX_STORM, process.wait()).await;
        assert!(ended.expect("it does not stop").unwrap().success());
    }
    println!("three processes stopped within {:?}", began.elapsed());
    assert_eq!(in_state(&storm.db, "in_flight").await, 0);
    assert_eq!(in_state(&storm.db, "in_doubt").await, 0);
    assert!(in_state(&storm.db, "ready").await > 0, "{batch} was over before");
    sound(&storm.db).await;
    storm.db.close().await;
}
