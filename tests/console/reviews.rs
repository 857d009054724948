//! From the application to the approval, and back after a rejection.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{Page, TestClient, TestConsole, TestOptions, eventually};

pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnot much of a picture";
pub const PDF: &[u8] = b"%PDF-1.7 a letter";
const FORM: &str = "main form.form";

/// A console whose sandbox reviews nothing by itself.
pub async fn without_reviews(db: &PgPool) -> TestConsole {
    let options =
        TestOptions { review_after: Duration::from_secs(3_600), ..TestOptions::default() };
    TestConsole::start_with(db, options).await
}

/// Sets the review status at the vendor.
pub async fn review(console: &TestConsole, id: &str, status: u8, reason: &str) {
    let verdict = json!({ "id": id, "status": status, "err_desc": reason });
    console.admin(Method::POST, "review", verdict).await;
}

pub fn set(fields: &mut Vec<(String, String)>, name: &str, value: &str) {
    match fields.iter_mut().find(|(field, _)| field == name) {
        Some((_, old)) => *old = value.to_owned(),
        None => fields.push((name.to_owned(), value.to_owned())),
    }
}

/// Returns the fields of the form at `path`, with these values.
pub async fn filled_form(
    client: &TestClient,
    path: &str,
    values: &[(&str, &str)],
) -> Vec<(String, String)> {
    let page = client.get(path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let mut fields = page.whole_form(FORM);
    for (name, value) in values {
        set(&mut fields, name, value);
    }
    fields
}

/// Applies for a signature. Returns the path of its page.
pub async fn apply_for_signature(client: &TestClient, content: &str) -> String {
    let values = [("content", content), ("description", "发货通知")];
    let fields = filled_form(client, "/p/default/signatures/new", &values).await;
    let files = [("certificate", "执照.png", PNG)];
    let done = client.upload("/p/default/signatures/new", &fields, &files).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    done.leads_to()
}

/// Applies for a template. Returns the path of its page.
pub async fn apply_for_template(client: &TestClient, name: &str, text: &str) -> String {
    let values = [("name", name), ("text", text)];
    let fields = filled_form(client, "/p/default/templates/new", &values).await;
    let done = client.upload("/p/default/templates/new", &fields, &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    done.leads_to()
}

pub fn id_of(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}

/// Returns a signature or template as the sandbox has it.
pub async fn at_vendor(console: &TestConsole, id: &str) -> Value {
    let all = console.admin(Method::GET, "reviews", Value::Null).await;
    let mut both =
        all["signatures"].as_array().unwrap().iter().chain(all["templates"].as_array().unwrap());
    both.find(|item| item["sig_id"] == id || item["template_id"] == id)
        .unwrap_or_else(|| panic!("{id} is not at the vendor: {all}"))
        .clone()
}

/// Returns how often the sandbox was called with `action`.
pub async fn calls(console: &TestConsole, action: &str) -> i64 {
    let counts = console.admin(Method::GET, "counts", Value::Null).await;
    counts["by_action"][action].as_i64().unwrap_or(0)
}

/// Waits until the page shows this status.
pub async fn until_status(
    console: &TestConsole,
    client: &TestClient,
    path: &str,
    status: &str,
) -> Page {
    let shown = eventually(async || {
        let page = client.get(path).await;
        page.all(".head .status").iter().any(|text| text == status).then_some(page)
    });
    if let Some(page) = shown.await {
        return page;
    }
    let calls = console.admin(Method::GET, "counts", Value::Null).await;
    panic!("never {status}: {} {calls}", client.get(path).await.text);
}

#[sqlx::test]
async fn a_signature_is_applied_for_with_its_certificate_and_followed_to_its_approval(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let path = apply_for_signature(&operator, "云帆读书").await;
    let page = operator.get(&path).await;
    assert_eq!(page.one("h1"), "【云帆读书】");
    assert_eq!(page.one(".head .status"), "待审核");
    assert!(page.text.contains("执照.png") && page.one(".story").contains("operator 提交申请"));
    let submitted = at_vendor(&console, &id_of(&path)).await;
    assert_eq!(submitted["content"], "云帆读书");
    assert_eq!(submitted["application"]["file_bytes"], PNG.len());
    for (status, label) in [(1, "审核中"), (2, "已通过"), (4, "已停用")] {
        review(&console, &id_of(&path), status, "").await;
        if status == 4 {
            // Approved ones are checked daily, which a test does not wait for.
            let csrf = operator.get(&path).await.csrf();
            operator.post(&format!("{path}/refresh"), &[("csrf", &csrf)]).await;
        }
        until_status(&console, &operator, &path, label).await;
    }
    let timeline = operator.get(&path).await.all(".story li > span");
    assert_eq!(timeline, ["operator 提交申请", "审核中", "已通过", "已停用"]);
    let list = operator.get("/p/default/signatures").await;
    assert!(list.one(".list").contains("operator"), "the list shows who applied");
}

#[sqlx::test]
async fn an_invalid_application_comes_back_with_its_input_and_is_not_submitted(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let new = "/p/default/signatures/new";
    let values =
        [("content", "【云帆】"), ("description", ""), ("purpose", "1"), ("sig_type", "4")];
    let fields = filled_form(&operator, new, &values).await;
    let back = operator.upload(new, &fields, &[("certificate", "商标.png", PNG)]).await;
    assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY);
    let wrong: Vec<String> = back.all(".errors li a");
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert!(back.has("#content[aria-invalid=true]") && back.has("#proxy[aria-invalid=true]"));
    let mut again = back.whole_form(FORM);
    for (name, value) in [("content", "【云帆】"), ("sig_type", "4"), ("purpose", "1")] {
        assert!(again.contains(&(name.to_owned(), value.to_owned())), "{name}");
    }
    assert!(back.text.contains("商标.png"), "the file need not be chosen again");
    assert_eq!(calls(&console, "CreateUSMSSignature").await, 0);
    set(&mut again, "content", "云帆文化");
    set(&mut again, "description", "代云帆文化发送");
    let done = operator.upload(new, &again, &[("proxy", "委托书.pdf", PDF)]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let submitted = at_vendor(&console, &id_of(&done.leads_to())).await;
    assert_eq!(submitted["application"]["file_bytes"], PNG.len());
    assert_eq!(submitted["application"]["proxy_bytes"], PDF.len());
    assert_eq!(submitted["application"]["sig_type"], 4);
    assert_eq!(submitted["application"]["on_behalf"], true);
    // A letter of authority is not submitted with a signature of one's own.
    set(&mut again, "content", "云帆自己");
    set(&mut again, "purpose", "0");
    set(&mut again, "form_token", &uuid::Uuid::new_v4().to_string());
    let back = operator.upload(new, &again, &[("proxy", "委托书.pdf", PDF)]).await;
    let submitted = at_vendor(&console, &id_of(&back.leads_to())).await;
    assert_eq!(submitted["application"]["proxy_bytes"], Value::Null);
}

#[sqlx::test]
async fn warnings_are_shown_and_the_person_decides(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let new = "/p/default/signatures/new";
    let values = [("content", "云帆App"), ("description", "通知"), ("sig_type", "1")];
    let fields = filled_form(&operator, new, &values).await;
    let asked = operator.upload(new, &fields, &[("certificate", "a.png", PNG)]).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.one(".notice.doubtful").contains("2026-05-01"), "{}", asked.text);
    assert_eq!(calls(&console, "CreateUSMSSignature").await, 0);
    let mut confirmed = asked.whole_form(FORM);
    confirmed.push(("confirm".to_owned(), asked.attr("button[name=confirm]", "value")));
    // A new warning came up since: it was not confirmed.
    let mut other = confirmed.clone();
    set(&mut other, "content", "云帆·App");
    assert_eq!(operator.upload(new, &other, &[]).await.status, StatusCode::OK);
    assert_eq!(operator.upload(new, &confirmed, &[]).await.status, StatusCode::SEE_OTHER);
    let mut english = operator.get_in("en", new).await.whole_form(FORM);
    set(&mut english, "content", "");
    let back = operator.upload(new, &english, &[]).await;
    assert!(back.text.contains("Enter the signature"));
}

#[sqlx::test]
async fn hostile_files_are_recognized_by_their_first_bytes(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let new = "/p/default/signatures/new";
    let large = [PNG, &vec![0; 5 << 20]].concat();
    let hostile: [(&str, &[u8], &str); 3] = [
        ("logo.png", b"<script>alert(1)</script>", "不是 jpg、png 或 pdf"),
        ("large.png", &large, "超过 4 MB"),
        ("empty.pdf", b"", "空文件"),
    ];
    for (name, content, reason) in hostile {
        let values = [("content", "云帆读书"), ("description", "通知")];
        let fields = filled_form(&operator, new, &values).await;
        let back = operator.upload(new, &fields, &[("certificate", name, content)]).await;
        assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(
            back.one("#certificate-note").contains(reason),
            "{name}: {}",
            back.one("#certificate-note")
        );
    }
    assert_eq!(calls(&console, "CreateUSMSSignature").await, 0);
    // A file is a download, never shown in a page.
    let path = apply_for_signature(&operator, "云帆读书").await;
    let file = operator.get(&path).await.attr(".papers a", "href");
    let got = operator.get(&file).await;
    assert_eq!(got.headers["content-type"], "image/png");
    assert!(got.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    assert_eq!(got.bytes, PNG.len());
    let opened: i64 =
        sqlx::query_scalar("select count(*) from audit_log where action = 'file_opened'")
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!(opened, 1, "opening a certificate is audited");
    let sealed: Vec<u8> =
        sqlx::query_scalar("select sealed from files limit 1").fetch_one(&db).await.unwrap();
    assert!(!sealed.windows(4).any(|bytes| bytes == b"\x89PNG"), "stored encrypted");
}

#[sqlx::test]
async fn a_rejected_signature_is_fixed_in_the_form_it_was_submitted_with(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let path = apply_for_signature(&operator, "云帆读书").await;
    review(&console, &id_of(&path), 3, "证件不清晰").await;
    until_status(&console, &operator, &path, "未通过").await;
    let home = operator.get("/p/default/").await;
    assert!(home.one(".tasks").contains("证件不清晰"), "the dashboard shows what needs a person");
    let edit = operator.get(&format!("{path}/edit")).await;
    assert!(edit.one("#why").contains("证件不清晰"));
    assert!(edit.text.contains("执照.png"));
    let mut fields = edit.whole_form(FORM);
    assert!(fields.contains(&("content".to_owned(), "云帆读书".to_owned())));
    assert!(fields.contains(&("description".to_owned(), "发货通知".to_owned())));
    set(&mut fields, "content", "云帆读书会");
    let preview = operator.post_owned(&format!("{path}/preview"), &fields).await;
    assert_eq!(preview.one(".diff ins"), "会");
    let done = operator.upload(&format!("{path}/edit"), &fields, &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let submitted = at_vendor(&console, &id_of(&path)).await;
    assert_eq!(submitted["content"], "云帆读书会");
    assert_eq!(
        submitted["application"]["file_bytes"],
        PNG.len(),
        "the stored file is submitted again"
    );
    review(&console, &id_of(&path), 2, "").await;
    let page = until_status(&console, &operator, &path, "已通过").await;
    assert_eq!(
        page.all(".story li > span"),
        ["operator 提交申请", "未通过", "operator 修改并重新提交", "已通过"]
    );
    let applications = page_links(&page.html(), ".story small a");
    let second = operator.get(applications.last().unwrap()).await;
    assert_eq!(second.one(".diff ins"), "会", "the application shows what changed");
    let locked = operator.get(&format!("{path}/edit")).await;
    assert!(locked.one("section.notice").contains("不允许修改已通过审核的签名"));
    let refused =
        operator.upload(&format!("{path}/edit"), &locked_fields(&operator).await, &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(calls(&console, "UpdateUSMSSignature").await, 1);
}

async fn locked_fields(client: &TestClient) -> Vec<(String, String)> {
    let csrf = client.get("/p/default/signatures/new").await.csrf();
    vec![("csrf".to_owned(), csrf), ("content".to_owned(), "别的".to_owned())]
}

#[sqlx::test]
async fn a_template_is_written_checked_submitted_rejected_and_resubmitted(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let new = "/p/default/templates/new";
    let mut fields =
        filled_form(&operator, new, &[("name", "发货提醒"), ("text", "订单{1}由")]).await;
    // A button appends the next variable to the text, also without scripts.
    fields.push(("insert".to_owned(), "3".to_owned()));
    let inserted = operator.upload(new, &fields, &[]).await;
    assert_eq!(inserted.status, StatusCode::OK);
    assert_eq!(inserted.one("#text").trim(), "订单{1}由{3}");
    let back = operator.upload(new, &inserted.whole_form(FORM), &[]).await;
    assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(back.one("#text-note").contains("缺少 {2}"), "{}", back.one("#text-note"));
    let mut fields = back.whole_form(FORM);
    set(&mut fields, "text", "您的订单{1}由{2}发出。");
    fields.retain(|(name, _)| name != "instruction");
    for meaning in ["订单号", "快递公司"] {
        fields.push(("instruction".to_owned(), meaning.to_owned()));
    }
    let done = operator.upload(new, &fields, &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let path = done.leads_to();
    let submitted = at_vendor(&console, &id_of(&path)).await;
    assert_eq!(submitted["instruction"], "{1}订单号；{2}快递公司");
    review(&console, &id_of(&path), 3, "内容不明确").await;
    until_status(&console, &operator, &path, "未通过").await;
    let edit = operator.get(&format!("{path}/edit")).await;
    assert!(edit.one("#why").contains("内容不明确"));
    let mut fields = edit.whole_form(FORM);
    let meanings: Vec<&str> = fields
        .iter()
        .filter(|(name, _)| name == "instruction")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(meanings, ["订单号", "快递公司"]);
    // An unchanged text would not be reviewed, which the page warns of.
    let asked = operator.upload(&format!("{path}/edit"), &fields, &[]).await;
    assert!(asked.one(".notice.doubtful").contains("模板内容未变化"), "{}", asked.text);
    set(&mut fields, "text", "您的订单{1}已由{2}发出。");
    let preview = operator.post_owned(&format!("{path}/preview"), &fields).await;
    assert_eq!(preview.one(".diff ins"), "已");
    assert!(preview.one("[data-length]").contains("1 条"));
    let done = operator.upload(&format!("{path}/edit"), &fields, &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    review(&console, &id_of(&path), 2, "").await;
    until_status(&console, &operator, &path, "已通过").await;
    let batch = operator.send("发货提醒", &["YF1", "青禾"], "18500001234").await;
    console.until_complete(&operator, &batch).await;
    assert_eq!(console.accepted().await, (1, 0));
}

#[sqlx::test]
async fn renaming_an_approved_template_starts_no_review_and_changes_nothing_else(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let extras = "update sms_templates set remark = '给审核', instruction = '{1}验证码'";
    sqlx::query(extras).execute(&db).await.unwrap();
    let edit = "/p/default/templates/UTA0001/edit";
    let mut fields = filled_form(&operator, edit, &[("name", "登录码")]).await;
    let preview = operator.post_owned("/p/default/templates/UTA0001/preview", &fields).await;
    assert_eq!(preview.all(".diff").len(), 1, "only the name: {}", preview.text);
    let done = operator.upload(edit, &fields, &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let page = operator.get(&done.leads_to()).await;
    assert_eq!((page.one("h1").as_str(), page.one(".head .status").as_str()), ("登录码", "已通过"));
    assert!(page.one(".story").contains("修改了无需审核的内容"));
    let submitted = at_vendor(&console, "UTA0001").await;
    assert_eq!(
        (submitted["name"].as_str(), submitted["status"].as_i64()),
        (Some("登录码"), Some(2))
    );
    set(&mut fields, "text", "别的正文，验证码{1}，{2}");
    set(&mut fields, "form_token", &uuid::Uuid::new_v4().to_string());
    let refused = operator.upload(edit, &fields, &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(calls(&console, "UpdateUSMSTemplate").await, 1);
}

#[sqlx::test]
async fn a_double_click_a_reload_and_two_tabs_submit_once(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let new = "/p/default/templates/new";
    let fields =
        filled_form(&operator, new, &[("name", "发货提醒"), ("text", "订单{1}已发出。")]).await;
    let presses = (0..12).map(|_| operator.upload(new, &fields, &[]));
    for page in futures_util::future::join_all(presses).await {
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    }
    assert_eq!(calls(&console, "CreateUSMSTemplate").await, 1);
    let new = "/p/default/signatures/new";
    let values = [("content", "云帆读书"), ("description", "发货通知")];
    let fields = filled_form(&operator, new, &values).await;
    let files = [("certificate", "a.png", PNG)];
    let first = operator.upload(new, &fields, &files).await;
    let again = operator.upload(new, &fields, &files).await;
    assert_eq!((again.status, again.leads_to()), (StatusCode::SEE_OTHER, first.leads_to()));
    assert_eq!(calls(&console, "CreateUSMSSignature").await, 1);
}

#[sqlx::test]
async fn the_vendors_refusal_is_shown_above_the_form_and_no_input_is_lost(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let new = "/p/default/templates/new";
    for (code, text) in [(18003, "RetCode 18003"), (150, "injected fault"), (171, "RetCode 171")] {
        console
            .fault(json!({"action": "CreateUSMSTemplate", "kind": "ret_code", "ret_code": code}))
            .await;
        let fields =
            filled_form(&operator, new, &[("name", "发货提醒"), ("text", "订单{1}已发出。")]).await;
        let back = operator.upload(new, &fields, &[]).await;
        assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY, "{code}");
        assert!(back.one("#errors").contains(text), "{code}: {}", back.one("#errors"));
        assert_eq!(back.one("#text").trim(), "订单{1}已发出。");
        let done = operator.upload(new, &back.whole_form(FORM), &[]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "the next click is a new application");
    }
}

#[sqlx::test]
async fn each_team_sets_its_own_sensitive_words(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let settings = "/p/default/settings/sensitive-words";
    let csrf = operator.get(settings).await.csrf();
    let saved = operator.post(settings, &[("csrf", &csrf), ("words", "秒杀、贷款\n秒杀")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert_eq!(operator.get(settings).await.one("#words").trim(), "秒杀 贷款");
    let values = [("name", "活动提醒"), ("text", "今晚秒杀开始。")];
    let fields = filled_form(&operator, "/p/default/templates/new", &values).await;
    let asked = operator.upload("/p/default/templates/new", &fields, &[]).await;
    assert!(asked.one("#text-note").contains("秒杀"));
    let long = "长".repeat(61);
    let back = operator.post(settings, &[("csrf", &csrf), ("words", &long)]).await;
    assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(back.has("#words[aria-invalid]") && back.one("#words-error").contains("60"));
    assert_eq!(back.one("#words"), long, "no input is lost");
}

#[sqlx::test]
async fn a_viewer_can_read_but_not_apply_change_or_open_files(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let path = apply_for_signature(&operator, "云帆读书").await;
    let file = operator.get(&path).await.attr(".papers a", "href");
    let viewer = console.viewer().await;
    let page = viewer.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.has("main form") && !page.text.contains("/files/"));
    assert_eq!(viewer.get(&file).await.status, StatusCode::FORBIDDEN);
    for path in ["signatures/new", "templates/new", "signatures/delete", "settings/sensitive-words"]
    {
        let page = format!("/p/default/{path}");
        assert_eq!(viewer.get(&page).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for path in ["new", "refresh", "delete", "SIG0001/edit", "SIG0001/refresh", "SIG0001/delete"] {
        let action = format!("/p/default/signatures/{path}");
        let csrf = viewer.get("/account").await.csrf();
        let refused = viewer.post(&action, &[("csrf", &csrf), ("confirm", "1")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(console.signed_out().get(&file).await.status, StatusCode::SEE_OTHER);
}

fn page_links(html: &scraper::Html, selector: &str) -> Vec<String> {
    let selector = scraper::Selector::parse(selector).unwrap();
    html.select(&selector).map(|link| link.attr("href").unwrap().to_owned()).collect()
}

#[sqlx::test]
async fn a_form_is_accepted_with_or_without_files_and_only_from_our_own_pages(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let new = "/p/default/templates/new";
    let values = [("name", "发货提醒"), ("text", "您的订单{1}已发出。")];
    let mut fields = filled_form(&operator, new, &values).await;
    let plain = operator.post_owned(new, &fields).await;
    assert_eq!(plain.status, StatusCode::SEE_OTHER, "{}", plain.text);
    for token in ["", "another"] {
        set(&mut fields, "csrf", token);
        assert_eq!(operator.upload(new, &fields, &[]).await.status, StatusCode::FORBIDDEN);
        assert_eq!(operator.post_owned(new, &fields).await.status, StatusCode::FORBIDDEN);
    }
    let many: Vec<(String, String)> =
        (0..200).map(|n| (format!("field{n}"), "x".to_owned())).collect();
    let answer = operator.upload(new, &many, &[]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let long = vec![("text".to_owned(), "长".repeat(200_000))];
    assert_eq!(operator.upload(new, &long, &[]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(calls(&console, "CreateUSMSTemplate").await, 1);
}

#[sqlx::test]
async fn how_to_opt_out_is_part_of_an_application_and_not_of_a_change(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let values = [("name", "新书预告"), ("text", "新书上架，回T退订"), ("purpose", "3")];
    let fields = filled_form(&operator, "/p/default/templates/new", &values).await;
    let done = operator.upload("/p/default/templates/new", &fields, &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let path = done.leads_to();
    assert_eq!(at_vendor(&console, &id_of(&path)).await["unsubscribe"], "拒收请回复R");
    review(&console, &id_of(&path), 3, "内容不明确").await;
    until_status(&console, &operator, &path, "未通过").await;
    let edit = operator.get(&format!("{path}/edit")).await;
    assert!(!edit.has("#unsubscribe"), "UpdateUSMSTemplate has no parameter for it");
    let mut fields = edit.whole_form(FORM);
    set(&mut fields, "text", "新书今日上架，回T退订");
    set(&mut fields, "unsubscribe", "回T退订");
    let done = operator.upload(&format!("{path}/edit"), &fields, &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let vendor = at_vendor(&console, &id_of(&path)).await;
    assert_eq!(
        (&vendor["text"], &vendor["unsubscribe"]),
        (&"新书今日上架，回T退订".into(), &"拒收请回复R".into())
    );
    let counts = console.admin(Method::GET, "counts", json!(null)).await;
    assert_eq!(counts["undocumented"], json!({}), "UnsubscribeInfo is not sent with the change");
    let stored: String =
        sqlx::query_scalar("select unsubscribe from sms_templates where name = '新书预告'")
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!(stored, "拒收请回复R");
}

#[sqlx::test]
async fn what_waits_or_is_in_review_is_edited_and_a_refusal_loses_nothing(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let signature = apply_for_signature(&operator, "云帆读书").await;
    let template = apply_for_template(&operator, "发货提醒", "您的订单已发货").await;
    for status in [0, 1] {
        for path in [&signature, &template] {
            review(&console, &id_of(path), status, "").await;
            let wanted = if status == 0 { "待审核" } else { "审核中" };
            until_status(&console, &operator, path, wanted).await;
            assert!(operator.get(path).await.has("a[href$='/edit']"), "{path} {status}");
            let edit = operator.get(&format!("{path}/edit")).await;
            assert!(edit.one("#why").contains("审核尚未完成"), "{}", edit.text);
        }
    }
    for (list, id) in [("signatures", &signature), ("templates", &template)] {
        let href = format!(".list a[href='{id}/edit']");
        assert!(operator.get(&format!("/p/default/{list}")).await.has(&href), "the list offers it");
    }
    let edit = format!("{template}/edit");
    let fields = filled_form(&operator, &edit, &[("text", "您的订单今日发货")]).await;
    let refused = operator.upload(&edit, &fields, &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    assert!(refused.text.contains("18003"), "{}", refused.text);
    assert_eq!(refused.one("#text").trim(), "您的订单今日发货");
    assert_eq!(at_vendor(&console, &id_of(&template)).await["text"], "您的订单已发货");
    // By the words of the API reference it is refused, by those of the manual it is not.
    let edit = format!("{signature}/edit");
    let mut fields = filled_form(&operator, &edit, &[("content", "云帆读书会")]).await;
    let refused = operator.upload(&edit, &fields, &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    assert!(refused.text.contains("18003"), "{}", refused.text);
    assert_eq!(refused.value("#content"), "云帆读书会");
    assert!(refused.text.contains("执照.png"), "the certificate is kept");
    let rules = json!({ "review": "manual" });
    console.admin(Method::POST, "rules", rules).await;
    fields = refused.whole_form(FORM);
    let done = operator.upload(&edit, &fields, &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert_eq!(at_vendor(&console, &id_of(&signature)).await["content"], "云帆读书会");
    let page = until_status(&console, &operator, &signature, "待审核").await;
    assert!(page.one(".story").contains("operator 修改并重新提交"), "{}", page.text);
}

#[sqlx::test]
async fn the_old_address_of_the_sensitive_words_leads_to_the_new_one_and_still_saves(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let (old, new) = ("/p/default/settings/words", "/p/default/settings/sensitive-words");
    let page = operator.get(old).await;
    assert_eq!(page.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(page.leads_to(), new);
    let form = operator.get(new).await.whole_form("main form.form");
    let saved = operator.post_owned(old, &form).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    assert_eq!(saved.leads_to(), new);
    // Actions have other names as well, and answer as before under the old ones.
    let csrf = operator.get(new).await.csrf();
    for (old, new) in
        [("suppressions/offer", "suppressions/blacklist"), ("statistics/ask", "statistics/fetch")]
    {
        let fields = [("csrf", csrf.as_str())];
        let path = |part: &str| format!("/p/default/{part}");
        let (before, after) =
            (operator.post(&path(old), &fields).await, operator.post(&path(new), &fields).await);
        assert_eq!((before.status, after.status), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
        assert_eq!(before.leads_to(), after.leads_to(), "{old}");
    }
}
