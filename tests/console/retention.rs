//! Messages past retention are deleted, in small steps or a month at once; incomplete ones stay,
//! and every sum stays as it was.

use std::time::Instant;

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
use usms_console::app::App;
use usms_console::clock::Clock;
use usms_console::db::retention::partitions;
use usms_console::domain::accounts::role::Role;
use usms_console::domain::ids::SubmissionId;
use usms_console::ops::receipts::push_inbox;
use usms_console::ops::retention;

use super::opt_outs::decide;
use super::replies::{AT, newest, push_replies, quiet, reply};
use crate::harness::{CODE, MAX_WAIT, Page, TestClient, TestConsole, assert_sound};

const RETENTION: &str = "/p/default/settings/retention";

async fn count(db: &PgPool, what: &'static str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {what}")))
        .fetch_one(db)
        .await
        .unwrap()
}

async fn set_policy(db: &PgPool, months: Option<i16>, days: Option<i16>) {
    sqlx::query("update projects set retention_months = $1, redact_days = $2")
        .bind(months)
        .bind(days)
        .execute(db)
        .await
        .unwrap();
}

/// Returns the console, `by` later.
fn later(console: &TestConsole, by: Duration) -> App {
    App { clock: Clock::set_to(console.app.clock.now() + by), ..console.app.clone() }
}

/// Deletes and redacts what is due. A step that does not get its locks in time is left to a later
/// run, as the console's own worker runs as well.
async fn apply_retention(app: &App) {
    for _ in 0..3 {
        while retention::run_once(app).await.unwrap() {}
    }
}

/// Sends a batch of three: one is delivered, one fails, one is refused.
async fn complete_batch(console: &TestConsole, operator: &TestClient) -> String {
    let file = b"18509991234,a,5\n18509990001,b,5\n18509990099,c,5\n";
    let preview = operator.upload_list(CODE, "a.csv", file).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    console.until_complete(operator, &batch).await;
    batch
}

/// Sends a batch that is in doubt.
async fn batch_in_doubt(console: &TestConsole, operator: &TestClient) -> String {
    let lost =
        json!({ "action": "SendUSMSMessage", "kind": "ret_code", "ret_code": 110, "times": 1 });
    console.fault(lost).await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    console.until(operator, &batch, "a[href$='in-doubt']").await;
    batch
}

/// Pushes receipts of 2,500 external messages, and a reply.
async fn push_external(console: &TestConsole) {
    let item = |n: usize| {
        json!({ "SessionNo": format!("other-{n}"), "Phone": "18500001234", "CostCount": 1,
            "ReceiptTime": 1_790_000_000, "ReceiptResult": "Success", "UserId": "theirs" })
    };
    let items: Vec<Value> = (0..2_500).map(item).collect();
    let body = json!({ "MsgType": 2, "Data": items }).to_string();
    push_inbox::store(&console.app, console.project, body.as_bytes()).await.unwrap();
    let reply = json!({ "MsgType": 0, "Data": [{ "Phone": "18500001234", "ReplyContent": "你好",
        "ReplyTime": 1_790_000_000 }] });
    push_inbox::store(&console.app, console.project, reply.to_string().as_bytes()).await.unwrap();
    console.process_pushes().await;
}

/// Returns how much of the messages is left, as the page says.
fn left(page: &Page) -> Vec<String> {
    page.all("dl.facts dt")
}

fn ledger(page: &Page) -> Vec<(String, String)> {
    page.all(".ledger dt").into_iter().zip(page.all(".ledger dd")).collect()
}

