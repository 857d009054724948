//! What was typed survives a login session that ended, and how sessions are listed and ended.

use reqwest::{Method, StatusCode};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use usms_console::clock::Clock;

use crate::harness::{PASSWORD, Page, TestClient, TestConsole, TestOptions};

const FROM_HERE: [(&str, &str); 1] = [("sec-fetch-site", "same-origin")];

async fn quiet(db: &PgPool, clock: &Clock) -> TestConsole {
    let options =
        TestOptions { workers: false, pushes: false, clock: clock.clone(), ..Default::default() };
    TestConsole::start_with(db, options).await
}

async fn post(client: &TestClient, path: &str, fields: &[(String, String)]) -> Page {
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    client.request(Method::POST, path, &FROM_HERE, Some(fields.as_slice())).await
}

/// Signs in by the form of a page.
async fn sign_in(client: &TestClient, page: &Page) -> Page {
    let mut fields = page.whole_form("form[action='/login']");
    fields.retain(|(name, _)| name != "username" && name != "password");
    fields.push(("username".to_owned(), "operator".to_owned()));
    fields.push(("password".to_owned(), PASSWORD.to_owned()));
    client.post_owned("/login", &fields).await
}

#[sqlx::test]
async fn an_order_that_was_typed_survives_the_end_of_the_session_and_is_not_sent(db: PgPool) {
    let clock = Clock::set_to(OffsetDateTime::now_utc());
    let console = quiet(&db, &clock).await;
    let operator = console.operator().await;
    let mut fields = operator.send_fields("新书", &["读者"], "18500001234").await;
    fields.push(("confirm".to_owned(), "1".to_owned()));
    clock.advance(Duration::hours(9));
    let page = post(&operator, "/p/default/send", &fields).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.has("#why") && !page.text.contains("18500001234"), "{}", page.text);
    // A wrong password does not lose it.
    let mut wrong = page.whole_form("form[action='/login']");
    wrong.retain(|(name, _)| name != "username");
    wrong.push(("username".to_owned(), "operator".to_owned()));
    let again = operator.post_owned("/login", &wrong).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let back = sign_in(&operator, &again).await;
    assert_eq!(back.leads_to(), "/p/default/send", "{}", back.text);
    let form = operator.get("/p/default/send").await;
    assert_eq!((form.value("#p1"), form.one("#phones")), ("读者".into(), "18500001234".into()));
    assert!(form.has(".flash.doubtful"), "{}", form.text);
    let ordered: i64 =
        sqlx::query_scalar("select count(*) from batches").fetch_one(&db).await.unwrap();
    assert_eq!(ordered, 0, "nothing is sent by itself");
    assert_eq!(operator.get("/p/default/send").await.one("#phones"), "", "once");
}

#[sqlx::test]
async fn a_template_that_was_typed_survives_the_end_of_the_session(db: PgPool) {
    let clock = Clock::set_to(OffsetDateTime::now_utc());
    let console = quiet(&db, &clock).await;
    let operator = console.operator().await;
    let new = "/p/default/templates/new";
    let fields =
        [("csrf", "x"), ("name", "发货"), ("purpose", "notice"), ("text", "您的{1}已发货")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    clock.advance(Duration::hours(9));
    let page = post(&operator, new, &fields).await;
    assert_eq!(sign_in(&operator, &page).await.leads_to(), new);
    let form = operator.get(new).await;
    assert_eq!((form.value("#name"), form.one("#text")), ("发货".into(), "您的{1}已发货".into()));
}

#[sqlx::test]
async fn what_another_site_posts_or_what_is_old_is_not_put_back(db: PgPool) {
    let clock = Clock::set_to(OffsetDateTime::now_utc());
    let console = quiet(&db, &clock).await;
    let operator = console.operator().await;
    let fields = operator.send_fields("新书", &["读者"], "18500001234").await;
    let stranger = console.signed_out();
    let pairs: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for site in ["cross-site", "same-site", "none"] {
        let headers = [("sec-fetch-site", site)];
        let path = "/p/default/send";
        let page = stranger.request(Method::POST, path, &headers, Some(pairs.as_slice())).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{site}");
    }
    let page = post(&stranger, "/p/default/send", &fields).await;
    clock.advance(Duration::minutes(31));
    assert_ne!(sign_in(&stranger, &page).await.leads_to(), "");
    assert_eq!(stranger.get("/p/default/send").await.one("#phones"), "", "too old");
}

#[sqlx::test]
async fn the_sign_in_page_says_that_a_session_has_ended(db: PgPool) {
    let clock = Clock::set_to(OffsetDateTime::now_utc());
    let console = quiet(&db, &clock).await;
    let operator = console.operator().await;
    clock.advance(Duration::hours(9));
    let away = operator.get("/p/default/batches").await.leads_to();
    assert!(operator.get(&away).await.has("#why"));
    assert!(!console.signed_out().get(&away).await.has("#why"), "never signed in");
    assert!(!operator.get("/login").await.has("#why"));
}

#[sqlx::test]
async fn devices_have_readable_names_and_all_sessions_end_at_once(db: PgPool) {
    let clock = Clock::set_to(OffsetDateTime::now_utc());
    let console = quiet(&db, &clock).await;
    let operator = console.operator().await;
    sqlx::query(
        "update login_sessions set user_agent =
         'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0.0.0 Safari/537.36'",
    )
    .execute(&db)
    .await
    .unwrap();
    let page = operator.get_in("en", "/account/sessions").await;
    assert!(page.one("tbody th").starts_with("Chrome on Windows"), "{}", page.text);
    let there = console.signed_out();
    there.sign_in("operator", PASSWORD, "/").await;
    let csrf = page.csrf();
    let fields = [("csrf", csrf.as_str()), ("everywhere", "1"), ("password", "wrong")];
    let refused = operator.post("/account/sessions", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [("csrf", csrf.as_str()), ("everywhere", "1"), ("password", PASSWORD)];
    assert_eq!(operator.post("/account/sessions", &fields).await.leads_to(), "/login");
    for client in [&operator, &there] {
        assert_eq!(client.get("/account").await.status, StatusCode::SEE_OTHER);
    }
}
