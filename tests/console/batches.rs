//! Batches from lists: sent to each phone once, with what the vendor refused, and resent to those
//! that failed.

use reqwest::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::harness::{CODE, NOTICE, TestConsole, TestOptions, assert_sound};

fn list(n: usize) -> Vec<u8> {
    let rows = (0..n).map(|n| format!("1850{:07},{n},5\n", 1_000 + n));
    rows.collect::<String>().into_bytes()
}

/// Returns the entries of the ledger: the label and number of each.
fn ledger(page: &crate::harness::Page) -> Vec<(String, String)> {
    page.all(".ledger dt").into_iter().zip(page.all(".ledger dd")).collect()
}

fn entry(label: &str, n: &str) -> (String, String) {
    (label.to_owned(), n.to_owned())
}

#[sqlx::test]
async fn a_list_is_sent_in_calls_of_two_hundred_and_each_phone_is_accepted_once(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    // The last four digits decide at the sandbox: two fail, the last is refused.
    let mut file = list(450);
    file.extend(b"18509990001,x,5\n18509990002,y,5\n18509990099,z,5\n");
    let preview = operator.upload_list(CODE, "a.csv", &file).await;
    let batch = operator.confirm_list(&preview, &[("name", "双十一")]).await;
    let page = console.until_complete(&operator, &batch).await;
    assert_eq!(page.one("h1"), "双十一");
    let delivered = entry("已送达", "450");
    assert!(ledger(&page).contains(&delivered), "{:?}", ledger(&page));
    assert!(ledger(&page).contains(&entry("失败", "2")));
    assert!(ledger(&page).contains(&entry("未受理", "1")));
    let counts = console.admin(reqwest::Method::GET, "counts", json!(null)).await;
    assert_eq!(counts["by_action"]["SendBatchUSMSMessage"], 3, "{counts}");
    assert_eq!(console.accepted().await, (452, 0));
    let rows: i64 = sqlx::query_scalar("select count(*) from recipients where verdict = 'ready'")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(rows, 0, "a recipient that became a message is deleted");
    assert_sound(&console.app.db).await;
    let file = operator.get(&format!("{batch}/messages.csv")).await;
    assert_eq!(file.text.lines().count(), 454);
    assert!(file.text.contains(",\"18509990001\",\"failed\","), "{}", file.text);
    assert!(file.text.contains(",\"18509990099\",\"refused\","));
    let only = operator.get(&format!("{batch}/messages.csv?state=failed")).await;
    assert_eq!(only.text.lines().count(), 3);
    let viewer = console.viewer().await;
    let masked = viewer.get(&format!("{batch}/messages.csv")).await;
    assert!(masked.text.contains("185****0001") && !masked.text.contains("18509990001"));
}

#[sqlx::test]
async fn a_list_with_the_same_text_is_sent_in_calls_of_a_thousand(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let file: String = (0..1_500).map(|n| format!("1850{:07},1234,5\n", 1_000 + n)).collect();
    let preview = operator.upload_list(CODE, "a.csv", file.as_bytes()).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &batch).await;
    let counts = console.admin(reqwest::Method::GET, "counts", json!(null)).await;
    assert_eq!(counts["by_action"]["SendUSMSMessage"], 2, "{counts}");
    assert_eq!(console.accepted().await, (1_500, 0));
    assert_sound(&console.app.db).await;
}

#[sqlx::test]
async fn only_failed_messages_are_resent(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let file = b"18509990001,a,5\n18509990002,'=b,5\n18509991234,c,5\n18509990006,d,5\n";
    let preview = operator.upload_list(NOTICE, "a.csv", file).await;
    let first = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &first).await;
    let form = operator.get(&format!("{first}/resend")).await;
    let mut fields = form.whole_form("main form.form");
    fields.push(("cause".to_owned(), "frequency".to_owned()));
    let answer = operator.post_owned(&format!("{first}/resend"), &fields).await;
    let twice = operator.post_owned(&format!("{first}/resend"), &fields).await;
    assert_eq!(answer.leads_to(), twice.leads_to(), "a double click makes one draft");
    let page = operator.until_imported(&answer.leads_to()).await;
    assert_eq!(page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)"), ["2"]);
    assert!(page.all(".bubble").iter().any(|text| text.contains("订单号是=b，")), "{}", page.text);
    let second = operator.confirm_list(&answer.leads_to(), &[]).await;
    let page = console.until_complete(&operator, &second).await;
    assert!(page.has(&format!("a[href='{first}']")), "{}", page.text);
    assert!(operator.get(&first).await.has(&format!("a[href='{second}']")));
    assert_eq!(console.accepted().await, (6, 0), "two more messages, each accepted once");
    // What was resent counts as sent: a third time is a repeat.
    let form = operator.get(&format!("{first}/resend")).await;
    let mut fields = form.whole_form("main form.form");
    fields.push(("which".to_owned(), "all".to_owned()));
    let answer = operator.post_owned(&format!("{first}/resend"), &fields).await;
    let page = operator.until_imported(&answer.leads_to()).await;
    let counts = page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)");
    assert_eq!(counts, ["1", "2"], "{}", page.text);
    assert_sound(&console.app.db).await;
}

