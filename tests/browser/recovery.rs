//! What an owner and an operator see and do after a backup was restored.

use std::path::PathBuf;

use sqlx::PgPool;
use thirtyfour::prelude::*;
use usms_console::ops::recovery;

use crate::browser::{Browser, fill, find, press, text};
use crate::harness::{CODE, PASSWORD, TestConsole, TestOptions};
use crate::layout::take_screenshot;

/// Shows the page in both languages and widths, and asserts that nothing sticks out.
async fn look(browser: &Browser, url: &str, name: &str) {
    for language in ["en", "zh-CN"] {
        let _ = browser.driver.delete_cookie("lang").await;
        let mut cookie = Cookie::new("lang", language);
        cookie.set_path("/");
        browser.driver.add_cookie(cookie).await.unwrap();
        for width in [1440, 390] {
            browser.set_width(width).await;
            browser.driver.goto(url).await.unwrap();
            let script = "return document.documentElement.scrollWidth - innerWidth";
            let overflow = browser.driver.execute(script, vec![]).await.unwrap();
            assert!(overflow.json().as_i64().unwrap() <= 0, "{name} at {width} in {language}");
            if let Ok(folder) = std::env::var("USMS_SCREENSHOTS") {
                let file = format!("{name}-{language}");
                take_screenshot(browser, &PathBuf::from(folder), &file, width).await;
            }
        }
    }
    browser.set_width(1440).await;
}

#[sqlx::test]
async fn an_owner_adopts_a_restored_database_and_the_rest_of_its_batch_is_put_in_doubt(db: PgPool) {
    let options = TestOptions { workers: false, ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    sqlx::query("update users set is_owner = true").execute(&db).await.unwrap();
    // A restored dump has written this row again.
    sqlx::query("update installation set timeline = timeline").execute(&db).await.unwrap();
    assert!(!recovery::check(&console.app).await.unwrap());
    let browser = Browser::open().await;
    let driver = &browser.driver;
    let base = format!("http://{}", console.address);
    driver.goto(format!("{base}/login")).await.unwrap();
    fill(driver, "#username", "operator").await;
    fill(driver, "#password", PASSWORD).await;
    press(driver, "button.act").await;
    driver.goto(&base).await.unwrap();
    // Every page says that nothing is sent, and leads to the one that says why.
    press(driver, "#halted a").await;
    let page = format!("{base}/p/default/sending");
    look(&browser, &page, "recovery-open").await;
    press(driver, "button[name=confirm]").await;
    assert!(text(driver, "main").await.contains("1 个任务待决定"));
    look(&browser, &page, "recovery-held").await;
    press(driver, "#recovery tbody a").await;
    assert!(driver.current_url().await.unwrap().path().ends_with(&batch));
    look(&browser, &format!("{base}{batch}"), "recovery-batch").await;
    find(driver, By::Css("form[action$=doubt-rest] button")).await.click().await.unwrap();
    driver.goto(format!("{base}{batch}/in-doubt")).await.unwrap();
    assert!(text(driver, "main").await.contains("数据库曾回退到较早时间点"));
    browser.close().await;
}
