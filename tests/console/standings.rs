//! What a page says about a batch agrees with what has just happened to it.

use sqlx::PgPool;
use time::macros::{offset, time};
use time::{Duration, OffsetDateTime};
use usms_console::clock::Clock;
use usms_console::db::sending::claims::Claim;
use usms_console::ops::sending::submit;

use crate::harness::{CODE, Page, TestClient, TestConsole, TestOptions};

/// A console in which nothing is sent by itself.
async fn still(db: &PgPool) -> TestConsole {
    let options = TestOptions { workers: false, ..TestOptions::default() };
    TestConsole::start_with(db, options).await
}

/// Places one submission of the batch under way, as a process that calls the vendor does.
async fn call(db: &PgPool) {
    let claimed =
        "update submissions set state = 'in_flight', lease_until = now() + interval '1 hour',
        sent_at = now() where id = (select min(id) from submissions where state = 'ready')";
    assert_eq!(sqlx::query(claimed).execute(db).await.unwrap().rows_affected(), 1);
}

async fn accept(db: &PgPool) {
    let accepted = "update submissions set state = 'accepted', lease_until = null
        where state = 'in_flight'";
    assert_eq!(sqlx::query(accepted).execute(db).await.unwrap().rows_affected(), 1);
}

async fn split(db: &PgPool) {
    let second = "with second as (
          insert into submissions (id, project_id, batch_id, state, n, next_try_at)
          select new_id(now()), project_id, batch_id, 'ready', 1, now() from submissions returning id)
        update messages set submission_id = (select id from second)
        where id = (select max(id) from messages)";
    sqlx::query(second).execute(db).await.unwrap();
    sqlx::query("update submissions set n = 2 where n = 3").execute(db).await.unwrap();
}

async fn act(client: &TestClient, batch: &str, action: &str, confirm: bool) -> Page {
    let page = client.get(batch).await;
    let mut fields = vec![("csrf".to_owned(), page.csrf())];
    if page.has(&format!("form[action$={action}]")) {
        fields = page.whole_form(&format!("form[action$={action}]"));
    }
    if confirm {
        fields.push(("confirm".to_owned(), "1".to_owned()));
    }
    client.post_owned(&format!("{batch}/{action}"), &fields).await;
    client.get(batch).await
}

