//! Texts to international phones: they need no signature, and those that they have stand in [].

use reqwest::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::destinations::{import, seed_signature, seed_template};
use crate::harness::{CODE, Page, TestClient, TestConsole, assert_sound};

const SEND: &str = "/p/default/send";
const ENGLISH: &str = "UTN8001";
const WITHOUT: &str = "不带签名";

/// Adds an international template with one variable, and a list of its phones can be sent.
async fn with_international_template(db: &PgPool) -> (TestConsole, TestClient) {
    let console = TestConsole::start(db).await;
    let operator = console.operator().await;
    let international = json!({ "international": true });
    seed_template(&console, ENGLISH, "Your parcel {1} has arrived.", international).await;
    let said = [("international", "true")];
    import(&operator, "/p/default/templates", ENGLISH, &said).await;
    (console, operator)
}

/// Fills in the send form, with the signature whose option contains `signature`.
async fn check(client: &TestClient, template: &str, signature: &str, phones: &str) -> Page {
    let form = client.get(SEND).await;
    let params: &[&str] = if template == ENGLISH { &["A1"] } else { &["4312", "5"] };
    let mut fields = client.send_fields(template, params, phones).await;
    fields.retain(|(name, _)| name != "signature_id");
    let chosen = form.option_containing("#signature option", signature);
    fields.push(("signature_id".to_owned(), chosen));
    client.post_owned(SEND, &fields).await
}

async fn text_of(console: &TestConsole, phone: &str) -> String {
    let path = format!("messages?phone={phone}");
    let messages = console.admin(reqwest::Method::GET, &path, json!(null)).await;
    messages[0]["text"].as_str().unwrap_or_default().to_owned()
}

#[sqlx::test]
async fn an_international_message_is_sent_without_a_signature(db: PgPool) {
    let (console, operator) = with_international_template(&db).await;
    let page = check(&operator, ENGLISH, WITHOUT, "(60)123456789").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert_eq!(page.one(".bubble"), "Your parcel A1 has arrived.");
    assert!(page.all("dl.facts dd").contains(&WITHOUT.to_owned()), "{}", page.text);
    let sent = operator.post_owned(SEND, &page.form_fields("confirm")).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let batch = sent.leads_to();
    let page = console.until_complete(&operator, &batch).await;
    assert!(page.one(r#"[data-part="facts"]"#).contains(WITHOUT), "{}", page.text);
    assert_eq!(page.one(".handset .bubble"), "Your parcel A1 has arrived.");
    assert_eq!(text_of(&console, "(60)123456789").await, "Your parcel A1 has arrived.");

    // Wherever the message is shown, it has no signature and is not left out.
    let messages = operator.get("/p/default/messages").await;
    assert!(messages.one("tbody").contains("(60)"), "{}", messages.text);
    let link = messages.attr("tbody a[href*='/messages/']", "href");
    let message = operator.get(&link).await;
    assert_eq!(message.one(".bubble"), "Your parcel A1 has arrived.");
    let file = operator.get("/p/default/messages.csv").await;
    assert!(file.text.contains("Your parcel A1 has arrived."), "{}", file.text);
    let statistics = operator.get("/p/default/statistics?span=today&by=signature").await;
    assert!(statistics.one("tbody").contains(WITHOUT), "{}", statistics.text);
    // The same again is warned about, and can be filled in from the batch.
    let again = operator.get(&format!("{SEND}?batch={}", batch.rsplit('/').next().unwrap())).await;
    assert!(again.one("#signature option[selected]").contains(WITHOUT), "{}", again.text);
    let page = check(&operator, ENGLISH, WITHOUT, "(60)123456789").await;
    assert!(page.text.contains("24 小时"), "{}", page.text);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_domestic_message_always_has_a_signature(db: PgPool) {
    let (console, operator) = with_international_template(&db).await;
    let page = check(&operator, CODE, WITHOUT, "18500001234").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.one("#signature-error").contains("国内短信必须"), "{}", page.text);
    // Nor does the list form let it through.
    let form = operator.get("/p/default/batches/new").await;
    let mut fields = form.whole_form("form[data-upload]");
    fields.retain(|(name, _)| name != "template_id" && name != "signature_id");
    let template = form.option_containing("#template option", CODE);
    fields.push(("template_id".to_owned(), template));
    fields.push(("signature_id".to_owned(), "none".to_owned()));
    let list = "phone,1,2\n18500001234,4312,5\n".as_bytes();
    let files = [("recipients", "a.csv", list)];
    let refused = operator.upload("/p/default/batches/new", &fields, &files).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.one("#signature-error").contains("国内短信必须"), "{}", refused.text);
    let page = operator.get_in("en", SEND).await;
    assert!(page.one("#signature").contains("Without a signature"), "{}", page.text);
    assert_eq!(console.accepted().await, (0, 0));
    // The database holds it, too.
    let stored = sqlx::query(
        "insert into batches (id, project_id, name, state, template_id, sig_content,
           vendor_template_id, template_text, purpose, international, total, parts, ordered_by,
           form_token)
         select 1, t.project_id, '', 'done', t.id, '', '', '', 'notice', false, 1, 1, u.id,
           gen_random_uuid() from sms_templates t, users u limit 1",
    );
    assert!(stored.execute(&db).await.unwrap_err().to_string().contains("batches_signature"));
}

