//! A carrier may report a failure and then a delivery of the same message, or the other way round:
//! the message is delivered, everything that counted it follows, and both receipts are shown.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
use usms_console::app::App;
use usms_console::clock::Clock;
use usms_console::db::reporting::statistics;
use usms_console::db::retention::partitions;
use usms_console::db::sending::claims::Claim;
use usms_console::db::sending::resends::{self, Undelivered};
use usms_console::domain::sending::message::Outcome;
use usms_console::ops::receipts::push_inbox;
use usms_console::ops::retention;
use usms_console::ops::sending::submit::{self, End};
use usms_console::usms::{Receipt, ReceiptResult};

use super::receipts::{Session, process_all, push, quiet, report, send};
use crate::harness::{CODE, TestConsole, assert_sound};

const DELIVERED: (&str, &str) = ("发送成功", "DELIVRD");
const FAILED: (&str, &str) = ("发送失败", "-37");

fn receipt(session: &Session, at: usize, (result, code): (&str, &str)) -> Value {
    report(&session.number, &session.targets[at].phone, result, code)
}

async fn push_and_process(console: &TestConsole, items: &[Value]) {
    push(console, items).await;
    process_all(&console.app).await;
    assert_sound(&console.app.db).await;
}

/// Returns what was counted of the console's own messages (or of the others), by state, cause and
/// time; folded or not.
async fn counted(db: &PgPool, others: bool) -> BTreeMap<String, i64> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select what, sum(n)::bigint from (
           select 'delivered' as what, delivered as n, batch_id from counted_messages
           union all select 'failed', failed, batch_id from counted_messages
           union all select 'unknown', unknown, batch_id from counted_messages
           union all select 'parts', parts, batch_id from counted_messages
           union all select 'reasons of ' || outcome, n, batch_id from counted_failures
           union all select 'times', n, batch_id from counted_times
         ) c
         where (batch_id = 0) = $1 group by 1 having sum(n) <> 0",
    )
    .bind(others)
    .fetch_all(db)
    .await
    .unwrap();
    rows.into_iter().collect()
}

fn counts(of: &[(&str, i64)]) -> BTreeMap<String, i64> {
    of.iter().map(|(what, n)| ((*what).to_owned(), *n)).collect()
}

/// Returns the sums of the only batch, once every message has its outcome.
async fn batch_sums(db: &PgPool) -> (bool, Option<i32>, Option<i32>) {
    sqlx::query_as("select complete, delivered, failed from batches").fetch_one(db).await.unwrap()
}

async fn overruled(db: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from overruled_receipts").fetch_one(db).await.unwrap()
}

#[sqlx::test]
async fn a_message_that_failed_and_was_delivered_after_all_counts_as_delivered_everywhere(
    db: PgPool,
) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let session = &send(&console, &operator, 1, 5).await[0];
    let mut first: Vec<Value> = (0..5).map(|at| receipt(session, at, DELIVERED)).collect();
    first[1] = receipt(session, 1, FAILED);
    first[3] = receipt(session, 3, FAILED);
    push_and_process(&console, &first).await;
    assert_eq!(batch_sums(&db).await, (true, Some(3), Some(2)));
    statistics::fold(&mut db.acquire().await.unwrap()).await.unwrap();
    let before = counted(&db, false).await;
    let stays = [("parts", 5), ("delivered", 3), ("failed", 2), ("reasons of failed", 2)];
    assert_eq!(before, counts(&stays));
    let id: i64 = sqlx::query_scalar("select id from batches").fetch_one(&db).await.unwrap();
    let id = usms_console::domain::ids::BatchId(id);
    let batch = format!("/p/default/batches/{id}");
    let old_page = operator.get(&format!("{batch}/resend")).await;
    assert!(old_page.one("label.choice").contains("2 条"), "{}", old_page.text);

    // The second receipt arrives with others, and more than once.
    let second = receipt(session, 3, DELIVERED);
    let others = [receipt(session, 0, DELIVERED), report("x", "18500009999", "Fail", "-37")];
    push_and_process(&console, &[second.clone(), others[0].clone(), others[1].clone()]).await;
    push_and_process(&console, &[second.clone(), second]).await;
    assert_eq!(batch_sums(&db).await, (true, Some(4), Some(1)));
    let after = [("parts", 5), ("delivered", 4), ("failed", 1), ("reasons of failed", 1)];
    assert_eq!(counted(&db, false).await, counts(&after));
    let ledger = operator.get(&batch).await.all(".ledger dd");
    assert_eq!(ledger, ["5", "4", "1"]);

    // It is not offered for sending again: neither in the list, nor on its own page.
    let wanted = Undelivered { batch: id, outcome: Outcome::Failed, categories: None };
    let again = resends::undelivered(&db, wanted, None, 10).await.unwrap();
    let phones: Vec<&str> = again.iter().map(|target| target.phone.as_str()).collect();
    assert_eq!(phones, [session.targets[1].phone.as_str()]);
    let page = operator.get(&format!("/p/default/messages/{}", session.targets[3].id)).await;
    assert!(page.one(".head .status").contains("已送达"), "{}", page.text);
    assert!(!page.has(".head a[href$='/resend']"));
    let story = page.all(".story li");
    let at = |text: &str| story.iter().position(|entry| entry.contains(text)).unwrap();
    assert!(at("-37") < at("DELIVRD"), "{story:?}");
    assert!(story[at("-37")].contains("不计入"), "{story:?}");
    let failed = operator.get("/p/default/messages?state=failed&code=-37").await;
    assert!(!failed.text.contains(&session.targets[3].phone));
    // A resend page that was opened before is shown again with what has changed.
    let mut fields = old_page.whole_form("main form.form");
    fields.retain(|(name, _)| name != "which");
    fields.push(("which".to_owned(), "all".to_owned()));
    let answer = operator.post_owned(&format!("{batch}/resend"), &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
}

