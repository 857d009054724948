//! What people can spend: calls, rows, streams, files and queries.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use usms_console::domain::limits::{
    MAX_DRAFTS, MAX_EXPORTS, MAX_OPT_OUT_FILES, MAX_QUERIES, MAX_STREAMS, MAX_UNUSED_FILES,
};

use super::digits::{push, quiet, receipt, reply};
use crate::harness::{CODE, TestClient, TestConsole};

async fn calls(console: &TestConsole) -> Value {
    console.admin(Method::GET, "counts", Value::Null).await["by_action"].clone()
}

async fn ask(client: &TestClient, path: &str) -> String {
    let page = client.get(path).await;
    let fields = page.whole_form("main form[method=post]");
    let asked = client.post_owned(path, &fields).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text);
    client.get_in("en", path).await.text
}

#[sqlx::test]
async fn only_a_press_of_a_button_asks_the_vendor_about_a_session_number(db: PgPool) {
    let console = quiet(&db).await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    let path = "/p/default/receipts/nobody-knows-this";
    let before = calls(&console).await;
    for client in [&operator, &viewer] {
        assert_eq!(client.get(path).await.status, StatusCode::OK);
    }
    assert!(!viewer.get(path).await.has("main form[method=post]"));
    assert_eq!(viewer.post(path, &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(operator.post(path, &[]).await.status, StatusCode::FORBIDDEN, "without a token");
    assert_eq!(calls(&console).await, before);
    let page = operator.get_in("en", path).await;
    assert_eq!(page.one("main form[method=post] button"), "Ask UCloud");
    let text = ask(&operator, path).await;
    assert!(text.contains("returned 0 receipts"), "{text}");
    let asked = calls(&console).await;
    assert_ne!(asked, before);
    let text = ask(&operator, path).await;
    assert!(text.contains("asked UCloud a few minutes ago"), "{text}");
    assert_eq!(calls(&console).await, asked, "the answer is remembered");
}

#[sqlx::test]
async fn look_ups_by_people_make_way_for_sending(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    operator.get_in("en", "/p/default/").await;
    let before = calls(&console).await;
    // All call slots of the next minute are taken.
    sqlx::query(
        "insert into call_slots (project_id, next_at) values ($1, now() + interval '1 minute')
         on conflict (project_id) do update set next_at = excluded.next_at",
    )
    .bind(console.project.0)
    .execute(&db)
    .await
    .unwrap();
    let text = ask(&operator, "/p/default/receipts/one").await;
    assert!(text.contains("busy sending messages"), "{text}");
    assert_eq!(calls(&console).await, before);
    sqlx::query("update call_slots set next_at = now()").execute(&db).await.unwrap();
    let began = std::time::Instant::now();
    for session in ["one", "two", "three", "four"] {
        ask(&operator, &format!("/p/default/receipts/{session}")).await;
    }
    assert!(began.elapsed().as_millis() >= 1_500, "two a second: {:?}", began.elapsed());
}

/// Returns a figure per table that changes with each write.
async fn writes(db: &PgPool) -> Vec<(String, String)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
           and relname not in ('login_sessions', 'audit_log', '_sqlx_migrations') order by 1",
    )
    .fetch_all(db)
    .await
    .unwrap();
    let mut all = Vec::new();
    for table in tables {
        let sql =
            format!("select coalesce(max(xmin::text::bigint), 0) || ' ' || count(*) from {table}");
        let figure: String =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(db).await.unwrap();
        all.push((table, figure));
    }
    all
}

