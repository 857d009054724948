//! Login sessions and what depends on them end when they should.

use std::process::Stdio;
use std::time::Duration;

use reqwest::StatusCode;
use secrecy::SecretString;
use sqlx::{ConnectOptions, PgPool};
use tokio::process::Command;
use tokio::time::Instant;
use usms_console::domain::accounts::role::Role;
use usms_console::ops::accounts::{self, Standing};

use crate::harness::{PASSWORD, TestClient, TestConsole, TestOptions};

async fn start(db: &PgPool) -> TestConsole {
    TestConsole::start_with(db, TestOptions { workers: false, pushes: false, ..Default::default() })
        .await
}

/// Runs the console's program on the same database.
async fn run(db: &PgPool, args: &[&str]) -> (bool, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_usms-console"))
        .args(args)
        .env("DATABASE_URL", db.connect_options().to_url_lossy().as_str())
        .env("CONSOLE_SECRET_KEY", "07".repeat(32))
        .env("USMS_API_URL", "http://127.0.0.1:9")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let output = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
    (out.status.success(), output)
}

async fn is_signed_in(client: &TestClient) -> bool {
    client.get("/account").await.status == StatusCode::OK
}

#[sqlx::test]
async fn a_changed_password_gives_this_browser_a_new_session_and_ends_the_old_key(db: PgPool) {
    let console = start(&db).await;
    let here = console.operator().await;
    let csrf = here.get("/account").await.csrf();
    let stolen = here.at(format!("http://{}", console.address));
    let fields = [("csrf", csrf.as_str()), ("old", PASSWORD), ("new", "a longer password")];
    assert_eq!(here.post("/account", &fields).await.leads_to(), "/account");
    assert!(is_signed_in(&here).await);
    assert!(!is_signed_in(&stolen).await);
    assert_eq!(here.get("/account/sessions").await.all("tbody tr").len(), 1);
}

#[sqlx::test]
async fn ending_other_sessions_asks_for_the_password(db: PgPool) {
    let console = start(&db).await;
    let here = console.operator().await;
    let there = console.signed_out();
    there.sign_in("operator", PASSWORD, "/").await;
    let page = here.get("/account/sessions").await;
    let (csrf, key) = (page.csrf(), page.value("tbody button[name=key]"));
    for fields in [
        vec![("csrf", csrf.as_str())],
        vec![("csrf", csrf.as_str()), ("password", "not the password")],
        vec![("csrf", csrf.as_str()), ("key", &key), ("password", "")],
    ] {
        let answer = here.post("/account/sessions", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.has("#password-error"));
        assert!(is_signed_in(&there).await);
    }
    let fields = [("csrf", csrf.as_str()), ("password", PASSWORD)];
    assert_eq!(here.post("/account/sessions", &fields).await.leads_to(), "/account/sessions");
    assert!(!is_signed_in(&there).await);
    assert!(is_signed_in(&here).await);
}

#[sqlx::test]
async fn a_disabled_account_is_signed_out_at_once_and_stays_so_when_it_is_enabled(db: PgPool) {
    let console = start(&db).await;
    let operator = console.operator().await;
    let (done, said) = run(&db, &["user", "disable", "OPERATOR"]).await;
    assert!(done && said.contains("operator"), "{said}");
    assert!(!is_signed_in(&operator).await);
    let again = console.signed_out().sign_in("operator", PASSWORD, "/").await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(run(&db, &["user", "list"]).await.1.contains("operator (disabled)"));
    assert!(run(&db, &["user", "enable", "operator"]).await.0);
    assert!(!is_signed_in(&operator).await, "the session of before has ended");
    let again = console.signed_out().sign_in("operator", PASSWORD, "/").await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
}

#[sqlx::test]
async fn roles_are_set_and_taken_by_command_and_the_last_owner_stays(db: PgPool) {
    let console = start(&db).await;
    let mei = console.operator().await;
    let set = ["user", "set-role", "operator", "--project", "default", "--role", "viewer"];
    assert!(run(&db, &set).await.0);
    assert_eq!(mei.get("/p/default/send").await.status, StatusCode::FORBIDDEN);
    assert!(run(&db, &["user", "remove", "operator", "--project", "default"]).await.0);
    assert_eq!(mei.get("/p/default/").await.status, StatusCode::NOT_FOUND);
    let not_there = run(&db, &["user", "remove", "operator", "--project", "default"]).await;
    assert!(!not_there.0 && not_there.1.contains("operator"), "{}", not_there.1);
    for name in ["first", "second"] {
        let password = SecretString::from(PASSWORD);
        accounts::create(&console.app, name, password, Standing::Owner).await.unwrap();
    }
    assert!(run(&db, &["user", "disable", "first"]).await.0);
    let last = run(&db, &["user", "disable", "second"]).await;
    assert!(!last.0 && last.1.contains("last owner"), "{}", last.1);
    assert!(run(&db, &["user", "enable", "first"]).await.0);
    assert!(run(&db, &["user", "disable", "second"]).await.0);
    assert!(!run(&db, &["user", "disable", "nobody"]).await.0);
    let audited: Vec<String> = sqlx::query_scalar(
        "select action from audit_log
         where actor = '' and action like any(array['user_%', 'role_%', 'member_%']) order by id",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    let expected = [
        "user_added",
        "role_set",
        "role_set",
        "member_removed",
        "user_added",
        "user_added",
        "user_disabled",
        "user_enabled",
        "user_disabled",
    ];
    assert_eq!(audited, expected);
}

/// Adds entries of the opt-out list whose file is larger than what the kernel keeps of it.
async fn fill_opt_outs(console: &TestConsole) {
    sqlx::query(
        "insert into suppressions (id, project_id, phone, reason, note)
         select new_id(now()), $1, '1850000' || lpad(n::text, 4, '0'), 'person',
           repeat('x', 4000) from generate_series(1, 9999) n",
    )
    .bind(console.project)
    .execute(&console.app.db)
    .await
    .unwrap();
}

#[sqlx::test]
async fn a_download_ends_within_five_seconds_of_what_ends_the_access(db: PgPool) {
    let console = start(&db).await;
    fill_opt_outs(&console).await;
    let ways = ["sign out", "disable", "remove", "role", "password"];
    for way in ways {
        let name = format!("person-{}", way.replace(' ', "-"));
        let client = console.member(&name, Role::Operator).await;
        let mut download = client.request_to("/p/default/suppressions.csv").send().await.unwrap();
        assert_eq!(download.status(), StatusCode::OK);
        let mut bytes = download.chunk().await.unwrap().unwrap().len();
        let csrf = client.get("/account").await.csrf();
        match way {
            "sign out" => {
                client.post("/logout", &[("csrf", &csrf)]).await;
            }
            "disable" => assert!(run(&db, &["user", "disable", &name]).await.0),
            "remove" => {
                assert!(run(&db, &["user", "remove", &name, "--project", "default"]).await.0);
            }
            "role" => {
                let set = ["user", "set-role", &name, "--project", "default", "--role", "viewer"];
                assert!(run(&db, &set).await.0);
            }
            _ => {
                let password = SecretString::from("a longer password");
                accounts::reset_password(&console.app, &name, password).await.unwrap();
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        let read_from = Instant::now();
        while let Ok(Some(chunk)) = download.chunk().await {
            bytes += chunk.len();
        }
        assert!(read_from.elapsed() < Duration::from_secs(5), "{way}");
        assert!(bytes < 9_999 * 4_000, "{way}: {bytes} bytes");
    }
}