#[sqlx::test]
async fn repeats_within_a_day_are_left_out_unless_the_person_insists(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let file = b"18509991001,a,5\n18509991002,b,5\n";
    let first = operator.upload_list(CODE, "a.csv", file).await;
    let second = operator.upload_list(CODE, "a.csv", file).await;
    let batch = operator.confirm_list(&first, &[]).await;
    console.until_complete(&operator, &batch).await;
    // The second preview is older than the first batch: it is made again before anything is sent.
    let back = operator.confirm_list(&second, &[]).await;
    assert_eq!(back, second);
    let page = operator.until_imported(&second).await;
    assert_eq!(page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)"), ["0", "2"]);
    assert!(!page.has("form#yes button[name=confirm]"), "there is no one to send to");
    let mut fields = page.whole_form("form#yes");
    fields.push(("again".to_owned(), "1".to_owned()));
    let page = operator.post_owned(&second.replace("/preview", "/confirm"), &fields).await;
    assert_eq!(page.value("form#yes input[name=checked]"), "2");
    let mut fields = page.whole_form("form#yes");
    fields.push(("confirm".to_owned(), "valid".to_owned()));
    let answer = operator.post_owned(&second.replace("/preview", "/confirm"), &fields).await;
    console.until_complete(&operator, &answer.leads_to()).await;
    assert_eq!(console.accepted().await.0, 4);
}

#[sqlx::test]
async fn a_preview_that_is_out_of_date_orders_nothing_and_says_what_has_changed(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", b"18500000100,5,1234\n").await;
    let confirm = preview.replace("/preview", "/confirm");
    let stale = operator.get(&preview).await;
    let mut columns = stale.whole_form("form#columns");
    columns.retain(|(name, _)| name != "column");
    columns.extend(["phone", "2", "1"].map(|used| ("column".to_owned(), used.to_owned())));
    operator.post_owned(&preview, &columns).await;
    operator.until_imported(&preview).await;
    let mut fields = stale.whole_form("form#yes");
    fields.push(("confirm".to_owned(), "valid".to_owned()));
    let answer = operator.post_owned(&confirm, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    assert!(answer.one("#errors").contains("列对应"), "{}", answer.text);
    let mut without = answer.whole_form("form#yes");
    without.retain(|(name, _)| name != "version");
    without.push(("confirm".to_owned(), "valid".to_owned()));
    let refused = operator.post_owned(&confirm, &without).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(console.accepted().await.0, 0);
    let batch = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &batch).await;
    assert_eq!(console.accepted().await, (1, 0));
}

#[sqlx::test]
async fn columns_that_were_changed_and_not_checked_cannot_be_sent_past(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", b"18500000100,5,1234\n").await;
    let confirm = preview.replace("/preview", "/confirm");
    let page = operator.get(&preview).await;
    assert_eq!(page.attr("form#columns select[name=column]", "form"), "yes");
    let mut fields = page.whole_form("form#yes");
    fields.extend(["phone", "2", "1"].map(|used| ("column".to_owned(), used.to_owned())));
    fields.push(("confirm".to_owned(), "valid".to_owned()));
    let answer = operator.post_owned(&confirm, &fields).await;
    assert_eq!(answer.leads_to(), preview, "{}", answer.text);
    let page = operator.until_imported(&preview).await;
    assert!(page.one(".bubble").contains("验证码是1234，5分钟"), "{}", page.text);
    assert_eq!(console.accepted().await.0, 0);
    // What the page shows is sent, with the columns among the fields as browsers post them.
    let mut fields = page.whole_form("form#yes");
    fields.extend(["phone", "2", "1"].map(|used| ("column".to_owned(), used.to_owned())));
    fields.push(("confirm".to_owned(), "valid".to_owned()));
    let answer = operator.post_owned(&confirm, &fields).await;
    console.until_complete(&operator, &answer.leads_to()).await;
    assert_eq!(console.accepted().await, (1, 0));
}

