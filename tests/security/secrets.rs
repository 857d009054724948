//! Stored secrets, the role in the database, and where the console may be sent.

use std::process::Output;

use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretSlice};
use sqlx::{ConnectOptions, PgPool};
use tokio::process::Command;
use usms_console::domain::accounts::role::Role;
use usms_console::keyring::{Keyring, Secret};
use usms_console::outbound::Outbound;

use super::process::Process;
use crate::harness::{TestConsole, assert_sound};

async fn command(db: &PgPool, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_usms-console"))
        .args(arguments)
        .env("DATABASE_URL", db.connect_options().to_url_lossy().as_str())
        .env("CONSOLE_SECRET_KEY", "07".repeat(32))
        .env("USMS_API_URL", "http://127.0.0.1:1")
        .envs(variables.iter().copied())
        .output()
        .await
        .unwrap()
}

fn words(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[sqlx::test]
async fn a_new_secret_key_takes_over_all_secrets_and_files(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    let form = admin.get("/p/default/settings").await;
    let fields = [("csrf", form.csrf()), ("webhook", "http://127.0.0.1:1/x".to_owned())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let saved = admin.post("/p/default/settings", &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let file = console.app.keyring.seal_bytes(Secret::File, console.project, b"paper").unwrap();
    let insert = "insert into files (id, project_id, name, kind, bytes, sealed, uploaded_by)
        select 1, $1, 'a', 'png', 5, $2, id from users";
    sqlx::query(insert).bind(console.project.0).bind(&file).execute(&db).await.unwrap();
    let new = "08".repeat(32);
    let variables = [("CONSOLE_SECRET_KEY", new.as_str())];
    let refused = command(&db, &["key", "rotate"], &variables).await;
    assert!(!refused.status.success());
    assert!(words(&refused).contains("CONSOLE_PREVIOUS_SECRET_KEY"), "{}", words(&refused));
    // One that cannot be opened keeps none of the others back.
    let lost = "insert into files (id, project_id, name, kind, bytes, sealed, uploaded_by)
        select 2, $1, 'a', 'png', 5, $2, id from users";
    sqlx::query(lost).bind(console.project.0).bind(vec![0_u8; 60]).execute(&db).await.unwrap();
    let old = "07".repeat(32);
    let variables = [variables[0], ("CONSOLE_PREVIOUS_SECRET_KEY", old.as_str())];
    let rotated = command(&db, &["key", "rotate"], &variables).await;
    assert!(words(&rotated).contains("4 secrets, 1 files"), "{}", words(&rotated));
    assert!(words(&rotated).contains("Cannot open: file 2 of project"), "{}", words(&rotated));
    assert!(!rotated.status.success());
    sqlx::query("delete from files where id = 2").execute(&db).await.unwrap();
    let again = command(&db, &["key", "rotate"], &variables).await;
    assert!(words(&again).contains("0 secrets, 0 files"), "{}", words(&again));
    let keyring = Keyring::derive(&SecretSlice::from(vec![8; 32]));
    let sealed: (Vec<u8>, Vec<u8>, Vec<u8>) = sqlx::query_as(
        "select hook_secret_sealed, webhook_sealed, f.sealed from projects, files f",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    let secret = keyring.open(Secret::PushSecret, console.project, &sealed.0).unwrap();
    assert_eq!(format!("/hooks/{}", secret.expose_secret()), console.hook_path);
    assert!(keyring.open(Secret::Webhook, console.project, &sealed.1).is_ok());
    assert_eq!(keyring.open_bytes(Secret::File, console.project, &sealed.2).unwrap(), b"paper");
}

#[sqlx::test(migrations = false)]
async fn with_two_roles_the_console_cannot_change_the_audit_log(db: PgPool) {
    let name: String =
        sqlx::query_scalar("select current_database()").fetch_one(&db).await.unwrap();
    let role = format!("console_{}", uuid::Uuid::new_v4().simple());
    for statement in [
        format!("create role \"{role}\" login"),
        format!("grant connect on database \"{name}\" to \"{role}\""),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&db).await.unwrap();
    }
    let owner = db.connect_options().to_url_lossy();
    let mut console = owner.clone();
    console.set_username(&role).unwrap();
    let variables =
        [("DATABASE_URL", console.as_str()), ("CONSOLE_MIGRATE_DATABASE_URL", owner.as_str())];
    let migrated = command(&db, &["migrate"], &variables).await;
    assert!(migrated.status.success(), "{}", words(&migrated));
    let outside = TestConsole::start(&db).await;
    let process = Process::start(&db, &outside, &variables, 0).await;
    drop(process);
    let doctor = words(&command(&db, &["doctor"], &variables).await);
    assert!(doctor.contains("ok      audit log cannot be changed"), "{doctor}");
    assert!(doctor.contains("ok      audit log is unchanged"), "{doctor}");
    let as_console = PgPool::connect(console.as_str()).await.unwrap();
    let sees: i64 =
        sqlx::query_scalar("select count(*) from audit_log").fetch_one(&as_console).await.unwrap();
    assert!(sees > 0);
    for forbidden in [
        "update audit_log set actor = ''",
        "delete from audit_log",
        "truncate audit_log",
        "alter table audit_log disable trigger all",
        "drop table audit_log",
        "update audit_log set user_id = null",
        "select grant_to_console(current_user)",
        "insert into audit_chain values (1, 1, '')",
        "update audit_chain set hash = ''",
        "delete from audit_chain",
        "insert into audit_anchor values (true, 1, 1, '')",
    ] {
        let tried = sqlx::query(forbidden).execute(&as_console).await;
        assert!(tried.is_err(), "{forbidden}");
    }
    for needed in [
        "select make_partitions(now() + interval '3 months')",
        "select drop_partition('x')",
        "select chain_audit(9223372036854775807, 10)",
        "select remove_old_audit(10)",
    ] {
        sqlx::query(needed).execute(&as_console).await.unwrap();
    }
    // A temporary table does not take the place of the real one where the owner's functions run.
    let mut console = as_console.acquire().await.unwrap();
    for statement in [
        "create temporary table audit_log (id bigint, detail jsonb)",
        "create temporary table refusals (hour timestamptz, action text, name text, ip text,
           event_id bigint)",
        "create temporary table users (id bigint, name text)",
        "select count_refusal(now(), 'sign_in_failed', 'mei', '203.0.113.9', null, null, '{}', 1)",
    ] {
        sqlx::query(statement).execute(&mut *console).await.unwrap();
    }
    drop(console);
    let counted = "select count(*) from audit_log where action = 'sign_in_failed'";
    assert_eq!(sqlx::query_scalar::<_, i64>(counted).fetch_one(&db).await.unwrap(), 1);
    as_console.close().await;
    assert_sound(&db).await;
    drop(outside);
    for statement in [format!("drop owned by \"{role}\""), format!("drop role \"{role}\"")] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&db).await.unwrap();
    }
}

