//! What UCloud's documents say about applications: the rules for names and contents, the document
//! that each comes from, and what is a warning rather than an error.

use reqwest::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;

use crate::harness::{NOTICE, Page, TestClient};
use crate::reviews::{
    PNG, apply_for_signature, at_vendor, calls, filled_form, id_of, review, set, until_status,
    without_reviews,
};

const FORM: &str = "main form.form";
const NEW_SIGNATURE: &str = "/p/default/signatures/new";
const NEW_TEMPLATE: &str = "/p/default/templates/new";
const WORDS: &str = "/p/default/settings/sensitive-words";

async fn ask_about_signature(client: &TestClient, values: &[(&str, &str)]) -> Page {
    let all = [&[("description", "发货通知")], values].concat();
    let fields = filled_form(client, NEW_SIGNATURE, &all).await;
    client.upload(NEW_SIGNATURE, &fields, &[("certificate", "执照.png", PNG)]).await
}

async fn ask_about_template(client: &TestClient, purpose: &str, text: &str) -> Page {
    let values = [("name", "发货提醒"), ("purpose", purpose), ("text", text)];
    let fields = filled_form(client, NEW_TEMPLATE, &values).await;
    client.upload(NEW_TEMPLATE, &fields, &[]).await
}

#[sqlx::test]
async fn a_qualification_id_stands_for_no_certificate(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let values = [("content", "云帆读书"), ("description", "通知"), ("qualification_id", "Q1")];
    let fields = filled_form(&operator, NEW_SIGNATURE, &values).await;
    let back = operator.upload(NEW_SIGNATURE, &fields, &[]).await;
    assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(back.one("#certificate-note").contains("请选择证明文件"), "{}", back.text);
    assert_eq!(calls(&console, "CreateUSMSSignature").await, 0);
    let files = [("certificate", "执照.png", PNG)];
    let done = operator.upload(NEW_SIGNATURE, &back.whole_form(FORM), &files).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let application = at_vendor(&console, &id_of(&done.leads_to())).await["application"].clone();
    assert_eq!(application["file_bytes"], PNG.len());
}

#[sqlx::test]
async fn a_rejected_signature_without_a_certificate_asks_for_one(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let path = apply_for_signature(&operator, "云帆读书").await;
    // As it was applied for when an id was taken for the certificate.
    let before = "update applications set certificate_id = null,
        content = content || '{\"qualification_id\": \"Q1\"}'";
    sqlx::query(before).execute(&db).await.unwrap();
    review(&console, &id_of(&path), 3, "缺少证件").await;
    until_status(&console, &operator, &path, "未通过").await;
    let edit = format!("{path}/edit");
    let form = operator.get(&edit).await;
    assert!(form.one("#certificate-missing").contains("证明文件"), "{}", form.text);
    let back = operator.upload(&edit, &form.whole_form(FORM), &[]).await;
    assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(back.one("#certificate-note").contains("请选择证明文件"), "{}", back.text);
    let files = [("certificate", "执照.png", PNG)];
    let done = operator.upload(&edit, &back.whole_form(FORM), &files).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let application = at_vendor(&console, &id_of(&path)).await["application"].clone();
    assert_eq!(application["file_bytes"], PNG.len());
    assert!(!operator.get(NEW_SIGNATURE).await.has("#certificate-missing"));
}

