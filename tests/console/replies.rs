//! Replies: conversations in order, opt-outs that count at once, and nothing that counts twice.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use usms_console::db::submissions::Claim;
use usms_console::db::{invariants, messages};
use usms_console::domain::role::Role;
use usms_console::ops::submit::{self, End};
use usms_console::ops::{plan, reading, receive};

use crate::harness::{House, Page, Visitor, Ways};

const INBOX: &str = "/p/default/replies";
const WORDS: &str = "/p/default/settings/replies";
const AT: i64 = 1_760_000_000;

/// A house in which nothing happens by itself.
async fn quiet(db: &PgPool) -> House {
    House::with(db, Ways { workers: false, pushes: false, ..Ways::default() }).await
}

fn reply(phone: &str, words: &str, at: i64) -> Value {
    json!({ "Phone": phone, "ReplyContent": words, "ReplyTime": at, "ExtendCode": "", "UserId": "" })
}

/// Pushes replies and settles them.
async fn tell(house: &House, items: &[Value]) {
    let body = json!({ "MsgType": 0, "Data": items }).to_string();
    receive::take_in(&house.app, house.project, body.as_bytes()).await.unwrap();
    let waiting = "select count(*) from inbox where settled_at is null";
    // Where workers are, one of them may have it in hand.
    while number(&house.app.db, waiting).await > 0 {
        receive::run_once(&house.app).await.unwrap();
    }
}

