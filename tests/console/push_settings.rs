//! The push endpoint: what it accepts and how it responds; and the page of the push URL.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use usms_console::db::projects;
use usms_console::domain::accounts::role::Role;
use usms_console::i18n::{Language, Texts};
use usms_console::ops::projects as project_ops;
use usms_console::ops::receipts::missing_pushes;
use usms_console::web;

use crate::harness::{
    CODE, MAX_WAIT, Page, TestClient, TestConsole, TestOptions, eventually, http,
};

const PAGE: &str = "/p/default/settings/hooks";

pub async fn push_to(
    console: &TestConsole,
    path: &str,
    body: impl Into<reqwest::Body>,
) -> (StatusCode, Value) {
    let url = format!("http://{}{path}", console.address);
    let answer = http().post(url).body(body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or(Value::Null))
}

pub fn reports(items: &[Value]) -> String {
    json!({ "MsgType": 2, "Data": items }).to_string()
}

pub async fn number(db: &PgPool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(db).await.unwrap()
}

pub async fn until_number(db: &PgPool, query: &'static str, wanted: i64) {
    let reached = eventually(async || (number(db, query).await == wanted).then_some(())).await;
    if reached.is_none() {
        assert_eq!(number(db, query).await, wanted, "{query}");
    }
}

/// Presses the button `step` of the page.
pub async fn press(admin: &TestClient, step: &str, more: &[(&str, &str)]) -> Page {
    let csrf = admin.get(PAGE).await.csrf();
    let mut fields = vec![("csrf", csrf.as_str()), ("step", step)];
    fields.extend(more);
    admin.post(PAGE, &fields).await
}

async fn audited(db: &PgPool, action: &str) -> i64 {
    sqlx::query_scalar("select count(*) from audit_log where action = $1")
        .bind(action)
        .fetch_one(db)
        .await
        .unwrap()
}

async fn newest_path(console: &TestConsole) -> String {
    project_ops::hook_path(&console.app, &projects::all(&console.app.db).await.unwrap()[0]).unwrap()
}

#[sqlx::test]
async fn a_refusal_does_not_say_what_is_wrong(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    let mut refusals = Vec::new();
    let wrong = ["0".repeat(64), "short".to_owned(), "%00%ff%".to_owned(), "x".repeat(3_000)];
    for secret in &wrong {
        refusals.push(push_to(&console, &format!("/hooks/{secret}"), "{}").await);
    }
    let saved = press(&admin, "keep", &[("networks", "203.0.113.0/24")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    refusals.push(push_to(&console, &console.hook_path, "{}").await);
    for (status, answer) in refusals {
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(answer, json!({ "code": 404, "message": "unknown push URL" }));
    }
    assert_eq!(number(&db, "select count(*) from inbox").await, 0);
}

#[sqlx::test]
async fn only_a_post_is_a_push(db: PgPool) {
    let console = TestConsole::start(&db).await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let url = format!("http://{}{}", console.address, console.hook_path);
        let answer = http().request(method, url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()["allow"], "POST");
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], 405);
    }
}

