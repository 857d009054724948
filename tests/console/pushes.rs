//! Pushes are on disk before they are acknowledged, and a repeated or late one changes nothing.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{CODE, TestClient, TestConsole, TestOptions, assert_sound, http};

async fn push(console: &TestConsole, body: Vec<u8>) -> (StatusCode, Value) {
    let answer = http()
        .post(format!("http://{}{}", console.address, console.hook_path))
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    (answer.status(), answer.json().await.unwrap_or(Value::Null))
}

fn report(session: &str, phone: &str, result: &str, code: &str) -> Value {
    json!({ "SessionNo": session, "Phone": phone, "CostCount": 1, "ReceiptTime": 1_790_000_000,
        "ReceiptResult": result, "ReceiptCode": code, "ReceiptDesc": "…", "UserId": "" })
}

async fn states(operator: &TestClient, batch: &str) -> Vec<String> {
    operator.get(batch).await.all(".messages tbody .status")
}

#[sqlx::test]
async fn an_outcome_may_become_more_certain_and_never_less(db: PgPool) {
    // No receipts come by themselves: the test plays the carrier.
    let options = TestOptions {
        pushes: false,
        receipt_after: std::time::Duration::from_secs(3600),
        ..TestOptions::default()
    };
    let console = TestConsole::start_with(&db, options).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234\n18500001235").await;
    let page = console.until(&operator, &batch, ".messages tbody td:last-child a").await;
    let session = page.one(".messages tbody td:last-child a");
    let send = |phone: &'static str, result: &'static str| {
        let body = json!({ "MsgType": 2, "Data": [report(&session, phone, result, "X")] });
        let console = &console;
        async move {
            assert_eq!(push(console, body.to_string().into_bytes()).await.1["code"], 0);
            console.until_pushes_processed().await;
        }
    };
    send("18500001234", "状态未知").await;
    assert_eq!(states(&operator, &batch).await, ["未知", "等待回执"]);
    send("18500001234", "发送成功").await;
    send("18500001234", "发送失败").await;
    send("(86)18500001234", "Success").await;
    send("18500001235", "发送失败").await;
    send("18500001235", "状态未知").await;
    assert_eq!(states(&operator, &batch).await, ["已送达", "失败"]);
    assert_sound(&console.app.db).await;
}

#[sqlx::test]
async fn a_receipt_that_arrives_before_the_response_is_not_lost(db: PgPool) {
    let console = TestConsole::start_with(
        &db,
        TestOptions { receipt_after: std::time::Duration::ZERO, ..TestOptions::default() },
    )
    .await;
    let operator = console.operator().await;
    let slow = json!({ "action": "SendUSMSMessage", "kind": "delay", "millis": 800, "times": 1 });
    console.fault(slow).await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    let page = console.until_complete(&operator, &batch).await;
    assert_eq!(page.all(".messages tbody .status"), ["已送达"]);
}

#[sqlx::test]
async fn malformed_pushes_are_stored_and_acknowledged_and_do_no_harm(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let good = report("s-1", "18500001234", "发送成功", "DELIVRD");
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"not json".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        b"[]".to_vec(),
        br#"{"MsgType": 7, "Data": []}"#.to_vec(),
        br#"{"MsgType": 2, "Data": [null, 1, {"Phone": null}]}"#.to_vec(),
        json!({ "MsgType": "2", "Data": [{ "x": 1 }, good] }).to_string().into_bytes(),
    ];
    for body in bodies {
        let (status, answer) = push(&console, body).await;
        assert_eq!((status, &answer["code"]), (StatusCode::OK, &json!(0)));
    }
    console.until_pushes_processed().await;
    let stored: i64 =
        sqlx::query_scalar("select count(*) from inbox").fetch_one(&console.app.db).await.unwrap();
    assert_eq!(stored, 7);
    let page = operator.get("/p/default/receipts/s-1").await;
    assert_eq!(page.all(".messages tbody .status"), ["已送达"]);
    let reply = json!({ "MsgType": 0, "Data": [{ "Phone": "18500001234", "ReplyContent": "R",
        "ReplyTime": 1_790_000_000, "UserId": "" }] });
    push(&console, reply.to_string().into_bytes()).await;
    push(&console, reply.to_string().into_bytes()).await;
    console.until_pushes_processed().await;
    let replies: i64 = sqlx::query_scalar("select count(*) from replies")
        .fetch_one(&console.app.db)
        .await
        .unwrap();
    assert_eq!(replies, 1);
}

#[sqlx::test]
async fn an_unknown_secret_and_a_giant_push_are_refused(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let url = format!("http://{}/hooks/{}", console.address, "0".repeat(64));
    let answer = http().post(url).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let (status, _) = push(&console, vec![b'x'; 5 << 20]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[sqlx::test]
async fn a_push_that_cannot_be_stored_is_refused_so_that_it_is_retried(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.app.db.close().await;
    let (status, answer) = push(&console, b"{}".to_vec()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_ne!(answer["code"], 0);
}
