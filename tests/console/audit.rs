//! The audit log as files, its retention, and the chain of hashes over it.

use reqwest::StatusCode;
use secrecy::SecretString;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use usms_console::clock::Clock;
use usms_console::db::audit_chain::{self, Break};
use usms_console::domain::accounts::role::Role;
use usms_console::domain::ids::AuditEventId;
use usms_console::ops::accounts::{self, Standing};

use crate::harness::{PASSWORD, Page, TestClient, TestConsole, TestOptions};

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

async fn post(client: &TestClient, fields: &[(&str, &str)]) -> Page {
    let csrf = client.get("/admin/audit").await.csrf();
    client.post("/admin/audit", &[&[("csrf", csrf.as_str())], fields].concat()).await
}

async fn chain(console: &TestConsole) {
    while usms_console::ops::audit_chain::run_once(&console.app).await.unwrap() {}
}

async fn broken(db: &PgPool) -> Option<Break> {
    audit_chain::verify(db).await.unwrap().broken
}

/// Does something behind the back of the triggers, as a superuser could.
async fn tamper(db: &PgPool, statement: &'static str) {
    let mut db = db.acquire().await.unwrap();
    for statement in [
        "set session_replication_role = replica",
        statement,
        "set session_replication_role = origin",
    ] {
        sqlx::query(statement).execute(&mut *db).await.unwrap();
    }
}

async fn event(db: &PgPool, offset: i64) -> AuditEventId {
    let id = "select id from audit_log order by id offset $1 limit 1";
    AuditEventId(sqlx::query_scalar(id).bind(offset).fetch_one(db).await.unwrap())
}

#[sqlx::test]
async fn events_are_chained_once_they_are_final_and_whoever_changes_one_breaks_the_chain(
    db: PgPool,
) {
    let clock = Clock::set_to(OffsetDateTime::now_utc());
    let console = quiet(&db, clock.clone()).await;
    let owner = owner(&console).await;
    console.signed_out().sign_in("owner", "wrong", "/").await;
    chain(&console).await;
    assert_eq!(audit_chain::verify(&db).await.unwrap().events, 0, "others may still commit");
    clock.advance(Duration::hours(3));
    chain(&console).await;
    let before = audit_chain::verify(&db).await.unwrap();
    let events: i64 =
        sqlx::query_scalar("select count(*) from audit_log").fetch_one(&db).await.unwrap();
    assert_eq!((before.events, before.broken), (events, None));
    // It goes on where it was.
    post(&owner, &[("retention_months", "12"), ("confirm", "1")]).await;
    clock.advance(Duration::hours(3));
    chain(&console).await;
    let after = audit_chain::verify(&db).await.unwrap();
    assert!(after.events > before.events && after.broken.is_none(), "{after:?}");
    assert_ne!(after.last_hash, before.last_hash);

    let second = event(&db, 1).await;
    tamper(
        &db,
        "update audit_log set actor = actor || 'x' where id = (select id from audit_log
        order by id offset 1 limit 1)",
    )
    .await;
    assert_eq!(broken(&db).await, Some(Break::Changed(second)));
    tamper(
        &db,
        "update audit_log set actor = left(actor, -1) where id = (select id from audit_log
        order by id offset 1 limit 1)",
    )
    .await;
    assert_eq!(broken(&db).await, None);
    tamper(
        &db,
        "insert into audit_log (id, actor, action, subject, detail, ip)
        select min(id) + 1, 'x', 'x', '', '{}', '' from audit_log",
    )
    .await;
    assert_eq!(broken(&db).await, Some(Break::Added(event(&db, 1).await)));
    tamper(&db, "delete from audit_log where actor = 'x'").await;
    tamper(
        &db,
        "delete from audit_log where id = (select id from audit_log
        order by id offset 1 limit 1)",
    )
    .await;
    assert_eq!(broken(&db).await, Some(Break::Removed(second)));
}

#[sqlx::test]
async fn nobody_changes_or_removes_events_or_hashes_but_retention(db: PgPool) {
    let clock = Clock::set_to(OffsetDateTime::now_utc());
    let console = quiet(&db, clock.clone()).await;
    console.operator().await;
    clock.advance(Duration::hours(3));
    chain(&console).await;
    for statement in [
        "delete from audit_log",
        "truncate audit_log cascade",
        "update audit_log set actor = 'x'",
        "delete from audit_chain",
        "truncate audit_chain",
        "update audit_chain set hash = ''",
    ] {
        assert!(sqlx::query(statement).execute(&db).await.is_err(), "{statement}");
    }
}

