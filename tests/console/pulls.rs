//! Pulling status reports: what is pulled is deleted at the vendor, so it is kept before all else.

use reqwest::Method;
use serde_json::json;
use sqlx::PgPool;
use usms_console::domain::role::Role;
use usms_console::ops::{credentials, poll, pull};
use usms_console::usms::SendMessage;

use crate::harness::{CODE_TEMPLATE, House, Ways, until};
use crate::hooks::{number, press, until_number};

/// A console whose turns come when the test says so.
async fn by_hand(db: &PgPool) -> House {
    let ways = Ways { workers: false, pushes: false, ..Ways::default() };
    let mut house = House::with(db, ways).await;
    house.app.pace.first_receipt_poll = time::Duration::hours(1);
    house
}

async fn open(house: &House) {
    house.admin(Method::POST, "pull", json!({ "open": true })).await;
    sqlx::query("insert into report_pulls (project_id, next_at) values ($1, now())")
        .bind(house.project.0)
        .execute(&house.app.db)
        .await
        .unwrap();
}

/// Messages that another program of the account sends.
async fn others_send(house: &House, count: usize) -> String {
    let keys = credentials::of(&house.app, house.project).await.unwrap();
    let phones: Vec<String> = (0..count).map(|n| format!("1850000{:04}", 1_000 + n)).collect();
    let params = ["1".to_owned(), "5".to_owned()];
    let send = SendMessage {
        phones: &phones,
        template_id: CODE_TEMPLATE,
        sig_content: "云帆书店",
        params: &params,
        user_id: "another-program",
    };
    let sent = house.app.usms.send_message(&keys, &send).await.unwrap();
    let all = i64::try_from(count).unwrap();
    until("the vendor has a report on each", async || left_there(house).await == all).await;
    sent.session_no
}

async fn settle(house: &House) {
    house.settle_pushes().await;
}

async fn turn_now(house: &House) {
    sqlx::query("update report_pulls set next_at = now() - interval '1 second'")
        .execute(&house.app.db)
        .await
        .unwrap();
}

async fn left_there(house: &House) -> i64 {
    house.admin(Method::GET, "counts", json!(null)).await["reports_to_pull"].as_i64().unwrap()
}

const KNOWN: &str = "select count(*) from foreign_messages";
const KEPT: &str = "select count(*) from inbox";

#[sqlx::test]
async fn reports_are_pulled_until_fewer_come_than_may(db: PgPool) {
    let house = by_hand(&db).await;
    open(&house).await;
    others_send(&house, 450).await;
    assert_eq!(left_there(&house).await, 450);
    assert!(pull::run_once(&house.app).await.unwrap());
    assert_eq!((left_there(&house).await, number(&db, KEPT).await), (0, 3));
    settle(&house).await;
    assert_eq!(number(&db, KNOWN).await, 450);
    // The next turn is not due yet, and brings nothing when it is.
    assert!(!pull::run_once(&house.app).await.unwrap());
    turn_now(&house).await;
    assert!(pull::run_once(&house.app).await.unwrap());
    assert_eq!(number(&db, KEPT).await, 3);
    assert_eq!(number(&db, "select pulled from report_pulls").await, 450);
}

#[sqlx::test]
async fn one_process_at_a_time_pulls_for_a_project(db: PgPool) {
    let house = by_hand(&db).await;
    open(&house).await;
    house.fault(json!({ "action": "PullUSMSReport", "kind": "delay", "millis": 500 })).await;
    let (first, second) = tokio::join!(pull::run_once(&house.app), pull::run_once(&house.app));
    assert_ne!(first.unwrap(), second.unwrap());
}

#[sqlx::test]
async fn a_lost_answer_loses_one_page_and_asking_by_session_finds_it(db: PgPool) {
    let house = by_hand(&db).await;
    open(&house).await;
    let session = others_send(&house, 450).await;
    for kind in ["delay", "reset_after"] {
        house.fault(json!({ "action": "PullUSMSReport", "kind": kind, "millis": 1 })).await;
    }
    // The first page is on disk though the second never arrives.
    assert!(pull::run_once(&house.app).await.unwrap());
    settle(&house).await;
    assert_eq!((number(&db, KNOWN).await, left_there(&house).await), (200, 50));
    assert_eq!(number(&db, "select failures::bigint from report_pulls").await, 1);
    assert!(!pull::run_once(&house.app).await.unwrap(), "it waits after a failure");
    turn_now(&house).await;
    assert!(pull::run_once(&house.app).await.unwrap());
    settle(&house).await;
    assert_eq!(number(&db, KNOWN).await, 250);
    assert_eq!(number(&db, "select failures::bigint from report_pulls").await, 0);
    assert_eq!(poll::look_up(&house.app, house.project, &session).await.unwrap(), 450);
    assert_eq!(number(&db, KNOWN).await, 450);
}

#[sqlx::test]
async fn a_process_that_died_while_pulling_is_followed_by_another(db: PgPool) {
    let house = by_hand(&db).await;
    open(&house).await;
    others_send(&house, 3).await;
    sqlx::query("update report_pulls set lease_until = now() + interval '1 minute'")
        .execute(&db)
        .await
        .unwrap();
    assert!(!pull::run_once(&house.app).await.unwrap());
    sqlx::query("update report_pulls set lease_until = now() - interval '1 second'")
        .execute(&db)
        .await
        .unwrap();
    assert!(pull::run_once(&house.app).await.unwrap());
    settle(&house).await;
    assert_eq!(number(&db, KNOWN).await, 3);
}

#[sqlx::test]
async fn a_pulled_report_settles_what_is_in_doubt(db: PgPool) {
    let house = House::with(&db, Ways { pushes: false, ..Ways::default() }).await;
    let admin = house.member("admin", Role::Admin).await;
    house.admin(Method::POST, "pull", json!({ "open": true })).await;
    house.fault(json!({ "action": "SendUSMSMessage", "kind": "reset_after" })).await;
    let batch = admin.send("登录验证码", &["1", "5"], "18500001234").await;
    until_number(&db, "select count(*) from submissions where state = 'in_doubt'", 1).await;
    assert!(admin.get("/p/default/health").await.one(".checks").contains("不确定是否已提交"));
    press(&admin, "keep", &[("pulls", "1")]).await;
    let page = house.settled(&admin, &batch).await;
    assert_eq!(page.all(".messages tbody .status"), ["已送达"]);
    assert_eq!(house.taken().await, (1, 0));
    assert_eq!(
        number(&db, "select count(*) from audit_log where action = 'pulling_changed'").await,
        1
    );
}

#[sqlx::test]
async fn an_account_that_cannot_pull_says_so(db: PgPool) {
    let house = House::open(&db).await;
    let admin = house.member("admin", Role::Admin).await;
    press(&admin, "keep", &[("pulls", "1")]).await;
    until_number(&db, "select count(*) from report_pulls where failures > 1", 1).await;
    let page = admin.get("/p/default/settings/hooks").await;
    assert!(page.one(".pulling").contains("PullUSMSReport is not opened"), "{}", page.text);
    press(&admin, "keep", &[]).await;
    assert_eq!(number(&db, "select count(*) from report_pulls").await, 0);
}
