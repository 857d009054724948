//! Signing in, permissions, and forms from other sites.

use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use sqlx::PgPool;
use usms_console::domain::accounts::role::Role;
use usms_console::ops::accounts::{self, Standing};

use crate::harness::{PASSWORD, TestConsole};

#[sqlx::test]
async fn a_bookmark_opened_while_signed_out_is_reached_after_signing_in(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.account("mei", Role::Operator).await;
    let client = console.signed_out();
    let bookmark = "/p/default/receipts?phone=18500001234";
    let away = client.get(bookmark).await;
    assert_eq!(away.status, StatusCode::SEE_OTHER);
    let login = client.get(&away.leads_to()).await;
    let fields = [
        ("csrf", login.csrf()),
        ("next", login.value("input[name=next]")),
        ("username", "MEI".to_owned()),
        ("password", PASSWORD.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let landed = client.post_owned("/login", &fields).await;
    assert_eq!(landed.leads_to(), bookmark);
    assert_eq!(client.get(bookmark).await.status, StatusCode::OK);
}

#[sqlx::test]
async fn next_never_leads_to_another_site(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.account("mei", Role::Operator).await;
    for next in ["https://evil.example/", "//evil.example", "/\\evil.example"] {
        let landed = console.signed_out().sign_in("mei", PASSWORD, next).await;
        assert_eq!(landed.leads_to(), "/", "{next}");
    }
}

#[sqlx::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_response(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.account("mei", Role::Operator).await;
    let client = console.signed_out();
    let wrong = client.sign_in("mei", "not the password", "/").await;
    let unknown = client.sign_in("nobody", "not the password", "/").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.status, unknown.status);
    assert_eq!(wrong.one("#login-error"), unknown.one("#login-error"));
    assert_eq!(wrong.value("#username"), "mei");
}

#[sqlx::test]
async fn after_failed_sign_ins_even_the_right_password_has_to_wait(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.account("mei", Role::Operator).await;
    let client = console.signed_out();
    for _ in 0..6 {
        client.sign_in("mei", "guess", "/").await;
    }
    let answer = client.sign_in("mei", PASSWORD, "/").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.one("#login-error").contains("UTC+8"));
}

#[sqlx::test]
async fn signing_out_ends_the_login_session(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let home = operator.get("/p/default/").await;
    assert_eq!(home.status, StatusCode::OK);
    let signed_out = operator.post("/logout", &[("csrf", &home.csrf())]).await;
    assert_eq!(signed_out.leads_to(), "/login");
    assert_eq!(operator.get("/p/default/").await.status, StatusCode::SEE_OTHER);
    let open_sessions: i64 =
        sqlx::query_scalar("select count(*) from login_sessions where user_id is not null")
            .fetch_one(&console.app.db)
            .await
            .unwrap();
    assert_eq!(open_sessions, 0);
}

#[sqlx::test]
async fn a_project_without_membership_looks_like_one_that_does_not_exist(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let password = SecretString::from(PASSWORD);
    accounts::create(&console.app, "owner", password.clone(), Standing::Owner).await.unwrap();
    console.account("mei", Role::Admin).await;
    sqlx::query("delete from members").execute(&console.app.db).await.unwrap();
    let mei = console.signed_out();
    mei.sign_in("mei", PASSWORD, "/").await;
    let other = mei.get("/p/default/").await;
    let none = mei.get("/p/nowhere/").await;
    assert_eq!((other.status, none.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    assert_eq!(other.one("h1"), none.one("h1"));
    let owner = console.signed_out();
    owner.sign_in("owner", PASSWORD, "/").await;
    assert_eq!(owner.get("/p/default/").await.status, StatusCode::OK);
}

#[sqlx::test]
async fn a_viewer_sees_masked_phones_and_can_neither_send_nor_change_a_batch(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = operator.send("登录验证码", &["1234", "5"], "18500001234").await;
    console.until_complete(&operator, &batch).await;
    let viewer = console.viewer().await;
    let page = viewer.get(&batch).await;
    assert_eq!(page.one(".messages .phone"), "185****1234");
    assert!(!page.text.contains("18500001234"));
    assert_eq!(viewer.get("/p/default/send").await.status, StatusCode::FORBIDDEN);
    let csrf = page.csrf();
    for path in [&format!("{batch}/pause"), &format!("{batch}/cancel"), "/p/default/send"] {
        let answer = viewer.post(path, &[("csrf", &csrf), ("confirm", "1")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[sqlx::test]
async fn a_form_from_another_site_or_without_its_token_does_nothing(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let mut fields = operator.send_fields("登录验证码", &["1", "5"], "18500001234").await;
    fields.push(("confirm".to_owned(), "1".to_owned()));
    let pairs: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let cross = [("sec-fetch-site", "cross-site")];
    let path = "/p/default/send";
    let answer = operator.request(Method::POST, path, &cross, Some(&pairs)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let without: Vec<_> = pairs.iter().copied().filter(|(name, _)| *name != "csrf").collect();
    assert_eq!(operator.post(path, &without).await.status, StatusCode::FORBIDDEN);
    let batches: i64 = sqlx::query_scalar("select count(*) from batches")
        .fetch_one(&console.app.db)
        .await
        .unwrap();
    assert_eq!(batches, 0);
}

#[sqlx::test]
async fn a_new_password_ends_other_login_sessions_and_is_audited(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let here = console.operator().await;
    let there = console.signed_out();
    there.sign_in("operator", PASSWORD, "/").await;
    let csrf = here.get("/account").await.csrf();
    let short =
        here.post("/account", &[("csrf", &csrf), ("old", PASSWORD), ("new", "short")]).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(short.has("#new-error"));
    let wrong =
        here.post("/account", &[("csrf", &csrf), ("old", "x"), ("new", "a longer password")]).await;
    assert!(wrong.has("#old-error"));
    let changed = here
        .post("/account", &[("csrf", &csrf), ("old", PASSWORD), ("new", "a longer password")])
        .await;
    assert_eq!(changed.leads_to(), "/account");
    assert_eq!(there.get("/account").await.status, StatusCode::SEE_OTHER);
    assert_eq!(here.get("/account").await.status, StatusCode::OK);
    let audited_actions: Vec<String> =
        sqlx::query_scalar("select action from audit_log order by id")
            .fetch_all(&console.app.db)
            .await
            .unwrap();
    assert!(audited_actions.contains(&"signed_in".to_owned()));
    assert!(audited_actions.contains(&"password_changed".to_owned()));
}

#[sqlx::test]
async fn login_sessions_are_listed_and_can_be_ended_one_by_one(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let here = console.operator().await;
    let there = console.signed_out();
    there.sign_in("operator", PASSWORD, "/").await;
    let page = here.get("/account/sessions").await;
    assert_eq!(page.all("tbody tr").len(), 2);
    let key = page.value("tbody button[name=key]");
    let fields = [("csrf", page.csrf().as_str()), ("key", &key), ("password", PASSWORD)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    here.post_owned("/account/sessions", &fields).await;
    assert_eq!(there.get("/account").await.status, StatusCode::SEE_OTHER);
    assert_eq!(here.get("/account/sessions").await.all("tbody tr").len(), 1);
}
