//! Anything is found from any page, by keys alone.

use sqlx::PgPool;
use thirtyfour::prelude::*;

use crate::browser::{Browser, find, press, sign_in, until};
use crate::harness::{CODE, TestConsole, eventually};

/// Types into the element that has the focus. Keys are written as WebDriver names them: `\u{e015}` is Arrow
/// down, `\u{e007}` Enter and `\u{e00c}` Escape.
async fn keys(driver: &WebDriver, keys: &str) {
    driver.active_element().await.unwrap().send_keys(keys).await.unwrap();
}

async fn focused(driver: &WebDriver, name: &str) -> bool {
    let element = driver.active_element().await.unwrap();
    element.attr("name").await.unwrap().as_deref() == Some(name)
}

#[sqlx::test]
async fn a_phone_is_found_from_any_page_by_keys_alone(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let sender = console.operator().await;
    let batch = sender.send(CODE, &["4310", "5"], "18500001234\n18500001235").await;
    console.until_complete(&sender, &batch).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    driver.goto(format!("http://{}/login", console.address)).await.unwrap();
    assert!(focused(driver, "username").await, "the first field of the form");
    sign_in(driver, &console, "/p/default/statistics").await;
    find(driver, By::Css(".finder")).await;
    keys(driver, "/").await;
    assert!(focused(driver, "q").await);
    // Listed as one types; the arrow leads to the first, Enter opens it.
    keys(driver, "1235").await;
    until(driver, ".found .hits a", &["18500001235"]).await;
    keys(driver, "\u{e015}").await;
    keys(driver, "\u{e007}").await;
    find(driver, By::Css(".story")).await;
    // Escape closes the list, and a slash in a field is a slash.
    let control_k = Key::Control + "k";
    find(driver, By::Css("main")).await.send_keys(control_k).await.unwrap();
    keys(driver, "12/").await;
    find(driver, By::Css(".found:popover-open")).await;
    keys(driver, "\u{e00c}").await;
    let closed = eventually(async || {
        driver.find_all(By::Css(".found:popover-open")).await.unwrap().is_empty().then_some(())
    });
    assert!(closed.await.is_some());
    // Where it is narrow, the key leads to the page. It does not scroll sideways.
    browser.set_width(720).await;
    find(driver, By::Css("main")).await.send_keys(Key::Control + "k").await.unwrap();
    find(driver, By::Css("main input[name=q]")).await;
    for path in ["search?q=1235", "batches", "messages", "messages?phone=1235"] {
        driver.goto(format!("http://{}/p/default/{path}", console.address)).await.unwrap();
        let wide = "return document.documentElement.scrollWidth - innerWidth";
        let over = driver.execute(wide, vec![]).await.unwrap();
        assert!(over.json().as_i64().unwrap() <= 0, "{path} scrolls sideways: {:?}", over.json());
    }
    // Empty filters stay out of addresses.
    driver
        .goto(format!("http://{}/p/default/batches?person=operator", console.address))
        .await
        .unwrap();
    press(driver, "main form.filters button").await;
    let address = driver.current_url().await.unwrap();
    assert!(
        !address.as_str().contains("name=") && address.as_str().contains("person="),
        "{address}"
    );
    browser.close().await;
}

#[sqlx::test]
async fn a_list_of_fifty_rows_has_one_stop_of_the_tab_key_a_row(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let sender = console.operator().await;
    // Receipts of other digits never come, see docs/SANDBOX.md.
    let phones: String = (0..60).map(|n| format!("185000{:05}\n", 10_100 + n)).collect();
    let batch = sender.send(CODE, &["4310", "5"], &phones).await;
    console.until_complete(&sender, &batch).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    sign_in(driver, &console, "/p/default/messages").await;
    find(driver, By::Css(".messages tbody tr:nth-child(50)")).await;
    let stops = "return [...document.querySelectorAll('main a[href], main button, main input, main select, main summary')]
        .filter((one) => one.tabIndex >= 0 && one.checkVisibility()).length";
    let stops = driver.execute(stops, vec![]).await.unwrap().json().as_i64().unwrap();
    assert!((50..=80).contains(&stops), "{stops}");
    browser.close().await;
}
