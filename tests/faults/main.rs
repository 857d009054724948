//! Processes killed in the middle of their work: nothing is sent twice, nothing is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

#[path = "../harness/mod.rs"]
mod harness;

mod cluster;
mod failover;
mod forwarder;
mod push_endpoint;
mod pushes;
mod storm;

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use sqlx::{ConnectOptions, PgPool};
use tokio::process::{Child, Command};
use usms_console::db::recovery::recoveries::{self, Cause};
use usms_console::ops::review::apply;
use usms_console::sandbox;

use harness::{CODE, MAX_WAIT, Page, TestClient, TestConsole, TestOptions, assert_sound, until};

/// Starts the console's binary on the same database and sandbox, with workers and without pages.
fn start_worker(db: &PgPool, console: &TestConsole) -> Child {
    program(db, console).arg("--worker-only").spawn().unwrap()
}

/// Starts the same with pages and without workers. Returns its URL as well.
fn start_pages(db: &PgPool, console: &TestConsole) -> (Child, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let process =
        program(db, console).arg("--no-worker").env("CONSOLE_LISTEN", &address).spawn().unwrap();
    (process, format!("http://{address}"))
}

fn program(db: &PgPool, console: &TestConsole) -> Command {
    let mut command = program_on(db.connect_options().to_url_lossy().as_str(), console);
    command.arg("serve");
    command
}

/// The console's binary without arguments, on the database at `url`.
fn program_on(url: &str, console: &TestConsole) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usms-console"));
    command
        .env("DATABASE_URL", url)
        .env("CONSOLE_SECRET_KEY", "07".repeat(32))
        .env("USMS_API_URL", console.sandbox.url())
        .env("UCLOUD_PUBLIC_KEY", sandbox::PUBLIC_KEY)
        .env("UCLOUD_PRIVATE_KEY", sandbox::PRIVATE_KEY)
        .env("UCLOUD_PROJECT_ID", sandbox::PROJECT_ID)
        .env("CONSOLE_CALL_TIMEOUT", "20s")
        .env("CONSOLE_RECEIPT_POLL", "500ms")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn in_state(db: &PgPool, state: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "select count(*) from submissions where state = '{state}'"
    )))
    .fetch_one(db)
    .await
    .unwrap()
}

async fn until_in_state(db: &PgPool, state: &str, count: i64) {
    let what = format!("{count} submissions are {state}");
    until(&what, async || in_state(db, state).await == count).await;
}

/// Expires the leases of processes that were killed: by themselves they run until the longest call
/// would be over, which a test does not wait for. A claim that the database was making when its
/// process died is still committed, so this first waits until the database has noticed the death.
async fn expire_leases_of_the_dead(db: &PgPool) {
    let connections = "select count(*) from pg_stat_activity
                  where datname = current_database() and application_name = 'usms-console'";
    until("the database notices that they are gone", async || {
        sqlx::query_scalar::<_, i64>(connections).fetch_one(db).await.unwrap() == 0
    })
    .await;
    sqlx::query("update submissions set lease_until = now() where state = 'in_flight'")
        .execute(db)
        .await
        .unwrap();
}

/// A console whose workers are started by the test, without a push URL at the vendor.
fn without_workers() -> TestOptions {
    TestOptions { workers: false, pushes: false, ..TestOptions::default() }
}

#[sqlx::test]
async fn a_process_killed_during_a_call_leaves_it_in_doubt_and_a_receipt_resolves_it(db: PgPool) {
    let console = TestConsole::start_with(&db, without_workers()).await;
    let operator = console.operator().await;
    let slow =
        json!({ "action": "SendUSMSMessage", "kind": "delay", "millis": 30_000, "times": 1 });
    console.fault(slow).await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    let mut first = start_worker(&db, &console);
    until("the vendor accepts it", async || console.accepted().await.0 == 1).await;
    first.kill().await.unwrap();
    expire_leases_of_the_dead(&db).await;
    let mut second = start_worker(&db, &console);
    until_in_state(&db, "in_doubt", 1).await;
    assert!(operator.get(&batch).await.has("a[href$='in-doubt']"));
    let url = format!("http://{}{}", console.address, console.hook_path);
    console.admin(reqwest::Method::POST, "push", json!({ "url": url })).await;
    let user_id: String = {
        let accepted =
            console.admin(reqwest::Method::GET, "messages?phone=18500001234", json!(null)).await;
        let list = accepted.as_array().or_else(|| accepted["messages"].as_array()).unwrap().clone();
        assert_eq!(list.len(), 1, "accepted once: {accepted}");
        list[0]["user_id"].as_str().unwrap().to_owned()
    };
    let report = json!({ "MsgType": 2, "Data": [{ "SessionNo": "any", "Phone": "18500001234",
        "CostCount": 1, "ReceiptTime": 1_790_000_000, "ReceiptResult": "发送成功",
        "ReceiptCode": "DELIVRD", "ReceiptDesc": "", "UserId": user_id }] });
    harness::http().post(url).json(&report).send().await.unwrap();
    let page = console.until_complete(&operator, &batch).await;
    assert_eq!(page.all(".messages tbody .status"), ["已送达"]);
    assert_eq!(console.accepted().await, (1, 0));
    assert_sound(&db).await;
    second.kill().await.unwrap();
}

