//! What a process does when the database went back in time, and what people decide then.

use reqwest::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use time::Duration;
use tokio_util::sync::CancellationToken;
use usms_console::app::App;
use usms_console::clock::Clock;
use usms_console::db::recovery::installation::Seen;
use usms_console::db::recovery::recoveries::{self, Cause};
use usms_console::db::sending::claims::{Claim, Claimed};
use usms_console::db::sending::workers::{self, VendorContact};
use usms_console::domain::accounts::role::Role;
use usms_console::ops::recovery::{self, Adopted};
use usms_console::ops::sending::submit::{self, End};
use usms_console::ops::sending::{plan, uploads};
use usms_console::worker;

use super::receipts::{process_all, push};
use super::replies::{newest, number, press, push_replies, reply, suppressed};
use crate::harness::{CODE, TestConsole, TestOptions, assert_sound, until};

/// A console in which nothing is sent by itself, and a second process on its database.
async fn two_processes(db: &PgPool) -> (TestConsole, App) {
    let options = TestOptions { workers: false, ..TestOptions::default() };
    let console = TestConsole::start_with(db, options).await;
    let other = App {
        process: uuid::Uuid::new_v4(),
        in_hand: std::sync::Arc::default(),
        ..console.app.clone()
    };
    (console, other)
}

async fn claim(app: &App) -> Box<Claimed> {
    match submit::claim(app).await.unwrap() {
        Claim::Won(claimed) => claimed,
        nothing @ (Claim::PhonesRemoved | Claim::Nothing) => panic!("{nothing:?}"),
    }
}

fn taken(session_no: &str) -> End {
    End::Taken {
        session_no: session_no.to_owned(),
        request_id: String::new(),
        ret_code: 0,
        not_taken: Vec::new(),
    }
}

async fn states(db: &PgPool) -> Vec<String> {
    let states = "select state::text from submissions order by id";
    sqlx::query_scalar(states).fetch_all(db).await.unwrap()
}

/// Begins a recovery, so long ago that every process has had the time to take part.
async fn begin(console: &TestConsole, cause: Cause) {
    let noticed = console.app.clock.now() - Duration::seconds(5);
    recoveries::begin(&console.app.db, cause, noticed).await.unwrap();
}

/// Takes back every claim and its outcome, as if the database had lost them.
async fn lose_calls(db: &PgPool) {
    let lose = "update submissions set state = 'ready', session_no = null, lease_until = null,
        sent_at = null, attempts = 0, next_poll_at = null, answered_at = null, worker = null";
    sqlx::query(lose).execute(db).await.unwrap();
}

