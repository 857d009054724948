//! Replies: conversations are in order, nothing counts twice, and hostile content does no harm.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use usms_console::ops::receipts::push_inbox;

use crate::harness::{CODE, Page, TestClient, TestConsole, TestOptions, assert_sound};

pub const REPLIES: &str = "/p/default/replies";
pub const AT: i64 = 1_760_000_000;

/// A console in which nothing happens by itself.
pub async fn quiet(db: &PgPool) -> TestConsole {
    TestConsole::start_with(
        db,
        TestOptions { workers: false, pushes: false, ..TestOptions::default() },
    )
    .await
}

pub fn reply(phone: &str, text: &str, at: i64) -> Value {
    json!({ "Phone": phone, "ReplyContent": text, "ReplyTime": at, "ExtendCode": "", "UserId": "" })
}

/// Pushes replies and processes them.
pub async fn push_replies(console: &TestConsole, items: &[Value]) {
    let body = json!({ "MsgType": 0, "Data": items }).to_string();
    push_inbox::store(&console.app, console.project, body.as_bytes()).await.unwrap();
    let waiting = "select count(*) from inbox where processed_at is null";
    // Where workers run, one of them may have claimed it.
    while number(&console.app.db, waiting).await > 0 {
        push_inbox::process_next(&console.app).await.unwrap();
    }
}

