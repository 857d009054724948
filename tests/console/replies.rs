//! Replies: conversations in order, nothing that counts twice, and nothing that hurts.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use usms_console::db::invariants;
use usms_console::ops::push_inbox;

use crate::harness::{Page, TestClient, TestConsole, TestOptions};

pub const INBOX: &str = "/p/default/replies";
pub const AT: i64 = 1_760_000_000;

/// A house in which nothing happens by itself.
pub async fn quiet(db: &PgPool) -> TestConsole {
    TestConsole::start_with(
        db,
        TestOptions { workers: false, pushes: false, ..TestOptions::default() },
    )
    .await
}

pub fn reply(phone: &str, words: &str, at: i64) -> Value {
    json!({ "Phone": phone, "ReplyContent": words, "ReplyTime": at, "ExtendCode": "", "UserId": "" })
}

/// Pushes replies and settles them.
pub async fn tell(console: &TestConsole, items: &[Value]) {
    let body = json!({ "MsgType": 0, "Data": items }).to_string();
    push_inbox::store(&console.app, console.project, body.as_bytes()).await.unwrap();
    let waiting = "select count(*) from inbox where processed_at is null";
    // Where workers are, one of them may have it in hand.
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

pub async fn is_sound(db: &PgPool) {
    for (promise, breaches) in invariants::broken(db).await.unwrap().by_name() {
        assert_eq!(breaches, 0, "{promise}");
    }
}

/// The page of the conversation that is the newest.
pub async fn newest(client: &TestClient) -> (String, Page) {
    let address = client.get(INBOX).await.attr("tbody th a", "href");
    let page = client.get(&address).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    (address, page)
}

/// Presses the button of the form that posts to `step`.
pub async fn press(client: &TestClient, page: &Page, step: &str) -> Page {
    let form = format!("main form[action$='/{step}']");
    let fields = page.whole_form(&form);
    client.post_owned(&page.attr(&form, "action"), &fields).await
}

#[sqlx::test]
async fn a_reply_is_unread_until_somebody_reads_it_and_stands_behind_what_it_answers(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = operator.send("登录验证码", &["4312", "5"], "18500001234").await;
    console.closed(&operator, &batch).await;
    let answer = json!({ "phone": "18500001234", "content": "收到，谢谢" });
    console.admin(Method::POST, "reply", answer).await;
    let list = console.until(&operator, INBOX, "tbody tr.unread").await;
    assert_eq!(list.one("tbody .words"), "收到，谢谢");
    assert_eq!(list.one(".rail a[aria-current] .needs"), "1 项待处理");
    let (address, page) = newest(&operator).await;
    assert!(!address.contains("1850000"), "an address names no phone: {address}");
    let bubbles = page.all(".thread .bubble");
    assert_eq!(bubbles, ["【云帆书店】您的验证码是4312，5分钟内有效。", "收到，谢谢"]);
    assert_eq!(page.one(".thread .ours .status"), "已送达");
    // The sandbox answers with the UserId of what it was sent: no guess.
    assert!(page.one(".thread .theirs .row").contains("回复的是"));
    let message = page.attr(".thread .theirs .row a", "href");
    assert_eq!(message, format!("#{}", page.attr(".thread .ours", "id")));
    // Looking changes nothing, pressing does.
    assert!(operator.get(INBOX).await.has("tr.unread"));
    press(&operator, &page, "read").await;
    let list = operator.get(INBOX).await;
    assert!(!list.has("tr.unread") && !list.has(".rail .needs"));
    assert!(operator.get(&format!("{INBOX}?show=unread")).await.all("tbody tr").is_empty());
    let back = press(&operator, &page, "unread").await;
    assert_eq!(back.leads_to(), INBOX);
    press(&operator, &page, "unread").await;
    assert_eq!(operator.get(&format!("{INBOX}?show=unread")).await.all("tbody tr").len(), 1);
    let audited_actions =
        number(&db, "select count(*) from audit_log where action like 'conversation%'");
    assert_eq!(audited_actions.await, 2, "the second press changed nothing");
    // Another text by a template begins with the phone filled in.
    let form = operator.get(&page.attr(".head a.act", "href")).await;
    assert_eq!(form.one("#phones"), "18500001234");
}

#[sqlx::test]
async fn a_tab_that_is_behind_marks_only_what_it_shows_as_read(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    tell(&console, &[reply("18500001001", "一", AT)]).await;
    let (address, old_tab) = newest(&operator).await;
    tell(&console, &[reply("18500001001", "二", AT + 5)]).await;
    press(&operator, &old_tab, "read").await;
    let page = operator.get(&address).await;
    assert_eq!(page.all(".theirs .status"), ["未读"]);
    press(&operator, &page, "read").await;
    press(&operator, &old_tab, "read").await;
    assert!(!operator.get(INBOX).await.has("tr.unread"));
    is_sound(&db).await;
}

#[sqlx::test]
async fn a_reply_without_a_user_id_is_said_to_answer_the_last_text_before_it_as_a_guess(
    db: PgPool,
) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    for code in ["1111", "2222"] {
        let batch = operator.send("登录验证码", &[code, "5"], "18500001234").await;
        console.closed(&operator, &batch).await;
    }
    let now = number(&db, "select extract(epoch from now())::bigint").await;
    tell(&console, &[reply("18500001234", "什么？", now + 60)]).await;
    let (_, page) = newest(&operator).await;
    assert!(page.one(".theirs .row").contains("可能回复的是"));
    let answered = page.attr(".theirs .row a", "href");
    let ours = page.html();
    let selector = scraper::Selector::parse(".thread .ours").unwrap();
    let last = ours.select(&selector).next_back().unwrap().attr("id").unwrap();
    assert_eq!(answered, format!("#{last}"));
    tell(&console, &[reply("18500001234", "早", AT)]).await;
    let (_, page) = newest(&operator).await;
    assert!(!page.one(".theirs .row").contains("回复的是"), "nothing left before it");
    assert_eq!(page.one(".thread .bubble"), "早");
}

