//! A proxy in front of the console that answers itself: a sentence says so, and nothing is lost.

use std::time::Duration;

use sqlx::PgPool;
use thirtyfour::prelude::*;
use usms_console::domain::accounts::role::Role;

use crate::browser::{Browser, fill, find, press, text, until};
use crate::harness::{self, CODE, PASSWORD, TestConsole, TestOptions};
use crate::proxy::Proxy;

async fn sign_in(driver: &WebDriver, proxy: &Proxy, path: &str) {
    driver.goto(format!("http://{}{path}", proxy.address)).await.unwrap();
    fill(driver, "#username", "operator").await;
    fill(driver, "#password", PASSWORD).await;
    press(driver, "button.act").await;
}

#[sqlx::test]
async fn an_upload_that_a_proxy_refuses_says_so_and_can_be_sent_again(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.account("operator", Role::Operator).await;
    let proxy = Proxy::start(console.address);
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    let list = browser.folder.join("a.csv");
    std::fs::create_dir_all(&browser.folder).unwrap();
    std::fs::write(&list, "18500000100,1234,5\n").unwrap();
    sign_in(driver, &proxy, "/p/default/batches/new").await;
    let template = "//select[@id='template']/option[contains(., '登录验证码')]";
    find(driver, By::XPath(template)).await.click().await.unwrap();
    find(driver, By::Css("#recipients")).await.send_keys(list.to_str().unwrap()).await.unwrap();
    let html = "<html><body><h1>Bad</h1></body></html>";
    for (answer, words) in [
        (Some((413, html)), ["larger than", "过大"]),
        (Some((502, html)), ["502", "502"]),
        (Some((504, "")), ["504", "504"]),
        (Some((200, html)), ["interrupted", "中断"]),
        (None, ["interrupted", "中断"]),
    ] {
        let said = "[data-upload-progress] p";
        let emptied = format!("document.querySelector('{said}').textContent = ''");
        driver.execute(emptied, vec![]).await.unwrap();
        proxy.answer("/batches/new", answer);
        press(driver, "form[data-upload] button.act").await;
        harness::until("the upload says what happened", async || {
            text(driver, said).await.contains(words[0])
        })
        .await;
        assert!(!text(driver, "main").await.contains("null"));
    }
    press(driver, "form[data-upload] button.act").await;
    until(driver, "#verdict", &["1 message can be sent; 0 rows rejected"]).await;
    browser.close().await;
}

#[sqlx::test]
async fn an_upload_after_the_session_ended_says_that_one_has_to_sign_in(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.account("operator", Role::Operator).await;
    let proxy = Proxy::start(console.address);
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    let list = browser.folder.join("a.csv");
    std::fs::create_dir_all(&browser.folder).unwrap();
    std::fs::write(&list, "18500000100,1234,5\n").unwrap();
    sign_in(driver, &proxy, "/p/default/batches/new").await;
    find(driver, By::Css("#recipients")).await.send_keys(list.to_str().unwrap()).await.unwrap();
    sqlx::query("delete from login_sessions").execute(&console.app.db).await.unwrap();
    press(driver, "form[data-upload] button.act").await;
    harness::until("it says that the session ended", async || {
        text(driver, "[data-upload-progress] p").await.contains("Sign in")
    })
    .await;
    browser.close().await;
}

#[sqlx::test]
async fn a_live_page_behind_a_failing_proxy_says_so_until_it_is_up_to_date_again(db: PgPool) {
    let options = TestOptions { receipt_after: Duration::from_secs(600), ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    console.account("operator", Role::Operator).await;
    let proxy = Proxy::start(console.address);
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    let sender = console.signed_out();
    sender.sign_in("operator", PASSWORD, "/").await;
    let batch = sender.send(CODE, &["1", "5"], "18500001234").await;
    for _ in 0..50 {
        proxy.answer("/events", Some((502, "<html><body>Bad Gateway</body></html>")));
        proxy.answer("/live", Some((504, "")));
    }
    sign_in(driver, &proxy, &batch).await;
    let stale = "#stale:not([hidden])";
    assert!(text(driver, stale).await.contains("refresh"));
    assert!(!text(driver, "main").await.contains("null"));
    proxy.pass_all();
    harness::until("the page is up to date again", async || {
        driver.find_all(By::Css(stale)).await.unwrap().is_empty()
    })
    .await;
    browser.close().await;
}