#[sqlx::test]
async fn messages_past_retention_are_deleted_and_incomplete_ones_stay(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = complete_batch(&console, &operator).await;
    let before = ledger(&operator.get(&batch).await);
    let doubt = batch_in_doubt(&console, &operator).await;
    push_external(&console).await;
    // A second project keeps everything: no partition may be dropped.
    sqlx::query(
        "insert into projects (id, slug, name, ucloud_project_id, public_key, private_key_sealed,
           hook_secret_sealed, hook_secret_hash, created_at)
         values (7, 'other', 'Other', 'org-b', 'k', '', '', '\\x07', now())",
    )
    .execute(&db)
    .await
    .unwrap();
    set_policy(&db, Some(1), None).await;
    sqlx::query("update projects set retention_months = null where id = 7")
        .execute(&db)
        .await
        .unwrap();
    apply_retention(&later(&console, Duration::days(20))).await;
    assert_eq!(count(&db, "messages").await, 4, "nothing is deleted before its time");
    assert_eq!(count(&db, "inbox").await, 0, "processed pushes are deleted after some days");
    apply_retention(&later(&console, Duration::days(100))).await;
    assert_eq!(count(&db, "messages").await, 1, "what is in doubt stays");
    assert_eq!(count(&db, "outcomes").await, 0);
    assert_eq!(count(&db, "external_messages").await, 0);
    assert_eq!(count(&db, "replies").await, 0);
    assert_eq!(count(&db, "partitions where name = 'first'").await, 1);
    let page = operator.get(&batch).await;
    assert_eq!(ledger(&page), before, "its sum stays");
    assert!(page.text.contains("3 条发送记录已超过保留期限"), "{}", page.text);
    assert!(!page.has("a[href$='/resend']"));
    assert!(operator.get(&doubt).await.has("a[href$='in-doubt']"));
    assert_sound(&db).await;
    // A receipt that is years late finds nothing and breaks nothing.
    let session: String =
        sqlx::query_scalar("select session_no from submissions where session_no is not null")
            .fetch_one(&db)
            .await
            .unwrap();
    let late = json!({ "MsgType": 2, "Data": [{ "SessionNo": session, "Phone": "18509991234",
        "ReceiptResult": "Fail" }] });
    push_inbox::store(&console.app, console.project, late.to_string().as_bytes()).await.unwrap();
    console.process_pushes().await;
    assert_sound(&db).await;
}

