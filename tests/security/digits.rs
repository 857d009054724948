//! Hidden digits: who sees phones masked learns nothing of what a mask hides.

use serde_json::{Value, json};
use sqlx::PgPool;
use usms_console::ops::receipts::push_inbox;

use crate::harness::{CODE, Page, TestClient, TestConsole, TestOptions};

const RIGHT: &str = "18500001234";
/// The same to somebody who sees masks.
const WRONG: &str = "18577771234";
const MASK: &str = "185****1234";

/// A console in which nothing happens by itself.
pub async fn quiet(db: &PgPool) -> TestConsole {
    let options = TestOptions { workers: false, pushes: false, ..TestOptions::default() };
    TestConsole::start_with(db, options).await
}

pub async fn push(console: &TestConsole, kind: u8, items: Value) {
    let body = json!({ "MsgType": kind, "Data": items }).to_string();
    push_inbox::store(&console.app, console.project, body.as_bytes()).await.unwrap();
    console.process_pushes().await;
}

pub fn receipt(session: &str, phone: &str) -> Value {
    json!({ "SessionNo": session, "Phone": phone, "CostCount": 1, "ReceiptTime": 1_790_000_000,
        "ReceiptResult": "发送成功", "ReceiptCode": "DELIVRD", "ReceiptDesc": "", "UserId": "" })
}

pub fn reply(phone: &str, text: &str) -> Value {
    json!({ "Phone": phone, "ReplyContent": text, "ReplyTime": 1_760_000_000, "ExtendCode": "",
        "UserId": "" })
}

async fn suppress(operator: &TestClient, phones: &str) {
    let csrf = operator.get("/p/default/suppressions").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("phones", phones)];
    operator.post("/p/default/suppressions", &fields).await;
}

/// Returns all that a person sees of a page: its texts and links, or its file.
fn seen(page: &Page) -> String {
    if !page.has("main") {
        return page.text.clone();
    }
    let html = page.html();
    let main = scraper::Selector::parse("main").unwrap();
    let main = html.select(&main).next().unwrap().html();
    // Tokens are masked anew in every answer.
    if main.contains("name=\"csrf\"") { main.replace(&page.csrf(), "") } else { main }
}

#[sqlx::test]
async fn a_whole_phone_that_a_viewer_searches_for_is_taken_as_its_mask(db: PgPool) {
    let console = quiet(&db).await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    operator.send(CODE, &["1", "5"], RIGHT).await;
    push(&console, 2, json!([receipt("theirs", RIGHT)])).await;
    push(&console, 0, json!([reply(RIGHT, "收到")])).await;
    suppress(&operator, RIGHT).await;
    for path in [
        "/p/default/messages?phone=",
        "/p/default/messages.csv?phone=",
        "/p/default/messages?source=other&phone=",
        "/p/default/messages?state=queued&phone=",
        "/p/default/receipts?phone=",
        "/p/default/replies?phone=",
        "/p/default/replies?q=收到&phone=",
        "/p/default/replies.csv?phone=",
        "/p/default/suppressions?phone=",
    ] {
        let right = viewer.get(&format!("{path}{RIGHT}")).await;
        let wrong = viewer.get(&format!("{path}{WRONG}")).await;
        let mask = viewer.get(&format!("{path}{MASK}")).await;
        assert!(seen(&right).contains(MASK), "{path} finds it: {}", right.text);
        assert!(!right.text.contains("18500001234<"), "{path}");
        assert_eq!(right.status, wrong.status, "{path}");
        assert_eq!(seen(&right), seen(&wrong), "{path}");
        assert_eq!(seen(&right), seen(&mask), "{path}");
        let found = |page: &Page| seen(page).matches(RIGHT).count();
        let known = operator.get(&format!("{path}{RIGHT}")).await;
        assert!(found(&known) > 0, "{path}");
        let other = operator.get(&format!("{path}{WRONG}")).await;
        assert_eq!(found(&other), 0, "{path}: {}", other.text);
    }
    let other_head = viewer.get("/p/default/messages?phone=18600001234").await;
    assert!(!other_head.has("tbody tr"), "the first digits are shown, and count");
    for part in ["01234", "0001234", "8500001234", "1850000", "%1234", "0000"] {
        for path in ["/p/default/messages", "/p/default/replies", "/p/default/suppressions"] {
            let page = viewer.get(&format!("{path}?phone={part}")).await;
            assert!(!page.has("tbody tr"), "{path} finds nothing by {part}");
        }
    }
}