async fn number(db: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

async fn suppressed(db: &PgPool) -> Vec<String> {
    sqlx::query_scalar("select phone from suppressions order by phone").fetch_all(db).await.unwrap()
}

async fn is_sound(db: &PgPool) {
    for (promise, breaches) in invariants::broken(db).await.unwrap().by_name() {
        assert_eq!(breaches, 0, "{promise}");
    }
}

/// The page of the conversation that is the newest.
async fn newest(visitor: &Visitor) -> (String, Page) {
    let address = visitor.get(INBOX).await.attr("tbody th a", "href");
    let page = visitor.get(&address).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    (address, page)
}

/// Presses the button of the form that posts to `step`.
async fn press(visitor: &Visitor, page: &Page, step: &str) -> Page {
    let form = format!("main form[action$='/{step}']");
    let fields = page.whole_form(&form);
    visitor.post_owned(&page.attr(&form, "action"), &fields).await
}

#[sqlx::test]
async fn a_reply_is_unread_until_somebody_reads_it_and_stands_behind_what_it_answers(db: PgPool) {
    let house = House::open(&db).await;
    let operator = house.operator().await;
    let batch = operator.send("登录验证码", &["4312", "5"], "18500001234").await;
    house.settled(&operator, &batch).await;
    let answer = json!({ "phone": "18500001234", "content": "收到，谢谢" });
    house.admin(Method::POST, "reply", answer).await;
    let list = house.until(&operator, INBOX, "tbody tr.unread").await;
    assert_eq!(list.one("tbody .words"), "收到，谢谢");
    assert_eq!(list.one(".rail a[aria-current] .needs"), "1 需要处理");
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
    let deeds = number(&db, "select count(*) from audit_log where action like 'conversation%'");
    assert_eq!(deeds.await, 2, "the second press changed nothing");
    // Another text by a template begins with the phone filled in.
    let form = operator.get(&page.attr(".head a.act", "href")).await;
    assert_eq!(form.one("#phones"), "18500001234");
}

#[sqlx::test]
async fn a_tab_that_is_behind_marks_only_what_it_shows_as_read(db: PgPool) {
    let house = quiet(&db).await;
    let operator = house.operator().await;
    tell(&house, &[reply("18500001001", "一", AT)]).await;
    let (address, old_tab) = newest(&operator).await;
    tell(&house, &[reply("18500001001", "二", AT + 5)]).await;
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
    let house = House::open(&db).await;
    let operator = house.operator().await;
    for code in ["1111", "2222"] {
        let batch = operator.send("登录验证码", &[code, "5"], "18500001234").await;
        house.settled(&operator, &batch).await;
    }
    let now = number(&db, "select extract(epoch from now())::bigint").await;
    tell(&house, &[reply("18500001234", "什么？", now + 60)]).await;
    let (_, page) = newest(&operator).await;
    assert!(page.one(".theirs .row").contains("可能回复的是"));
    let answered = page.attr(".theirs .row a", "href");
    let ours = page.html();
    let selector = scraper::Selector::parse(".thread .ours").unwrap();
    let last = ours.select(&selector).next_back().unwrap().attr("id").unwrap();
    assert_eq!(answered, format!("#{last}"));
    tell(&house, &[reply("18500001234", "早", AT)]).await;
    let (_, page) = newest(&operator).await;
    assert!(!page.one(".theirs .row").contains("回复的是"), "nothing left before it");
    assert_eq!(page.one(".thread .bubble"), "早");
}

/// A batch of two calls to phones of their own values, the second call still waiting.
async fn running_batch(house: &House, operator: &Visitor) -> String {
    let file: String = (0..250).map(|n| format!("1850000{:04},{n},5\n", 1_000 + n)).collect();
    let app = house.app.clone();
    let reading = tokio::spawn(async move {
        while !reading::run_once(&app).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let preview = operator.upload_list("登录验证码", "a.csv", file.as_bytes()).await;
    reading.await.unwrap();
    let batch = operator.confirm_list(&preview, &[]).await;
    while plan::run_once(&house.app).await.unwrap() {}
    batch
}

/// Sends the next call; answers its phones.
async fn one_call(house: &House) -> Vec<String> {
    loop {
        match submit::claim(&house.app, Vec::new()).await.unwrap() {
            Claim::Won(claimed) => {
                let sent = messages::targets(&house.app.db, claimed.id).await.unwrap();
                let end = End::Taken {
                    session_no: claimed.id.to_string(),
                    request_id: String::new(),
                    ret_code: 0,
                    not_taken: Vec::new(),
                };
                submit::record(&house.app, &claimed, &end).await.unwrap();
                return sent.into_iter().map(|one| one.phone).collect();
            }
            Claim::TakenOut => {}
            Claim::Nothing => return Vec::new(),
        }
    }
}

#[sqlx::test]
async fn a_phone_that_opts_out_is_taken_out_of_a_batch_that_runs(db: PgPool) {
    let house = quiet(&db).await;
    let operator = house.operator().await;
    let batch = running_batch(&house, &operator).await;
    let first = one_call(&house).await;
    let waiting: Vec<String> = (1_000..1_250).map(|n| format!("1850000{n}")).collect();
    let waiting: Vec<&String> = waiting.iter().filter(|phone| !first.contains(phone)).collect();
    let out = waiting[7].clone();
    // One that was sent to before, one that still waits.
    tell(&house, &[reply(&first[0], "谢谢", AT), reply(&out, "ｔ。", AT)]).await;
    let second = one_call(&house).await;
    assert_eq!(second.len(), waiting.len() - 1);
    assert!(!second.contains(&out), "{out} opted out before the call left");
    assert_eq!(suppressed(&db).await, [out]);
    let page = operator.get(&format!("{INBOX}?show=opted-out")).await;
    let address = page.attr("tbody th a", "href");
    let page = operator.get(&address).await;
    assert_eq!(page.one(".thread .ours .status"), "已屏蔽");
    assert_eq!(page.one(".thread .theirs .status.doubtful"), "退订");
    assert!(page.one(".notice.doubtful").contains("已回复退订"));
    assert!(!page.has(".head a.act"), "there is nothing to send with");
    let list = operator.get("/p/default/suppressions").await;
    assert!(list.one("tbody tr").contains("回复退订") && list.one("tbody tr").contains("ｔ。"));
    assert!(operator.get(&batch).await.text.contains("已屏蔽"));
    is_sound(&db).await;
}

#[sqlx::test]
async fn a_false_alarm_is_undone_in_one_press_and_only_once(db: PgPool) {
    let house = quiet(&db).await;
    let operator = house.operator().await;
    let alarm = [reply("18500001001", "N", AT), reply("18500001001", "T", AT + 1)];
    tell(&house, &alarm).await;
    let (address, page) = newest(&operator).await;
    let undone = press(&operator, &page, "take-back").await;
    assert_eq!(undone.status, StatusCode::SEE_OTHER, "{}", undone.text);
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    assert_eq!(operator.get(&address).await.all(".theirs .status").len(), 4, "two are unread");
    // Another press, from another tab, and the same replies again.
    press(&operator, &page, "take-back").await;
    let after = operator.get(&address).await;
    assert!(after.one(".flash").contains("没有改动"));
    tell(&house, &alarm).await;
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    assert!(operator.get(&address).await.text.contains("不是退订（operator）"));
    let undone = "select count(*) from audit_log where action = 'opt_out_taken_back'";
    assert_eq!(number(&db, undone).await, 1);
    // A new one counts, whatever the old tab still shows.
    tell(&house, &[reply("18500001001", "退订", AT + 9)]).await;
    press(&operator, &page, "take-back").await;
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    is_sound(&db).await;
}

#[sqlx::test]
async fn a_tab_that_is_behind_takes_back_only_what_it_shows(db: PgPool) {
    let house = quiet(&db).await;
    let operator = house.operator().await;
    tell(&house, &[reply("18500001001", "R", AT)]).await;
    let (address, page) = newest(&operator).await;
    tell(&house, &[reply("18500001001", "退订", AT + 1)]).await;
    press(&operator, &page, "take-back").await;
    let after = operator.get(&address).await;
    assert!(after.one(".flash").contains("之后又来了一条退订"));
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    press(&operator, &after, "take-back").await;
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    is_sound(&db).await;
}

#[sqlx::test]
async fn a_phone_on_the_list_for_another_reason_stays_there(db: PgPool) {
    let house = quiet(&db).await;
    let operator = house.operator().await;
    let list = "/p/default/suppressions";
    let csrf = operator.get(list).await.csrf();
    let phone = "18500001001";
    let fields = [("csrf", csrf.as_str()), ("phones", phone), ("reason", "complaint")];
    operator.post(list, &fields).await;
    tell(&house, &[reply(phone, "T", AT)]).await;
    let (address, page) = newest(&operator).await;
    assert!(page.one(".notice.doubtful").contains("投诉"));
    // No button offers it; a press from an old tab is told what stays.
    let reply = page.value("form[action$='/read'] input[name=reply]");
    let there = format!("{address}/take-back");
    operator.post(&there, &[("csrf", csrf.as_str()), ("reply", reply.as_str())]).await;
    assert!(operator.get(&address).await.one(".flash").contains("投诉"));
    assert_eq!(suppressed(&db).await, [phone]);
}

#[sqlx::test]
async fn whoever_undoes_is_told_that_the_vendor_has_the_phone_on_its_list_as_well(db: PgPool) {
    let house = quiet(&db).await;
    let operator = house.operator().await;
    tell(&house, &[reply("18500001001", "T", AT)]).await;
    let csrf = operator.get(INBOX).await.csrf();
    operator.post("/p/default/suppressions/offer", &[("csrf", csrf.as_str())]).await;
    let (address, page) = newest(&operator).await;
    press(&operator, &page, "take-back").await;
    assert!(operator.get(&address).await.one(".flash").contains("请 UCloud 也移出"));
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
}

#[sqlx::test]
async fn removing_a_phone_from_the_list_takes_its_opt_out_back(db: PgPool) {
    let house = quiet(&db).await;
    let operator = house.operator().await;
    tell(&house, &[reply("18500001001", "T", AT)]).await;
    let list = operator.get("/p/default/suppressions").await;
    let ask = list.attr("tbody a[href$=remove]", "href");
    let csrf = list.csrf();
    operator.post(&ask, &[("csrf", csrf.as_str()), ("why", "本人来电")]).await;
    let (_, page) = newest(&operator).await;
    assert!(!page.has(".notice.doubtful") && page.text.contains("不是退订（operator）"));
    tell(&house, &[reply("18500001001", "T", AT)]).await;
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    is_sound(&db).await;
}

#[sqlx::test]
async fn what_a_person_reads_as_an_opt_out_is_one(db: PgPool) {
    let house = quiet(&db).await;
    let operator = house.operator().await;
    tell(&house, &[reply("18500001001", "别再发了！", AT)]).await;
    let (address, page) = newest(&operator).await;
    press(&operator, &page, "opt-out").await;
    press(&operator, &page, "opt-out").await;
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    let done = "select count(*) from audit_log where action = 'opted_out_by_person'";
    assert_eq!(number(&db, done).await, 1);
    press(&operator, &operator.get(&address).await, "take-back").await;
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    is_sound(&db).await;
}

#[sqlx::test]
async fn hostile_replies_are_kept_shown_and_hurt_nobody(db: PgPool) {
    let house = quiet(&db).await;
    let operator = house.operator().await;
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
    tell(&house, &items).await;
    tell(&house, &items).await;
    assert_eq!(number(&db, "select count(*) from replies").await, 11);
    assert_eq!(number(&db, "select count(*) from inbox where settled_at is null").await, 0);
    assert_eq!(suppressed(&db).await, ["18500001002"], "stars cannot be kept from texts");
    let list = operator.get(&format!("{INBOX}?phone=18500001001")).await;
    let page = operator.get(&list.attr("tbody th a", "href")).await;
    let bubbles = page.all(".theirs .bubble");
    assert_eq!(bubbles[0], "<script>alert(1)</script>");
    assert!(bubbles.iter().any(|text| text.chars().count() == 10_000));
    assert!(!page.text.contains("<script>alert"));
    let masked = operator.get(&format!("{INBOX}?show=opted-out&phone=9057")).await;
    let page = operator.get(&masked.attr("tbody th a", "href")).await;
    assert!(page.one(".notice.doubtful").contains("打了码"));
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
    let house = House::open(&db).await;
    let operator = house.operator().await;
    let batch = operator.send("登录验证码", &["1", "5"], "18500001234\n18500001235").await;
    house.settled(&operator, &batch).await;
    let submission: i64 =
        sqlx::query_scalar("select id from submissions").fetch_one(&db).await.unwrap();
    let user_id = usms_console::domain::ids::SubmissionId(submission).vendor_user_id();
    let reply = |phone: &str| json!({ "Phone": phone, "ReplyContent": "T", "ReplyTime": AT, "UserId": user_id });
    // The second fits both phones of the call, the third none.
    tell(&house, &[reply("185****1234"), reply("185****123*"), reply("185****9999")]).await;
    assert_eq!(suppressed(&db).await, ["18500001234"]);
    assert_eq!(number(&db, "select count(*) from conversations where opted_out").await, 3);
}

/// Everything that replies have left behind, without ids.
async fn state(db: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "select concat_ws(' ', phone, replies, unread, opted_out, last_at, last_words,
           exists (select from suppressions s where s.phone = c.phone))
         from conversations c order by phone",
    )
    .fetch_all(db)
    .await
    .unwrap()
}

#[sqlx::test]
async fn replies_in_any_order_and_any_number_of_times_end_the_same(db: PgPool) {
    let house = quiet(&db).await;
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
            receive::take_in(&house.app, house.project, body.as_bytes()).await.unwrap();
        }
        let settlers: Vec<_> = (0..4)
            .map(|_| {
                let app = house.app.clone();
                tokio::spawn(async move { while receive::run_once(&app).await.unwrap() {} })
            })
            .collect();
        for settler in settlers {
            settler.await.unwrap();
        }
        house.settle_pushes().await;
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
async fn the_inbox_is_paged_filtered_and_searched(db: PgPool) {
    let house = quiet(&db).await;
    let operator = house.operator().await;
    let phone = |n: i64| format!("1850000{:04}", 1_000 + n);
    let mut items: Vec<Value> = (0..120).map(|n| reply(&phone(n), "好的", AT + n)).collect();
    items.push(reply(&phone(3), "请问《海错图》有货吗 ABC", AT - 9));
    items.extend([reply(&phone(5), "退订", AT + 5), reply("(60)123451003", "ok", AT - 99)]);
    tell(&house, &items).await;
    let mut seen = Vec::new();
    let mut next = Some(INBOX.to_owned());
    while let Some(address) = next {
        let page = operator.get(&address).await;
        seen.extend(page.all("tbody th a"));
        next = page.has("a[rel=next]").then(|| page.attr("a[rel=next]", "href"));
    }
    let mut expected: Vec<String> = (0..120).rev().map(phone).collect();
    expected.push("(60)123451003".to_owned());
    assert_eq!(seen, expected);
    let found =
        async |query: &str| operator.get(&format!("{INBOX}?{query}")).await.all("tbody th a");
    assert_eq!(found("phone=%2b86+185-0000-1003").await, [phone(3)]);
    assert_eq!(found("phone=1003").await, [phone(3), "(60)123451003".to_owned()]);
    assert_eq!(found("q=海错").await, [phone(3)]);
    assert_eq!(found("q=错").await, [phone(3)]);
    assert_eq!(found("q=abc&phone=1003").await, [phone(3)]);
    assert_eq!(found("q=海错&show=opted-out").await, Vec::<String>::new());
    assert_eq!(found("show=opted-out").await, [phone(5)]);
    assert_eq!(found("show=unread&q=ok").await, ["(60)123451003"]);
    assert_eq!(found("q=好的").await.len(), 50);
}

#[sqlx::test]
async fn a_long_conversation_is_paged_back_to_its_first_reply(db: PgPool) {
    let house = quiet(&db).await;
    let operator = house.operator().await;
    // All in one second.
    let items: Vec<Value> =
        (0..130).map(|n| reply("18500001001", &n.to_string(), AT + n / 70)).collect();
    tell(&house, &items).await;
    let (address, _) = newest(&operator).await;
    let mut seen = Vec::new();
    let mut earlier = Some(address);
    while let Some(address) = earlier {
        let page = operator.get(&address).await;
        let mut bubbles = page.all(".theirs .bubble");
        bubbles.reverse();
        seen.extend(bubbles);
        let more = "nav a[href*=before]";
        earlier = page.has(more).then(|| page.attr(more, "href"));
    }
    let expected: Vec<String> = (0..130).rev().map(|n| n.to_string()).collect();
    assert_eq!(seen, expected);
}

#[sqlx::test]
async fn a_reply_without_a_time_that_is_pushed_again_is_the_same(db: PgPool) {
    let house = quiet(&db).await;
    let untimed = json!({ "Phone": "18500001001", "ReplyContent": "好" });
    tell(&house, &[untimed.clone(), untimed.clone()]).await;
    tell(&house, std::slice::from_ref(&untimed)).await;
    assert_eq!(number(&db, "select count(*) from replies").await, 1);
    sqlx::query("update replies set replied_at = replied_at - interval '1 hour'")
        .execute(&db)
        .await
        .unwrap();
    tell(&house, &[untimed]).await;
    assert_eq!(number(&db, "select count(*) from replies").await, 2, "an hour later it is another");
}

#[sqlx::test]
async fn changed_words_count_for_replies_that_come_from_then_on(db: PgPool) {
    let house = quiet(&db).await;
    let admin = house.member("admin", Role::Admin).await;
    tell(&house, &[reply("18500001001", "N", AT), reply("18500001002", "不要了", AT)]).await;
    let csrf = admin.get(WORDS).await.csrf();
    for wrong in ["。", "一二三四五六七八九十一二三四五六七八九十一"] {
        let page = admin.post(WORDS, &[("csrf", csrf.as_str()), ("words", wrong)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.has("#words-error") && page.one("#words") == wrong);
    }
    let words = [("csrf", csrf.as_str()), ("words", "T，ｔ\n不要了\n\n")];
    assert_eq!(admin.post(WORDS, &words).await.leads_to(), WORDS);
    assert_eq!(admin.get(WORDS).await.one("#words"), "T 不要了");
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    let later = [reply("18500001003", "N", AT), reply("18500001004", "不要了。", AT)];
    tell(&house, &later).await;
    assert_eq!(suppressed(&db).await, ["18500001001", "18500001004"]);
    let before: Value = sqlx::query_scalar(
        "select detail->'after' from audit_log where action = 'opt_out_words_kept'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(before, json!(["T", "不要了"]));
    // None at all: nothing is recognised, and the page says so.
    admin.post(WORDS, &[("csrf", csrf.as_str()), ("words", "")]).await;
    assert!(admin.get(WORDS).await.has("p.doubt"));
    let operator = house.operator().await;
    assert_eq!(operator.get(WORDS).await.status, StatusCode::FORBIDDEN);
}

#[sqlx::test]
async fn a_viewer_sees_masked_phones_changes_nothing_and_the_file_is_audited(db: PgPool) {
    let house = quiet(&db).await;
    tell(&house, &[reply("18500001001", "=HYPERLINK(1)", AT), reply("18500001002", "T", AT)]).await;
    let viewer = house.viewer().await;
    let (address, page) = newest(&viewer).await;
    let list = viewer.get(INBOX).await;
    for page in [&page, &list] {
        assert!(page.text.contains("185****100") && !page.text.contains("1850000100"));
    }
    assert!(!page.has("main form"), "a viewer has nothing to press");
    let csrf = page.csrf();
    for step in ["read", "unread", "opt-out", "take-back"] {
        let there = format!("{address}/{step}");
        let answer = viewer.post(&there, &[("csrf", csrf.as_str()), ("reply", "r-0")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{step}");
    }
    assert_eq!(number(&db, "select sum(unread)::bigint from conversations").await, 2);
    let file = viewer.get("/p/default/replies.csv").await.text;
    assert!(file.starts_with("\u{feff}id,phone,content,replied_at,received_at,opt_out,"));
    assert!(file.contains("185****1001,'=HYPERLINK(1),2025-10-09T"), "{file}");
    assert!(!file.contains("1850000100"));
    let operator = house.operator().await;
    let file = operator.get("/p/default/replies.csv").await.text;
    assert!(file.contains("18500001002,T,") && file.contains(",stands,"), "{file}");
    let exports = "select count(*) from audit_log where action = 'replies_exported'";
    assert_eq!(number(&db, exports).await, 2);
    // Signed out, the bookmark asks who it is and then shows the same page.
    let away = house.signed_out().get(&address).await;
    assert!(away.leads_to().starts_with("/login?next="));
}
