//! Messages are found and bookmarked.

use sqlx::PgPool;
use thirtyfour::prelude::*;

use crate::browser::{Browser, fill, find, press, sign_in, text, until};
use crate::harness::{PASSWORD, TestConsole};

#[sqlx::test]
async fn a_message_is_found_by_four_digits_and_its_bookmark_works_after_signing_in(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let sender = console.operator().await;
    let batch = sender.send("登录验证码", &["4310", "5"], "18500001234\n18500001235").await;
    console.until_complete(&sender, &batch).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(390).await;
    sign_in(driver, &console, "/p/default/messages").await;
    // On a phone the filters are folded, until one is set.
    press(driver, "label[for=fold]").await;
    fill(driver, "input[name=phone]", "1235").await;
    press(driver, ".log-filters .filters button").await;
    until(driver, ".messages tbody th a", &["18500001235"]).await;
    assert!(find(driver, By::Css("input[name=phone]")).await.is_displayed().await.unwrap());
    // A button beside it copies it.
    let copy = find(driver, By::Css(".messages tbody th button:not([hidden])")).await;
    assert_eq!(copy.attr("data-copy").await.unwrap().as_deref(), Some("18500001235"));
    press(driver, ".messages tbody th a").await;
    assert!(text(driver, ".story").await.contains("Submitted to UCloud: accepted"));
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
