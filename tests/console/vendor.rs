//! A vendor that is slow, silent, refuses or responds with rubbish: what is concluded and shown.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;

use crate::harness::{CODE, MAX_WAIT, NOTICE, Page, TestClient, TestConsole, TestOptions};

async fn send_one(operator: &TestClient, phone: &str) -> String {
    operator.send(CODE, &["1234", "5"], phone).await
}

async fn state(page: &Page) -> String {
    page.one(".messages tbody .status")
}

#[sqlx::test]
async fn every_refusing_ret_code_is_explained_and_never_retried(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let codes = [18000, 18001, 18002, 18003, 18014, 18016, 18017, 18018, 18019, 18023, 18033];
    for (n, code) in codes.into_iter().enumerate() {
        let fault = json!({ "action": "SendUSMSMessage", "kind": "ret_code", "ret_code": code, "times": 1 });
        console.fault(fault).await;
        let batch = send_one(&operator, &format!("1850000{:04}", 1000 + n)).await;
        let page = console.until_complete(&operator, &batch).await;
        assert_eq!(state(&page).await, "未受理", "{code}");
        let message = page.one(".messages tbody td.text");
        assert!(message.contains(&code.to_string()) && message.chars().count() > 12, "{message}");
    }
    assert_eq!(console.accepted().await.0, 0);
}

#[sqlx::test]
async fn a_call_that_was_surely_not_accepted_is_retried_and_arrives_once(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    for (n, fault) in [
        json!({ "kind": "ret_code", "ret_code": 18004 }),
        json!({ "kind": "ret_code", "ret_code": 18007 }),
        json!({ "kind": "ret_code", "ret_code": 153 }),
        json!({ "kind": "ret_code", "ret_code": 150 }),
        json!({ "kind": "ret_code", "ret_code": 200 }),
    ]
    .into_iter()
    .enumerate()
    {
        let mut fault = fault;
        fault["action"] = json!("SendUSMSMessage");
        fault["times"] = json!(1);
        console.fault(fault).await;
        let batch = send_one(&operator, &format!("1850000{:04}", 1100 + n)).await;
        let page = console.until_complete(&operator, &batch).await;
        assert_eq!(state(&page).await, "已送达", "{n}");
    }
    assert_eq!(console.accepted().await, (5, 0));
}

#[sqlx::test]
async fn a_used_up_balance_or_refused_keys_pause_the_batch_with_the_reason(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let codes = [18013, 160, 161, 170, 171, 172, 173, 174, 180, 290, 291, 292, 293, 294, 295, 299];
    for code in codes {
        let fault = json!({ "action": "SendUSMSMessage", "kind": "ret_code", "ret_code": code, "times": 1 });
        console.fault(fault).await;
        let phone = format!("1850001{:04}", code % 10_000);
        let batch = send_one(&operator, &phone).await;
        let page = console.until(&operator, &batch, "form[action$=resume]").await;
        assert_eq!(state(&page).await, "排队中", "{code}");
        operator.resume(&batch).await;
        let page = console.until_complete(&operator, &batch).await;
        assert_eq!(state(&page).await, "已送达", "{code}");
    }
    assert_eq!(console.accepted().await, (16, 0));
}

#[sqlx::test]
async fn a_list_pauses_too_if_the_refusal_names_its_phones(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    for (n, code) in [18013, 171, 290, 299].into_iter().enumerate() {
        console
            .fault(json!({
                "action": "SendBatchUSMSMessage",
                "kind": "ret_code",
                "ret_code": code,
                "fail_content": true,
            }))
            .await;
        let rows = format!("1850000{n}001,李,5\n1850000{n}002,王,6\n");
        let preview = operator.upload_list(NOTICE, "a.csv", rows.as_bytes()).await;
        operator.until_imported(&preview).await;
        let batch = operator.confirm_list(&preview, &[]).await;
        console.until(&operator, &batch, "form[action$=resume]").await;
        operator.resume(&batch).await;
        let page = console.until_complete(&operator, &batch).await;
        assert!(!page.has("form[action$=resume]"), "{code}: {}", page.text);
    }
    assert_eq!(console.accepted().await, (8, 0), "all were sent, once");
}

