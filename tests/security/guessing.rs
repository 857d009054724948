//! Guessing of passwords: it is slowed for everybody who does it, and for nobody else.

use std::net::Ipv4Addr;

use futures_util::future::join_all;
use reqwest::{StatusCode, header};
use secrecy::SecretString;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use usms_console::clock::Clock;
use usms_console::domain::accounts::role::Role;
use usms_console::ops::accounts::{self, Standing};
use usms_console::ops::refusals;

use crate::harness::{PASSWORD, TestClient, TestConsole, TestOptions};

/// A console without workers: these tests look at its pages only.
async fn start(db: &PgPool) -> TestConsole {
    TestConsole::start_with(db, TestOptions { workers: false, pushes: false, ..Default::default() })
        .await
}

async fn owner(console: &TestConsole) {
    let password = SecretString::from(PASSWORD);
    accounts::create(&console.app, "owner", password, Standing::Owner).await.unwrap();
}

/// A browser without cookies at one of many addresses.
fn stranger(console: &TestConsole, n: u8) -> TestClient {
    let address = Ipv4Addr::new(127, 0, 7, n);
    TestClient::from_address(format!("http://{}", console.address), address)
}

async fn count(console: &TestConsole, of: &str) -> i64 {
    let sql = format!("select count(*) from {of}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&console.app.db).await.unwrap()
}

/// Returns name and count of the audit events of a kind, with the address.
async fn refused(console: &TestConsole, action: &str) -> Vec<(String, String, i64)> {
    sqlx::query_as(
        "select coalesce(nullif(actor, ''), detail->>'name', ''), ip, (detail->>'count')::bigint
         from audit_log where action = $1 order by id",
    )
    .bind(action)
    .fetch_all(&console.app.db)
    .await
    .unwrap()
}

#[sqlx::test]
async fn of_a_hundred_guesses_at_once_at_most_six_are_looked_at(db: PgPool) {
    let console = start(&db).await;
    console.account("mei", Role::Operator).await;
    let mut clients = Vec::new();
    for n in 0..100 {
        let client = console.signed_out();
        let csrf = client.get("/login").await.csrf();
        let password = if n == 60 { PASSWORD.to_owned() } else { format!("wrong guess {n}") };
        clients.push((client, csrf, password));
    }
    let statuses = join_all(clients.iter().map(async |(client, csrf, password)| {
        let fields = [("csrf", csrf.as_str()), ("username", "mei"), ("password", password)];
        client.post("/login", &fields).await.status
    }))
    .await;
    let of = |status| statuses.iter().filter(|one| **one == status).count();
    let looked_at = of(StatusCode::UNPROCESSABLE_ENTITY) + of(StatusCode::SEE_OTHER);
    assert!(looked_at <= 6, "{looked_at}: {statuses:?}");
    assert_eq!(looked_at + of(StatusCode::TOO_MANY_REQUESTS), 100, "{statuses:?}");
}

#[sqlx::test]
async fn five_slips_and_the_right_password_sign_in_again_and_again(db: PgPool) {
    let console = start(&db).await;
    console.account("mei", Role::Operator).await;
    for _ in 0..5 {
        assert!(console.signed_out().sign_in("mei", "slip", "/").await.has("#login-error"));
    }
    for _ in 0..8 {
        let landed = console.signed_out().sign_in("mei", PASSWORD, "/").await;
        assert_eq!(landed.status, StatusCode::SEE_OTHER, "a try that succeeds is given back");
    }
}

#[sqlx::test]
async fn wrong_passwords_from_many_addresses_do_not_stop_the_right_one(db: PgPool) {
    let console = start(&db).await;
    owner(&console).await;
    for n in 1..=120 {
        let answer = stranger(&console, n).sign_in("owner", "not the password", "/").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{n}");
    }
    // The name is being guessed: whoever comes from an address of theirs has one try at a time.
    let guesser = stranger(&console, 200);
    let statuses = [
        guesser.sign_in("owner", "not the password", "/").await.status,
        guesser.sign_in("owner", "nor is this one", "/").await.status,
    ];
    assert_eq!(statuses, [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::TOO_MANY_REQUESTS]);
    let landed = console.signed_out().sign_in("owner", PASSWORD, "/").await;
    assert_eq!(landed.status, StatusCode::SEE_OTHER);
}

#[sqlx::test]
async fn wrong_names_from_an_office_lock_nobody_else_in_it_out(db: PgPool) {
    let console = start(&db).await;
    console.account("mei", Role::Operator).await;
    console.account("li", Role::Operator).await;
    for n in 0..60 {
        console.signed_out().sign_in(&format!("nobody-{n}"), "not the password", "/").await;
    }
    for _ in 0..8 {
        console.signed_out().sign_in("li", "not the password", "/").await;
    }
    let li = console.signed_out().sign_in("li", PASSWORD, "/").await;
    assert_eq!(li.status, StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = li.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=900).contains(&seconds));
    let mei = console.signed_out().sign_in("mei", PASSWORD, "/").await;
    assert_eq!(mei.status, StatusCode::SEE_OTHER);
}

