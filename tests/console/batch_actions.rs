//! Actions on batches: schedules, trials, pauses and approvals; and phones suppressed meanwhile.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime, UtcOffset};
use usms_console::db::sending::batches;
use usms_console::domain::ids::BatchId;
use usms_console::ops::sending::{failure_guard, plan, submit};

use super::push_settings::until_number;
use crate::harness::{CODE, Page, TestClient, TestConsole, TestOptions, assert_sound, until};

fn list(n: usize) -> Vec<u8> {
    let rows = (0..n).map(|n| format!("1850{:07},{n},5\n", 1_000 + n));
    rows.collect::<String>().into_bytes()
}

/// Returns a time as a `datetime-local` field has it, in China.
fn local_time(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::from_hms(8, 0, 0).unwrap());
    format!("{}T{:02}:{:02}", at.date(), at.hour(), at.minute())
}

/// Posts the form for another time as it stands on a page.
async fn move_to(client: &TestClient, batch: &str, page: &Page, at: &str) -> Page {
    let mut fields = page.whole_form("form[action$=schedule]");
    fields.retain(|(name, _)| name != "schedule_at");
    fields.push(("schedule_at".to_owned(), at.to_owned()));
    client.post_owned(&format!("{batch}/schedule"), &fields).await
}

/// Posts the form of an action as it stands on a page, with the button of this name.
async fn press(client: &TestClient, batch: &str, page: &Page, action: &str, button: &str) -> Page {
    let mut fields = page.whole_form(&format!("form[action$={action}]"));
    fields.push((button.to_owned(), "1".to_owned()));
    client.post_owned(&format!("{batch}/{action}"), &fields).await
}

async fn state(db: &PgPool) -> String {
    sqlx::query_scalar("select state::text from batches").fetch_one(db).await.unwrap()
}

#[sqlx::test]
async fn a_list_that_waits_for_its_hour_waits_for_it_again_when_it_is_resumed(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", &list(5)).await;
    let tomorrow = local_time(OffsetDateTime::now_utc() + Duration::hours(20));
    let batch = operator.confirm_list(&preview, &[("schedule_at", &tomorrow)]).await;
    let page = operator.get(&batch).await;
    press(&operator, &batch, &page, "pause", "x").await;
    let page = operator.get(&batch).await;
    let leaves = page.one("#leaves");
    assert!(leaves.contains(&tomorrow.replace('T', " ")), "it says when it leaves: {leaves}");
    press(&operator, &batch, &page, "resume", "x").await;
    assert_eq!(state(&db).await, "scheduled");
    assert_eq!(console.accepted().await.0, 0);
    // Its time passes while it is paused: resuming does not send it without asking.
    let page = operator.get(&batch).await;
    press(&operator, &batch, &page, "pause", "x").await;
    sqlx::query("update batches set schedule_at = now() - interval '11 minutes'")
        .execute(&db)
        .await
        .unwrap();
    operator.resume(&batch).await;
    let page = operator.get(&batch).await;
    assert!(page.text.contains("请立即发送、另选时间，或取消任务"), "{}", page.text);
    assert!(page.one(".flash.doubtful").contains("定时时间已过"), "{}", page.text);
    assert!(!page.has("#leaves"));
    assert_eq!((state(&db).await.as_str(), console.accepted().await.0), ("paused", 0));
    press(&operator, &batch, &page, "resume", "now").await;
    console.until_complete(&operator, &batch).await;
    assert_eq!(console.accepted().await, (5, 0));
    assert_sound(&db).await;
}