#[sqlx::test]
async fn old_events_are_removed_after_their_retention_and_the_rest_still_verifies(db: PgPool) {
    let clock = Clock::set_to(OffsetDateTime::now_utc());
    let console = quiet(&db, clock.clone()).await;
    let owner = owner(&console).await;
    sqlx::query(
        "insert into audit_log (id, actor, action, subject, detail, ip)
         select new_id(now() - interval '8 months'), 'mei', 'signed_in', n::text, '{}', '-'
         from generate_series(1, 3) n",
    )
    .execute(&db)
    .await
    .unwrap();
    clock.advance(Duration::hours(3));
    chain(&console).await;
    let old = "select count(*) from audit_log where actor = 'mei'";
    let count = async || sqlx::query_scalar::<_, i64>(old).fetch_one(&db).await.unwrap();
    assert_eq!(count().await, 3, "kept for ever");
    for wrong in ["5", "241", "x"] {
        let page = post(&owner, &[("retention_months", wrong)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(page.has("#retention_months-error"), "{wrong}");
    }
    let asked = post(&owner, &[("retention_months", "7")]).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.has("input[name=confirm]"), "{}", asked.text);
    let saved = post(&owner, &[("retention_months", "7"), ("confirm", "1")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    chain(&console).await;
    assert_eq!(count().await, 0);
    assert_eq!(broken(&db).await, None, "the last hash that was removed is the anchor");
    clock.advance(Duration::hours(3));
    chain(&console).await;
    assert_eq!(broken(&db).await, None);
    tamper(&db, "update audit_anchor set hash = '\\x00'").await;
    assert_eq!(broken(&db).await, Some(Break::Changed(event(&db, 0).await)));
}

#[sqlx::test]
async fn both_logs_are_files_with_all_filters_for_those_who_may_see_them(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let owner = owner(&console).await;
    let admin = console.member("admin", Role::Admin).await;
    for kind in ["csv", "xlsx"] {
        let of_all = format!("/admin/audit.{kind}?action=signed_in&user=owner");
        assert_eq!(owner.get(&of_all).await.status, StatusCode::OK);
        assert_eq!(admin.get(&of_all).await.status, StatusCode::FORBIDDEN);
        let of_project = format!("/p/default/audit.{kind}?action=role_set");
        assert_eq!(admin.get(&of_project).await.status, StatusCode::OK);
        let operator = console.member(kind, Role::Operator).await;
        assert_eq!(operator.get(&of_project).await.status, StatusCode::FORBIDDEN);
    }
    let file = owner.get("/admin/audit.csv?action=signed_in&user=owner").await;
    let lines: Vec<&str> = file.text.lines().collect();
    assert_eq!(lines.len(), 2, "{}", file.text);
    assert!(lines[0].ends_with("detail,ip,project"), "{}", lines[0]);
    let exported = owner.get("/admin/audit.csv?action=audit_exported").await;
    assert_eq!(exported.text.lines().count(), 7, "{}", exported.text);
    let page = owner.get("/admin/audit?action=signed_in").await;
    for kind in ["csv", "xlsx"] {
        assert!(page.has(&format!("a[href^='/admin/audit.{kind}?'][href$='action=signed_in']")));
    }
}

#[sqlx::test]
async fn what_changes_says_what_was_there_before_and_keys_only_by_fingerprints(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    let settings = "/p/default/settings";
    for (webhook, emails) in
        [("https://hooks.example.com/a?key=secret", "mei@example.com"), ("", "li@example.com")]
    {
        let csrf = admin.get(settings).await.csrf();
        let fields =
            [("csrf", csrf.as_str()), ("webhook", webhook), ("emails", emails), ("language", "en")];
        admin.post(settings, &fields).await;
    }
    let details: Vec<String> = sqlx::query_scalar(
        "select detail::text from audit_log where action = 'notifications_changed' order by id",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    let last = details.last().unwrap();
    assert!(last.contains(r#"["mei@example.com", "li@example.com"]"#), "{last}");
    assert!(last.contains("sha256:") && !last.contains("secret"), "{last}");
}