#[sqlx::test]
async fn a_list_is_tried_again_if_the_gateway_names_its_phones(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let fault = json!({
        "action": "SendBatchUSMSMessage", "kind": "ret_code", "ret_code": 153, "fail_content": true,
    });
    console.fault(fault).await;
    let rows = "18500000001,李,5\n18500000002,王,6\n".as_bytes();
    let preview = operator.upload_list(NOTICE, "a.csv", rows).await;
    operator.until_imported(&preview).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &batch).await;
    assert_eq!(console.accepted().await, (2, 0));
}

#[sqlx::test]
async fn a_session_number_that_comes_with_a_code_keeps_both_and_shows_them(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    console.fault(json!({ "kind": "complaint", "ret_code": 18014 })).await;
    let batch = send_one(&operator, "18500001234").await;
    let page = console.until_complete(&operator, &batch).await;
    assert_eq!(state(&page).await, "已送达", "it was accepted");
    let problems = page.one("section[aria-labelledby=troubles] tbody");
    assert!(problems.contains("18014"), "{problems}");
    assert!(problems.contains("已受理，但 UCloud 提示：提交的部分手机号码无效"), "{problems}");
    let session = page.attr("a[href*='/receipts/']", "href");
    let receipts = operator.get_in("en", &session).await;
    let complaint = receipts.one("#complaint");
    assert!(complaint.contains("Accepted with RetCode 18014"), "{complaint}");
    assert!(complaint.contains("injected complaint: 18014"), "{complaint}");
    let other = send_one(&operator, "18500001235").await;
    let page = console.until_complete(&operator, &other).await;
    assert!(!page.has("#troubles"));
    let session = page.attr("a[href*='/receipts/']", "href");
    assert!(!operator.get(&session).await.has("#complaint"));
}

#[sqlx::test]
async fn an_empty_package_is_named_by_purpose_with_what_to_buy(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let fault = json!({ "action": "SendUSMSMessage", "kind": "ret_code", "ret_code": 18013 });
    console.fault(fault).await;
    let batch = send_one(&operator, "18500001234").await;
    let page = console.until(&operator, &batch, "form[action$=resume]").await;
    let notice = page.one("#live .notice.doubtful");
    assert!(notice.contains("已暂停：验证通知类短信余量不足"), "{notice}");
    assert!(notice.contains("购买验证通知类短信套餐包"), "{notice}");
    for (international, what) in [
        (false, "Paused: marketing package used up"),
        (true, "Paused: international package used up"),
    ] {
        sqlx::query("update batches set purpose = 'marketing', international = $1")
            .bind(international)
            .execute(&db)
            .await
            .unwrap();
        let notice = operator.get_in("en", &batch).await.one("#live .notice.doubtful");
        assert!(notice.contains(what) && notice.contains("money in the account"), "{notice}");
        assert_eq!(notice.contains("通用类"), !international, "general packages are domestic");
        let countries = notice.contains("for the countries of this batch under");
        assert_eq!(countries, international, "{notice}");
        let home = operator.get_in("en", "/p/default/").await;
        assert!(home.text.contains(what), "the home page says so too");
    }
}

#[sqlx::test]
async fn an_empty_package_abroad_is_named_by_country(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    for table in ["signatures", "sms_templates"] {
        let statement = format!("update {table} set international = true");
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&db).await.unwrap();
    }
    let operator = console.operator().await;
    let fault = json!({ "action": "SendUSMSMessage", "kind": "ret_code", "ret_code": 18013 });
    console.fault(fault).await;
    let batch = operator.send(NOTICE, &["1", "2"], "+60123456789\n+819012345678").await;
    let page = console.until(&operator, &batch, "form[action$=resume]").await;
    let notice = page.one("#live .notice.doubtful");
    assert!(notice.contains("购买马来西亚 +60、日本 +81的国际"), "{notice}");
}

#[sqlx::test]
async fn a_call_whose_response_was_lost_is_in_doubt_until_a_receipt_resolves_it(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    for (n, kind) in ["reset_after", "broken_json", "http_500", "html"].into_iter().enumerate() {
        console.fault(json!({ "action": "SendUSMSMessage", "kind": kind, "times": 1 })).await;
        let batch = send_one(&operator, &format!("1850000{:04}", 1200 + n)).await;
        let page = console.until_complete(&operator, &batch).await;
        assert_eq!(state(&page).await, "已送达", "{kind}");
    }
    assert_eq!(console.accepted().await, (4, 0));
}

