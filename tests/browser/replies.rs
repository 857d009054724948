//! A reply is read by opening its conversation.

use sqlx::PgPool;
use thirtyfour::prelude::*;
use usms_console::domain::accounts::role::Role;

use crate::browser::{Browser, find, press, sign_in, until};
use crate::harness::TestConsole;

#[sqlx::test]
async fn an_open_conversation_is_marked_as_read(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.account("operator", Role::Operator).await;
    let reply = serde_json::json!({ "phone": "18500001234", "content": "收到" });
    console.admin(reqwest::Method::POST, "reply", reply).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    sign_in(driver, &console, "/p/default/replies").await;
    let list = format!("http://{}/p/default/replies", console.address);
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
