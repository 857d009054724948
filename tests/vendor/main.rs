//! Programs of others: the official Python SDK calls all actions of the sandbox, and a mail
//! server receives the console's mail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

#[path = "../harness/mod.rs"]
mod harness;

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use secrecy::SecretString;
use sqlx::PgPool;
use tokio::io::AsyncReadExt;
use usms_console::domain::accounts::role::Role;
use usms_console::outbound::MailSettings;
use usms_console::sandbox::{Sandbox, Settings};

use harness::{MAX_WAIT, TestConsole, TestOptions};

fn python() -> OsString {
    std::env::var_os("USMS_SDK_PYTHON")
        .expect("USMS_SDK_PYTHON is not set: run scripts/test, which brings what this needs")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_sdk_can_do_every_action_of_the_sandbox() {
    let settings = Settings::on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let sandbox = Sandbox::start(settings).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vendor/python_sdk.py");
    let out = tokio::process::Command::new(python())
        .args([script, &sandbox.url()])
        .output()
        .await
        .unwrap();
    let output =
        String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{output}");
    sandbox.stop().await;
}

#[sqlx::test]
async fn a_mail_server_receives_the_mail_about_a_review(db: PgPool) {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut server = tokio::process::Command::new(python())
        .args(["-u", "-m", "aiosmtpd", "-n", "-l", &format!("127.0.0.1:{port}")])
        .args(["-c", "aiosmtpd.handlers.Debugging", "stdout"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdout = server.stdout.take().unwrap();
    let mail = MailSettings {
        url: SecretString::from(format!("smtp://127.0.0.1:{port}")),
        from: "USMS Console <console@example.test>".to_owned(),
    };
    let console =
        TestConsole::start_with(&db, TestOptions { mail: Some(mail), ..TestOptions::default() })
            .await;
    let admin = console.member("admin", Role::Admin).await;
    let settings = "/p/default/settings";
    let csrf = admin.get(settings).await.csrf();
    let fields = [("csrf", csrf.as_str()), ("emails", "mei@example.test"), ("language", "en")];
    assert_eq!(admin.post(settings, &fields).await.status, 303);
    let verdict = serde_json::json!({ "id": "UTA0001", "status": 4, "err_desc": "unused" });
    console.admin(reqwest::Method::POST, "review", verdict).await;
    let refresh = "/p/default/templates/UTA0001/refresh";
    assert_eq!(admin.post(refresh, &[("csrf", &csrf)]).await.status, 303);
    let mut received = String::new();
    let listen = async {
        let mut buffer = [0; 4_096];
        while !received.contains("END MESSAGE") {
            let n = stdout.read(&mut buffer).await.unwrap();
            assert!(n > 0, "the mail server ended: {received}");
            received.push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
    };
    let retry_now = async {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let due_now = "update notifications set next_try_at = now() where delivered_at is null and error <> ''";
            sqlx::query(due_now).execute(&db).await.unwrap();
        }
    };
    tokio::select! {
        () = listen => {}
        () = retry_now => {}
        () = tokio::time::sleep(MAX_WAIT) => panic!("no mail arrived: {received}"),
    }
    assert!(received.contains("To: mei@example.test"), "{received}");
    assert!(received.contains("From: \"USMS Console\" <console@example.test>"), "{received}");
    // Quoted-printable: lines are folded with a sign, and Chinese is written in hex.
    let unfolded = received.replace("=\r\n", "").replace("=\n", "");
    let name: String = "登录验证码".bytes().map(|byte| format!("={byte:02X}")).collect();
    let expected = [
        name.as_str(),
        "(UTA0001) in project default: disabled by the platform.",
        "UCloud: unused",
        "https://console.example.test/p/default/templates/UTA0001",
    ];
    for part in expected {
        assert!(unfolded.contains(part), "{part}: {received}");
    }
    let attempted: i64 =
        sqlx::query_scalar("select count(*) from notifications where attempts > 0")
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!(attempted, 1);
}