#[sqlx::test]
async fn a_process_writes_again_what_it_sent_and_what_is_under_way(db: PgPool) {
    let (console, other) = two_processes(&db).await;
    let operator = console.operator().await;
    operator.send(CODE, &["1", "5"], "18500001234").await;
    operator.send(CODE, &["2", "5"], "18500001235").await;
    assert!(recovery::check(&console.app).await.unwrap());
    let (first, second) = (claim(&console.app).await, claim(&console.app).await);
    for claimed in [&first, &second] {
        submit::prepare(&console.app, claimed).await.unwrap();
    }
    submit::record(&console.app, &first, &taken("S1")).await.unwrap();
    lose_calls(&db).await;
    begin(&console, Cause::Promoted).await;
    let refused = submit::claim(&other).await.unwrap();
    assert!(matches!(refused, Claim::Nothing), "nothing is sent before the repair");
    assert!(recovery::check(&console.app).await.unwrap());
    let mut found = states(&db).await;
    found.sort();
    assert_eq!(found, ["accepted", "in_flight"]);
    // The call under way ends as if nothing had happened.
    submit::record(&console.app, &second, &taken("S2")).await.unwrap();
    assert_eq!(states(&db).await, ["accepted", "accepted"]);
    let sessions: Vec<String> = sqlx::query_scalar("select session_no from submissions order by 1")
        .fetch_all(&db)
        .await
        .unwrap();
    assert_eq!(sessions, ["S1", "S2"]);
    assert!(matches!(submit::claim(&other).await.unwrap(), Claim::Nothing));
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_process_leaves_the_later_claim_of_another_alone(db: PgPool) {
    let (console, other) = two_processes(&db).await;
    let operator = console.operator().await;
    operator.send(CODE, &["1", "5"], "18500001234").await;
    assert!(recovery::check(&console.app).await.unwrap());
    let first = claim(&console.app).await;
    submit::prepare(&console.app, &first).await.unwrap();
    let doubt = End::InDoubt { ret_code: None, why: String::new(), request_id: String::new() };
    submit::record(&console.app, &first, &doubt).await.unwrap();
    // A person has it sent again.
    let again = "update submissions set state = 'ready', sent_at = null, next_try_at = now()";
    sqlx::query(again).execute(&db).await.unwrap();
    let reopened = "update batches set state = 'sending', finished_at = null";
    sqlx::query(reopened).execute(&db).await.unwrap();
    sqlx::query("update call_slots set next_at = now()").execute(&db).await.unwrap();
    let second = claim(&other).await;
    begin(&console, Cause::Promoted).await;
    assert!(recovery::check(&console.app).await.unwrap());
    submit::record(&other, &second, &taken("S1")).await.unwrap();
    assert_eq!(states(&db).await, ["accepted"], "the call of the other process counts");
}

#[sqlx::test]
async fn a_database_that_is_another_one_sends_nothing_until_an_owner_adopts_it(db: PgPool) {
    let (console, _) = two_processes(&db).await;
    console.account("owner", Role::Admin).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    // A restored dump has written the row again.
    sqlx::query("update installation set timeline = timeline").execute(&db).await.unwrap();
    assert!(!recovery::check(&console.app).await.unwrap());
    assert!(matches!(submit::claim(&console.app).await.unwrap(), Claim::Nothing));
    let page = operator.get("/p/default/sending").await;
    assert!(page.has("#halted"), "every page says so");
    assert!(page.has("#recovery") && !page.has("form input[value=adopt]"));
    let csrf = page.csrf();
    let refused =
        operator.post("/p/default/sending", &[("csrf", &csrf), ("action", "adopt")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let adopted = recovery::adopt(&console.app, None, "").await.unwrap();
    assert_eq!(adopted, Adopted::Now(1));
    assert_eq!(recovery::adopt(&console.app, None, "").await.unwrap(), Adopted::Already);
    assert!(recovery::check(&console.app).await.unwrap());
    let page = operator.get(&batch).await;
    assert_eq!(page.one(".head .status"), "已暂停");
    assert!(!page.has("form[action$=resume]"), "an operator may not send it");
    let approver = console.approver().await;
    let mut fields = approver.get(&batch).await.whole_form("form[action$=resume]");
    fields.retain(|(name, _)| name != "csrf");
    fields.push(("csrf".to_owned(), csrf.clone()));
    let tried = operator.post_owned(&format!("{batch}/resume"), &fields).await;
    assert_eq!(tried.status, StatusCode::SEE_OTHER);
    assert_eq!(operator.get(&batch).await.one(".head .status"), "已暂停");
    let list = operator.get("/p/default/sending").await;
    assert!(list.one("#recovery tbody th").starts_with("登录验证码 "));
    approver.resume(&batch).await;
    assert_eq!(approver.get(&batch).await.one(".head .status"), "发送中");
    assert_sound(&db).await;
}

#[sqlx::test]
async fn the_rest_of_a_held_batch_can_be_put_in_doubt(db: PgPool) {
    let (console, _) = two_processes(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    sqlx::query("update installation set timeline = timeline").execute(&db).await.unwrap();
    recovery::adopt(&console.app, None, "").await.unwrap();
    let fields = operator.get(&batch).await.whole_form("form[action$=doubt-rest]");
    operator.post_owned(&format!("{batch}/doubt-rest"), &fields).await;
    assert_eq!(states(&db).await, ["in_doubt"]);
    let page = operator.get(&format!("{batch}/in-doubt")).await;
    assert!(page.text.contains("数据库曾回退到较早时间点"), "{}", page.text);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn after_a_long_silence_what_was_being_sent_is_asked_about_and_a_short_one_asks_nothing(
    db: PgPool,
) {
    let clock = Clock::set_to(time::OffsetDateTime::now_utc());
    let options = TestOptions { workers: false, clock: clock.clone(), ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    let beat = async || {
        let heard = VendorContact::default();
        workers::beat(&db, uuid::Uuid::new_v4(), &heard, clock.now()).await.unwrap();
    };
    let restarted = || App { in_hand: std::sync::Arc::default(), ..console.app.clone() };
    beat().await;
    clock.advance(Duration::minutes(3));
    assert!(recovery::check(&restarted()).await.unwrap());
    assert_eq!(operator.get(&batch).await.one(".head .status"), "发送中");
    clock.advance(Duration::minutes(20));
    assert!(recovery::check(&restarted()).await.unwrap());
    assert_eq!(operator.get(&batch).await.one(".head .status"), "已暂停");
}

#[sqlx::test]
async fn sending_is_stopped_and_resumed_in_one_press(db: PgPool) {
    let (console, _) = two_processes(&db).await;
    let operator = console.operator().await;
    let approver = console.approver().await;
    operator.send(CODE, &["1", "5"], "18500001234").await;
    let csrf = operator.get("/p/default/sending").await.csrf();
    operator.post("/p/default/sending", &[("csrf", &csrf), ("action", "stop")]).await;
    assert!(matches!(submit::claim(&console.app).await.unwrap(), Claim::Nothing));
    let page = operator.get("/p/default/").await;
    assert!(page.has("#halted"));
    let denied =
        operator.post("/p/default/sending", &[("csrf", &csrf), ("action", "resume")]).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
    let csrf = approver.get("/p/default/sending").await.csrf();
    approver.post("/p/default/sending", &[("csrf", &csrf), ("action", "resume")]).await;
    assert!(!operator.get("/p/default/").await.has("#halted"));
    claim(&console.app).await;
}

#[sqlx::test]
async fn a_receipt_proves_that_a_message_left_which_the_database_forgot(db: PgPool) {
    let (console, _) = two_processes(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    let session = claim(&console.app).await;
    let user_id = session.id.vendor_user_id();
    lose_calls(&db).await;
    sqlx::query("update installation set timeline = timeline").execute(&db).await.unwrap();
    recovery::adopt(&console.app, None, "").await.unwrap();
    let receipt = json!({ "SessionNo": "S1", "Phone": "18500001234", "CostCount": 1,
        "ReceiptTime": 1_790_000_000, "ReceiptResult": "发送成功", "ReceiptCode": "DELIVRD",
        "ReceiptDesc": "", "UserId": user_id });
    push(&console, &[receipt]).await;
    process_all(&console.app).await;
    assert_eq!(states(&db).await, ["accepted"]);
    let page = operator.get(&batch).await;
    assert_eq!(page.all(".messages tbody .status"), ["已送达"]);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn nothing_is_applied_for_from_a_database_that_is_not_the_installation(db: PgPool) {
    let (console, _) = two_processes(&db).await;
    let operator = console.operator().await;
    sqlx::query("update installation set timeline = timeline").execute(&db).await.unwrap();
    let new = "/p/default/templates/new";
    let mut fields = operator.get(new).await.whole_form("main form.form");
    for (name, value) in [("name", "发货提醒"), ("text", "您的订单{1}已发出。")] {
        fields.retain(|(field, _)| field != name);
        fields.push((name.to_owned(), value.to_owned()));
    }
    let page = operator.upload(new, &fields, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("数据库已回退到较早时间点"), "{}", page.text);
    assert_eq!(page.value("input[name=name]"), "发货提醒", "nothing that was entered is lost");
    let applications: i64 =
        sqlx::query_scalar("select count(*) from applications").fetch_one(&db).await.unwrap();
    assert_eq!(applications, 0);
}

#[sqlx::test]
async fn a_pause_that_the_database_forgot_is_made_again_and_shown(db: PgPool) {
    let (console, _) = two_processes(&db).await;
    let operator = console.operator().await;
    assert!(recovery::check(&console.app).await.unwrap());
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    let csrf = operator.get(&batch).await.csrf();
    operator.post(&format!("{batch}/pause"), &[("csrf", &csrf)]).await;
    assert!(recovery::check(&console.app).await.unwrap());
    // The database forgets the pause and its event.
    let mut lost = db.begin().await.unwrap();
    for statement in [
        "set local session_replication_role = replica",
        "delete from audit_log where action = 'batch_paused'",
        "update batches set state = 'sending', pause_reason = null",
    ] {
        sqlx::query(statement).execute(&mut *lost).await.unwrap();
    }
    lost.commit().await.unwrap();
    begin(&console, Cause::RolledBack).await;
    assert!(recovery::check(&console.app).await.unwrap());
    assert_eq!(operator.get(&batch).await.one(".head .status"), "已暂停");
    let page = operator.get("/p/default/sending").await;
    assert_eq!(page.all("#lost tbody th"), ["暂停任务"]);
    assert_eq!(
        page.all("#lost tbody td"),
        ["operator", page.all("#lost tbody td")[1].as_str(), "已重新执行"]
    );
    let events = "select count(*) from audit_log where action = 'batch_paused'";
    assert_eq!(sqlx::query_scalar::<_, i64>(events).fetch_one(&db).await.unwrap(), 1);
}

#[sqlx::test]
async fn a_recovery_waits_for_processes_that_the_database_does_not_know(db: PgPool) {
    let (console, other) = two_processes(&db).await;
    let operator = console.operator().await;
    operator.send(CODE, &["1", "5"], "18500001234").await;
    for app in [&console.app, &other] {
        assert!(recovery::check(app).await.unwrap());
    }
    let claimed = claim(&other).await;
    submit::prepare(&other, &claimed).await.unwrap();
    submit::record(&other, &claimed, &taken("S1")).await.unwrap();
    lose_calls(&db).await;
    recoveries::begin(&db, Cause::Promoted, console.app.clock.now()).await.unwrap();
    assert!(!recovery::check(&console.app).await.unwrap(), "the other one may still report");
    assert!(!recovery::check(&other).await.unwrap());
    assert_eq!(states(&db).await, ["accepted"]);
    until("the recovery ends", async || recovery::check(&console.app).await.unwrap()).await;
}

#[sqlx::test]
async fn a_process_that_comes_late_still_writes_again_what_it_sent(db: PgPool) {
    let (console, other) = two_processes(&db).await;
    let operator = console.operator().await;
    operator.send(CODE, &["1", "5"], "18500001234").await;
    for app in [&console.app, &other] {
        assert!(recovery::check(app).await.unwrap());
    }
    let claimed = claim(&other).await;
    submit::prepare(&other, &claimed).await.unwrap();
    submit::record(&other, &claimed, &taken("S1")).await.unwrap();
    lose_calls(&db).await;
    begin(&console, Cause::Promoted).await;
    assert!(recovery::check(&console.app).await.unwrap());
    assert_eq!(states(&db).await, ["ready"]);
    assert!(recovery::check(&other).await.unwrap());
    assert_eq!(states(&db).await, ["accepted"]);
}

#[sqlx::test]
async fn a_batch_whose_calls_cannot_be_written_again_is_held(db: PgPool) {
    let (console, _) = two_processes(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    operator.send(CODE, &["2", "5"], "18500001235").await;
    assert!(recovery::check(&console.app).await.unwrap());
    let claimed = claim(&console.app).await;
    submit::prepare(&console.app, &claimed).await.unwrap();
    submit::record(&console.app, &claimed, &taken("S1")).await.unwrap();
    // The database has lost the submission, and its batch is to be planned anew.
    let mut lost = db.begin().await.unwrap();
    for statement in
        ["delete from messages where submission_id = $1", "delete from submissions where id = $1"]
    {
        sqlx::query(statement).bind(claimed.id.0).execute(&mut *lost).await.unwrap();
    }
    let unplanned = "update batches set planned = false, state = 'sending', finished_at = null
        where id = $1";
    sqlx::query(unplanned).bind(claimed.batch_id.0).execute(&mut *lost).await.unwrap();
    lost.commit().await.unwrap();
    begin(&console, Cause::Promoted).await;
    assert!(recovery::check(&console.app).await.unwrap());
    let held: Vec<i64> = sqlx::query_scalar("select id from batches where state = 'paused'")
        .fetch_all(&db)
        .await
        .unwrap();
    assert_eq!(held, [claimed.batch_id.0], "{batch}");
}

#[sqlx::test]
async fn a_crash_long_ago_is_no_silence_if_a_later_process_stopped_cleanly(db: PgPool) {
    let clock = Clock::set_to(time::OffsetDateTime::now_utc());
    let options = TestOptions { workers: false, clock: clock.clone(), ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    console.operator().await.send(CODE, &["1", "5"], "18500001234").await;
    let (crashed, stopped) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    workers::beat(&db, crashed, &VendorContact::default(), clock.now()).await.unwrap();
    clock.advance(Duration::hours(2));
    workers::beat(&db, stopped, &VendorContact::default(), clock.now()).await.unwrap();
    workers::stop(&db, stopped, clock.now()).await.unwrap();
    clock.advance(Duration::hours(12));
    assert!(recovery::check(&console.app).await.unwrap());
    let state = "select state::text from batches";
    assert_eq!(sqlx::query_scalar::<_, String>(state).fetch_one(&db).await.unwrap(), "sending");
}

#[sqlx::test]
async fn what_waits_for_a_person_says_that_it_may_have_been_sent_before_the_restore(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let approver = console.approver().await;
    let draft = operator.upload_list(CODE, "a.csv", b"18500001234,1,5\n").await;
    let awaiting = operator.send("新书", &["读者"], "18500001234").await;
    assert!(!approver.get(&awaiting).await.has("#may-have-sent"));
    sqlx::query("update installation set timeline = timeline").execute(&db).await.unwrap();
    recovery::adopt(&console.app, None, "-").await.unwrap();
    assert!(approver.get(&awaiting).await.has("#may-have-sent"));
    assert!(operator.get(&draft).await.has("#may-have-sent"));
    let later = operator.upload_list(CODE, "b.csv", b"18500001235,1,5\n").await;
    assert!(!operator.get(&later).await.has("#may-have-sent"));
}

#[sqlx::test]
async fn rows_whose_planning_was_lost_become_the_same_messages_and_are_planned_once(db: PgPool) {
    let options = TestOptions { workers: false, ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    let operator = console.operator().await;
    let list: String = (1_000..1_450).map(|n| format!("1850000{n},{n},5\n")).collect();
    let app = console.app.clone();
    let importing = tokio::spawn(async move {
        while !uploads::import::run_once(&app).await.unwrap() {
            tokio::task::yield_now().await;
        }
    });
    let preview = operator.upload_list(CODE, "a.csv", list.as_bytes()).await;
    importing.await.unwrap();
    operator.confirm_list(&preview, &[]).await;
    assert!(recovery::check(&console.app).await.unwrap());
    assert!(plan::run_once(&console.app).await.unwrap());
    let claimed = claim(&console.app).await;
    submit::prepare(&console.app, &claimed).await.unwrap();
    submit::record(&console.app, &claimed, &taken("S1")).await.unwrap();
    let sent = "select id, phone from messages where submission_id = $1 order by id";
    let before: Vec<(i64, String)> =
        sqlx::query_as(sent).bind(claimed.id.0).fetch_all(&db).await.unwrap();
    assert_eq!(before.len(), 200);
    // The database goes back to the moment before it was planned.
    let mut lost = db.begin().await.unwrap();
    for statement in [
        "delete from messages",
        "delete from submissions",
        "delete from hourly_messages",
        "delete from hourly_messages_new",
        "update uploads set planned_to = 0",
    ] {
        sqlx::query(statement).execute(&mut *lost).await.unwrap();
    }
    lost.commit().await.unwrap();
    begin(&console, Cause::Promoted).await;
    assert!(!plan::run_once(&console.app).await.unwrap(), "nothing is planned before the repair");
    assert!(recovery::check(&console.app).await.unwrap());
    let after: Vec<(i64, String)> =
        sqlx::query_as(sent).bind(claimed.id.0).fetch_all(&db).await.unwrap();
    assert_eq!(after, before, "with the ids that the vendor was told");
    assert_sound(&db).await;
    while plan::run_once(&console.app).await.unwrap() {}
    let (messages, phones): (i64, i64) =
        sqlx::query_as("select count(*), count(distinct phone) from messages")
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!((messages, phones), (450, 450), "no row is planned twice");
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_process_that_does_not_remember_the_whole_lost_time_leaves_its_batches_to_a_person(
    db: PgPool,
) {
    let clock = Clock::set_to(time::OffsetDateTime::now_utc());
    let options = TestOptions { workers: false, clock: clock.clone(), ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    let operator = console.operator().await;
    operator.send(CODE, &["1", "5"], "18500001234").await;
    operator.send(CODE, &["2", "5"], "18500001235").await;
    workers::beat(&db, console.app.process, &VendorContact::default(), clock.now()).await.unwrap();
    clock.advance(Duration::minutes(1));
    assert!(recovery::check(&console.app).await.unwrap());
    let claimed = claim(&console.app).await;
    submit::prepare(&console.app, &claimed).await.unwrap();
    submit::record(&console.app, &claimed, &taken("S1")).await.unwrap();
    // It is whole for so long that the call is forgotten, and then goes back before that.
    clock.advance(Duration::minutes(30));
    assert!(recovery::check(&console.app).await.unwrap());
    lose_calls(&db).await;
    begin(&console, Cause::Promoted).await;
    clock.advance(Duration::minutes(1));
    assert!(recovery::check(&console.app).await.unwrap());
    let held = "select count(*) from batches where pause_reason = 'database_went_back'";
    assert!(sqlx::query_scalar::<_, i64>(held).fetch_one(&db).await.unwrap() > 0);
}

#[sqlx::test]
async fn what_was_sent_just_before_a_long_outage_is_still_remembered(db: PgPool) {
    let clock = Clock::set_to(time::OffsetDateTime::now_utc());
    let options = TestOptions { workers: false, clock: clock.clone(), ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    console.operator().await.send(CODE, &["1", "5"], "18500001234").await;
    assert!(recovery::check(&console.app).await.unwrap());
    let claimed = claim(&console.app).await;
    submit::prepare(&console.app, &claimed).await.unwrap();
    submit::record(&console.app, &claimed, &taken("S1")).await.unwrap();
    lose_calls(&db).await;
    // Somebody promotes the standby half an hour later.
    clock.advance(Duration::minutes(30));
    begin(&console, Cause::Promoted).await;
    recovery::check(&console.app).await.unwrap();
    assert_eq!(states(&db).await, ["accepted"]);
}

#[sqlx::test]
async fn a_former_primary_that_still_lives_gives_nothing_after_the_recovery(db: PgPool) {
    let (console, _) = two_processes(&db).await;
    console.operator().await.send(CODE, &["1", "5"], "18500001234").await;
    assert!(recovery::check(&console.app).await.unwrap());
    // The process knows the row that the recovery on the new primary has written.
    let seen = console.app.in_hand.seen().unwrap();
    console.app.in_hand.set_seen(Seen { row: seen.row + 1, ..seen });
    assert!(matches!(submit::claim(&console.app).await.unwrap(), Claim::Nothing));
    console.app.in_hand.set_seen(seen);
    claim(&console.app).await;
}

#[sqlx::test]
async fn a_database_that_lost_the_last_sign_of_life_of_a_process_went_back(db: PgPool) {
    let (console, _) = two_processes(&db).await;
    console.operator().await.send(CODE, &["1", "5"], "18500001234").await;
    assert!(recovery::check(&console.app).await.unwrap());
    let now = console.app.clock.now();
    workers::beat(&db, console.app.process, &VendorContact::default(), now).await.unwrap();
    console.app.in_hand.set_beat(Some(now));
    assert!(recovery::check(&console.app).await.unwrap());
    sqlx::query("update workers set seen_at = seen_at - interval '1 minute'")
        .execute(&db)
        .await
        .unwrap();
    assert!(!recovery::check(&console.app).await.unwrap());
    let causes = "select cause::text from recoveries";
    let causes: Vec<String> = sqlx::query_scalar(causes).fetch_all(&db).await.unwrap();
    assert_eq!(causes, ["rolled_back"]);
}

#[sqlx::test]
async fn a_restore_after_hours_is_one_recovery(db: PgPool) {
    let clock = Clock::set_to(time::OffsetDateTime::now_utc());
    let options = TestOptions { workers: false, clock: clock.clone(), ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    console.operator().await.send(CODE, &["1", "5"], "18500001234").await;
    let dead = uuid::Uuid::new_v4();
    workers::beat(&db, dead, &VendorContact::default(), clock.now()).await.unwrap();
    clock.advance(Duration::hours(5));
    sqlx::query("update installation set timeline = timeline").execute(&db).await.unwrap();
    assert_eq!(recovery::adopt(&console.app, None, "-").await.unwrap(), Adopted::Now(1));
    let served = App { in_hand: std::sync::Arc::default(), ..console.app.clone() };
    assert!(recovery::check(&served).await.unwrap());
    let recoveries = "select count(*) from recoveries";
    assert_eq!(sqlx::query_scalar::<_, i64>(recoveries).fetch_one(&db).await.unwrap(), 1);
}

#[sqlx::test]
async fn only_an_approver_sends_what_was_perhaps_sent_whatever_the_way(db: PgPool) {
    let (console, _) = two_processes(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    sqlx::query("update batches set started_at = null, schedule_at = now() + interval '1 hour'")
        .execute(&db)
        .await
        .unwrap();
    sqlx::query("update installation set timeline = timeline").execute(&db).await.unwrap();
    recovery::adopt(&console.app, None, "-").await.unwrap();
    let csrf = operator.get(&batch).await.csrf();
    for (part, more) in [("resume", ("now", "1")), ("schedule", ("now", "1"))] {
        let fields = [("csrf", csrf.as_str()), more, ("again", "1")];
        operator.post(&format!("{batch}/{part}"), &fields).await;
        assert_eq!(operator.get(&batch).await.one(".head .status"), "已暂停", "{part}");
    }
    operator.post(&format!("{batch}/doubt-rest"), &[("csrf", &csrf)]).await;
    let page = operator.get(&format!("{batch}/in-doubt")).await;
    let mut fields = page.whole_form("main form");
    fields.retain(|(name, _)| name != "decision");
    fields.push(("decision".to_owned(), "send_again".to_owned()));
    let refused = operator.post_owned(&format!("{batch}/in-doubt"), &fields).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
}

/// Takes back what a reply has changed, as if the database had lost it.
async fn lose_replies(db: &PgPool) {
    let mut lost = db.begin().await.unwrap();
    for statement in [
        "set local session_replication_role = replica",
        "delete from inbox",
        "delete from replies",
        "delete from conversations",
        "delete from suppressions",
        "delete from audit_log where action like 'opt%'",
    ] {
        sqlx::query(statement).execute(&mut *lost).await.unwrap();
    }
    lost.commit().await.unwrap();
}

#[sqlx::test]
async fn opt_outs_that_came_by_reply_in_lost_time_are_restored(db: PgPool) {
    let (console, other) = two_processes(&db).await;
    let operator = console.operator().await;
    for app in [&console.app, &other] {
        assert!(recovery::check(app).await.unwrap());
    }
    push_replies(&console, &[reply("18500001001", "退订", 1_790_000_000)]).await;
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    for app in [&console.app, &other] {
        assert!(recovery::check(app).await.unwrap());
    }
    let events = "select count(*) from audit_log where action = 'opted_out_by_reply'";
    // The process that received the push remembers it whole.
    lose_replies(&db).await;
    begin(&console, Cause::Promoted).await;
    assert!(recovery::check(&console.app).await.unwrap());
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    assert_eq!(number(&db, "select count(*) from replies").await, 1);
    assert_eq!(number(&db, events).await, 1);
    assert_sound(&db).await;
    // Every other one has read along who opted out.
    lose_replies(&db).await;
    begin(&console, Cause::Promoted).await;
    assert!(recovery::check(&other).await.unwrap());
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    assert_eq!(number(&db, events).await, 1);
    let page = operator.get("/p/default/sending").await;
    assert_eq!(page.all("#lost tbody th"), ["回复退订"]);
    assert!(page.all("#lost tbody td").contains(&"已重新执行".to_owned()), "{}", page.text);
}

#[sqlx::test]
async fn what_people_did_is_made_again_unless_they_took_it_back(db: PgPool) {
    let (console, _) = two_processes(&db).await;
    let operator = console.operator().await;
    assert!(recovery::check(&console.app).await.unwrap());
    for (at, phone) in [(1_790_000_000, "18500001001"), (1_790_000_001, "18500001002")] {
        push_replies(&console, &[reply(phone, "好的", at)]).await;
        let (path, page) = newest(&operator).await;
        press(&operator, &page, "opt-out").await;
        if phone.ends_with('2') {
            press(&operator, &operator.get(&path).await, "take-back").await;
        }
    }
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    assert!(recovery::check(&console.app).await.unwrap());
    let mut lost = db.begin().await.unwrap();
    for statement in [
        "set local session_replication_role = replica",
        "delete from suppressions",
        "delete from audit_log where action like 'opt%'",
    ] {
        sqlx::query(statement).execute(&mut *lost).await.unwrap();
    }
    lost.commit().await.unwrap();
    begin(&console, Cause::Promoted).await;
    assert!(recovery::check(&console.app).await.unwrap());
    assert_eq!(suppressed(&db).await, ["18500001001"]);
    let page = operator.get("/p/default/sending").await;
    assert_eq!(page.all("#lost tbody th"), ["手动退订号码", "手动退订号码", "撤销退订"]);
}

#[sqlx::test]
async fn a_process_without_workers_hands_on_what_it_remembers(db: PgPool) {
    let (console, _) = two_processes(&db).await;
    let stop = CancellationToken::new();
    let watching = tokio::spawn(worker::watch(console.app.clone(), stop.clone()));
    until("it has looked", async || console.app.in_hand.seen().is_some()).await;
    push_replies(&console, &[reply("18500001001", "退订", 1_790_000_000)]).await;
    lose_replies(&db).await;
    begin(&console, Cause::Promoted).await;
    until("the opt-out is back", async || suppressed(&db).await == ["18500001001"]).await;
    let ended = "select count(*) from recoveries where ended_at is not null";
    until("the recovery has ended", async || number(&db, ended).await == 1).await;
    stop.cancel();
    watching.await.unwrap();
}

#[sqlx::test]
async fn a_cancellation_and_a_stop_are_made_again_and_an_order_is_shown(db: PgPool) {
    let (console, _) = two_processes(&db).await;
    let operator = console.operator().await;
    assert!(recovery::check(&console.app).await.unwrap());
    let cancelled = operator.send(CODE, &["1", "5"], "18500001234").await;
    let lost_order = operator.send(CODE, &["2", "5"], "18500001235").await;
    let csrf = operator.get(&cancelled).await.csrf();
    let fields = [("csrf", csrf.as_str()), ("confirm", "1")];
    operator.post(&format!("{cancelled}/cancel"), &fields).await;
    operator.post("/p/default/sending", &[("csrf", &csrf), ("action", "stop")]).await;
    assert!(recovery::check(&console.app).await.unwrap());
    // The database goes back to the moment after the first order.
    let order = lost_order.rsplit('/').next().unwrap();
    let mut lost = db.begin().await.unwrap();
    for statement in [
        "set local session_replication_role = replica".to_owned(),
        format!(
            "delete from audit_log
             where action in ('batch_cancelled', 'sending_stopped') or subject = '{order}'"
        ),
        "delete from sending_stops".to_owned(),
        "delete from outcomes".to_owned(),
        "delete from hourly_messages".to_owned(),
        "delete from hourly_messages_new".to_owned(),
        "delete from messages where phone = '18500001235'".to_owned(),
        "delete from submissions where batch_id = (select max(id) from batches)".to_owned(),
        "delete from batches where id = (select max(id) from batches)".to_owned(),
        "update submissions set state = 'ready', complete = false".to_owned(),
        "update batches set state = 'sending', decided_by = null, finished_at = null,
           complete = false"
            .to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *lost).await.unwrap();
    }
    lost.commit().await.unwrap();
    begin(&console, Cause::Promoted).await;
    assert!(recovery::check(&console.app).await.unwrap());
    assert_eq!(operator.get(&cancelled).await.one(".head .status"), "已取消");
    let page = operator.get("/p/default/sending").await;
    let shown: Vec<String> = page.all("#lost tbody tr");
    assert_eq!(shown.len(), 3, "{shown:?}");
    assert!(shown[0].contains("发起任务") && shown[0].contains("未重新执行"), "{shown:?}");
    assert!(shown[1].contains("取消任务") && shown[1].contains("已重新执行"), "{shown:?}");
    assert!(shown[2].contains("停止发送") && shown[2].contains("已重新执行"), "{shown:?}");
    assert!(operator.get("/p/default/").await.has("#halted"));
    assert!(matches!(submit::claim(&console.app).await.unwrap(), Claim::Nothing));
}
