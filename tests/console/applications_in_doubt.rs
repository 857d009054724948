//! Applications whose call got no response, and changes on the vendor's side.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;
use usms_console::sandbox::{Seeds, SignatureSeed, TemplateSeed};

use crate::harness::{TestConsole, TestOptions, until};
use crate::reviews::{
    apply_for_signature, apply_for_template, at_vendor, calls, filled_form, id_of, review, set,
    until_status, without_reviews,
};

const FORM: &str = "main form.form";

/// Makes the next call of `action` fail.
async fn fail_next(console: &TestConsole, action: &str, kind: &str) {
    console.fault(json!({ "action": action, "kind": kind })).await;
}

/// Waits until the vendor has received the call.
async fn until_called(console: &TestConsole, action: &str) {
    until("the call is in flight", async || calls(console, action).await == 1).await;
}

/// Makes the checks of all applications in doubt due now.
async fn check_now(db: &PgPool) {
    sqlx::query("update applications set next_check_at = now() where next_check_at is not null")
        .execute(db)
        .await
        .unwrap();
}

#[sqlx::test]
async fn a_signature_whose_application_got_no_response_is_found_by_its_content(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    fail_next(&console, "CreateUSMSSignature", "reset_after").await;
    let application = apply_for_signature(&operator, "云帆读书").await;
    assert!(application.contains("/applications/"), "{application}");
    let page = operator.get(&application).await;
    assert!(page.one("section.notice").contains("不确定是否已提交"), "{}", page.text);
    let list = operator.get("/p/default/signatures").await;
    assert!(list.one("section.notice").contains("云帆读书"));
    // The same signature is not submitted again before that is known.
    let values = [("content", "云帆读书"), ("description", "发货通知")];
    let fields = filled_form(&operator, "/p/default/signatures/new", &values).await;
    let files: [(&str, &str, &[u8]); 1] = [("certificate", "a.png", crate::reviews::PNG)];
    let back = operator.upload("/p/default/signatures/new", &fields, &files).await;
    assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(back.one("#errors").contains("待确认"), "{}", back.text);
    check_now(&db).await;
    let signature = loop {
        let page = operator.get("/p/default/signatures?q=云帆读书").await;
        if page.has(".list tbody tr") {
            break page.attr(".list th a", "href");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let page = operator.get(&signature).await;
    assert!(page.one(".story").contains("operator 提交申请"), "{}", page.text);
    assert!(page.has(".papers"), "its files are attached");
    assert_eq!(calls(&console, "CreateUSMSSignature").await, 1);
}

#[sqlx::test]
async fn an_application_that_did_not_arrive_is_submitted_again_with_all_its_input(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    fail_next(&console, "CreateUSMSSignature", "reset_before").await;
    let application = apply_for_signature(&operator, "云帆读书").await;
    let page = loop {
        check_now(&db).await;
        let page = operator.get(&application).await;
        if page.one("section.notice").contains("未提交到 UCloud") && page.has("a.act") {
            break page;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let again = operator.get(&page.attr("a.act", "href")).await;
    assert!(again.text.contains("执照.png"));
    let done = operator.upload("/p/default/signatures/new", &again.whole_form(FORM), &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert_eq!(at_vendor(&console, &id_of(&done.leads_to())).await["content"], "云帆读书");
}

#[sqlx::test]
async fn a_template_in_doubt_is_resolved_by_importing_it_or_giving_it_up(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let text = "您的订单{1}已发出。";
    fail_next(&console, "CreateUSMSTemplate", "reset_after").await;
    let application = apply_for_template(&operator, "发货提醒", text).await;
    let page = operator.get(&application).await;
    assert!(page.one("section.notice").contains("用模板 ID 导入"), "{}", page.text);
    let home = operator.get("/p/default/").await;
    assert!(home.one(".tasks").contains("发货提醒"), "the dashboard shows it");
    let all = console.admin(Method::GET, "reviews", json!(null)).await;
    let found =
        all["templates"].as_array().unwrap().iter().find(|template| template["text"] == text);
    let id = found.unwrap()["template_id"].as_str().unwrap().to_owned();
    let csrf = page.csrf();
    let imported =
        operator.post("/p/default/templates/import", &[("csrf", &csrf), ("ids", &id)]).await;
    assert_eq!(imported.status, StatusCode::OK);
    let page = operator.get(&format!("/p/default/templates/{id}")).await;
    assert!(page.one(".story").contains("operator 提交申请"), "{}", page.text);
    let page = operator.get(&application).await;
    assert!(page.one("section.notice").contains("已受理"));
    // The other case: it did not arrive.
    fail_next(&console, "CreateUSMSTemplate", "reset_before").await;
    let application = apply_for_template(&operator, "另一个", "您的{1}已受理。").await;
    let gave_up = operator.post(&application, &[("csrf", &csrf), ("decision", "give_up")]).await;
    assert_eq!(gave_up.status, StatusCode::SEE_OTHER);
    let page = operator.get(&application).await;
    let again = operator.get(&page.attr("section a.act", "href")).await;
    assert_eq!(again.one("#text").trim(), "您的{1}已受理。");
}

#[sqlx::test]
async fn a_change_without_a_response_is_checked_before_it_is_tried_again(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    for (kind, arrived) in [("reset_after", true), ("reset_before", false)] {
        let path = apply_for_template(&operator, "发货提醒", &format!("订单{{1}}{kind}。")).await;
        review(&console, &id_of(&path), 3, "不明确").await;
        until_status(&console, &operator, &path, "未通过").await;
        let edit = format!("{path}/edit");
        let fields =
            filled_form(&operator, &edit, &[("text", &format!("您的订单{{1}}{kind}。"))]).await;
        fail_next(&console, "UpdateUSMSTemplate", kind).await;
        let done = operator.upload(&edit, &fields, &[]).await;
        let application = done.leads_to();
        assert!(application.contains("/applications/"), "{kind}: {application}");
        let (status, resubmitted) =
            if arrived { ("待审核", true) } else { ("未通过", false) };
        until("the doubt is resolved", async || {
            check_now(&db).await;
            let page = operator.get(&application).await;
            !page.one("section.notice").contains("不确定")
        })
        .await;
        let page = until_status(&console, &operator, &path, status).await;
        assert_eq!(page.one(".story").contains("修改并重新提交"), resubmitted, "{kind}");
        if !arrived {
            let again = operator.get(&application).await.attr("section a.act", "href");
            let again = operator.get(&again).await;
            assert_eq!(again.one("#text").trim(), format!("您的订单{{1}}{kind}。"));
        }
    }
}

#[sqlx::test]
async fn changes_on_the_vendors_side_are_noticed_and_shown(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let path = apply_for_template(&operator, "发货提醒", "您的订单{1}已发出。").await;
    let id = id_of(&path);
    review(&console, &id, 3, "先驳回").await;
    until_status(&console, &operator, &path, "未通过").await;
    // At the vendor it is approved after it was rejected, then edited, then deleted.
    review(&console, &id, 2, "").await;
    let refreshed = async || {
        let csrf = operator.get(&path).await.csrf();
        operator.post(&format!("{path}/refresh"), &[("csrf", &csrf)]).await;
        operator.get(&path).await
    };
    assert_eq!(refreshed().await.one(".head .status"), "已通过");
    let edited = Seeds {
        templates: vec![TemplateSeed {
            template_id: id.clone(),
            name: "发货提醒".to_owned(),
            text: "订单{1}已发出。".to_owned(),
            ..TemplateSeed::default()
        }],
        ..Seeds::default()
    };
    console.sandbox.seed(edited);
    let page = refreshed().await;
    assert!(page.one(".story").contains("在 UCloud 侧修改"), "{}", page.text);
    assert!(page.one(".story").contains("修改前：您的订单{1}已发出。"));
    let keys = usms_console::ops::credentials::of(&console.app, console.project).await.unwrap();
    console.app.usms.delete_templates(&keys, &[&id]).await.unwrap();
    sqlx::query("update sms_templates set next_check_at = now()").execute(&db).await.unwrap();
    let page = until_status(&console, &operator, &path, "UCloud 无记录").await;
    assert!(page.one(".story").contains("UCloud 已无此记录"));
    assert!(
        !operator.get("/p/default/send").await.text.contains("发货提醒"),
        "it cannot be chosen"
    );
    let home = operator.get("/p/default/").await;
    assert!(home.one(".tasks").contains("UCloud 已无模板“发货提醒”的记录"), "{}", home.text);
}

#[sqlx::test]
async fn a_response_with_fewer_fields_erases_nothing(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    console.fault(json!({"action": "QueryUSMSTemplate", "kind": "fewer_fields", "times": 0})).await;
    let path = "/p/default/templates/UTM0001";
    let csrf = operator.get(path).await.csrf();
    let done = operator.post(&format!("{path}/refresh"), &[("csrf", &csrf)]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let page = operator.get(path).await;
    assert_eq!((page.one("h1").as_str(), page.one(".head .status").as_str()), ("新书", "已通过"));
    assert!(page.one(".exact").contains("拒收请回复R"), "{}", page.text);
}

#[sqlx::test]
async fn ret_codes_18016_and_18017_trigger_a_check_of_the_review_status(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    review(&console, "UTA0001", 4, "").await;
    let batch = operator.send("登录验证码", &["4312", "5"], "18500001234").await;
    console.until_complete(&operator, &batch).await;
    until_status(&console, &operator, "/p/default/templates/UTA0001", "已停用").await;
    review(&console, "SIG0001", 4, "").await;
    let calls_before = calls(&console, "QueryUSMSSignature").await;
    console
        .fault(json!({"action": "SendUSMSMessage", "kind": "ret_code", "ret_code": 18016}))
        .await;
    review(&console, "UTA0001", 2, "").await;
    let csrf = operator.get("/p/default/templates").await.csrf();
    operator.post("/p/default/templates/UTA0001/refresh", &[("csrf", &csrf)]).await;
    let batch = operator.send("登录验证码", &["4313", "5"], "18500001234").await;
    console.until_complete(&operator, &batch).await;
    until_status(&console, &operator, "/p/default/signatures/SIG0001", "已停用").await;
    assert!(calls(&console, "QueryUSMSSignature").await > calls_before);
}

#[sqlx::test]
async fn processes_never_check_the_same_item_at_once_and_respect_the_rate(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let signatures = (0..30).map(|n| SignatureSeed {
        sig_id: format!("SIGMANY{n:02}"),
        content: format!("云帆{n:02}"),
        status: 0,
        ..SignatureSeed::default()
    });
    console.sandbox.seed(Seeds { signatures: signatures.collect(), ..Seeds::default() });
    for n in 0..30 {
        let id = format!("SIGMANY{n:02}");
        usms_console::ops::review::look_up_signature(&console.app, console.project, &id, None)
            .await
            .unwrap();
    }
    // All are due once; the long interval keeps them from being due again.
    let mut app = console.app.clone();
    app.pace.review_poll = time::Duration::hours(1);
    app.pace.calls_per_second = 50;
    sqlx::query("update signatures set next_check_at = now()").execute(&db).await.unwrap();
    let before = calls(&console, "QueryUSMSSignature").await;
    let started = std::time::Instant::now();
    let processes = (0..4)
        .map(|_| async { while usms_console::ops::review::run_once(&app).await.unwrap() > 0 {} });
    futures_util::future::join_all(processes).await;
    // 30 under review and the approved one of the harness.
    assert_eq!(calls(&console, "QueryUSMSSignature").await - before, 31);
    assert!(
        started.elapsed() > Duration::from_millis(300),
        "50 calls a second, with a small burst"
    );
}

#[sqlx::test]
async fn an_application_is_submitted_even_if_the_person_leaves(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    console.fault(json!({"action": "CreateUSMSTemplate", "kind": "delay", "millis": 2_000})).await;
    let mut fields =
        filled_form(&operator, "/p/default/templates/new", &[("name", "发货提醒")]).await;
    set(&mut fields, "text", "您的订单{1}已发出。");
    let request = operator.upload("/p/default/templates/new", &fields, &[]);
    tokio::select! {
        page = request => panic!("the request ended: {}", page.status),
        () = until_called(&console, "CreateUSMSTemplate") => {}
    }
    console.until(&operator, "/p/default/templates?q=发货提醒", ".list tbody tr").await;
    assert_eq!(calls(&console, "CreateUSMSTemplate").await, 1);
}

#[sqlx::test]
async fn an_application_left_by_a_dead_process_is_found_and_a_late_response_changes_nothing(
    db: PgPool,
) {
    let options = TestOptions {
        call_timeout: Duration::from_secs(10),
        review_after: Duration::from_secs(3_600),
        ..TestOptions::default()
    };
    let console = TestConsole::start_with(&db, options).await;
    let operator = console.operator().await;
    console.fault(json!({"action": "CreateUSMSSignature", "kind": "hang"})).await;
    let new = "/p/default/signatures/new";
    let values = [("content", "云帆读书"), ("description", "发货通知")];
    let fields = filled_form(&operator, new, &values).await;
    let files: [(&str, &str, &[u8]); 1] = [("certificate", "a.png", crate::reviews::PNG)];
    let request = operator.upload(new, &fields, &files);
    let found_again = async {
        until_called(&console, "CreateUSMSSignature").await;
        // As if the process had died long ago.
        let expired = "update applications set lease_until = now() - interval '1 minute'";
        let n = sqlx::query(expired).execute(&db).await.unwrap().rows_affected();
        assert_eq!(n, 1);
        loop {
            check_now(&db).await;
            let page = operator.get("/p/default/signatures?q=云帆读书").await;
            if page.has(".list tbody tr") {
                return page.attr(".list th a", "href");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (landed, signature) = futures_util::join!(request, found_again);
    // The call itself got no response, after the doubt had been resolved.
    assert_eq!(landed.status, StatusCode::SEE_OTHER);
    let page = operator.get(&signature).await;
    assert_eq!(page.all(".story li > span"), ["operator 提交申请"]);
    let application = operator.get(&landed.leads_to()).await;
    assert!(application.one("section.notice").contains("已受理"), "{}", application.text);
    assert_eq!(calls(&console, "CreateUSMSSignature").await, 1);
}

#[sqlx::test]
async fn every_status_may_follow_every_other_and_stays_in_the_timeline(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let operator = console.operator().await;
    let path = "/p/default/templates/UTA0001";
    let csrf = operator.get(path).await.csrf();
    let labels = ["待审核", "审核中", "已通过", "未通过", "已停用"];
    // A walk over all pairs of different statuses, each once.
    let mut walk = vec![2];
    let mut left: Vec<(u8, u8)> =
        (0..5).flat_map(|a| (0..5).map(move |b| (a, b))).filter(|(a, b)| a != b).collect();
    while !left.is_empty() {
        let at = *walk.last().unwrap();
        let next = left.iter().position(|(a, _)| *a == at).unwrap_or(0);
        let (from, to) = left.remove(next);
        if from != at {
            walk.push(from);
        }
        walk.push(to);
    }
    for status in &walk[1..] {
        let reason = if *status == 3 { "不明确" } else { "" };
        review(&console, "UTA0001", *status, reason).await;
        operator.post(&format!("{path}/refresh"), &[("csrf", &csrf)]).await;
        let page = operator.get(path).await;
        assert_eq!(page.one(".head .status"), labels[usize::from(*status)]);
    }
    let timeline = operator.get(path).await.all(".story li > span");
    let expected: Vec<&str> = walk[1..].iter().map(|status| labels[usize::from(*status)]).collect();
    assert_eq!(timeline[1..], expected);
}

#[sqlx::test]
async fn a_fixed_signature_that_did_not_arrive_is_resubmitted_with_its_changes(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let path = apply_for_signature(&operator, "云帆读书").await;
    review(&console, &id_of(&path), 3, "不清晰").await;
    until_status(&console, &operator, &path, "未通过").await;
    let edit = format!("{path}/edit");
    let fields = filled_form(&operator, &edit, &[("content", "云帆读书会")]).await;
    fail_next(&console, "UpdateUSMSSignature", "reset_before").await;
    let files: [(&str, &str, &[u8]); 1] = [("certificate", "新执照.png", crate::reviews::PNG)];
    let application = operator.upload(&edit, &fields, &files).await.leads_to();
    let csrf = operator.get(&application).await.csrf();
    operator.post(&application, &[("csrf", &csrf), ("decision", "give_up")]).await;
    let again = operator.get(&application).await.attr("section a.act", "href");
    let again = operator.get(&again).await;
    assert_eq!(again.value("#content"), "云帆读书会");
    assert!(again.text.contains("新执照.png"));
}

#[sqlx::test]
async fn the_second_of_two_tabs_is_refused_and_keeps_its_input(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let path = apply_for_signature(&operator, "云帆读书").await;
    review(&console, &id_of(&path), 3, "不清晰").await;
    until_status(&console, &operator, &path, "未通过").await;
    let edit = format!("{path}/edit");
    let first = filled_form(&operator, &edit, &[("content", "云帆读书会")]).await;
    let second = filled_form(&operator, &edit, &[("content", "云帆书友会")]).await;
    assert_eq!(operator.upload(&edit, &first, &[]).await.status, StatusCode::SEE_OTHER);
    let refused = operator.upload(&edit, &second, &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.one("section.notice").contains("正在等待审核"), "{}", refused.text);
    assert!(refused.one("dl.facts").contains("云帆书友会"));
    assert_eq!(at_vendor(&console, &id_of(&path)).await["content"], "云帆读书会");
    assert_eq!(calls(&console, "UpdateUSMSSignature").await, 1);
}
