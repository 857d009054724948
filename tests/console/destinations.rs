//! Where imported signatures and templates may be sent: UCloud's answers do not say.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::{CODE, Page, TestClient, TestConsole};
use crate::reviews::{filled_form, id_of, without_reviews};

const SIGNATURES: &str = "/p/default/signatures";
const TEMPLATES: &str = "/p/default/templates";
const DOMESTIC: &str = "国内";
const INTERNATIONAL: &str = "国际/港澳台";

pub async fn seed_signature(console: &TestConsole, id: &str, content: &str) {
    let seeds = json!({ "signatures": [{ "sig_id": id, "content": content }] });
    console.admin(Method::POST, "seed", seeds).await;
}

/// Adds a template at the vendor, with the fields of a seed.
pub async fn seed_template(console: &TestConsole, id: &str, text: &str, more: Value) {
    let mut seed = json!({ "template_id": id, "name": id, "text": text });
    seed.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    console.admin(Method::POST, "seed", json!({ "templates": [seed] })).await;
}

/// Imports ids below `list`, with more fields than the ids.
pub async fn import(client: &TestClient, list: &str, ids: &str, more: &[(&str, &str)]) -> Page {
    let path = format!("{list}/import");
    let csrf = client.get(&path).await.csrf();
    let mut fields = vec![("csrf", csrf.as_str()), ("ids", ids)];
    fields.extend(more);
    client.post(&path, &fields).await
}

/// Returns the destination on the page of a signature or template.
async fn destination(client: &TestClient, list: &str, id: &str) -> String {
    let page = client.get(&format!("{list}/{id}")).await;
    page.one("#destination")
}

/// Changes the destination on the page of a signature or template, and returns what is said.
async fn change(client: &TestClient, list: &str, id: &str, international: &str) -> String {
    let path = format!("{list}/{id}");
    let csrf = client.get(list).await.csrf();
    let fields = [("csrf", csrf.as_str()), ("international", international)];
    let changed = client.post(&format!("{path}/destination"), &fields).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.text);
    client.get(&path).await.one(".flash")
}

#[sqlx::test]
async fn a_signature_of_latin_letters_is_domestic_unless_a_person_says_otherwise(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    seed_signature(&console, "SIG0002", "UCloud").await;
    seed_signature(&console, "SIG0003", "YunFan").await;
    let page = import(&operator, SIGNATURES, "SIG0002", &[]).await;
    assert!(page.one("tbody tr a").contains(DOMESTIC), "{}", page.text);
    assert!(destination(&operator, SIGNATURES, "SIG0002").await.contains(DOMESTIC));
    assert_eq!(operator.get(&format!("{SIGNATURES}/SIG0002")).await.one("h1"), "【UCloud】");
    let page = import(&operator, SIGNATURES, "SIG0003", &[("international", "true")]).await;
    assert!(page.one("tbody tr a").contains(INTERNATIONAL), "{}", page.text);
    assert_eq!(operator.get(&format!("{SIGNATURES}/SIG0003")).await.one("h1"), "[YunFan]");

    let mut fields = operator.send_fields(CODE, &["4312", "5"], "18500001234").await;
    let form = operator.get("/p/default/send").await;
    fields.retain(|(name, _)| name != "signature_id");
    fields.push(("signature_id".to_owned(), form.option_containing("#signature option", "UCloud")));
    let check = operator.post_owned("/p/default/send", &fields).await;
    assert_eq!(check.status, StatusCode::OK, "{}", check.text);
    assert!(check.one(".bubble").starts_with("【UCloud】"), "{}", check.one(".bubble"));
}