/// Pushes receipts of another program's messages, each of a session of its own, and settles them.
async fn hear(console: &TestConsole, phone: &str, times: impl Iterator<Item = i64>) {
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
async fn a_conversation_shows_what_other_programs_sent_where_it_came(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let phone = "18500001234";
    let batch = operator.send("登录验证码", &["1111", "5"], phone).await;
    console.closed(&operator, &batch).await;
    let now = number(&db, "select extract(epoch from now())::bigint").await;
    // Heard of late, it still stands before ours; the reply behind ours answers ours.
    hear(&console, phone, [now - 3_600].into_iter()).await;
    tell(&console, &[reply(phone, "什么？", now + 60)]).await;
    let (address, page) = newest(&operator).await;
    let bubbles = page.all(".thread .bubble");
    assert!(bubbles[0].contains("其他程序") && bubbles[1].contains("1111"), "{bubbles:?}");
    assert_eq!((bubbles.len(), bubbles[2].as_str()), (3, "什么？"));
    assert_eq!(page.all(".thread .other .status"), ["已送达"]);
    assert!(page.one(".theirs .row").contains("可能回复的是"));
    let story = operator.get(&page.attr(".thread .other a", "href")).await;
    assert!(story.status == StatusCode::OK && story.one("h1").starts_with(phone));
    // Behind a text of another program nothing is guessed.
    hear(&console, phone, [now + 30].into_iter()).await;
    let page = operator.get(&address).await;
    assert_eq!(page.all(".thread .other").len(), 2);
    assert!(page.all(".thread .bubble")[2].contains("其他程序"), "in the order of time");
    assert!(!page.one(".theirs .row").contains("回复的是"));
    let viewer = console.viewer().await;
    assert!(!viewer.get(&address).await.text.contains(phone));
}

#[sqlx::test]
async fn a_conversation_with_other_programs_is_paged_back_to_its_beginning(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let phone = "18500001001";
    let now = number(&db, "select extract(epoch from now())::bigint").await;
    hear(&console, phone, now - 200..now - 130).await;
    hear(&console, phone, now - 130..now - 70).await;
    let replies: Vec<Value> = (0..70).map(|n| reply(phone, "好", now - n)).collect();
    tell(&console, &replies).await;
    let (address, _) = newest(&operator).await;
    let (mut others, mut earlier) = (Vec::new(), Some(address));
    let mut came = 0;
    while let Some(address) = earlier {
        let page = operator.get(&address).await;
        let (html, link) = (page.html(), scraper::Selector::parse(".other a").unwrap());
        others.extend(html.select(&link).map(|link| link.attr("href").unwrap().to_owned()));
        came += page.all(".theirs").len();
        let more = "nav a[href*=before]";
        earlier = page.has(more).then(|| page.attr(more, "href"));
    }
    assert_eq!((others.len(), came), (130, 70));
    others.sort_unstable();
    others.dedup();
    assert_eq!(others.len(), 130, "nothing twice");
}

#[sqlx::test]
async fn hostile_replies_are_kept_shown_and_hurt_nobody(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let mut dice = StdRng::seed_from_u64(1);
    // Nothing an index could fold together.
    let long: String =
        (0..10_000).map(|_| char::from_u32(dice.random_range(0x4e00..0x9fa5)).unwrap()).collect();
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
    tell(&console, &items).await;
    tell(&console, &items).await;
    assert_eq!(number(&db, "select count(*) from replies").await, 11);
    assert_eq!(number(&db, "select count(*) from inbox where processed_at is null").await, 0);
    assert_eq!(suppressed(&db).await, ["18500001002"], "stars cannot be kept from texts");
    let list = operator.get(&format!("{INBOX}?phone=18500001001")).await;
    let page = operator.get(&list.attr("tbody th a", "href")).await;
    let bubbles = page.all(".theirs .bubble");
    assert_eq!(bubbles[0], "<script>alert(1)</script>");
    assert!(bubbles.iter().any(|text| text.chars().count() == 10_000));
    assert!(!page.text.contains("<script>alert"));
    let masked = operator.get(&format!("{INBOX}?show=opted-out&phone=9057")).await;
    let page = operator.get(&masked.attr("tbody th a", "href")).await;
    assert!(page.one(".notice.doubtful").contains("已脱敏"));
    for query in ["q=%00%27", "q=%25", "phone=%27%3b--", "after=x_y", "show=%3c"] {
        assert_eq!(operator.get(&format!("{INBOX}?{query}")).await.status, StatusCode::OK);
    }
    for id in ["k-0", "x", "k-zzzzzzzzzzzzz", "%00"] {
        let page = operator.get(&format!("{INBOX}/{id}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{id}");
    }
    is_sound(&db).await;
}

#[sqlx::test]
async fn a_masked_phone_with_a_user_id_of_ours_gets_its_digits_back(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = operator.send("登录验证码", &["1", "5"], "18500001234\n18500001235").await;
    console.closed(&operator, &batch).await;
    let submission: i64 =
        sqlx::query_scalar("select id from submissions").fetch_one(&db).await.unwrap();
    let user_id = usms_console::domain::ids::SubmissionId(submission).vendor_user_id();
    let reply = |phone: &str| json!({ "Phone": phone, "ReplyContent": "T", "ReplyTime": AT, "UserId": user_id });
    // The second fits both phones of the call, the third none.
    tell(&console, &[reply("185****1234"), reply("185****123*"), reply("185****9999")]).await;
    assert_eq!(suppressed(&db).await, ["18500001234"]);
    assert_eq!(number(&db, "select count(*) from conversations where opted_out").await, 3);
}

/// Everything that replies have left behind, without ids.
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
async fn replies_in_any_order_and_any_number_of_times_end_the_same(db: PgPool) {
    let console = quiet(&db).await;
    let mut items: Vec<Value> = Vec::new();
    for n in 0..60_i64 {
        let words = ["好的", "T", "几点到？", "=1+1", "退订"][usize::try_from(n % 5).unwrap()];
        let phone = format!("1850000{:04}", 1_000 + n % 7);
        // Some say again what they said before.
        items.push(reply(&phone, if n % 7 == 3 { "嗯" } else { words }, AT + n));
    }
    let mut ends = Vec::new();
    for seed in 0..4 {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut storm: Vec<Value> = items.iter().cycle().take(items.len() * 3).cloned().collect();
        storm.shuffle(&mut dice);
        while !storm.is_empty() {
            let many = dice.random_range(1..=storm.len().min(15));
            let push: Vec<Value> = storm.drain(..many).collect();
            let body = json!({ "MsgType": 0, "Data": push }).to_string();
            push_inbox::store(&console.app, console.project, body.as_bytes()).await.unwrap();
        }
        let settlers: Vec<_> = (0..4)
            .map(|_| {
                let app = console.app.clone();
                tokio::spawn(async move { while push_inbox::process_next(&app).await.unwrap() {} })
            })
            .collect();
        for settler in settlers {
            settler.await.unwrap();
        }
        console.process_pushes().await;
        is_sound(&db).await;
        assert_eq!(number(&db, "select count(*) from replies").await, 60);
        ends.push(state(&db).await);
        sqlx::raw_sql("delete from replies; delete from conversations; delete from suppressions")
            .execute(&db)
            .await
            .unwrap();
    }
    assert_eq!(ends[0].len(), 7);
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:#?}");
}

#[sqlx::test]
async fn a_reply_without_a_time_that_is_pushed_again_is_the_same(db: PgPool) {
    let console = quiet(&db).await;
    let untimed = json!({ "Phone": "18500001001", "ReplyContent": "好" });
    tell(&console, &[untimed.clone(), untimed.clone()]).await;
    tell(&console, std::slice::from_ref(&untimed)).await;
    assert_eq!(number(&db, "select count(*) from replies").await, 1);
    sqlx::query("update replies set replied_at = replied_at - interval '1 hour'")
        .execute(&db)
        .await
        .unwrap();
    tell(&console, &[untimed]).await;
    assert_eq!(number(&db, "select count(*) from replies").await, 2, "an hour later it is another");
}
