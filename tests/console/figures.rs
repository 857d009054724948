//! A figure that is a link opens exactly the messages that it counts, also around midnight.

use reqwest::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use time::{Date, Duration, OffsetDateTime};
use usms_console::db::sending::claims::Claim;
use usms_console::domain::period;
use usms_console::domain::time::CHINA;
use usms_console::ops::receipts::push_inbox;
use usms_console::ops::sending::submit::{self, End};

use super::receipts::{Session, process_all, push, quiet, report, send};
use super::statistics::{FAILURES, STATISTICS, fold};
use crate::harness::{CODE, CODE_TEMPLATE, Page, TestClient, TestConsole, assert_sound};

/// Moves a call that has no receipts yet to another time.
async fn move_call(db: &PgPool, session: &Session, at: OffsetDateTime) {
    sqlx::query("update submissions set sent_at = $2 where id = $1")
        .bind(session.submission.0)
        .bind(at)
        .execute(db)
        .await
        .unwrap();
}

/// Pushes receipts of external messages: phone, result, code and the time of the receipt.
async fn push_external(console: &TestConsole, items: &[(&str, &str, &str, OffsetDateTime)]) {
    let items: Vec<_> = items
        .iter()
        .map(|(phone, result, code, at)| {
            json!({ "SessionNo": "theirs", "Phone": phone, "CostCount": 1, "ReceiptResult": result,
                "ReceiptTime": at.unix_timestamp(), "ReceiptCode": code, "ReceiptDesc": "" })
        })
        .collect();
    let body = json!({ "MsgType": 2, "Data": items }).to_string();
    push_inbox::store(&console.app, console.project, body.as_bytes()).await.unwrap();
    console.process_pushes().await;
}

/// Returns the links of a page to the message search with the figures that they stand at.
fn linked_figures(page: &Page) -> Vec<(i64, String)> {
    let html = page.html();
    let links = scraper::Selector::parse("main a[href*='/messages?']").unwrap();
    html.select(&links)
        .filter_map(|link| {
            let text: String = link.text().next()?.chars().filter(|c| *c != ',').collect();
            Some((text.trim().parse().ok()?, link.attr("href")?.to_owned()))
        })
        .collect()
}

/// Counts the messages behind a link, page after page.
async fn count_behind(client: &TestClient, link: &str) -> i64 {
    let (mut count, mut next) = (0, link.to_owned());
    loop {
        let page = client.get(&next).await;
        assert_eq!(page.status, StatusCode::OK, "{next}");
        count += i64::try_from(page.all(".messages tbody tr").len()).unwrap();
        if !page.has("a[rel=next]") {
            return count;
        }
        next = page.attr("a[rel=next]", "href");
    }
}

/// Asserts that every linked figure of a page equals the number of messages behind its link. Returns
/// how many there were, and their sum.
async fn assert_figures(client: &TestClient, path: &str) -> (usize, i64) {
    let page = client.get(path).await;
    assert_eq!(page.status, StatusCode::OK, "{path}");
    let figures = linked_figures(&page);
    for (figure, link) in &figures {
        assert_eq!(count_behind(client, link).await, *figure, "{path} → {link}");
    }
    (figures.len(), figures.iter().map(|(figure, _)| figure).sum())
}

/// Claims the next call, and ends it like this.
async fn end_call(console: &TestConsole, end: &End) {
    let Claim::Won(claimed) = submit::claim(&console.app).await.unwrap() else {
        panic!("nothing to send")
    };
    submit::record(&console.app, &claimed, end).await.unwrap();
}

/// Sends over three days: what was ordered later than it left by the clock of its ids, failed for
/// several reasons, unknown, without a receipt, refused, in doubt, delivered after all; and messages
/// of other programs. Returns the second day.
async fn send_around_midnight(console: &TestConsole, operator: &TestClient) -> Date {
    let db = &console.app.db;
    let day = period::day_of(OffsetDateTime::now_utc()) - Duration::days(2);
    let midnight = period::midnight(day);
    let (before, after) = (midnight - Duration::MINUTE, midnight + Duration::MINUTE);
    let failed = [("Fail", "ERRNUM"), ("Fail", "-37"), ("Fail", ""), ("Unknow", "X")];
    for (series, sent_at, failures) in
        [(11, before, 4), (12, after, 2), (13, OffsetDateTime::now_utc(), 1)]
    {
        let session = &send(console, operator, series, 7).await[0];
        move_call(db, session, sent_at).await;
        let says = failed[..failures].iter().chain(&[("Success", "DELIVRD"); 2]);
        let items: Vec<_> = session
            .targets
            .iter()
            .zip(says)
            .map(|(target, (result, code))| report(&session.number, &target.phone, result, code))
            .collect();
        push(console, &items).await;
        let late = report(&session.number, &session.targets[0].phone, "Success", "DELIVRD");
        push(console, if series == 11 { std::slice::from_ref(&late) } else { &[] }).await;
        process_all(&console.app).await;
    }
    operator.send(CODE, &["4310", "5"], "18500140000").await;
    let (answer, request_id) = ("含有敏感词".to_owned(), String::new());
    end_call(console, &End::Refused { ret_code: 18023, answer, request_id, each: Vec::new() })
        .await;
    operator.send(CODE, &["4311", "5"], "18500150000").await;
    let (why, request_id) = ("x".to_owned(), String::new());
    end_call(console, &End::InDoubt { ret_code: None, why, request_id }).await;
    operator.send(CODE, &["4312", "5"], "18500160000").await;
    let theirs = [
        ("18500009001", "Fail", "-37", before),
        ("18500009002", "Fail", "-37", midnight),
        ("18500009003", "Fail", "", midnight + Duration::hours(3)),
        ("18500009004", "Success", "DELIVRD", midnight + Duration::hours(3)),
        ("18500009005", "Unknow", "X", OffsetDateTime::now_utc()),
        ("18500009006", "Fail", "-37", before),
    ];
    push_external(console, &theirs).await;
    // Failed before midnight, delivered after it.
    push_external(console, &[("18500009006", "Success", "DELIVRD", midnight)]).await;
    fold(db).await;
    assert_sound(db).await;
    day
}

