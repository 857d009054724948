//! Receipts by the thousand: in any order, repeated, split, processed by several workers at once,
//! with unreadable ones among them. The outcomes are always the same.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
use usms_console::app::App;
use usms_console::clock::Clock;
use usms_console::config::DefaultProject;
use usms_console::db::sending::claims::Claim;
use usms_console::db::sending::messages::{self, Target};
use usms_console::domain::ids::SubmissionId;
use usms_console::ops::projects as project_ops;
use usms_console::ops::receipts::{poll, push_inbox};
use usms_console::ops::sending::submit::{self, End};
use usms_console::ops::sending::{plan, uploads};
use usms_console::sandbox;

use crate::harness::{CODE, TestClient, TestConsole, TestOptions, assert_sound};

/// A call that was accepted, as the vendor knows it.
#[derive(Clone)]
pub struct Session {
    pub submission: SubmissionId,
    pub number: String,
    pub targets: Vec<Target>,
}

/// A console in which nothing happens by itself.
pub async fn quiet(db: &PgPool) -> TestConsole {
    TestConsole::start_with(
        db,
        TestOptions { workers: false, pushes: false, ..TestOptions::default() },
    )
    .await
}

/// Sends a list of `n` phones, each with values of its own, and returns its calls.
pub async fn send(
    console: &TestConsole,
    operator: &TestClient,
    series: usize,
    n: usize,
) -> Vec<Session> {
    let file: String = (0..n).map(|n| format!("1850{series:03}{n:04},{n},5\n")).collect();
    let app = console.app.clone();
    let import = tokio::spawn(async move {
        while !uploads::import::run_once(&app).await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    });
    let preview = operator.upload_list(CODE, "a.csv", file.as_bytes()).await;
    import.await.unwrap();
    operator.confirm_list(&preview, &[]).await;
    while plan::run_once(&console.app).await.unwrap() {}
    let mut sessions = Vec::new();
    while let Claim::Won(claimed) = submit::claim(&console.app).await.unwrap() {
        let number = format!("s-{}", claimed.id);
        let targets = messages::targets(&console.app.db, claimed.id).await.unwrap();
        let end = End::Taken {
            session_no: number.clone(),
            request_id: String::new(),
            ret_code: 0,
            not_taken: Vec::new(),
        };
        submit::record(&console.app, &claimed, &end).await.unwrap();
        sessions.push(Session { submission: claimed.id, number, targets });
    }
    sessions
}

pub fn report(session: &str, phone: &str, result: &str, code: &str) -> Value {
    json!({ "SessionNo": session, "Phone": phone, "CostCount": 1, "ReceiptTime": 1_790_000_000,
        "ReceiptResult": result, "ReceiptCode": code, "ReceiptDesc": "…" })
}

pub async fn push(console: &TestConsole, items: &[Value]) {
    let body = json!({ "MsgType": 2, "Data": items }).to_string();
    push_inbox::store(&console.app, console.project, body.as_bytes()).await.unwrap();
}

pub async fn process_all(app: &App) {
    while push_inbox::process_next(app).await.unwrap() {}
}

/// Returns outcome and code by session number and phone, of our own and external messages.
async fn outcomes(db: &PgPool) -> BTreeMap<(String, String), (String, String)> {
    let rows: Vec<(String, String, String, String)> = sqlx::query_as(
        "select s.session_no, m.phone, o.outcome::text, r.code
         from outcomes o join messages m on m.id = o.id join submissions s on s.id = m.submission_id
           join reasons r on r.id = o.reason_id
         union all
         select f.session_no, f.phone, f.outcome::text, r.code
         from external_messages f join reasons r on r.id = f.reason_id",
    )
    .fetch_all(db)
    .await
    .unwrap();
    let n = rows.len();
    let outcomes: BTreeMap<_, _> = rows.into_iter().map(|(s, p, o, c)| ((s, p), (o, c))).collect();
    assert_eq!(outcomes.len(), n, "a phone of a session has one outcome");
    outcomes
}

/// Returns a phone in one of the vendor's spellings.
fn spelled(phone: &str, rng: &mut StdRng) -> String {
    match rng.random_range(0..5) {
        0 => format!("(86){phone}"),
        1 => format!("(0086){phone}"),
        2 => format!("0086{phone}"),
        3 => format!("+86{phone}"),
        _ => phone.to_owned(),
    }
}

