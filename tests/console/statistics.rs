//! Statistics and failures: they add up to the log whatever happens, and say the same in files.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use usms_console::db::{invariants, statistics};
use usms_console::ops::receive;

use crate::harness::{House, Page, Visitor};

const CODE: &str = "登录验证码";
const HERE: &str = "/p/default/statistics";
const FAILURES: &str = "/p/default/failures";

async fn sound(house: &House) {
    for (promise, breaches) in invariants::broken(&house.app.db).await.unwrap().by_name() {
        assert_eq!(breaches, 0, "{promise}");
    }
}

async fn fold(db: &PgPool) -> u64 {
    statistics::fold(&mut db.acquire().await.unwrap()).await.unwrap()
}

/// Messages of the log by state.
async fn log(db: &PgPool) -> BTreeMap<String, i64> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select message_state(s.state, o.outcome)::text, count(*)
         from messages m join submissions s on s.id = m.submission_id
         left join outcomes o on o.id = m.id group by 1",
    )
    .fetch_all(db)
    .await
    .unwrap();
    rows.into_iter().collect()
}

/// The same, as the statistics have it: of the console's own messages.
async fn counted(db: &PgPool) -> BTreeMap<String, i64> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select by_state.state, sum(by_state.n)::bigint from counted_messages c
         cross join lateral (values ('queued', queued), ('submitted', submitted),
           ('in_doubt', in_doubt), ('delivered', delivered), ('failed', failed),
           ('unknown', unknown), ('refused', refused), ('cancelled', cancelled),
           ('suppressed', suppressed)) as by_state (state, n)
         where batch_id <> 0 group by 1 having sum(by_state.n) <> 0",
    )
    .fetch_all(db)
    .await
    .unwrap();
    rows.into_iter().collect()
}

fn push(items: &[(&str, &str, &str)], session: &str) -> Vec<u8> {
    let items: Vec<_> = items
        .iter()
        .map(|(phone, result, code)| {
            json!({ "SessionNo": session, "Phone": phone, "CostCount": 2, "ReceiptResult": result,
                "ReceiptTime": OffsetDateTime::now_utc().unix_timestamp(), "ReceiptCode": code,
                "ReceiptDesc": "=words" })
        })
        .collect();
    json!({ "MsgType": 2, "Data": items }).to_string().into_bytes()
}

async fn settle(house: &House, items: &[(&str, &str, &str)], session: &str) {
    receive::take_in(&house.app, house.project, &push(items, session)).await.unwrap();
    for _ in 0..200 {
        receive::run_once(&house.app).await.unwrap();
        let waiting: i64 =
            sqlx::query_scalar("select count(*) from inbox where settled_at is null")
                .fetch_one(&house.app.db)
                .await
                .unwrap();
        if waiting == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the push is not settled");
}

/// A batch of `n` phones, ordered in a batch of its own.
async fn list(house: &House, operator: &Visitor, rows: &str) -> String {
    let preview = operator.upload_list(CODE, "a.csv", rows.as_bytes()).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    house.settled(operator, &batch).await;
    batch
}

fn rows(range: std::ops::Range<usize>) -> String {
    range.map(|n| format!("1850{n:07},{n},5\n")).collect()
}

fn figures(page: &Page) -> Vec<String> {
    page.all(".figures dd")
}

#[sqlx::test]
async fn statistics_equal_the_log_after_all_that_can_happen_to_messages(db: PgPool) {
    let house = House::open(&db).await;
    let operator = house.operator().await;
    // Delivered, failed for four reasons, unknown; some without a receipt yet.
    let all = format!(
        "{}18500000001,1,5\n18500000002,1,5\n18500000003,1,5\n18500000004,1,5\n18500000007,1,5\n",
        rows(1_000..1_040)
    );
    list(&house, &operator, &all).await;
    // Refused whole.
    house.fault(json!({ "action": "SendBatchUSMSMessage", "kind": "ret_code", "ret_code": 18023, "times": 1 })).await;
    list(&house, &operator, "18500001201,2,5\n18500001202,3,5\n").await;
    house.clear_faults().await;
    // Cancelled before it left, and opted out before it left.
    let preview = operator.upload_list(CODE, "c.csv", rows(1_300..1_307).as_bytes()).await;
    let tomorrow = OffsetDateTime::now_utc() + Duration::hours(20 + 8);
    let typed = format!("{}T{:02}:{:02}", tomorrow.date(), tomorrow.hour(), tomorrow.minute());
    let batch = operator.confirm_list(&preview, &[("schedule_at", &typed)]).await;
    house.until(&operator, &batch, "form[action$=cancel], a[href$=cancel], .ledger").await;
    let csrf = operator.get(&batch).await.csrf();
    operator.post(&format!("{batch}/cancel"), &[("csrf", &csrf), ("confirm", "1")]).await;
    // Another program's, and a late word on the unknown one.
    let foreign = [("18500002001", "发送成功", "DELIVRD"), ("18500002002", "发送失败", "-37")];
    settle(&house, &foreign, "foreign-1").await;
    let session: String = sqlx::query_scalar(
        "select s.session_no from messages m join submissions s on s.id = m.submission_id
         where m.phone = '18500000007'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(log(&db).await.get("unknown"), Some(&1));
    settle(&house, &[("18500000007", "发送成功", "DELIVRD")], &session).await;
    let there = log(&db).await;
    assert_eq!(there.get("unknown"), None, "{there:?}");
    assert_eq!(there.get("delivered"), Some(&41));
    assert_eq!(counted(&db).await, there);
    fold(&db).await;
    assert_eq!(counted(&db).await, there);
    sound(&house).await;
    let page = operator.get(&format!("{HERE}?span=7d")).await;
    let sum: Vec<String> = page.all("section[aria-labelledby=sum] .ledger dd");
    assert_eq!(sum[0], there.values().sum::<i64>().to_string());
    assert!(figures(&page)[0].starts_with("45"), "{:?}", figures(&page));
    assert!(page.has("section[aria-labelledby=sum] .status.good"), "the books balance");
    assert_eq!(page.all("section[aria-labelledby=others] .ledger dd"), ["2", "1", "1"]);
    let failures = operator.get(&format!("{FAILURES}?span=7d")).await;
    assert!(failures.text.contains("空号或号码有误") && failures.text.contains("ERRNUM"));
    assert!(failures.text.contains("18023"), "{}", failures.text);
    assert!(failures.has("section[aria-labelledby=others]"));
    assert!(failures.has("a[href$='/resend']"));
    let link = failures.attr(".cause .code a[href*='code=ERRNUM']", "href");
    assert!(link.contains("/messages?state=failed&code=ERRNUM&from="), "{link}");
}
