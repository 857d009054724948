//! One text to a few phones: from the form to the receipt of each phone.

use reqwest::StatusCode;
use sqlx::PgPool;

use usms_console::db::review::signatures;
use usms_console::db::review::sms_templates::{self, SmsTemplate};
use usms_console::domain::ids::UserId;
use usms_console::domain::phone::Phone;
use usms_console::domain::review::Purpose;
use usms_console::domain::sending::outgoing::Content;
use usms_console::domain::sending::price::Estimate;
use usms_console::ops::sending::order::{self, Order, OrderError};
use usms_console::ops::sending::prices;

use super::prices::set_price;
use crate::harness::{CODE, NOTICE, TestConsole, assert_sound};

#[sqlx::test]
async fn a_text_is_sent_to_three_phones_and_their_receipts_have_a_page(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let phones = "+86 185 0000 1234\n（86）１８５０００００００１，18500000007;18500001234";
    let batch = operator.send(CODE, &["4321", "5"], phones).await;
    let page = console.until_complete(&operator, &batch).await;
    let states = page.all(".messages tbody .status");
    assert_eq!(states, ["已送达", "失败", "未知"], "{}", page.text);
    assert!(page.has(".status.good"), "the ledger adds up");
    assert!(page.one(".bubble").contains("【云帆书店】您的验证码是4321，5分钟内有效。"));
    let session = page.attr(".messages tbody td:last-child a", "href");
    let receipts = operator.get(&session).await;
    assert_eq!(receipts.all(".messages tbody tr").len(), 3);
    let of_phone = operator.get("/p/default/receipts?phone=185-0000-1234").await;
    assert_eq!(of_phone.all(".messages tbody .status"), ["已送达"]);
    assert_eq!(console.accepted().await, (3, 0));
    assert_sound(&console.app.db).await;
}

#[sqlx::test]
async fn a_double_click_a_reload_and_two_tabs_send_once(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let fields = operator.send_fields(CODE, &["1234", "5"], "18500001234").await;
    let check = operator.post_owned("/p/default/send", &fields).await;
    let confirmed = check.form_fields("confirm");
    let (first, second) = tokio::join!(
        operator.post_owned("/p/default/send", &confirmed),
        operator.post_owned("/p/default/send", &confirmed),
    );
    let third = operator.post_owned("/p/default/send", &confirmed).await;
    assert_eq!(first.leads_to(), second.leads_to());
    assert_eq!(first.leads_to(), third.leads_to());
    console.until_complete(&operator, &first.leads_to()).await;
    assert_eq!(console.accepted().await, (1, 0));
}

#[sqlx::test]
async fn a_repeat_within_a_day_has_to_be_confirmed(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1234", "5"], "18500001234").await;
    console.until_complete(&operator, &batch).await;
    let fields = operator.send_fields(CODE, &["1234", "5"], "18500001234\n18500001235").await;
    let check = operator.post_owned("/p/default/send", &fields).await;
    assert!(check.has(".notice.doubtful input[name=again]"));
    let without = operator.post_owned("/p/default/send", &check.form_fields("confirm")).await;
    console.until_complete(&operator, &without.leads_to()).await;
    assert_eq!(console.accepted().await, (2, 0));
    let fields = operator.send_fields(CODE, &["1234", "5"], "18500001234").await;
    let check = operator.post_owned("/p/default/send", &fields).await;
    let mut insisting = check.form_fields("confirm");
    insisting.push(("again".to_owned(), "1".to_owned()));
    let again = operator.post_owned("/p/default/send", &insisting).await;
    console.until_complete(&operator, &again.leads_to()).await;
    assert_eq!(console.accepted().await, (3, 0));
}

#[sqlx::test]
async fn a_repeat_that_appears_after_the_check_is_shown_before_it_is_sent(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let fields = operator.send_fields(CODE, &["1234", "5"], "18500001234\n18500001235").await;
    let check = operator.post_owned("/p/default/send", &fields).await;
    let other = operator.send(CODE, &["1234", "5"], "18500001234").await;
    console.until_complete(&operator, &other).await;
    let answer = operator.post_owned("/p/default/send", &check.form_fields("confirm")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.has("[role=alert]") && answer.has("input[name=again]"));
    assert_eq!(console.accepted().await.0, 1);
}