#[sqlx::test]
async fn a_failure_and_a_delivery_in_one_push_count_once_in_either_order(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let session = &send(&console, &operator, 1, 4).await[0];
    let items: Vec<Value> = [
        (0, FAILED),
        (1, DELIVERED),
        (2, DELIVERED),
        (0, DELIVERED),
        (2, ("状态未知", "X")),
        (1, FAILED),
        (3, FAILED),
        (1, FAILED),
    ]
    .map(|(at, says)| receipt(session, at, says))
    .to_vec();
    push_and_process(&console, &items).await;
    assert_eq!(batch_sums(&db).await, (true, Some(3), Some(1)));
    let expected = [("delivered", 3), ("failed", 1), ("parts", 4), ("reasons of failed", 1)];
    assert_eq!(counted(&db, false).await, counts(&expected));
    assert_eq!(overruled(&db).await, 2);
    push_and_process(&console, &items).await;
    assert_eq!(counted(&db, false).await, counts(&expected));
    assert_eq!(overruled(&db).await, 2);
}

#[sqlx::test]
async fn delivered_never_goes_back_and_the_failure_after_it_is_shown(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let session = &send(&console, &operator, 1, 1).await[0];
    push_and_process(&console, &[receipt(session, 0, DELIVERED)]).await;
    let before = counted(&db, false).await;
    for _ in 0..2 {
        push_and_process(&console, &[receipt(session, 0, FAILED)]).await;
        assert_eq!(counted(&db, false).await, before);
        assert_eq!(batch_sums(&db).await, (true, Some(1), Some(0)));
    }
    let page = operator.get(&format!("/p/default/messages/{}", session.targets[0].id)).await;
    assert!(page.one(".head .status").contains("已送达"));
    let story = page.all(".story li");
    let at = |text: &str| story.iter().position(|entry| entry.contains(text)).unwrap();
    assert!(at("DELIVRD") < at("-37") && story[at("-37")].contains("不计入"), "{story:?}");
}

#[sqlx::test]
async fn a_poll_and_a_push_with_the_same_receipts_agree(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let sessions =
        [send(&console, &operator, 1, 3).await, send(&console, &operator, 2, 3).await].concat();
    let [pushed, polled] = sessions.as_slice() else { panic!("two calls") };
    let story = [(0, FAILED), (1, DELIVERED), (2, FAILED), (0, DELIVERED), (1, FAILED)];
    for part in story.chunks(3) {
        let items: Vec<Value> = part.iter().map(|(at, says)| receipt(pushed, *at, *says)).collect();
        push_and_process(&console, &items).await;
        let polled: Vec<_> = part
            .iter()
            .map(|(at, (result, code))| Receipt {
                session_no: polled.number.clone(),
                phone: polled.targets[*at].phone.clone(),
                cost_count: 1,
                time: Some(1_790_000_000),
                result: if *result == DELIVERED.0 {
                    ReceiptResult::Success
                } else {
                    ReceiptResult::Fail
                },
                code: (*code).to_owned(),
                description: "…".to_owned(),
                user_id: String::new(),
            })
            .map(|receipt| push_inbox::read(&receipt))
            .collect();
        let mut tx = db.begin().await.unwrap();
        let now = console.app.clock.now();
        push_inbox::process(&console.app, &mut tx, console.project, &polled, now).await.unwrap();
        tx.commit().await.unwrap();
        assert_sound(&db).await;
    }
    let known = async |session: &Session| -> Vec<(String, i32, Option<i32>, Option<i32>)> {
        sqlx::query_as(
            "select o.outcome::text, o.parts, o.reason_id, x.reason_id
             from outcomes o left join overruled_receipts x on x.id = o.id
             where o.submission_id = $1 order by o.id",
        )
        .bind(session.submission.0)
        .fetch_all(&db)
        .await
        .unwrap()
    };
    let as_pushed = known(pushed).await;
    assert_eq!(as_pushed, known(polled).await);
    let outcomes: Vec<&str> = as_pushed.iter().map(|(outcome, ..)| outcome.as_str()).collect();
    assert_eq!(outcomes, ["delivered", "delivered", "failed"]);
    assert_eq!(as_pushed.iter().filter(|(.., overruled)| overruled.is_some()).count(), 2);
}

