//! Who a client is behind proxies, and what strangers may read.

use std::net::SocketAddr;

use metrics_exporter_prometheus::PrometheusBuilder;
use reqwest::StatusCode;
use secrecy::SecretString;
use sqlx::PgPool;
use usms_console::web;

use crate::harness::{TestConsole, http};

/// Starts the console's pages once more, with these proxies trusted. Returns its address.
fn pages(console: &TestConsole, trust_proxy: bool, networks: &[&str]) -> SocketAddr {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let settings = web::Settings { listen, public_url: None, trust_proxy };
    let proxies = networks.iter().map(|network| network.parse().unwrap()).collect();
    let trust = web::Trust { proxies, ..web::Trust::default() };
    let (server, address) = web::start_with(console.app.clone(), settings, &trust, None).unwrap();
    tokio::spawn(server);
    address
}

async fn push(console: &TestConsole, to: SocketAddr, forwarded: &[&str]) -> StatusCode {
    let mut request = http().post(format!("http://{to}{}", console.hook_path));
    for line in forwarded {
        request = request.header("x-forwarded-for", *line);
    }
    request.body(r#"{"MsgType":2,"Data":[]}"#).send().await.unwrap().status()
}

#[sqlx::test]
async fn a_forwarded_address_that_the_client_wrote_passes_no_allow_list(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let allow = "update projects set hook_networks = '{203.0.113.9}'";
    sqlx::query(allow).execute(&db).await.unwrap();
    let allowed = "203.0.113.9";
    let peer = pages(&console, true, &[]);
    assert_eq!(push(&console, peer, &[allowed]).await, StatusCode::OK);
    for forged in [
        &["203.0.113.9, 198.51.100.1"][..],
        &["203.0.113.9", "198.51.100.1"],
        &["203.0.113.9", ""],
        &["203.0.113.9", "unknown"],
        &["203.0.113.9, 127.0.0.1"],
    ] {
        assert_eq!(push(&console, peer, forged).await, StatusCode::NOT_FOUND, "{forged:?}");
    }
    let networks = pages(&console, false, &["127.0.0.0/8", "10.0.0.0/8"]);
    for named in
        [&["203.0.113.9"][..], &["203.0.113.9, 10.0.0.1"], &["6.6.6.1", "203.0.113.9", "10.0.0.1"]]
    {
        assert_eq!(push(&console, networks, named).await, StatusCode::OK, "{named:?}");
    }
    let forged = ["203.0.113.9", "198.51.100.1", "10.0.0.1"];
    assert_eq!(push(&console, networks, &forged).await, StatusCode::NOT_FOUND);
    let others = pages(&console, true, &["192.0.2.0/24"]);
    assert_eq!(push(&console, others, &[allowed]).await, StatusCode::NOT_FOUND, "no such proxy");
}

#[sqlx::test]
async fn metrics_are_for_this_machine_or_for_whoever_has_the_token(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let settings = web::Settings { listen, public_url: None, trust_proxy: false };
    let token = "a token of sixteen letters";
    let trust =
        web::Trust { metrics_token: Some(SecretString::from(token)), ..web::Trust::default() };
    let handle = PrometheusBuilder::new().build_recorder().handle();
    let pages = web::start_with(console.app.clone(), settings, &trust, Some(handle.clone()));
    let own = web::start_metrics(console.app.clone(), &trust, handle.clone(), listen);
    let open = web::start_metrics(console.app.clone(), &web::Trust::default(), handle, listen);
    let [pages, own, open] = [pages, own, open].map(|started| {
        let (server, address) = started.unwrap();
        tokio::spawn(server);
        address
    });
    let status = async |address: SocketAddr, headers: &[(&str, &str)]| {
        let mut request = http().get(format!("http://{address}/metrics"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status()
    };
    assert_eq!(status(pages, &[]).await, StatusCode::OK);
    for proxy in ["forwarded", "via", "x-real-ip", "x-forwarded-for", "x-forwarded-host"] {
        assert_eq!(status(pages, &[(proxy, "a")]).await, StatusCode::NOT_FOUND, "{proxy}");
        let bearer = format!("Bearer {token}");
        let headers = [(proxy, "a"), ("authorization", bearer.as_str())];
        assert_eq!(status(pages, &headers).await, StatusCode::OK, "{proxy}");
    }
    let wrong = [("via", "a"), ("authorization", "Bearer a token of sixteen lettert")];
    assert_eq!(status(pages, &wrong).await, StatusCode::NOT_FOUND);
    assert_eq!(status(own, &[]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(open, &[]).await, StatusCode::OK);
}

#[sqlx::test]
async fn the_shown_push_address_does_not_follow_what_a_request_claims(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", usms_console::domain::accounts::role::Role::Admin).await;
    let claims = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "gopher"),
        ("forwarded", "host=evil.example;proto=https"),
    ];
    for claim in claims {
        let request = admin.request_to("/p/default/settings/hooks").header(claim.0, claim.1);
        let text = request.send().await.unwrap().text().await.unwrap();
        assert!(text.contains(&format!("http://{}/hooks/", console.address)), "{claim:?}");
        assert!(!text.contains("evil.example"), "{claim:?}");
    }
}