#[sqlx::test]
async fn an_invalid_form_comes_back_with_its_input_and_each_problem_at_its_field(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let phones = "1850000123\n010-12345678\n1.85E+10\n李四\n18500001234\n<script>alert(1)</script>";
    let fields = operator.send_fields(CODE, &["", "a\u{202e}b"], phones).await;
    let page = operator.post_owned("/p/default/send", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.has("#errors[role=alert]"));
    assert!(page.has("#p1-error") && page.has("#p2-error") && page.has("#phones-error"));
    assert_eq!(page.all("#phones-error li").len(), 5);
    let typed: Vec<&str> = phones.lines().collect();
    assert_eq!(page.one("#phones"), typed.join(" "), "every line is there, escaped");
    assert!(!page.text.contains("<script>alert"));
    assert_eq!(page.value("#p2"), "a\u{202e}b");
}

#[sqlx::test]
async fn hostile_and_non_latin_values_arrive_as_they_were_typed(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let hostile = "\"><img src=x onerror=alert(1)>' OR 1=1 -- مرحبا 😀";
    let batch = operator.send(NOTICE, &[hostile, "5"], "18500001234").await;
    let page = console.until_complete(&operator, &batch).await;
    assert!(!page.has("img"));
    assert!(page.one(".bubble").contains(hostile));
    let accepted = console
        .admin(reqwest::Method::GET, "messages?phone=18500001234", serde_json::Value::Null)
        .await;
    assert!(accepted.to_string().contains("OR 1=1"), "{accepted}");
}

#[sqlx::test]
async fn a_send_is_limited_to_a_thousand_phones_and_five_hundred_characters(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let many: String = (0..1_001).map(|n| format!("1850{n:07}\n")).collect();
    let fields = operator.send_fields(CODE, &["1", "5"], &many).await;
    let page = operator.post_owned("/p/default/send", &fields).await;
    assert!(page.has("#phones-error"));
    let long = "字".repeat(490);
    let fields = operator.send_fields(NOTICE, &[&long, "5"], "18500001234").await;
    let page = operator.post_owned("/p/default/send", &fields).await;
    assert!(page.one("#p1-error").contains("500"), "{}", page.text);
    let abroad = operator.send_fields(CODE, &["1", "5"], "+60123456789").await;
    assert!(operator.post_owned("/p/default/send", &abroad).await.has("#phones-error"));
}

#[sqlx::test]
async fn the_preview_shows_the_text_its_length_and_parts(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let fields = operator.send_fields(NOTICE, &[&"长".repeat(80), "5"], "18500001234").await;
    let preview = operator.post_owned("/p/default/send/preview", &fields).await;
    assert_eq!(preview.all(".bubble .variable").len(), 2);
    assert!(preview.one(".facts").contains("2"), "{}", preview.text);
}

#[sqlx::test]
async fn marketing_waits_for_a_second_person_and_no_one_approves_their_own(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let approver = console.approver().await;
    let batch = approver.send("新书", &["读者"], "18500001234").await;
    let page = approver.get(&batch).await;
    assert!(!page.has("form[action$=approve]"));
    let own = approver.post(&format!("{batch}/approve"), &[("csrf", &page.csrf())]).await;
    assert_eq!(own.status, StatusCode::UNPROCESSABLE_ENTITY, "there is no such form");
    assert_eq!(console.accepted().await.0, 0);
    let second =
        console.member("second", usms_console::domain::accounts::role::Role::Approver).await;
    let page = second.get(&batch).await;
    assert!(page.has("form[action$=approve]"));
    let fields = page.whole_form("form[action$=approve]");
    second.post_owned(&format!("{batch}/approve"), &fields).await;
    let page = second.get(&batch).await;
    assert!(!page.has("form[action$=approve]"), "{}", page.text);
}

