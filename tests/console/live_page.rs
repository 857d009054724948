//! Many people look at one batch as it goes.

use futures_util::StreamExt;
use reqwest::Response;
use sqlx::PgPool;

use crate::harness::{TestConsole, TestOptions};

const PAGES: usize = 300;

/// Reads a stream of events until it tells of `words`.
async fn hears(stream: &mut Response, words: &str) {
    let mut heard = String::new();
    while !heard.contains(words) {
        let piece = stream.chunk().await.unwrap().expect("the stream ends");
        heard.push_str(&String::from_utf8_lossy(&piece));
    }
}

/// What the database has done so far. A process of it that rests tells ten seconds late.
async fn transactions(db: &PgPool) -> i64 {
    tokio::time::sleep(std::time::Duration::from_millis(11_000)).await;
    let all = "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()";
    sqlx::query_scalar(all).fetch_one(db).await.unwrap()
}

#[sqlx::test]
async fn hundreds_of_open_pages_cost_the_database_what_one_costs(db: PgPool) {
    // Nobody sends: the batch stays under way, and only pages ask the database.
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let operator = console.operator().await;
    let batch = operator.send("登录验证码", &["1", "5"], "18500001234").await;
    let csrf = operator.get(&batch).await.csrf();
    let events = format!("{batch}/events");
    let opened = (0..PAGES).map(|_| operator.request_to(&events).send());
    let opened: Vec<_> = futures_util::stream::iter(opened).buffered(20).collect().await;
    let mut pages: Vec<Response> = opened.into_iter().map(Result::unwrap).collect();
    for page in &mut pages {
        hears(page, "event: live").await;
    }
    let before = transactions(&db).await;
    for (step, words) in [("pause", "已暂停"), ("resume", "发送中"), ("pause", "已暂停")] {
        operator.post(&format!("{batch}/{step}"), &[("csrf", &csrf)]).await;
        for page in &mut pages {
            hears(page, words).await;
        }
    }
    let spent = transactions(&db).await - before;
    assert!(spent < PAGES as i64, "{spent} transactions for {PAGES} pages");
}