#[sqlx::test]
async fn an_approval_after_the_hour_sends_nothing_before_a_person_chooses_a_time(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    sqlx::query("update projects set approval_over = 2").execute(&db).await.unwrap();
    let preview = operator.upload_list(CODE, "a.csv", &list(5)).await;
    let tomorrow = local_time(OffsetDateTime::now_utc() + Duration::hours(20));
    let batch = operator.confirm_list(&preview, &[("schedule_at", &tomorrow)]).await;
    sqlx::query("update batches set schedule_at = now() - interval '11 minutes'")
        .execute(&db)
        .await
        .unwrap();
    let approver = console.approver().await;
    let page = approver.get(&batch).await;
    press(&approver, &batch, &page, "approve", "confirm").await;
    assert_eq!((state(&db).await.as_str(), console.accepted().await.0), ("paused", 0));
    // Whoever ordered it needs another approval for another time.
    let page = operator.get(&batch).await;
    press(&operator, &batch, &page, "resume", "now").await;
    assert_eq!((state(&db).await.as_str(), console.accepted().await.0), ("awaiting_approval", 0));
    let page = approver.get(&batch).await;
    press(&approver, &batch, &page, "approve", "confirm").await;
    console.until_complete(&operator, &batch).await;
    assert_eq!(console.accepted().await, (5, 0));
    assert_sound(&db).await;
}

#[sqlx::test]
async fn moving_an_approved_list_needs_another_approval_unless_the_mover_may_give_it(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    sqlx::query("update projects set approval_over = 2").execute(&db).await.unwrap();
    let preview = operator.upload_list(CODE, "a.csv", &list(5)).await;
    let in_hours = |hours| local_time(OffsetDateTime::now_utc() + Duration::hours(hours));
    let batch = operator.confirm_list(&preview, &[("schedule_at", &in_hours(20))]).await;
    let approver = console.approver().await;
    let page = approver.get(&batch).await;
    press(&approver, &batch, &page, "approve", "confirm").await;
    assert_eq!(state(&db).await, "scheduled");
    let page = approver.get(&batch).await;
    move_to(&approver, &batch, &page, &in_hours(25)).await;
    assert_eq!(state(&db).await, "scheduled", "the approver's own move is the approval");
    let page = operator.get(&batch).await;
    move_to(&operator, &batch, &page, &in_hours(30)).await;
    assert_eq!(state(&db).await, "awaiting_approval");
    assert_eq!(console.accepted().await.0, 0);
}

#[sqlx::test]
async fn an_approval_of_a_page_that_is_out_of_date_approves_nothing(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    sqlx::query("update projects set approval_over = 2").execute(&db).await.unwrap();
    let preview = operator.upload_list(CODE, "a.csv", &list(5)).await;
    let in_hours = |hours| local_time(OffsetDateTime::now_utc() + Duration::hours(hours));
    let tomorrow = in_hours(20);
    let batch = operator.confirm_list(&preview, &[("schedule_at", &tomorrow)]).await;
    let approver = console.approver().await;
    let stale = approver.get(&batch).await;
    assert!(stale.one("#leaves").contains(&tomorrow.replace('T', " ")), "{}", stale.text);
    assert_eq!(stale.one("form[action$=approve] button"), "批准");
    let page = operator.get(&batch).await;
    let later = in_hours(30);
    move_to(&operator, &batch, &page, &later).await;
    let answer = press(&approver, &batch, &stale, "approve", "confirm").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let now = format!("发送时间：现为 {}:00 UTC+8", later.replace('T', " "));
    assert_eq!(answer.all("#errors li"), [now], "{}", answer.text);
    assert_eq!(state(&db).await, "awaiting_approval");
    let without = approver.post(&format!("{batch}/approve"), &[("csrf", &stale.csrf())]).await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(state(&db).await, "awaiting_approval");
    press(&approver, &batch, &answer, "approve", "confirm").await;
    assert_eq!(state(&db).await, "scheduled");
}

