//! The push endpoint while the database is down.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use secrecy::SecretString;
use serde_json::{Value, json};
use usms_console::serve;

use crate::cluster::Cluster;
use crate::harness::{TestConsole, TestOptions, http, until};

#[tokio::test]
async fn without_a_database_a_push_is_refused_quickly_and_accepted_when_it_is_back() {
    let cluster = Cluster::start();
    let db = serve::connect(&SecretString::from(cluster.url())).await.unwrap();
    serve::migrate(&db).await.unwrap();
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let url = format!("http://{}{}", console.address, console.hook_path);
    let push = || http().post(&url).json(&json!({ "MsgType": 2, "Data": [] })).send();
    let ready = format!("http://{}/readyz", console.address);
    assert_eq!(push().await.unwrap().status(), StatusCode::OK);
    cluster.kill();
    for _ in 0..2 {
        let started = Instant::now();
        let answer = push().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_ne!(answer.json::<Value>().await.unwrap()["code"], 0);
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    }
    let answer = http().get(&ready).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    cluster.run();
    until("a push is accepted again", async || push().await.unwrap().status() == StatusCode::OK)
        .await;
    let stored: i64 =
        sqlx::query_scalar("select count(*) from inbox").fetch_one(&db).await.unwrap();
    assert_eq!(stored, 2);
    db.close().await;
}
