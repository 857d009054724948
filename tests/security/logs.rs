//! What the log says of requests, and what it does not.

use reqwest::StatusCode;
use sqlx::PgPool;
use usms_console::domain::accounts::role::Role;

use super::process::Process;
use crate::harness::{PASSWORD, TestConsole, http, until};

#[sqlx::test]
async fn the_id_of_an_error_page_is_in_the_log_with_who_where_and_why(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let process = Process::start(&db, &console, &[], 0).await;
    console.account("mei", Role::Viewer).await;
    let client = process.client();
    client.sign_in("mei", PASSWORD, "/").await;
    // A page that no route has is not asked who it is from.
    for (path, status, who) in [
        ("/p/default/nothing", StatusCode::NOT_FOUND, "\"GET\""),
        ("/p/default/send", StatusCode::FORBIDDEN, "mei"),
        ("/p/default/replies/18500001234", StatusCode::NOT_FOUND, "mei"),
    ] {
        let page = client.get(path).await;
        assert_eq!(page.status, status, "{path}");
        let id = page.one("main code");
        until("the error is logged", async || process.log().contains(&id)).await;
        let log = process.log();
        let line = log.lines().find(|line| line.contains(&id)).unwrap();
        for part in [who, "127.0.0.1", "GET", status.as_str()] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(!line.contains("1850000"), "{line}");
    }
}

#[sqlx::test]
async fn neither_the_push_secret_nor_a_phone_is_logged_at_any_level(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let process =
        Process::start(&db, &console, &[("RUST_LOG", "info,usms_console=debug")], 0).await;
    let url = format!("http://{}{}", process.address, console.hook_path);
    for body in ["rubbish", r#"{"MsgType":2,"Data":[]}"#] {
        http().post(&url).body(body).send().await.unwrap();
    }
    http().post(format!("{url}0")).body("x").send().await.unwrap();
    http().get(&url).send().await.unwrap();
    let unusual = url.replace("/hooks/", "//%68ooks//");
    http().post(&unusual).body("x").send().await.unwrap();
    console.account("mei", Role::Operator).await;
    let client = process.client();
    client.sign_in("mei", PASSWORD, "/").await;
    client.get("/p/default/messages?phone=18500001234").await;
    client.get("/p/default/nothing?phone=18500001234").await;
    until("requests are logged", async || process.log().contains("nothing")).await;
    let log = process.log();
    let secret = console.hook_path.trim_start_matches("/hooks/");
    assert!(log.contains("/hooks/"), "{log}");
    assert!(!log.contains(secret), "{log}");
    assert!(!log.contains("18500001234"), "{log}");
}
