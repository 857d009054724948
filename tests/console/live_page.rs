//! Many people watch one batch live.

use futures_util::StreamExt;
use reqwest::Response;
use sqlx::PgPool;

use crate::harness::{CODE, TestConsole, TestOptions};

const PAGES: usize = 300;

/// Reads a stream of events until one contains `text`.
async fn read_until(stream: &mut Response, text: &str) {
    let mut received = String::new();
    while !received.contains(text) {
        let chunk = stream.chunk().await.unwrap().expect("the stream ends");
        received.push_str(&String::from_utf8_lossy(&chunk));
    }
}

/// Returns how many transactions the database has done. Its idle processes report them up to ten
/// seconds late.
async fn transactions(db: &PgPool) -> i64 {
    tokio::time::sleep(std::time::Duration::from_millis(11_000)).await;
    let all = "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()";
    sqlx::query_scalar(all).fetch_one(db).await.unwrap()
}

#[sqlx::test]
async fn hundreds_of_open_pages_cost_the_database_no_more_than_one(db: PgPool) {
    // No workers run: the batch stays as it is, and only pages query the database.
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    let csrf = operator.get(&batch).await.csrf();
    let events = format!("{batch}/events");
    let opened = (0..PAGES).map(|_| operator.request_to(&events).send());
    let opened: Vec<_> = futures_util::stream::iter(opened).buffered(20).collect().await;
    let mut pages: Vec<Response> = opened.into_iter().map(Result::unwrap).collect();
    for page in &mut pages {
        read_until(page, "event: live").await;
    }
    let before = transactions(&db).await;
    for (step, text) in [("pause", "已暂停"), ("resume", "发送中"), ("pause", "已暂停")] {
        operator.post(&format!("{batch}/{step}"), &[("csrf", &csrf)]).await;
        for page in &mut pages {
            read_until(page, text).await;
        }
    }
    let spent = transactions(&db).await - before;
    assert!(spent < PAGES as i64, "{spent} transactions for {PAGES} pages");
}