#[sqlx::test]
async fn a_known_device_has_a_count_of_its_own(db: PgPool) {
    let console = start(&db).await;
    owner(&console).await;
    console.account("mei", Role::Operator).await;
    let device = console.signed_out();
    device.sign_in("owner", PASSWORD, "/").await;
    let csrf = device.get("/account").await.csrf();
    device.post("/logout", &[("csrf", &csrf)]).await;
    for _ in 0..8 {
        console.signed_out().sign_in("owner", "not the password", "/").await;
    }
    let elsewhere = console.signed_out().sign_in("owner", PASSWORD, "/").await;
    assert_eq!(elsewhere.status, StatusCode::TOO_MANY_REQUESTS);
    let landed = device.sign_in("owner", PASSWORD, "/").await;
    assert_eq!(landed.status, StatusCode::SEE_OTHER);
    // It counts, too, and for nobody but the owner.
    let copied = console.signed_out();
    copied.set_cookie("console_device", &device.cookie("console_device").unwrap());
    for _ in 0..8 {
        copied.sign_in("owner", "not the password", "/").await;
        copied.sign_in("mei", "not the password", "/").await;
    }
    for name in ["owner", "mei"] {
        let answer = copied.sign_in(name, PASSWORD, "/").await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{name}");
    }
}

#[sqlx::test]
async fn the_cookie_of_a_device_cannot_be_made_and_is_not_for_scripts(db: PgPool) {
    let console = start(&db).await;
    owner(&console).await;
    let device = console.signed_out();
    let landed = device.sign_in("owner", PASSWORD, "/").await;
    let cookies = landed.headers.get_all(header::SET_COOKIE);
    let mut cookies = cookies.iter().filter_map(|cookie| cookie.to_str().ok());
    let cookie = cookies.find(|cookie| cookie.starts_with("console_device=")).unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let value = device.cookie("console_device").unwrap();
    let last = if value.ends_with('0') { "1" } else { "0" };
    let forged = format!("{}{last}", &value[..value.len() - 1]);
    for _ in 0..7 {
        console.signed_out().sign_in("owner", "not the password", "/").await;
    }
    let guesser = console.signed_out();
    guesser.set_cookie("console_device", &forged);
    let answer = guesser.sign_in("owner", PASSWORD, "/").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
}

#[sqlx::test]
async fn the_current_password_cannot_be_guessed_with_a_session(db: PgPool) {
    let console = start(&db).await;
    let thief = console.operator().await;
    let csrf = thief.get("/account").await.csrf();
    let mut looked_at = 0;
    for n in 0..30 {
        let old = format!("wrong guess {n}");
        let fields = [("csrf", csrf.as_str()), ("old", &old), ("new", "a longer password")];
        let answer = thief.post("/account", &fields).await;
        assert!(answer.has("#old-error"), "{}", answer.text);
        looked_at += i32::from(answer.status == StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert!(looked_at <= 6, "{looked_at}");
    // The form that ends other sessions is no second way.
    let page = thief
        .post("/account/sessions", &[("csrf", csrf.as_str()), ("password", "wrong guess 31")])
        .await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    let wrong = "audit_log where action = 'current_password_failed' and actor = 'operator'";
    assert_eq!(count(&console, wrong).await, i64::from(looked_at));
    assert_eq!(refused(&console, "current_password_turned_away").await[0].2, 25);
    // The person in a session of their own is not hindered.
    let person = console.signed_out();
    person.sign_in("operator", PASSWORD, "/").await;
    let csrf = person.get("/account").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("old", PASSWORD), ("new", "a longer passphrase")];
    assert_eq!(person.post("/account", &fields).await.status, StatusCode::SEE_OTHER);
}

#[sqlx::test]
async fn refusals_at_once_are_added_up_and_use_one_connection(db: PgPool) {
    let console = start(&db).await;
    // Nobody else can change this event meanwhile.
    refusals::sign_in(&console.app, "sign_in_failed", "mei", "203.0.113.9").await.unwrap();
    let mut other = db.begin().await.unwrap();
    let lock = "select from audit_log where action = 'sign_in_failed' for update";
    sqlx::query(lock).execute(&mut *other).await.unwrap();
    let many = join_all(
        (0..200).map(|_| refusals::sign_in(&console.app, "sign_in_failed", "mei", "203.0.113.9")),
    );
    let most = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let waiting = "select count(*) from pg_stat_activity where datname = current_database()
            and wait_event_type = 'Lock'";
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&mut *other).await.unwrap();
        other.commit().await.unwrap();
        waiting
    };
    let (written, waiting) = tokio::join!(many, most);
    assert!(written.into_iter().all(|one| one.is_ok()));
    assert_eq!(waiting, 1);
    let counted: i64 = refused(&console, "sign_in_failed").await.iter().map(|one| one.2).sum();
    assert_eq!(counted, 201);
}