#[sqlx::test]
async fn lists_are_not_in_the_order_of_phones(db: PgPool) {
    let console = quiet(&db).await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    let phones = ["18500001300", "18500001100", "18500001200", "18500001050"];
    let newest_first = ["185****1050", "185****1200", "185****1100", "185****1300"];
    suppress(&operator, &phones.join("\n")).await;
    let list = viewer.get("/p/default/suppressions").await;
    assert_eq!(list.all("tbody th"), newest_first);
    push(&console, 2, phones.iter().map(|phone| receipt("theirs", phone)).collect()).await;
    let list = viewer.get("/p/default/messages?source=other").await;
    assert_eq!(list.all("tbody th"), newest_first);
    let phones = ["18500002300", "18500002100", "18500002200", "18500002050"];
    let newest_first = ["185****2050", "185****2200", "185****2100", "185****2300"];
    push(&console, 0, phones.iter().map(|phone| reply(phone, "TD")).collect()).await;
    let list = viewer.get("/p/default/replies").await;
    assert_eq!(list.all("tbody th"), newest_first);
    let list = viewer.get("/p/default/suppressions").await;
    assert_eq!(list.all("tbody th")[..4], newest_first);
    let file = viewer.get("/p/default/replies.csv").await;
    let column: Vec<&str> =
        file.text.lines().skip(1).map(|l| l.split("\",\"").nth(1).unwrap()).collect();
    assert_eq!(column, newest_first);
}

#[sqlx::test]
async fn the_file_of_suppressions_is_on_record(db: PgPool) {
    let console = quiet(&db).await;
    let viewer = console.viewer().await;
    viewer.get("/p/default/suppressions.csv").await;
    let events = "select count(*) from audit_log where action = 'suppressions_exported'";
    let events: i64 = sqlx::query_scalar(events).fetch_one(&db).await.unwrap();
    assert_eq!(events, 1);
}

const HOUR: time::Duration = time::Duration::HOUR;

/// Moves all calls into the past.
async fn age(db: &PgPool, by: time::Duration) {
    sqlx::query("update submissions set state = 'accepted', session_no = 'ours', sent_at = now() - $1::interval")
        .bind(by)
        .execute(db)
        .await
        .unwrap();
}

async fn revealed(db: &PgPool) -> Vec<(String, String)> {
    let events =
        "select subject, detail->>'reason' from audit_log where action = 'values_revealed'";
    sqlx::query_as(events).fetch_all(db).await.unwrap()
}

