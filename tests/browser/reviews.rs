//! From an application to a message that is sent with its signature.

use std::path::Path;
use std::time::Duration;

use sqlx::PgPool;
use thirtyfour::prelude::*;
use usms_console::domain::accounts::role::Role;

use crate::browser::{Browser, fill, find, press, reload_until, sign_in, text, until};
use crate::harness::{TestConsole, TestOptions};
use crate::layout::take_screenshot;

#[sqlx::test]
async fn a_signature_is_applied_for_rejected_resubmitted_approved_and_used(db: PgPool) {
    let options = TestOptions { review_after: Duration::from_secs(3_600), ..Default::default() };
    let console = TestConsole::start_with(&db, options).await;
    console.account("operator", Role::Operator).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    let scan = browser.folder.join("执照.png");
    std::fs::create_dir_all(&browser.folder).unwrap();
    std::fs::write(&scan, b"\x89PNG\r\n\x1a\na scan").unwrap();
    sign_in(driver, &console, "/p/default/signatures/new").await;
    fill(driver, "#content", "云帆App").await;
    // While it is typed, the name is shown as it will stand in front of a text.
    until(driver, "#preview .bubble b", &["【云帆App】"]).await;
    press(driver, "input[name=sig_type][value='1']").await;
    find(driver, By::Css("#certificate")).await.send_keys(scan.to_str().unwrap()).await.unwrap();
    fill(driver, "#description", "登录验证码").await;
    press(driver, "form.form button.act").await;
    // Carriers refuse apps: the person is warned, and the scan need not be chosen again.
    find(driver, By::Css(".notice.doubtful")).await;
    assert!(text(driver, ".kept").await.contains("执照.png"));
    press(driver, "button[name=confirm]").await;
    until(driver, ".head .status", &["Waiting"]).await;
    let url = driver.current_url().await.unwrap().to_string();
    let id = url.rsplit('/').next().unwrap().to_owned();
    let verdict = serde_json::json!({ "id": id, "status": 3, "err_desc": "应用名称不再受理" });
    console.admin(reqwest::Method::POST, "review", verdict).await;
    // The page refreshes itself.
    until(driver, ".head .status", &["Rejected"]).await;
    press(driver, ".head a.act").await;
    assert!(text(driver, "#why").await.contains("应用名称不再受理"));
    fill(driver, "#content", "云帆文化").await;
    press(driver, "input[name=sig_type][value='0']").await;
    until(driver, "#preview .diff ins", &["文化", "Company"]).await;
    press(driver, "form.form button.act").await;
    until(driver, ".head .status", &["Waiting"]).await;
    console
        .admin(reqwest::Method::POST, "review", serde_json::json!({ "id": id, "status": 2 }))
        .await;
    reload_until(driver, &url, "Approved").await;
    if let Ok(folder) = std::env::var("USMS_SCREENSHOTS") {
        std::fs::create_dir_all(&folder).unwrap();
        take_screenshot(&browser, Path::new(&folder), "signature-timeline", 1440).await;
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
    driver.goto(format!("http://{}/p/default/templates/new", console.address)).await.unwrap();
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
