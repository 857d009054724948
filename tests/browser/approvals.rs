//! From an invitation to a batch that somebody else approves, after it was sent back and changed.

use secrecy::SecretString;
use sqlx::PgPool;
use thirtyfour::prelude::*;
use usms_console::domain::accounts::role::Role;
use usms_console::ops::accounts::{self, Standing};

use crate::browser::{Browser, fill, find, press, text, until};
use crate::harness::{PASSWORD, TestConsole};

const CHOSEN: &str = "a password of their own choice";

/// Signs in by the form, and goes to a page.
async fn sign_in_as(driver: &WebDriver, console: &TestConsole, name: &str, path: &str) {
    let at = format!("http://{}", console.address);
    driver.delete_all_cookies().await.unwrap();
    driver.goto(format!("{at}/login?next={path}")).await.unwrap();
    fill(driver, "#username", name).await;
    let password = if name == "mei" { CHOSEN } else { PASSWORD };
    fill(driver, "#password", password).await;
    press(driver, "form.form button.act").await;
    find(driver, By::Css("main h1")).await;
}

async fn path_of(driver: &WebDriver) -> String {
    driver.current_url().await.unwrap().path().to_owned()
}

#[sqlx::test]
async fn an_invited_operator_orders_and_another_person_sends_back_and_approves(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let password = SecretString::from(PASSWORD);
    accounts::create(&console.app, "owner", password, Standing::Owner).await.unwrap();
    console.account("approver", Role::Approver).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    sign_in_as(driver, &console, "owner", "/admin/users").await;
    fill(driver, "#name", "mei").await;
    press(driver, "#role option[value='operator']").await;
    press(driver, "#project option[value='default']").await;
    press(driver, "form.form button.act").await;
    let link = text(driver, "#link code").await;
    let link = link[link.find("/invitation/").unwrap()..].to_owned();

    driver.delete_all_cookies().await.unwrap();
    driver.goto(format!("http://{}{link}", console.address)).await.unwrap();
    fill(driver, "#password", CHOSEN).await;
    press(driver, "form button.act").await;
    find(driver, By::Css("nav")).await;

    driver.goto(format!("http://{}/p/default/send", console.address)).await.unwrap();
    let template = "//select[@id='template']/option[contains(., '新书')]";
    find(driver, By::XPath(template)).await.click().await.unwrap();
    until(driver, "#preview .bubble .variable", &["{1}"]).await;
    fill(driver, "#p1", "读着").await;
    fill(driver, "#phones", "18500001234").await;
    press(driver, "form.form button.act").await;
    press(driver, "button[name=confirm]").await;
    find(driver, By::Css("#approval")).await;
    let batch = path_of(driver).await;

    sign_in_as(driver, &console, "approver", &batch).await;
    assert!(text(driver, "#approval .bubble").await.contains("读着"));
    fill(driver, "#reason", "应为“读者”").await;
    press(driver, "form[action$='send-back'] button").await;
    assert!(text(driver, "#sent-back").await.contains("应为“读者”"));

    sign_in_as(driver, &console, "mei", &batch).await;
    press(driver, "#sent-back a").await;
    fill(driver, "#p1", "读者").await;
    press(driver, "form.form button.act").await;
    press(driver, "button[name=confirm]").await;
    find(driver, By::Css("#approval")).await;
    let changed = path_of(driver).await;
    assert_ne!(changed, batch, "a new order");

    sign_in_as(driver, &console, "approver", &changed).await;
    assert!(text(driver, "#approval .bubble").await.contains("读者"));
    press(driver, "form[action$='approve'] button").await;
    find(driver, By::Css(".flash")).await;
    let state: String =
        sqlx::query_scalar("select state::text from batches order by id desc limit 1")
            .fetch_one(&db)
            .await
            .unwrap();
    assert_ne!(state, "awaiting_approval");
    browser.close().await;
}