#[sqlx::test]
async fn the_values_of_codes_are_hidden_from_viewers_and_after_half_an_hour_from_everybody(
    db: PgPool,
) {
    let console = quiet(&db).await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    let batch = operator.send(CODE, &["987612", "5"], RIGHT).await;
    push(&console, 0, json!([reply(RIGHT, "收到")])).await;
    let message = operator.get("/p/default/messages").await.attr("tbody th a", "href");
    let conversation = operator.get("/p/default/replies").await.attr("tbody th a", "href");
    let live = format!("{batch}/live");
    let (file, all) = (format!("{batch}/messages.csv"), "/p/default/messages.csv".to_owned());
    let places = [&message, &batch, &live, &conversation, &file, &all];
    let search = "/p/default/messages?text=987612";
    let found = async |client: &TestClient| client.get(search).await.all("tbody tr").len();
    let shown = async |client: &TestClient| {
        let mut shown = 0;
        for place in places {
            let page = client.get(place).await;
            assert!(page.text.contains("您的验证码是"), "{place}: {}", page.text);
            shown += usize::from(page.text.contains("987612"));
        }
        (shown, found(client).await)
    };
    let everywhere = (places.len(), 1);
    assert_eq!(shown(&operator).await, everywhere);
    assert_eq!(shown(&viewer).await, (0, 0));
    assert!(viewer.get(&message).await.text.contains("••••••"));
    assert!(viewer.get(&file).await.text.contains("您的验证码是••••••"), "the file has dots");
    age(&db, HOUR / 2 - time::Duration::MINUTE).await;
    assert_eq!(shown(&operator).await, everywhere);
    age(&db, HOUR / 2).await;
    assert_eq!(shown(&operator).await, (0, 0));
    assert_eq!(shown(&viewer).await, (0, 0));
    let by_template = viewer.get("/p/default/messages?text=验证码").await;
    assert_eq!(by_template.all("tbody tr").len(), 1, "the text of the template is no secret");
}

#[sqlx::test]
async fn hidden_values_are_revealed_once_for_a_reason_that_is_on_record(db: PgPool) {
    let console = quiet(&db).await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    operator.send(CODE, &["987612", "5"], RIGHT).await;
    let path = operator.get("/p/default/messages").await.attr("tbody th a", "href");
    assert!(!operator.get(&path).await.has("#hidden-values"));
    age(&db, HOUR).await;
    let page = operator.get(&path).await;
    let action = page.attr("#hidden-values form", "action");
    let fields = page.whole_form("#hidden-values form");
    let with = |reason: &str| {
        let mut fields = fields.clone();
        fields.retain(|(name, _)| name != "reason");
        fields.push(("reason".to_owned(), reason.to_owned()));
        fields
    };
    let missing = operator.post_owned(&action, &with("  ")).await;
    assert_eq!(missing.status.as_u16(), 422);
    assert!(missing.has("#reason-error") && !missing.text.contains("987612"));
    let forged = operator.post(&action, &[("reason", "客户投诉")]).await;
    assert_eq!(forged.status.as_u16(), 403, "without a token");
    assert!(!viewer.get(&path).await.has("#hidden-values form"));
    let token = viewer.get("/p/default/").await.csrf();
    let stolen = viewer.post(&action, &[("csrf", &token), ("reason", "客户投诉")]).await;
    assert_eq!(stolen.status.as_u16(), 403);
    assert!(!stolen.text.contains("987612"));
    assert_eq!(revealed(&db).await, []);
    let shown = operator.post_owned(&action, &with(" 客户投诉 ")).await;
    assert_eq!(shown.status.as_u16(), 200);
    assert!(shown.text.contains("987612") && !shown.has("#hidden-values"), "{}", shown.text);
    let id = path.rsplit('/').next().unwrap().to_owned();
    assert_eq!(revealed(&db).await, [(id, "客户投诉".to_owned())]);
    assert!(!operator.get(&path).await.text.contains("987612"), "on that answer only");
}

#[sqlx::test]
async fn codes_are_sent_again_with_their_values_and_without_showing_them(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let fault =
        json!({ "action": "SendUSMSMessage", "kind": "ret_code", "ret_code": 18002, "times": 1 });
    console.fault(fault).await;
    let batch = operator.send(CODE, &["987612", "5"], RIGHT).await;
    console.until_complete(&operator, &batch).await;
    console.clear_faults().await;
    let page = operator.get(&format!("{batch}/resend")).await;
    let mut fields = page.whole_form("main form.form");
    fields.retain(|(name, _)| name != "cause");
    fields.push(("which".to_owned(), "refused".to_owned()));
    let answer = operator.post_owned(&format!("{batch}/resend"), &fields).await;
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
    let draft = answer.leads_to();
    let preview = operator.until_imported(&draft).await;
    assert!(preview.text.contains("您的验证码是") && preview.text.contains("••••••"));
    assert!(!preview.text.contains("987612"), "{}", preview.text);
    let again = operator.confirm_list(&draft, &[]).await;
    console.until_complete(&operator, &again).await;
    let sent: Vec<String> = sqlx::query_scalar("select params[1] from messages order by id")
        .fetch_all(&db)
        .await
        .unwrap();
    assert_eq!(sent, ["987612", "987612"]);
}