#[sqlx::test]
async fn a_pause_after_everything_has_left_says_that_it_was_too_late(db: PgPool) {
    let console = still(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    call(&db).await;
    accept(&db).await;
    let page = act(&operator, &batch, "pause", false).await;
    assert_eq!(page.one(".flash p"), "无法暂停：短信均已发出");
    assert_eq!(page.one(".head .status"), "发送中");
    assert!(!page.has("form[action$=pause]"), "there is nothing to pause");
}

#[sqlx::test]
async fn a_pause_while_the_last_call_is_under_way_holds_what_comes_back_unsent(db: PgPool) {
    let console = still(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    call(&db).await;
    let page = act(&operator, &batch, "pause", false).await;
    assert_eq!(page.one(".flash p"), "已暂停；正在提交的 1 条短信仍可能送达");
    assert_eq!(page.one(".head .status"), "已暂停");
    let back = "update submissions set state = 'ready', lease_until = null, sent_at = null";
    sqlx::query(back).execute(&db).await.unwrap();
    let claim = submit::claim(&console.app).await.unwrap();
    assert!(!matches!(claim, Claim::Won(_)), "{claim:?}");
}

#[sqlx::test]
async fn a_pause_names_the_messages_of_calls_under_way(db: PgPool) {
    let console = still(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234 18500001235 18500001236").await;
    split(&db).await;
    call(&db).await;
    let page = act(&operator, &batch, "pause", false).await;
    assert_eq!(page.one(".flash p"), "已暂停；正在提交的 2 条短信仍可能送达");
    assert_eq!(page.one(".head .status"), "已暂停");
}

#[sqlx::test]
async fn cancelling_names_the_messages_of_calls_under_way_wherever_it_says_so(db: PgPool) {
    let console = still(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234 18500001235 18500001236").await;
    split(&db).await;
    call(&db).await;
    let page = operator.get(&batch).await;
    assert_eq!(page.one("form[action$=cancel] button"), "取消剩余 1 条");
    let asked = operator.post(&format!("{batch}/cancel"), &[("csrf", &page.csrf())]).await;
    assert!(asked.one("main form").contains("尚未发送的 1 条"), "{}", asked.text);
    let sentence = "正在提交的 2 条短信仍可能送达";
    assert!(asked.one("main form").contains(sentence), "{}", asked.text);
    let page = act(&operator, &batch, "cancel", true).await;
    assert!(page.one(".flash p").contains(sentence), "{}", page.one(".flash p"));
    assert!(page.one("#live").contains(sentence), "{}", page.one("#live"));
    let detail: serde_json::Value =
        sqlx::query_scalar("select detail from audit_log where action = 'batch_cancelled'")
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!(detail, serde_json::json!({ "state": "cancelled", "cancelled": 1, "under_way": 2 }));
    // A batch without calls under way promises that nothing more arrives.
    let batch = operator.send(CODE, &["2", "5"], "18500001234").await;
    let page = act(&operator, &batch, "cancel", true).await;
    assert_eq!(page.one(".flash p"), "已取消，剩余短信不再发送。");
    assert!(!page.one("#live").contains("仍可能"));
}

#[sqlx::test]
async fn a_batch_whose_trial_was_sent_waits_for_results_in_the_list_and_on_its_page(db: PgPool) {
    let console = still(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234 18500001235 18500001236").await;
    let trial = "update batches set wave = 0, trial_size = 1, trial_wait_seconds = 600";
    sqlx::query(trial).execute(&db).await.unwrap();
    assert_eq!(operator.get(&batch).await.one(".head .status"), "发送中");
    sqlx::query("update batches set trial_sent_at = now()").execute(&db).await.unwrap();
    let page = operator.get(&batch).await;
    assert_eq!(page.one(".head .status"), "试发：等待结果");
    assert!(!page.one("#live").contains("正在试发"), "{}", page.one("#live"));
    let list = operator.get("/p/default/batches").await;
    assert_eq!(list.all(".batches .status"), ["试发：等待结果"]);
}

#[sqlx::test]
async fn marketing_that_is_approved_in_the_night_says_that_it_leaves_in_the_morning(db: PgPool) {
    let today = OffsetDateTime::now_utc().to_offset(offset!(+8));
    let night = Clock::set_to(today.replace_time(time!(02:00)).to_offset(offset!(UTC)));
    let options = TestOptions { workers: false, clock: night, ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    let operator = console.operator().await;
    let batch = operator.send("新书", &["读者"], "18500001234").await;
    let approver = console.approver().await;
    let page = act(&approver, &batch, "approve", true).await;
    assert_eq!(page.one(".flash p"), "已批准，将于 08:00 发送");
    assert_eq!(page.one(".head .status"), "08:00 发送");
    let list = approver.get("/p/default/batches").await;
    assert_eq!(list.all(".batches .status"), ["08:00 发送"]);
    console.app.clock.advance(Duration::minutes(390));
    assert_eq!(approver.get(&batch).await.one(".head .status"), "发送中");
}

#[sqlx::test]
async fn a_batch_was_ordered_when_it_was_ordered_and_not_when_its_file_came(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", b"18500001234,1,5\n").await;
    let batch = operator.confirm_list(&preview, &[]).await;
    sqlx::query("update batches set ordered_at = '2026-11-02 03:04:05+08'")
        .execute(&db)
        .await
        .unwrap();
    let ordered = "2026-11-02T03:04:05+08:00";
    let page = operator.get(&batch).await;
    assert_eq!(page.attr(".head time", "datetime"), ordered);
    let list = operator.get("/p/default/batches").await;
    assert_eq!(list.attr(".batches time", "datetime"), ordered);
}

#[sqlx::test]
async fn a_text_that_leaves_out_a_repeat_counts_only_what_was_ordered(db: PgPool) {
    let console = still(&db).await;
    let operator = console.operator().await;
    operator.send(CODE, &["1", "5"], "18500001234").await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234 18500001235").await;
    assert_eq!(operator.get(&batch).await.one(".flash p"), "任务已发起，共 1 条。");
}

#[sqlx::test]
async fn a_message_that_has_not_left_has_no_time_of_leaving(db: PgPool) {
    let console = still(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    // A call that surely did not pass is made again.
    sqlx::query("update submissions set sent_at = now()").execute(&db).await.unwrap();
    let page = operator.get(&batch).await;
    assert!(!page.has(".messages tbody time"), "{}", page.one(".messages tbody"));
}
