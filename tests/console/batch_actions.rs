//! Steering: times, first ones, pauses, and phones that opted out meanwhile.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime, UtcOffset};
use usms_console::db::invariants;
use usms_console::ops::{failure_guard, plan, submit};

use super::push_settings::until_number;
use crate::harness::{TestConsole, TestOptions, until};

const CODE: &str = "登录验证码";

fn list(n: usize) -> Vec<u8> {
    let rows = (0..n).map(|n| format!("1850{:07},{n},5\n", 1_000 + n));
    rows.collect::<String>().into_bytes()
}

fn typed(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::from_hms(8, 0, 0).unwrap());
    format!("{}T{:02}:{:02}", at.date(), at.hour(), at.minute())
}

async fn sound(console: &TestConsole) {
    for (promise, breaches) in invariants::broken(&console.app.db).await.unwrap().by_name() {
        assert_eq!(breaches, 0, "{promise}");
    }
}

#[sqlx::test]
async fn a_scheduled_list_is_ready_before_its_time_and_can_be_moved_and_called_off(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", &list(500)).await;
    let tomorrow = typed(OffsetDateTime::now_utc() + Duration::hours(20));
    let batch = operator.confirm_list(&preview, &[("schedule_at", &tomorrow)]).await;
    until_number(&db, "select count(*) from messages", 500).await;
    let page = operator.get(&batch).await;
    assert!(page.has("form[action$=schedule]"));
    let later = typed(OffsetDateTime::now_utc() + Duration::hours(30));
    let csrf = page.csrf();
    operator.post(&format!("{batch}/schedule"), &[("csrf", &csrf), ("schedule_at", &later)]).await;
    let page = operator.get(&batch).await;
    assert_eq!(page.value("#schedule_at"), later);
    let past = typed(OffsetDateTime::now_utc() - Duration::hours(3));
    operator.post(&format!("{batch}/schedule"), &[("csrf", &csrf), ("schedule_at", &past)]).await;
    assert_eq!(operator.get(&batch).await.value("#schedule_at"), later, "no time that has passed");
    operator.post(&format!("{batch}/cancel"), &[("csrf", &csrf), ("confirm", "1")]).await;
    assert_eq!(operator.get(&batch).await.all(".ledger dd"), ["500", "500"]);
    assert_eq!(console.accepted().await.0, 0);
    sound(&console).await;
}

#[sqlx::test]
async fn a_schedule_that_was_missed_asks_and_takes_a_new_time(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", &list(5)).await;
    let tomorrow = typed(OffsetDateTime::now_utc() + Duration::hours(20));
    let batch = operator.confirm_list(&preview, &[("schedule_at", &tomorrow)]).await;
    sqlx::query("update batches set schedule_at = now() - interval '11 minutes'")
        .execute(&db)
        .await
        .unwrap();
    let page = console.until(&operator, &batch, "form[action$=resume]").await;
    assert!(page.text.contains("错过定时时间"));
    let csrf = page.csrf();
    operator
        .post(&format!("{batch}/schedule"), &[("csrf", &csrf), ("schedule_at", &tomorrow)])
        .await;
    let page = operator.get(&batch).await;
    assert!(!page.has("form[action$=resume]") && page.has("form[action$=schedule]"));
    assert_eq!(console.accepted().await.0, 0);
}

#[sqlx::test]
async fn the_first_leave_alone_and_the_rest_follows_a_persons_word(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", &list(700)).await;
    let first = [("canary", "on"), ("canary_first", "30"), ("canary_minutes", "0")];
    let batch = operator.confirm_list(&preview, &first).await;
    let page = console.until(&operator, &batch, "form[action$=resume]").await;
    assert!(page.text.contains("试发已完成"), "{}", page.text);
    assert_eq!(console.accepted().await.0, 30);
    operator.post(&format!("{batch}/resume"), &[("csrf", &page.csrf())]).await;
    console.closed(&operator, &batch).await;
    assert_eq!(console.accepted().await, (700, 0));
    sound(&console).await;
}

#[sqlx::test]
async fn the_rest_follows_by_itself_when_the_first_fare_well_and_not_when_they_fail(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let canary = |percent| {
        [
            ("canary", "on"),
            ("canary_first", "10"),
            ("canary_minutes", "5"),
            ("canary_percent", percent),
        ]
    };
    let preview = operator.upload_list(CODE, "a.csv", &list(300)).await;
    let batch = operator.confirm_list(&preview, &canary("5")).await;
    console.closed(&operator, &batch).await;
    assert_eq!(console.accepted().await, (300, 0));
    let bad: String = (0..300).map(|n| format!("1859{n:03}0001,{n},5\n")).collect();
    let preview = operator.upload_list(CODE, "bad.csv", bad.as_bytes()).await;
    let batch = operator.confirm_list(&preview, &canary("5")).await;
    console.until(&operator, &batch, "form[action$=resume]").await;
    assert_eq!(console.accepted().await.0, 310);
    sound(&console).await;
}

