//! Many people watch one batch live.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Response;
use sqlx::PgPool;
use usms_console::domain::accounts::role::Role;

use crate::harness::{CODE, MAX_WAIT, TestConsole, TestOptions};

const PAGES: usize = 300;

/// Reads a stream of events until one contains `text`.
async fn read_until(stream: &mut Response, text: &str) {
    let mut received = String::new();
    while !received.contains(text) {
        let chunk = stream.chunk().await.unwrap().expect("the stream ends");
        received.push_str(&String::from_utf8_lossy(&chunk));
    }
}

/// Returns how many transactions the database has done. Its idle processes report them up to ten
/// seconds late.
async fn transactions(db: &PgPool) -> i64 {
    tokio::time::sleep(std::time::Duration::from_millis(11_000)).await;
    let all = "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()";
    sqlx::query_scalar(all).fetch_one(db).await.unwrap()
}

#[sqlx::test]
async fn hundreds_of_open_pages_cost_the_database_no_more_than_one(db: PgPool) {
    // No workers run: the batch stays as it is, and only pages query the database.
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    let csrf = operator.get(&batch).await.csrf();
    let events = format!("{batch}/events");
    let opened = (0..PAGES).map(|_| operator.request_to(&events).send());
    let opened: Vec<_> = futures_util::stream::iter(opened).buffered(20).collect().await;
    let mut pages: Vec<Response> = opened.into_iter().map(Result::unwrap).collect();
    for page in &mut pages {
        read_until(page, "event: live").await;
    }
    let before = transactions(&db).await;
    for (step, text) in [("pause", "已暂停"), ("resume", "发送中"), ("pause", "已暂停")] {
        match step {
            "resume" => operator.resume(&batch).await,
            _ => operator.post(&format!("{batch}/{step}"), &[("csrf", &csrf)]).await,
        };
        for page in &mut pages {
            read_until(page, text).await;
        }
    }
    let spent = transactions(&db).await - before;
    assert!(spent < PAGES as i64, "{spent} transactions for {PAGES} pages");
}

/// The most bytes of an event.
const MAX_EVENT: usize = 2_048;

/// Reads the next events and comments of a stream, each without its empty line. An empty list is the
/// end of the stream.
async fn read_events(stream: &mut Response) -> Vec<String> {
    let mut received = String::new();
    loop {
        let Some(chunk) = stream.chunk().await.unwrap() else { return Vec::new() };
        received.push_str(&String::from_utf8_lossy(&chunk));
        if received.ends_with("\n\n") {
            return received.trim_end().split("\n\n").map(str::to_owned).collect();
        }
    }
}

/// Reads a stream for some seconds. Returns its events without the comments.
async fn events_of(stream: &mut Response, seconds: u64) -> Vec<String> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(seconds);
    let mut events = Vec::new();
    while let Ok(more) = tokio::time::timeout_at(deadline, read_events(stream)).await {
        assert!(!more.is_empty(), "the stream ends");
        events.extend(more.into_iter().filter(|event| !event.starts_with(':')));
    }
    events
}

async fn ends(stream: &mut Response) -> bool {
    let end = async { while !read_events(stream).await.is_empty() {} };
    tokio::time::timeout(MAX_WAIT, end).await.is_ok()
}

#[sqlx::test]
async fn eight_thousand_phones_are_watched_in_events_of_at_most_two_kilobytes(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let rows: String = (0..8_000).map(|n| format!("1850{:07},{n},5\n", 1_000 + n)).collect();
    let preview = operator.upload_list(CODE, "a.csv", rows.as_bytes()).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    let mut stream = operator.request_to(&format!("{batch}/events")).send().await.unwrap();
    let (mut total, mut longest, mut updates) = (0, String::new(), 0);
    loop {
        let events = read_events(&mut stream).await;
        assert!(!events.is_empty(), "the stream ends early");
        updates += 1;
        total += events.iter().map(String::len).sum::<usize>();
        let ended = events.iter().any(|event| event.starts_with("event: last"));
        longest = events.into_iter().chain([longest]).max_by_key(String::len).unwrap();
        if ended {
            break;
        }
    }
    assert!(longest.len() <= MAX_EVENT, "{} bytes: {longest}", longest.len());
    let page = operator.get(&batch).await;
    // All of it together is not much more than the page once.
    assert!(total < 2 * page.text.len() + updates * MAX_EVENT, "{total} bytes, {updates} updates");
}

#[sqlx::test]
async fn nothing_is_pushed_while_nothing_changes_and_a_changed_number_only_itself(db: PgPool) {
    let options = TestOptions { workers: false, ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    let operator = console.operator().await;
    let phones: Vec<String> = (0..500).map(|n| format!("1850{:07}", 1_000 + n)).collect();
    let batch = operator.send(CODE, &["1", "5"], &phones.join("\n")).await;
    let page = operator.get(&batch).await;
    let address = page.attr("#live", "data-events");
    let mut stream = operator.request_to(&address).send().await.unwrap();
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
    assert!(stream.headers()["cache-control"].to_str().unwrap().contains("no-store"));
    // The page that opens the stream has the large parts already.
    let first: usize = events_of(&mut stream, 3).await.iter().map(String::len).sum();
    assert!(first < 4_000, "{first} bytes");
    // The batch is read again every ten seconds.
    assert_eq!(events_of(&mut stream, 12).await, Vec::<String>::new());
    sqlx::query("update batches set parts = 4321").execute(&db).await.unwrap();
    let events = events_of(&mut stream, 12).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].contains("4,321") && events[0].len() < 300, "{events:?}");
}

#[sqlx::test]
async fn a_stream_ends_when_its_person_signs_out_or_may_no_longer_see_the_batch(db: PgPool) {
    let options = TestOptions { workers: false, ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    let events = format!("{batch}/events");
    let staying = console.member("staying", Role::Operator).await;
    let mut stays = staying.request_to(&events).send().await.unwrap();
    let leaves = [
        ("signed out", "delete from login_sessions where user_id = $1"),
        ("expired", "update login_sessions set expires_at = now() where user_id = $1"),
        ("locked", "update users set disabled_at = now() where id = $1"),
        ("removed", "delete from members where user_id = $1"),
        ("another role", "update members set role = 'viewer' where user_id = $1"),
    ];
    for (n, (what, change)) in leaves.into_iter().enumerate() {
        let name = format!("person{n}");
        let person = console.member(&name, Role::Operator).await;
        let mut stream = person.request_to(&events).send().await.unwrap();
        read_until(&mut stream, "event: live").await;
        let id: i64 = sqlx::query_scalar("select id from users where name = $1")
            .bind(&name)
            .fetch_one(&db)
            .await
            .unwrap();
        sqlx::query(change).bind(id).execute(&db).await.unwrap();
        assert!(ends(&mut stream).await, "{what}");
    }
    let page = operator.get(&batch).await;
    let mut stream = operator.request_to(&events).send().await.unwrap();
    operator.post("/logout", &[("csrf", &page.csrf())]).await;
    assert!(ends(&mut stream).await, "signs out");
    assert!(!events_of(&mut stays, 1).await.is_empty(), "others go on");
}
