//! Cookies, headers, and the cells of files.

use reqwest::{Method, StatusCode};
use sqlx::PgPool;
use usms_console::domain::accounts::role::Role;

use super::process::Process;
use crate::harness::{CODE, PASSWORD, TestConsole};

#[sqlx::test]
async fn over_https_the_session_cookie_is_bound_to_this_host(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let variables = [("CONSOLE_PUBLIC_URL", "https://console.example.test")];
    let process = Process::start(&db, &console, &variables, 0).await;
    console.account("mei", Role::Viewer).await;
    let client = process.client();
    let landed = client.sign_in("mei", PASSWORD, "/").await;
    assert_eq!(landed.status, StatusCode::SEE_OTHER);
    let cookies: Vec<&str> =
        landed.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let session = cookies.iter().find(|cookie| cookie.starts_with("__Host-console_session="));
    let session = session.unwrap_or_else(|| panic!("{cookies:?}"));
    for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(session.contains(part), "{session}");
    }
    assert!(!session.contains("Domain"), "{session}");
    assert_eq!(client.get("/p/default/").await.status, StatusCode::OK);
    assert!(cookies.iter().all(|cookie| cookie.contains("Secure")), "{cookies:?}");
}

#[sqlx::test]
async fn every_answer_says_what_a_browser_may_do_with_it(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let variables = [("CONSOLE_PUBLIC_URL", "https://console.example.test")];
    let process = Process::start(&db, &console, &variables, 0).await;
    let client = process.client();
    for (method, path) in [
        (Method::GET, "/login"),
        (Method::GET, "/nothing"),
        (Method::GET, "/healthz"),
        (Method::GET, "/p/default/"),
        (Method::POST, "/login"),
        (Method::POST, "/hooks/x"),
        (Method::TRACE, "/login"),
    ] {
        let page = client.request(method.clone(), path, &[], None).await;
        let header = |name: &str| {
            let value = page.headers.get(name);
            value.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        let hsts = header("strict-transport-security");
        assert_eq!(hsts, "max-age=31536000; includeSubDomains", "{method} {path}");
        assert!(header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert!(page.status != StatusCode::OK || method != Method::TRACE);
    }
}

#[sqlx::test]
async fn no_cell_of_a_file_is_a_formula_or_breaks_out_of_its_cell(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let values = ["hi;=1+1;x", "＝1+1", "＠x", "\u{feff}=1+1", "\u{a0}=1+1", "a\tb", "=1+1"];
    for value in values {
        sqlx::query(
            "insert into suppressions (project_id, phone, id, reason, note)
             select $1, '185' || lpad((count(*) + 1)::text, 8, '0'), new_id(now()), 'person', $2
             from suppressions",
        )
        .bind(console.project.0)
        .bind(value)
        .execute(&db)
        .await
        .unwrap();
    }
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    for path in ["/p/default/suppressions.csv".to_owned(), format!("{batch}/messages.csv")] {
        let file = operator.get(&path).await;
        assert_eq!(file.status, StatusCode::OK, "{path}");
        for line in file.text.lines().skip(1).filter(|line| !line.is_empty()) {
            assert!(line.starts_with('"') && line.ends_with('"'), "{path}: {line}");
            for cell in line.trim_matches('"').split("\",\"") {
                let seen = cell.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
                let is_formula = seen.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
                assert!(!is_formula, "{path}: {cell}");
            }
        }
    }
}

#[sqlx::test]
async fn a_console_that_talks_to_another_service_than_ucloud_says_so(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let viewer = console.viewer().await;
    let page = viewer.get("/p/default/").await;
    assert!(page.one(".environment").contains(&console.sandbox.url().replace("http://", "")));
}
