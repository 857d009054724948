//! The same text to the same phone twice within 24 hours, counted between the times at which the two
//! leave.

use reqwest::StatusCode;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use usms_console::app::App;
use usms_console::clock::Clock;
use usms_console::db::review::{signatures, sms_templates};
use usms_console::domain::phone::Phone;
use usms_console::domain::review::Purpose;
use usms_console::domain::sending::outgoing::Content;
use usms_console::domain::time::CHINA;
use usms_console::ops::sending::{order, repeats};

use crate::harness::{CODE, NOTICE, Page, TestClient, TestConsole, TestOptions};

const PHONE: &str = "18500001234";

/// Returns the value of a time field, `hours` from now.
pub fn in_hours(hours: i64) -> String {
    let at = (OffsetDateTime::now_utc() + Duration::hours(hours)).to_offset(CHINA);
    format!("{}T{:02}:{:02}", at.date(), at.hour(), at.minute())
}

/// Orders the code for a time and returns its batch.
async fn schedule(operator: &TestClient, at: &str) -> String {
    let check = check(operator, &["1234", "5"], at).await;
    let mut fields = check.form_fields("confirm");
    fields.retain(|(name, _)| name != "again");
    let sent = operator.post_owned("/p/default/send", &fields).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    sent.leads_to()
}

/// Returns the check page for the same code at another time; empty means now.
async fn check(operator: &TestClient, params: &[&str], at: &str) -> Page {
    let mut fields = operator.send_fields(CODE, params, PHONE).await;
    fields.push(("schedule_at".to_owned(), at.to_owned()));
    let page = operator.post_owned("/p/default/send", &fields).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    page
}

fn is_repeat(page: &Page) -> bool {
    page.has(".notice.doubtful input[name=again]")
}

#[sqlx::test]
async fn what_is_scheduled_counts_at_the_hour_at_which_it_leaves(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = schedule(&operator, &in_hours(30)).await;
    for (at, repeats) in [
        (String::new(), false),
        (in_hours(5), false),
        (in_hours(7), true),
        (in_hours(30), true),
        (in_hours(53), true),
        (in_hours(55), false),
    ] {
        let page = check(&operator, &["1234", "5"], &at).await;
        assert_eq!(is_repeat(&page), repeats, "{at}");
    }
    let csrf = operator.get(&batch).await.csrf();
    operator.post(&format!("{batch}/cancel"), &[("csrf", &csrf), ("confirm", "1")]).await;
    let page = check(&operator, &["1234", "5"], &in_hours(30)).await;
    assert!(!is_repeat(&page), "a cancelled batch does not leave");
}

#[sqlx::test]
async fn what_was_sent_counts_against_what_is_scheduled_later(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1234", "5"], PHONE).await;
    console.until_complete(&operator, &batch).await;
    for (at, repeats) in [(String::new(), true), (in_hours(23), true), (in_hours(25), false)] {
        let page = check(&operator, &["1234", "5"], &at).await;
        assert_eq!(is_repeat(&page), repeats, "{at}");
    }
}

#[sqlx::test]
async fn a_batch_that_was_ordered_days_before_it_leaves_counts(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    schedule(&operator, &in_hours(72)).await;
    let signatures = signatures::approved(&db, console.project, 10).await.unwrap();
    let templates = sms_templates::approved(&db, console.project, 10).await.unwrap();
    let template = templates.iter().find(|template| template.purpose == Purpose::Verification);
    let wording = order::wording(&signatures[0], template.unwrap()).unwrap();
    let content = Content::new(wording, vec!["1234".to_owned(), "5".to_owned()]).unwrap();
    let phones = [Phone::parse(PHONE).unwrap()];
    // What waits after its time may leave at any moment.
    for (hours, repeats) in [(0, 0), (47, 0), (49, 1), (100, 1)] {
        let clock = Clock::set_to(OffsetDateTime::now_utc() + Duration::hours(hours));
        let app = App { clock, ..console.app.clone() };
        let found = repeats::of_content(&app, console.project, &content, &phones, None).await;
        assert_eq!(found.unwrap().len(), repeats, "{hours}");
    }
}

