//! Tests of the sandbox, most of them over real sockets. This file has the helpers.

mod calls;
mod network;
mod pulls;
mod reviews;
mod rules;

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::params::Params;
use super::state::outcomes;
use super::state::store::World;
use super::{
    PRIVATE_KEY, PROJECT_ID, PUBLIC_KEY, Sandbox, Seeds, Settings, SignatureSeed, TemplateSeed,
    api, phone, signing, text,
};

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// Starts a sandbox with fast receipts, with a signature and four templates. Reviews do not end by
/// themselves while a test runs: tests set their status.
fn start(journal: Option<PathBuf>) -> Sandbox {
    let sandbox = Sandbox::start(Settings {
        review_after: Duration::from_secs(3600),
        receipt_after: Duration::from_millis(200),
        journal,
        ..Settings::on(any_port())
    })
    .unwrap();
    sandbox.seed(seeds());
    sandbox
}

fn seeds() -> Seeds {
    let template = |id: &str, text: &str, international, status| TemplateSeed {
        template_id: id.into(),
        name: "模板".into(),
        text: text.into(),
        international,
        status,
        ..TemplateSeed::default()
    };
    Seeds {
        signatures: vec![SignatureSeed {
            sig_id: "SIG1".into(),
            content: "优刻得".into(),
            ..SignatureSeed::default()
        }],
        templates: vec![
            template("T0", "系统维护通知", false, 2),
            template("T2", "{1}您好，订单{2}已发货", false, 2),
            template("TI", "Hello {1}", true, 2),
            template("TX", "停用", false, 4),
        ],
    }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// Returns the parameters of a call, with its request signature.
fn signed(action: &str, params: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs = owned(params);
    pairs.extend(owned(&[
        ("Action", action),
        ("PublicKey", PUBLIC_KEY),
        ("ProjectId", PROJECT_ID),
    ]));
    pairs.sort();
    let joined: String = pairs.iter().map(|(name, text)| format!("{name}{text}")).collect();
    let signature = hex::encode(Sha1::digest(format!("{joined}{PRIVATE_KEY}")));
    pairs.push(("Signature".into(), signature));
    pairs
}

fn http() -> reqwest::Client {
    super::push::client().unwrap()
}

async fn raw(url: &str, pairs: &[(String, String)]) -> reqwest::Result<reqwest::Response> {
    http().post(url).form(pairs).send().await
}

async fn call(sandbox: &Sandbox, action: &str, params: &[(&str, &str)]) -> Value {
    let response = raw(&sandbox.url(), &signed(action, params)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("x-ucloud-request-uuid"));
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["Action"], format!("{action}Response"));
    answer
}

async fn ret_code(sandbox: &Sandbox, action: &str, params: &[(&str, &str)]) -> i64 {
    call(sandbox, action, params).await["RetCode"].as_i64().unwrap()
}

async fn admin_post(sandbox: &Sandbox, path: &str, body: Value) -> Value {
    let url = format!("{}/_admin/{path}", sandbox.url());
    http().post(url).json(&body).send().await.unwrap().json().await.unwrap()
}

async fn admin_get(sandbox: &Sandbox, path: &str) -> Value {
    let url = format!("{}/_admin/{path}", sandbox.url());
    http().get(url).send().await.unwrap().json().await.unwrap()
}

const SEND: [(&str, &str); 2] = [("TemplateId", "T0"), ("SigContent", "优刻得")];

async fn send(sandbox: &Sandbox, phone: &str, more: &[(&str, &str)]) -> Value {
    let mut params = SEND.to_vec();
    params.push(("PhoneNumbers.0", phone));
    params.extend(more);
    call(sandbox, "SendUSMSMessage", &params).await
}

async fn send_batch(sandbox: &Sandbox, tasks: Value) -> Value {
    let content = STANDARD.encode(tasks.to_string());
    call(sandbox, "SendBatchUSMSMessage", &[("TaskContent", &content)]).await
}

/// Waits for receipts to become due, or to see that nothing more happens. What must happen is
/// waited for with [`until`], since a busy machine can take any time for it.
async fn wait(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// Waits until `done` returns true.
async fn until(mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..1_200 {
        if done().await {
            return;
        }
        wait(50).await;
    }
    panic!("waited a minute in vain");
}