#[sqlx::test]
async fn resuming_by_a_page_that_is_out_of_date_sends_nothing(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", &list(5)).await;
    let in_hours = |hours| local_time(OffsetDateTime::now_utc() + Duration::hours(hours));
    let batch = operator.confirm_list(&preview, &[("schedule_at", &in_hours(20))]).await;
    let page = operator.get(&batch).await;
    press(&operator, &batch, &page, "pause", "x").await;
    let stale = operator.get(&batch).await;
    let moved_at = OffsetDateTime::now_utc() + Duration::hours(30);
    sqlx::query("update batches set schedule_at = $1").bind(moved_at).execute(&db).await.unwrap();
    let answer = press(&operator, &batch, &stale, "resume", "x").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let now = format!("发送时间：现为 {}", local_time(moved_at).replace('T', " "));
    assert!(answer.one("#errors li").starts_with(&now), "{}", answer.text);
    assert_eq!(state(&db).await, "paused");
    press(&operator, &batch, &answer, "resume", "x").await;
    assert_eq!(state(&db).await, "scheduled");
}

#[sqlx::test]
async fn an_action_on_a_draft_that_is_discarded_meanwhile_does_nothing(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    for action in ["schedule", "resume"] {
        let preview = operator.upload_list(CODE, "a.csv", &list(5)).await;
        let batch = preview.trim_end_matches("/preview");
        let csrf = operator.get(&preview).await.csrf();
        let id: BatchId = batch.rsplit('/').next().unwrap().parse().unwrap();
        let mut discarding = db.begin().await.unwrap();
        batches::discard(&mut discarding, console.project, id).await.unwrap();
        let path = format!("{batch}/{action}");
        let fields = [("csrf", csrf.as_str()), ("now", "1"), ("version", "x")];
        let fields = &fields[..if action == "resume" { 1 } else { 3 }];
        let commit = async {
            let waiting = "select count(*) from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock'";
            until_number(&db, waiting, 1).await;
            discarding.commit().await.unwrap();
        };
        let (answer, ()) = tokio::join!(operator.post(&path, fields), commit);
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{action}: {}", answer.text);
        assert_eq!(operator.get(batch).await.status, StatusCode::NOT_FOUND);
    }
}

#[sqlx::test]
async fn the_audit_names_the_state_of_a_batch_and_who_approved_it(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    sqlx::query("update projects set approval_over = 2").execute(&db).await.unwrap();
    let preview = operator.upload_list(CODE, "a.csv", &list(5)).await;
    let in_hours = |hours| local_time(OffsetDateTime::now_utc() + Duration::hours(hours));
    let batch = operator.confirm_list(&preview, &[("schedule_at", &in_hours(20))]).await;
    let approver = console.approver().await;
    let page = approver.get(&batch).await;
    press(&approver, &batch, &page, "approve", "confirm").await;
    let page = approver.get(&batch).await;
    move_to(&approver, &batch, &page, &in_hours(25)).await;
    press(&operator, &batch, &operator.get(&batch).await, "pause", "x").await;
    let page = operator.get(&batch).await;
    move_to(&operator, &batch, &page, &in_hours(30)).await;
    press(&operator, &batch, &operator.get(&batch).await, "cancel", "confirm").await;
    let details: Vec<Value> = sqlx::query_scalar(
        "select detail - 'at' from audit_log
         where action like 'batch_%' and action <> 'batch_ordered' order by id",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    assert_eq!(
        details,
        [
            json!({ "state": "scheduled", "approved_by": "approver" }),
            json!({ "state": "scheduled", "approved_by": "approver" }),
            json!({ "state": "paused", "approved_by": "approver" }),
            json!({ "state": "awaiting_approval" }),
            json!({ "state": "cancelled", "cancelled": 5, "under_way": 0 }),
        ]
    );
}