#[sqlx::test]
async fn no_order_repetition_or_splitting_of_pushes_changes_the_outcomes(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    for seed in 1..=4 {
        println!("pushes of seed {seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        let series = usize::try_from(seed).unwrap();
        let sessions = send(&console, &operator, series, 450).await;
        let mut phones: Vec<(String, String, String)> = Vec::new();
        for session in &sessions {
            for target in &session.targets {
                let user_id = match rng.random_range(0..3) {
                    0 => target.id.vendor_user_id(),
                    1 => session.submission.vendor_user_id(),
                    _ => String::new(),
                };
                phones.push((session.number.clone(), target.phone.clone(), user_id));
            }
        }
        for n in 0..300 {
            phones.push((format!("other-{seed}-{}", n / 3), format!("1850000{n:04}"), "x".into()));
        }
        let mut items = Vec::new();
        let mut expected = BTreeMap::new();
        for (session, phone, user_id) in phones {
            let (result, outcome, code) = match rng.random_range(0..10) {
                0..6 => ("发送成功", "delivered", "DELIVRD"),
                6..8 => ("Fail", "failed", "ERRNUM"),
                8 => ("Unknow", "unknown", "EXPIRED"),
                _ => continue,
            };
            let early = rng.random_range(0..2);
            for (result, code) in
                [vec![("Unknow", "EXPIRED"); early], vec![(result, code); 2]].concat()
            {
                let mut item = report(&session, &spelled(&phone, &mut rng), result, code);
                item["UserId"] = json!(user_id);
                items.push(item);
            }
            expected.insert((session, phone), (outcome.to_owned(), code.to_owned()));
        }
        items.shuffle(&mut rng);
        while !items.is_empty() {
            let count = rng.random_range(1..=120).min(items.len());
            let some: Vec<Value> = items.drain(..count).collect();
            for _ in 0..rng.random_range(1..=2) {
                push(&console, &some).await;
            }
        }
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let app = console.app.clone();
                tokio::spawn(async move { process_all(&app).await })
            })
            .collect();
        while !workers.iter().all(tokio::task::JoinHandle::is_finished) {
            assert_sound(&db).await;
        }
        for worker in workers {
            worker.await.unwrap();
        }
        process_all(&console.app).await;
        let all = outcomes(&db).await;
        let of_seed: BTreeMap<_, _> = all
            .into_iter()
            .filter(|((session, _), _)| {
                session.starts_with(&format!("other-{seed}-"))
                    || sessions.iter().any(|own| own.number == *session)
            })
            .collect();
        assert_eq!(of_seed, expected, "seed {seed}");
        assert_sound(&db).await;
        let with_problems: i64 = sqlx::query_scalar(
            "select count(*) from inbox where tries > 0 or problems <> '[]' or processed_at is null",
        )
        .fetch_one(&db)
        .await
        .unwrap();
        assert_eq!(with_problems, 0, "seed {seed}: workers never get in each other's way");
    }
}