#[sqlx::test]
async fn a_process_asked_to_stop_finishes_its_call_and_leaves_nothing_in_doubt(db: PgPool) {
    let console = TestConsole::start_with(&db, without_workers()).await;
    let operator = console.operator().await;
    let slow = json!({ "action": "SendUSMSMessage", "kind": "delay", "millis": 1200, "times": 1 });
    console.fault(slow).await;
    operator.send(CODE, &["1", "5"], "18500001234").await;
    let mut process = start_worker(&db, &console);
    until_in_state(&db, "in_flight", 1).await;
    let id = process.id().unwrap().to_string();
    Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
    let ended = tokio::time::timeout(MAX_WAIT, process.wait()).await.unwrap();
    assert!(ended.unwrap().success());
    assert_eq!(in_state(&db, "accepted").await, 1);
    assert_eq!(in_state(&db, "in_doubt").await, 0);
    assert_eq!(console.accepted().await, (1, 0));
    assert_sound(&db).await;
}

#[sqlx::test]
async fn processes_killed_again_and_again_send_each_message_at_most_once(db: PgPool) {
    let console = TestConsole::start_with(&db, without_workers()).await;
    let operator = console.operator().await;
    let slow = json!({ "action": "SendUSMSMessage", "kind": "delay", "millis": 30, "times": 0 });
    console.fault(slow).await;
    for n in 0..60 {
        let phone = format!("1850000{:04}", 1000 + n);
        operator.send(CODE, &["1", "5"], &phone).await;
    }
    for round in 0..5 {
        let mut first = start_worker(&db, &console);
        let mut second = start_worker(&db, &console);
        tokio::time::sleep(Duration::from_millis(350 + 80 * round)).await;
        first.kill().await.unwrap();
        second.kill().await.unwrap();
        expire_leases_of_the_dead(&db).await;
    }
    let mut last = start_worker(&db, &console);
    until_in_state(&db, "ready", 0).await;
    until_in_state(&db, "in_flight", 0).await;
    let (accepted, twice) = console.accepted().await;
    assert_eq!(twice, 0);
    assert!(accepted <= 60);
    let total = in_state(&db, "accepted").await + in_state(&db, "in_doubt").await;
    assert_eq!(total, 60, "every message is accounted for");
    assert_sound(&db).await;
    last.kill().await.unwrap();
}

#[sqlx::test]
async fn a_wrong_setting_prevents_the_start_with_one_line_that_names_it(_db: PgPool) {
    for (name, value) in
        [("CONSOLE_LISTEN", "x"), ("CONSOLE_SUBMIT_RATE", "many"), ("DATABASE_URL", "")]
    {
        let out = Command::new(env!("CARGO_BIN_EXE_usms-console"))
            .arg("serve")
            .env("DATABASE_URL", "postgres://127.0.0.1:1/none")
            .env("CONSOLE_SECRET_KEY", "07".repeat(32))
            .env(name, value)
            .output()
            .await
            .unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!out.status.success());
        assert_eq!(stderr.trim().lines().count(), 1, "{stderr}");
        assert!(stderr.contains(name), "{stderr}");
    }
}

