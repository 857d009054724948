//! The look of pages: none is wider than a phone, and screenshots of all of them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::PgPool;
use thirtyfour::prelude::*;
use usms_console::domain::accounts::role::Role;

use crate::browser::{Browser, fill, find, press, sign_in};
use crate::harness::TestConsole;

#[sqlx::test]
async fn no_page_is_wider_than_a_phone_and_every_page_has_its_icons(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.account("operator", Role::Admin).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(390).await;
    sign_in(driver, &console, "/").await;
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
        "settings/sensitive-words",
        "batches/new",
        "suppressions",
        "health",
        "sending",
        "settings/retention",
        "settings/hooks",
    ];
    for page in pages {
        driver.goto(format!("http://{}/p/default/{page}", console.address)).await.unwrap();
        let overflow = driver
            .execute("return document.documentElement.scrollWidth - innerWidth", vec![])
            .await
            .unwrap();
        assert!(overflow.json().as_i64().unwrap() <= 0, "/{page} is wider than the window");
        let icon = driver.find(By::Css("svg.icon")).await.unwrap();
        assert!(icon.prop("outerHTML").await.unwrap().unwrap().contains("/static/"));
    }
    browser.close().await;
}

/// Screenshots for the README and for review: wide and narrow, light and dark, in both languages.
/// Runs against a console that is running:
/// `USMS_LOOK_AT=http://127.0.0.1:8080 USMS_SCREENSHOTS=folder`.
#[tokio::test]
#[ignore = "needs a demo that runs"]
async fn screenshots_are_taken_of_all_pages() {
    let at = std::env::var("USMS_LOOK_AT").unwrap();
    let folder = PathBuf::from(std::env::var("USMS_SCREENSHOTS").unwrap());
    std::fs::create_dir_all(&folder).unwrap();
    let browser = Browser::open().await;
    let driver = &browser.driver;
    driver.goto(format!("{at}/login?next=/p/default/receipts/x")).await.unwrap();
    take_screenshot(&browser, &folder, "login", 1440).await;
    driver.goto(format!("{at}/login")).await.unwrap();
    fill(driver, "#username", "admin").await;
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
    driver.goto(format!("{p}/messages?state=failed")).await.unwrap();
    let message = find(driver, By::Css(".messages tbody th a")).await;
    let message = message.prop("href").await.unwrap().unwrap();
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
        ("message", message),
        ("replies", format!("{p}/replies")),
        ("statistics", format!("{p}/statistics")),
        ("failures", format!("{p}/failures")),
        ("health", format!("{p}/health")),
        ("sending", format!("{p}/sending")),
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
        ("words", format!("{p}/settings/sensitive-words")),
        ("hooks", format!("{p}/settings/hooks")),
        ("retention", format!("{p}/settings/retention")),
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
            for (name, url) in &pages {
                driver.goto(url).await.unwrap();
                for width in [1440, 390] {
                    let file = format!("{name}-{language}-{theme}");
                    take_screenshot(&browser, &folder, &file, width).await;
                }
            }
        }
    }
    browser.close().await;
}

/// Saves a screenshot of the whole page at a width.
pub async fn take_screenshot(browser: &Browser, folder: &Path, name: &str, width: u32) {
    browser.set_width(width).await;
    let height = "return Math.min(Math.max(900, document.documentElement.scrollHeight), 4000)";
    let height = browser.driver.execute(height, vec![]).await.unwrap().json().as_u64().unwrap();
    browser.set_size(width, height).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    let path = folder.join(format!("{name}-{width}.png"));
    browser.driver.screenshot(&path).await.unwrap();
}