#[sqlx::test]
async fn unreadable_items_are_stored_with_their_text_and_lose_none_of_the_others(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let sessions = send(&console, &operator, 1, 200).await;
    let number = &sessions[0].number;
    let mut items: Vec<Value> = sessions[0]
        .targets
        .iter()
        .map(|target| report(number, &target.phone, "发送成功", "DELIVRD"))
        .collect();
    items.insert(7, report(number, &sessions[0].targets[0].phone, "也许", "X"));
    items.insert(9, json!({ "SessionNo": number, "Phone": null, "ReceiptResult": "Success" }));
    items.insert(20, report(number, "18500009999", "Success", "DELIVRD"));
    items.insert(
        40,
        json!({ "SessionNo": "a\u{0}b", "Phone": "18500001234",
        "ReceiptResult": "Success", "ReceiptDesc": "\u{0}" }),
    );
    items.insert(80, report(&"9".repeat(5_000), "18500001234", "Success", "DELIVRD"));
    let strange = json!({ "SessionNo": "other", "Phone": "18500001234", "CostCount": "two",
        "ReceiptTime": "tomorrow", "ReceiptResult": " SUCCESS ", "ReceiptCode": null,
        "ReceiptDesc": "\u{0}'; drop table inbox; --".repeat(400) });
    items.insert(100, strange);
    push(&console, &items).await;
    process_all(&console.app).await;
    let problems: Value =
        sqlx::query_scalar("select problems from inbox").fetch_one(&db).await.unwrap();
    let why: Vec<&str> = problems
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["why"].as_str().unwrap())
        .collect();
    let expected = [
        "unknown ReceiptResult",
        "no phone",
        "no session number",
        "no session number",
        "no such phone in this session of ours",
    ];
    assert_eq!(why, expected);
    assert_eq!(problems[0]["item"]["ReceiptResult"], "也许");
    assert_eq!(problems[2]["item"]["SessionNo"], "a\u{fffd}b");
    assert_eq!(problems[4]["item"]["Phone"], "18500009999");
    let outcomes = outcomes(&db).await;
    assert_eq!(outcomes.len(), 201);
    let other = ("other".to_owned(), "18500001234".to_owned());
    assert_eq!(outcomes[&other], ("delivered".to_owned(), String::new()));
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_receipt_with_a_masked_phone_counts_if_it_can_only_mean_one_message(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let sessions = send(&console, &operator, 1, 200).await;
    let (number, targets) = (&sessions[0].number, &sessions[0].targets);
    let masked = format!("185****{}", &targets[3].phone[7..]);
    push(&console, &[report(number, &masked, "Success", "DELIVRD")]).await;
    // This one matches every phone of the session; its UserId says which is meant.
    let mut vague = report(number, "185********", "Fail", "ERRNUM");
    push(&console, &[vague.clone()]).await;
    vague["UserId"] = json!(targets[5].id.vendor_user_id());
    push(&console, &[vague]).await;
    // The wildcards of LIKE are not masks.
    push(&console, &[report(number, "1850%", "Fail", "ERRNUM")]).await;
    process_all(&console.app).await;
    let outcomes = outcomes(&db).await;
    let outcome = |at: usize| &outcomes[&(number.clone(), targets[at].phone.clone())].0;
    assert_eq!((outcome(3).as_str(), outcome(5).as_str()), ("delivered", "failed"));
    assert_eq!(outcomes.len(), 2);
    let problems: i64 =
        sqlx::query_scalar("select count(*) from inbox where jsonb_array_length(problems) = 1")
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!(problems, 2);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn session_and_phone_decide_when_the_user_id_names_another_message(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let sessions = send(&console, &operator, 1, 250).await;
    let [one, other] = sessions.as_slice() else { panic!("{} calls", sessions.len()) };
    let naming = |message: &Target, session: &str, phone: &str, result| {
        let mut item = report(session, phone, result, "X");
        item["UserId"] = json!(message.id.vendor_user_id());
        item
    };
    // It names another phone of the session, another session, and a phone of another session.
    let (first, second) = (&one.targets[1].phone, &one.targets[2].phone);
    push(&console, &[naming(&one.targets[0], &one.number, first, "Success")]).await;
    push(&console, &[naming(&other.targets[0], &one.number, second, "Fail")]).await;
    let stranger = &other.targets[1].phone;
    push(&console, &[naming(&one.targets[3], &one.number, stranger, "Fail")]).await;
    process_all(&console.app).await;
    let outcomes: Vec<((String, String), String)> =
        outcomes(&db).await.into_iter().map(|(key, (outcome, _))| (key, outcome)).collect();
    let key = |phone: &String| (one.number.clone(), phone.clone());
    let expected = [(key(first), "delivered".to_owned()), (key(second), "failed".to_owned())];
    assert_eq!(outcomes, expected);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn outcomes_are_read_from_rows_and_never_inferred_from_counters(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let sessions = send(&console, &operator, 1, 8).await;
    let (number, targets) = (&sessions[0].number, &sessions[0].targets);
    // Refused, and not counted: what a defect could leave behind.
    sqlx::query(
        "insert into outcomes (id, project_id, submission_id, batch_id, template_id, outcome, parts,
           recorded_at)
         select id, project_id, submission_id, batch_id, template_id, 'refused', 0, now()
         from messages where id = any($1)",
    )
    .bind([targets[0].id.0, targets[1].id.0])
    .execute(&db)
    .await
    .unwrap();
    let mut items: Vec<Value> =
        targets.iter().map(|target| report(number, &target.phone, "Success", "DELIVRD")).collect();
    // Half of them name their message, half do not.
    for (item, target) in items.iter_mut().zip(targets).step_by(2) {
        item["UserId"] = json!(target.id.vendor_user_id());
    }
    push(&console, &items).await;
    process_all(&console.app).await;
    let delivered: i64 =
        sqlx::query_scalar("select count(*) from outcomes where outcome = 'delivered'")
            .fetch_one(&db)
            .await
            .unwrap();
    let tried_again: i64 = sqlx::query_scalar("select count(*) from inbox where tries > 0")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!((delivered, tried_again), (6, 0));
}

#[sqlx::test]
async fn a_push_that_cannot_be_processed_is_given_up_and_delays_no_others(db: PgPool) {
    let console = quiet(&db).await;
    sqlx::raw_sql(
        "create function refuse() returns trigger language plpgsql as $$
         begin if new.parts = 666 then raise 'a bad day'; end if; return new; end $$;
         create trigger refuse before insert on external_messages
           for each row execute function refuse();",
    )
    .execute(&db)
    .await
    .unwrap();
    let clock = Clock::set_to(console.app.clock.now());
    let app = App { clock: clock.clone(), ..console.app.clone() };
    let mut poison = report("s-bad", "18500001234", "Success", "DELIVRD");
    poison["CostCount"] = json!(666);
    push(&console, &[report("s-1", "18500001234", "Success", "DELIVRD")]).await;
    push(&console, &[poison]).await;
    push(&console, &[report("s-2", "18500001234", "Success", "DELIVRD")]).await;
    process_all(&app).await;
    let sessions: Vec<String> =
        outcomes(&db).await.into_keys().map(|(session, _)| session).collect();
    assert_eq!(sessions, ["s-1", "s-2"]);
    for _ in 0..4 {
        push(&console, &[report("s-3", "18500001234", "Success", "DELIVRD")]).await;
        clock.advance(Duration::hours(1));
        process_all(&app).await;
    }
    assert_eq!(outcomes(&db).await.len(), 3);
    let (problems, tries): (Value, i16) = sqlx::query_as(
        "select problems, tries from inbox where processed_at is not null and tries > 0",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(tries, 5);
    assert!(problems[0]["why"].as_str().unwrap().contains("a bad day"), "{problems}");
    clock.advance(Duration::days(1));
    assert!(!push_inbox::process_next(&app).await.unwrap(), "it is not tried forever");
}

/// Adds a second project, whose keys are wrong.
async fn broken_project(console: &TestConsole) -> i64 {
    let keys = DefaultProject {
        public_key: sandbox::PUBLIC_KEY.to_owned(),
        private_key: "wrong".to_owned().into(),
        ucloud_project_id: sandbox::PROJECT_ID.to_owned(),
    };
    project_ops::ensure(&console.app, "other", "Other", &keys).await.unwrap().0
}

#[sqlx::test]
async fn a_project_that_cannot_be_polled_delays_no_other_and_gives_up_later(db: PgPool) {
    let options = TestOptions {
        workers: false,
        pushes: false,
        receipt_after: std::time::Duration::ZERO,
        ..TestOptions::default()
    };
    let console = TestConsole::start_with(&db, options).await;
    let operator = console.operator().await;
    for phone in ["18500001234", "18500001235"] {
        operator.send(CODE, &["1", "5"], phone).await;
        let Claim::Won(claimed) = submit::claim(&console.app).await.unwrap() else {
            panic!("nothing to send")
        };
        let ready = submit::prepare(&console.app, &claimed).await.unwrap();
        let end = submit::call(&console.app, &claimed, ready).await;
        submit::record(&console.app, &claimed, &end).await.unwrap();
    }
    let other = broken_project(&console).await;
    sqlx::query(
        "with moved as (update submissions set project_id = $1
           where id = (select min(id) from submissions) returning id, batch_id),
         batch as (update batches set project_id = $1 where id in (select batch_id from moved))
         update messages set project_id = $1 where submission_id in (select id from moved)",
    )
    .bind(other)
    .execute(&db)
    .await
    .unwrap();
    let clock = Clock::set_to(console.app.clock.now() + Duration::hours(73));
    let app = App { clock: clock.clone(), ..console.app.clone() };
    for _ in 0..4 {
        poll::run_once(&app).await.unwrap();
    }
    assert_eq!(poll::run_once(&app).await.unwrap(), 0, "a failed poll waits");
    let state = |project: i64| {
        let db = db.clone();
        async move {
            sqlx::query_as::<_, (bool, i32, i32, i32)>(
                "select s.complete, s.delivered, s.unknown, s.polls from submissions s
                 where s.project_id = $1",
            )
            .bind(project)
            .fetch_one(&db)
            .await
            .unwrap()
        }
    };
    assert_eq!(state(console.project.0).await, (true, 1, 0, 1));
    assert_eq!(state(other).await, (false, 0, 0, 0), "nothing was polled, so nothing is given up");
    clock.advance(Duration::hours(24));
    assert_eq!(poll::run_once(&app).await.unwrap(), 1);
    let (closed, _, unknown, _) = state(other).await;
    assert!(closed && unknown == 1);
    assert_sound(&db).await;
}
