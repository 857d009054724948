//! The console in a real browser, scripts and all: headless Chromium, driven over WebDriver.
//!
//! With `USMS_SCREENSHOTS` set to a folder, pages are saved there in both widths, themes and
//! languages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

#[path = "../harness/mod.rs"]
mod harness;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sqlx::PgPool;
use thirtyfour::prelude::*;
use tokio::process::{Child, Command};
use usms_console::domain::role::Role;

use harness::{House, PASSWORD};

/// A browser of one test's own, which ends with it.
struct Browser {
    driver: WebDriver,
    _process: Child,
    folder: PathBuf,
    url: String,
}

impl Browser {
    async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
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
        for _ in 0..100 {
            if let Ok(driver) = WebDriver::new(&url, wanted.clone()).await {
                return Self { driver, _process: process, folder, url };
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("Chromium does not start");
    }

    /// Makes the page as wide as a screen; windows themselves stay wider than phones.
    async fn set_width(&self, width: u32) {
        self.set_size(width, 900).await;
    }

    async fn set_size(&self, width: u32, height: u64) {
        let id = self.driver.session_id();
        let order = serde_json::json!({
            "cmd": "Emulation.setDeviceMetricsOverride",
            "params": { "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 },
        });
        let address = format!("{}/session/{id}/goog/cdp/execute", self.url);
        let answer = harness::http().post(address).json(&order).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    async fn close(self) {
        let _ = self.driver.quit().await;
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Waits for an element: the page may still be on its way.
async fn find(driver: &WebDriver, by: By) -> WebElement {
    let wait = Duration::from_secs(20);
    driver.query(by).wait(wait, Duration::from_millis(100)).first().await.unwrap()
}

async fn text(driver: &WebDriver, selector: &str) -> String {
    // What is drawn while typing may be replaced between finding and reading it.
    loop {
        if let Ok(text) = find(driver, By::Css(selector)).await.text().await {
            return text;
        }
    }
}

async fn fill(driver: &WebDriver, selector: &str, value: &str) {
    let field = find(driver, By::Css(selector)).await;
    field.clear().await.unwrap();
    field.send_keys(value).await.unwrap();
}

async fn press(driver: &WebDriver, selector: &str) {
    find(driver, By::Css(selector)).await.click().await.unwrap();
}

async fn sign_in(driver: &WebDriver, house: &House, path: &str) {
    driver.goto(format!("http://{}{path}", house.address)).await.unwrap();
    fill(driver, "#username", "operator").await;
    fill(driver, "#password", PASSWORD).await;
    press(driver, "button.act").await;
}

/// Waits until `selector` has `words`.
async fn until(driver: &WebDriver, selector: &str, words: &[&str]) {
    let mut seen = Vec::new();
    for _ in 0..150 {
        seen.clear();
        for one in driver.find_all(By::Css(selector)).await.unwrap() {
            seen.push(one.text().await.unwrap_or_default());
        }
        if seen == words {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{selector} is {seen:?}, not {words:?}");
}

#[sqlx::test]
async fn a_person_signs_in_sends_to_three_phones_and_watches_them_arrive(db: PgPool) {
    let ways = harness::Ways { receipt_after: Duration::from_secs(3), ..harness::Ways::default() };
    let house = House::with(&db, ways).await;
    house.account("operator", Role::Operator).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    // The browser asks for English; Chinese is chosen on the page.
    for (n, language) in ["en", "zh-CN"].into_iter().enumerate() {
        let (waiting, delivered, failed) = match language {
            "en" => ("Awaiting receipt", "Delivered", "Failed"),
            _ => ("等回执", "已送达", "失败"),
        };
        if n == 0 {
            sign_in(driver, &house, "/p/default/send").await;
        } else {
            driver.goto(format!("http://{}/p/default/send", house.address)).await.unwrap();
            press(driver, "button[name=lang]").await;
            find(driver, By::Css("html[lang=zh-CN]")).await;
        }
        // Choosing a template draws its fields.
        let template = "//select[@id='template']/option[contains(., '登录验证码')]";
        find(driver, By::XPath(template)).await.click().await.unwrap();
        find(driver, By::Css("#p2")).await;
        fill(driver, "#p1", &format!("431{n}")).await;
        fill(driver, "#p2", "5").await;
        fill(driver, "#phones", "18500001234, +86 185 0000 0001\n185-0000-1235").await;
        // The preview is drawn while typing.
        for _ in 0..50 {
            if text(driver, "#preview .bubble").await.contains(&format!("431{n}")) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(text(driver, "#preview .bubble").await.contains("【云帆书店】"));
        press(driver, "form.form button.act").await;
        assert!(text(driver, ".steps [aria-current]").await.chars().count() > 1);
        press(driver, "button[name=confirm]").await;
        let states = ".messages tbody .status";
        until(driver, states, &[waiting, waiting, waiting]).await;
        until(driver, states, &[delivered, failed, delivered]).await;
        if let Ok(folder) = std::env::var("USMS_SCREENSHOTS") {
            std::fs::create_dir_all(&folder).unwrap();
            photograph(&browser, Path::new(&folder), &format!("sent-{language}"), 1440).await;
        }
        let session = find(driver, By::Css(".messages tbody td:last-child a")).await;
        let address = session.prop("href").await.unwrap().unwrap();
        driver.goto(&address).await.unwrap();
        find(driver, By::Css(".messages tbody tr")).await;
        assert_eq!(driver.find_all(By::Css(".messages tbody tr")).await.unwrap().len(), 3);
        assert_eq!(driver.current_url().await.unwrap().as_str(), address);
    }
    assert_eq!(house.taken().await, (6, 0));
    // The same again: nobody is left, until the box is ticked and the numbers are drawn anew.
    driver.goto(format!("http://{}/p/default/send", house.address)).await.unwrap();
    let template = "//select[@id='template']/option[contains(., '登录验证码')]";
    find(driver, By::XPath(template)).await.click().await.unwrap();
    fill(driver, "#p2", "5").await;
    fill(driver, "#p1", "4310").await;
    fill(driver, "#phones", "18500001234").await;
    press(driver, "form.form button.act").await;
    press(driver, "input[name=again]").await;
    find(driver, By::Css("input[name=again][checked]")).await;
    press(driver, "button[name=confirm]").await;
    until(driver, ".messages tbody .status", &["已送达"]).await;
    assert_eq!(house.taken().await, (7, 0));
    browser.close().await;
}

#[sqlx::test]
async fn a_signature_is_applied_for_rejected_mended_approved_and_sent_with(db: PgPool) {
    let ways = harness::Ways { review_after: Duration::from_secs(3_600), ..Default::default() };
    let house = House::with(&db, ways).await;
    house.account("operator", Role::Operator).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    let scan = browser.folder.join("执照.png");
    std::fs::create_dir_all(&browser.folder).unwrap();
    std::fs::write(&scan, b"\x89PNG\r\n\x1a\na scan").unwrap();
    sign_in(driver, &house, "/p/default/signatures/new").await;
    fill(driver, "#content", "云帆App").await;
    // The name is shown as it will stand in front of a text, while it is being written.
    until(driver, "#preview .bubble b", &["【云帆App】"]).await;
    press(driver, "input[name=sig_type][value='1']").await;
    find(driver, By::Css("#certificate")).await.send_keys(scan.to_str().unwrap()).await.unwrap();
    fill(driver, "#description", "登录验证码").await;
    press(driver, "form.form button.act").await;
    // Carriers refuse apps: the person is asked, and the scan need not be chosen again.
    find(driver, By::Css(".notice.doubtful")).await;
    assert!(text(driver, ".kept").await.contains("执照.png"));
    press(driver, "button[name=confirm]").await;
    until(driver, ".head .status", &["Waiting"]).await;
    let address = driver.current_url().await.unwrap().to_string();
    let id = address.rsplit('/').next().unwrap().to_owned();
    let verdict = serde_json::json!({ "id": id, "status": 3, "err_desc": "应用名称不再受理" });
    house.admin(reqwest::Method::POST, "review", verdict).await;
    // The page looks again by itself.
    until(driver, ".head .status", &["Rejected"]).await;
    press(driver, ".head a.act").await;
    assert!(text(driver, "#why").await.contains("应用名称不再受理"));
    fill(driver, "#content", "云帆文化").await;
    press(driver, "input[name=sig_type][value='0']").await;
    until(driver, "#preview .diff ins", &["文化", "Company"]).await;
    press(driver, "form.form button.act").await;
    until(driver, ".head .status", &["Waiting"]).await;
    house
        .admin(reqwest::Method::POST, "review", serde_json::json!({ "id": id, "status": 2 }))
        .await;
    reload_until(driver, &address, "Approved").await;
    if let Ok(folder) = std::env::var("USMS_SCREENSHOTS") {
        std::fs::create_dir_all(&folder).unwrap();
        photograph(&browser, Path::new(&folder), "signature-story", 1440).await;
    }
    press(driver, ".head a.act").await;
    let chosen = "return document.querySelector('#signature').selectedOptions[0].textContent";
    let chosen = driver.execute(chosen, vec![]).await.unwrap();
    assert!(chosen.json().as_str().unwrap().contains("云帆文化"));
    let template = "//select[@id='template']/option[contains(., '登录验证码')]";
    find(driver, By::XPath(template)).await.click().await.unwrap();
    find(driver, By::Css("#p2")).await;
    fill(driver, "#p1", "4312").await;
    fill(driver, "#p2", "5").await;
    fill(driver, "#phones", "18500001234").await;
    press(driver, "form.form button.act").await;
    press(driver, "button[name=confirm]").await;
    until(driver, ".messages tbody .status", &["Delivered"]).await;
    // The template's editor: a button puts a variable at the cursor, and its meaning has a field.
    driver.goto(format!("http://{}/p/default/templates/new", house.address)).await.unwrap();
    fill(driver, "#text", "您的订单").await;
    press(driver, "button[name=insert]").await;
    press(driver, "button[name=insert]:last-of-type").await;
    find(driver, By::Css("#v2")).await;
    until(driver, "#preview .bubble .variable", &["{1}", "{2}"]).await;
    let value =
        driver.execute("return document.querySelector('#text').value", vec![]).await.unwrap();
    assert_eq!(value.json().as_str().unwrap(), "您的订单{1}{2}");
    browser.close().await;
}

#[sqlx::test]
async fn a_list_is_uploaded_mapped_confirmed_watched_to_its_end_and_its_failed_are_sent_again(
    db: PgPool,
) {
    let ways = harness::Ways { receipt_after: Duration::from_secs(2), ..harness::Ways::default() };
    let house = House::with(&db, ways).await;
    house.account("operator", Role::Operator).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    // Two columns of numbers, in an order that only a person can know; two rows cannot be sent.
    let list = browser.folder.join("名单.csv");
    let rows = "手机号,有效,数字\n18500000100,5,1234\n18500000001,5,1235\n010-12345678,5,1\n\
        18500000102,5,1236\n18500000100,5,9\n";
    std::fs::create_dir_all(&browser.folder).unwrap();
    std::fs::write(&list, rows).unwrap();
    sign_in(driver, &house, "/p/default/batches/new").await;
    let template = "//select[@id='template']/option[contains(., '登录验证码')]";
    find(driver, By::XPath(template)).await.click().await.unwrap();
    find(driver, By::Css("#recipients")).await.send_keys(list.to_str().unwrap()).await.unwrap();
    press(driver, "form[data-upload] button.act").await;
    // The page of the reading becomes the preview by itself.
    until(driver, "#verdict", &["3 phones can be sent to; 2 rows are not sent"]).await;
    assert!(text(driver, ".handset .bubble").await.contains("您的验证码是5，1234分钟内有效"));
    for (column, variable) in [(2, 2), (3, 1)] {
        let option = format!(
            "//form[@id='columns']//tbody/tr[{column}]//select/option[@value='{variable}']"
        );
        find(driver, By::XPath(&option)).await.click().await.unwrap();
    }
    press(driver, "#columns button").await;
    until(driver, "#verdict", &["3 phones can be sent to; 2 rows are not sent"]).await;
    assert!(text(driver, ".handset .bubble").await.contains("您的验证码是1234，5分钟内有效"));
    press(driver, "button[name=confirm]").await;
    until(
        driver,
        ".messages tbody .status",
        &["Awaiting receipt", "Awaiting receipt", "Awaiting receipt"],
    )
    .await;
    let settled = ["Delivered", "Failed", "Delivered"];
    until(driver, ".messages tbody .status", &settled).await;
    assert!(text(driver, ".ledger").await.contains('3'));
    press(driver, ".head a[href$='/resend']").await;
    press(driver, "form.form button.act").await;
    until(driver, "#verdict", &["1 phone can be sent to; 0 rows are not sent"]).await;
    press(driver, "button[name=confirm]").await;
    until(driver, ".messages tbody .status", &["Failed"]).await;
    assert_eq!(house.taken().await, (4, 0));
    browser.close().await;
}

async fn reload_until(driver: &WebDriver, address: &str, word: &str) {
    for _ in 0..100 {
        driver.goto(address).await.unwrap();
        if text(driver, ".head .status").await == word {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never {word}");
}

#[sqlx::test]
async fn a_conversation_that_somebody_looks_at_is_read_by_itself(db: PgPool) {
    let house = House::open(&db).await;
    house.account("operator", Role::Operator).await;
    let answer = serde_json::json!({ "phone": "18500001234", "content": "收到" });
    house.admin(reqwest::Method::POST, "reply", answer).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    sign_in(driver, &house, "/p/default/replies").await;
    let list = format!("http://{}/p/default/replies", house.address);
    while driver.find(By::Css(".rail .needs")).await.is_err() {
        driver.goto(&list).await.unwrap();
    }
    press(driver, "tbody th a").await;
    find(driver, By::Css("form[data-unread]:not([hidden])")).await;
    assert!(driver.find_all(By::Css(".rail .needs")).await.unwrap().is_empty());
    driver.goto(&list).await.unwrap();
    find(driver, By::Css("tbody tr:not(.unread)")).await;
    press(driver, "tbody th a").await;
    press(driver, "form[data-unread] button").await;
    until(driver, "tbody .status", &["1 unread"]).await;
    browser.close().await;
}

#[sqlx::test]
async fn a_message_is_found_by_four_digits_bookmarked_and_there_again_after_signing_in(db: PgPool) {
    let house = House::open(&db).await;
    let sender = house.operator().await;
    let batch = sender.send("登录验证码", &["4310", "5"], "18500001234\n18500001235").await;
    house.settled(&sender, &batch).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(390).await;
    sign_in(driver, &house, "/p/default/messages").await;
    // On a phone the filters are folded, until one is set.
    press(driver, "label[for=fold]").await;
    fill(driver, "input[name=phone]", "1235").await;
    press(driver, ".log-filters .filters button").await;
    until(driver, ".messages tbody th a", &["18500001235"]).await;
    assert!(find(driver, By::Css("input[name=phone]")).await.is_displayed().await.unwrap());
    press(driver, ".messages tbody th a").await;
    assert!(text(driver, ".story").await.contains("Submitted to UCloud, taken"));
    assert_eq!(text(driver, ".bubble").await, "【云帆书店】您的验证码是4310，5分钟内有效。");
    let bookmark = driver.current_url().await.unwrap().to_string();
    assert!(bookmark.contains("/messages/m-"), "{bookmark}");
    browser.set_width(1440).await;
    press(driver, "form[action='/logout'] button").await;
    find(driver, By::Css("#username")).await;
    driver.goto(&bookmark).await.unwrap();
    fill(driver, "#username", "operator").await;
    fill(driver, "#password", PASSWORD).await;
    press(driver, "button.act").await;
    find(driver, By::Css(".story")).await;
    assert!(text(driver, "h1").await.contains("18500001235"));
    assert_eq!(driver.current_url().await.unwrap().as_str(), bookmark);
    browser.close().await;
}

#[sqlx::test]
async fn no_page_is_wider_than_a_phone_and_scripts_report_nothing_wrong(db: PgPool) {
    let house = House::open(&db).await;
    house.account("operator", Role::Operator).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(390).await;
    sign_in(driver, &house, "/").await;
    let pages = [
        "",
        "send",
        "batches",
        "messages",
        "messages?phone=1234&state=delivered&text=a",
        "receipts",
        "replies",
        "statistics",
        "failures",
        "signatures",
        "templates",
        "signatures/new",
        "signatures/SIG0001",
        "signatures/SIG0001/edit",
        "signatures/SIG0001/delete",
        "templates/new",
        "templates/UTM0001",
        "templates/UTM0001/edit",
        "settings/words",
        "batches/new",
        "suppressions",
        "health",
    ];
    for page in pages {
        driver.goto(format!("http://{}/p/default/{page}", house.address)).await.unwrap();
        let wide = driver
            .execute("return document.documentElement.scrollWidth - innerWidth", vec![])
            .await
            .unwrap();
        assert!(wide.json().as_i64().unwrap() <= 0, "/{page} is wider than the window");
        let icon = driver.find(By::Css("svg.icon")).await.unwrap();
        assert!(icon.prop("outerHTML").await.unwrap().unwrap().contains("/static/"));
    }
    browser.close().await;
}

/// Pages as they look, for the README and for eyes: wide and narrow, light and dark, in both
/// languages. Runs against a console that is up:
/// `USMS_LOOK_AT=http://127.0.0.1:8080 USMS_SCREENSHOTS=folder`.
#[tokio::test]
#[ignore = "needs a demo that runs"]
async fn pages_are_photographed() {
    let at = std::env::var("USMS_LOOK_AT").unwrap();
    let folder = PathBuf::from(std::env::var("USMS_SCREENSHOTS").unwrap());
    std::fs::create_dir_all(&folder).unwrap();
    let browser = Browser::open().await;
    let driver = &browser.driver;
    driver.goto(format!("{at}/login?next=/p/default/receipts/x")).await.unwrap();
    photograph(&browser, &folder, "login", 1440).await;
    driver.goto(format!("{at}/login")).await.unwrap();
    fill(driver, "#username", "operator").await;
    fill(driver, "#password", "usms-console-demo").await;
    press(driver, "button.act").await;
    let p = format!("{at}/p/default");
    driver.goto(format!("{p}/batches")).await.unwrap();
    let mut batches = Vec::new();
    for link in driver.find_all(By::Css("table.batches th a")).await.unwrap() {
        batches.push(link.prop("href").await.unwrap().unwrap());
    }
    let listed = find(driver, By::PartialLinkText("11 月")).await;
    let listed = listed.prop("href").await.unwrap().unwrap();
    let pages = [
        ("dashboard", format!("{p}/")),
        ("send", format!("{p}/send")),
        ("batches", format!("{p}/batches")),
        ("upload", format!("{p}/batches/new")),
        ("suppressions", format!("{p}/suppressions")),
        ("preview", batches.first().cloned().unwrap_or_default()),
        ("scheduled", batches.get(1).cloned().unwrap_or_default()),
        ("awaiting", batches.get(2).cloned().unwrap_or_default()),
        ("doubt", format!("{}/in-doubt", batches.get(3).cloned().unwrap_or_default())),
        ("batch", listed.clone()),
        ("resend", format!("{listed}/resend")),
        ("messages", format!("{p}/messages")),
        ("messages-failed", format!("{p}/messages?state=failed")),
        ("replies", format!("{p}/replies")),
        ("statistics", format!("{p}/statistics")),
        ("failures", format!("{p}/failures")),
        ("health", format!("{p}/health")),
        ("receipts", format!("{p}/receipts")),
        ("phone", format!("{p}/receipts?phone=18500001234")),
        ("signatures", format!("{p}/signatures")),
        ("templates", format!("{p}/templates")),
        ("import", format!("{p}/templates/import")),
        ("signature", format!("{p}/signatures/SIG20261112D4")),
        ("signature-new", format!("{p}/signatures/new")),
        ("signature-edit", format!("{p}/signatures/SIG20261112D4/edit")),
        ("signature-locked", format!("{p}/signatures/SIG20260301A1/edit")),
        ("template", format!("{p}/templates/UTB26111200G7")),
        ("template-approved", format!("{p}/templates/UTM26081000D4")),
        ("template-new", format!("{p}/templates/new")),
        ("template-edit", format!("{p}/templates/UTB26111200G7/edit")),
        ("template-delete", format!("{p}/templates/UTM26081000D4/delete")),
        ("words", format!("{p}/settings/words")),
        ("missing", format!("{p}/receipts/nobody-knows-this")),
        ("error", format!("{p}/nothing")),
        ("account", format!("{at}/account/sessions")),
    ];
    for language in ["zh-CN", "en"] {
        for theme in ["light", "dark"] {
            for (name, value) in [("lang", language), ("theme", theme)] {
                let _ = driver.delete_cookie(name).await;
                let mut cookie = Cookie::new(name, value);
                cookie.set_path("/");
                driver.add_cookie(cookie).await.unwrap();
            }
            for (name, address) in &pages {
                driver.goto(address).await.unwrap();
                for width in [1440, 390] {
                    let shot = format!("{name}-{language}-{theme}");
                    photograph(&browser, &folder, &shot, width).await;
                }
            }
        }
    }
    browser.close().await;
}

async fn photograph(browser: &Browser, folder: &Path, name: &str, width: u32) {
    browser.set_width(width).await;
    let tall = "return Math.min(Math.max(900, document.documentElement.scrollHeight), 4000)";
    let tall = browser.driver.execute(tall, vec![]).await.unwrap().json().as_u64().unwrap();
    browser.set_size(width, tall).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    let path = folder.join(format!("{name}-{width}.png"));
    browser.driver.screenshot(&path).await.unwrap();
}