#[sqlx::test]
async fn the_import_proposes_a_destination_by_brackets_and_by_the_projects_own_texts(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    for (id, content) in [("SIG0002", "YunFan"), ("SIG0003", "Yun Fan Books")] {
        seed_signature(&console, id, content).await;
    }
    import(&operator, SIGNATURES, "[YunFan], SIG0003", &[]).await;
    for id in ["SIG0002", "SIG0003"] {
        assert!(destination(&operator, SIGNATURES, id).await.contains(INTERNATIONAL), "{id}");
    }
    for n in 1..=4 {
        let text = format!("Your parcel {n} has arrived.");
        seed_template(&console, &format!("UTN900{n}"), &text, json!({})).await;
    }
    let page = import(&operator, TEMPLATES, "UTN9001", &[]).await;
    assert!(page.one("tbody tr a").contains(INTERNATIONAL), "English: {}", page.text);
    // Letters alone do not decide: the proposal is marked, and can be changed on the spot.
    assert!(page.one("tbody .doubtful").contains("推测"), "{}", page.text);
    assert_eq!(page.attr("tbody option[selected]", "value"), "true");
    let mut answer = page.whole_form("tbody form");
    answer.retain(|(name, _)| name != "international");
    answer.push(("international".to_owned(), "false".to_owned()));
    let to = page.attr("tbody form", "action");
    assert_eq!(operator.post_owned(&to, &answer).await.status, StatusCode::SEE_OTHER);
    assert!(destination(&operator, TEMPLATES, "UTN9001").await.contains(DOMESTIC));
    // What a person said, and what is known already, is not marked.
    for said in [&[][..], &[("international", "true")]] {
        let page = import(&operator, TEMPLATES, "UTN9001", said).await;
        assert!(!page.has("tbody form"), "{}", page.text);
    }
    import(&operator, TEMPLATES, "UTN9001, UTN9002", &[("international", "false")]).await;
    // The project's other English texts are domestic.
    let page = import(&operator, TEMPLATES, "UTN9003", &[]).await;
    assert!(page.one("tbody tr a").contains(DOMESTIC), "{}", page.text);
    // If they differ, the language is all there is.
    import(&operator, TEMPLATES, "UTN9003", &[("international", "true")]).await;
    let page = import(&operator, TEMPLATES, "UTN9004", &[]).await;
    assert!(page.one("tbody tr a").contains(INTERNATIONAL), "{}", page.text);
}

