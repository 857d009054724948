//! Sending again what did not arrive: by cause, and across the batches of a template.

use reqwest::StatusCode;
use sqlx::PgPool;

use super::repeats::in_hours;
use crate::harness::{NOTICE, Page, TestClient, TestConsole, assert_sound};

/// One phone of each outcome: 0001 no such number, 0002 switched off, 0003 blacklisted, 0004 keyword,
/// 0006 too many messages, 0013 signature, 1234 delivered.
const LIST: &[u8] = b"18509990001,a,5\n18509990002,b,5\n18509990003,c,5\n\
    18509990004,d,5\n18509990006,e,5\n18509990013,f,5\n18509991234,h,5\n";

/// Returns the offered causes: key, count, whether it is ticked.
fn offered(page: &Page) -> Vec<(String, String, bool)> {
    let html = page.html();
    let selector = scraper::Selector::parse("input[name=cause]").unwrap();
    html.select(&selector)
        .map(|input| {
            let value = |name: &str| input.value().attr(name).unwrap_or_default().to_owned();
            (value("value"), value("data-count"), input.value().attr("checked").is_some())
        })
        .collect()
}

fn cause(key: &str, count: &str, ticked: bool) -> (String, String, bool) {
    (key.to_owned(), count.to_owned(), ticked)
}

#[sqlx::test]
async fn causes_are_offered_with_their_counts_and_only_temporary_ones_are_ticked(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let preview = operator.upload_list(NOTICE, "a.csv", LIST).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &batch).await;
    let form = operator.get(&format!("{batch}/resend")).await;
    assert_eq!(
        offered(&form),
        [
            cause("powered_off", "1", true),
            cause("content", "1", false),
            cause("frequency", "1", false),
            cause("invalid_number", "1", false),
            cause("signature", "1", false),
        ]
    );
    assert!(form.one("#never").contains('1'), "the blacklisted one is named, not offered");
    let fields = form.whole_form("main form.form");
    let answer = operator.post_owned(&format!("{batch}/resend"), &fields).await;
    let page = operator.until_imported(&answer.leads_to()).await;
    assert_eq!(page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)"), ["1"]);
    // Nothing ticked: the form says so.
    let mut nothing = fields.clone();
    nothing.retain(|(name, _)| name != "cause");
    let answer = operator.post_owned(&format!("{batch}/resend"), &nothing).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.has("#errors"), "{}", answer.text);
    // Asking for blacklisted phones all the same gives none.
    nothing.push(("cause".to_owned(), "blacklist".to_owned()));
    let answer = operator.post_owned(&format!("{batch}/resend"), &nothing).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_sound(&console.app.db).await;
}

#[sqlx::test]
async fn a_phone_that_any_receipt_called_blacklisted_is_not_sent_to_again(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let list = b"18509990002,b,5\n18509990003,c,5\n";
    let preview = operator.upload_list(NOTICE, "a.csv", list).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &batch).await;
    // The same phone was switched off this time, and is blacklisted by an earlier receipt.
    sqlx::query(
        "update outcomes set reason_id = (select reason_id from outcomes o join messages m
           on m.id = o.id where m.phone = '18509990002')
         where id = (select min(id) from messages where phone = '18509990003')",
    )
    .execute(&db)
    .await
    .unwrap();
    let list = b"18509990003,c,7\n18509990002,b,7\n";
    let preview = operator.upload_list(NOTICE, "b.csv", list).await;
    let second = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &second).await;
    let form = operator.get(&format!("{batch}/resend")).await;
    assert_eq!(offered(&form), [cause("powered_off", "2", true)]);
    let fields = form.whole_form("main form.form");
    let answer = operator.post_owned(&format!("{batch}/resend"), &fields).await;
    let page = operator.until_imported(&answer.leads_to()).await;
    let counts = page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)");
    assert_eq!(counts, ["1"], "{}", page.text);
}

#[sqlx::test]
async fn one_list_sends_again_what_several_batches_of_a_template_did_not_deliver(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let mut batches = Vec::new();
    for (name, list) in [
        ("a.csv", "18509990002,a,5\n18509991234,b,5\n"),
        ("b.csv", "18509980002,c,5\n18509970002,d,5\n"),
    ] {
        let preview = operator.upload_list(NOTICE, name, list.as_bytes()).await;
        let batch = operator.confirm_list(&preview, &[]).await;
        console.until_complete(&operator, &batch).await;
        batches.push(batch);
    }
    let form = operator.get(&format!("{}/resend", batches[0])).await;
    assert_eq!(offered(&form), [cause("powered_off", "1", true)]);
    let wider = form.attr("a[href*='within=7']", "href");
    let form = operator.get(&wider).await;
    assert_eq!(offered(&form), [cause("powered_off", "3", true)]);
    for batch in &batches {
        assert!(form.has(&format!("main a[href='{batch}']")), "{}", form.text);
    }
    let fields = form.whole_form("main form.form");
    let answer = operator.post_owned(&format!("{}/resend", batches[0]), &fields).await;
    let preview = answer.leads_to();
    let page = operator.until_imported(&preview).await;
    // What these batches sent is no repeat.
    assert_eq!(page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)"), ["3"]);
    let resent = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &resent).await;
    for batch in &batches {
        assert!(operator.get(batch).await.has(&format!("a[href='{resent}']")), "{batch}");
    }
    assert_eq!(console.accepted().await.0, 7);
    assert_sound(&console.app.db).await;
}

