//! From the form or the file to the receipts, watched live.

use std::path::Path;
use std::time::Duration;

use sqlx::PgPool;
use thirtyfour::prelude::*;
use usms_console::domain::accounts::role::Role;

use crate::browser::{Browser, fill, find, press, sign_in, text, until};
use crate::harness::{self, TestConsole, TestOptions};
use crate::layout::take_screenshot;

#[sqlx::test]
async fn a_person_signs_in_sends_to_three_phones_and_watches_them_arrive(db: PgPool) {
    let options = TestOptions { receipt_after: Duration::from_secs(8), ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    console.account("operator", Role::Operator).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    // The browser asks for English; Chinese is chosen on the page.
    for (n, language) in ["en", "zh-CN"].into_iter().enumerate() {
        let (waiting, delivered, failed) = match language {
            "en" => ("Awaiting receipt", "Delivered", "Failed"),
            _ => ("等待回执", "已送达", "失败"),
        };
        if n == 0 {
            sign_in(driver, &console, "/p/default/send").await;
        } else {
            driver.goto(format!("http://{}/p/default/send", console.address)).await.unwrap();
            press(driver, "button[name=lang]").await;
            find(driver, By::Css("html[lang=zh-CN]")).await;
        }
        // Choosing a template shows its fields.
        let template = "//select[@id='template']/option[contains(., '登录验证码')]";
        find(driver, By::XPath(template)).await.click().await.unwrap();
        find(driver, By::Css("#p2")).await;
        fill(driver, "#p1", &format!("431{n}")).await;
        fill(driver, "#p2", "5").await;
        fill(driver, "#phones", "18500001234, +86 185 0000 0001\n185-0000-1235").await;
        // The preview is updated while typing.
        harness::until("the preview is updated", async || {
            text(driver, "#preview .bubble").await.contains(&format!("431{n}"))
        })
        .await;
        assert!(text(driver, "#preview .bubble").await.contains("【云帆书店】"));
        press(driver, "form.form button.act").await;
        assert!(text(driver, ".steps [aria-current]").await.chars().count() > 1);
        press(driver, "button[name=confirm]").await;
        let states = ".messages tbody .status";
        until(driver, states, &[waiting, waiting, waiting]).await;
        until(driver, states, &[delivered, failed, delivered]).await;
        if let Ok(folder) = std::env::var("USMS_SCREENSHOTS") {
            std::fs::create_dir_all(&folder).unwrap();
            take_screenshot(&browser, Path::new(&folder), &format!("sent-{language}"), 1440).await;
        }
        let session = find(driver, By::Css(".messages tbody td:last-child a")).await;
        let receipts = session.prop("href").await.unwrap().unwrap();
        driver.goto(&receipts).await.unwrap();
        find(driver, By::Css(".messages tbody tr")).await;
        assert_eq!(driver.find_all(By::Css(".messages tbody tr")).await.unwrap().len(), 3);
        assert_eq!(driver.current_url().await.unwrap().as_str(), receipts);
    }
    assert_eq!(console.accepted().await, (6, 0));
    // The same again: no phone is left until the box is ticked, which redraws the numbers.
    driver.goto(format!("http://{}/p/default/send", console.address)).await.unwrap();
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
    assert_eq!(console.accepted().await, (7, 0));
    browser.close().await;
}

#[sqlx::test]
async fn a_list_is_uploaded_mapped_confirmed_and_sent_and_failed_messages_are_resent(db: PgPool) {
    let options = TestOptions { receipt_after: Duration::from_secs(8), ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    console.account("operator", Role::Operator).await;
    let browser = Browser::open().await;
    let driver = &browser.driver;
    browser.set_width(1440).await;
    // Two columns of numbers whose order only a person can know; two rows are rejected.
    let list = browser.folder.join("名单.csv");
    let rows = "手机号,有效,数字\n18500000100,5,1234\n18500000001,5,1235\n010-12345678,5,1\n\
        18500000102,5,1236\n18500000100,5,9\n";
    std::fs::create_dir_all(&browser.folder).unwrap();
    std::fs::write(&list, rows).unwrap();
    sign_in(driver, &console, "/p/default/batches/new").await;
    let template = "//select[@id='template']/option[contains(., '登录验证码')]";
    find(driver, By::XPath(template)).await.click().await.unwrap();
    find(driver, By::Css("#recipients")).await.send_keys(list.to_str().unwrap()).await.unwrap();
    press(driver, "form[data-upload] button.act").await;
    // The page of the import becomes the preview by itself.
    until(driver, "#verdict", &["3 messages can be sent; 2 rows rejected"]).await;
    assert!(text(driver, ".handset .bubble").await.contains("您的验证码是5，1234分钟内有效"));
    for (column, variable) in [(2, 2), (3, 1)] {
        let option = format!(
            "//form[@id='columns']//tbody/tr[{column}]//select/option[@value='{variable}']"
        );
        find(driver, By::XPath(&option)).await.click().await.unwrap();
    }
    // Columns that fit together are checked by themselves.
    let checked = "您的验证码是1234，5分钟内有效";
    harness::until("the columns are checked", async || {
        text(driver, ".handset .bubble").await.contains(checked)
    })
    .await;
    until(driver, "#verdict", &["3 messages can be sent; 2 rows rejected"]).await;
    press(driver, "button[name=confirm]").await;
    until(
        driver,
        ".messages tbody .status",
        &["Awaiting receipt", "Awaiting receipt", "Awaiting receipt"],
    )
    .await;
    let complete = ["Delivered", "Failed", "Delivered"];
    until(driver, ".messages tbody .status", &complete).await;
    assert!(text(driver, ".ledger").await.contains('3'));
    press(driver, ".head a[href$='/resend']").await;
    press(driver, "form.form button.act").await;
    until(driver, "#verdict", &["1 message can be sent; 0 rows rejected"]).await;
    press(driver, "button[name=confirm]").await;
    until(driver, ".messages tbody .status", &["Failed"]).await;
    assert_eq!(console.accepted().await, (4, 0));
    browser.close().await;
}