#[sqlx::test]
async fn a_batch_whose_messages_fail_too_often_is_paused_with_the_numbers(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let operator = console.operator().await;
    sqlx::query("update projects set failure_least = 100, failure_percent = 40")
        .execute(&db)
        .await
        .unwrap();
    let bad: String = (0..1_000).map(|n| format!("1859{n:03}0001,{n},5\n")).collect();
    let app = console.app.clone();
    let reading = tokio::spawn(async move {
        while !usms_console::ops::uploads::import::run_once(&app).await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    let preview = operator.upload_list(CODE, "bad.csv", bad.as_bytes()).await;
    reading.await.unwrap();
    let batch = operator.confirm_list(&preview, &[]).await;
    while plan::run_once(&console.app).await.unwrap() {}
    assert!(submit::run_once(&console.app).await.unwrap());
    // The receipts come as a push, which is settled here by hand.
    until("every receipt is settled", async || {
        usms_console::ops::push_inbox::process_next(&console.app).await.unwrap();
        let outcomes = "select count(*) from outcomes";
        sqlx::query_scalar::<_, i64>(outcomes).fetch_one(&db).await.unwrap() == 200
    })
    .await;
    assert_eq!(failure_guard::run_once(&console.app).await.unwrap(), 1);
    assert!(!submit::run_once(&console.app).await.unwrap(), "nothing more leaves");
    let page = operator.get(&batch).await;
    assert!(page.text.contains("已有结果的 200 条中，200 条失败"), "{}", page.text);
    assert!(page.text.contains("空号"), "the causes are on the page");
    operator.post(&format!("{batch}/resume"), &[("csrf", &page.csrf())]).await;
    assert_eq!(
        failure_guard::run_once(&console.app).await.unwrap(),
        0,
        "counted anew from the person's word"
    );
    assert!(submit::run_once(&console.app).await.unwrap());
    sound(&console).await;
}

#[sqlx::test]
async fn a_large_batch_needs_a_second_person_where_the_settings_say_so(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    sqlx::query("update projects set approval_over = 20").execute(&db).await.unwrap();
    let small = operator.upload_list(CODE, "a.csv", &list(20)).await;
    let batch = operator.confirm_list(&small, &[]).await;
    console.closed(&operator, &batch).await;
    let large: String = (0..21).map(|n| format!("1850{:07},{n},5\n", 5_000 + n)).collect();
    let preview = operator.upload_list(CODE, "b.csv", large.as_bytes()).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    let approver = console.approver().await;
    let page = approver.get(&batch).await;
    assert!(page.has("form[action$=approve]"), "{}", page.text);
    approver.post(&format!("{batch}/approve"), &[("csrf", &page.csrf()), ("confirm", "1")]).await;
    console.closed(&approver, &batch).await;
    assert_eq!(console.accepted().await, (41, 0));
}

#[sqlx::test]
async fn who_opts_out_after_the_preview_is_taken_out_when_the_call_leaves(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let operator = console.operator().await;
    let app = console.app.clone();
    let reading = tokio::spawn(async move {
        while !usms_console::ops::uploads::import::run_once(&app).await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    let preview = operator.upload_list(CODE, "a.csv", &list(201)).await;
    reading.await.unwrap();
    let batch = operator.confirm_list(&preview, &[]).await;
    while plan::run_once(&console.app).await.unwrap() {}
    // One of the first call, and the only one of the second.
    for phone in ["18500001007", "18500001200"] {
        sqlx::query(
            "insert into suppressions (project_id, phone, id, reason)
             select id, $1, new_id(now()), 'person' from projects",
        )
        .bind(phone)
        .execute(&db)
        .await
        .unwrap();
    }
    while submit::run_once(&console.app).await.unwrap() {}
    assert_eq!(console.accepted().await, (200 - 1, 0));
    let page = operator.get(&batch).await;
    assert!(page.all(".ledger dd").contains(&"2".to_owned()), "{:?}", page.all(".ledger dd"));
    let counts = console.admin(reqwest::Method::GET, "counts", serde_json::Value::Null).await;
    assert_eq!(counts["by_action"]["SendBatchUSMSMessage"], 1);
    sound(&console).await;
}

#[sqlx::test]
async fn no_more_calls_are_under_way_than_may_be_and_what_waits_for_a_place_is_put_back(
    db: PgPool,
) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let action = "SendBatchUSMSMessage";
    console.fault(json!({ "kind": "delay", "action": action, "millis": 4_500, "times": 0 })).await;
    let preview = operator.upload_list(CODE, "a.csv", &list(2_400)).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    let in_flight = || async {
        let count = "select count(*) from submissions where state = 'in_flight'";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&db).await.unwrap()
    };
    let places = i64::try_from(console.app.pace.concurrency).unwrap();
    let ahead = i64::try_from(submit::AHEAD).unwrap();
    let at_hand = async || in_flight().await == places + ahead;
    until("some are at hand when a call ends", at_hand).await;
    // Whatever is claimed anew has a new lease.
    let leases = || async {
        let all = "select lease_until from submissions where state = 'in_flight' order by 1";
        sqlx::query_scalar::<_, OffsetDateTime>(all).fetch_all(&db).await.unwrap()
    };
    let first = leases().await;
    let calls = async || console.admin(Method::GET, "counts", Value::Null).await;
    until("they do not wait for long", async || {
        assert_eq!(calls().await["by_action"][action], places, "nor leave before that");
        leases().await.last() != first.last()
    })
    .await;
    console.clear_faults().await;
    console.closed(&operator, &batch).await;
    assert_eq!(console.accepted().await, (2_400, 0));
    sound(&console).await;
}
