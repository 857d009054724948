//! How people are notified of reviews outside of the pages.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, HttpServer, web};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use usms_console::domain::accounts::role::Role;
use usms_console::ops::sending::{plan, submit, uploads};

use crate::harness::{
    CODE, NOTICE, TestClient, TestConsole, TestOptions, assert_sound, eventually,
};
use crate::reviews::{apply_for_signature, id_of, review, until_status, without_reviews};

/// A webhook that fails `failing` times, and then stores time, signature and body of each request.
#[derive(Clone, Default)]
struct Hook {
    received: Arc<Mutex<Vec<(String, String, Value)>>>,
    failing: Arc<Mutex<u32>>,
}

impl Hook {
    fn open(&self) -> String {
        let hook = self.clone();
        let server = HttpServer::new(move || {
            actix_web::App::new().app_data(web::Data::new(hook.clone())).default_service(web::to(
                |hook: web::Data<Hook>, request: HttpRequest, body: web::Bytes| async move {
                    let mut failing = hook.failing.lock().unwrap();
                    if *failing > 0 {
                        *failing -= 1;
                        return HttpResponse::InternalServerError().body("not now");
                    }
                    let header = |name: &str| {
                        request.headers().get(name).unwrap().to_str().unwrap().to_owned()
                    };
                    let request = (
                        header("x-console-timestamp"),
                        header("x-console-signature"),
                        serde_json::from_slice(&body).unwrap(),
                    );
                    hook.received.lock().unwrap().push(request);
                    HttpResponse::Ok().finish()
                },
            ))
        })
        .workers(1)
        .disable_signals()
        .bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .unwrap();
        let address = server.addrs()[0];
        tokio::spawn(server.run());
        format!("http://{address}/hook?token=secret-token")
    }

    async fn until(&self, n: usize) -> Vec<(String, String, Value)> {
        let received = eventually(async || {
            let received = self.received.lock().unwrap().clone();
            (received.len() >= n).then_some(received)
        });
        match received.await {
            Some(received) => received,
            None => panic!("received {} of {n}", self.received.lock().unwrap().len()),
        }
    }
}

async fn save_settings(admin: &TestClient, webhook: &str, emails: &str) -> crate::harness::Page {
    let settings = "/p/default/settings";
    let csrf = admin.get(settings).await.csrf();
    let fields =
        [("csrf", csrf.as_str()), ("webhook", webhook), ("emails", emails), ("language", "en")];
    admin.post(settings, &fields).await
}