#[sqlx::test]
async fn a_body_that_trickles_in_times_out(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let mut stream = tokio::net::TcpStream::connect(console.address).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: console\r\ncontent-length: 100000\r\n\r\n",
        console.hook_path
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let trickle = tokio::spawn(async move {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let started = Instant::now();
    let mut status = [0; 12];
    reader.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 408");
    assert!(started.elapsed() < MAX_WAIT, "{:?}", started.elapsed());
    trickle.abort();
    assert_eq!(number(&db, "select count(*) from inbox").await, 0);
    assert_eq!(push_to(&console, &console.hook_path, reports(&[])).await.0, StatusCode::OK);
}

#[sqlx::test]
async fn wrong_secrets_are_slowed_down_and_a_right_one_from_the_same_ip_is_not(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let started = Instant::now();
    for _ in 0..7 {
        push_to(&console, "/hooks/wrong", "{}").await;
    }
    // 25 ms, and twice as long each time.
    assert!(started.elapsed() >= Duration::from_millis(3_175), "{:?}", started.elapsed());
    let started = Instant::now();
    let (status, _) = push_to(&console, &console.hook_path, reports(&[])).await;
    assert_eq!(status, StatusCode::OK);
    assert!(started.elapsed() < Duration::from_millis(3_200), "{:?}", started.elapsed());
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[sqlx::test]
async fn a_compressed_push_is_decompressed_within_its_limit(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let url = format!("http://{}{}", console.address, console.hook_path);
    let push = async |body: Vec<u8>| {
        let request = http().post(&url).header("content-encoding", "gzip").body(body);
        request.send().await.unwrap().status()
    };
    let plain = reports(&[]).into_bytes();
    let whole = compressed(&plain);
    let broken = whole[..whole.len() - 6].to_vec();
    assert_eq!(push(whole).await, StatusCode::OK);
    // A body that cannot be decompressed is stored as it came: it would not be pushed a fifth time.
    assert_eq!(push(broken.clone()).await, StatusCode::OK);
    let bomb = compressed(&vec![b' '; 100 << 20]);
    assert!(bomb.len() < 200_000);
    assert_eq!(push(bomb).await, StatusCode::PAYLOAD_TOO_LARGE);
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("select body from inbox order by id").fetch_all(&db).await.unwrap();
    assert_eq!(stored, [plain, broken]);
}

#[sqlx::test]
async fn pushes_can_be_limited_to_networks_and_the_page_names_the_refused_ip(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { pushes: false, ..TestOptions::default() }).await;
    let admin = console.member("admin", Role::Admin).await;
    let wrong =
        press(&admin, "keep", &[("networks", "203.0.113.7\n300.1.1.1"), ("pulls", "1")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.one("#networks").trim(), "203.0.113.7 300.1.1.1");
    assert!(wrong.one("#networks-error").contains("300.1.1.1"));
    assert!(wrong.has("input[name=pulls][checked]"));
    press(&admin, "keep", &[("networks", "203.0.113.7/24，2001:db8::/32")]).await;
    assert_eq!(admin.get(PAGE).await.one("#networks"), "203.0.113.0/24 2001:db8::/32");
    assert_eq!(push_to(&console, &console.hook_path, reports(&[])).await.0, StatusCode::NOT_FOUND);
    until_number(&db, "select count(*) from projects where hook_refused_at is not null", 1).await;
    assert!(admin.get(PAGE).await.one("main").contains("已拒绝来自 127.0.0.1 的推送"));
    press(&admin, "keep", &[("networks", "127.0.0.0/8")]).await;
    assert_eq!(push_to(&console, &console.hook_path, reports(&[])).await.0, StatusCode::OK);
    assert_eq!(audited(&db, "hook_networks_changed").await, 2);
}

#[sqlx::test]
async fn behind_a_proxy_the_ip_that_it_forwards_counts(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    press(&admin, "keep", &[("networks", "203.0.113.0/24")]).await;
    let listen = "127.0.0.1:0".parse().unwrap();
    let settings = web::Settings { listen, public_url: None, trust_proxy: true };
    let (server, address) = web::start(console.app.clone(), settings, None).unwrap();
    tokio::spawn(server);
    let from = |forwarded: &'static str| {
        let url = format!("http://{address}{}", console.hook_path);
        http().post(url).header("x-forwarded-for", forwarded).body(reports(&[])).send()
    };
    // The IP that the sender claims is the first, the one that the proxy saw is the last.
    assert_eq!(from("198.51.100.1, 203.0.113.9").await.unwrap().status(), StatusCode::OK);
    let forged = from("203.0.113.9, 198.51.100.1").await.unwrap();
    assert_eq!(forged.status(), StatusCode::NOT_FOUND);
    assert_eq!(from("nonsense").await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[sqlx::test]
async fn the_push_url_is_shown_on_request_and_that_is_audited(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    let secret = console.hook_path.strip_prefix("/hooks/").unwrap();
    let page = admin.get(PAGE).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains(secret));
    assert_eq!(audited(&db, "hook_revealed").await, 0);
    let shown = press(&admin, "reveal", &[]).await;
    assert!(shown.one("main code").ends_with(&console.hook_path));
    // The texts for UCloud's support, in both languages, contain it.
    let tickets = shown.all("details .exact");
    assert_eq!(tickets.len(), 2);
    assert!(tickets.iter().all(|text| text.contains(&console.hook_path)), "{tickets:?}");
    assert!(tickets.iter().all(|text| text.contains(r#"{"code": 0, "message": "ok"}"#)));
    assert_eq!(audited(&db, "hook_revealed").await, 1);
    let operator = console.operator().await;
    assert_eq!(operator.get(PAGE).await.status, StatusCode::FORBIDDEN);
    let csrf = operator.get("/p/default/send").await.csrf();
    let refused = operator.post(PAGE, &[("csrf", &csrf), ("step", "reveal")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(console.signed_out().get(PAGE).await.status, StatusCode::SEE_OTHER);
}

#[sqlx::test]
async fn both_push_urls_work_while_one_replaces_the_other(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { pushes: false, ..TestOptions::default() }).await;
    let admin = console.member("admin", Role::Admin).await;
    let old = console.hook_path.clone();
    press(&admin, "rotate", &[("confirm", "1")]).await;
    let new = newest_path(&console).await;
    assert_ne!(old, new);
    // A double click makes no third one: support may already know the new one.
    press(&admin, "rotate", &[("confirm", "1")]).await;
    assert_eq!(newest_path(&console).await, new);
    assert_eq!(push_to(&console, &new, reports(&[])).await.0, StatusCode::OK);
    until_number(&db, "select coalesce(sum(pushes), 0)::bigint from push_counts", 1).await;
    assert!(admin.get(PAGE).await.has(".old-used.good"));
    assert_eq!(push_to(&console, &old, reports(&[])).await.0, StatusCode::OK);
    until_number(&db, "select count(*) from projects where old_hook_used_at is not null", 1).await;
    assert!(admin.get(PAGE).await.has(".old-used.doubtful time"));
    press(&admin, "end-old", &[("confirm", "1")]).await;
    assert_eq!(push_to(&console, &old, reports(&[])).await.0, StatusCode::NOT_FOUND);
    assert_eq!(push_to(&console, &new, reports(&[])).await.0, StatusCode::OK);
    press(&admin, "end-old", &[("confirm", "1")]).await;
    assert_eq!((audited(&db, "hook_rotated").await, audited(&db, "hook_old_ended").await), (1, 1));
}

#[sqlx::test]
async fn a_replaced_push_url_expires_after_seven_days(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    let old = console.hook_path.clone();
    press(&admin, "rotate", &[("confirm", "1")]).await;
    let days =
        "select round(extract(epoch from old_hook_until - now()) / 86400)::bigint from projects";
    assert_eq!(number(&db, days).await, 7);
    sqlx::query("update projects set old_hook_until = now()").execute(&db).await.unwrap();
    assert_eq!(push_to(&console, &old, reports(&[])).await.0, StatusCode::NOT_FOUND);
    assert!(!admin.get(PAGE).await.has(".old-used"));
    press(&admin, "rotate", &[("confirm", "1")]).await;
    assert_eq!(audited(&db, "hook_rotated").await, 2);
}

#[sqlx::test]
async fn a_test_push_is_processed_and_leaves_nothing_behind(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    // It passes although only one network may push: it tests the path, not the rule.
    press(&admin, "keep", &[("networks", "203.0.113.0/24")]).await;
    let tested = press(&admin, "test", &[]).await;
    assert_eq!(tested.status, StatusCode::SEE_OTHER, "{}", tested.text);
    let flash = admin.get(PAGE).await.one(".flash");
    assert!(flash.contains("毫秒收到") && flash.contains("毫秒处理完成"), "{flash}");
    tokio::time::sleep(Duration::from_millis(700)).await;
    for query in [
        "select count(*) from inbox",
        "select count(*) from external_messages",
        "select count(*) from outcomes",
        "select count(*) from push_counts",
    ] {
        assert_eq!(number(&db, query).await, 0, "{query}");
    }
    assert_eq!(audited(&db, "hook_tested").await, 1);
    // No one else can pose as a test.
    let (status, _) = push_to(&console, &format!("{}?test=00", console.hook_path), "{}").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[sqlx::test]
async fn a_test_push_reports_that_no_worker_processes_it(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let admin = console.member("admin", Role::Admin).await;
    let tested = press(&admin, "test", &[]).await;
    assert_eq!(tested.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(tested.one(".notice.doubtful h2").contains("未处理"));
    assert_eq!(number(&db, "select count(*) from inbox").await, 0);
}

#[sqlx::test]
async fn pushes_are_counted_by_kind(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    let reply = json!({ "MsgType": 0, "Data": [] }).to_string();
    for body in [reports(&[]), reports(&[]), reply, "no push".to_owned()] {
        assert_eq!(push_to(&console, &console.hook_path, body).await.0, StatusCode::OK);
    }
    until_number(&db, "select coalesce(sum(pushes), 0)::bigint from push_counts", 4).await;
    let page = admin.get(PAGE).await;
    assert_eq!(page.all(".pushes tbody th"), ["状态报告", "上行消息", "其他内容"]);
    assert_eq!(page.all(".pushes td.count"), ["2", "2", "1", "1", "1", "1"]);
    assert_eq!(page.all(".pushes td time").len(), 3);
}

#[sqlx::test]
async fn missing_pushes_are_notified_once_and_so_is_their_return(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { pushes: false, ..TestOptions::default() }).await;
    let admin = console.member("admin", Role::Admin).await;
    sqlx::query("update projects set notification_emails = '{team@example.test}'")
        .execute(&db)
        .await
        .unwrap();
    let batch = admin.send(CODE, &["1", "5"], "18500001234").await;
    // Nothing is pushed: the receipt is polled.
    console.until_complete(&admin, &batch).await;
    assert_eq!(missing_pushes::gap(&console.app, console.project).await.unwrap(), None);
    sqlx::query("update submissions set sent_at = sent_at - interval '1 hour'")
        .execute(&db)
        .await
        .unwrap();
    for _ in 0..2 {
        missing_pushes::run_once(&console.app).await.unwrap();
    }
    let notified = "select count(*) from notifications where body->>'event' = 'pushes_changed'";
    assert_eq!(number(&db, notified).await, 1);
    for page in ["/p/default/", "/p/default/health", PAGE] {
        let shown = admin.get(page).await;
        assert!(shown.one("main").contains("从未收到推送"), "{page}: {}", shown.text);
    }
    let report = json!({ "SessionNo": "s", "Phone": "18500001235", "ReceiptResult": "发送成功" });
    push_to(&console, &console.hook_path, reports(&[report])).await;
    until_number(&db, "select coalesce(sum(pushes), 0)::bigint from push_counts", 1).await;
    missing_pushes::run_once(&console.app).await.unwrap();
    assert_eq!(number(&db, notified).await, 2);
    assert!(!admin.get("/p/default/").await.one("main").contains("从未收到推送"));
    assert!(admin.get("/p/default/settings").await.text.contains("已恢复接收 UCloud 推送"));
}

#[sqlx::test]
async fn the_page_names_uclouds_console_first_and_its_support_second(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    for (language, support) in [("en", "UCloud support"), ("zh-CN", "UCloud 技术支持")] {
        let lead = admin.get_in(language, PAGE).await.one("section[aria-labelledby=address] p");
        let of = |what: &str| lead.find(what).unwrap_or_else(|| panic!("no {what} in {lead}"));
        assert!(of("状态报告及上行消息接收地址配置") < of(support), "{lead}");
        assert!(lead.contains("基础配置"), "{lead}");
    }
    // So does the advice when pushes are missing.
    for (language, support) in
        [(Language::En, "UCloud support"), (Language::ZhCn, "UCloud 技术支持")]
    {
        let advice = Texts(language).t("hooks-gap-advice");
        let first = advice.find("基础配置").unwrap();
        assert!(advice.find(support).is_some_and(|second| first < second), "{advice}");
    }
}