#[sqlx::test]
async fn what_a_person_says_counts_until_something_is_ordered_with_it(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    // Importing again, without saying anything, changes nothing.
    import(&operator, TEMPLATES, "UTA0001", &[("international", "true")]).await;
    import(&operator, TEMPLATES, "UTA0001", &[]).await;
    assert!(destination(&operator, TEMPLATES, "UTA0001").await.contains(INTERNATIONAL));
    let list = operator.get(&format!("{TEMPLATES}?international=true")).await;
    assert!(list.one(".list tbody").contains("UTA0001"), "{}", list.text);
    assert!(list.one(".list tbody").contains(INTERNATIONAL));

    let said = change(&operator, TEMPLATES, "UTA0001", "false").await;
    assert!(said.contains(DOMESTIC), "{said}");
    let page = operator.get(&format!("{TEMPLATES}/UTA0001")).await;
    assert!(page.one(".story").contains("operator 修改了适用范围"), "{}", page.one(".story"));
    let audited: (String, Value) = sqlx::query_as(
        "select subject, detail from audit_log where action = 'destination_changed' order by id desc",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(audited, ("UTA0001".to_owned(), json!({ "international": false })));

    operator.send(CODE, &["4312", "5"], "18500001234").await;
    for (list, id) in [(TEMPLATES, "UTA0001"), (SIGNATURES, "SIG0001")] {
        let page = operator.get(&format!("{list}/{id}")).await;
        assert!(!page.has("form select[name=international]"), "not offered any more");
        let said = change(&operator, list, id, "true").await;
        assert!(said.contains("已有发送任务使用"), "{said}");
        assert!(destination(&operator, list, id).await.contains(DOMESTIC));
        let page = import(&operator, list, id, &[("international", "true")]).await;
        assert!(page.one("tbody tr").contains("已有发送任务使用"), "{}", page.text);
        assert!(destination(&operator, list, id).await.contains(DOMESTIC));
    }
    let page = operator.get_in("en", &format!("{TEMPLATES}/UTA0001")).await;
    assert!(page.one("#destination").contains("Mainland China"), "{}", page.one("#destination"));
}

#[sqlx::test]
async fn only_who_may_send_changes_a_destination(db: PgPool) {
    let console = without_reviews(&db).await;
    let viewer = console.viewer().await;
    let page = viewer.get(&format!("{TEMPLATES}/UTA0001")).await;
    assert!(!page.has("form select[name=international]"));
    let fields = [("csrf", page.csrf()), ("international", "true".to_owned())];
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = viewer.post(&format!("{TEMPLATES}/UTA0001/destination"), &fields).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let operator = console.operator().await;
    let csrf = operator.get(TEMPLATES).await.csrf();
    for (id, said, status) in [("UTX", "true", 404), ("UTA0001", "perhaps", 400)] {
        let path = format!("{TEMPLATES}/{id}/destination");
        let response = operator.post(&path, &[("csrf", &csrf), ("international", said)]).await;
        assert_eq!(response.status.as_u16(), status, "{id}");
    }
}

#[sqlx::test]
async fn an_application_in_doubt_keeps_the_destination_that_it_was_applied_with(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let fault = json!({ "action": "CreateUSMSTemplate", "kind": "reset_after", "times": 1 });
    console.fault(fault).await;
    let text = "您的包裹{1}已到香港自提點。";
    let values = [("name", "到件提醒"), ("text", text), ("international", "true")];
    let path = format!("{TEMPLATES}/new");
    let fields = filled_form(&operator, &path, &values).await;
    let application = operator.upload(&path, &fields, &[]).await.leads_to();
    assert!(application.contains("/applications/"), "{application}");
    let all = console.admin(Method::GET, "reviews", Value::Null).await;
    let mut templates = all["templates"].as_array().unwrap().iter();
    let id = templates.find(|one| one["text"] == text).unwrap()["template_id"].clone();
    let id = id_of(id.as_str().unwrap());
    import(&operator, TEMPLATES, &id, &[("international", "false")]).await;
    assert!(destination(&operator, TEMPLATES, &id).await.contains(INTERNATIONAL));
}

#[sqlx::test]
async fn a_purpose_that_ucloud_leaves_out_is_asked_for_with_a_proposal_from_the_id(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let silent = || json!({ "without_purpose": true });
    let code = "您的验证码为{1}，请在{2}分钟内使用。";
    seed_template(&console, "UTA190715D9108C", code, silent()).await;
    seed_template(&console, "UTB9001", "新书八折，拒收请回复R", silent()).await;
    seed_template(&console, "UTX9001", "您的订单{1}已发出。", silent()).await;
    // The id says code, the text advertises: no proposal is better than a wrong one.
    seed_template(&console, "UTA9002", "新书八折，拒收请回复R", silent()).await;
    let ids = "UTA190715D9108C\nUTB9001\nUTX9001\nUTA9002";
    let page = import(&operator, TEMPLATES, ids, &[("international", "false")]).await;
    assert_eq!(page.status, StatusCode::OK);
    let rows = page.all("tbody tr");
    assert!(rows[0].contains("验证码") && rows[1].contains("营销"), "{rows:?}");
    assert!(rows[2].contains("请选择") && rows[3].contains("请选择"), "{rows:?}");
    // What was entered is kept, and the purpose is asked for.
    assert_eq!(page.one("#ids").trim(), "UTX9001 UTA9002");
    assert_eq!(page.value("input[name=international][checked]"), "false");
    assert!(page.has("#purpose[aria-invalid]"), "{}", page.text);
    let said = [("purpose", "notice"), ("international", "false")];
    let page = import(&operator, TEMPLATES, "UTX9001", &said).await;
    assert!(page.one("tbody tr").contains("通知"), "{}", page.text);
    // A proposal can be corrected, and the next check of the status does not undo that.
    import(&operator, TEMPLATES, "UTB9001", &[("purpose", "notice")]).await;
    let csrf = operator.get(TEMPLATES).await.csrf();
    operator.post(&format!("{TEMPLATES}/UTB9001/refresh"), &[("csrf", &csrf)]).await;
    let page = operator.get(&format!("{TEMPLATES}/UTB9001")).await;
    assert!(page.one("dl.facts").contains("通知"), "{}", page.one("dl.facts"));
    // UCloud's own word is stronger than a person's.
    import(&operator, TEMPLATES, "UTA0001", &[("purpose", "notice")]).await;
    let page = operator.get(&format!("{TEMPLATES}/UTA0001")).await;
    assert!(page.one("dl.facts").contains("验证码"), "{}", page.one("dl.facts"));
}

#[sqlx::test]
async fn a_proposed_destination_is_marked_until_a_person_confirms_it(db: PgPool) {
    let console = without_reviews(&db).await;
    let operator = console.operator().await;
    let text = "您的订单{1}已发出。";
    for id in ["UTN9001", "UTN9002", "UTN9003"] {
        seed_template(&console, id, text, json!({ "purpose": 2 })).await;
    }
    import(&operator, TEMPLATES, "UTN9001\nUTN9003", &[]).await;
    import(&operator, TEMPLATES, "UTN9002", &[("international", "false")]).await;
    let is_marked = async |id: &str| {
        let page = operator.get(&format!("{TEMPLATES}/{id}")).await;
        let of_page = page.has("#destination-proposed");
        let send = page.attr("a[href*='/send?']", "href");
        let list = operator.get(TEMPLATES).await;
        let of_list = list.has(&format!("a[href='{TEMPLATES}/{id}#destination']"));
        let of_send = operator.get(&send).await.has("#destination-proposed");
        let fields = operator.send_fields(id, &["1"], "18500001234").await;
        let of_check = operator.post_owned("/p/default/send", &fields).await;
        (of_page, of_list, of_send, of_check.has("#destination-proposed"))
    };
    assert_eq!(is_marked("UTN9001").await, (true, true, true, true));
    assert_eq!(is_marked("UTN9002").await, (false, false, false, false), "a person said it");
    let page = operator.get(&format!("{TEMPLATES}/UTN9001")).await;
    let form = page.whole_form("#destination-proposed form");
    let confirmed = operator.post_owned(&format!("{TEMPLATES}/UTN9001/destination"), &form).await;
    assert_eq!(confirmed.status, StatusCode::SEE_OTHER, "{}", confirmed.text);
    assert_eq!(is_marked("UTN9001").await, (false, false, false, false));
    assert!(destination(&operator, TEMPLATES, "UTN9001").await.contains(DOMESTIC));
    let audited = "select count(*) from audit_log where action = 'destination_confirmed'";
    assert_eq!(sqlx::query_scalar::<_, i64>(audited).fetch_one(&db).await.unwrap(), 1);
    // What a batch was ordered with keeps its destination: there is nothing to confirm any more.
    assert_eq!(is_marked("UTN9003").await, (true, true, true, true));
    operator.send("UTN9003", &["1"], "18500001234").await;
    assert_eq!(is_marked("UTN9003").await, (false, false, false, false));
    // Signatures are proposed in the same way.
    seed_signature(&console, "SIG0002", "UCloud").await;
    import(&operator, SIGNATURES, "SIG0002", &[]).await;
    let page = operator.get(&format!("{SIGNATURES}/SIG0002")).await;
    assert!(page.has("#destination-proposed form"), "{}", page.text);
    let list = operator.get(SIGNATURES).await;
    assert!(list.has(&format!("a[href='{SIGNATURES}/SIG0002#destination']")), "{}", list.text);
}