#[sqlx::test]
async fn opening_the_sign_in_page_and_failing_there_stores_no_login_session(db: PgPool) {
    let console = start(&db).await;
    console.account("mei", Role::Operator).await;
    for _ in 0..5 {
        let client = console.signed_out();
        client.get("/login").await;
        client.sign_in("mei", "not the password", "/").await;
    }
    assert_eq!(count(&console, "login_sessions").await, 0);
    // The token belongs to the cookie that came with it.
    let (one, other) = (console.signed_out(), console.signed_out());
    other.get("/login").await;
    let csrf = one.get("/login").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("username", "mei"), ("password", PASSWORD)];
    assert_eq!(other.post("/login", &fields).await.status, StatusCode::FORBIDDEN);
    assert_eq!(one.post("/login", &fields).await.status, StatusCode::SEE_OTHER);
}

#[sqlx::test]
async fn sign_ins_that_fail_are_one_audit_event_an_hour_with_a_count(db: PgPool) {
    let console = start(&db).await;
    console.account("mei", Role::Operator).await;
    for _ in 0..20 {
        console.signed_out().sign_in("mei", "not the password", "/").await;
    }
    console.signed_out().sign_in("nobody", "not the password", "/").await;
    let here = "127.0.0.1".to_owned();
    let failed = refused(&console, "sign_in_failed").await;
    let expected = [("mei", 6), ("nobody", 1)].map(|(name, n)| (name.to_owned(), here.clone(), n));
    // An hour may have ended meanwhile.
    let all: i64 = failed.iter().map(|(.., n)| n).sum();
    assert!(failed == expected || (all == 7 && failed.len() <= 4), "{failed:?}");
    let turned_away = refused(&console, "sign_in_turned_away").await;
    assert_eq!(turned_away.iter().map(|(.., n)| n).sum::<i64>(), 14, "{turned_away:?}");
    assert!(turned_away.len() <= 2);
}