#[sqlx::test]
async fn an_external_message_that_failed_and_was_delivered_after_all_moves_by_one(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let theirs = |phone: &str, (result, code)| report("theirs", phone, result, code);
    let first = [theirs("18500009001", FAILED), theirs("18500009002", FAILED)];
    push_and_process(&console, &first).await;
    push_and_process(
        &console,
        &[
            theirs("18500009002", DELIVERED),
            theirs("18500009003", FAILED),
            theirs("18500009003", DELIVERED),
            theirs("18500009004", DELIVERED),
            theirs("18500009004", FAILED),
        ],
    )
    .await;
    let expected = [("delivered", 3), ("failed", 1), ("parts", 4), ("reasons of failed", 1)];
    assert_eq!(counted(&db, true).await, counts(&expected));
    assert_eq!(overruled(&db).await, 3);
    push_and_process(&console, &[theirs("18500009002", FAILED), first[1].clone()]).await;
    assert_eq!(counted(&db, true).await, counts(&expected));
    let list = operator.get("/p/default/messages?phone=18500009002").await;
    let page = operator.get(&list.attr(".messages tbody th a", "href")).await;
    assert!(page.one(".head .status").contains("已送达"), "{}", page.text);
    let story = page.all(".story li");
    assert!(story.iter().any(|entry| entry.contains("-37")), "{story:?}");
}

#[sqlx::test]
async fn both_receipts_that_came_before_the_answer_to_the_call_are_adopted(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    operator.send(CODE, &["4310", "5"], "18500001234").await;
    let Claim::Won(claimed) = submit::claim(&console.app).await.unwrap() else {
        panic!("nothing to send")
    };
    let early = |(result, code)| report("early", "18500001234", result, code);
    push_and_process(&console, &[early(FAILED)]).await;
    push_and_process(&console, &[early(DELIVERED)]).await;
    let end = End::Taken {
        session_no: "early".to_owned(),
        request_id: String::new(),
        ret_code: 0,
        not_taken: Vec::new(),
    };
    submit::record(&console.app, &claimed, &end).await.unwrap();
    assert_sound(&db).await;
    assert_eq!(batch_sums(&db).await, (true, Some(1), Some(0)));
    assert!(counted(&db, true).await.is_empty());
    let of_ours: i64 = sqlx::query_scalar(
        "select count(*) from overruled_receipts o join outcomes using (id) where outcome = 'delivered'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!((of_ours, overruled(&db).await), (1, 1));
}

/// Returns the console, `by` later.
fn later(console: &TestConsole, by: Duration) -> App {
    App { clock: Clock::set_to(console.app.clock.now() + by), ..console.app.clone() }
}

#[sqlx::test]
async fn a_second_receipt_counts_months_later_and_both_are_deleted_with_the_message(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let session = &send(&console, &operator, 1, 3).await[0];
    let theirs = |(result, code)| report("theirs", "18500009001", result, code);
    let first: Vec<Value> = (0..3).map(|at| receipt(session, at, FAILED)).collect();
    push_and_process(&console, &first).await;
    push_and_process(&console, &[theirs(FAILED), theirs(DELIVERED)]).await;
    // Later months have partitions of their own by then.
    let app = later(&console, Duration::days(70));
    partitions::make_ahead(&db, app.clock.now()).await.unwrap();
    push(&console, &[receipt(session, 2, DELIVERED)]).await;
    process_all(&app).await;
    assert_sound(&db).await;
    assert_eq!(batch_sums(&db).await, (true, Some(1), Some(2)));
    assert_eq!(overruled(&db).await, 2);
    // A second project that keeps everything: no partition is dropped.
    sqlx::query(
        "insert into projects (id, slug, name, ucloud_project_id, public_key, private_key_sealed,
           hook_secret_sealed, hook_secret_hash, created_at)
         values (7, 'other', 'Other', 'org-b', 'k', '', '', '\\x07', now())",
    )
    .execute(&db)
    .await
    .unwrap();
    sqlx::query("update projects set retention_months = 1 where id <> 7")
        .execute(&db)
        .await
        .unwrap();
    let app = later(&console, Duration::days(100));
    while retention::run_once(&app).await.unwrap() {}
    assert_eq!(overruled(&db).await, 0);
    // One that comes when nothing is left changes nothing.
    let counted_before = counted(&db, false).await;
    push(&console, &[receipt(session, 1, DELIVERED)]).await;
    process_all(&app).await;
    assert_eq!(counted(&db, false).await, counted_before);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn overruled_receipts_go_with_a_month_that_is_dropped(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let session = &send(&console, &operator, 1, 1).await[0];
    push_and_process(&console, &[receipt(session, 0, FAILED), receipt(session, 0, DELIVERED)])
        .await;
    sqlx::query("update projects set retention_months = 1").execute(&db).await.unwrap();
    let app = later(&console, Duration::days(100));
    for _ in 0..3 {
        while retention::run_once(&app).await.unwrap() {}
    }
    let messages: i64 =
        sqlx::query_scalar("select count(*) from messages").fetch_one(&db).await.unwrap();
    assert_eq!((messages, overruled(&db).await), (0, 0));
    assert_eq!(json!(batch_sums(&db).await), json!([true, 1, 0]), "what was counted stays");
}
