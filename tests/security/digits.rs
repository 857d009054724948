//! Hidden digits: who sees phones masked learns nothing of what a mask hides.

use serde_json::{Value, json};
use sqlx::PgPool;
use usms_console::ops::push_inbox;

use crate::harness::{CODE, Page, TestClient, TestConsole, TestOptions};

const RIGHT: &str = "18500001234";
/// The same to somebody who sees masks.
const WRONG: &str = "18577771234";
const MASK: &str = "185****1234";

/// A console in which nothing happens by itself.
pub async fn quiet(db: &PgPool) -> TestConsole {
    let options = TestOptions { workers: false, pushes: false, ..TestOptions::default() };
    TestConsole::start_with(db, options).await
}

pub async fn push(console: &TestConsole, kind: u8, items: Value) {
    let body = json!({ "MsgType": kind, "Data": items }).to_string();
    push_inbox::store(&console.app, console.project, body.as_bytes()).await.unwrap();
    console.process_pushes().await;
}

pub fn receipt(session: &str, phone: &str) -> Value {
    json!({ "SessionNo": session, "Phone": phone, "CostCount": 1, "ReceiptTime": 1_790_000_000,
        "ReceiptResult": "发送成功", "ReceiptCode": "DELIVRD", "ReceiptDesc": "", "UserId": "" })
}

pub fn reply(phone: &str, text: &str) -> Value {
    json!({ "Phone": phone, "ReplyContent": text, "ReplyTime": 1_760_000_000, "ExtendCode": "",
        "UserId": "" })
}

async fn suppress(operator: &TestClient, phones: &str) {
    let csrf = operator.get("/p/default/suppressions").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("phones", phones)];
    operator.post("/p/default/suppressions", &fields).await;
}

/// Returns all that a person sees of a page: its texts and links, or its file.
fn seen(page: &Page) -> String {
    if !page.has("main") {
        return page.text.clone();
    }
    let html = page.html();
    let main = scraper::Selector::parse("main").unwrap();
    let main = html.select(&main).next().unwrap().html();
    main.replace(&page.all("input[name=csrf]").join(""), "")
}

#[sqlx::test]
async fn a_whole_phone_that_a_viewer_searches_for_is_taken_as_its_mask(db: PgPool) {
    let console = quiet(&db).await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    operator.send(CODE, &["1", "5"], RIGHT).await;
    push(&console, 2, json!([receipt("theirs", RIGHT)])).await;
    push(&console, 0, json!([reply(RIGHT, "收到")])).await;
    suppress(&operator, RIGHT).await;
    for path in [
        "/p/default/messages?phone=",
        "/p/default/messages.csv?phone=",
        "/p/default/messages?source=other&phone=",
        "/p/default/messages?state=queued&phone=",
        "/p/default/receipts?phone=",
        "/p/default/replies?phone=",
        "/p/default/replies?q=收到&phone=",
        "/p/default/replies.csv?phone=",
        "/p/default/suppressions?phone=",
    ] {
        let right = viewer.get(&format!("{path}{RIGHT}")).await;
        let wrong = viewer.get(&format!("{path}{WRONG}")).await;
        let mask = viewer.get(&format!("{path}{MASK}")).await;
        assert!(seen(&right).contains(MASK), "{path} finds it: {}", right.text);
        assert!(!right.text.contains("18500001234<"), "{path}");
        assert_eq!(right.status, wrong.status, "{path}");
        assert_eq!(seen(&right), seen(&wrong), "{path}");
        assert_eq!(seen(&right), seen(&mask), "{path}");
        let found = |page: &Page| seen(page).matches(RIGHT).count();
        let known = operator.get(&format!("{path}{RIGHT}")).await;
        assert!(found(&known) > 0, "{path}");
        let other = operator.get(&format!("{path}{WRONG}")).await;
        assert_eq!(found(&other), 0, "{path}: {}", other.text);
    }
    let other_head = viewer.get("/p/default/messages?phone=18600001234").await;
    assert!(!other_head.has("tbody tr"), "the first digits are shown, and count");
    for part in ["01234", "0001234", "8500001234", "1850000", "%1234", "0000"] {
        for path in ["/p/default/messages", "/p/default/replies", "/p/default/suppressions"] {
            let page = viewer.get(&format!("{path}?phone={part}")).await;
            assert!(!page.has("tbody tr"), "{path} finds nothing by {part}");
        }
    }
}

#[sqlx::test]
async fn lists_are_not_in_the_order_of_phones(db: PgPool) {
    let console = quiet(&db).await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    let phones = ["18500001300", "18500001100", "18500001200", "18500001050"];
    let newest_first = ["185****1050", "185****1200", "185****1100", "185****1300"];
    suppress(&operator, &phones.join("\n")).await;
    let list = viewer.get("/p/default/suppressions").await;
    assert_eq!(list.all("tbody th"), newest_first);
    push(&console, 2, phones.iter().map(|phone| receipt("theirs", phone)).collect()).await;
    let list = viewer.get("/p/default/messages?source=other").await;
    assert_eq!(list.all("tbody th"), newest_first);
    let phones = ["18500002300", "18500002100", "18500002200", "18500002050"];
    let newest_first = ["185****2050", "185****2200", "185****2100", "185****2300"];
    push(&console, 0, phones.iter().map(|phone| reply(phone, "TD")).collect()).await;
    let list = viewer.get("/p/default/replies").await;
    assert_eq!(list.all("tbody th"), newest_first);
    let list = viewer.get("/p/default/suppressions").await;
    assert_eq!(list.all("tbody th")[..4], newest_first);
    let file = viewer.get("/p/default/replies.csv").await;
    let column: Vec<&str> =
        file.text.lines().skip(1).map(|l| l.split(',').nth(1).unwrap()).collect();
    assert_eq!(column, newest_first);
}

#[sqlx::test]
async fn the_file_of_suppressions_is_on_record(db: PgPool) {
    let console = quiet(&db).await;
    let viewer = console.viewer().await;
    viewer.get("/p/default/suppressions.csv").await;
    let events = "select count(*) from audit_log where action = 'suppressions_exported'";
    let events: i64 = sqlx::query_scalar(events).fetch_one(&db).await.unwrap();
    assert_eq!(events, 1);
}