/// Makes a list of every offered cause of a batch and returns its preview.
async fn resend(operator: &TestClient, batch: &str) -> String {
    let form = operator.get(&format!("{batch}/resend")).await;
    let mut fields = form.whole_form("main form.form");
    fields.retain(|(name, _)| name != "cause");
    fields.extend(offered(&form).into_iter().map(|(key, ..)| ("cause".to_owned(), key)));
    operator.post_owned(&format!("{batch}/resend"), &fields).await.leads_to()
}

/// Records that a message of the newest batch to this phone was delivered.
async fn deliver(db: &PgPool, phone: &str) {
    let delivered = "update outcomes set outcome = 'delivered', reason_id = null where id = (
        select max(id) from messages where phone = $1)";
    let changed = sqlx::query(delivered).bind(phone).execute(db).await.unwrap().rows_affected();
    assert_eq!(changed, 1);
}

/// Returns the numbers of recipients by verdict that a preview shows.
fn verdicts(page: &Page) -> Vec<String> {
    page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)")
}

#[sqlx::test]
async fn a_phone_that_a_second_list_reached_is_left_out_of_the_third(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let list = b"18509990002,a,5\n18509980002,b,5\n";
    let preview = operator.upload_list(NOTICE, "a.csv", list).await;
    let first = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &first).await;
    let preview = resend(&operator, &first).await;
    assert_eq!(verdicts(&operator.until_imported(&preview).await), ["2"]);
    let second = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &second).await;
    deliver(&db, "18509990002").await;
    let third = resend(&operator, &first).await;
    let page = operator.until_imported(&third).await;
    assert_eq!(verdicts(&page), ["0", "1"], "another attempt is asked about");
    // Of the second list, neither its own failure nor the first one is a repeat.
    let third = resend(&operator, &second).await;
    let page = operator.until_imported(&third).await;
    assert_eq!(verdicts(&page), ["1"], "{}", page.text);
}

#[sqlx::test]
async fn a_phone_that_was_reached_after_the_list_was_made_is_not_sent_to_again(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let list = b"18509990002,a,5\n18509980002,b,5\n";
    let preview = operator.upload_list(NOTICE, "a.csv", list).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &batch).await;
    let preview = resend(&operator, &batch).await;
    assert_eq!(verdicts(&operator.until_imported(&preview).await), ["2"]);
    // A second receipt arrives.
    deliver(&db, "18509990002").await;
    let back = operator.confirm_list(&preview, &[]).await;
    assert!(back.starts_with(&preview), "{back}");
    let page = operator.until_imported(&preview).await;
    assert!(
        page.has("form#yes input[name=again]"),
        "the repeat is left out unless it is asked for"
    );
    let again = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &again).await;
    assert_eq!(console.accepted().await.0, 3);
}

#[sqlx::test]
async fn cancelled_messages_to_blacklisted_phones_are_not_sent_again(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let list = b"18509990003,a,5\n";
    let preview = operator.upload_list(NOTICE, "a.csv", list).await;
    let first = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &first).await;
    let list = b"18509990003,b,6\n18509990002,b,6\n";
    let preview = operator.upload_list(NOTICE, "b.csv", list).await;
    let later = in_hours(30);
    let batch = operator.confirm_list(&preview, &[("schedule_at", &later)]).await;
    let csrf = operator.get(&batch).await.csrf();
    console.until(&operator, &batch, "form[action$=cancel]").await;
    operator.post(&format!("{batch}/cancel"), &[("csrf", &csrf), ("confirm", "1")]).await;
    let preview = resend(&operator, &batch).await;
    assert_eq!(verdicts(&operator.until_imported(&preview).await), ["1"]);
}

#[sqlx::test]
async fn a_phone_that_a_list_of_a_list_reached_is_left_out_as_well(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let list = b"18509990002,a,5\n18509980002,b,5\n";
    let preview = operator.upload_list(NOTICE, "a.csv", list).await;
    let first = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &first).await;
    let mut newest = first.clone();
    for _ in 0..2 {
        let preview = resend(&operator, &newest).await;
        operator.until_imported(&preview).await;
        newest = operator.confirm_list(&preview, &[]).await;
        console.until_complete(&operator, &newest).await;
    }
    deliver(&db, "18509990002").await;
    let form = resend(&operator, &first).await;
    let page = operator.until_imported(&form).await;
    assert_eq!(verdicts(&page), ["0", "1"], "only the phone that nobody has reached");
}
