//! Pulling status reports: the vendor deletes what was pulled, so it is stored before all else.

use reqwest::Method;
use serde_json::json;
use sqlx::PgPool;
use usms_console::domain::accounts::role::Role;
use usms_console::ops::credentials;
use usms_console::ops::receipts::{poll, pull};
use usms_console::usms::SendMessage;

use crate::harness::{CODE, CODE_TEMPLATE, TestConsole, TestOptions};
use crate::push_settings::{number, press, until_number};

/// A console whose jobs are run by the test.
async fn quiet(db: &PgPool) -> TestConsole {
    // The vendor has its reports at once.
    let receipt_after = std::time::Duration::ZERO;
    let options =
        TestOptions { workers: false, pushes: false, receipt_after, ..TestOptions::default() };
    let mut console = TestConsole::start_with(db, options).await;
    console.app.pace.first_receipt_poll = time::Duration::hours(1);
    console
}

/// Lets the project pull, and makes its first pull due.
async fn enable_pulling(console: &TestConsole) {
    console.admin(Method::POST, "pull", json!({ "open": true })).await;
    sqlx::query("insert into report_pulls (project_id, next_at) values ($1, now())")
        .bind(console.project.0)
        .execute(&console.app.db)
        .await
        .unwrap();
}

/// Sends messages as another program of the vendor account. Returns the session number.
async fn send_externally(console: &TestConsole, count: usize) -> String {
    let keys = credentials::of(&console.app, console.project).await.unwrap();
    let phones: Vec<String> = (0..count).map(|n| format!("1850000{:04}", 1_000 + n)).collect();
    let params = ["1".to_owned(), "5".to_owned()];
    let send = SendMessage {
        phones: &phones,
        template_id: CODE_TEMPLATE,
        sig_content: "云帆书店",
        params: &params,
        user_id: "another-program",
    };
    console.app.usms.send_message(&keys, &send).await.unwrap().session_no
}

/// Makes the next pull due.
async fn make_due(console: &TestConsole) {
    sqlx::query("update report_pulls set next_at = now() - interval '1 second'")
        .execute(&console.app.db)
        .await
        .unwrap();
}

async fn reports_left(console: &TestConsole) -> i64 {
    console.admin(Method::GET, "counts", json!(null)).await["reports_to_pull"].as_i64().unwrap()
}

const EXTERNAL: &str = "select count(*) from external_messages";
const STORED: &str = "select count(*) from inbox";

#[sqlx::test]
async fn reports_are_pulled_until_a_page_is_not_full(db: PgPool) {
    let console = quiet(&db).await;
    enable_pulling(&console).await;
    send_externally(&console, 450).await;
    assert_eq!(reports_left(&console).await, 450);
    assert!(pull::run_once(&console.app).await.unwrap());
    assert_eq!((reports_left(&console).await, number(&db, STORED).await), (0, 3));
    console.process_pushes().await;
    assert_eq!(number(&db, EXTERNAL).await, 450);
    // The next pull is not due yet, and brings nothing when it is.
    assert!(!pull::run_once(&console.app).await.unwrap());
    make_due(&console).await;
    assert!(pull::run_once(&console.app).await.unwrap());
    assert_eq!(number(&db, STORED).await, 3);
    assert_eq!(number(&db, "select pulled from report_pulls").await, 450);
}

#[sqlx::test]
async fn one_process_at_a_time_pulls_for_a_project(db: PgPool) {
    let console = quiet(&db).await;
    enable_pulling(&console).await;
    console.fault(json!({ "action": "PullUSMSReport", "kind": "delay", "millis": 500 })).await;
    let (first, second) = tokio::join!(pull::run_once(&console.app), pull::run_once(&console.app));
    assert_ne!(first.unwrap(), second.unwrap());
}

#[sqlx::test]
async fn a_lost_response_loses_one_page_and_polling_by_session_recovers_it(db: PgPool) {
    let console = quiet(&db).await;
    enable_pulling(&console).await;
    let session = send_externally(&console, 450).await;
    for kind in ["delay", "reset_after"] {
        console.fault(json!({ "action": "PullUSMSReport", "kind": kind, "millis": 1 })).await;
    }
    // The first page is on disk although the second never arrives.
    assert!(pull::run_once(&console.app).await.unwrap());
    console.process_pushes().await;
    assert_eq!((number(&db, EXTERNAL).await, reports_left(&console).await), (200, 50));
    assert_eq!(number(&db, "select failures::bigint from report_pulls").await, 1);
    assert!(!pull::run_once(&console.app).await.unwrap(), "it waits after a failure");
    make_due(&console).await;
    assert!(pull::run_once(&console.app).await.unwrap());
    console.process_pushes().await;
    assert_eq!(number(&db, EXTERNAL).await, 250);
    assert_eq!(number(&db, "select failures::bigint from report_pulls").await, 0);
    assert_eq!(poll::look_up(&console.app, console.project, &session).await.unwrap(), 450);
    assert_eq!(number(&db, EXTERNAL).await, 450);
}

#[sqlx::test]
async fn another_process_takes_over_from_one_that_died_while_pulling(db: PgPool) {
    let console = quiet(&db).await;
    enable_pulling(&console).await;
    send_externally(&console, 3).await;
    sqlx::query("update report_pulls set lease_until = now() + interval '1 minute'")
        .execute(&db)
        .await
        .unwrap();
    assert!(!pull::run_once(&console.app).await.unwrap());
    sqlx::query("update report_pulls set lease_until = now() - interval '1 second'")
        .execute(&db)
        .await
        .unwrap();
    assert!(pull::run_once(&console.app).await.unwrap());
    console.process_pushes().await;
    assert_eq!(number(&db, EXTERNAL).await, 3);
}

#[sqlx::test]
async fn a_pulled_report_resolves_what_is_in_doubt(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { pushes: false, ..TestOptions::default() }).await;
    let admin = console.member("admin", Role::Admin).await;
    console.admin(Method::POST, "pull", json!({ "open": true })).await;
    console.fault(json!({ "action": "SendUSMSMessage", "kind": "reset_after" })).await;
    let batch = admin.send(CODE, &["1", "5"], "18500001234").await;
    until_number(&db, "select count(*) from submissions where state = 'in_doubt'", 1).await;
    assert!(admin.get("/p/default/health").await.one(".checks").contains("条短信是否已发送"));
    press(&admin, "keep", &[("pulls", "1")]).await;
    let page = console.until_complete(&admin, &batch).await;
    assert_eq!(page.all(".messages tbody .status"), ["已送达"]);
    assert_eq!(console.accepted().await, (1, 0));
    assert_eq!(
        number(&db, "select count(*) from audit_log where action = 'pulling_changed'").await,
        1
    );
}

#[sqlx::test]
async fn a_vendor_account_that_cannot_pull_is_reported(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    press(&admin, "keep", &[("pulls", "1")]).await;
    until_number(&db, "select count(*) from report_pulls where failures > 1", 1).await;
    let page = admin.get("/p/default/settings/hooks").await;
    assert!(page.one(".pulling").contains("PullUSMSReport is not enabled"), "{}", page.text);
    press(&admin, "keep", &[]).await;
    assert_eq!(number(&db, "select count(*) from report_pulls").await, 0);
}