#[sqlx::test]
async fn a_decided_review_is_sent_to_the_webhook_once_and_retried_until_it_is_accepted(db: PgPool) {
    let console = without_reviews(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    let hook = Hook::default();
    let url = hook.open();
    assert_eq!(save_settings(&admin, &url, "").await.status, StatusCode::SEE_OTHER);
    let key = admin.get("/p/default/settings").await.one("code.long");
    assert_eq!(key.len(), 64);
    let path = apply_for_signature(&admin, "云帆读书").await;
    review(&console, &id_of(&path), 1, "").await;
    until_status(&console, &admin, &path, "审核中").await;
    *hook.failing.lock().unwrap() = 1;
    review(&console, &id_of(&path), 3, "证件不清晰").await;
    until_status(&console, &admin, &path, "未通过").await;
    let failed = console.until(&admin, "/p/default/settings", ".notices .muted").await;
    assert!(failed.one(".notices").contains("HTTP 500"), "{}", failed.text);
    assert!(!failed.one(".notices").contains("secret-token"));
    sqlx::query("update notifications set next_try_at = now() where delivered_at is null")
        .execute(&db)
        .await
        .unwrap();
    let received = hook.until(1).await;
    let (timestamp, signature, body) = &received[0];
    assert_eq!(body["event"], "review_changed");
    assert_eq!((&body["subject"], &body["status"]), (&"signature".into(), &"rejected".into()));
    assert_eq!((&body["name"], &body["reason"]), (&"云帆读书".into(), &"证件不清晰".into()));
    assert_eq!(body["url"], format!("https://console.example.test{path}"));
    assert!(timestamp.parse::<i64>().is_ok() && signature.starts_with("sha256="));
    // The step to "in review" is not notified, and nothing is notified twice.
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(hook.received.lock().unwrap().len(), 1);
    let page = admin.get("/p/default/settings").await;
    assert_eq!(page.one(".notices .status"), "已送达");
    let stored: Vec<u8> =
        sqlx::query_scalar("select webhook_sealed from projects").fetch_one(&db).await.unwrap();
    assert!(!stored.windows(6).any(|bytes| bytes == b"secret"), "stored encrypted");
}

#[sqlx::test]
async fn only_admins_choose_who_is_notified_and_invalid_input_comes_back(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    assert_eq!(operator.get("/p/default/settings").await.status, StatusCode::FORBIDDEN);
    let admin = console.member("admin", Role::Admin).await;
    for (webhook, emails, field) in [
        ("ftp://example.test", "", "#webhook"),
        ("javascript:alert(1)", "", "#webhook"),
        ("", "nobody", "#emails"),
        ("", "a@example.test\nb@", "#emails"),
    ] {
        let back = save_settings(&admin, webhook, emails).await;
        assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY, "{webhook} {emails}");
        assert!(back.has(&format!("{field}[aria-invalid=true]")));
    }
    let csrf = admin.get("/p/default/settings").await.csrf();
    admin.post("/p/default/settings", &[("csrf", &csrf), ("test", "1")]).await;
    let page = admin.get("/p/default/settings").await;
    assert!(page.one(".flash").contains("尚未设置"), "no one is to be notified");
    assert_eq!(save_settings(&admin, "", "mei@example.test, li@example.test").await.status, 303);
    let page = admin.get("/p/default/settings").await;
    assert_eq!(page.one("#emails").trim(), "mei@example.test li@example.test");
    assert!(page.one(".doubt").contains("CONSOLE_SMTP_URL"), "no mail server is set here");
    let csrf = page.csrf();
    let tested = admin.post("/p/default/settings", &[("csrf", &csrf), ("test", "1")]).await;
    assert_eq!(tested.status, StatusCode::SEE_OTHER);
    let page = console.until(&admin, "/p/default/settings", ".notices .muted").await;
    assert!(page.one(".notices").contains("CONSOLE_SMTP_URL"), "{}", page.text);
}

#[sqlx::test]
async fn a_batch_that_is_paused_by_an_empty_package_is_told_once(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    let hook = Hook::default();
    save_settings(&admin, &hook.open(), "").await;
    let fault = json!({ "action": "SendUSMSMessage", "kind": "ret_code", "ret_code": 18013 });
    console.fault(fault).await;
    let batch = admin.send(CODE, &["1234", "5"], "18500001234").await;
    let (_, _, body) = hook.until(1).await.remove(0);
    assert_eq!((&body["event"], &body["status"]), (&"batch_paused".into(), &"balance".into()));
    assert_eq!((&body["subject"], &body["package"]), (&"batch".into(), &"notice".into()));
    assert_eq!(body["reason"], "injected fault: 18013");
    assert_eq!(body["url"], format!("https://console.example.test{batch}"));
    let page = admin.get_in("en", "/p/default/settings").await;
    let told = page.one(".notices tbody th");
    assert!(told.ends_with("Paused: verification and notice package used up"), "{told}");
    let events: Vec<String> = sqlx::query_scalar("select body->>'event' from notifications")
        .fetch_all(&db)
        .await
        .unwrap();
    assert_eq!(events, ["batch_paused"]);
}

#[sqlx::test]
async fn an_empty_package_abroad_is_told_with_its_countries(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    for table in ["signatures", "sms_templates"] {
        let statement = format!("update {table} set international = true");
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&db).await.unwrap();
    }
    let admin = console.member("admin", Role::Admin).await;
    let hook = Hook::default();
    save_settings(&admin, &hook.open(), "").await;
    let fault = json!({ "action": "SendUSMSMessage", "kind": "ret_code", "ret_code": 18013 });
    console.fault(fault).await;
    admin.send(NOTICE, &["1", "2"], "+60123456789\n+819012345678").await;
    let (_, _, body) = hook.until(1).await.remove(0);
    assert_eq!(body["package"], "international");
    assert_eq!(body["countries"], json!(["60", "81"]));
}

