//! Replies that opt out: they count at once, and a mistaken one is undone with one click.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use usms_console::db::claims::Claim;
use usms_console::db::messages;
use usms_console::domain::role::Role;
use usms_console::ops::submit::{self, End};
use usms_console::ops::{plan, uploads};

use super::replies::{AT, REPLIES, newest, number, press, push_replies, quiet, reply, suppressed};
use crate::harness::{CODE, TestClient, TestConsole, assert_sound};

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
    assert_eq!(operator.get(&path).await.all(".theirs .status").len(), 4, "two are unread");
    // Another click, in another tab, and the same replies again.
    press(&operator, &page, "take-back").await;
    let after = operator.get(&path).await;
    assert!(after.one(".flash").contains("未作更改"));
    push_replies(&console, &mistaken).await;
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    assert!(operator.get(&path).await.text.contains("已撤销退订（operator）"));
    let undone = "select count(*) from audit_log where action = 'opt_out_taken_back'";
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
    operator.post("/p/default/suppressions/offer", &[("csrf", csrf.as_str())]).await;
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
        "select detail->'after' from audit_log where action = 'opt_out_words_kept'",
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
