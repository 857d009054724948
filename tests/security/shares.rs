//! What one person leaves to others: calls to sending, and connections to other people.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use usms_console::domain::limits::MAX_QUERIES;

use super::digits::{push, quiet, receipt};
use crate::harness::{Page, TestClient, TestConsole};

async fn calls(console: &TestConsole) -> Value {
    console.admin(Method::GET, "counts", Value::Null).await["by_action"].clone()
}

/// Lets sending use all calls of the next minute, as far as the table of call slots says.
async fn use_all_slots(db: &PgPool) {
    sqlx::query("update call_slots set next_at = now() + interval '1 minute', look_up_at = null")
        .execute(db)
        .await
        .unwrap();
}

async fn free_slots(db: &PgPool) {
    sqlx::query("update call_slots set next_at = now()").execute(db).await.unwrap();
}

/// Presses a button, and returns the page that follows.
async fn press(client: &TestClient, path: &str, fields: &[(&str, &str)]) -> Page {
    let csrf = client.get_in("en", "/p/default/").await.csrf();
    let fields = [&[("csrf", csrf.as_str())], fields].concat();
    let answer = client.post(path, &fields).await;
    match answer.status {
        StatusCode::SEE_OTHER => client.get_in("en", &answer.leads_to()).await,
        _ => answer,
    }
}

#[sqlx::test]
async fn look_ups_of_signatures_templates_and_statistics_make_way_for_sending(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let presses: [(&str, &[(&str, &str)]); 4] = [
        ("/p/default/signatures/SIG0001/refresh", &[]),
        ("/p/default/templates/UTA0001/refresh", &[]),
        ("/p/default/statistics/fetch", &[]),
        ("/p/default/receipts/nobody-knows-this", &[]),
    ];
    use_all_slots(&db).await;
    let before = calls(&console).await;
    for (path, fields) in presses {
        let page = press(&operator, path, fields).await;
        assert!(page.text.contains("busy sending messages"), "{path}: {}", page.text);
        assert_eq!(calls(&console).await, before, "{path}");
    }
    free_slots(&db).await;
    let began = Instant::now();
    for (path, fields) in presses {
        let page = press(&operator, path, fields).await;
        assert!(!page.text.contains("busy sending messages"), "{path}: {}", page.text);
    }
    assert_ne!(calls(&console).await, before);
    assert!(began.elapsed() >= Duration::from_millis(1_900), "two a second: {:?}", began.elapsed());
}

#[sqlx::test]
async fn five_hundred_ids_are_imported_at_half_the_rate_while_sending_goes_first(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let seeds = (0..500).map(|n| {
        json!({ "template_id": format!("UTN{n:04}"), "name": format!("t{n}"), "text": "到货{1}" })
    });
    console.admin(Method::POST, "seed", json!({ "templates": seeds.collect::<Vec<_>>() })).await;
    let ids: Vec<String> = (0..500).map(|n| format!("UTN{n:04}")).collect();
    let ids = ids.join("\n");
    let began = Instant::now();
    let page = press(&operator, "/p/default/templates/import", &[("ids", &ids)]).await;
    let took = began.elapsed();
    assert_eq!(page.all("tbody .muted").len(), 500, "{}", page.text);
    let slots = f64::from(console.app.pace.calls_per_second) / 2.0;
    assert!(took.as_secs_f64() >= 490.0 / slots, "{took:?}");
    let form = page.whole_form("main form.form");
    assert!(form.contains(&("ids".to_owned(), String::new())), "nothing is left");
}

#[sqlx::test]
async fn what_an_import_has_no_calls_for_stays_in_the_field(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    operator.get_in("en", "/p/default/").await;
    use_all_slots(&db).await;
    let before = calls(&console).await;
    let began = Instant::now();
    let fields = [("ids", "UTA0001\nUTM0001")];
    let page = press(&operator, "/p/default/templates/import", &fields).await;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.all("tbody .status.bad").len(), 2, "{}", page.text);
    let form = page.whole_form("main form.form");
    assert!(form.contains(&("ids".to_owned(), "UTA0001\nUTM0001".to_owned())), "{form:?}");
    assert_eq!(calls(&console).await, before);
}

#[sqlx::test]
async fn one_person_leaves_connections_of_lists_to_others(db: PgPool) {
    let console = quiet(&db).await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    let mut lock = db.begin().await.unwrap();
    sqlx::query("lock table suppressions").execute(&mut *lock).await.unwrap();
    let path = "/p/default/suppressions";
    let held: Vec<_> = (0..8)
        .map(|_| {
            let request = viewer.request_to(path);
            tokio::spawn(async move { request.send().await.unwrap().status() })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let began = Instant::now();
    assert_eq!(operator.get("/p/default/replies").await.status, StatusCode::OK);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let mut refused = 0;
    for page in held {
        refused += usize::from(page.await.unwrap() == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 8 - MAX_QUERIES);
    lock.rollback().await.unwrap();
}

#[sqlx::test]
async fn pages_of_single_things_count_as_searches(db: PgPool) {
    let console = quiet(&db).await;
    let viewer = console.viewer().await;
    push(&console, 2, json!([receipt("theirs", "18500001234")])).await;
    let message = viewer.get("/p/default/messages?source=other").await.attr("tbody th a", "href");
    let mut lock = db.begin().await.unwrap();
    sqlx::query("lock table suppressions").execute(&mut *lock).await.unwrap();
    let held: Vec<_> = (0..MAX_QUERIES)
        .map(|_| {
            let request = viewer.request_to(&message);
            tokio::spawn(async move { request.send().await.unwrap().status() })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let others = [
        &message,
        "/p/default/",
        "/p/default/batches",
        "/p/default/receipts/theirs",
        "/p/default/replies",
        "/p/default/health",
    ];
    let refused = others.map(|path| viewer.request_to(path).send());
    for (path, answer) in others.iter().zip(futures_util::future::join_all(refused).await) {
        assert_eq!(answer.unwrap().status(), StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
    for page in held {
        page.await.unwrap();
    }
    lock.rollback().await.unwrap();
}