pub async fn number(db: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

pub async fn suppressed(db: &PgPool) -> Vec<String> {
    sqlx::query_scalar("select phone from suppressions order by phone").fetch_all(db).await.unwrap()
}

/// Returns the path and page of the newest conversation.
pub async fn newest(client: &TestClient) -> (String, Page) {
    let path = client.get(REPLIES).await.attr("tbody th a", "href");
    let page = client.get(&path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    (path, page)
}

/// Presses the button of the form that posts to `step`.
pub async fn press(client: &TestClient, page: &Page, step: &str) -> Page {
    let form = format!("main form[action$='/{step}']");
    let fields = page.whole_form(&form);
    client.post_owned(&page.attr(&form, "action"), &fields).await
}

#[sqlx::test]
async fn a_reply_is_unread_until_it_is_marked_and_follows_the_message_it_answers(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["4312", "5"], "18500001234").await;
    console.until_complete(&operator, &batch).await;
    let reply = json!({ "phone": "18500001234", "content": "收到，谢谢" });
    console.admin(Method::POST, "reply", reply).await;
    let list = console.until(&operator, REPLIES, "tbody tr.unread").await;
    assert_eq!(list.one("tbody .words"), "收到，谢谢");
    assert_eq!(list.one(".rail a[aria-current] .needs"), "1 项待处理");
    let (path, page) = newest(&operator).await;
    assert!(!path.contains("1850000"), "the path contains no phone: {path}");
    let bubbles = page.all(".thread .bubble");
    assert_eq!(bubbles, ["【云帆书店】您的验证码是4312，5分钟内有效。", "收到，谢谢"]);
    assert_eq!(page.one(".thread .ours .status"), "已送达");
    // The sandbox replies with the UserId of the message: no guess is needed.
    assert!(page.one(".thread .theirs .row").contains("回复的是"));
    let message = page.attr(".thread .theirs .row a", "href");
    assert_eq!(message, format!("#{}", page.attr(".thread .ours", "id")));
    // Opening the page changes nothing, pressing the button does.
    assert!(operator.get(REPLIES).await.has("tr.unread"));
    press(&operator, &page, "read").await;
    let list = operator.get(REPLIES).await;
    assert!(!list.has("tr.unread") && !list.has(".rail .needs"));
    assert!(operator.get(&format!("{REPLIES}?show=unread")).await.all("tbody tr").is_empty());
    let back = press(&operator, &page, "unread").await;
    assert_eq!(back.leads_to(), REPLIES);
    press(&operator, &page, "unread").await;
    assert_eq!(operator.get(&format!("{REPLIES}?show=unread")).await.all("tbody tr").len(), 1);
    let audited_actions =
        number(&db, "select count(*) from audit_log where action like 'conversation%'");
    assert_eq!(audited_actions.await, 2, "the second click changed nothing");
    // Sending another message starts with the phone filled in.
    let form = operator.get(&page.attr(".head a.act", "href")).await;
    assert_eq!(form.one("#phones"), "18500001234");
}

#[sqlx::test]
async fn an_outdated_tab_marks_only_what_it_shows_as_read(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    push_replies(&console, &[reply("18500001001", "一", AT)]).await;
    let (path, old_tab) = newest(&operator).await;
    push_replies(&console, &[reply("18500001001", "二", AT + 5)]).await;
    press(&operator, &old_tab, "read").await;
    let page = operator.get(&path).await;
    assert_eq!(page.all(".theirs .status"), ["未读"]);
    press(&operator, &page, "read").await;
    press(&operator, &old_tab, "read").await;
    assert!(!operator.get(REPLIES).await.has("tr.unread"));
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_reply_without_a_user_id_is_shown_as_probably_answering_the_last_message(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    for code in ["1111", "2222"] {
        let batch = operator.send(CODE, &[code, "5"], "18500001234").await;
        console.until_complete(&operator, &batch).await;
    }
    let now = number(&db, "select extract(epoch from now())::bigint").await;
    push_replies(&console, &[reply("18500001234", "什么？", now + 60)]).await;
    let (_, page) = newest(&operator).await;
    assert!(page.one(".theirs .row").contains("可能回复的是"));
    let answered = page.attr(".theirs .row a", "href");
    let ours = page.html();
    let selector = scraper::Selector::parse(".thread .ours").unwrap();
    let last = ours.select(&selector).next_back().unwrap().attr("id").unwrap();
    assert_eq!(answered, format!("#{last}"));
    push_replies(&console, &[reply("18500001234", "早", AT)]).await;
    let (_, page) = newest(&operator).await;
    assert!(!page.one(".theirs .row").contains("回复的是"), "nothing was sent before it");
    assert_eq!(page.one(".thread .bubble"), "早");
}

/// Pushes receipts of external messages, each with a session of its own, and processes them.
async fn push_external(console: &TestConsole, phone: &str, times: impl Iterator<Item = i64>) {
    let items: Vec<Value> = times
        .map(|at| {
            json!({ "SessionNo": format!("other-{at}"), "Phone": phone, "CostCount": 1,
                "ReceiptTime": at, "ReceiptResult": "发送成功", "ReceiptCode": "DELIVRD",
                "ReceiptDesc": "", "UserId": "" })
        })
        .collect();
    let body = json!({ "MsgType": 2, "Data": items }).to_string();
    push_inbox::store(&console.app, console.project, body.as_bytes()).await.unwrap();
    console.process_pushes().await;
}

#[sqlx::test]
async fn a_conversation_shows_external_messages_in_order_of_time(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let phone = "18500001234";
    let batch = operator.send(CODE, &["1111", "5"], phone).await;
    console.until_complete(&operator, &batch).await;
    let now = number(&db, "select extract(epoch from now())::bigint").await;
    // Although its receipt is late, it stands before ours; the reply after ours answers ours.
    push_external(&console, phone, [now - 3_600].into_iter()).await;
    push_replies(&console, &[reply(phone, "什么？", now + 60)]).await;
    let (path, page) = newest(&operator).await;
    let bubbles = page.all(".thread .bubble");
    assert!(bubbles[0].contains("其他程序") && bubbles[1].contains("1111"), "{bubbles:?}");
    assert_eq!((bubbles.len(), bubbles[2].as_str()), (3, "什么？"));
    assert_eq!(page.all(".thread .other .status"), ["已送达"]);
    assert!(page.one(".theirs .row").contains("可能回复的是"));
    let timeline = operator.get(&page.attr(".thread .other a", "href")).await;
    assert!(timeline.status == StatusCode::OK && timeline.one("h1").starts_with(phone));
    // After an external message nothing is guessed.
    push_external(&console, phone, [now + 30].into_iter()).await;
    let page = operator.get(&path).await;
    assert_eq!(page.all(".thread .other").len(), 2);
    assert!(page.all(".thread .bubble")[2].contains("其他程序"), "in order of time");
    assert!(!page.one(".theirs .row").contains("回复的是"));
    let viewer = console.viewer().await;
    assert!(!viewer.get(&path).await.text.contains(phone));
}

#[sqlx::test]
async fn a_conversation_with_external_messages_is_paged_back_to_its_beginning(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let phone = "18500001001";
    let now = number(&db, "select extract(epoch from now())::bigint").await;
    push_external(&console, phone, now - 200..now - 130).await;
    push_external(&console, phone, now - 130..now - 70).await;
    let replies: Vec<Value> = (0..70).map(|n| reply(phone, "好", now - n)).collect();
    push_replies(&console, &replies).await;
    let (path, _) = newest(&operator).await;
    let (mut others, mut earlier) = (Vec::new(), Some(path));
    let mut received = 0;
    while let Some(path) = earlier {
        let page = operator.get(&path).await;
        let (html, link) = (page.html(), scraper::Selector::parse(".other a").unwrap());
        others.extend(html.select(&link).map(|link| link.attr("href").unwrap().to_owned()));
        received += page.all(".theirs").len();
        let more = "nav a[href*=before]";
        earlier = page.has(more).then(|| page.attr(more, "href"));
    }
    assert_eq!((others.len(), received), (130, 70));
    others.sort_unstable();
    others.dedup();
    assert_eq!(others.len(), 130, "nothing twice");
}

#[sqlx::test]
async fn hostile_replies_are_stored_and_shown_and_do_no_harm(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let mut rng = StdRng::seed_from_u64(1);
    // Random, so that an index cannot compress it.
    let long: String =
        (0..10_000).map(|_| char::from_u32(rng.random_range(0x4e00..0x9fa5)).unwrap()).collect();
    let texts = [
        "<script>alert(1)</script>\0\u{7}",
        "\u{202e}txt.exe\u{2066} שלום",
        "😀\u{fe0f}\u{200d}",
        "%_\\' or 1=1 --",
        "",
        long.as_str(),
    ];
    let mut items: Vec<Value> =
        texts.iter().zip(0..).map(|(text, n)| reply("18500001001", text, AT + n)).collect();
    items.extend([
        json!({ "Phone": "\0\u{1}", "ReplyContent": "x" }),
        json!({ "ReplyContent": "\0" }),
        json!(7),
        reply("185****9057", "退订", AT),
        reply("<b>*", "x", AT),
        json!({ "Phone": "18500001002", "ReplyContent": "T", "ReplyTime": "not a time",
            "UserId": "\0\u{feff}' ", "ExtendCode": "9".repeat(10_000) }),
        reply("18500001003", "later", i64::MAX),
        reply("18500001004", "millis", AT * 1_000),
    ]);
    push_replies(&console, &items).await;
    push_replies(&console, &items).await;
    assert_eq!(number(&db, "select count(*) from replies").await, 11);
    assert_eq!(number(&db, "select count(*) from inbox where processed_at is null").await, 0);
    assert_eq!(suppressed(&db).await, ["18500001002"], "a masked phone cannot be suppressed");
    let list = operator.get(&format!("{REPLIES}?phone=18500001001")).await;
    let page = operator.get(&list.attr("tbody th a", "href")).await;
    let bubbles = page.all(".theirs .bubble");
    assert_eq!(bubbles[0], "<script>alert(1)</script>");
    assert!(bubbles.iter().any(|text| text.chars().count() == 10_000));
    assert!(!page.text.contains("<script>alert"));
    let masked = operator.get(&format!("{REPLIES}?show=opted-out&phone=9057")).await;
    let page = operator.get(&masked.attr("tbody th a", "href")).await;
    assert!(page.one(".notice.doubtful").contains("已脱敏"));
    for query in ["q=%00%27", "q=%25", "phone=%27%3b--", "after=x_y", "show=%3c"] {
        assert_eq!(operator.get(&format!("{REPLIES}?{query}")).await.status, StatusCode::OK);
    }
    for id in ["k-0", "x", "k-zzzzzzzzzzzzz", "%00"] {
        let page = operator.get(&format!("{REPLIES}/{id}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{id}");
    }
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_masked_phone_with_one_of_our_user_ids_gets_its_digits_back(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234\n18500001235").await;
    console.until_complete(&operator, &batch).await;
    let submission: i64 =
        sqlx::query_scalar("select id from submissions").fetch_one(&db).await.unwrap();
    let user_id = usms_console::domain::ids::SubmissionId(submission).vendor_user_id();
    let reply = |phone: &str| json!({ "Phone": phone, "ReplyContent": "T", "ReplyTime": AT, "UserId": user_id });
    // The second matches both phones of the call, the third none.
    push_replies(&console, &[reply("185****1234"), reply("185****123*"), reply("185****9999")])
        .await;
    assert_eq!(suppressed(&db).await, ["18500001234"]);
    assert_eq!(number(&db, "select count(*) from conversations where opted_out").await, 3);
}

/// Returns everything that replies have changed, without ids.
async fn state(db: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "select concat_ws(' ', phone, replies, unread, opted_out, last_at, last_text,
           exists (select from suppressions s where s.phone = c.phone))
         from conversations c order by phone",
    )
    .fetch_all(db)
    .await
    .unwrap()
}

#[sqlx::test]
async fn replies_in_any_order_and_repeated_give_the_same_result(db: PgPool) {
    let console = quiet(&db).await;
    let mut items: Vec<Value> = Vec::new();
    for n in 0..60_i64 {
        let text = ["好的", "T", "几点到？", "=1+1", "退订"][usize::try_from(n % 5).unwrap()];
        let phone = format!("1850000{:04}", 1_000 + n % 7);
        // Some repeat an earlier text.
        items.push(reply(&phone, if n % 7 == 3 { "嗯" } else { text }, AT + n));
    }
    let mut results = Vec::new();
    for seed in 0..4 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut repeated: Vec<Value> =
            items.iter().cycle().take(items.len() * 3).cloned().collect();
        repeated.shuffle(&mut rng);
        while !repeated.is_empty() {
            let count = rng.random_range(1..=repeated.len().min(15));
            let push: Vec<Value> = repeated.drain(..count).collect();
            let body = json!({ "MsgType": 0, "Data": push }).to_string();
            push_inbox::store(&console.app, console.project, body.as_bytes()).await.unwrap();
        }
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let app = console.app.clone();
                tokio::spawn(async move { while push_inbox::process_next(&app).await.unwrap() {} })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        console.process_pushes().await;
        assert_sound(&db).await;
        assert_eq!(number(&db, "select count(*) from replies").await, 60);
        results.push(state(&db).await);
        sqlx::raw_sql("delete from replies; delete from conversations; delete from suppressions")
            .execute(&db)
            .await
            .unwrap();
    }
    assert_eq!(results[0].len(), 7);
    assert!(results.iter().all(|result| *result == results[0]), "{results:#?}");
}

#[sqlx::test]
async fn a_reply_without_a_time_that_is_pushed_again_counts_once(db: PgPool) {
    let console = quiet(&db).await;
    let untimed = json!({ "Phone": "18500001001", "ReplyContent": "好" });
    push_replies(&console, &[untimed.clone(), untimed.clone()]).await;
    push_replies(&console, std::slice::from_ref(&untimed)).await;
    assert_eq!(number(&db, "select count(*) from replies").await, 1);
    sqlx::query("update replies set replied_at = replied_at - interval '1 hour'")
        .execute(&db)
        .await
        .unwrap();
    push_replies(&console, &[untimed]).await;
    assert_eq!(number(&db, "select count(*) from replies").await, 2, "an hour later it is another");
}