#[sqlx::test]
async fn a_scheduled_batch_waits_and_can_be_cancelled(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let mut fields = operator.send_fields(CODE, &["1", "5"], "18500001234").await;
    let tomorrow = time::OffsetDateTime::now_utc() + time::Duration::hours(20);
    let local = tomorrow.to_offset(time::UtcOffset::from_hms(8, 0, 0).unwrap());
    let at = format!("{}T{:02}:{:02}", local.date(), local.hour(), local.minute());
    fields.push(("schedule_at".to_owned(), at));
    let check = operator.post_owned("/p/default/send", &fields).await;
    let batch =
        operator.post_owned("/p/default/send", &check.form_fields("confirm")).await.leads_to();
    let page = operator.get(&batch).await;
    let ask = operator.post(&format!("{batch}/cancel"), &[("csrf", &page.csrf())]).await;
    assert!(ask.has("button[name=confirm]"));
    operator.post(&format!("{batch}/cancel"), &[("csrf", &page.csrf()), ("confirm", "1")]).await;
    let page = operator.get(&batch).await;
    assert_eq!(page.all(".messages tbody .status"), ["已取消"]);
    assert_eq!(console.accepted().await.0, 0);
}

#[sqlx::test]
async fn sending_again_starts_with_the_values_of_the_last_time(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["77", "5"], "18500001234").await;
    let page = console.until_complete(&operator, &batch).await;
    let form = operator.get(&page.attr("a[href*='/send?batch=']", "href")).await;
    assert_eq!(form.value("#p1"), "77");
    assert_eq!(form.one("#phones"), "18500001234");
}

#[sqlx::test]
async fn a_code_of_eight_characters_is_refused_at_its_field_and_nothing_is_sent(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let mut fields = operator.send_fields(CODE, &["12345678", "5"], "18500001234").await;
    fields.push(("confirm".to_owned(), "1".to_owned()));
    let page = operator.post_owned("/p/default/send", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.has("#p1-error") && !page.has("#p2-error"), "{}", page.text);
    assert_eq!(page.value("#p1"), "12345678");
    assert!(page.has("#params-hint"), "{}", page.text);
    assert_eq!(page.attr("#p1", "aria-describedby"), "params-hint p1-error");
    let batches: i64 =
        sqlx::query_scalar("select count(*) from batches").fetch_one(&db).await.unwrap();
    assert_eq!((batches, console.accepted().await.0), (0, 0));
}

#[sqlx::test]
async fn codes_of_one_and_of_seven_letters_or_digits_are_sent(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    for code in ["7", "aB34567"] {
        let fields = operator.send_fields(CODE, &[code, "5"], "18500001234").await;
        let check = operator.post_owned("/p/default/send", &fields).await;
        assert!(!check.has("#warnings"), "{}", check.text);
        let batch = operator.send(CODE, &[code, "5"], "18500001234").await;
        let page = console.until_complete(&operator, &batch).await;
        assert_eq!(page.all(".messages tbody .status"), ["已送达"], "{code}");
    }
    assert_eq!(console.accepted().await.0, 2);
}

#[sqlx::test]
async fn a_value_that_may_cause_trouble_is_shown_before_it_is_sent_and_can_be_sent(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let phones = "18500001234";
    for (n, (value, chinese, english)) in [
        ("#N/A", "#N/A", "#N/A"),
        ("{name}", "占位符", "placeholder"),
        ("见 example.cn/a", "链接", "link"),
        ("请拨 400-123-4567", "电话号码", "phone number"),
        ("★", "※、●或★", "※, ●, or ★"),
        ("￥50", "“50元”", "“50元”"),
        ("😀", "表情符号", "emoji"),
    ]
    .into_iter()
    .enumerate()
    {
        for (language, named, expected) in
            [("en", "Variable 1: ", english), ("zh-CN", "变量 1：", chinese)]
        {
            operator.get_in(language, "/p/default/send").await;
            let fields = operator.send_fields(NOTICE, &[value, "5"], phones).await;
            let check = operator.post_owned("/p/default/send", &fields).await;
            let warnings = check.all("#warnings li");
            assert_eq!(warnings.len(), 1, "{value}: {}", check.text);
            assert!(warnings[0].starts_with(named), "{value}: {warnings:?}");
            assert!(warnings[0].contains(expected), "{value}: {warnings:?}");
        }
        let batch = operator.send(NOTICE, &[value, "5"], phones).await;
        let page = console.until_complete(&operator, &batch).await;
        assert!(page.one(".bubble").contains(value), "{value}: {}", page.text);
        assert_eq!(console.accepted().await.0, i64::try_from(n).unwrap() + 1, "{value}");
    }
}

