//! A storm of pushes while a batch is sent and processes are killed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::{Mutex, watch};

use crate::harness::{CODE, TestConsole, TestOptions, assert_sound, http, until};
use crate::{expire_leases_of_the_dead, start_pages, start_worker};

const RECIPIENTS: usize = 9_000;
const ITEMS: usize = 40;

/// Pushes receipts of external messages, one push after the other, to the current URL of the pages.
/// Each push is repeated until it is acknowledged. Returns the acknowledged session numbers.
async fn storm(
    stream: usize,
    hook: String,
    pages: Arc<Mutex<String>>,
    stop: watch::Receiver<bool>,
) -> BTreeSet<String> {
    let mut acknowledged = BTreeSet::new();
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
            let push_url = format!("{}{hook}", pages.lock().await);
            let response = http.post(push_url).json(&body).send().await;
            if let Ok(response) = response
                && let Ok(body) = response.json::<Value>().await
                && body["code"] == 0
            {
                acknowledged.extend((0..ITEMS).map(session));
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    acknowledged
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
    let mut first = start_worker(&db, &console);
    // Phones whose last four digits mean nothing to the sandbox: all of these are delivered.
    let phone = |n: usize| format!("185000{}{:04}", n / 5_000, 4_000 + n % 5_000);
    let file: String = (0..RECIPIENTS).map(|n| format!("{},{n},5\n", phone(n))).collect();
    let preview = operator.upload_list(CODE, "a.csv", file.as_bytes()).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    let (mut endpoint, url) = start_pages(&db, &console);
    let current_url = Arc::new(Mutex::new(url));
    let (end, stop) = watch::channel(false);
    let storms: Vec<_> = (0..3)
        .map(|n| {
            tokio::spawn(storm(n, console.hook_path.clone(), current_url.clone(), stop.clone()))
        })
        .collect();
    let mut second = start_worker(&db, &console);
    for round in 0..4 {
        tokio::time::sleep(Duration::from_millis(900 + 150 * round)).await;
        first.kill().await.unwrap();
        second.kill().await.unwrap();
        endpoint.kill().await.unwrap();
        expire_leases_of_the_dead(&db).await;
        first = start_worker(&db, &console);
        second = start_worker(&db, &console);
        let (process, url) = start_pages(&db, &console);
        endpoint = process;
        *current_url.lock().await = url;
    }
    let mut acknowledged = BTreeSet::new();
    let left = "select count(*) from submissions where state in ('ready', 'in_flight')
                  or state in ('accepted', 'partly') and not complete";
    let waiting = "select count(*) from inbox where processed_at is null";
    until_none(&db, left).await;
    end.send(true).unwrap();
    for storm in storms {
        acknowledged.extend(storm.await.unwrap());
    }
    until_none(&db, waiting).await;
    let stored: Vec<String> = sqlx::query_scalar(
        "select session_no from external_messages where session_no like 'storm-%'",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    let once: BTreeSet<String> = stored.iter().cloned().collect();
    assert_eq!(once.len(), stored.len(), "nothing is stored twice");
    assert!(acknowledged.len() > 500, "{} receipts are no storm", acknowledged.len());
    assert!(acknowledged.is_subset(&once), "what was acknowledged is stored");
    let (accepted, twice) = console.accepted().await;
    assert_eq!(twice, 0);
    let delivered: i64 =
        sqlx::query_scalar("select count(*) from outcomes where outcome = 'delivered'")
            .fetch_one(&db)
            .await
            .unwrap();
    let in_doubt: i64 = sqlx::query_scalar(
        "select coalesce(sum(n), 0)::bigint from submissions where state = 'in_doubt'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(delivered + in_doubt, i64::try_from(RECIPIENTS).unwrap());
    assert!(accepted <= i64::try_from(RECIPIENTS).unwrap());
    assert_sound(&db).await;
    assert!(operator.get(&batch).await.has(".ledger"));
}

async fn until_none(db: &PgPool, query: &'static str) {
    until(&format!("{query} is 0"), async || {
        sqlx::query_scalar::<_, i64>(query).fetch_one(db).await.unwrap() == 0
    })
    .await;
}