#[sqlx::test]
async fn the_commands_add_accounts_list_projects_and_check_the_database(db: PgPool) {
    let console = TestConsole::start_with(&db, without_workers()).await;
    let run = |args: &'static [&'static str], input: &'static str| {
        let url = db.connect_options().to_url_lossy();
        let api = console.sandbox.url();
        async move {
            let mut child = Command::new(env!("CARGO_BIN_EXE_usms-console"))
                .args(args)
                .env("DATABASE_URL", url.as_str())
                .env("CONSOLE_SECRET_KEY", "07".repeat(32))
                .env("USMS_API_URL", api)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut child.stdin.take().unwrap(), input.as_bytes())
                .await
                .unwrap();
            let out = child.wait_with_output().await.unwrap();
            let output = String::from_utf8_lossy(&out.stdout).into_owned();
            (out.status.success(), output + &String::from_utf8_lossy(&out.stderr))
        }
    };
    let added = run(
        &["user", "add", "mei", "--role", "owner", "--password-stdin"],
        "long enough password\n",
    )
    .await;
    assert!(added.0, "{}", added.1);
    let twice = run(
        &["user", "add", "MEI", "--role", "owner", "--password-stdin"],
        "long enough password\n",
    )
    .await;
    assert!(!twice.0 && twice.1.contains("MEI"));
    let short = run(&["user", "add", "li", "--role", "owner", "--password-stdin"], "short").await;
    assert!(!short.0 && short.1.contains("12"));
    let no_role = run(&["user", "add", "li", "--role", "king", "--password-stdin"], "x").await;
    assert!(!no_role.0 && no_role.1.contains("king"));
    assert!(run(&["user", "list"], "").await.1.contains("mei owner"));
    assert!(
        run(&["user", "reset-password", "mei", "--password-stdin"], "another password").await.0
    );
    let projects = run(&["project", "list", "--json"], "").await.1;
    let projects: serde_json::Value = serde_json::from_str(&projects).unwrap();
    assert_eq!(projects[0]["slug"], "default");
    assert_eq!(projects[0]["hook_path"], console.hook_path.as_str());
    let healthy = run(&["doctor"], "").await;
    assert!(healthy.0, "{}", healthy.1);
    assert!(healthy.1.contains("counters match outcomes"));
    assert!(healthy.1.contains("failure of the database server: "), "{}", healthy.1);
    assert!(healthy.1.contains("ok      clock of the database"), "{}", healthy.1);
    let stopped = run(&["stop-sending"], "").await;
    assert!(stopped.0 && stopped.1.contains("stopped"), "{}", stopped.1);
    assert!(run(&["resume-sending"], "").await.1.contains("has resumed"));
    assert!(!run(&["stop-sending", "--project", "nowhere"], "").await.0);
    assert!(run(&["adopt"], "").await.1.contains("already"));
    // A restored dump has written this row again.
    sqlx::query("update installation set timeline = timeline").execute(&db).await.unwrap();
    let copied = run(&["doctor"], "").await;
    assert!(!copied.0 && copied.1.contains("usms-console adopt"), "{}", copied.1);
    assert!(run(&["adopt"], "").await.0);
    assert!(run(&["doctor"], "").await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_killed_during_calls_loses_nothing_and_nothing_is_sent_twice() {
    let cluster = cluster::Cluster::start();
    let db = sqlx::postgres::PgPoolOptions::new()
        .max_connections(12)
        .acquire_timeout(Duration::from_secs(10))
        .connect(&cluster.url())
        .await
        .unwrap();
    sqlx::migrate!().run(&db).await.unwrap();
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let operator = console.operator().await;
    let slow = json!({ "action": "SendUSMSMessage", "kind": "delay", "millis": 1500, "times": 0 });
    console.fault(slow).await;
    let mut batches = Vec::new();
    for n in 0..4 {
        let phone = format!("1850000{:04}", 1000 + n);
        batches.push(operator.send(CODE, &["1", "5"], &phone).await);
    }
    let stop = tokio_util::sync::CancellationToken::new();
    let working = tokio::spawn(usms_console::worker::run(console.app.clone(), stop.clone()));
    until_in_state(&db, "in_flight", 4).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    // The calls end while the database is down; their results are kept until it is back.
    cluster.kill();
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.run();
    for batch in &batches {
        let page = console.until_complete(&operator, batch).await;
        assert_eq!(page.all(".messages tbody .status"), ["已送达"]);
    }
    assert_eq!(console.accepted().await, (4, 0));
    assert_sound(&db).await;
    stop.cancel();
    working.await.unwrap();
    db.close().await;
}

/// Submits the form for a new template.
async fn apply_for_template(client: &TestClient) -> Page {
    let new = "/p/default/templates/new";
    let mut fields = client.get(new).await.whole_form("main form.form");
    for (name, value) in [("name", "发货提醒"), ("text", "您的订单{1}已发出。")] {
        fields.retain(|(field, _)| field != name);
        fields.push((name.to_owned(), value.to_owned()));
    }
    client.upload(new, &fields, &[]).await
}

/// Drops `request` as soon as the vendor has received its call.
async fn leave_when_called(
    console: &TestConsole,
    action: &str,
    request: impl Future<Output = Page>,
) {
    let counts = async || console.admin(reqwest::Method::GET, "counts", json!(null)).await;
    tokio::select! {
        page = request => panic!("the request ended: {}", page.status),
        () = until("the call is in flight", async || counts().await["by_action"][action] == 1) => {}
    }
}

async fn application_state(db: &PgPool) -> Option<String> {
    sqlx::query_scalar("select state::text from applications").fetch_optional(db).await.unwrap()
}

#[sqlx::test]
async fn a_process_killed_while_submitting_leaves_the_application_in_doubt_and_never_repeats_it(
    db: PgPool,
) {
    let console = TestConsole::start_with(&db, without_workers()).await;
    let operator = console.operator().await;
    let (mut process, base) = start_pages(&db, &console);
    let other = operator.at(base);
    other.until_up().await;
    console
        .fault(json!({ "action": "CreateUSMSSignature", "kind": "delay", "millis": 30_000 }))
        .await;
    let new = "/p/default/signatures/new";
    let mut fields = other.get(new).await.whole_form("main form.form");
    for (name, value) in [("content", "云帆读书"), ("description", "发货通知")] {
        fields.retain(|(field, _)| field != name);
        fields.push((name.to_owned(), value.to_owned()));
    }
    let files: [(&str, &str, &[u8]); 1] = [("certificate", "a.png", b"\x89PNG\r\n\x1a\nscan")];
    let request = other.upload(new, &fields, &files);
    leave_when_called(&console, "CreateUSMSSignature", request).await;
    assert_eq!(application_state(&db).await.as_deref(), Some("sending"));
    process.kill().await.unwrap();
    // Its lease has half a minute left, which a test does not wait for.
    sqlx::query("update applications set lease_until = now() - interval '1 second'")
        .execute(&db)
        .await
        .unwrap();
    assert_eq!(apply::expire_leases(&console.app).await.unwrap(), 1);
    assert_eq!(application_state(&db).await.as_deref(), Some("in_doubt"));
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert!(apply::in_doubt::run_once(&console.app).await.unwrap());
    assert_eq!(application_state(&db).await.as_deref(), Some("taken"));
    let counts = console.admin(reqwest::Method::GET, "counts", json!(null)).await;
    assert_eq!(counts["by_action"]["CreateUSMSSignature"], 1);
}

#[sqlx::test]
async fn a_process_asked_to_stop_finishes_submitting_an_application(db: PgPool) {
    let console = TestConsole::start_with(&db, without_workers()).await;
    let operator = console.operator().await;
    let (mut process, base) = start_pages(&db, &console);
    let other = operator.at(base);
    other.until_up().await;
    console
        .fault(json!({ "action": "CreateUSMSTemplate", "kind": "delay", "millis": 3_000 }))
        .await;
    let request = apply_for_template(&other);
    leave_when_called(&console, "CreateUSMSTemplate", request).await;
    let pid = process.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let ended = tokio::time::timeout(MAX_WAIT, process.wait()).await.unwrap();
    assert!(ended.unwrap().success());
    assert_eq!(application_state(&db).await.as_deref(), Some("taken"));
}

#[sqlx::test]
async fn pages_without_workers_take_part_in_a_recovery(db: PgPool) {
    let console = TestConsole::start_with(&db, without_workers()).await;
    let operator = console.operator().await;
    let (_process, base) = start_pages(&db, &console);
    let other = operator.at(base);
    other.until_up().await;
    let batch = other.send(CODE, &["1", "5"], "18500001234").await;
    let csrf = other.get(&batch).await.csrf();
    other.post(&format!("{batch}/pause"), &[("csrf", &csrf)]).await;
    // It reads along twice a second.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut lost = db.begin().await.unwrap();
    for statement in [
        "set local session_replication_role = replica",
        "delete from audit_log where action = 'batch_paused'",
        "update batches set state = 'sending', pause_reason = null",
    ] {
        sqlx::query(statement).execute(&mut *lost).await.unwrap();
    }
    lost.commit().await.unwrap();
    let noticed = console.app.clock.now() - time::Duration::seconds(5);
    recoveries::begin(&db, Cause::Promoted, noticed).await.unwrap();
    let paused = "select count(*) from batches where state = 'paused'";
    until("it is paused again", async || {
        sqlx::query_scalar::<_, i64>(paused).fetch_one(&db).await.unwrap() == 1
    })
    .await;
}
