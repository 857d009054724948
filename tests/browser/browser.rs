//! A browser of a test's own, and what people do with it.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use thirtyfour::prelude::*;
use tokio::process::{Child, Command};

use crate::harness::{self, MAX_WAIT, PASSWORD, TestConsole, waited};

/// A browser of one test's own, which ends with it.
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
        let mut wanted = DesiredCapabilities::chrome();
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
            wanted.add_arg(arg).unwrap();
        }
        let url = format!("http://127.0.0.1:{port}");
        let driver = waited(async || WebDriver::new(&url, wanted.clone()).await.ok()).await;
        let driver = driver.expect("Chromium does not start");
        Self { driver, _process: process, folder, url }
    }

    /// Makes the page as wide as a screen; windows themselves stay wider than phones.
    pub async fn set_width(&self, width: u32) {
        self.set_size(width, 900).await;
    }

    pub async fn set_size(&self, width: u32, height: u64) {
        let id = self.driver.session_id();
        let order = serde_json::json!({
            "cmd": "Emulation.setDeviceMetricsOverride",
            "params": { "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 },
        });
        let address = format!("{}/session/{id}/goog/cdp/execute", self.url);
        let answer = harness::http().post(address).json(&order).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    pub async fn close(self) {
        let _ = self.driver.quit().await;
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Waits for an element: the page may still be on its way.
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
    find(driver, By::Css(selector)).await.click().await.unwrap();
}

pub async fn sign_in(driver: &WebDriver, console: &TestConsole, path: &str) {
    driver.goto(format!("http://{}{path}", console.address)).await.unwrap();
    fill(driver, "#username", "operator").await;
    fill(driver, "#password", PASSWORD).await;
    press(driver, "button.act").await;
}

/// Waits until `selector` has `words`.
pub async fn until(driver: &WebDriver, selector: &str, words: &[&str]) {
    let mut seen = Vec::new();
    let there = waited(async || {
        seen.clear();
        for one in driver.find_all(By::Css(selector)).await.unwrap() {
            seen.push(one.text().await.unwrap_or_default());
        }
        (seen == words).then_some(())
    });
    assert!(there.await.is_some(), "{selector} is {seen:?}, not {words:?}");
}

pub async fn reload_until(driver: &WebDriver, address: &str, word: &str) {
    harness::until(word, async || {
        driver.goto(address).await.unwrap();
        text(driver, ".head .status").await == word
    })
    .await;
}