#[sqlx::test]
async fn who_approves_is_notified_when_a_batch_starts_to_wait_for_it(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    let hook = Hook::default();
    save_settings(&admin, &hook.open(), "").await;
    let batch = admin.send("新书", &["读者"], "18500001234").await;
    let (_, _, body) = hook.until(1).await.remove(0);
    assert_eq!(body["event"], "batch_awaits_approval");
    assert_eq!(body["status"], "awaiting_approval");
    assert_eq!(body["url"], format!("https://console.example.test{batch}"));
    let page = admin.get_in("en", "/p/default/settings").await;
    let shown = page.one(".notices tbody th");
    assert!(shown.ends_with("awaits approval"), "{shown}");
}

#[sqlx::test]
async fn who_ordered_a_batch_is_notified_when_it_is_sent_back(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    let hook = Hook::default();
    save_settings(&admin, &hook.open(), "").await;
    let batch = console.operator().await.send("新书", &["读者"], "18500001234").await;
    let mut fields = admin.get(&batch).await.whole_form("form[action$=send-back]");
    fields.retain(|(name, _)| name != "reason");
    fields.push(("reason".to_owned(), "称呼不对".to_owned()));
    admin.post_owned(&format!("{batch}/send-back"), &fields).await;
    let told = hook.until(3).await;
    let body = told.iter().map(|(_, _, body)| body);
    let body = body.into_iter().find(|body| body["event"] == "batch_sent_back").unwrap();
    assert_eq!((&body["person"], &body["reason"]), (&"operator".into(), &"称呼不对".into()));
    assert_eq!(body["url"], format!("https://console.example.test{batch}"));
    let shown = admin.get_in("en", "/p/default/settings").await.one(".notices tbody th");
    assert!(shown.ends_with("was sent back"), "{shown}");
}

#[sqlx::test]
async fn a_missed_time_is_notified_once(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    let hook = Hook::default();
    save_settings(&admin, &hook.open(), "").await;
    admin.send(CODE, &["1234", "5"], "18500001234").await;
    let missed = "update batches set state = 'scheduled', schedule_at = now() - interval '1 hour'";
    sqlx::query(missed).execute(&db).await.unwrap();
    let (_, _, body) = hook.until(1).await.remove(0);
    assert_eq!(
        (&body["event"], &body["status"]),
        (&"batch_paused".into(), &"missed_schedule".into())
    );
    let count: i64 =
        sqlx::query_scalar("select count(*) from notifications").fetch_one(&db).await.unwrap();
    assert_eq!(count, 1);
}

#[sqlx::test]
async fn a_batch_that_was_accepted_from_an_empty_package_pauses_at_once(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    console.add_notice_template().await;
    let admin = console.member("admin", Role::Admin).await;
    save_settings(&admin, "", "mei@example.test").await;
    let operator = console.operator().await;
    let app = console.app.clone();
    let import = tokio::spawn(async move {
        while !uploads::import::run_once(&app).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let rows: String = (1_000..1_300).map(|n| format!("1850001{n:04},李,{n}\n")).collect();
    let preview = operator.upload_list(NOTICE, "a.csv", rows.as_bytes()).await;
    import.await.unwrap();
    let batch = operator.confirm_list(&preview, &[]).await;
    while plan::run_once(&console.app).await.unwrap() {}
    let fault = json!({ "action": "SendBatchUSMSMessage", "kind": "complaint", "ret_code": 18013 });
    console.fault(fault).await;
    assert!(submit::run_once(&console.app).await.unwrap());
    assert_eq!(console.accepted().await, (200, 0), "what was accepted stays accepted");
    assert!(!submit::run_once(&console.app).await.unwrap(), "nothing more is sent");
    let (event, status): (String, String) = sqlx::query_as(
        "select body->>'event', body->>'status' from notifications
             where body->>'event' <> 'access_changed'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!((event.as_str(), status.as_str()), ("batch_paused", "balance"));
    let page = operator.get(&batch).await;
    assert!(page.has("form[action$=resume]"), "{}", page.text);
    assert!(page.one("#live .notice.doubtful").contains("余量不足"), "{}", page.text);
    assert_sound(&db).await;
}