#[sqlx::test]
async fn phones_and_texts_are_redacted_and_the_rest_stays(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = complete_batch(&console, &operator).await;
    push_external(&console).await;
    let admin = console.member("Ada", Role::Admin).await;
    assert_eq!(left(&admin.get(RETENTION).await), ["完整保留"]);
    set_policy(&db, None, Some(7)).await;
    apply_retention(&later(&console, Duration::days(6))).await;
    assert_eq!(count(&db, "messages where phone like '%*%'").await, 0);
    apply_retention(&later(&console, Duration::days(8))).await;
    assert_eq!(count(&db, "messages where phone like '185****____' and params = '{}'").await, 3);
    assert_eq!(
        count(&db, "external_messages where phone = '185****1234' and user_id = ''").await,
        2_500
    );
    assert_eq!(count(&db, "replies").await, 0);
    assert_eq!(count(&db, "recipients").await, 0);
    let page = operator.get(&batch).await;
    assert_eq!(page.all(".messages tbody .status"), ["已送达", "失败", "未受理"]);
    assert!(page.text.contains("185****1234") && !page.text.contains("18509991234"));
    assert!(page.text.contains("3 条短信的手机号和变量内容已超过保留期限"), "{}", page.text);
    assert!(!page.has("a[href$='/resend']"), "masked phones cannot be sent to");
    assert_eq!(left(&admin.get(RETENTION).await), ["已清除手机号和内容"]);
    let list = admin.get(&admin.get(RETENTION).await.attr("dl.facts a", "href")).await;
    assert!(list.text.contains("185****1234"), "{}", list.text);
    assert_sound(&db).await;
    // In the end they are deleted as well.
    set_policy(&db, Some(1), Some(7)).await;
    apply_retention(&later(&console, Duration::days(40))).await;
    assert_eq!(count(&db, "messages").await, 0);
    assert_eq!(left(&admin.get(RETENTION).await), ["已删除"]);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_reply_that_waits_for_a_decision_stays_until_it_is_made(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let perhaps = reply("18500001001", "请问怎么退订", AT + 1);
    let others = [reply("18500001001", "你好", AT), reply("18500001002", "谢谢", AT)];
    push_replies(&console, &[perhaps, others[0].clone(), others[1].clone()]).await;
    set_policy(&db, Some(1), None).await;
    let later = later(&console, Duration::days(40));
    apply_retention(&later).await;
    assert_eq!((count(&db, "replies").await, count(&db, "conversations").await), (1, 1));
    assert_eq!(count(&db, "suppressions where pending").await, 1);
    let (_, page) = newest(&operator).await;
    decide(&operator, &page, "no").await;
    assert_eq!(count(&db, "suppressions").await, 0);
    apply_retention(&later).await;
    assert_eq!((count(&db, "replies").await, count(&db, "conversations").await), (0, 0));
}

#[sqlx::test]
async fn a_month_past_retention_is_dropped_at_once_unless_a_message_is_incomplete(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = complete_batch(&console, &operator).await;
    let before = ledger(&operator.get(&batch).await);
    let doubt = batch_in_doubt(&console, &operator).await;
    set_policy(&db, Some(1), None).await;
    let much_later = later(&console, Duration::days(100));
    apply_retention(&much_later).await;
    assert_eq!(
        count(&db, "partitions where name = 'first'").await,
        1,
        "one message in it is in doubt"
    );
    assert_eq!(count(&db, "messages").await, 1);
    let submission: i64 = sqlx::query_scalar("select id from submissions where state = 'in_doubt'")
        .fetch_one(&db)
        .await
        .unwrap();
    let proof = json!({ "MsgType": 2, "Data": [{ "SessionNo": "late", "Phone": "18500001234",
        "ReceiptResult": "Success", "UserId": SubmissionId(submission).vendor_user_id() }] });
    push_inbox::store(&console.app, console.project, proof.to_string().as_bytes()).await.unwrap();
    console.until_complete(&operator, &doubt).await;
    let end = "select to_id from partitions where name = 'first'";
    let end_before: i64 = sqlx::query_scalar(end).fetch_one(&db).await.unwrap();
    apply_retention(&much_later).await;
    assert_eq!(count(&db, "messages").await, 0);
    assert_eq!(count(&db, "external_messages").await, 0);
    let end_after: i64 = sqlx::query_scalar(end).fetch_one(&db).await.unwrap();
    assert!(end_after > end_before, "the months after it are dropped, too");
    assert_eq!(ledger(&operator.get(&batch).await), before);
    let next = operator.send(CODE, &["1", "5"], "18500001239").await;
    console.until_complete(&operator, &next).await;
}

#[sqlx::test]
async fn deletion_waits_for_no_reader_and_sending_goes_on_meanwhile(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    complete_batch(&console, &operator).await;
    set_policy(&db, Some(1), None).await;
    // A long export is being downloaded.
    let mut reader = db.begin().await.unwrap();
    sqlx::query("select from messages, outcomes").fetch_all(&mut *reader).await.unwrap();
    let started = Instant::now();
    let much_later = later(&console, Duration::days(100));
    apply_retention(&much_later).await;
    assert!(started.elapsed() < MAX_WAIT, "{:?}", started.elapsed());
    assert_eq!(count(&db, "messages_first").await, 3, "the month is still being read");
    let app = much_later.clone();
    let deletion = tokio::spawn(async move {
        for _ in 0..20 {
            retention::run_once(&app).await.unwrap();
        }
    });
    let batch = operator.send(CODE, &["1", "5"], "18500001237").await;
    console.until_complete(&operator, &batch).await;
    // By its clock, the deletion may remove the message as soon as it has its outcome.
    assert_eq!(console.accepted().await, (3, 0));
    deletion.await.unwrap();
    reader.commit().await.unwrap();
    assert_sound(&db).await;
}

#[sqlx::test]
async fn partitions_are_made_ahead_and_every_message_has_one(db: PgPool) {
    let console = TestConsole::start(&db).await;
    assert_eq!(partitions::make_ahead(&db, console.app.clock.now()).await.unwrap(), 0);
    let years = |n: i64| console.app.clock.now() + Duration::days(365 * n);
    let insert = "insert into messages select new_id($1), 1, 1, 1, 1, '18500001234', '{}'";
    for at in [years(-5), years(0), years(3)] {
        sqlx::query(insert).bind(at).execute(&db).await.unwrap();
    }
    // A message dated three years ahead stays where it is, and its partition ends after it.
    assert!(partitions::make_ahead(&db, years(0) + Duration::days(40)).await.unwrap() > 0);
    for month in 0..14 {
        let at = years(4) + Duration::days(30 * month);
        partitions::make_ahead(&db, at).await.unwrap();
        sqlx::query(insert).bind(at).execute(&db).await.unwrap();
    }
    let gaps = count(
        &db,
        "partitions a where to_id is not null
           and not exists (select from partitions b where b.from_id = a.to_id)",
    )
    .await;
    assert_eq!(gaps, 0);
    let partitions = count(
        &db,
        "pg_inherits where inhparent in ('messages'::regclass, 'outcomes'::regclass, 'external_messages'::regclass)",
    )
    .await;
    assert_eq!(partitions, 3 * count(&db, "partitions").await);
    assert_eq!(count(&db, "messages").await, 17);
    let order: Vec<i64> = sqlx::query_scalar("select id from messages order by id desc limit 17")
        .fetch_all(&db)
        .await
        .unwrap();
    assert!(order.is_sorted_by(|a, b| a > b));
    let plan: Vec<String> = sqlx::query_scalar(
        "explain select id from messages where id < 4000000000000000000 order by id desc limit 5",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    assert!(!plan.join("\n").contains("Sort"), "newest first needs no sort: {plan:?}");
}

#[sqlx::test]
async fn an_admin_sets_the_retention_and_shortening_it_must_be_confirmed(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    assert_eq!(operator.get(RETENTION).await.status, StatusCode::FORBIDDEN);
    let admin = console.member("admin", Role::Admin).await;
    let post = |months: &'static str, days: &'static str, more: &'static [(&str, &str)]| {
        let admin = &admin;
        async move {
            let csrf = admin.get(RETENTION).await.csrf();
            let policy = [("csrf", csrf.as_str()), ("keep_months", months), ("blank_days", days)];
            admin.post(RETENTION, &[&policy, more].concat()).await
        }
    };
    for (months, days, wrong) in [
        ("0", "", "keep_months"),
        ("121", "", "keep_months"),
        ("", "6", "blank_days"),
        ("many", "1e9", "blank_days"),
        ("-1", "99999999999999999999", "blank_days"),
    ] {
        let page = post(months, days, &[("confirm", "1")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.has(&format!("#{wrong}-error")), "{months} {days}");
        assert_eq!(page.value("#keep_months"), months, "the input is kept");
    }
    let unconfirmed = post("12", "", &[]).await;
    assert_eq!(unconfirmed.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unconfirmed.has("button[name=confirm]"));
    assert_eq!(post("12", "30", &[("confirm", "1")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(admin.get(RETENTION).await.value("#blank_days"), "30");
    // A longer retention needs no confirmation.
    assert_eq!(post("24", " ", &[]).await.status, StatusCode::SEE_OTHER);
    let detail: Vec<Value> = sqlx::query_scalar(
        "select detail from audit_log where action = 'retention_changed' order by id",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    assert_eq!(detail[0], json!({ "retention_months": [null, 12], "redact_days": [null, 30] }));
    assert_eq!(detail[1], json!({ "retention_months": [12, 24], "redact_days": [30, null] }));
    assert!(admin.get_in("en", RETENTION).await.text.contains("Retention"));
}

#[sqlx::test]
async fn the_old_address_of_the_retention_page_redirects_permanently(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    let page = admin.get("/p/default/settings/keeping").await;
    assert_eq!(page.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(page.leads_to(), RETENTION);
}