#[sqlx::test]
async fn an_unanswered_call_stays_in_doubt_until_a_person_decides(db: PgPool) {
    let options = TestOptions { call_timeout: Duration::from_secs(3), ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    let operator = console.operator().await;
    let hang = json!({ "action": "SendUSMSMessage", "kind": "hang", "taken": false, "times": 2 });
    console.fault(hang).await;
    let batch = send_one(&operator, "18500001234").await;
    let page = console.until(&operator, &batch, "a[href$='in-doubt']").await;
    assert_eq!(state(&page).await, "待确认");
    let doubt = operator.get_in("en", &format!("{batch}/in-doubt")).await;
    assert_eq!(doubt.one("tbody td.text"), "UCloud did not respond in time");
    let doubt = operator.get_in("zh-CN", &format!("{batch}/in-doubt")).await;
    assert_eq!(doubt.one("tbody td.text"), "等待响应超时");
    let fields = [
        ("csrf", doubt.csrf()),
        ("submission", doubt.value("input[name=submission]")),
        ("decision", "treat_as_sent".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let decided = operator.post_owned(&format!("{batch}/in-doubt"), &fields).await;
    assert_eq!(decided.leads_to(), batch);
    assert_eq!(state(&operator.get(&batch).await).await, "等待回执");

    let second = send_one(&operator, "18500001235").await;
    let page = console.until(&operator, &second, "a[href$='in-doubt']").await;
    assert!(page.has(".notice.doubtful"));
    let doubt = operator.get(&format!("{second}/in-doubt")).await;
    let again = [
        ("csrf", doubt.csrf()),
        ("submission", doubt.value("input[name=submission]")),
        ("decision", "send_again".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let ask = operator.post_owned(&format!("{second}/in-doubt"), &again).await;
    assert!(ask.has("button[name=confirm]"), "it asks for confirmation");
    assert_eq!(console.accepted().await.0, 0);
    let confirmed = ask.form_fields("confirm");
    operator.post_owned(&format!("{second}/in-doubt"), &confirmed).await;
    let page = console.until_complete(&operator, &second).await;
    assert_eq!(state(&page).await, "已送达");
    assert_eq!(console.accepted().await, (1, 0));
    let audited_actions: Vec<String> =
        sqlx::query_scalar("select action from audit_log where action like 'doubt%' order by id")
            .fetch_all(&console.app.db)
            .await
            .unwrap();
    assert_eq!(audited_actions, ["doubt_treated_as_sent", "doubt_sent_again"]);
}

#[sqlx::test]
async fn a_gateways_status_is_named_and_one_decision_covers_all_submissions_of_that_cause(
    db: PgPool,
) {
    let console =
        TestConsole::start_with(&db, TestOptions { pushes: false, ..TestOptions::default() }).await;
    let operator = console.operator().await;
    for (status, times) in [(503, 22), (429, 2)] {
        let fault = json!({
            "action": "SendBatchUSMSMessage", "kind": "http_status", "status": status,
            "taken": false, "times": times,
        });
        console.fault(fault).await;
    }
    let rows: String = (0..4_800).map(|n| format!("1850001{n:04},{n},5\n")).collect();
    let preview = operator.upload_list(CODE, "a.csv", rows.as_bytes()).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    let open = "select count(*) from submissions where state <> 'in_doubt'";
    let in_doubt = "select count(*) from submissions where state = 'in_doubt'";
    let count = async |sql: &'static str| -> i64 {
        sqlx::query_scalar(sql).fetch_one(&console.app.db).await.unwrap()
    };
    crate::harness::until("all calls are in doubt", async || {
        count(in_doubt).await == 24 && count(open).await == 0
    })
    .await;
    let path = format!("{batch}/in-doubt");
    for (language, named) in
        [("zh-CN", "网关返回 HTTP 503"), ("en", "The gateway answered HTTP 503")]
    {
        let page = operator.get_in(language, &path).await;
        assert!(page.one("tbody td.text").contains(named), "{}", page.text);
        let causes = page.all("form.cause");
        assert_eq!(causes.len(), 2, "{causes:?}");
        assert!(causes[0].contains(named) && causes[0].contains("22"), "{causes:?}");
        assert!(causes[1].contains("429") && causes[1].contains('2'), "{causes:?}");
    }
    let page = operator.get(&path).await;
    let mut fields = page.whole_form("form.cause:first-of-type");
    fields.push(("decision".to_owned(), "treat_as_sent".to_owned()));
    assert!(operator.post_owned(&path, &fields).await.status.is_redirection());
    assert_eq!(count(in_doubt).await, 2, "the other cause is not decided");
    let page = operator.get(&path).await;
    assert!(page.one("form.cause").contains("429"), "{}", page.text);
    let mut fields = page.whole_form("form.cause");
    fields.push(("decision".to_owned(), "send_again".to_owned()));
    let ask = operator.post_owned(&path, &fields).await;
    assert!(ask.one("h1").contains('2'), "{}", ask.text);
    assert!(ask.one("#reasons").contains("429"), "it names the cause: {}", ask.text);
    assert_eq!(ask.one("button[name=confirm]"), "Send 400 messages again");
    assert_eq!(console.accepted().await.0, 0);
    operator.post_owned(&path, &ask.form_fields("confirm")).await;
    crate::harness::until("both are sent", async || console.accepted().await == (400, 0)).await;
    let audited = "select count(*) from audit_log where action = 'doubt_treated_as_sent'";
    assert_eq!(count(audited).await, 22);
}

#[sqlx::test]
async fn a_connection_cut_before_anything_was_accepted_is_still_in_doubt(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { pushes: false, ..TestOptions::default() }).await;
    let operator = console.operator().await;
    console.fault(json!({ "action": "SendUSMSMessage", "kind": "reset_before", "times": 1 })).await;
    let batch = send_one(&operator, "18500001234").await;
    let page = console.until(&operator, &batch, "a[href$='in-doubt']").await;
    assert_eq!(state(&page).await, "待确认", "it looks the same as a cut after accepting");
    assert_eq!(console.accepted().await.0, 0);
}

#[sqlx::test]
async fn the_console_waits_for_a_slow_vendor(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let slow = json!({ "action": "SendUSMSMessage", "kind": "delay", "millis": 1500, "times": 1 });
    console.fault(slow).await;
    let batch = send_one(&operator, "18500001234").await;
    assert_eq!(state(&console.until_complete(&operator, &batch).await).await, "已送达");
}

#[sqlx::test]
async fn without_pushes_receipts_are_polled(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { pushes: false, ..TestOptions::default() }).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234\n18500000003").await;
    let page = console.until_complete(&operator, &batch).await;
    assert_eq!(page.all(".messages tbody .status"), ["已送达", "失败"]);
    assert!(page.one(".messages tbody").contains("MLBLACK"));
}

#[sqlx::test]
async fn an_unknown_session_number_is_polled_shown_and_stored(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { pushes: false, ..TestOptions::default() }).await;
    let operator = console.operator().await;
    let keys = usms_console::ops::credentials::of(&console.app, console.project).await.unwrap();
    let phones = ["18500001234".to_owned()];
    let params = ["1".to_owned(), "5".to_owned()];
    let request = usms_console::usms::SendMessage {
        phones: &phones,
        template_id: "UTA0001",
        sig_content: "云帆书店",
        params: &params,
        user_id: "another-program",
    };
    let sent = console.app.usms.send_message(&keys, &request).await.unwrap();
    let receipts = format!("/p/default/receipts/{}", sent.session_no);
    // Its receipt takes some time, and an answer without it is remembered.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let csrf = operator.get(&receipts).await.csrf();
    operator.post(&receipts, &[("csrf", &csrf)]).await;
    let page = operator.get(&receipts).await;
    assert_eq!(page.all(".messages tbody .status"), ["已送达"]);
    console.fault(json!({ "kind": "ret_code", "ret_code": 150, "times": 0 })).await;
    assert_eq!(operator.get(&receipts).await.all(".messages tbody .status"), ["已送达"]);
    let path = "/p/default/receipts/nobody-knows-this";
    operator.post(path, &[("csrf", &csrf)]).await;
    let unknown = operator.get(path).await;
    assert_eq!(unknown.status, StatusCode::OK);
    assert!(unknown.one(".brackets h2").contains("UCloud"), "{}", unknown.text);
    console.admin(Method::DELETE, "faults", serde_json::Value::Null).await;
}

#[sqlx::test]
async fn an_unreachable_vendor_proves_that_nothing_was_sent(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let keys = usms_console::ops::credentials::of(&console.app, console.project).await.unwrap();
    for url in ["http://127.0.0.1:9", &console.sandbox.url().replace("http://", "https://")] {
        let client = usms_console::usms::Client::new(url, MAX_WAIT).unwrap();
        let error = client.query_template(&keys, "UTA0001").await.unwrap_err();
        assert!(matches!(error, usms_console::usms::CallError::NotSent { .. }), "{url}: {error}");
    }
}