#[sqlx::test]
async fn no_page_that_is_only_looked_at_writes_or_calls(db: PgPool) {
    let console = quiet(&db).await;
    let owner = console.member("boss", usms_console::domain::accounts::role::Role::Admin).await;
    let batch = owner.send(CODE, &["1", "5"], "18500001234").await;
    push(&console, 2, json!([receipt("theirs", "18500001234")])).await;
    push(&console, 0, json!([reply("18500001234", "TD")])).await;
    let conversation = owner.get("/p/default/replies").await.attr("tbody th a", "href");
    let message = owner.get("/p/default/messages").await.attr("tbody th a", "href");
    let before = (writes(&db).await, calls(&console).await);
    let pages = [
        "/",
        "/send",
        "/batches",
        "/batches/new",
        "/messages",
        "/messages.csv",
        "/messages.xlsx",
        "/receipts",
        "/receipts?phone=18500001234",
        "/receipts/theirs",
        "/receipts/unknown",
        "/replies",
        "/replies.csv",
        "/suppressions",
        "/suppressions.csv",
        "/sending",
        "/health",
        "/statistics",
        "/statistics.csv",
        "/statistics.xlsx",
        "/failures",
        "/failures.csv",
        "/signatures",
        "/signatures/new",
        "/signatures/import",
        "/signatures/SIG0001",
        "/signatures/SIG0001/edit",
        "/signatures/SIG0001/delete",
        "/templates",
        "/templates/new",
        "/templates/import",
        "/templates/UTA0001",
        "/templates/UTA0001/edit",
        "/templates/UTA0001/delete",
        "/settings",
        "/settings/batches",
        "/settings/prices",
        "/settings/prices/sample.csv",
        "/settings/sensitive-words",
        "/settings/hooks",
        "/settings/retention",
        "/settings/replies",
    ];
    let mut pages: Vec<String> = pages.iter().map(|page| format!("/p/default{page}")).collect();
    for part in ["", "/live", "/resend", "/in-doubt", "/messages.csv"] {
        pages.push(format!("{batch}{part}"));
    }
    pages.extend([conversation, message, "/account".to_owned(), "/account/sessions".to_owned()]);
    for page in &pages {
        let status = owner.get(page).await.status;
        assert!(status.is_success() || status.is_redirection(), "{page}: {status}");
        let after = (writes(&db).await, calls(&console).await);
        assert_eq!(after, before, "{page}");
    }
}

#[sqlx::test]
async fn a_person_has_some_drafts_at_most_and_one_too_many_loses_nothing(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let file = b"18500001001,1,5\n";
    for _ in 0..MAX_DRAFTS {
        operator.upload_list(CODE, "a.csv", file).await;
    }
    let form = operator.get("/p/default/batches/new").await;
    let mut fields = form.whole_form("form[data-upload]");
    let template = form.option_containing("#template option", CODE);
    fields.retain(|(name, _)| name != "template_id");
    fields.push(("template_id".to_owned(), template));
    let files: [(&str, &str, &[u8]); 1] = [("recipients", "a.csv", file)];
    let refused = operator.upload("/p/default/batches/new", &fields, &files).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains(&format!("{MAX_DRAFTS} 个")), "{}", refused.text);
    let drafts: i64 = sqlx::query_scalar("select count(*) from batches where state = 'draft'")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(drafts, MAX_DRAFTS);
    let approver = console.approver().await;
    approver.upload_list(CODE, "a.csv", file).await;
}

/// Returns the beginning of a form with a list, up to the end of its file, which is not the last field.
fn list_form(form: &crate::harness::Page, rows: usize) -> Vec<u8> {
    let mut fields = form.whole_form("form[data-upload]");
    fields.retain(|(name, _)| name != "template_id" && name != "phones");
    fields.push(("template_id".to_owned(), form.option_containing("#template option", CODE)));
    let mut body = String::new();
    for (name, value) in fields {
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.push_str(&format!("{head}{value}\r\n"));
    }
    body.push_str(
        "--b\r\nContent-Disposition: form-data; name=\"recipients\"; filename=\"a.csv\"\r\n\r\n",
    );
    body.push_str(&"18500001001,1,5\n".repeat(rows));
    body.into_bytes()
}

async fn drafts(db: &PgPool) -> i64 {
    let drafts = sqlx::query_scalar("select count(*) from batches where state = 'draft'");
    drafts.fetch_one(db).await.unwrap()
}