#[sqlx::test]
async fn values_are_sent_and_compared_without_the_space_around_them(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let batch = operator.send(NOTICE, &["书", " 5 "], PHONE).await;
    let page = console.until_complete(&operator, &batch).await;
    assert!(page.one(".bubble").contains('5'));
    let stored: Vec<String> =
        sqlx::query_scalar("select params from messages").fetch_one(&db).await.unwrap();
    assert_eq!(stored, ["书", "5"]);
    for values in [["书", "5"], ["书\u{3000}", "5"], [" 书", "\u{a0}5 "]] {
        let fields = operator.send_fields(NOTICE, &values, PHONE).await;
        let page = operator.post_owned("/p/default/send", &fields).await;
        assert!(is_repeat(&page), "{values:?}");
    }
    let list = operator.upload_list(NOTICE, "a.csv", "18500001234,书, 5\n".as_bytes()).await;
    let page = operator.get(&list).await;
    assert!(page.has("form#yes input[name=again]"), "{}", page.text);
}

#[sqlx::test]
async fn a_list_is_compared_with_what_leaves_around_its_own_time(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    schedule(&operator, &in_hours(30)).await;
    let file = b"phone,param1,param2\n18500001234,1234,5\n18500001235,1234,5\n";
    let list = operator.upload_list(CODE, "a.csv", file).await;
    let page = operator.get(&list).await;
    assert!(!page.has("form#yes input[name=again]"), "it would leave now");
    let at = in_hours(29);
    // The time was not known when the list was checked: it is checked again, and nothing is ordered.
    let back = operator.confirm_list(&list, &[("schedule_at", &at)]).await;
    assert!(back.starts_with(&list), "{back}");
    let page = operator.until_imported(&back).await;
    assert!(page.has("form#yes input[name=again]"), "{}", page.text);
    assert_eq!(page.value("form#yes input[name=schedule_at]"), at);
    // At another time, nobody is sent the same text twice.
    let back = operator.confirm_list(&list, &[("schedule_at", "")]).await;
    assert!(back.starts_with(&list), "{back}");
    let page = operator.until_imported(&back).await;
    assert!(!page.has("form#yes input[name=again]"), "{}", page.text);
    let batch = operator.confirm_list(&list, &[]).await;
    console.until_complete(&operator, &batch).await;
    assert_eq!(console.accepted().await.0, 2);
}

#[sqlx::test]
async fn the_time_of_a_list_whose_texts_nobody_else_receives_is_ordered_at_once(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    schedule(&operator, &in_hours(30)).await;
    let list = operator.upload_list(CODE, "a.csv", b"18500001234,4321,5\n").await;
    let batch = operator.confirm_list(&list, &[("schedule_at", &in_hours(29))]).await;
    assert_eq!(operator.get(&batch).await.one(".head .status"), "待发送");
}

#[sqlx::test]
async fn moving_a_batch_near_the_same_texts_asks_first(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1234", "5"], PHONE).await;
    console.until_complete(&operator, &batch).await;
    let later = schedule(&operator, &in_hours(72)).await;
    let form = operator.get(&later).await.whole_form("form[action$=schedule]");
    let move_to = async |at: &str, form: &[(String, String)]| {
        let mut fields = form.to_vec();
        fields.retain(|(name, _)| name != "schedule_at");
        fields.push(("schedule_at".to_owned(), at.to_owned()));
        operator.post_owned(&format!("{later}/schedule"), &fields).await
    };
    let asked = move_to(&in_hours(20), &form).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    assert!(asked.one(".notice.doubtful h2").contains("1 个号码"), "{}", asked.text);
    let stored = async || {
        sqlx::query_scalar::<_, OffsetDateTime>("select max(schedule_at) from batches")
            .fetch_one(&db)
            .await
            .unwrap()
    };
    assert!(stored().await > OffsetDateTime::now_utc() + Duration::hours(71), "nothing was moved");
    // A time that is far from it needs no question.
    let moved = move_to(&in_hours(48), &form).await;
    assert_eq!(moved.status, StatusCode::SEE_OTHER, "{}", moved.text);
    let form = operator.get(&later).await.whole_form("form[action$=schedule]");
    let mut now = form.clone();
    now.push(("now".to_owned(), "1".to_owned()));
    let asked = operator.post_owned(&format!("{later}/schedule"), &now).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    let confirmed = asked.form_fields("confirm");
    let sent = operator.post_owned(&format!("{later}/schedule"), &confirmed).await;
    assert_eq!(sent.leads_to(), later);
    console.until_complete(&operator, &later).await;
    assert_eq!(console.accepted().await.0, 2);
}