#[sqlx::test]
async fn every_warning_of_every_variable_is_listed_and_values_without_one_are_not(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let fields = operator.send_fields(NOTICE, &["★ ￥50", "见 example.cn"], "18500001234").await;
    let check = operator.post_owned("/p/default/send", &fields).await;
    let warnings = check.all("#warnings li");
    let variables: Vec<String> =
        warnings.iter().map(|warning| warning.chars().take(4).collect()).collect();
    assert_eq!(variables, ["变量 1", "变量 1", "变量 2"], "{warnings:?}");
    let fields = operator.send_fields(NOTICE, &["YF1024", "5"], "18500001234").await;
    let check = operator.post_owned("/p/default/send", &fields).await;
    assert!(check.has("button[name=confirm]") && !check.has("#warnings"), "{}", check.text);
    let form = operator.post_owned("/p/default/send", &check.form_fields("choose")).await;
    assert!(form.has("#p1") && !form.has("#params-hint"), "a notice takes any text");
}

#[sqlx::test]
async fn an_order_of_a_template_that_has_changed_since_it_was_checked_is_not_stored(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.operator().await;
    let ordered_by =
        UserId(sqlx::query_scalar("select id from users").fetch_one(&db).await.unwrap());
    let signatures = signatures::approved(&db, console.project, 10).await.unwrap();
    let templates = sms_templates::approved(&db, console.project, 10).await.unwrap();
    let template = templates.iter().find(|template| template.purpose == Purpose::Verification);
    let place = async |text: &str| {
        let template = SmsTemplate { text: text.to_owned(), ..template.unwrap().clone() };
        let wording = order::wording(&signatures[0], &template).unwrap();
        let content = Content::new(wording, vec!["1234".to_owned(), "5".to_owned()]).unwrap();
        let order = Order {
            project: console.project,
            ordered_by,
            outgoing: content.to(vec![Phone::parse("18500001234").unwrap()]).unwrap(),
            schedule_at: None,
            form_token: uuid::Uuid::new_v4(),
        };
        order::place(&console.app, &order, "127.0.0.1").await
    };
    let placed = place("另一条验证码{1}，{2}分钟内有效。").await;
    assert!(matches!(placed, Err(OrderError::Changed)), "{placed:?}");
    let count = async || {
        sqlx::query_scalar::<_, i64>("select count(*) from batches").fetch_one(&db).await.unwrap()
    };
    assert_eq!(count().await, 0);
    place(&template.unwrap().text).await.unwrap();
    assert_eq!(count().await, 1);
}

#[sqlx::test]
async fn an_order_at_a_price_that_changed_after_it_was_checked_is_not_stored(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.operator().await;
    let ordered_by =
        UserId(sqlx::query_scalar("select id from users").fetch_one(&db).await.unwrap());
    let signatures = signatures::approved(&db, console.project, 10).await.unwrap();
    let templates = sms_templates::approved(&db, console.project, 10).await.unwrap();
    let template = templates.iter().find(|template| template.purpose == Purpose::Verification);
    let template = template.unwrap();
    set_price(&db, "notice", "", 450).await;
    let phones = vec![Phone::parse("18500001234").unwrap()];
    let shown = async || {
        let prices = prices::today(&console.app, console.project).await.unwrap();
        order::estimate(&prices, template, &phones, 1)
    };
    let place = async |shown: &Estimate| {
        let wording = order::wording(&signatures[0], template).unwrap();
        let content = Content::new(wording, vec!["1234".to_owned(), "5".to_owned()]).unwrap();
        let order = Order {
            project: console.project,
            ordered_by,
            outgoing: content.to(phones.clone()).unwrap(),
            schedule_at: None,
            form_token: uuid::Uuid::new_v4(),
        };
        order::place_as_shown(&console.app, &order, shown, "127.0.0.1").await
    };
    let before = shown().await;
    sqlx::query("update prices set price = 500").execute(&db).await.unwrap();
    let placed = place(&before).await;
    assert!(matches!(placed, Err(OrderError::PriceChanged)), "{placed:?}");
    let batches: i64 =
        sqlx::query_scalar("select count(*) from batches").fetch_one(&db).await.unwrap();
    assert_eq!(batches, 0);
    place(&shown().await).await.unwrap();
    let price: i32 = sqlx::query_scalar("select price from batches").fetch_one(&db).await.unwrap();
    assert_eq!(price, 500);
}