#[sqlx::test]
async fn an_upload_that_fails_leaves_no_draft(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let path = "/p/default/batches/new";
    let form = operator.get(path).await;
    let field =
        |name: &str| format!("\r\n--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
    let large = format!("{}{}\r\n--b--\r\n", field("phones"), "1".repeat(5 << 20));
    let no_text = [field("phones").as_bytes(), b"\xff\r\n--b--\r\n"].concat();
    let many = format!("{}\r\n--b--\r\n", field("x").repeat(60));
    let odd = format!("{}x\r\n--b--\r\n", field("csrf"));
    for (rest, status) in [
        (large.into_bytes(), StatusCode::PAYLOAD_TOO_LARGE),
        (no_text, StatusCode::BAD_REQUEST),
        (many.into_bytes(), StatusCode::PAYLOAD_TOO_LARGE),
        (odd.into_bytes(), StatusCode::FORBIDDEN),
        (b"\r\n--b\r\n".to_vec(), StatusCode::BAD_REQUEST),
    ] {
        let body = [list_form(&form, 1_000), rest].concat();
        let answer = operator.post_body(path, "multipart/form-data; boundary=b", &body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        crate::harness::until("no draft is left", async || drafts(&db).await == 0).await;
    }
    for is_reset in [false, true] {
        let cookies = operator.request_to(path).build().unwrap();
        let cookies = cookies.headers()["cookie"].to_str().unwrap().to_owned();
        let mut connection = TcpStream::connect(console.address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookies}\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 9000000\r\n\r\n",
            console.address,
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(&list_form(&form, 10_000)).await.unwrap();
        crate::harness::until("a draft is there", async || drafts(&db).await == 1).await;
        if is_reset {
            connection.set_zero_linger().unwrap();
        }
        drop(connection);
        crate::harness::until("no draft is left", async || drafts(&db).await == 0).await;
    }
}

#[sqlx::test]
async fn a_person_keeps_some_opt_out_lists_at_most(db: PgPool) {
    let console = quiet(&db).await;
    let (operator, approver) = (console.operator().await, console.approver().await);
    let path = "/p/default/suppressions";
    let wrong = "手机号\n18500004100\n1.85E+10\n".as_bytes();
    let upload = async |client: &TestClient, content: &[u8]| {
        let fields = client.get(path).await.whole_form("main form.form");
        client.upload(path, &fields, &[("list", "a.csv", content)]).await
    };
    assert_eq!(upload(&operator, wrong).await.status, StatusCode::SEE_OTHER);
    let more = "insert into suppression_imports
          (id, project_id, uploaded_by, file_name, content, typed, reason, note)
        select new_id(now()), project_id, uploaded_by, file_name, content, typed, reason, note
        from suppression_imports, generate_series(2, $1)";
    sqlx::query(more).bind(MAX_OPT_OUT_FILES).execute(&db).await.unwrap();
    let refused = upload(&operator, wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let sentence = refused.one("#errors h2");
    assert!(sentence.contains(&format!("{MAX_OPT_OUT_FILES} 个")), "{sentence}");
    let good = upload(&operator, b"18500004100\n").await;
    assert_eq!(good.leads_to(), path, "what need not be kept is added");
    let other = upload(&approver, wrong).await;
    assert_eq!(other.status, StatusCode::SEE_OTHER, "limits are per person");
}

#[sqlx::test]
async fn a_person_keeps_some_files_that_no_application_has_at_most(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let path = "/p/default/signatures/new";
    let png = b"\x89PNG\r\n\x1a\nrest".as_slice();
    let upload = async || {
        let fields = operator.get(path).await.whole_form("form[data-preview]");
        operator.upload(path, &fields, &[("certificate", "a.png", png)]).await
    };
    let stored = async || -> i64 {
        sqlx::query_scalar("select count(*) from files").fetch_one(&db).await.unwrap()
    };
    assert_eq!(upload().await.status, StatusCode::UNPROCESSABLE_ENTITY, "the name is missing");
    assert_eq!(stored().await, 1);
    let more = "insert into files (id, project_id, name, kind, bytes, sealed, uploaded_by)
        select new_id(now()), project_id, name, kind, bytes, sealed, uploaded_by
        from files, generate_series(2, $1)";
    sqlx::query(more).bind(MAX_UNUSED_FILES).execute(&db).await.unwrap();
    let refused = upload().await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.one("#certificate-note").contains("50 个"), "{}", refused.text);
    assert_eq!(stored().await, MAX_UNUSED_FILES);
}

#[sqlx::test]
async fn a_person_has_some_streams_at_most(db: PgPool) {
    let console = quiet(&db).await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    let events = format!("{batch}/events");
    let mut open = Vec::new();
    for _ in 0..MAX_STREAMS {
        let stream = operator.request_to(&events).send().await.unwrap();
        assert_eq!(stream.status(), StatusCode::OK);
        open.push(stream);
    }
    let refused = operator.request_to(&events).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    assert!(refused.text().await.unwrap().contains("实时页面过多"));
    let other = viewer.request_to(&events).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::OK, "limits are per person");
    open.pop();
    crate::harness::until("the place is free again", async || {
        operator.request_to(&events).send().await.unwrap().status() == StatusCode::OK
    })
    .await;
    // Hundreds of streams end before the database is dropped.
    drop((open, other));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
}

/// Opens `path` while a lock holds its query, `count` times.
async fn hold(
    client: &TestClient,
    path: &str,
    count: usize,
) -> Vec<tokio::task::JoinHandle<StatusCode>> {
    let mut held = Vec::new();
    for _ in 0..count {
        let request = client.request_to(path);
        held.push(tokio::spawn(async move { request.send().await.unwrap().status() }));
    }
    tokio::time::sleep(std::time::Duration::from_millis(1_000)).await;
    held
}

#[sqlx::test]
async fn a_person_runs_some_searches_at_once_and_a_slow_one_is_stopped(db: PgPool) {
    let console = quiet(&db).await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    let mut lock = db.begin().await.unwrap();
    sqlx::query("lock table suppressions").execute(&mut *lock).await.unwrap();
    let path = "/p/default/suppressions";
    let held = hold(&operator, path, MAX_QUERIES).await;
    let refused = operator.get_in("en", path).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(refused.text.contains("searches are still running"), "{}", refused.text);
    for page in held {
        assert_eq!(page.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE, "its time is over");
    }
    let slow = viewer.get_in("en", path).await;
    assert_eq!(slow.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(slow.headers.contains_key("retry-after"));
    assert!(slow.text.contains("takes too long"), "{}", slow.text);
    lock.rollback().await.unwrap();
    assert_eq!(operator.get(path).await.status, StatusCode::OK);
    let open = "select count(*) from pg_stat_activity where datname = current_database()
        and pid <> pg_backend_pid() and query ilike '%from suppressions%'";
    crate::harness::until("the connections of the searches are closed", async || {
        sqlx::query_scalar::<_, i64>(open).fetch_one(&db).await.unwrap() == 0
    })
    .await;
}

#[sqlx::test]
async fn a_person_downloads_some_files_at_once(db: PgPool) {
    let console = quiet(&db).await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    let mut lock = db.begin().await.unwrap();
    sqlx::query("lock table suppressions").execute(&mut *lock).await.unwrap();
    let path = "/p/default/suppressions.csv";
    let mut held = Vec::new();
    for _ in 0..MAX_EXPORTS {
        let file = operator.request_to(path).send().await.unwrap();
        assert_eq!(file.status(), StatusCode::OK);
        held.push(file);
    }
    let refused = operator.get_in("en", path).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(refused.text.contains("downloading several files"), "{}", refused.text);
    assert_eq!(viewer.request_to(path).send().await.unwrap().status(), StatusCode::OK);
    lock.rollback().await.unwrap();
    for file in held {
        assert!(file.text().await.unwrap().contains("phone,reason"));
    }
    assert_eq!(operator.get(path).await.status, StatusCode::OK);
}
