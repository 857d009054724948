//! The database goes back in time while a batch is sent: nothing is sent twice, and every message is
//! sent, in doubt or held.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::StatusCode;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::cluster::Cluster;
use crate::forwarder::Forwarder;
use crate::harness::{CODE, TestClient, TestConsole, TestOptions, assert_sound, until};
use crate::program_on;

const RECIPIENTS: i64 = 8_000;

/// Returns the seeds to run with: two, or as many as `USMS_FAILOVER_SEEDS` says.
fn seeds() -> std::ops::Range<u64> {
    0..std::env::var("USMS_FAILOVER_SEEDS").map_or(2, |seeds| seeds.parse().unwrap())
}

async fn connect(url: &str) -> PgPool {
    sqlx::postgres::PgPoolOptions::new()
        .max_connections(6)
        .acquire_timeout(Duration::from_secs(20))
        .connect(url)
        .await
        .unwrap()
}

/// A batch that processes of their own are sending.
struct Sending {
    cluster: Cluster,
    forwarder: Forwarder,
    db: PgPool,
    console: TestConsole,
    operator: TestClient,
    processes: Vec<Child>,
    batch: String,
}

impl Sending {
    /// Starts a primary, prepares it, and begins to send. `prepare` returns what else it needs.
    async fn start<T>(processes: usize, prepare: impl AsyncFnOnce(&Cluster) -> T) -> (Self, T) {
        let cluster = Cluster::start();
        let forwarder = Forwarder::to(cluster.port()).await;
        let db = connect(&forwarder.url()).await;
        sqlx::migrate!().run(&db).await.unwrap();
        let options = TestOptions { workers: false, ..TestOptions::default() };
        let console = TestConsole::start_with(&db, options).await;
        let prepared = prepare(&cluster).await;
        let operator = console.operator().await;
        let slow = json!({ "action": "SendBatchUSMSMessage", "kind": "delay", "millis": 200,
            "times": 0 });
        console.fault(slow).await;
        let importer = start(&forwarder.url(), &console);
        let list: String =
            (1_000..1_000 + RECIPIENTS).map(|n| format!("1850000{n:04},{n},5\n")).collect();
        let preview = operator.upload_list(CODE, "list.csv", list.as_bytes()).await;
        let mut all = vec![importer];
        all.extend((1..processes).map(|_| start(&forwarder.url(), &console)));
        let batch = operator.confirm_list(&preview, &[]).await;
        let sending = Self { cluster, forwarder, db, console, operator, processes: all, batch };
        (sending, prepared)
    }

    async fn until_accepted(&self, n: i64) {
        let what = format!("{n} are accepted");
        until(&what, async || self.console.accepted().await.0 >= n).await;
    }

    /// Waits until nothing is left to send.
    async fn until_done(&self) {
        until("the batch is done", async || self.state().await == "done").await;
    }

    async fn state(&self) -> String {
        let state = "select state::text from batches";
        sqlx::query_scalar(state).fetch_one(&self.db).await.unwrap_or_default()
    }

    async fn pause_reason(&self) -> String {
        let reason = "select coalesce(pause_reason::text, '') from batches";
        sqlx::query_scalar(reason).fetch_one(&self.db).await.unwrap_or_default()
    }

    async fn recovery(&self) -> Option<String> {
        let ended = "select ended_as::text from recoveries order by id desc limit 1";
        sqlx::query_scalar(ended).fetch_optional(&self.db).await.unwrap().flatten()
    }

    /// Asserts that nobody was sent to twice and that every message is accounted for.
    async fn assert_sent_once(&self, what: &str) {
        let (_, twice) = self.console.accepted().await;
        assert_eq!(twice, 0, "{what}: sent twice");
        let mut counts = Vec::new();
        for state in ["accepted", "partly", "in_doubt", "ready"] {
            let sum = format!(
                "select coalesce(sum(n), 0)::bigint from submissions where state = '{state}'"
            );
            let n: i64 = sqlx::query_scalar(AssertSqlSafe(sum)).fetch_one(&self.db).await.unwrap();
            counts.push(n);
        }
        assert_eq!(counts.iter().sum::<i64>(), RECIPIENTS, "{what}: {counts:?}");
        assert_sound(&self.db).await;
    }

    async fn kill_processes(&mut self) {
        for process in &mut self.processes {
            process.kill().await.unwrap();
        }
        self.processes.clear();
    }