#[sqlx::test]
async fn a_list_that_is_confirmed_long_after_it_was_read_is_checked_again(db: PgPool) {
    let clock = Clock::set_to(OffsetDateTime::now_utc());
    let console =
        TestConsole::start_with(&db, TestOptions { clock, ..TestOptions::default() }).await;
    let operator = console.operator().await;
    // It leaves in 25 hours, so that it is no repeat of what leaves now, but of what leaves later.
    schedule(&operator, &in_hours(25)).await;
    let list = operator.upload_list(CODE, "a.csv", b"18500001234,1234,5\n18500001235,1,5\n").await;
    assert!(!operator.get(&list).await.has("form#yes input[name=again]"));
    console.app.clock.advance(Duration::hours(2));
    let back = operator.confirm_list(&list, &[]).await;
    assert!(back.starts_with(&list), "{back}");
    let page = operator.until_imported(&back).await;
    assert!(page.has("form#yes input[name=again]"), "{}", page.text);
}

#[sqlx::test]
async fn the_rows_of_a_list_that_waits_for_approval_count(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let list = operator.upload_list("新书", "a.csv", "18500001234,读者\n".as_bytes()).await;
    operator.confirm_list(&list, &[]).await;
    let fields = operator.send_fields("新书", &["读者"], PHONE).await;
    let page = operator.post_owned("/p/default/send", &fields).await;
    assert!(is_repeat(&page), "{}", page.text);
    let fields = operator.send_fields("新书", &["别人"], PHONE).await;
    let page = operator.post_owned("/p/default/send", &fields).await;
    assert!(!is_repeat(&page), "{}", page.text);
}

#[sqlx::test]
async fn approving_after_days_asks_whether_the_same_texts_were_sent_meanwhile(db: PgPool) {
    let clock = Clock::set_to(OffsetDateTime::now_utc());
    let console =
        TestConsole::start_with(&db, TestOptions { clock, ..TestOptions::default() }).await;
    let operator = console.operator().await;
    let approver = console.approver().await;
    let at_once = operator.send("新书", &["读者"], PHONE).await;
    let page = approver.get(&at_once).await;
    let fields = page.whole_form("form[action$=approve]");
    let approved = approver.post_owned(&format!("{at_once}/approve"), &fields).await;
    assert_eq!(approved.status, StatusCode::SEE_OTHER, "it was checked when it was ordered");
    let waits = operator.send("新书", &["别人"], PHONE).await;
    let fields = operator.send_fields("新书", &["别人"], PHONE).await;
    let check = operator.post_owned("/p/default/send", &fields).await;
    let mut fields = check.form_fields("confirm");
    fields.push(("again".to_owned(), "1".to_owned()));
    let sent = operator.post_owned("/p/default/send", &fields).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let repeated = sent.leads_to();
    let fields = approver.get(&repeated).await.whole_form("form[action$=approve]");
    approver.post_owned(&format!("{repeated}/approve"), &fields).await;
    console.app.clock.advance(Duration::hours(1));
    let fields = approver.get(&waits).await.whole_form("form[action$=approve]");
    let asked = approver.post_owned(&format!("{waits}/approve"), &fields).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    assert!(asked.has("form[action$=approve] .notice.doubtful"), "{}", asked.text);
    let confirmed = asked.form_fields("confirm");
    let sent = approver.post_owned(&format!("{waits}/approve"), &confirmed).await;
    assert_eq!(sent.leads_to(), waits);
    assert_ne!(approver.get(&waits).await.one(".head .status"), "待审批");
}