#[sqlx::test]
async fn a_text_that_was_changed_since_the_preview_is_checked_before_it_is_sent(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", b"18500000100,1234,5\n").await;
    let page = operator.get(&preview).await;
    sqlx::query("update sms_templates set text = '新的文本{1}，{2}'").execute(&db).await.unwrap();
    let mut fields = page.whole_form("form#yes");
    fields.push(("confirm".to_owned(), "valid".to_owned()));
    let answer = operator.post_owned(&preview.replace("/preview", "/confirm"), &fields).await;
    assert_eq!(answer.leads_to(), preview, "{}", answer.text);
    let page = operator.until_imported(&preview).await;
    assert!(page.one(".bubble").contains("新的文本1234，5"), "{}", page.text);
    assert_eq!(console.accepted().await.0, 0);
}

#[sqlx::test]
async fn confirming_again_in_another_tab_orders_nothing(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", &list(30)).await;
    let page = operator.get(&preview).await;
    let mut fields = page.whole_form("form#yes");
    fields.push(("confirm".to_owned(), "valid".to_owned()));
    let confirm = preview.replace("/preview", "/confirm");
    let presses = (0..6).map(|_| operator.post_owned(&confirm, &fields));
    let answers = futures_util::future::join_all(presses).await;
    for answer in answers {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    }
    let batch = preview.replace("/preview", "");
    console.until_complete(&operator, &batch).await;
    assert_eq!(console.accepted().await, (30, 0));
    let page = operator.get(&preview).await;
    assert_eq!(page.leads_to(), batch, "a confirmed draft leads to its batch");
}

#[sqlx::test]
async fn a_call_that_was_cut_off_is_in_doubt_until_receipts_of_its_phones_resolve_it(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    console
        .fault(json!({ "action": "SendBatchUSMSMessage", "kind": "reset_after", "times": 1 }))
        .await;
    let preview = operator.upload_list(CODE, "a.csv", &list(3)).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    let page = console.until_complete(&operator, &batch).await;
    assert!(ledger(&page).contains(&entry("已送达", "3")), "{:?}", ledger(&page));
    assert_eq!(console.accepted().await, (3, 0));
    assert_sound(&console.app.db).await;
}

#[sqlx::test]
async fn throttling_slows_sending_down_and_loses_nothing(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let fault = json!({ "action": "SendBatchUSMSMessage", "kind": "ret_code", "ret_code": 153, "times": 12 });
    console.fault(fault).await;
    let preview = operator.upload_list(CODE, "a.csv", &list(900)).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    let page = console.until_complete(&operator, &batch).await;
    assert!(ledger(&page).contains(&entry("已送达", "900")), "{:?}", ledger(&page));
    assert_eq!(console.accepted().await, (900, 0));
    let slow: f64 = sqlx::query_scalar("select slow from call_slots").fetch_one(&db).await.unwrap();
    assert!(slow > 1.5, "{slow}");
    assert_sound(&console.app.db).await;
}

#[sqlx::test]
async fn a_template_that_is_no_longer_approved_pauses_the_batch_until_it_is_resumed(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let fault =
        json!({ "action": "SendUSMSMessage", "kind": "ret_code", "ret_code": 18017, "times": 1 });
    console.fault(fault).await;
    let file: String = (0..2_000).map(|n| format!("1850{:07},1,5\n", 1_000 + n)).collect();
    let preview = operator.upload_list(CODE, "a.csv", file.as_bytes()).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    let page = console.until(&operator, &batch, "form[action$=resume]").await;
    assert!(page.text.contains("18017") && page.text.contains("UCloud 拒绝了签名或模板"));
    operator.resume(&batch).await;
    console.until_complete(&operator, &batch).await;
    assert_eq!(console.accepted().await, (2_000, 0));
    assert_sound(&console.app.db).await;
}

#[sqlx::test]
async fn an_older_page_of_batches_leads_back_to_the_newest(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let operator = console.operator().await;
    operator.send(CODE, &["4310", "5"], "18500001234").await;
    let newest = operator.send(CODE, &["4311", "5"], "18500001235").await;
    let id = newest.rsplit('/').next().unwrap();
    assert!(!operator.get("/p/default/batches").await.has(".paging"));
    let older = operator.get(&format!("/p/default/batches?before={id}")).await;
    assert_eq!(older.all(".batches tbody tr").len(), 1);
    let back = operator.get(&older.attr(".paging a", "href")).await;
    assert_eq!(back.all(".batches tbody tr").len(), 2);
}
