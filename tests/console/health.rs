//! The health page, and what monitoring sees.

use reqwest::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use usms_console::domain::accounts::role::Role;
use usms_console::{telemetry, web};

use crate::harness::{TestConsole, TestOptions, eventually, http};
use crate::push_settings::{number, push_to, reports, until_number};

const PAGE: &str = "/p/default/health";
const UNPROCESSED: &str = "select count(*) from inbox where processed_at is null";

#[sqlx::test]
async fn one_unreadable_item_of_five_hundred_is_shown_and_the_others_are_processed(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let mut items: Vec<_> = (0..500)
        .map(|n| {
            json!({ "SessionNo": "s-1", "Phone": format!("1850000{:04}", 1_000 + n),
                "ReceiptResult": "发送成功", "ReceiptCode": "DELIVRD" })
        })
        .collect();
    items[317] = json!({ "Phone": "18500009057", "Note": "无发送序列号" });
    assert_eq!(push_to(&console, &console.hook_path, reports(&items)).await.0, StatusCode::OK);
    until_number(&db, UNPROCESSED, 0).await;
    assert_eq!(number(&db, "select count(*) from external_messages").await, 499);
    let operator = console.operator().await;
    let page = operator.get(PAGE).await;
    assert_eq!(page.all(".bad-item").len(), 1);
    let text = page.one(".bad-item");
    assert!(text.contains("缺少发送序列号"), "{text}");
    assert!(text.contains("18500009057") && text.contains("无发送序列号"), "{text}");
    assert!(page.has(".verdict.doubtful"));
    assert!(operator.get("/p/default/").await.has(".tasks a[href$='/health#unreadable']"));
    let viewer = console.viewer().await;
    let seen = viewer.get(PAGE).await;
    assert!(seen.one(".bad-item").contains("185****9057"), "{}", seen.one(".bad-item"));
    assert!(!seen.text.contains("18500009057"));
    assert!(!seen.has(".unreadable button"));
    let item = page.attr(".unreadable form", "action");
    let csrf = page.csrf();
    let refused = viewer.post(&item, &[("csrf", &csrf), ("step", "seen")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for flash in ["已标记为已查看", "已由他人处理。"] {
        let done = operator.post(&item, &[("csrf", &csrf), ("step", "seen")]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        assert_eq!(operator.get(PAGE).await.one(".flash"), flash);
    }
    assert!(!operator.get(PAGE).await.has(".unreadable"));
    assert_eq!(number(&db, "select count(*) from audit_log where action = 'push_seen'").await, 1);
}

#[sqlx::test]
async fn a_push_that_is_not_json_is_stored_and_shown_and_can_be_processed_again(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let hostile = "<script>alert(1)</script> \u{0} 回执";
    assert_eq!(push_to(&console, &console.hook_path, hostile).await.0, StatusCode::OK);
    until_number(&db, UNPROCESSED, 0).await;
    let page = operator.get(PAGE).await;
    assert!(page.one(".bad-item").contains("不是有效的 JSON"));
    assert!(page.one(".bad-item code").contains("<script>alert(1)</script>"));
    assert!(!page.text.contains("<script>alert(1)"));
    // As if the console had learned to read it meanwhile.
    let good = json!({ "SessionNo": "s-1", "Phone": "18500001234", "ReceiptResult": "发送成功" });
    sqlx::query("update inbox set body = $1")
        .bind(reports(&[good]).as_bytes())
        .execute(&db)
        .await
        .unwrap();
    let item = page.attr(".unreadable form", "action");
    let again = [("csrf", page.csrf()), ("step", "again".to_owned())]
        .map(|(name, value)| (name.to_owned(), value));
    assert_eq!(operator.post_owned(&item, &again).await.status, StatusCode::SEE_OTHER);
    until_number(&db, UNPROCESSED, 0).await;
    assert_eq!(number(&db, "select count(*) from external_messages").await, 1);
    assert!(!operator.get(PAGE).await.has(".unreadable"));
    operator.post_owned(&item, &again).await;
    assert_eq!(operator.get(PAGE).await.one(".flash"), "已由他人处理。");
}

#[sqlx::test]
async fn the_list_of_unreadable_pushes_is_paged(db: PgPool) {
    let console = TestConsole::start(&db).await;
    for _ in 0..23 {
        push_to(&console, &console.hook_path, "no push").await;
    }
    until_number(&db, UNPROCESSED, 0).await;
    let operator = console.operator().await;
    let first = operator.get(PAGE).await;
    assert_eq!(first.all(".bad-item").len(), 20);
    let older = first.attr(".paging a", "href");
    assert_eq!(operator.get(&older).await.all(".bad-item").len(), 3);
}

#[sqlx::test]
async fn a_missing_process_is_reported_and_all_is_well_once_it_runs(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let viewer = console.viewer().await;
    let page = viewer.get(PAGE).await;
    assert!(page.one(".checks").contains("无运行中的进程"), "{}", page.text);
    assert!(page.has(".verdict.doubtful"));
    // A push that no worker processes.
    push_to(&console, &console.hook_path, reports(&[])).await;
    sqlx::query("update inbox set received_at = received_at - interval '5 minutes'")
        .execute(&db)
        .await
        .unwrap();
    assert!(viewer.get(PAGE).await.one(".checks").contains("等待时间过长"));
    let stop = tokio_util::sync::CancellationToken::new();
    let worker = tokio::spawn(usms_console::worker::run(console.app.clone(), stop.clone()));
    let well = console.until(&viewer, PAGE, ".verdict.good").await;
    assert!(well.one(".checks").contains("1 个进程运行中"));
    stop.cancel();
    worker.await.unwrap();
}

#[sqlx::test]
async fn health_reports_that_the_vendor_does_not_respond(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    console.fault(json!({ "action": "QueryUSMSSignature", "kind": "http_500", "times": 0 })).await;
    sqlx::query("update signatures set next_check_at = now()").execute(&db).await.unwrap();
    let checks = eventually(async || {
        let checks = operator.get(PAGE).await.one(".checks");
        checks.contains("最近一次调用未收到响应").then_some(checks)
    });
    let checks = checks.await.expect("the page does not say so");
    assert!(checks.contains("HTTP 500"), "{checks}");
}

#[sqlx::test]
async fn metrics_and_readiness_report_the_state_of_the_console(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let listen = "127.0.0.1:0".parse().unwrap();
    let settings = web::Settings { listen, public_url: None, trust_proxy: false };
    let metrics = telemetry::start_metrics().unwrap();
    let (server, address) = web::start(console.app.clone(), settings, Some(metrics)).unwrap();
    tokio::spawn(server);
    let get = |path: &str| http().get(format!("http://{address}{path}")).send();
    push_to(&console, &console.hook_path, reports(&[])).await;
    let metrics = get("/metrics").await.unwrap().text().await.unwrap();
    for line in [
        "console_database_up 1",
        "console_inbox_waiting 1",
        "console_inbox_oldest_seconds ",
        "console_messages_queued 0",
        "console_messages_in_doubt 0",
        "console_pushes_total ",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    assert_eq!(get("/readyz").await.unwrap().status(), StatusCode::OK);
    console.app.db.close().await;
    assert_eq!(get("/readyz").await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get("/healthz").await.unwrap().status(), StatusCode::OK);
    let metrics = get("/metrics").await.unwrap().text().await.unwrap();
    assert!(metrics.contains("console_database_up 0"), "{metrics}");
}

#[sqlx::test]
async fn the_settings_pages_link_to_each_other(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    let first = admin.get("/p/default/settings").await;
    let names = first.all(".tabs a");
    assert!(names.contains(&"推送".to_owned()), "{names:?}");
    for part in ["", "/batches", "/sensitive-words", "/hooks"] {
        let page = admin.get(&format!("/p/default/settings{part}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.all(".tabs a"), names);
        assert_eq!(page.all(".tabs a[aria-current]").len(), 1, "{part}");
    }
    let operator = console.operator().await;
    assert_eq!(operator.get("/p/default/settings/sensitive-words").await.all(".tabs a").len(), 1);
}