#[sqlx::test]
async fn refused_forms_and_permissions_are_audited_with_person_address_and_path(db: PgPool) {
    let console = start(&db).await;
    let viewer = console.viewer().await;
    for _ in 0..3 {
        let answer = viewer.get("/p/default/send?to=secret").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let answer = viewer.post("/account", &[("csrf", "made up")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let here = "127.0.0.1".to_owned();
    let expected = |n| vec![("viewer".to_owned(), here.clone(), n)];
    assert_eq!(refused(&console, "permission_refused").await, expected(3));
    assert_eq!(refused(&console, "form_refused").await, expected(1));
    let paths: Vec<String> = sqlx::query_scalar(
        "select detail->>'path' from audit_log where action like '%_refused' order by action",
    )
    .fetch_all(&console.app.db)
    .await
    .unwrap();
    assert_eq!(paths, ["/account", "/p/default/send"]);
}

#[sqlx::test]
async fn common_and_obvious_passwords_are_refused(db: PgPool) {
    let console = start(&db).await;
    let create = async |name: &str, password: &str| {
        let standing = Standing::Member(console.project, Role::Viewer);
        accounts::create(&console.app, name, SecretString::from(password), standing).await
    };
    for password in [
        "password1234",
        "P@ssw0rd1234",
        "qwertyuiop123",
        "iloveyou2026!",
        "passwordpassword",
        "123456789012",
        "abcdefghijkl",
        "            ",
        "aaaaaaaaaaab",
        "121212121212",
        "usms-console",
        "the UCloud password",
        "other-viewer",
        "console.example.test",
        "an example of one",
    ] {
        assert!(create("other-viewer", password).await.is_err(), "{password}");
    }
    for password in ["correct pony battery paperclip", "云帆书店的登录密码很长很长", PASSWORD]
    {
        assert!(create(&format!("fine {password}"), password).await.is_err(), "holds the name");
        create(&password.chars().rev().collect::<String>(), password).await.unwrap();
    }
    let person = console.operator().await;
    let csrf = person.get("/account").await.csrf();
    for new in ["password1234", "operator operator"] {
        let fields = [("csrf", csrf.as_str()), ("old", PASSWORD), ("new", new)];
        let answer = person.post("/account", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{new}");
        assert!(answer.has("#new-error"));
    }
}

#[sqlx::test]
async fn rows_that_strangers_make_are_bounded_and_removed(db: PgPool) {
    let clock = Clock::set_to(OffsetDateTime::now_utc());
    let options =
        TestOptions { workers: false, pushes: false, clock: clock.clone(), ..Default::default() };
    let console = TestConsole::start_with(&db, options).await;
    console.account("mei", Role::Operator).await;
    let fail = async |name: &str, ip: &str| {
        refusals::sign_in(&console.app, "sign_in_failed", name, ip).await.unwrap();
    };
    for n in 0..60 {
        fail(&format!("nobody-{n}"), "203.0.113.9").await;
    }
    let failed = refused(&console, "sign_in_failed").await;
    assert_eq!(failed.len(), 51, "of one address");
    assert_eq!(failed[50], (String::new(), "203.0.113.9".to_owned(), 10));
    for n in 0..960 {
        fail(&format!("nobody-{n}"), &format!("198.51.{}.{}", 100 + n / 50, n % 50)).await;
    }
    let failed = refused(&console, "sign_in_failed").await;
    assert_eq!(failed.len(), 1_001, "of all");
    assert_eq!(failed[1_000], (String::new(), "*".to_owned(), 11));
    // What is tried on an account is seen all the same.
    for n in 0..25 {
        fail("Mei", &format!("192.0.2.{n}")).await;
    }
    let failed = refused(&console, "sign_in_failed").await;
    assert_eq!(failed.len(), 1_022);
    assert_eq!(failed[1_001], ("Mei".to_owned(), "192.0.2.0".to_owned(), 1));
    assert_eq!(failed[1_021], ("Mei".to_owned(), "*".to_owned(), 5));
    console.signed_out().sign_in("nobody", "not the password", "/").await;
    assert!(count(&console, "sign_in_throttle").await > 0);
    clock.advance(Duration::hours(3));
    accounts::delete_old_tries(&console.app).await.unwrap();
    refusals::delete_old(&console.app).await.unwrap();
    assert_eq!(count(&console, "sign_in_throttle").await, 0);
    assert_eq!(count(&console, "refusals").await, 0);
    refusals::sign_in(&console.app, "sign_in_failed", "nobody-1", "203.0.113.9").await.unwrap();
    assert_eq!(refused(&console, "sign_in_failed").await.len(), 1_023, "another hour");
}

#[sqlx::test]
async fn of_an_audit_event_that_counts_only_the_count_changes_and_only_upwards(db: PgPool) {
    let console = start(&db).await;
    refusals::sign_in(&console.app, "sign_in_failed", "mei", "203.0.113.9").await.unwrap();
    console.operator().await;
    for change in [
        "detail = detail || '{\"count\": 0}'",
        "detail = detail || '{\"count\": 2, \"name\": \"eve\"}'",
        "detail = detail - 'count'",
        "detail = '{}'",
        "ip = '198.51.100.7'",
    ] {
        let sql = format!("update audit_log set {change} where action = 'sign_in_failed'");
        assert!(sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&db).await.is_err(), "{change}");
    }
    let other = "update audit_log set detail = '{\"count\": 2}' where action = 'signed_in'";
    assert!(sqlx::query(other).execute(&db).await.is_err());
}