#[sqlx::test]
async fn phones_in_texts_are_masked_for_viewers_and_not_found_by_them(db: PgPool) {
    let console = quiet(&db).await;
    console.add_notice_template().await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    operator.send(crate::harness::NOTICE, &["18500004321号", "3"], RIGHT).await;
    push(&console, 0, json!([reply(RIGHT, "请打18500004321")])).await;
    let message = operator.get("/p/default/messages").await.attr("tbody th a", "href");
    let conversation = operator.get("/p/default/replies").await.attr("tbody th a", "href");
    let replies = "/p/default/replies".to_owned();
    for path in [&message, &conversation, &replies, &format!("{replies}.csv")] {
        assert!(operator.get(path).await.text.contains("18500004321"), "{path}");
        let page = viewer.get(path).await.text;
        assert!(page.contains("185****4321") && !page.contains("0004321"), "{path}: {page}");
    }
    for search in ["/p/default/messages?text=", "/p/default/replies?q="] {
        let found = async |client: &TestClient, text: &str| {
            client.get(&format!("{search}{text}")).await.all("tbody tr").len()
        };
        assert_eq!(found(&operator, "18500004321").await, 1, "{search}");
        for part in ["18500004321", "1850000", "00043", "04321"] {
            assert_eq!(found(&viewer, part).await, 0, "{search}{part}");
        }
        assert_eq!(found(&viewer, "4321").await, 1, "{search}: what the mask shows");
    }
}

/// Sends a code that UCloud refuses, and makes a draft that sends it again. Returns the batch and the
/// preview of the draft.
async fn refused_and_drafted(console: &TestConsole, operator: &TestClient) -> (String, String) {
    let fault =
        json!({ "action": "SendUSMSMessage", "kind": "ret_code", "ret_code": 18002, "times": 1 });
    console.fault(fault).await;
    let batch = operator.send(CODE, &["987612", "5"], RIGHT).await;
    console.until_complete(operator, &batch).await;
    console.clear_faults().await;
    let page = operator.get(&format!("{batch}/resend")).await;
    let mut fields = page.whole_form("main form.form");
    fields.retain(|(name, _)| name != "cause");
    fields.push(("which".to_owned(), "refused".to_owned()));
    let answer = operator.post_owned(&format!("{batch}/resend"), &fields).await;
    let draft = answer.leads_to();
    operator.until_imported(&draft).await;
    (batch, draft)
}

#[sqlx::test]
async fn hidden_values_are_not_filled_in_where_an_earlier_message_is_sent_again(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["987612", "5"], RIGHT).await;
    let form = format!("/p/default/send?batch={}", batch.rsplit('/').next().unwrap());
    let page = operator.get(&form).await;
    assert!(page.text.contains("987612") && !page.has("#params-hidden"), "{}", page.text);
    age(&db, HOUR).await;
    let page = operator.get(&form).await;
    assert!(!page.text.contains("987612"), "{}", page.text);
    assert_eq!((page.value("#p1"), page.value("#p2")), (String::new(), String::new()));
    assert!(page.has("#params-hidden") && page.text.contains(RIGHT));
}

