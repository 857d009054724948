//! A browser for one test, and what people do with it.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use thirtyfour::prelude::*;
use tokio::process::{Child, Command};

use crate::harness::{self, MAX_WAIT, PASSWORD, TestConsole, eventually};

/// A browser for one test, which ends with the test.
pub struct Browser {
    pub driver: WebDriver,
    _process: Child,
    pub folder: PathBuf,
    url: String,
}

impl Browser {
    pub async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            // Without it Chromium does not find a file with a Chinese name.
            .env("LC_ALL", "C.UTF-8")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver is missing: run scripts/test, which brings it");
        let folder = std::env::temp_dir().join(format!("usms-browser-{port}"));
        let mut capabilities = DesiredCapabilities::chrome();
        let profile = format!("--user-data-dir={}", folder.display());
        for arg in [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-proxy-server",
            "--lang=en-US",
            &profile,
        ] {
            capabilities.add_arg(arg).unwrap();
        }
        let url = format!("http://127.0.0.1:{port}");
        let driver =
            eventually(async || WebDriver::new(&url, capabilities.clone()).await.ok()).await;
        let driver = driver.expect("Chromium does not start");
        Self { driver, _process: process, folder, url }
    }

    /// Sets the width of the page; a window itself cannot be as narrow as a phone.
    pub async fn set_width(&self, width: u32) {
        self.set_size(width, 900).await;
    }

    pub async fn set_size(&self, width: u32, height: u64) {
        let id = self.driver.session_id();
        let command = serde_json::json!({
            "cmd": "Emulation.setDeviceMetricsOverride",
            "params": { "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 },
        });
        let endpoint = format!("{}/session/{id}/goog/cdp/execute", self.url);
        let response = harness::http().post(endpoint).json(&command).send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
    }

    pub async fn close(self) {
        let _ = self.driver.quit().await;
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Waits for an element: the page may still be loading.
pub async fn find(driver: &WebDriver, by: By) -> WebElement {
    driver.query(by).wait(MAX_WAIT, Duration::from_millis(100)).first().await.unwrap()
}

pub async fn text(driver: &WebDriver, selector: &str) -> String {
    // What is drawn while typing may be replaced between finding and reading it.
    loop {
        if let Ok(text) = find(driver, By::Css(selector)).await.text().await {
            return text;
        }
    }
}

pub async fn fill(driver: &WebDriver, selector: &str, value: &str) {
    let field = find(driver, By::Css(selector)).await;
    field.clear().await.unwrap();
    field.send_keys(value).await.unwrap();
}

pub async fn press(driver: &WebDriver, selector: &str) {
    // A page that updates itself may replace the button between finding and pressing it.
    for _ in 0..10 {
        match find(driver, By::Css(selector)).await.click().await {
            Ok(()) => return,
            Err(error) if error.to_string().contains("stale element") => {}
            Err(error) => panic!("cannot press {selector}: {error}"),
        }
    }
    panic!("{selector} is replaced all the time");
}

pub async fn sign_in(driver: &WebDriver, console: &TestConsole, path: &str) {
    driver.goto(format!("http://{}{path}", console.address)).await.unwrap();
    fill(driver, "#username", "operator").await;
    fill(driver, "#password", PASSWORD).await;
    press(driver, "button.act").await;
}

/// Waits until the elements at `selector` have these texts.
pub async fn until(driver: &WebDriver, selector: &str, texts: &[&str]) {
    let mut seen = Vec::new();
    let shown = eventually(async || {
        seen.clear();
        for element in driver.find_all(By::Css(selector)).await.unwrap() {
            seen.push(element.text().await.unwrap_or_default());
        }
        (seen == texts).then_some(())
    });
    assert!(shown.await.is_some(), "{selector} is {seen:?}, not {texts:?}");
}

pub async fn reload_until(driver: &WebDriver, url: &str, status: &str) {
    harness::until(&format!("{url} shows {status}"), async || {
        driver.goto(url).await.unwrap();
        text(driver, ".head .status").await == status
    })
    .await;
}
