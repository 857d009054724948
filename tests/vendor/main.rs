//! The official Python SDK does all ten actions against the sandbox.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::net::{Ipv4Addr, SocketAddr};

use usms_console::sandbox::{Sandbox, Settings};

#[tokio::test(flavor = "multi_thread")]
async fn the_official_sdk_can_do_all_ten_actions() {
    let Some(python) = std::env::var_os("USMS_SDK_PYTHON") else {
        panic!("USMS_SDK_PYTHON is not set: run scripts/test, which brings the SDK");
    };
    let settings = Settings::on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let sandbox = Sandbox::start(settings).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vendor/python_sdk.py");
    let out =
        tokio::process::Command::new(python).args([script, &sandbox.url()]).output().await.unwrap();
    let said =
        String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");
    sandbox.stop().await;
}
