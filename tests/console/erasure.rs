//! Erasing the data of a phone on request, and archived projects.

use reqwest::StatusCode;
use secrecy::SecretString;
use sqlx::PgPool;
use usms_console::ops::accounts::{self, Manager, Standing};
use usms_console::ops::projects::{self, Keys};
use usms_console::sandbox;

use crate::harness::{CODE, PASSWORD, Page, TestClient, TestConsole, assert_sound};

const PHONE: &str = "18500001234";

async fn owner(console: &TestConsole) -> TestClient {
    let password = SecretString::from(PASSWORD);
    accounts::create(&console.app, "owner", password, Standing::Owner).await.unwrap();
    let client = console.signed_out();
    client.sign_in("owner", PASSWORD, "/").await;
    client
}

async fn post(client: &TestClient, path: &str, fields: &[(&str, &str)]) -> Page {
    let csrf = client.get("/account").await.csrf();
    client.post(path, &[&[("csrf", csrf.as_str())], fields].concat()).await
}

/// Returns the tables that still have the phone somewhere.
async fn tables_with_it(db: &PgPool) -> Vec<String> {
    let mut found = Vec::new();
    for table in [
        "messages",
        "external_messages",
        "replies",
        "conversations",
        "suppressions",
        "recipients",
        "uploads",
        "erased_opt_outs",
        "audit_log",
    ] {
        let query = format!("select count(*) from {table} t where t::text like '%{PHONE}%'");
        let count: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(db).await.unwrap();
        if count > 0 {
            found.push(table.to_owned());
        }
    }
    found
}

#[sqlx::test]
async fn a_phone_is_erased_everywhere_and_its_opt_out_is_still_honoured(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let owner = owner(&console).await;
    let operator = console.operator().await;
    let file = format!("{PHONE},1001,5\n18500001235,1002,5\n18500001236,,5\n");
    let preview = operator.upload_list(CODE, "a.csv", file.as_bytes()).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &batch).await;
    let listed = [("phones", PHONE), ("reason", "person"), ("scope", "all")];
    post(&operator, "/p/default/suppressions", &listed).await;
    let wrong = post(&owner, "/admin/erasure", &[("phone", "nobody")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let asked = post(&owner, "/admin/erasure", &[("phone", PHONE)]).await;
    assert_eq!(asked.all("#found dd")[..1], ["1"], "{}", asked.text);
    assert!(tables_with_it(&db).await.contains(&"messages".to_owned()), "nothing is erased yet");
    let done = post(&owner, "/admin/erasure", &[("phone", PHONE), ("confirm", "1")]).await;
    assert_eq!(done.status, StatusCode::OK);
    assert!(!done.text.contains(PHONE) && !done.has("#left"), "{}", done.text);
    assert_eq!(tables_with_it(&db).await, Vec::<String>::new());
    assert_sound(&db).await;
    assert_eq!(operator.get(&batch).await.status, StatusCode::OK, "the batch is still there");
    let audited: String =
        sqlx::query_scalar("select detail::text from audit_log where action = 'phone_erased'")
            .fetch_one(&db)
            .await
            .unwrap();
    assert!(
        audited.contains("\"messages\": 1") && audited.contains("\"opt_outs\": 1"),
        "{audited}"
    );
    // It comes again: in a list, and typed.
    let preview = operator.upload_list(CODE, "b.csv", file.as_bytes()).await;
    let rejected = operator.get(&format!("{preview}?show=suppressed")).await;
    assert!(rejected.one("#aside").contains(PHONE), "{}", rejected.text);
    let accepted = console.accepted().await.0;
    let typed = operator.send(CODE, &["4711", "5"], PHONE).await;
    console.until_complete(&operator, &typed).await;
    assert_eq!(console.accepted().await.0, accepted, "nothing is sent to it");
    assert_sound(&db).await;
}

#[sqlx::test]
async fn an_archived_project_can_be_read_and_sends_nothing_until_it_is_restored(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let owner = owner(&console).await;
    let keys = |id: &str| Keys {
        ucloud_project_id: id.to_owned(),
        public_key: sandbox::PUBLIC_KEY.to_owned(),
        private_key: SecretString::from(sandbox::PRIVATE_KEY),
    };
    let by = Manager::COMMAND_LINE;
    let same = projects::add(&console.app, by, "same", "Same", &keys(sandbox::PROJECT_ID)).await;
    assert!(matches!(same, Err(projects::ProjectError::SameProject(slug)) if slug == "default"));
    projects::add(&console.app, by, "second", "Second", &keys("org-sandbox-2")).await.unwrap();
    let archive = "/admin/projects/second/archive";
    let asked = post(&owner, archive, &[]).await;
    assert!(asked.has("button[name=confirm]"), "{}", asked.text);
    assert_eq!(post(&owner, archive, &[("confirm", "1")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(owner.get("/p/second/batches").await.status, StatusCode::OK, "it can be read");
    for path in ["/p/second/send", "/p/second/sending", "/p/second/settings/batches"] {
        let refused = post(&owner, path, &[("confirm", "1")]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{path}: {}", refused.text);
    }
    let stopped: i64 =
        sqlx::query_scalar("select count(*) from sending_stops").fetch_one(&db).await.unwrap();
    assert_eq!(stopped, 1, "nothing is claimed");
    assert!(sqlx::query("delete from sending_stops").execute(&db).await.is_err());
    assert_eq!(post(&owner, archive, &[("restore", "1")]).await.status, StatusCode::SEE_OTHER);
    let saved = owner.get("/p/second/settings/batches").await.whole_form("main form.form");
    let saved = owner.post_owned("/p/second/settings/batches", &saved).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let configured = post(&owner, "/admin/projects/default/archive", &[("confirm", "1")]).await;
    assert_eq!(configured.status, StatusCode::SEE_OTHER);
    let page = owner.get("/admin/projects").await;
    assert!(page.has(".flash.doubtful"), "the settings would bring it back: {}", page.text);
}

#[sqlx::test]
async fn an_account_has_a_language_from_the_next_sign_in_on(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let owner = owner(&console).await;
    console.operator().await;
    let page = owner.get("/admin/users").await;
    let row = page.all("tbody th a").iter().position(|name| name == "operator").unwrap() + 1;
    let person = page.attr(&format!("tbody tr:nth-child({row}) th a"), "href");
    let fields = [("step", "save"), ("name", "operator"), ("email", ""), ("language", "en")];
    assert_eq!(post(&owner, &person, &fields).await.status, StatusCode::SEE_OTHER);
    let client = console.signed_out();
    client.sign_in("operator", PASSWORD, "/").await;
    assert_eq!(client.get("/account/sessions").await.one("h1"), "Login sessions");
}