    /// Serves another database from now on.
    async fn serve(&mut self, url: &str) {
        self.processes.push(start(url, &self.console));
    }

    async fn run(&self, url: &str, arguments: &[&str]) -> String {
        let output = program_on(url, &self.console)
            .args(arguments)
            .stdout(std::process::Stdio::piped())
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

fn start(url: &str, console: &TestConsole) -> Child {
    let mut command: Command = program_on(url, console);
    command.args(["serve", "--worker-only"]).spawn().unwrap()
}

async fn execute(url: &str, sql: &str) {
    let db = connect(url).await;
    for one in sql.split(';') {
        sqlx::query(AssertSqlSafe(one.to_owned())).execute(&db).await.unwrap();
    }
    db.close().await;
}

/// Waits until a standby has everything.
async fn until_caught_up(cluster: &Cluster) {
    let db = connect(&cluster.url()).await;
    let behind = "select count(*) from pg_stat_replication
        where replay_lsn is not null and replay_lsn >= pg_current_wal_lsn()";
    until("the standby has caught up", async || {
        sqlx::query_scalar::<_, i64>(behind).fetch_one(&db).await.unwrap() > 0
    })
    .await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_that_lost_the_last_moments_sends_nothing_twice() {
    for seed in seeds() {
        let mut rng = StdRng::seed_from_u64(seed);
        let (sending, standby) =
            Sending::start(2, async |cluster: &Cluster| cluster.standby()).await;
        sending.until_accepted(rng.random_range(1_000..2_500)).await;
        until_caught_up(&sending.cluster).await;
        // The link breaks some moments before the primary does.
        let cut = "alter system set primary_conninfo = ''; select pg_reload_conf()";
        execute(&standby.url(), cut).await;
        sleep(Duration::from_millis(rng.random_range(300..1_200))).await;
        sending.cluster.kill();
        standby.promote();
        sending.forwarder.switch(standby.port());
        sending.until_done().await;
        sending.assert_sent_once(&format!("seed {seed}")).await;
        // The last message may have left before the primary was gone, and the repair has nothing to hold.
        until("the database that went back was repaired", async || {
            sending.recovery().await.as_deref() == Some("repaired")
        })
        .await;
        let (accepted, _) = sending.console.accepted().await;
        assert_eq!(accepted, RECIPIENTS, "seed {seed}: everybody was sent to");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_synchronous_standby_loses_nothing() {
    let (sending, standby) = Sending::start(2, async |cluster: &Cluster| {
        let standby = cluster.standby();
        let wait = "alter system set synchronous_standby_names = '*'; select pg_reload_conf()";
        execute(&cluster.url(), wait).await;
        standby
    })
    .await;
    sending.until_accepted(1_500).await;
    sending.cluster.kill();
    standby.promote();
    sending.forwarder.switch(standby.port());
    sending.until_done().await;
    sending.assert_sent_once("synchronous").await;
    assert_eq!(sending.console.accepted().await.0, RECIPIENTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_sent_that_died_with_the_primary_waits_for_a_person() {
    let (mut sending, standby) =
        Sending::start(2, async |cluster: &Cluster| cluster.standby()).await;
    sending.until_accepted(1_500).await;
    until_caught_up(&sending.cluster).await;
    execute(&standby.url(), "alter system set primary_conninfo = ''; select pg_reload_conf()")
        .await;
    sleep(Duration::from_millis(700)).await;
    sending.processes[0].kill().await.unwrap();
    sending.cluster.kill();
    standby.promote();
    sending.forwarder.switch(standby.port());
    until("the batch is held", async || sending.pause_reason().await == "database_went_back").await;
    assert_eq!(sending.recovery().await.as_deref(), Some("held"));
    let approver = sending.console.approver().await;
    let page = sending.operator.get(&sending.batch).await;
    assert!(!page.has("form[action$=resume]"), "an operator may not send the rest");
    let page = approver.get(&sending.batch).await;
    let fields = page.whole_form("form[action$=doubt-rest]");
    let asked = approver.post_owned(&format!("{}/doubt-rest", sending.batch), &fields).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text);
    sending.until_done().await;
    sending.assert_sent_once("one process died").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_dump_sends_nothing_until_it_is_adopted_and_its_batch_waits() {
    for elsewhere in [false, true] {
        let (mut sending, ()) = Sending::start(1, async |_: &Cluster| ()).await;
        sending.until_accepted(1_500).await;
        sending.cluster.dump("postgres");
        sending.until_done().await;
        sending.kill_processes().await;
        let other = elsewhere.then(Cluster::start);
        let cluster = other.as_ref().unwrap_or(&sending.cluster);
        cluster.restore(&sending.cluster, "restored");
        let url = cluster.url_of("restored");
        sending.db = connect(&url).await;
        sending.serve(&url).await;
        until("a restored database is noticed", async || {
            sqlx::query_scalar::<_, i64>("select count(*) from recoveries where ended_at is null")
                .fetch_one(&sending.db)
                .await
                .unwrap()
                == 1
        })
        .await;
        sleep(Duration::from_secs(2)).await;
        assert_eq!(sending.console.accepted().await, (RECIPIENTS, 0), "a copy sends nothing");
        let said = sending.run(&url, &["adopt"]).await;
        assert!(said.contains("1 batch"), "{said}");
        sleep(Duration::from_secs(1)).await;
        assert_eq!(sending.console.accepted().await, (RECIPIENTS, 0), "the batch waits");
        assert_eq!(sending.pause_reason().await, "database_went_back");
        assert!(sending.run(&url, &["adopt"]).await.contains("already"));
        assert_sound(&sending.db).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_database_on_another_port_sends_nothing() {
    let (sending, ()) = Sending::start(1, async |_: &Cluster| ()).await;
    sending.until_accepted(1_500).await;
    let copy = sending.cluster.copy();
    let mut staging = start(&copy.url(), &sending.console);
    sending.until_done().await;
    sleep(Duration::from_secs(2)).await;
    sending.assert_sent_once("copied").await;
    assert_eq!(sending.console.accepted().await.0, RECIPIENTS);
    staging.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_rolled_back_is_repaired_by_a_process_that_lives() {
    let (sending, ()) = Sending::start(1, async |_: &Cluster| ()).await;
    sending.until_accepted(1_500).await;
    sending.cluster.stop_at_once();
    sending.cluster.take_snapshot();
    sending.cluster.run();
    sending.until_accepted(4_000).await;
    sending.cluster.stop_at_once();
    sending.cluster.roll_back();
    sending.cluster.run();
    sending.until_done().await;
    sending.assert_sent_once("rolled back").await;
    assert_eq!(sending.recovery().await.as_deref(), Some("repaired"));
    assert_eq!(sending.console.accepted().await.0, RECIPIENTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_recovery_to_a_time_nothing_is_sent_until_a_person_decides() {
    let (mut sending, backup) =
        Sending::start(1, async |cluster: &Cluster| cluster.archive()).await;
    sending.until_accepted(1_500).await;
    let now = "select clock_timestamp()::text";
    let time: String = sqlx::query_scalar(now).fetch_one(&sending.db).await.unwrap();
    sending.until_done().await;
    sending.kill_processes().await;
    let switch = "select pg_walfile_name(pg_switch_wal())";
    let file: String = sqlx::query_scalar(switch).fetch_one(&sending.db).await.unwrap();
    let archived = "select coalesce(last_archived_wal, '') >= $1 from pg_stat_archiver";
    until("the log is archived", async || {
        sqlx::query_scalar(archived).bind(&file).fetch_one(&sending.db).await.unwrap()
    })
    .await;
    backup.recover(&sending.cluster, &time);
    sending.forwarder.switch(backup.port());
    let url = sending.forwarder.url();
    sending.db = connect(&url).await;
    let in_recovery = "select pg_is_in_recovery()";
    until("it is recovered", async || {
        !sqlx::query_scalar::<_, bool>(in_recovery).fetch_one(&sending.db).await.unwrap_or(true)
    })
    .await;
    sending.serve(&url).await;
    until("it is noticed", async || {
        let open = "select count(*) from recoveries where ended_at is null";
        sqlx::query_scalar::<_, i64>(open).fetch_one(&sending.db).await.unwrap_or(0) == 1
    })
    .await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(sending.console.accepted().await, (RECIPIENTS, 0));
    assert!(sending.run(&url, &["adopt"]).await.contains("1 batch"));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(sending.console.accepted().await, (RECIPIENTS, 0));
    assert_eq!(sending.pause_reason().await, "database_went_back");
    assert_sound(&sending.db).await;
}