#[sqlx::test]
async fn a_list_is_sent_without_a_signature_and_counts_none(db: PgPool) {
    let (console, operator) = with_international_template(&db).await;
    let form = operator.get("/p/default/batches/new").await;
    let mut fields = form.whole_form("form[data-upload]");
    fields.retain(|(name, _)| name != "template_id" && name != "signature_id");
    for (name, text) in [("template_id", ENGLISH), ("signature_id", WITHOUT)] {
        let select = format!("select[name={name}] option");
        fields.push((name.to_owned(), form.option_containing(&select, text)));
    }
    // 153 characters: one part, but two if a signature were counted.
    let long = "x".repeat(160 - "Your parcel  has arrived.".len());
    let list = format!("phone,code\n(60)123456789,{long}\n(60)123450099,A2\n");
    let files = [("recipients", "a.csv", list.as_bytes())];
    let received = operator.upload("/p/default/batches/new", &fields, &files).await;
    assert_eq!(received.status, StatusCode::SEE_OTHER, "{}", received.text);
    let preview = received.leads_to();
    let page = operator.until_imported(&preview).await;
    assert!(page.one(".bubble").starts_with("Your parcel"), "{}", page.text);
    assert!(page.one("#signature option[selected]").contains(WITHOUT), "{}", page.text);
    assert!(page.one(".figures dd").starts_with('2'), "{}", page.one(".figures"));
    let batch = operator.confirm_list(&preview, &[]).await;
    let page = console.until_complete(&operator, &batch).await;
    assert!(page.one(r#"[data-part="facts"]"#).contains(WITHOUT), "{}", page.text);
    assert!(text_of(&console, "(60)123456789").await.starts_with("Your parcel x"));
    // The refused one can be sent again, also without.
    let resend = operator.get(&format!("{batch}/resend")).await;
    assert_eq!(resend.status, StatusCode::OK, "{}", resend.text);
    let mut fields = resend.whole_form("main form");
    if !fields.iter().any(|(name, _)| name == "cause") {
        fields.push(("cause".to_owned(), resend.value("input[name=cause]")));
    }
    let again = operator.post_owned(&format!("{batch}/resend"), &fields).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text);
    let page = operator.until_imported(&again.leads_to()).await;
    assert!(page.one("#signature option[selected]").contains(WITHOUT), "{}", page.text);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_project_without_a_signature_can_send_to_international_phones(db: PgPool) {
    let (_console, operator) = with_international_template(&db).await;
    sqlx::query("delete from review_events where signature_id is not null")
        .execute(&db)
        .await
        .unwrap();
    sqlx::query("delete from signatures").execute(&db).await.unwrap();
    for path in [SEND, "/p/default/batches/new"] {
        let page = operator.get(path).await;
        assert_eq!(page.all("#signature option"), [format!("{WITHOUT}（仅国际/港澳台）")]);
    }
    assert!(!operator.get("/p/default/").await.text.contains("暂无可用的签名"));
    // Nothing chosen: the form's own choice.
    let page = form_of_template(&operator).await;
    assert_eq!(page.one(".bubble"), "Your parcel {1} has arrived.");
    let page = check(&operator, ENGLISH, WITHOUT, "(60)123456789").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    // With neither, both ways are named.
    sqlx::query("update sms_templates set international = false").execute(&db).await.unwrap();
    let page = operator.get(SEND).await;
    assert!(page.text.contains("国际/港澳台短信可以不使用签名"), "{}", page.text);
    for list in ["signatures", "templates"] {
        assert!(page.has(&format!("a[href='/p/default/{list}/import']")), "{list}");
    }
}

/// Returns the send form with the international template chosen, and nothing else.
async fn form_of_template(client: &TestClient) -> Page {
    let id = client.get(SEND).await.option_containing("#template option", ENGLISH);
    client.get(&format!("{SEND}?template_id={id}")).await
}

#[sqlx::test]
async fn signatures_are_shown_as_they_are_sent(db: PgPool) {
    let (console, operator) = with_international_template(&db).await;
    seed_signature(&console, "SIG0002", "YunFan").await;
    import(&operator, "/p/default/signatures", "SIG0002", &[("international", "true")]).await;
    for path in [SEND, "/p/default/batches/new"] {
        let options = operator.get(path).await.all("#signature option");
        assert!(options.iter().any(|option| option.starts_with("[YunFan]")), "{options:?}");
        assert!(options.iter().any(|option| option.starts_with("【云帆书店】")), "{options:?}");
    }
    let page = check(&operator, ENGLISH, "[YunFan]", "(60)123456789").await;
    assert_eq!(page.one(".bubble"), "[YunFan]Your parcel A1 has arrived.");
    assert!(page.all("dl.facts dd").contains(&"[YunFan]".to_owned()), "{}", page.text);
    // A template alone chooses a signature that goes with it.
    let page = form_of_template(&operator).await;
    assert!(page.one("#signature option[selected]").starts_with("[YunFan]"), "{}", page.text);
}