#[sqlx::test]
async fn a_webhook_to_a_private_network_is_neither_saved_nor_called_unless_allowed(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let process = Process::start(&db, &console, &[], 0).await;
    console.account("chen", Role::Admin).await;
    let admin = process.client();
    admin.sign_in("chen", crate::harness::PASSWORD, "/").await;
    let save = async |webhook: &str| {
        let form = admin.get("/p/default/settings").await;
        let csrf = form.csrf();
        admin.post("/p/default/settings", &[("csrf", &csrf), ("webhook", webhook)]).await
    };
    for private in [
        "http://127.0.0.1:9/x",
        "http://localhost:9/x",
        "http://0.0.0.0:9/x",
        "http://2130706433:9/x",
        "http://[::1]:9/x",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/x",
    ] {
        let page = save(private).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{private}");
        assert!(page.one("#webhook-error").contains("内网"), "{private}: {}", page.text);
        assert_eq!(page.attr("#webhook", "value"), private, "what was typed stays");
    }
    let allowed = [("CONSOLE_OUTBOUND_ALLOW", "10.0.0.0/8, 127.0.0.0/8")];
    let process = Process::start(&db, &console, &allowed, 0).await;
    let admin = process.client();
    admin.sign_in("chen", crate::harness::PASSWORD, "/").await;
    let csrf = admin.get("/p/default/settings").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("webhook", "http://127.0.0.1:9/x")];
    let saved = admin.post("/p/default/settings", &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let outbound = Outbound::new(None).unwrap().only_public(|_| false).unwrap();
    let called = outbound
        .post("http://localhost:1/x", &secrecy::SecretString::from("k"), 0, String::new())
        .await;
    assert!(called.unwrap_err().to_string().contains("private network"));
}

