//! Users, invitations, members of projects, and the audit log.

use reqwest::StatusCode;
use secrecy::SecretString;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use usms_console::clock::Clock;
use usms_console::domain::accounts::role::Role;
use usms_console::ops::accounts::{self, Standing};

use crate::harness::{PASSWORD, Page, TestClient, TestConsole, TestOptions};

const CHOSEN: &str = "a password of their own choice";

async fn quiet(db: &PgPool, clock: Clock) -> TestConsole {
    let options = TestOptions { workers: false, pushes: false, clock, ..Default::default() };
    TestConsole::start_with(db, options).await
}

async fn owner(console: &TestConsole) -> TestClient {
    let password = SecretString::from(PASSWORD);
    accounts::create(&console.app, "owner", password, Standing::Owner).await.unwrap();
    let client = console.signed_out();
    client.sign_in("owner", PASSWORD, "/").await;
    client
}

async fn post(client: &TestClient, path: &str, fields: &[(&str, &str)]) -> Page {
    let csrf = client.get(path).await.csrf();
    let fields: Vec<(&str, &str)> =
        [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
    client.post(path, &fields).await
}

async fn invite(owner: &TestClient, name: &str, role: &str) -> Page {
    let fields = [("name", name), ("email", ""), ("role", role), ("project", "default")];
    post(owner, "/admin/users", &fields).await
}

/// Returns the path of the link that a page shows.
fn link_on(page: &Page) -> String {
    let link = page.one("#link code");
    let path = link.find("/invitation/").map(|start| link[start..].to_owned());
    path.unwrap_or_else(|| panic!("no link: {}", page.text))
}

async fn accept(console: &TestConsole, link: &str, password: &str) -> (TestClient, Page) {
    let client = console.signed_out();
    let csrf = client.get(link).await.csrf();
    let page = client.post(link, &[("csrf", &csrf), ("password", password)]).await;
    (client, page)
}

/// Returns the address of an account's page.
async fn address_of(owner: &TestClient, name: &str) -> String {
    let page = owner.get("/admin/users").await;
    let position = page.all("tbody th a").iter().position(|listed| listed == name);
    let row = position.unwrap_or_else(|| panic!("{name} is not listed")) + 1;
    page.attr(&format!("tbody tr:nth-child({row}) th a"), "href")
}

#[sqlx::test]
async fn an_invited_user_chooses_a_password_with_a_link_that_works_once(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let owner = owner(&console).await;
    let page = invite(&owner, "mei", "operator").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let link = link_on(&page);
    assert!(!owner.get("/admin/users").await.has("#link"), "it is shown once");
    // Nobody signs in before, with whatever password.
    assert!(console.signed_out().sign_in("mei", "", "/").await.has("#login-error"));
    for weak in ["short", "password1234", "mei mei mei mei"] {
        let (_, page) = accept(&console, &link, weak).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{weak}");
        assert!(page.has("#password-error"), "{weak}");
    }
    assert!(owner.get(&link).await.one("#signed-in").contains("owner"), "who would be signed out");
    let (mei, landed) = accept(&console, &link, CHOSEN).await;
    assert_eq!(landed.status, StatusCode::SEE_OTHER, "{}", landed.text);
    assert_eq!(mei.get("/p/default/send").await.status, StatusCode::OK, "signed in, as operator");
    assert_eq!(status_of(&console, &link).await, StatusCode::NOT_FOUND);
    let landed = console.signed_out().sign_in("mei", CHOSEN, "/").await;
    assert_eq!(landed.status, StatusCode::SEE_OTHER);
}

/// Opens a link in a browser where nobody is signed in.
async fn status_of(console: &TestConsole, link: &str) -> StatusCode {
    console.signed_out().get(link).await.status
}

#[sqlx::test]
async fn a_link_ends_after_three_days_when_replaced_and_when_its_user_is_disabled(db: PgPool) {
    let clock = Clock::set_to(OffsetDateTime::now_utc());
    let console = quiet(&db, clock.clone()).await;
    let owner = owner(&console).await;
    let first = link_on(&invite(&owner, "mei", "viewer").await);
    let person = address_of(&owner, "mei").await;
    let second = link_on(&post(&owner, &person, &[("step", "link")]).await);
    assert_eq!(status_of(&console, &first).await, StatusCode::NOT_FOUND);
    assert_eq!(status_of(&console, &second).await, StatusCode::OK);
    post(&owner, &person, &[("step", "disable")]).await;
    assert_eq!(status_of(&console, &second).await, StatusCode::NOT_FOUND);
    post(&owner, &person, &[("step", "enable")]).await;
    let third = link_on(&post(&owner, &person, &[("step", "link")]).await);
    clock.advance(Duration::hours(71));
    assert_eq!(status_of(&console, &third).await, StatusCode::OK);
    clock.advance(Duration::hours(2));
    assert_eq!(status_of(&console, &third).await, StatusCode::NOT_FOUND);
}

#[sqlx::test]
async fn a_forgotten_password_is_replaced_by_link_and_ends_all_sessions(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let owner = owner(&console).await;
    let mei = console.member("mei", Role::Operator).await;
    let person = address_of(&owner, "mei").await;
    let link = link_on(&post(&owner, &person, &[("step", "link")]).await);
    assert_eq!(mei.get("/account").await.status, StatusCode::OK, "nothing changed so far");
    assert_eq!(
        console.signed_out().sign_in("mei", PASSWORD, "/").await.status,
        StatusCode::SEE_OTHER
    );
    let (_, landed) = accept(&console, &link, CHOSEN).await;
    assert_eq!(landed.status, StatusCode::SEE_OTHER);
    assert_eq!(mei.get("/account").await.status, StatusCode::SEE_OTHER, "signed out");
    assert!(console.signed_out().sign_in("mei", PASSWORD, "/").await.has("#login-error"));
}

#[sqlx::test]
async fn what_is_wrong_with_an_invitation_is_said_at_its_field_and_keeps_the_others(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let owner = owner(&console).await;
    for (field, fields) in [
        (
            "name",
            [("name", ""), ("email", "a@example.test"), ("role", "viewer"), ("project", "default")],
        ),
        (
            "name",
            [
                ("name", "OWNER"),
                ("email", "a@example.test"),
                ("role", "viewer"),
                ("project", "default"),
            ],
        ),
        (
            "email",
            [("name", "li"), ("email", "nonsense"), ("role", "viewer"), ("project", "default")],
        ),
        (
            "role",
            [("name", "li"), ("email", "a@example.test"), ("role", "king"), ("project", "default")],
        ),
        (
            "project",
            [("name", "li"), ("email", "a@example.test"), ("role", "viewer"), ("project", "none")],
        ),
    ] {
        let page = post(&owner, "/admin/users", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert!(page.has(&format!("#{field}-error")), "{field}: {}", page.text);
        assert_eq!(page.value("#email"), fields[1].1, "what was typed stays");
    }
}

#[sqlx::test]
async fn only_owners_manage_users_and_the_last_one_stays(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let owner = owner(&console).await;
    let admin = console.member("admin", Role::Admin).await;
    let person = address_of(&owner, "admin").await;
    for path in ["/admin/users", "/admin/audit", person.as_str()] {
        assert_eq!(admin.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(console.signed_out().get(path).await.status, StatusCode::SEE_OTHER, "{path}");
    }
    let own = address_of(&owner, "owner").await;
    for step in ["disable", "no-owner"] {
        let page = post(&owner, &own, &[("step", step)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{step}");
    }
    assert_eq!(post(&owner, &person, &[("step", "owner")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(admin.get("/admin/users").await.status, StatusCode::OK, "an owner now");
    let asked = post(&owner, &own, &[("step", "no-owner")]).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.has("#confirm input[name=confirm]"), "{}", asked.text);
    let confirmed = [("step", "no-owner"), ("confirm", "1")];
    assert_eq!(post(&owner, &own, &confirmed).await.status, StatusCode::SEE_OTHER);
    assert_eq!(owner.get("/admin/users").await.status, StatusCode::FORBIDDEN);
}

#[sqlx::test]
async fn an_admin_gives_and_takes_roles_in_the_project_but_not_their_own(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    owner(&console).await;
    let mei = console.member("mei", Role::Viewer).await;
    let members = "/p/default/settings/members";
    assert_eq!(mei.get(members).await.status, StatusCode::FORBIDDEN);
    let changed = post(&admin, members, &[("user", "mei"), ("role", "operator")]).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.text);
    assert_eq!(mei.get("/p/default/send").await.status, StatusCode::OK);
    for (user, role) in
        [("admin", "viewer"), ("owner", "viewer"), ("nobody", "viewer"), ("mei", "king")]
    {
        let page = post(&admin, members, &[("user", user), ("role", role)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{user} {role}");
    }
    let removed = post(&admin, members, &[("user", "mei"), ("remove", "1")]).await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER);
    assert_eq!(mei.get("/p/default/").await.status, StatusCode::NOT_FOUND);
    let page = admin.get_in("en", members).await;
    assert!(page.text.contains("Approve batches that others ordered"), "{}", page.text);
}

#[sqlx::test]
async fn the_audit_log_says_who_did_what_and_can_be_filtered_and_downloaded(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let owner = owner(&console).await;
    let admin = console.member("admin", Role::Admin).await;
    let operator = console.operator().await;
    invite(&owner, "mei", "viewer").await;
    post(&admin, "/p/default/settings/members", &[("user", "operator"), ("role", "approver")])
        .await;
    let audit = "/p/default/audit";
    assert_eq!(operator.get(audit).await.status, StatusCode::FORBIDDEN);
    let page = admin.get_in("en", audit).await;
    let rows = page.all("tbody th");
    assert!(rows[0].contains("Access denied") && rows[0].contains(audit), "{rows:?}");
    assert!(rows[1].contains("Role set") && rows[1].contains("role: Approver"), "{rows:?}");
    assert!(rows.iter().all(|row| !row.contains("User added")), "that was in no project");
    let page = owner.get_in("en", "/admin/audit?user=OWNER&action=user_added").await;
    assert_eq!(page.all("tbody tr").len(), 1, "{}", page.text);
    assert!(page.text.contains("mei"));
    let page = owner.get_in("en", "/admin/audit?action=sign_in_failed").await;
    assert_eq!(page.all("tbody tr").len(), 0);
    let file = admin.get("/p/default/audit.csv?action=role_set").await;
    assert_eq!(file.status, StatusCode::OK);
    assert!(file.text.contains("\"role_set\"") && file.text.contains("\"admin\""), "{}", file.text);
    assert_eq!(file.text.lines().count(), 5, "three accounts and a change: {}", file.text);
    let page = admin.get_in("en", audit).await;
    assert!(page.one("tbody th").contains("Audit log downloaded"), "{}", page.text);
}

const NEW_PROJECT: [(&str, &str); 4] = [
    ("name", "第二项目"),
    ("slug", "second"),
    ("ucloud_project_id", "org-sandbox-2"),
    ("public_key", usms_console::sandbox::PUBLIC_KEY),
];

#[sqlx::test]
async fn a_project_is_added_with_keys_that_the_vendor_accepts(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let owner = owner(&console).await;
    let with_key = |key: &'static str| [NEW_PROJECT.as_slice(), &[("private_key", key)]].concat();
    let page = post(&owner, "/admin/projects", &with_key("not-the-private-key")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.one("#private_key-error").contains("171"), "{}", page.text);
    assert_eq!(page.value("#slug"), "second");
    assert!(!page.text.contains("not-the-private-key"), "the private key is not shown again");
    let added =
        post(&owner, "/admin/projects", &with_key(usms_console::sandbox::PRIVATE_KEY)).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.text);
    assert_eq!(owner.get("/p/second/").await.status, StatusCode::OK);
    let operator = console.operator().await;
    assert_eq!(operator.get("/p/second/").await.status, StatusCode::NOT_FOUND, "no member of it");
    let again =
        post(&owner, "/admin/projects", &with_key(usms_console::sandbox::PRIVATE_KEY)).await;
    assert!(again.has("#slug-error"), "{}", again.text);
    let empty = post(&owner, "/admin/projects", &[("name", "x"), ("slug", "x")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[sqlx::test]
async fn keys_are_replaced_on_the_page_unless_the_settings_have_them(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let owner = owner(&console).await;
    let keys = [
        ("step", "keys"),
        ("slug", "default"),
        ("ucloud_project_id", "org-sandbox-2"),
        ("public_key", usms_console::sandbox::PUBLIC_KEY),
        ("private_key", usms_console::sandbox::PRIVATE_KEY),
    ];
    let page = post(&owner, "/admin/projects", &keys).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "the settings have them");
    let other = "update projects set is_configured = false, public_key = 'another'";
    sqlx::query(other).execute(&db).await.unwrap();
    let replaced = post(&owner, "/admin/projects", &keys).await;
    assert_eq!(replaced.status, StatusCode::SEE_OTHER, "{}", replaced.text);
    let stored: String =
        sqlx::query_scalar("select public_key from projects").fetch_one(&db).await.unwrap();
    assert_eq!(stored, usms_console::sandbox::PUBLIC_KEY);
    let mut wrong = keys;
    wrong[4].1 = "wrong";
    let page = post(&owner, "/admin/projects", &wrong).await;
    assert!(page.has("#private_key-default-error"), "{}", page.text);
}

#[sqlx::test]
async fn an_approver_sees_texts_size_and_orderer_before_the_button(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let (operator, approver) = (console.operator().await, console.approver().await);
    let batch = operator.send("新书", &["读者"], "18500001234\n18500001235").await;
    let page = approver.get_in("en", &batch).await;
    let text = page.one("#approval .bubble");
    assert!(text.starts_with('【') && text.contains("读者"), "{text}");
    let approval = page.one("#approval");
    assert!(approval.contains("2 recipients, ") && approval.contains("operator"), "{approval}");
    let place = |what: &str| page.text.find(what).unwrap_or_else(|| panic!("no {what}"));
    assert!(place("class=\"bubble\"") < place("/approve\""), "the text comes first");
}

#[sqlx::test]
async fn an_invited_owner_is_none_until_they_have_a_password(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let owner = owner(&console).await;
    invite(&owner, "second", "owner").await;
    let own = address_of(&owner, "owner").await;
    for step in ["disable", "no-owner"] {
        let page = post(&owner, &own, &[("step", step)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{step}");
    }
    let own_link = post(&owner, &own, &[("step", "link")]).await;
    assert_eq!(own_link.status, StatusCode::UNPROCESSABLE_ENTITY, "the account page asks for it");
}

#[sqlx::test]
async fn a_link_ends_with_the_address_that_it_was_for_and_is_in_no_log(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let owner = owner(&console).await;
    let link = link_on(&invite(&owner, "mei", "viewer").await);
    // A form of another browser is refused, and that is recorded.
    let refused =
        console.signed_out().post(&link, &[("csrf", "made up"), ("password", CHOSEN)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let token = link.trim_start_matches("/invitation/");
    let stored: i64 =
        sqlx::query_scalar("select count(*) from audit_log where detail::text like $1")
            .bind(format!("%{token}%"))
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!(stored, 0);
    for n in 0..12 {
        console.signed_out().get(&format!("/invitation/wrong-{n}")).await;
    }
    assert_eq!(status_of(&console, &link).await, StatusCode::OK, "wrong ones hinder no right one");
    let person = address_of(&owner, "mei").await;
    let renamed = [("step", "save"), ("name", "mei"), ("email", "mei@example.test")];
    post(&owner, &person, &renamed).await;
    let status = status_of(&console, &link).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "a wrong one now, as those before");
    let page = owner.get_in("en", "/admin/audit?action=user_changed").await;
    assert!(page.one("tbody th").contains("mei@example.test"), "{}", page.text);
}
