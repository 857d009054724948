//! A storm of pushes while a batch leaves and processes are killed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::{Mutex, watch};
use usms_console::db::invariants;

use crate::harness::{TestConsole, TestOptions, http, until};
use crate::{end_leases_of_the_dead, pages, worker};

const CODE: &str = "登录验证码";
const RECIPIENTS: usize = 9_000;
const ITEMS: usize = 40;

/// Other programs' receipts, pushed one push after the other to wherever the pages are now, each again
/// until it is answered for. Answers the sessions that were answered for.
async fn storm(
    stream: usize,
    hook: String,
    pages: Arc<Mutex<String>>,
    stop: watch::Receiver<bool>,
) -> BTreeSet<String> {
    let mut answered = BTreeSet::new();
    let http = http();
    for n in 0.. {
        if *stop.borrow() {
            break;
        }
        let session = |item: usize| format!("storm-{stream}-{n}-{item}");
        let item = |item: usize| {
            json!({ "SessionNo": session(item), "Phone": "18500001234", "CostCount": 1,
                "ReceiptTime": 1_790_000_000, "ReceiptResult": "发送成功" })
        };
        let items: Vec<Value> = (0..ITEMS).map(item).collect();
        let body = json!({ "MsgType": 2, "Data": items });
        while !*stop.borrow() {
            let address = format!("{}{hook}", pages.lock().await);
            let answer = http.post(address).json(&body).send().await;
            if let Ok(answer) = answer
                && let Ok(said) = answer.json::<Value>().await
                && said["code"] == 0
            {
                answered.extend((0..ITEMS).map(session));
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    answered
}

#[sqlx::test]
async fn a_storm_of_pushes_while_processes_are_killed_loses_nothing_and_repeats_nothing(
    db: PgPool,
) {
    let options = TestOptions {
        workers: false,
        receipt_after: Duration::from_millis(300),
        ..TestOptions::default()
    };
    let console = TestConsole::start_with(&db, options).await;
    let operator = console.operator().await;
    console
        .fault(
            json!({ "action": "SendBatchUSMSMessage", "kind": "delay", "millis": 400, "times": 0 }),
        )
        .await;
    let mut first = worker(&db, &console);
    // Phones whose last four digits tell the sandbox nothing: all of these arrive.
    let phone = |n: usize| format!("185000{}{:04}", n / 5_000, 4_000 + n % 5_000);
    let file: String = (0..RECIPIENTS).map(|n| format!("{},{n},5\n", phone(n))).collect();
    let preview = operator.upload_list(CODE, "a.csv", file.as_bytes()).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    let (mut door, address) = pages(&db, &console);
    let at = Arc::new(Mutex::new(address));
    let (end, stop) = watch::channel(false);
    let storms: Vec<_> = (0..3)
        .map(|n| tokio::spawn(storm(n, console.hook_path.clone(), at.clone(), stop.clone())))
        .collect();
    let mut second = worker(&db, &console);
    for round in 0..4 {
        tokio::time::sleep(Duration::from_millis(900 + 150 * round)).await;
        first.kill().await.unwrap();
        second.kill().await.unwrap();
        door.kill().await.unwrap();
        end_leases_of_the_dead(&db).await;
        first = worker(&db, &console);
        second = worker(&db, &console);
        let (process, address) = pages(&db, &console);
        door = process;
        *at.lock().await = address;
    }
    let mut answered = BTreeSet::new();
    let left = "select count(*) from submissions where state in ('ready', 'in_flight')
                  or state in ('accepted', 'partly') and not complete";
    let waiting = "select count(*) from inbox where processed_at is null";
    until_none(&db, left).await;
    end.send(true).unwrap();
    for storm in storms {
        answered.extend(storm.await.unwrap());
    }
    until_none(&db, waiting).await;
    let kept: Vec<String> = sqlx::query_scalar(
        "select session_no from external_messages where session_no like 'storm-%'",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    let once: BTreeSet<String> = kept.iter().cloned().collect();
    assert_eq!(once.len(), kept.len(), "nothing is kept twice");
    assert!(answered.len() > 500, "{} receipts are no storm", answered.len());
    assert!(answered.is_subset(&once), "what was answered for is kept");
    let (accepted, twice) = console.accepted().await;
    assert_eq!(twice, 0);
    let delivered: i64 =
        sqlx::query_scalar("select count(*) from outcomes where outcome = 'delivered'")
            .fetch_one(&db)
            .await
            .unwrap();
    let doubt: i64 = sqlx::query_scalar(
        "select coalesce(sum(n), 0)::bigint from submissions where state = 'in_doubt'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(delivered + doubt, i64::try_from(RECIPIENTS).unwrap());
    assert!(accepted <= i64::try_from(RECIPIENTS).unwrap());
    for (promise, breaches) in invariants::broken(&db).await.unwrap().by_name() {
        assert_eq!(breaches, 0, "{promise}");
    }
    assert!(operator.get(&batch).await.has(".ledger"));
}

async fn until_none(db: &PgPool, question: &'static str) {
    until(question, async || {
        sqlx::query_scalar::<_, i64>(question).fetch_one(db).await.unwrap() == 0
    })
    .await;
}
