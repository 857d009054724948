//! Batches that are sent back instead of being approved.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime, UtcOffset};

use crate::harness::{CODE, Page, TestClient, TestConsole, assert_sound};

const LIST: &[u8] = b"18500001001,1001,5\n18500001002,1002,5\n18500001003,1003,5\n";

async fn send_back(client: &TestClient, batch: &str, page: &Page, reason: &str) -> Page {
    let mut fields = page.whole_form("form[action$=send-back]");
    fields.retain(|(name, _)| name != "reason");
    fields.push(("reason".to_owned(), reason.to_owned()));
    client.post_owned(&format!("{batch}/send-back"), &fields).await
}

async fn approve(client: &TestClient, batch: &str) -> Page {
    let fields = client.get(batch).await.whole_form("form[action$=approve]");
    client.post_owned(&format!("{batch}/approve"), &fields).await
}

async fn state(db: &PgPool) -> String {
    sqlx::query_scalar("select state::text from batches order by id desc limit 1")
        .fetch_one(db)
        .await
        .unwrap()
}

async fn needs_approval_above(db: &PgPool, over: i32) {
    sqlx::query("update projects set approval_over = $1").bind(over).execute(db).await.unwrap();
}

#[sqlx::test]
async fn a_list_that_is_sent_back_is_a_draft_with_the_reason_and_can_be_ordered_again(db: PgPool) {
    let console = TestConsole::start(&db).await;
    needs_approval_above(&db, 2).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", LIST).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    let approver = console.approver().await;
    let page = approver.get(&batch).await;
    assert!(!operator.get(&batch).await.has("form[action$=send-back]"), "nobody their own");
    let samples = page.all("#approval .bubble");
    assert!(
        samples[0].contains("验证码是1001") || samples[0].contains("验证码是100"),
        "{samples:?}"
    );
    assert!(samples.len() <= 3, "{samples:?}");
    let refused = send_back(&approver, &batch, &page, "  ").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.has("#reason-error"), "{}", refused.text);
    let answer = send_back(&approver, &batch, &page, "第二列不是<b>验证码</b>").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(state(&db).await, "draft");
    let page = operator.get(&preview).await;
    assert!(page.one("#sent-back").contains("approver"), "{}", page.text);
    assert!(page.one("#sent-back").contains("第二列不是<b>验证码</b>"), "{}", page.text);
    assert_eq!(operator.get(&batch).await.leads_to(), preview);
    // It is changed, ordered again, and approved.
    let again = operator.confirm_list(&preview, &[("name", "改好了")]).await;
    assert_eq!(again, batch);
    let page = approver.get(&batch).await;
    assert!(page.one("#approval #sent-back").contains("第二列不是"), "{}", page.text);
    assert_eq!(approve(&approver, &batch).await.status, StatusCode::SEE_OTHER);
    console.until_complete(&operator, &batch).await;
    assert_eq!(console.accepted().await, (3, 0));
    assert_sound(&db).await;
    let events: Vec<(String, Value)> =
        sqlx::query_as("select action, detail from audit_log where action = 'batch_sent_back'")
            .fetch_all(&db)
            .await
            .unwrap();
    let detail =
        json!({ "state": "draft", "reason": "第二列不是<b>验证码</b>", "ordered_by": "operator" });
    assert_eq!(events, [("batch_sent_back".to_owned(), detail)]);
}

#[sqlx::test]
async fn an_order_that_is_sent_back_is_cancelled_and_its_form_reopens_filled(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = operator.send("新书", &["读者"], "18500001234\n18500001235").await;
    let approver = console.approver().await;
    let page = approver.get(&batch).await;
    let answer = send_back(&approver, &batch, &page, "改称呼").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(state(&db).await, "cancelled");
    let page = operator.get(&batch).await;
    assert!(page.one("#sent-back").contains("改称呼"), "{}", page.text);
    let form = operator.get(&page.attr("#sent-back a", "href")).await;
    assert_eq!(form.value("#p1"), "读者");
    assert_eq!(form.one("#phones").trim(), "18500001234 18500001235");
    assert_eq!(console.accepted().await.0, 0);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn codes_do_not_come_back_with_an_order_that_is_sent_back_but_its_time_does(db: PgPool) {
    let console = TestConsole::start(&db).await;
    needs_approval_above(&db, 0).await;
    let operator = console.operator().await;
    let at = (OffsetDateTime::now_utc() + Duration::hours(20))
        .to_offset(UtcOffset::from_hms(8, 0, 0).unwrap());
    let at = format!("{}T{:02}:{:02}", at.date(), at.hour(), at.minute());
    let mut fields = operator.send_fields(CODE, &["987612", "5"], "18500001234").await;
    fields.push(("schedule_at".to_owned(), at.clone()));
    let check = operator.post_owned("/p/default/send", &fields).await;
    let sent = operator.post_owned("/p/default/send", &check.form_fields("confirm")).await;
    let batch = sent.leads_to();
    let approver = console.approver().await;
    let page = approver.get(&batch).await;
    send_back(&approver, &batch, &page, "不对").await;
    let page = operator.get(&batch).await;
    let form = operator.get(&page.attr("#sent-back a", "href")).await;
    assert!(form.has("#params-hidden") && !form.text.contains("987612"), "{}", form.text);
    assert_eq!(form.value("#at"), at);
}

#[sqlx::test]
async fn what_is_sent_back_by_a_page_that_is_out_of_date_stays(db: PgPool) {
    let console = TestConsole::start(&db).await;
    needs_approval_above(&db, 2).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", LIST).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    let approver = console.approver().await;
    let stale = approver.get(&batch).await;
    sqlx::query("update batches set schedule_at = now() + interval '1 day'")
        .execute(&db)
        .await
        .unwrap();
    let answer = send_back(&approver, &batch, &stale, "不对").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.has("#errors"), "{}", answer.text);
    assert_eq!(state(&db).await, "awaiting_approval");
    // Two approvers at the same time: the second one changes nothing.
    let page = approver.get(&batch).await;
    approve(&approver, &batch).await;
    send_back(&approver, &batch, &page, "不对").await;
    assert_eq!(state(&db).await, "scheduled");
}

#[sqlx::test]
async fn the_decision_comes_before_anything_else_on_the_page_of_a_batch(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = operator.send("新书", &["读者"], "18500001234").await;
    let approver = console.approver().await;
    let text = approver.get(&batch).await.text;
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what}: {text}"));
    let order = ["id=\"approval\"", "/approve\"", "/send-back\"", "/cancel\"", "class=\"figures\""];
    let places: Vec<usize> = order.into_iter().map(place).collect();
    assert!(places.is_sorted(), "{places:?}");
}
