//! Lists of signatures and templates: filters, pages, import, deletion.

use reqwest::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;
use usms_console::sandbox::{Seeds, SignatureSeed, TemplateSeed};

use crate::harness::{CODE, TestClient, TestConsole, assert_sound};
use crate::reviews::{
    apply_for_signature, at_vendor, calls, id_of, review, until_status, without_reviews,
};

async fn import(client: &TestClient, what: &str, ids: &str) -> crate::harness::Page {
    let path = format!("/p/default/{what}/import");
    let csrf = client.get(&path).await.csrf();
    client.post(&path, &[("csrf", &csrf), ("ids", ids)]).await
}

#[sqlx::test]
async fn hundreds_are_imported_at_once_with_a_result_for_each(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let seed = |n: usize| TemplateSeed {
        template_id: format!("UTI{n:04}"),
        name: format!("导入{n:04}"),
        text: format!("第{n}号通知，编号{{1}}。"),
        status: (n % 5) as u8,
        err_desc: if n % 5 == 3 { "不通过".to_owned() } else { String::new() },
        ..TemplateSeed::default()
    };
    let templates = (0..300).map(seed).collect();
    console.sandbox.seed(Seeds { templates, ..Seeds::default() });
    let mut ids: Vec<String> = (0..300).map(|n| format!("UTI{n:04}")).collect();
    ids.push("UTI9999".to_owned());
    let page = import(&operator, "templates", &ids.join("\n")).await;
    assert_eq!(page.all(".list tbody tr").len(), 301);
    assert_eq!(
        page.one("#ids").trim(),
        "UTI9999",
        "an id that was not found stays to be corrected"
    );
    let list = operator.get("/p/default/templates").await;
    assert_sound(&db).await;
    // With the two of the harness.
    let tabs = list.all(".tabs a");
    assert_eq!(tabs, ["全部302", "未通过60", "待审核60", "审核中60", "已通过62", "已停用60"]);
    // Each page starts where the last one ended, and each template is shown once.
    let mut seen = Vec::new();
    let mut path = "/p/default/templates?review=approved".to_owned();
    loop {
        let page = operator.get(&path).await;
        seen.extend(page.all(".list th code"));
        if !page.has("a[rel=next]") {
            break;
        }
        path = page.attr("a[rel=next]", "href");
    }
    assert_eq!(seen.len(), 62);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 62);
    for (query, n) in [
        ("q=导入0007", 1),
        ("q=uti000", 10),
        ("q=第12号", 1),
        ("q=%00%27%3B--", 0),
        ("purpose=marketing", 1),
        ("purpose=2&review=rejected&q=导入01", 20),
        ("international=true", 0),
        ("review=rubbish&after=rubbish&q=导入0299", 1),
    ] {
        let page = operator.get(&format!("/p/default/templates?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert_eq!(page.all(".list tbody tr").len(), n, "{query}");
    }
    let signatures = import(&operator, "signatures", "【云帆书店】, SIG0001, 没有这个").await;
    assert_eq!(signatures.all(".list tbody tr .good").len(), 2);
    assert_eq!(signatures.all(".list tbody tr .bad").len(), 1);
}

#[sqlx::test]
async fn one_or_all_are_refreshed(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    review(&console, "SIG0001", 4, "").await;
    let list = operator.get("/p/default/signatures").await;
    let csrf = list.csrf();
    let done = operator.post("/p/default/signatures/refresh", &[("csrf", &csrf)]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    until_status(&console, &operator, "/p/default/signatures/SIG0001", "已停用").await;
    console.fault(json!({"action": "QueryUSMSSignature", "kind": "http_500"})).await;
    operator.post("/p/default/signatures/SIG0001/refresh", &[("csrf", &csrf)]).await;
    let page = operator.get("/p/default/signatures/SIG0001").await;
    assert!(page.one(".flash").contains("未响应"), "{}", page.one(".flash"));
    let unknown =
        operator.post("/p/default/signatures/SIGNOBODY/refresh", &[("csrf", &csrf)]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[sqlx::test]
async fn deletion_first_shows_what_depends_on_it_and_stays_in_the_timeline(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let mut fields = operator.send_fields(CODE, &["4312", "5"], "18500001234").await;
    let later = time::OffsetDateTime::now_utc() + time::Duration::hours(30);
    fields.push((
        "schedule_at".to_owned(),
        format!("{}T{:02}:{:02}", later.date(), later.hour(), later.minute()),
    ));
    let check = operator.post_owned("/p/default/send", &fields).await;
    fields.push(("confirm".to_owned(), "1".to_owned()));
    let sent = operator.post_owned("/p/default/send", &fields).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", check.text);
    let batch = sent.leads_to();
    let path = "/p/default/templates/UTA0001";
    let ask = operator.get(&format!("{path}/delete")).await;
    assert_eq!(ask.attr(".list td a", "href"), batch, "the scheduled batch is shown");
    let csrf = ask.csrf();
    // Without confirmation nothing is deleted.
    let asked = operator.post(&format!("{path}/delete"), &[("csrf", &csrf)]).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert_eq!(calls(&console, "DeleteUSMSTemplate").await, 0);
    let fields = [("csrf", csrf.as_str()), ("confirm", "1")];
    let done = operator.post(&format!("{path}/delete"), &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let page = operator.get(path).await;
    assert_eq!(page.one(".head .status"), "已删除");
    assert!(page.one(".story").contains("operator 删除"));
    assert!(operator.get(&batch).await.text.contains("登录验证码"), "old batches still show it");
    assert!(!operator.get("/p/default/templates").await.text.contains("UTA0001"));
    assert!(operator.get("/p/default/templates?review=deleted").await.text.contains("UTA0001"));
    assert!(!operator.get("/p/default/send").await.text.contains("登录验证码"));
}

#[sqlx::test]
async fn several_are_deleted_at_once_except_those_that_the_vendor_refuses(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let open = apply_for_signature(&operator, "云帆读书").await;
    let second = Seeds {
        signatures: vec![SignatureSeed {
            sig_id: "SIG0002".to_owned(),
            content: "青禾物流".to_owned(),
            ..SignatureSeed::default()
        }],
        ..Seeds::default()
    };
    console.sandbox.seed(second);
    import(&operator, "signatures", "SIG0002").await;
    let waiting = apply_for_signature(&operator, "云帆漫画").await;
    review(&console, &id_of(&open), 1, "").await;
    until_status(&console, &operator, &open, "审核中").await;
    let chosen = format!("id=SIG0001&id=SIG0002&id={}", id_of(&open));
    let ask = operator.get(&format!("/p/default/signatures/delete?{chosen}")).await;
    assert_eq!(ask.all(".list tbody tr").len(), 3);
    assert_eq!(ask.one("button[name=confirm]"), "删除 3 个");
    assert!(ask.one(".doubt").contains("审核期间"), "{}", ask.text);
    let csrf = ask.csrf();
    let mut fields = vec![("csrf", csrf.as_str()), ("confirm", "1"), ("id", "SIG0001")];
    let under_review = id_of(&open);
    fields.push(("id", &under_review));
    let waiting = id_of(&waiting);
    fields.push(("id", &waiting));
    let back = operator.post("/p/default/signatures/delete", &fields).await;
    assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(back.all(".list tbody tr").len(), 1, "the one in review is left");
    assert!(back.one(".error").contains("18003"), "{}", back.text);
    assert_eq!(back.value("input[name=id]"), under_review);
    assert_eq!(calls(&console, "DeleteUSMSSignature").await, 3);
    // The response is lost, the deletion is not.
    console.fault(json!({"action": "DeleteUSMSSignature", "kind": "reset_after"})).await;
    let fields = [("csrf", csrf.as_str()), ("confirm", "1"), ("id", "SIG0002")];
    let back = operator.post("/p/default/signatures/delete", &fields).await;
    assert!(back.one(".error").contains("可能已经删除"), "{}", back.text);
    let page = until_status(&console, &operator, "/p/default/signatures/SIG0002", "已删除");
    assert!(page.await.one(".story").contains("operator 删除"));
    assert_sound(&db).await;
    sqlx::query("update review_counts set n = n + 1 where status = 'approved' and gone")
        .execute(&db)
        .await
        .unwrap();
    let broken = usms_console::db::invariants::broken(&db).await.unwrap();
    assert_eq!(broken.review_counts, 1, "a wrong count is noticed");
    let nothing = operator.get("/p/default/signatures/delete").await;
    assert_eq!(nothing.status, StatusCode::SEE_OTHER);
}

#[sqlx::test]
async fn an_application_file_is_deleted_and_its_name_stays_on_the_page(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let path = apply_for_signature(&operator, "云帆读书").await;
    let file = operator.get(&path).await.attr(".papers a", "href");
    let csrf = operator.get(&path).await.csrf();
    let fields = [("csrf", csrf.as_str()), ("next", path.as_str())];
    let done = operator.post(&format!("{file}/delete"), &fields).await;
    assert_eq!(done.leads_to(), path);
    assert_eq!(operator.get(&file).await.status, StatusCode::NOT_FOUND);
    let page = operator.get(&path).await;
    assert!(page.one(".papers").contains("执照.png") && page.one(".papers").contains("已删除"));
    assert_eq!(at_vendor(&console, &id_of(&path)).await["content"], "云帆读书");
}

#[sqlx::test]
async fn the_list_shows_how_much_was_sent_with_each(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["4312", "5"], "18500001234\n18500001235").await;
    console.until_complete(&operator, &batch).await;
    let list = operator.get("/p/default/templates?q=登录").await;
    assert_eq!(list.one(".list td[data-label='近 30 天发送量']"), "2");
    let list = operator.get("/p/default/signatures").await;
    assert_eq!(list.one(".list td[data-label='近 30 天发送量']"), "2");
    assert_eq!(console.admin(Method::GET, "counts", json!(null)).await["taken"], 2);
}
