//! Replies that opt out: they count at once, and a mistaken one is undone with one click.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::time;
use usms_console::app::App;
use usms_console::clock::Clock;
use usms_console::db::sending::claims::Claim;
use usms_console::db::sending::messages;
use usms_console::domain::accounts::role::Role;
use usms_console::domain::time::CHINA;
use usms_console::ops::review;
use usms_console::ops::sending::submit::{self, End};
use usms_console::ops::sending::{plan, uploads};
use usms_console::sandbox::{Seeds, TemplateSeed};

use super::replies::{AT, REPLIES, newest, number, press, push_replies, quiet, reply, suppressed};
use crate::harness::{CODE, NOTICE, Page, TestClient, TestConsole, assert_sound};

const KEYWORDS: &str = "/p/default/settings/replies";

/// Orders and plans a batch of two calls, as each message has values of its own.
async fn running_batch(console: &TestConsole, operator: &TestClient) -> String {
    let file: String = (0..250).map(|n| format!("1850000{:04},{n},5\n", 1_000 + n)).collect();
    let app = console.app.clone();
    let import = tokio::spawn(async move {
        while !uploads::import::run_once(&app).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let preview = operator.upload_list(CODE, "a.csv", file.as_bytes()).await;
    import.await.unwrap();
    let batch = operator.confirm_list(&preview, &[]).await;
    while plan::run_once(&console.app).await.unwrap() {}
    batch
}

/// Makes the next call. Returns its phones.
async fn next_call(console: &TestConsole) -> Vec<String> {
    loop {
        match submit::claim(&console.app).await.unwrap() {
            Claim::Won(claimed) => {
                let sent = messages::targets(&console.app.db, claimed.id).await.unwrap();
                let end = End::Taken {
                    session_no: claimed.id.to_string(),
                    request_id: String::new(),
                    ret_code: 0,
                    not_taken: Vec::new(),
                };
                submit::record(&console.app, &claimed, &end).await.unwrap();
                return sent.into_iter().map(|target| target.phone).collect();
            }
            Claim::PhonesRemoved => {}
            Claim::Nothing => return Vec::new(),
        }
    }
}

#[sqlx::test]
async fn a_phone_that_opts_out_is_suppressed_in_a_running_batch(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let batch = running_batch(&console, &operator).await;
    let first = next_call(&console).await;
    let waiting: Vec<String> = (1_000..1_250).map(|n| format!("1850000{n}")).collect();
    let waiting: Vec<&String> = waiting.iter().filter(|phone| !first.contains(phone)).collect();
    let out = waiting[7].clone();
    // A phone that was sent to, and one that still waits.
    push_replies(&console, &[reply(&first[0], "谢谢", AT), reply(&out, "ｔ。", AT)]).await;
    let second = next_call(&console).await;
    assert_eq!(second.len(), waiting.len() - 1);
    assert!(!second.contains(&out), "{out} opted out before the call");
    assert_eq!(suppressed(&db).await, [out]);
    let page = operator.get(&format!("{REPLIES}?show=opted-out")).await;
    let path = page.attr("tbody th a", "href");
    let page = operator.get(&path).await;
    assert_eq!(page.one(".thread .ours .status"), "已屏蔽");
    assert_eq!(page.one(".thread .theirs .status.doubtful"), "退订");
    assert!(page.one(".notice.doubtful").contains("已回复退订"));
    assert!(!page.has(".head a.act"), "nothing can be sent");
    let list = operator.get("/p/default/suppressions").await;
    assert!(list.one("tbody tr").contains("回复退订") && list.one("tbody tr").contains("ｔ。"));
    assert!(operator.get(&batch).await.text.contains("已屏蔽"));
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_mistaken_opt_out_is_undone_with_one_click_and_only_once(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let mistaken = [reply("18500001001", "N", AT), reply("18500001001", "T", AT + 1)];
    push_replies(&console, &mistaken).await;
    let (path, page) = newest(&operator).await;
    let undone = press(&operator, &page, "take-back").await;
    assert_eq!(undone.status, StatusCode::SEE_OTHER, "{}", undone.text);
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    let after = operator.get(&path).await;
    assert!(after.one(".flash").contains("UCloud 仍可能拦截"), "{}", after.one(".flash"));
    assert_eq!(after.all(".theirs .status").len(), 4, "two are unread");
    // Another click, in another tab, and the same replies again.
    press(&operator, &page, "take-back").await;
    let after = operator.get(&path).await;
    assert!(after.one(".flash").contains("未作更改"));
    push_replies(&console, &mistaken).await;
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    assert!(operator.get(&path).await.text.contains("已撤销退订（operator）"));
    let undone = "select count(*) from audit_log where action = 'opt_out_undone'";
    assert_eq!(number(&db, undone).await, 1);
    // A new opt-out counts, whatever the old tab still shows.
    push_replies(&console, &[reply("18500001001", "退订", AT + 9)]).await;
    press(&operator, &page, "take-back").await;
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn an_outdated_tab_undoes_only_what_it_shows(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    push_replies(&console, &[reply("18500001001", "R", AT)]).await;
    let (path, page) = newest(&operator).await;
    push_replies(&console, &[reply("18500001001", "退订", AT + 1)]).await;
    press(&operator, &page, "take-back").await;
    let after = operator.get(&path).await;
    assert!(after.one(".flash").contains("之后又收到一条退订"));
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    press(&operator, &after, "take-back").await;
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_phone_suppressed_for_another_reason_stays_suppressed(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let list = "/p/default/suppressions";
    let csrf = operator.get(list).await.csrf();
    let phone = "18500001001";
    let fields = [("csrf", csrf.as_str()), ("phones", phone), ("reason", "complaint")];
    operator.post(list, &fields).await;
    push_replies(&console, &[reply(phone, "T", AT)]).await;
    let (path, page) = newest(&operator).await;
    assert!(page.one(".notice.doubtful").contains("投诉"));
    // There is no button to undo it; a click in an old tab is answered with what stays.
    let reply = page.value("form[action$='/read'] input[name=reply]");
    let undo = format!("{path}/take-back");
    operator.post(&undo, &[("csrf", csrf.as_str()), ("reply", reply.as_str())]).await;
    assert!(operator.get(&path).await.one(".flash").contains("投诉"));
    assert_eq!(suppressed(&db).await, [phone]);
}

#[sqlx::test]
async fn undoing_warns_that_the_phone_is_on_the_vendors_blacklist_as_well(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    push_replies(&console, &[reply("18500001001", "T", AT)]).await;
    let csrf = operator.get(REPLIES).await.csrf();
    operator.post("/p/default/suppressions/blacklist", &[("csrf", csrf.as_str())]).await;
    let (path, page) = newest(&operator).await;
    press(&operator, &page, "take-back").await;
    assert!(operator.get(&path).await.one(".flash").contains("请 UCloud 技术支持移出"));
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
}

#[sqlx::test]
async fn removing_a_suppression_undoes_its_opt_out(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    push_replies(&console, &[reply("18500001001", "T", AT)]).await;
    let list = operator.get("/p/default/suppressions").await;
    let remove = list.attr("tbody a[href$=remove]", "href");
    let csrf = list.csrf();
    operator.post(&remove, &[("csrf", csrf.as_str()), ("why", "本人来电")]).await;
    let (_, page) = newest(&operator).await;
    assert!(!page.has(".notice.doubtful") && page.text.contains("已撤销退订（operator）"));
    push_replies(&console, &[reply("18500001001", "T", AT)]).await;
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_person_can_mark_a_reply_as_an_opt_out(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    push_replies(&console, &[reply("18500001001", "我不是你们的会员", AT)]).await;
    let (path, page) = newest(&operator).await;
    press(&operator, &page, "opt-out").await;
    press(&operator, &page, "opt-out").await;
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    let done = "select count(*) from audit_log where action = 'opted_out_by_person'";
    assert_eq!(number(&db, done).await, 1);
    press(&operator, &operator.get(&path).await, "take-back").await;
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    assert_sound(&db).await;
}

#[sqlx::test]
async fn changed_opt_out_keywords_apply_to_later_replies(db: PgPool) {
    let console = quiet(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    push_replies(&console, &[reply("18500001001", "N", AT), reply("18500001002", "不要了", AT)])
        .await;
    let csrf = admin.get(KEYWORDS).await.csrf();
    for wrong in ["。", "一二三四五六七八九十一二三四五六七八九十一"] {
        let page = admin.post(KEYWORDS, &[("csrf", csrf.as_str()), ("words", wrong)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.has("#words-error") && page.one("#words") == wrong);
    }
    let keywords = [("csrf", csrf.as_str()), ("words", "T，ｔ\n不要了\n\n")];
    assert_eq!(admin.post(KEYWORDS, &keywords).await.leads_to(), KEYWORDS);
    assert_eq!(admin.get(KEYWORDS).await.one("#words"), "T 不要了");
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    let later = [reply("18500001003", "N", AT), reply("18500001004", "不要了。", AT)];
    push_replies(&console, &later).await;
    assert_eq!(suppressed(&db).await, ["18500001001", "18500001004"]);
    let after: Value = sqlx::query_scalar(
        "select detail->'after' from audit_log where action = 'opt_out_keywords_saved'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(after, json!(["T", "不要了"]));
    // Without keywords no opt-out is recognized, and the page says so.
    admin.post(KEYWORDS, &[("csrf", csrf.as_str()), ("words", "")]).await;
    assert!(admin.get(KEYWORDS).await.has("p.doubt"));
    let operator = console.operator().await;
    assert_eq!(operator.get(KEYWORDS).await.status, StatusCode::FORBIDDEN);
}

const SUPPRESSIONS: &str = "/p/default/suppressions";

/// Orders a message to phones, as marketing or as a notice. It is not sent yet.
async fn queue(operator: &TestClient, db: &PgPool, purpose: &str, value: &str, phones: &str) {
    operator.send(NOTICE, &[value, "3"], phones).await;
    sqlx::query(
        "update batches set purpose = $1::purpose where id = (select max(id) from batches)",
    )
    .bind(purpose)
    .execute(db)
    .await
    .unwrap();
}

/// Makes all calls that are due at a time when marketing may be sent. Returns their values and
/// phones.
async fn all_calls(console: &TestConsole) -> Vec<(String, Vec<String>)> {
    let tomorrow = console.app.clock.now().to_offset(CHINA) + time::Duration::DAY;
    let noon = Clock::set_to(tomorrow.replace_time(time!(12:00)));
    let app = App { clock: noon, ..console.app.clone() };
    let mut calls = Vec::new();
    loop {
        match submit::claim(&app).await.unwrap() {
            Claim::Won(claimed) => {
                let sent = messages::targets(&app.db, claimed.id).await.unwrap();
                let value = sent[0].params[0].clone();
                let mut phones: Vec<String> = sent.into_iter().map(|target| target.phone).collect();
                phones.sort();
                calls.push((value, phones));
                let end = End::Taken {
                    session_no: claimed.id.to_string(),
                    request_id: String::new(),
                    ret_code: 0,
                    not_taken: Vec::new(),
                };
                submit::record(&app, &claimed, &end).await.unwrap();
            }
            Claim::PhonesRemoved => {}
            Claim::Nothing => {
                calls.sort();
                return calls;
            }
        }
    }
}

/// Presses a button of the question whether a reply is an opt-out.
pub async fn decide(client: &TestClient, page: &Page, decision: &str) -> Page {
    let form = "#decide form";
    assert!(page.has(&format!("{form} button[value={decision}]")), "{}", page.text);
    let mut fields = page.whole_form(form);
    fields.push(("decision".to_owned(), decision.to_owned()));
    client.post_owned(&page.attr(form, "action"), &fields).await
}

/// Returns each suppressed phone with its scope and whether it is pending.
async fn scopes(db: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "select concat_ws(' ', phone, scope, case when pending then 'pending' end)
         from suppressions order by phone",
    )
    .fetch_all(db)
    .await
    .unwrap()
}

fn call(value: &str, phones: &[&str]) -> (String, Vec<String>) {
    (value.to_owned(), phones.iter().map(|phone| (*phone).to_owned()).collect())
}

#[sqlx::test]
async fn a_reply_is_an_opt_out_perhaps_one_or_none_by_what_it_says(db: PgPool) {
    let console = quiet(&db).await;
    let texts = ["取消退订", "Please STOP", "怎么退订？", "拒绝接收", "好的", "不要退订"];
    let items: Vec<Value> = texts
        .iter()
        .zip(1_001..)
        .map(|(text, n)| reply(&format!("1850000{n}"), text, AT))
        .collect();
    push_replies(&console, &items).await;
    assert_eq!(
        scopes(&db).await,
        ["18500001002 all", "18500001003 marketing pending", "18500001004 all"]
    );
    assert_sound(&db).await;
}

#[sqlx::test]
async fn marketing_is_held_until_a_person_decides_and_notices_are_sent(db: PgPool) {
    let console = quiet(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let (held, other) = ("18500001001", "18500001002");
    queue(&operator, &db, "marketing", "A1", &format!("{held}\n{other}")).await;
    queue(&operator, &db, "notice", "B1", held).await;
    push_replies(&console, &[reply(held, "请问怎么退订", AT)]).await;
    assert_eq!(scopes(&db).await, [format!("{held} marketing pending")]);
    assert_eq!(all_calls(&console).await, [call("A1", &[other]), call("B1", &[held])]);
    // What was not called yet when it is decided is released.
    queue(&operator, &db, "marketing", "A2", held).await;
    let (path, page) = newest(&operator).await;
    assert!(page.has(".head a.act"), "notices can be sent");
    decide(&operator, &page, "no").await;
    assert!(operator.get(&path).await.one(".flash").contains("UCloud 仍可能拦截"));
    assert_eq!(scopes(&db).await, Vec::<String>::new());
    assert_eq!(all_calls(&console).await, [call("A2", &[held])]);
    // Or it is not, if the recipient wants no marketing.
    push_replies(&console, &[reply(held, "是否退订", AT + 1)]).await;
    queue(&operator, &db, "marketing", "A3", held).await;
    queue(&operator, &db, "notice", "B3", held).await;
    decide(&operator, &operator.get(&path).await, "marketing").await;
    assert_eq!(scopes(&db).await, [format!("{held} marketing")]);
    assert_eq!(all_calls(&console).await, [call("B3", &[held])]);
    let page = operator.get(&path).await;
    assert!(page.one(".notice.doubtful").contains("已退订营销短信") && page.has(".head a.act"));
    // Or nothing is, if it wants nothing.
    push_replies(&console, &[reply(held, "退订？", AT + 2)]).await;
    queue(&operator, &db, "notice", "B4", held).await;
    decide(&operator, &operator.get(&path).await, "all").await;
    assert_eq!(scopes(&db).await, [format!("{held} all")]);
    assert_eq!(all_calls(&console).await, []);
    assert!(!operator.get(&path).await.has("#decide"));
    let decided = "select count(*) from audit_log where action = 'opt_out_decided'";
    assert_eq!(number(&db, decided).await, 3);
    press(&operator, &operator.get(&path).await, "take-back").await;
    assert_eq!(scopes(&db).await, Vec::<String>::new());
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_reply_to_decide_is_listed_and_counted_until_it_is_decided_once(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let phone = "18500001001";
    let items = [reply(phone, "退订链接打不开", AT), reply("18500001002", "好的", AT + 1)];
    push_replies(&console, &items).await;
    let undecided = format!("{REPLIES}?show=undecided");
    let list = operator.get(&undecided).await;
    assert_eq!(list.all("tbody th a"), [phone]);
    assert!(list.one("tbody .status.doubtful").contains("疑似退订"));
    assert_eq!(list.one(".tabs b"), "1");
    let file = operator.get(&format!("{REPLIES}.csv?show=undecided")).await;
    assert!(file.text.contains(",\"perhaps\",") && !file.text.contains("好的"));
    let found = operator.get(&format!("{undecided}&phone=1002")).await;
    assert!(found.all("tbody th a").is_empty());
    // Reading it is not deciding: it still needs a person.
    let page = operator.get(&list.attr("tbody th a", "href")).await;
    assert!(page.all(".theirs .status").contains(&"疑似退订".to_owned()));
    assert!(page.attr(".theirs .status.doubtful use", "href").ends_with("#mark-doubt"));
    press(&operator, &page, "read").await;
    assert_eq!(operator.get(REPLIES).await.one(".rail a[aria-current] .needs"), "2 项待处理");
    // A reply that came later is not decided with it.
    push_replies(&console, &[reply(phone, "如何退订", AT + 5)]).await;
    let path = list.attr("tbody th a", "href");
    decide(&operator, &page, "no").await;
    let after = operator.get(&path).await;
    assert!(after.one(".flash").contains("需要判定的回复"));
    assert_eq!(scopes(&db).await, [format!("{phone} marketing pending")]);
    decide(&operator, &after, "no").await;
    decide(&operator, &after, "all").await;
    let after = operator.get(&path).await;
    assert!(after.one(".flash").contains("未作更改") && !after.has("#decide"));
    assert!(after.text.contains("已判定为非退订（operator）"));
    assert_eq!(scopes(&db).await, Vec::<String>::new());
    assert!(!operator.get(&undecided).await.has(".tabs b"));
    let viewer = console.viewer().await;
    let csrf = viewer.get(REPLIES).await.csrf();
    let fields = [("csrf", csrf.as_str()), ("reply", "x"), ("decision", "all")];
    let refused = viewer.post(&format!("{path}/decide"), &fields).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_clear_opt_out_answers_the_question_about_an_unclear_one(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let phone = "18500001001";
    for order in [["怎么退订", "T"], ["T", "怎么退订"]] {
        for (text, at) in order.into_iter().zip(AT..) {
            push_replies(&console, &[reply(phone, text, at)]).await;
        }
        assert_eq!(scopes(&db).await, [format!("{phone} all")]);
        let (_, page) = newest(&operator).await;
        assert!(!page.has("#decide"));
        assert_sound(&db).await;
        press(&operator, &page, "take-back").await;
        assert_eq!(scopes(&db).await, Vec::<String>::new());
        assert!(!newest(&operator).await.1.has("#decide"), "it was seen");
        assert_sound(&db).await;
        sqlx::raw_sql("delete from replies; delete from conversations").execute(&db).await.unwrap();
    }
}

#[sqlx::test]
async fn undoing_an_opt_out_leaves_the_scope_that_another_reason_had(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let phone = "18500001001";
    let csrf = operator.get(SUPPRESSIONS).await.csrf();
    let add = async |scope: &str| {
        let fields = [("csrf", csrf.as_str()), ("phones", phone), ("scope", scope)];
        operator.post(SUPPRESSIONS, &fields).await
    };
    // A person's entry replaces a pending one, and stays when that is decided.
    push_replies(&console, &[reply(phone, "退订？", AT)]).await;
    add("marketing").await;
    assert_eq!(scopes(&db).await, [format!("{phone} marketing")]);
    let (path, page) = newest(&operator).await;
    decide(&operator, &page, "no").await;
    assert!(operator.get(&path).await.one(".flash").contains("手动添加"));
    assert_eq!(scopes(&db).await, [format!("{phone} marketing")]);
    // An opt-out widens it, and undoing that narrows it again.
    push_replies(&console, &[reply(phone, "退订", AT + 1)]).await;
    assert_eq!(scopes(&db).await, [format!("{phone} all")]);
    assert_sound(&db).await;
    press(&operator, &operator.get(&path).await, "take-back").await;
    assert_eq!(scopes(&db).await, [format!("{phone} marketing")]);
    add("all").await;
    add("marketing").await;
    assert_eq!(scopes(&db).await, [format!("{phone} all")], "nothing narrows it by the way");
    assert_sound(&db).await;
}

#[sqlx::test]
async fn only_phones_that_get_nothing_are_added_to_the_vendors_blacklist(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let items = [reply("18500001001", "T", AT), reply("18500001002", "T？", AT)];
    push_replies(&console, &items).await;
    let csrf = operator.get(SUPPRESSIONS).await.csrf();
    operator.post(&format!("{SUPPRESSIONS}/offer"), &[("csrf", csrf.as_str())]).await;
    let counts = console.admin(reqwest::Method::GET, "counts", json!(null)).await;
    assert_eq!(counts["blacklisted"], 1);
}

#[sqlx::test]
async fn a_bare_n_after_a_question_is_put_before_a_person(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let question = TemplateSeed {
        template_id: "UTN0002".to_owned(),
        name: "签收确认".to_owned(),
        text: "订单{1}您收到了吗？".to_owned(),
        ..TemplateSeed::default()
    };
    console.sandbox.seed(Seeds { templates: vec![question], ..Seeds::default() });
    review::look_up_template(&console.app, console.project, "UTN0002", None).await.unwrap();
    let operator = console.operator().await;
    let phones: Vec<String> = (1_001..=1_003).map(|n| format!("1850000{n}")).collect();
    let batch = operator.send("签收确认", &["A1"], &phones.join("\n")).await;
    console.until_complete(&operator, &batch).await;
    // The first phone got another message since, the second was asked long ago.
    let batch = operator.send(CODE, &["1234", "5"], &phones[0]).await;
    console.until_complete(&operator, &batch).await;
    let now = number(&db, "select extract(epoch from now())::bigint").await;
    let items = [
        reply(&phones[0], "N", now + 1),
        reply(&phones[2], "Ｎ。", now + 1),
        reply("18500001009", "N", now + 1),
    ];
    push_replies(&console, &items).await;
    sqlx::query("update submissions set sent_at = sent_at - interval '73 hours'")
        .execute(&db)
        .await
        .unwrap();
    push_replies(&console, &[reply(&phones[1], "N", now + 1)]).await;
    assert_eq!(
        scopes(&db).await,
        [
            format!("{} all", phones[0]),
            format!("{} all", phones[1]),
            format!("{} marketing pending", phones[2]),
            "18500001009 all".to_owned(),
        ]
    );
    // Without N among the project's keywords it says nothing.
    let admin = console.member("admin", Role::Admin).await;
    let csrf = admin.get(KEYWORDS).await.csrf();
    admin.post(KEYWORDS, &[("csrf", csrf.as_str()), ("words", "T")]).await;
    push_replies(&console, &[reply("18500001010", "N", now + 2)]).await;
    assert_eq!(scopes(&db).await.len(), 4);
}