#[sqlx::test]
async fn names_that_reviewers_reject_are_warned_about_with_their_document(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let full_name = "优刻得科技股份有限公司";
    for (content, what) in [("优刻得", "三个字"), ("优刻得股份", full_name), ("告警通知", "中性")]
    {
        let values = [("content", content), ("full_name", full_name)];
        let asked = ask_about_signature(&operator, &values).await;
        assert_eq!(asked.status, StatusCode::OK, "{content}");
        let note = asked.one("#content-note");
        assert!(note.contains(what), "{content}: {note}");
        assert!(note.contains("签名审核标准"), "{content}: {note}");
        let document = asked.attr("#content-note a", "href");
        assert_eq!(document, "https://docs.ucloud.cn/usms/introduction/2005/2103");
        let mut confirmed = asked.whole_form(FORM);
        assert!(confirmed.contains(&("full_name".to_owned(), full_name.to_owned())));
        confirmed.push(("confirm".to_owned(), asked.attr("button[name=confirm]", "value")));
        let done = operator.upload(NEW_SIGNATURE, &confirmed, &[]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{content}: {}", done.text);
    }
    for content in [full_name, "优刻得科技"] {
        let values = [("content", content), ("full_name", full_name)];
        let done = ask_about_signature(&operator, &values).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{content}: {}", done.text);
    }
    // A trademark may be short.
    let done = ask_about_signature(&operator, &[("content", "云帆"), ("sig_type", "4")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let english = operator.get_in("en", NEW_SIGNATURE).await;
    assert!(english.text.contains("more than three characters"), "{}", english.text);
    assert!(english.text.contains("belongs to no other company"), "{}", english.text);
    for outdated in ["product", "both allowed"] {
        assert!(!english.text.contains(outdated), "{outdated}");
    }
}

#[sqlx::test]
async fn approved_signatures_that_carriers_withdraw_are_flagged(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let list = "/p/default/signatures";
    let page_of = async |content: &str, sig_type: &str, international: &str| {
        let values =
            [("content", content), ("sig_type", sig_type), ("international", international)];
        let asked = ask_about_signature(&operator, &values).await;
        let mut fields = asked.whole_form(FORM);
        fields.push(("confirm".to_owned(), "1".to_owned()));
        let done = match asked.status {
            StatusCode::SEE_OTHER => asked,
            _ => operator.upload(NEW_SIGNATURE, &fields, &[]).await,
        };
        let path = done.leads_to();
        assert!(!operator.get(&path).await.has("#withdrawn"), "{content} is not approved yet");
        review(&console, &id_of(&path), 2, "").await;
        until_status(&console, &operator, &path, "已通过").await
    };
    let app = page_of("云帆读书App", "1", "false").await;
    assert!(app.one("#withdrawn").contains("清退"), "{}", app.text);
    assert_eq!(
        app.attr("#withdrawn a[rel]", "href"),
        "https://docs.ucloud.cn/usms/introduction/notice"
    );
    assert_eq!(operator.get(list).await.all(".list .withdrawn").len(), 1);
    for (content, sig_type, international) in
        [("云帆读书", "0", "false"), ("YunFanApp", "1", "true")]
    {
        let page = page_of(content, sig_type, international).await;
        assert!(!page.has("#withdrawn"), "{content}");
    }
    assert_eq!(operator.get(list).await.all(".list .withdrawn").len(), 1);
    // UCloud does not say what an imported name is.
    let imported = operator.get("/p/default/signatures/SIG0001").await;
    assert!(!imported.has("#withdrawn"));
    assert!(imported.one(".facts").contains("清退"), "{}", imported.one(".facts"));
    // A person can say it.
    let kind = "/p/default/signatures/SIG0001/kind";
    let set_kind = async |path: &str, kind: &str| {
        let fields = [("csrf", imported.csrf()), ("kind", kind.to_owned())];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        operator.post_owned(path, &fields).await.status
    };
    assert!(imported.has(&format!("form[action='{kind}']")));
    for (value, withdrawn) in [("app", true), ("company", false), ("website", true), ("", false)] {
        assert_eq!(set_kind(kind, value).await, StatusCode::SEE_OTHER, "{value}");
        let page = operator.get("/p/default/signatures/SIG0001").await;
        assert_eq!(page.has("#withdrawn"), withdrawn, "{value}");
        assert_eq!(
            operator.get(list).await.all(".list .withdrawn").len(),
            1 + usize::from(withdrawn)
        );
    }
    assert_eq!(set_kind(kind, "gold").await, StatusCode::BAD_REQUEST);
    let audited: i64 = sqlx::query_scalar(
        "select count(*) from audit_log where action = 'signature_kind_changed'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(audited, 4);
    // That of an application stays.
    let applied = operator.get(list).await.attr(".list th a[href]:not([href*=SIG0001])", "href");
    assert!(!operator.get(&applied).await.has("form[action$='/kind']"));
    assert_eq!(set_kind(&format!("{applied}/kind"), "company").await, StatusCode::SEE_OTHER);
    assert_eq!(operator.get(list).await.all(".list .withdrawn").len(), 1);
    assert_eq!(
        console.viewer().await.post(kind, &[("kind", "app")]).await.status,
        StatusCode::FORBIDDEN
    );
}

#[sqlx::test]
async fn the_documented_topics_are_the_sensitive_words_until_a_team_edits_them(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let page = operator.get(WORDS).await;
    let words = page.one("#words");
    assert_eq!(words.split_whitespace().count(), 25, "{words}");
    assert!(words.contains("P2P") && words.contains("代开发票"), "{words}");
    assert!(page.text.contains("模板审核标准"), "{}", page.text);
    assert!(!page.has("#add-topics"), "none is missing");
    let asked = ask_about_template(&operator, "2", "您的p2p账单{1}已生成。").await;
    assert_eq!(asked.status, StatusCode::OK);
    let note = asked.one("#text-note");
    assert!(note.contains("P2P") && note.contains("模板审核标准"), "{note}");
    // A team's own list replaces it, even an empty one.
    let csrf = page.csrf();
    operator.post(WORDS, &[("csrf", &csrf), ("words", "")]).await;
    assert_eq!(operator.get(WORDS).await.one("#words"), "");
    let done = ask_about_template(&operator, "2", "您的p2p账单{1}已生成。").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    operator.post(WORDS, &[("csrf", &csrf), ("words", "竞品\n贷款")]).await;
    let asked = ask_about_template(&operator, "2", "竞品账单{1}已生成。").await;
    let note = asked.one("#text-note");
    assert!(!note.contains("模板审核标准"), "it is the team's word: {note}");
    assert!(note.contains("本团队的敏感词列表"), "{note}");
    assert_eq!(asked.attr("#text-note a", "href"), WORDS);
    // What the team has not listed can be added.
    let page = operator.get(WORDS).await;
    assert!(page.has("#add-topics"));
    // What is typed but not saved yet stays.
    let fields = [
        ("csrf", page.csrf()),
        ("words", "竞品\n贷款\n新词".to_owned()),
        ("add_topics", "1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let added = operator.post_owned(WORDS, &fields).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER);
    let words = operator.get(WORDS).await.one("#words");
    assert!(words.contains("竞品") && words.contains("新词"), "{words}");
    assert_eq!(words.split_whitespace().count(), 27, "{words}");
}

#[sqlx::test]
async fn marketing_in_other_templates_is_warned_about(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    for (purpose, text) in [
        ("2", "您的会员专享优惠已到账。"),
        ("2", "您预订的新书{1}已到店，回T退订"),
        ("1", "验证码{1}，登录即可参加促销。"),
    ] {
        let asked = ask_about_template(&operator, purpose, text).await;
        assert_eq!(asked.status, StatusCode::OK, "{text}");
        let note = asked.one("#text-note");
        assert!(note.contains("营销") && note.contains("模板审核标准"), "{text}: {note}");
    }
    let done = ask_about_template(&operator, "3", "会员专享优惠已到账，拒收请回复R").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let form = operator.get_in("en", NEW_TEMPLATE).await;
    assert!(form.one("#purpose").contains("No marketing"), "{}", form.one("#purpose"));
}

#[sqlx::test]
async fn links_and_phone_numbers_name_the_carriers_limits_and_the_notice(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let notice = "https://docs.ucloud.cn/usms/introduction/notice";
    for (text, what) in [
        ("请看 yunfan.example/o", "yunfan.example/o"),
        ("请致电 400-000-0000", "400-000-0000"),
        ("请致电95500", "95500"),
        ("请致电962121", "962121"),
        ("95500、95588、95533", "3 个电话号码"),
        ("请看 a.example 或 b.example", "2 个链接"),
        ("请致电18500000001、18500000002、18500000003", "3 个电话号码"),
    ] {
        let asked = ask_about_template(&operator, "2", text).await;
        assert_eq!(asked.status, StatusCode::OK, "{text}");
        let note = asked.one("#text-note");
        assert!(note.contains(what) && note.contains("产品公告"), "{text}: {note}");
        assert_eq!(asked.attr("#text-note a", "href"), notice);
    }
    // Values are seen when they are sent.
    console.add_notice_template().await;
    let sent = console.admin(Method::GET, "counts", json!(null)).await;
    let fields = operator.send_fields(NOTICE, &["yunfan.example/o", "1"], "18500001234").await;
    let asked = operator.post_owned("/p/default/send", &fields).await;
    assert!(asked.text.contains("2 个电话号码和 1 个链接"), "{}", asked.text);
    assert!(asked.text.contains("产品公告"), "{}", asked.text);
    assert_eq!(console.admin(Method::GET, "counts", json!(null)).await, sent);
}

#[sqlx::test]
async fn a_form_posted_by_a_script_without_the_new_field_is_accepted(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let values = [("content", "云帆读书"), ("description", "通知")];
    let mut fields = filled_form(&operator, NEW_SIGNATURE, &values).await;
    fields.retain(|(name, _)| name != "full_name");
    set(&mut fields, "sig_type", "0");
    let files = [("certificate", "执照.png", PNG)];
    let done = operator.upload(NEW_SIGNATURE, &fields, &files).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
}