#[sqlx::test]
async fn hidden_values_stay_hidden_however_the_file_of_a_draft_is_read(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let (_, draft) = refused_and_drafted(&console, &operator).await;
    let notice = operator
        .get(&draft)
        .await
        .option_containing("select[name=template_id] option", crate::harness::NOTICE);
    let read: [(&str, &[(&str, &str)]); 6] = [
        ("the code as the phone", &[("column", "1"), ("column", "phone"), ("column", "2")]),
        ("no header", &[("header", ""), ("column", "phone"), ("column", "1"), ("column", "2")]),
        ("other columns", &[("column", "2"), ("column", "1"), ("column", "phone")]),
        ("another separator", &[("delimiter", "semicolon")]),
        ("another encoding", &[("encoding", "gb18030")]),
        ("another template", &[("template_id", &notice)]),
    ];
    for (what, changed) in read {
        let mut fields = operator.get(&draft).await.whole_form("form#columns");
        for (name, _) in changed {
            fields.retain(|(field, _)| field != name);
        }
        let given = changed.iter().filter(|(_, value)| !value.is_empty());
        fields.extend(given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let answer = operator.post_owned(&draft, &fields).await;
        let preview = match answer.status.as_u16() {
            303 => operator.until_imported(&answer.leads_to()).await,
            _ => answer,
        };
        assert!(!preview.text.contains("987612"), "{what}: {}", preview.text);
        let rejected = operator.get(&draft.replace("/preview", "/rejected.csv")).await;
        assert!(!rejected.text.contains("987612"), "{what}: {}", rejected.text);
    }
}

#[sqlx::test]
async fn hidden_values_stay_hidden_in_the_batch_that_sends_them_again(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let (_, draft) = refused_and_drafted(&console, &operator).await;
    let page = operator.get(&draft).await;
    let notice = page.option_containing("select[name=template_id] option", crate::harness::NOTICE);
    let mut fields = page.whole_form("form#columns");
    fields.retain(|(name, _)| name != "template_id");
    fields.push(("template_id".to_owned(), notice));
    let answer = operator.post_owned(&draft, &fields).await;
    operator.until_imported(&answer.leads_to()).await;
    let batch = operator.confirm_list(&draft, &[("schedule_at", "2027-01-05T10:00")]).await;
    let id = batch.rsplit('/').next().unwrap();
    let message: i64 = crate::harness::eventually(async || {
        sqlx::query_scalar("select id from messages where batch_id = (select max(id) from batches)")
            .fetch_optional(&db)
            .await
            .unwrap()
    })
    .await
    .unwrap();
    let message = format!("/p/default/messages/{}", usms_console::domain::ids::MessageId(message));
    let again = format!("/p/default/send?batch={id}");
    for path in
        [&batch, &format!("{batch}/live"), &format!("{batch}/messages.csv"), &message, &again]
    {
        let page = operator.get(path).await;
        assert_eq!(page.status.as_u16(), 200, "{path}");
        assert!(!page.text.contains("987612"), "{path}: {}", page.text);
    }
    let found = operator.get(&format!("/p/default/messages?batch={id}&text=987612")).await;
    assert!(!found.has("tbody tr"), "{}", found.text);
    assert!(operator.get(&message).await.has("#hidden-values form"), "for a reason");
}

#[sqlx::test]
async fn the_database_masks_phones_and_texts_as_pages_do(db: PgPool) {
    use usms_console::domain::phone::{masked, masked_about};
    let numbers = "1850000123456789";
    for length in 0..=16 {
        for country in ["", "(60)", "(1)"] {
            let phone = format!("{country}{}", &numbers[..length]);
            let by_database: String = sqlx::query_scalar("select masked_phone($1)")
                .bind(&phone)
                .fetch_one(&db)
                .await
                .unwrap();
            assert_eq!(by_database, masked(&phone), "{phone}");
            let national = by_database.trim_start_matches(country);
            let shown = national.bytes().filter(u8::is_ascii_digit).count();
            assert!(shown + 4 <= length.max(4), "{by_database}");
        }
    }
    let texts = [
        "请打18500001234或+8618500001235",
        "008618500001234",
        "185-0000-1234 185 0000 1235",
        "86 185-00001234",
        "118500001234 1850000123 185000012345",
        "订单2026112312345678",
        "+60 12-345 6789, 0060123456789",
        "+1 (212) 555-0100＋3545551234",
        "(60)123456789(60)12",
        "1+234567 +123456 00123456 0012345678",
        "123456789没空",
        "00860018500001234",
        "+(60)12 3 4 5 6 7 8",
        "((1)2345678)",
        "2026-11-23 10:00 00-1",
        "",
        "（60）1234567",
        "185--0000-1234",
        "+1  2  3  4  5  6  7",
        "13 500001234 56",
        "000000001234567",
    ];
    for own in ["18500001234", "(60)123456789", "(354)6112345", "", "185****1234", "(1)1234"] {
        for text in texts {
            let by_database: String = sqlx::query_scalar("select phones_masked_in($1, $2)")
                .bind(text)
                .bind(own)
                .fetch_one(&db)
                .await
                .unwrap();
            assert_eq!(by_database, masked_about(text, own), "{text} with {own}");
        }
    }
}

#[sqlx::test]
async fn phones_in_names_of_batches_and_in_texts_of_carriers_are_masked_for_viewers(db: PgPool) {
    let console = quiet(&db).await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    let batch = operator.send(CODE, &["1", "5"], RIGHT).await;
    sqlx::query("update batches set name = '张三18500004321'").execute(&db).await.unwrap();
    age(&db, HOUR).await;
    let told = "user +60 12-345 6789 barred, 123456780, 18500004322";
    let mut failed = receipt("ours", RIGHT);
    failed["ReceiptResult"] = json!("发送失败");
    failed["ReceiptCode"] = json!("MK:0001");
    failed["ReceiptDesc"] = json!(told);
    let mut theirs = failed.clone();
    (theirs["SessionNo"], theirs["Phone"]) = (json!("theirs"), json!("(60)123456780"));
    push(&console, 2, json!([failed, theirs])).await;
    sqlx::query("update submissions set vendor_message = 'no right for 18500004323', ret_code = 7")
        .execute(&db)
        .await
        .unwrap();
    let id = batch.rsplit('/').next().unwrap();
    let message =
        operator.get(&format!("/p/default/messages?batch={id}")).await.attr("tbody th a", "href");
    let other = operator.get("/p/default/messages?source=other").await.attr("tbody th a", "href");
    let shown = ["18500004321", "345 6789", "123456780", "18500004322", "18500004323"];
    let mut seen: std::collections::BTreeSet<&str> = std::collections::BTreeSet::new();
    for path in [
        "/p/default/",
        "/p/default/batches",
        &batch,
        &format!("{batch}/live"),
        &format!("{batch}/in-doubt"),
        &format!("{batch}/messages.csv"),
        "/p/default/messages",
        &format!("/p/default/messages?batch={id}"),
        "/p/default/messages.csv",
        "/p/default/failures",
        "/p/default/failures.csv",
        "/p/default/receipts/ours",
        "/p/default/receipts/theirs",
        &message,
        &other,
    ] {
        let whole = operator.get(path).await.text;
        seen.extend(shown.iter().filter(|number| whole.contains(**number)));
        let page = viewer.get(path).await;
        assert_eq!(page.status.as_u16(), 200, "{path}");
        for number in shown {
            assert!(!page.text.contains(number), "{path} shows {number}: {}", page.text);
        }
    }
    assert_eq!(seen.len(), shown.len(), "operators see {seen:?}");
}

#[sqlx::test]
async fn a_viewer_does_not_find_a_phone_abroad_by_guessing_it_in_texts(db: PgPool) {
    let console = quiet(&db).await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    push(&console, 0, json!([reply("(60)123456789", "我是123456789，或+65 8123 4567")])).await;
    let found = async |client: &TestClient, text: &str| {
        client.get(&format!("/p/default/replies?q={text}")).await.all("tbody tr").len()
    };
    for text in ["123456789", "23456", "8123%204567"] {
        assert_eq!(found(&operator, text).await, 1, "{text}");
        assert_eq!(found(&viewer, text).await, 0, "{text}");
    }
    let list = viewer.get("/p/default/replies").await.text;
    assert!(list.contains("我是1****6789") && !list.contains("8123"), "{list}");
}