#[sqlx::test]
async fn every_linked_figure_equals_the_number_of_messages_behind_it(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let day = send_around_midnight(&console, &operator).await;
    let days = |from: Date, to: Date| format!("from={from}&to={to}");
    let periods = [
        days(day - Duration::DAY, day - Duration::DAY),
        days(day, day),
        days(day - Duration::DAY, day),
        "span=7d".to_owned(),
        "span=today".to_owned(),
    ];
    for by in ["day", "hour", "template", "signature", "batch", "country"] {
        for period in &periods {
            let path = format!("{STATISTICS}?{period}&by={by}");
            let (links, sum) = assert_figures(&operator, &path).await;
            assert!(links > 2 && sum > 0, "{path}: {links} links of {sum}");
        }
    }
    for period in &periods {
        for only in ["", "&state=failed", "&cause=powered_off", "&code=-37"] {
            let path = format!("{FAILURES}?{period}{only}");
            let (links, _) = assert_figures(&operator, &path).await;
            assert!(links > 0, "{path}");
        }
        let path = format!("{FAILURES}?{period}&template={CODE_TEMPLATE}");
        assert_figures(&operator, &path).await;
    }
    let (links, _) = assert_figures(&operator, "/p/default/").await;
    assert_eq!(links, 4, "what failed today, and of each batch");
}

#[sqlx::test]
async fn what_was_ordered_before_midnight_and_failed_after_it_is_behind_the_figure(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let day = send_around_midnight(&console, &operator).await;
    let page = operator.get(&format!("{FAILURES}?from={day}&to={day}")).await;
    let link = page.attr(
        "section[aria-labelledby=causes] a[href*='/messages?'][href*=invalid_number]",
        "href",
    );
    assert!(link.contains(&format!("sent_from={day}&sent_to={day}&source=own")), "{link}");
    let found = operator.get(&link).await;
    assert_eq!(found.all(".messages tbody th"), ["18500120000"], "{link}");
    // The address has the filters; each has a label and can be removed.
    assert_eq!(found.value("input[name=sent_from]"), day.to_string());
    assert_eq!(found.one("select[name=source] option[selected]"), "本控制台");
    let chips = found.all("ul.chips li");
    for label in [
        format!("提交开始时间：{day}"),
        format!("提交结束时间：{day}"),
        "发送来源：本控制台".into(),
    ] {
        assert!(chips.iter().any(|chip| chip.contains(&label)), "{label}: {chips:?}");
    }
    let english = operator.get_in("en", &link).await;
    assert!(english.one("ul.chips").contains(&format!("Sent from: {day}")));
    let without = english.html();
    let links = scraper::Selector::parse("ul.chips a").unwrap();
    assert!(
        without.select(&links).any(|link| !link.attr("href").unwrap().contains("sent_from")),
        "it can be removed"
    );
    // The file has the same rows, with times in China.
    let file = operator.get(&link.replace("/messages?", "/messages.csv?")).await;
    assert_eq!(file.text.trim_end().lines().count(), 2, "{}", file.text);
    assert!(file.text.contains(&format!("{day}T00:01:00+08:00")), "{}", file.text);
    // By day of the order it is of the day before.
    let ordered = format!("/p/default/messages?state=failed&source=own&from={day}&to={day}");
    assert_eq!(count_behind(&operator, &ordered).await, 0);
}

#[sqlx::test]
async fn filters_by_time_and_source_are_read_as_typed_and_an_invalid_one_is_named(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let session = &send(&console, &operator, 1, 1).await[0];
    let at = period::midnight(period::day_of(OffsetDateTime::now_utc())) - Duration::hours(10);
    move_call(&db, session, at + Duration::minutes(30)).await;
    let (day, hour) = (at.to_offset(CHINA).date(), at.to_offset(CHINA).hour());
    let found = async |query: String| {
        count_behind(&operator, &format!("/p/default/messages?{query}")).await
    };
    for (query, expected) in [
        (format!("sent_from={day}T{hour}:30&sent_to={day}T{hour}:30"), 1),
        (format!("sent_from={day} {hour}:31"), 0),
        (format!("sent_to={day}T{hour}:29"), 0),
        (format!("sent_from={day}&phone=0000"), 1),
        (format!("sent_to={}&phone=0000", day - Duration::DAY), 0),
        ("source=own".to_owned(), 1),
        ("source=other".to_owned(), 0),
    ] {
        assert_eq!(found(query.clone()).await, expected, "{query}");
    }
    for (query, name) in [
        ("sent_from=yesterday", "sent_from"),
        ("sent_to=2026-13-01", "sent_to"),
        ("sent_from=2026-11-02&sent_to=2026-11-01", "sent_to"),
        ("source=nobody", "source"),
    ] {
        let page = operator.get(&format!("/p/default/messages?{query}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(page.has(&format!("#{name}-error")), "{query}");
        assert!(page.has(&format!("[name={name}][aria-invalid=true]")), "{query}");
    }
}