#[sqlx::test]
async fn a_scheduled_list_is_planned_before_its_time_and_can_be_moved_and_cancelled(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", &list(500)).await;
    let tomorrow = local_time(OffsetDateTime::now_utc() + Duration::hours(20));
    let batch = operator.confirm_list(&preview, &[("schedule_at", &tomorrow)]).await;
    until_number(&db, "select count(*) from messages", 500).await;
    let page = operator.get(&batch).await;
    assert!(page.has("form[action$=schedule]"));
    let later = local_time(OffsetDateTime::now_utc() + Duration::hours(30));
    let csrf = page.csrf();
    move_to(&operator, &batch, &page, &later).await;
    let page = operator.get(&batch).await;
    assert_eq!(page.value("#schedule_at"), later);
    let past = local_time(OffsetDateTime::now_utc() - Duration::hours(3));
    let refused = move_to(&operator, &batch, &page, &past).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.one("#schedule_at-error").contains("该时间已过"), "{}", refused.text);
    assert_eq!(refused.value("#schedule_at[aria-invalid]"), past, "what was typed is kept");
    assert_eq!(
        operator.get(&batch).await.value("#schedule_at"),
        later,
        "a time in the past is refused"
    );
    operator.post(&format!("{batch}/cancel"), &[("csrf", &csrf), ("confirm", "1")]).await;
    assert_eq!(operator.get(&batch).await.all(".ledger dd"), ["500", "500"]);
    assert_eq!(console.accepted().await.0, 0);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_batch_that_missed_its_time_is_paused_and_can_be_rescheduled(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", &list(5)).await;
    let tomorrow = local_time(OffsetDateTime::now_utc() + Duration::hours(20));
    let batch = operator.confirm_list(&preview, &[("schedule_at", &tomorrow)]).await;
    sqlx::query("update batches set schedule_at = now() - interval '11 minutes'")
        .execute(&db)
        .await
        .unwrap();
    let page = console.until(&operator, &batch, "form[action$=resume]").await;
    assert!(page.text.contains("错过定时时间"));
    move_to(&operator, &batch, &page, &tomorrow).await;
    let page = operator.get(&batch).await;
    assert!(!page.has("form[action$=resume]") && page.has("form[action$=schedule]"));
    assert_eq!(console.accepted().await.0, 0);
}

#[sqlx::test]
async fn a_trial_batch_is_sent_alone_and_the_rest_waits_for_a_person(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", &list(700)).await;
    let trial = [("canary", "on"), ("canary_first", "30"), ("canary_minutes", "0")];
    let batch = operator.confirm_list(&preview, &trial).await;
    let page = console.until(&operator, &batch, "form[action$=resume]").await;
    assert!(page.text.contains("试发已完成"), "{}", page.text);
    assert_eq!(console.accepted().await.0, 30);
    operator.resume(&batch).await;
    console.until_complete(&operator, &batch).await;
    assert_eq!(console.accepted().await, (700, 0));
    assert_sound(&db).await;
}

