//! The live page of a batch in a browser: what a person is doing survives what changes.

use std::time::Duration;

use serde_json::json;
use sqlx::PgPool;
use thirtyfour::prelude::*;
use usms_console::domain::accounts::role::Role;

use crate::browser::{Browser, fill, find, press, sign_in, text, until};
use crate::harness::{self, CODE, PASSWORD, TestConsole, TestOptions};
use crate::proxy::Proxy;

async fn evaluate(driver: &WebDriver, script: &str) -> serde_json::Value {
    driver.execute(script, vec![]).await.unwrap().json().clone()
}

#[sqlx::test]
async fn focus_and_selected_text_survive_the_changes_of_a_live_page(db: PgPool) {
    let options = TestOptions { receipt_after: Duration::from_secs(12), ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    console.account("operator", Role::Operator).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    sign_in(driver, &console, "/p/default/batches").await;
    find(driver, By::Css("#main")).await;
    let sender = console.signed_out();
    sender.sign_in("operator", PASSWORD, "/").await;
    let batch = sender.send(CODE, &["1", "5"], "18500001234\n18500001235").await;
    driver.goto(format!("http://{}{batch}", console.address)).await.unwrap();
    let states = ".messages tbody .status";
    until(driver, states, &["Awaiting receipt", "Awaiting receipt"]).await;
    // The button that copies the second phone has the focus, and the first phone is selected.
    let prepare = "const [first, second] = document.querySelectorAll('.messages tbody th');
        window.button = second.querySelector('button');
        window.button.focus();
        getSelection().selectAllChildren(first.querySelector('a'));";
    evaluate(driver, prepare).await;
    until(driver, states, &["Delivered", "Delivered"]).await;
    let kept = "return [document.activeElement === window.button, window.button.isConnected,
        getSelection().toString(), document.querySelectorAll('.messages th button').length]";
    assert_eq!(evaluate(driver, kept).await, json!([true, true, "18500001234", 2]));
    // The page in place is the page as the server draws it.
    let shown = "return document.getElementById('live').innerText";
    let pushed = evaluate(driver, shown).await;
    driver.refresh().await.unwrap();
    until(driver, states, &["Delivered", "Delivered"]).await;
    assert_eq!(pushed, evaluate(driver, shown).await);
    browser.close().await;
}

#[sqlx::test]
async fn a_form_that_is_being_filled_in_survives_and_one_that_goes_leaves_no_lost_focus(
    db: PgPool,
) {
    let options = TestOptions { workers: false, ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    console.account("operator", Role::Operator).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    sign_in(driver, &console, "/p/default/batches").await;
    find(driver, By::Css("#main")).await;
    let sender = console.signed_out();
    sender.sign_in("operator", PASSWORD, "/").await;
    let batch = sender.send(CODE, &["1", "5"], "18500000000").await;
    sqlx::query("update batches set state = 'scheduled', schedule_at = now() + interval '1 day'")
        .execute(&console.app.db)
        .await
        .unwrap();
    driver.goto(format!("http://{}{batch}", console.address)).await.unwrap();
    let typed = "const field = document.getElementById('schedule_at');
        field.value = '2030-01-02T03:04';
        field.focus();";
    find(driver, By::Css("#schedule_at")).await;
    evaluate(driver, typed).await;
    sqlx::query("update batches set parts = 4321").execute(&console.app.db).await.unwrap();
    harness::until("the parts are shown", async || {
        text(driver, ".figures").await.contains("4,321")
    })
    .await;
    let kept = "return [document.activeElement.id, document.getElementById('schedule_at').value]";
    assert_eq!(evaluate(driver, kept).await, json!(["schedule_at", "2030-01-02T03:04"]));
    // Somebody else pauses it: the button that had the focus goes, and does not become another.
    evaluate(driver, "document.querySelector('form[action$=pause] button').focus()").await;
    let page = sender.get(&batch).await;
    sender.post(&format!("{batch}/pause"), &[("csrf", &page.csrf())]).await;
    find(driver, By::Css("form[action$=resume] button")).await;
    assert_eq!(evaluate(driver, "return document.activeElement.id").await, json!("main"));
    browser.close().await;
}

#[sqlx::test]
async fn a_stream_that_is_held_on_its_way_is_shown_until_it_flows_again(db: PgPool) {
    let options = TestOptions { workers: false, ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    console.account("operator", Role::Operator).await;
    let proxy = Proxy::start(console.address);
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    let sender = console.signed_out();
    sender.sign_in("operator", PASSWORD, "/").await;
    let batch = sender.send(CODE, &["1", "5"], "18500001234").await;
    driver.goto(format!("http://{}{batch}", proxy.address)).await.unwrap();
    fill(driver, "#username", "operator").await;
    fill(driver, "#password", PASSWORD).await;
    press(driver, "button.act").await;
    find(driver, By::Css("#live")).await;
    let stale = "#stale:not([hidden])";
    // Long enough for the first events: nothing is wrong.
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert!(driver.find_all(By::Css(stale)).await.unwrap().is_empty());
    proxy.hold_streams(true);
    assert!(text(driver, stale).await.contains("interrupted"));
    // The page itself is fetched meanwhile.
    sqlx::query("update batches set parts = 4321").execute(&console.app.db).await.unwrap();
    harness::until("the parts are shown", async || {
        text(driver, ".figures").await.contains("4,321")
    })
    .await;
    assert!(text(driver, stale).await.contains("interrupted"));
    proxy.hold_streams(false);
    harness::until("the page is up to date again", async || {
        driver.find_all(By::Css(stale)).await.unwrap().is_empty()
    })
    .await;
    // After signing out elsewhere it says so, once and for all.
    sqlx::query("delete from login_sessions").execute(&console.app.db).await.unwrap();
    harness::until("the page says that the session has ended", async || {
        text(driver, "#stale").await.contains("login session")
    })
    .await;
    browser.close().await;
}