#[sqlx::test]
async fn the_answer_of_a_webhook_is_neither_read_nor_shown(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let mut request = vec![0; 4_096];
                let _ = stream.read(&mut request).await;
                let head = "HTTP/1.1 500 No\r\nContent-Length: 4000000000\r\n\r\nAccessKeyId";
                let _ = stream.write_all(head.as_bytes()).await;
                let chunk = vec![b'x'; 1 << 16];
                // Stops as soon as the other side closes the connection.
                while stream.write_all(&chunk).await.is_ok() {}
            });
        }
    });
    let admin = console.member("admin", Role::Admin).await;
    let form = admin.get("/p/default/settings").await;
    let fields = [("csrf", form.csrf()), ("webhook", url)];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    admin.post("/p/default/settings", &fields).await;
    let form = admin.get("/p/default/settings").await;
    let mut fields = form.form_fields("button[name=test]");
    fields.push(("test".to_owned(), "1".to_owned()));
    admin.post_owned("/p/default/settings", &fields).await;
    let page = console.until(&admin, "/p/default/settings", ".notices .error, .notices td").await;
    let page = if page.text.contains("HTTP 500") {
        page
    } else {
        crate::harness::until("the failure is shown", async || {
            admin.get("/p/default/settings").await.text.contains("HTTP 500")
        })
        .await;
        admin.get("/p/default/settings").await
    };
    assert!(!page.text.contains("AccessKeyId"), "{}", page.text);
}

#[sqlx::test]
async fn a_demo_leaves_another_installation_alone(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let other = "update projects set ucloud_project_id = 'org-theirs'";
    sqlx::query(other).execute(&db).await.unwrap();
    let before: Vec<u8> =
        sqlx::query_scalar("select private_key_sealed from projects").fetch_one(&db).await.unwrap();
    let refused = command(&db, &["demo"], &[]).await;
    assert!(!refused.status.success());
    assert!(words(&refused).contains("is not a demo's"), "{}", words(&refused));
    let after: Vec<u8> =
        sqlx::query_scalar("select private_key_sealed from projects").fetch_one(&db).await.unwrap();
    assert_eq!(before, after);
    drop(console);
}

#[sqlx::test]
async fn keys_that_the_settings_replace_are_audited(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let keys = [("UCLOUD_PUBLIC_KEY", "another")];
    let process = Process::start(&db, &console, &keys, 0).await;
    let audited = "select count(*) from audit_log where action = 'project_keys_changed'";
    let count: i64 = sqlx::query_scalar(audited).fetch_one(&db).await.unwrap();
    assert_eq!(count, 1);
    drop(process);
    let process = Process::start(&db, &console, &keys, 0).await;
    let count: i64 = sqlx::query_scalar(audited).fetch_one(&db).await.unwrap();
    assert_eq!(count, 1, "nothing changed");
    let page = process.client().request(Method::GET, "/login", &[], None).await;
    assert_eq!(page.status, StatusCode::OK);
}
