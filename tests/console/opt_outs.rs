//! Replies that opt out: they count at once, and a false alarm is undone in one press.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use usms_console::db::claims::Claim;
use usms_console::db::messages;
use usms_console::domain::role::Role;
use usms_console::ops::submit::{self, End};
use usms_console::ops::{plan, uploads};

use super::replies::{AT, INBOX, is_sound, newest, number, press, quiet, reply, suppressed, tell};
use crate::harness::{TestClient, TestConsole};

const WORDS: &str = "/p/default/settings/replies";

/// A batch of two calls to phones of their own values, the second call still waiting.
async fn running_batch(console: &TestConsole, operator: &TestClient) -> String {
    let file: String = (0..250).map(|n| format!("1850000{:04},{n},5\n", 1_000 + n)).collect();
    let app = console.app.clone();
    let reading = tokio::spawn(async move {
        while !uploads::import::run_once(&app).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let preview = operator.upload_list("登录验证码", "a.csv", file.as_bytes()).await;
    reading.await.unwrap();
    let batch = operator.confirm_list(&preview, &[]).await;
    while plan::run_once(&console.app).await.unwrap() {}
    batch
}

/// Sends the next call; answers its phones.
async fn one_call(console: &TestConsole) -> Vec<String> {
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
                return sent.into_iter().map(|one| one.phone).collect();
            }
            Claim::TakenOut => {}
            Claim::Nothing => return Vec::new(),
        }
    }
}

#[sqlx::test]
async fn a_phone_that_opts_out_is_taken_out_of_a_batch_that_runs(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let batch = running_batch(&console, &operator).await;
    let first = one_call(&console).await;
    let waiting: Vec<String> = (1_000..1_250).map(|n| format!("1850000{n}")).collect();
    let waiting: Vec<&String> = waiting.iter().filter(|phone| !first.contains(phone)).collect();
    let out = waiting[7].clone();
    // One that was sent to before, one that still waits.
    tell(&console, &[reply(&first[0], "谢谢", AT), reply(&out, "ｔ。", AT)]).await;
    let second = one_call(&console).await;
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
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let alarm = [reply("18500001001", "N", AT), reply("18500001001", "T", AT + 1)];
    tell(&console, &alarm).await;
    let (address, page) = newest(&operator).await;
    let undone = press(&operator, &page, "take-back").await;
    assert_eq!(undone.status, StatusCode::SEE_OTHER, "{}", undone.text);
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    assert_eq!(operator.get(&address).await.all(".theirs .status").len(), 4, "two are unread");
    // Another press, from another tab, and the same replies again.
    press(&operator, &page, "take-back").await;
    let after = operator.get(&address).await;
    assert!(after.one(".flash").contains("未作更改"));
    tell(&console, &alarm).await;
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    assert!(operator.get(&address).await.text.contains("已撤销退订（operator）"));
    let undone = "select count(*) from audit_log where action = 'opt_out_taken_back'";
    assert_eq!(number(&db, undone).await, 1);
    // A new one counts, whatever the old tab still shows.
    tell(&console, &[reply("18500001001", "退订", AT + 9)]).await;
    press(&operator, &page, "take-back").await;
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    is_sound(&db).await;
}

#[sqlx::test]
async fn a_tab_that_is_behind_takes_back_only_what_it_shows(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    tell(&console, &[reply("18500001001", "R", AT)]).await;
    let (address, page) = newest(&operator).await;
    tell(&console, &[reply("18500001001", "退订", AT + 1)]).await;
    press(&operator, &page, "take-back").await;
    let after = operator.get(&address).await;
    assert!(after.one(".flash").contains("之后又收到一条退订"));
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    press(&operator, &after, "take-back").await;
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    is_sound(&db).await;
}

#[sqlx::test]
async fn a_phone_on_the_list_for_another_reason_stays_there(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let list = "/p/default/suppressions";
    let csrf = operator.get(list).await.csrf();
    let phone = "18500001001";
    let fields = [("csrf", csrf.as_str()), ("phones", phone), ("reason", "complaint")];
    operator.post(list, &fields).await;
    tell(&console, &[reply(phone, "T", AT)]).await;
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
    let console = quiet(&db).await;
    let operator = console.operator().await;
    tell(&console, &[reply("18500001001", "T", AT)]).await;
    let csrf = operator.get(INBOX).await.csrf();
    operator.post("/p/default/suppressions/offer", &[("csrf", csrf.as_str())]).await;
    let (address, page) = newest(&operator).await;
    press(&operator, &page, "take-back").await;
    assert!(operator.get(&address).await.one(".flash").contains("请 UCloud 技术支持移出"));
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
}

#[sqlx::test]
async fn removing_a_phone_from_the_list_takes_its_opt_out_back(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    tell(&console, &[reply("18500001001", "T", AT)]).await;
    let list = operator.get("/p/default/suppressions").await;
    let ask = list.attr("tbody a[href$=remove]", "href");
    let csrf = list.csrf();
    operator.post(&ask, &[("csrf", csrf.as_str()), ("why", "本人来电")]).await;
    let (_, page) = newest(&operator).await;
    assert!(!page.has(".notice.doubtful") && page.text.contains("已撤销退订（operator）"));
    tell(&console, &[reply("18500001001", "T", AT)]).await;
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    is_sound(&db).await;
}

#[sqlx::test]
async fn what_a_person_reads_as_an_opt_out_is_one(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    tell(&console, &[reply("18500001001", "别再发了！", AT)]).await;
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
async fn changed_words_count_for_replies_that_come_from_then_on(db: PgPool) {
    let console = quiet(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    tell(&console, &[reply("18500001001", "N", AT), reply("18500001002", "不要了", AT)]).await;
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
    tell(&console, &later).await;
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
    let operator = console.operator().await;
    assert_eq!(operator.get(WORDS).await.status, StatusCode::FORBIDDEN);
}