#[sqlx::test]
async fn the_rest_follows_a_trial_batch_that_succeeds_and_not_one_that_fails(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let trial = |percent| {
        [
            ("canary", "on"),
            ("canary_first", "10"),
            ("canary_minutes", "5"),
            ("canary_percent", percent),
        ]
    };
    let preview = operator.upload_list(CODE, "a.csv", &list(300)).await;
    let batch = operator.confirm_list(&preview, &trial("5")).await;
    console.until_complete(&operator, &batch).await;
    assert_eq!(console.accepted().await, (300, 0));
    let bad: String = (0..300).map(|n| format!("1859{n:03}0001,{n},5\n")).collect();
    let preview = operator.upload_list(CODE, "bad.csv", bad.as_bytes()).await;
    let batch = operator.confirm_list(&preview, &trial("5")).await;
    console.until(&operator, &batch, "form[action$=resume]").await;
    assert_eq!(console.accepted().await.0, 310);
    assert_sound(&db).await;
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
    let import = tokio::spawn(async move {
        while !usms_console::ops::sending::uploads::import::run_once(&app).await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    let preview = operator.upload_list(CODE, "bad.csv", bad.as_bytes()).await;
    import.await.unwrap();
    let batch = operator.confirm_list(&preview, &[]).await;
    while plan::run_once(&console.app).await.unwrap() {}
    assert!(submit::run_once(&console.app).await.unwrap());
    // The receipts arrive as a push, which the test itself processes.
    until("every receipt is processed", async || {
        usms_console::ops::receipts::push_inbox::process_next(&console.app).await.unwrap();
        let outcomes = "select count(*) from outcomes";
        sqlx::query_scalar::<_, i64>(outcomes).fetch_one(&db).await.unwrap() == 200
    })
    .await;
    assert_eq!(failure_guard::run_once(&console.app).await.unwrap(), 1);
    assert!(!submit::run_once(&console.app).await.unwrap(), "nothing more is sent");
    let page = operator.get(&batch).await;
    assert!(page.text.contains("已有结果的 200 条中，200 条失败"), "{}", page.text);
    assert!(page.text.contains("空号"), "the causes are on the page");
    operator.resume(&batch).await;
    assert_eq!(
        failure_guard::run_once(&console.app).await.unwrap(),
        0,
        "counted again from when the person resumed it"
    );
    assert!(submit::run_once(&console.app).await.unwrap());
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_large_batch_needs_a_second_person_where_the_settings_say_so(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    sqlx::query("update projects set approval_over = 20").execute(&db).await.unwrap();
    let small = operator.upload_list(CODE, "a.csv", &list(20)).await;
    let batch = operator.confirm_list(&small, &[]).await;
    console.until_complete(&operator, &batch).await;
    let large: String = (0..21).map(|n| format!("1850{:07},{n},5\n", 5_000 + n)).collect();
    let preview = operator.upload_list(CODE, "b.csv", large.as_bytes()).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    let approver = console.approver().await;
    let page = approver.get(&batch).await;
    assert!(page.has("form[action$=approve]"), "{}", page.text);
    press(&approver, &batch, &page, "approve", "confirm").await;
    console.until_complete(&approver, &batch).await;
    assert_eq!(console.accepted().await, (41, 0));
}

#[sqlx::test]
async fn a_phone_suppressed_after_the_preview_is_left_out_of_the_call(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let operator = console.operator().await;
    let app = console.app.clone();
    let import = tokio::spawn(async move {
        while !usms_console::ops::sending::uploads::import::run_once(&app).await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    let preview = operator.upload_list(CODE, "a.csv", &list(201)).await;
    import.await.unwrap();
    let batch = operator.confirm_list(&preview, &[]).await;
    while plan::run_once(&console.app).await.unwrap() {}
    // One phone of the first call, and the only one of the second.
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
    assert_sound(&db).await;
}

#[sqlx::test]
async fn calls_in_flight_are_limited_and_claims_that_wait_too_long_are_put_back(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let action = "SendBatchUSMSMessage";
    console.fault(json!({ "kind": "delay", "action": action, "millis": 15_000, "times": 0 })).await;
    let preview = operator.upload_list(CODE, "a.csv", &list(2_400)).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    let in_flight = || async {
        let count = "select count(*) from submissions where state = 'in_flight'";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&db).await.unwrap()
    };
    let limit = i64::try_from(console.app.pace.concurrency).unwrap();
    let ahead = i64::try_from(submit::AHEAD).unwrap();
    let claimed_ahead = async || in_flight().await == limit + ahead;
    until("some are claimed ahead of the calls that end", claimed_ahead).await;
    // What is claimed again has a new lease.
    let leases = || async {
        let all = "select lease_until from submissions where state = 'in_flight' order by 1";
        sqlx::query_scalar::<_, OffsetDateTime>(all).fetch_all(&db).await.unwrap()
    };
    let first = leases().await;
    let calls = async || console.admin(Method::GET, "counts", Value::Null).await;
    until("those that wait are put back and claimed again", async || {
        assert_eq!(calls().await["by_action"][action], limit, "and none is sent before that");
        leases().await.last() != first.last()
    })
    .await;
    console.clear_faults().await;
    console.until_complete(&operator, &batch).await;
    assert_eq!(console.accepted().await, (2_400, 0));
    assert_sound(&db).await;
}
