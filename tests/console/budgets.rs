//! What a project and its members may send in a day and a month.

use reqwest::StatusCode;
use sqlx::PgPool;
use time::macros::datetime;
use time::{Date, Duration, OffsetDateTime};
use usms_console::clock::Clock;
use usms_console::domain::accounts::role::Role;
use usms_console::domain::time::CHINA;
use usms_console::ops::reporting::alerts;

use crate::harness::{CODE, PASSWORD, Page, TestClient, TestConsole, TestOptions, assert_sound};

const PAGE: &str = "/p/default/settings/budgets";

async fn quiet(db: &PgPool, clock: Clock) -> TestConsole {
    let options = TestOptions { workers: false, pushes: false, clock, ..Default::default() };
    TestConsole::start_with(db, options).await
}

async fn post(client: &TestClient, path: &str, fields: &[(&str, &str)]) -> Page {
    let csrf = client.get(path).await.csrf();
    let fields: Vec<(&str, &str)> =
        [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
    client.post(path, &fields).await
}

/// Sets a budget of the project, or of a member.
async fn set_budget(admin: &TestClient, whose: &str, period: &str, cap: &str, kind: &str) {
    let user = match whose {
        "" => String::new(),
        name => admin.get(PAGE).await.option_containing("#user option", name),
    };
    let fields = [
        ("user", user.as_str()),
        ("period", period),
        ("unit", "messages"),
        ("cap", cap),
        ("kind", kind),
    ];
    let saved = post(admin, PAGE, &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
}

/// Checks and confirms a text to this many phones from `first` on. Returns the answer to the confirmation.
async fn order(client: &TestClient, first: u64, count: u64, at: Option<&str>) -> Page {
    let phones: Vec<String> =
        (first..first + count).map(|n| (18_500_000_000 + n).to_string()).collect();
    let mut fields = client.send_fields(CODE, &["1234", "5"], &phones.join("\n")).await;
    fields.extend(at.map(|at| ("schedule_at".to_owned(), at.to_owned())));
    let check = client.post_owned("/p/default/send", &fields).await;
    assert_eq!(check.status, StatusCode::OK, "{}", check.text);
    client.post_owned("/p/default/send", &check.form_fields("confirm")).await
}

/// Returns the reservations: day, messages and batch state.
async fn reserved(db: &PgPool) -> Vec<(Date, i32, String)> {
    sqlx::query_as(
        "select r.day, r.messages, b.state::text from budget_reservations r
         join batches b on b.id = r.batch_id order by b.id",
    )
    .fetch_all(db)
    .await
    .unwrap()
}

#[sqlx::test]
async fn sixteen_orders_at_once_take_exactly_what_a_cap_leaves(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    set_budget(&admin, "", "day", "10", "hard").await;
    set_budget(&admin, "", "month", "1000", "hard").await;
    let mut checks = Vec::new();
    for n in 0..16_u64 {
        let phones = format!("{}\n{}", 18_500_001_000 + 2 * n, 18_500_001_001 + 2 * n);
        let fields = admin.send_fields(CODE, &["1234", "5"], &phones).await;
        let check = admin.post_owned("/p/default/send", &fields).await;
        checks.push(check.form_fields("confirm"));
    }
    let orders = checks.iter().map(|fields| admin.post_owned("/p/default/send", fields));
    let answers = futures_util::future::join_all(orders).await;
    let taken = answers.iter().filter(|page| page.status == StatusCode::SEE_OTHER).count();
    assert_eq!(taken, 5);
    let refused = answers.iter().find(|page| page.status == StatusCode::UNPROCESSABLE_ENTITY);
    let said = &refused.unwrap().text;
    assert!(said.contains("上限 10 条，已用 10 条，本次需要 2 条"), "{said}");
    assert_eq!(reserved(&db).await.iter().map(|(_, n, _)| n).sum::<i32>(), 10);
    let stored: i64 =
        sqlx::query_scalar("select count(*) from messages").fetch_one(&db).await.unwrap();
    assert_eq!(stored, 10, "nothing of a refused order stays");
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_soft_budget_asks_for_an_approver_and_a_hard_one_refuses_even_them(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    let operator = console.operator().await;
    let approver = console.approver().await;
    set_budget(&admin, "operator", "day", "2", "soft").await;
    assert_eq!(order(&operator, 1_000, 2, None).await.status, StatusCode::SEE_OTHER);
    let fields = operator.send_fields(CODE, &["1234", "5"], "18500001010").await;
    let check = operator.post_owned("/p/default/send", &fields).await;
    assert!(check.one(".budget .status.doubtful").contains("须审批"), "{}", check.text);
    let ordered = operator.post_owned("/p/default/send", &check.form_fields("confirm")).await;
    let batch = ordered.leads_to();
    let page = approver.get(&batch).await;
    assert!(page.one("#approval .budget dd").contains("已用 2 条，上限 2 条"), "{}", page.text);
    let states = async || -> Vec<String> {
        reserved(&db).await.into_iter().map(|(.., state)| state).collect()
    };
    assert_eq!(states().await, ["sending", "awaiting_approval"]);
    // Others have budgets of their own.
    assert_eq!(order(&admin, 1_020, 5, None).await.status, StatusCode::SEE_OTHER);
    set_budget(&admin, "", "day", "7", "hard").await;
    let csrf = page.csrf();
    let approve = format!("{batch}/approve");
    let version = page.value("#approval input[name=version]");
    let fields = [("csrf", csrf.as_str()), ("version", version.as_str()), ("confirm", "1")];
    approver.post(&approve, &fields).await;
    assert!(approver.get(&batch).await.one(".flash").contains("上限 7 条，已用 7 条"));
    assert_eq!(states().await[1], "awaiting_approval", "a hard budget stays");
    set_budget(&admin, "", "day", "8", "hard").await;
    approver.post(&approve, &fields).await;
    assert_eq!(states().await[1], "sending", "an approver decides about a soft one");
    assert_sound(&db).await;
}

#[sqlx::test]
async fn what_is_cancelled_is_given_back_and_refused_too_when_the_batch_ends(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    set_budget(&admin, "", "day", "3", "hard").await;
    let tomorrow = OffsetDateTime::now_utc().to_offset(CHINA) + Duration::hours(1);
    let at = format!("{}T{:02}:{:02}", tomorrow.date(), tomorrow.hour(), tomorrow.minute());
    set_budget(&admin, "", "month", "3", "hard").await;
    let batch = order(&admin, 1_000, 3, Some(&at)).await.leads_to();
    assert_eq!(order(&admin, 1_010, 1, Some(&at)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let cancel = [("csrf", admin.get(&batch).await.csrf()), ("confirm", "1".to_owned())];
    let cancel = cancel.map(|(name, value)| (name.to_owned(), value));
    admin.post_owned(&format!("{batch}/cancel"), &cancel).await;
    assert_eq!(reserved(&db).await[0].1, 0);
    let fault =
        serde_json::json!({ "action": "SendUSMSMessage", "kind": "ret_code", "ret_code": 18014 });
    console.fault(fault).await;
    let batch = order(&admin, 1_020, 2, None).await.leads_to();
    console.clear_faults().await;
    console.until_complete(&admin, &batch).await;
    let last = reserved(&db).await.pop().unwrap();
    let refused: i64 = sqlx::query_scalar("select coalesce(sum(refused), 0) from submissions")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(i64::from(last.1), 2 - refused);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn a_reservation_is_on_the_day_of_leaving_and_moves_with_the_time(db: PgPool) {
    // Half a minute before midnight, on the last day of a month in China.
    let clock = Clock::set_to(datetime!(2026-11-30 15:59:30 UTC));
    let console = quiet(&db, clock.clone()).await;
    let admin = console.member("admin", Role::Admin).await;
    let operator = console.operator().await;
    set_budget(&admin, "", "month", "2", "hard").await;
    assert_eq!(order(&operator, 1_000, 2, None).await.status, StatusCode::SEE_OTHER);
    let over = order(&operator, 1_010, 1, None).await;
    assert_eq!(over.status, StatusCode::UNPROCESSABLE_ENTITY, "November is used up");
    let batch = order(&operator, 1_020, 2, Some("2026-12-01T10:00")).await.leads_to();
    let days = async || -> Vec<String> {
        reserved(&db).await.into_iter().map(|(day, ..)| day.to_string()).collect()
    };
    assert_eq!(days().await, ["2026-11-30", "2026-12-01"]);
    // To November, which is full: refused, and nothing moves.
    let page = operator.get(&batch).await;
    let version = page.value("input[name=version]");
    let csrf = page.csrf();
    let path = format!("{batch}/schedule");
    let now = [("csrf", csrf.as_str()), ("version", version.as_str()), ("now", "1")];
    operator.post(&path, &now).await;
    assert!(operator.get(&batch).await.one(".flash").contains("上限 2 条，已用 2 条"));
    assert_eq!(days().await, ["2026-11-30", "2026-12-01"]);
    let later = [
        ("csrf", csrf.as_str()),
        ("version", version.as_str()),
        ("schedule_at", "2027-01-01T10:00"),
    ];
    operator.post(&path, &later).await;
    assert_eq!(days().await, ["2026-11-30", "2027-01-01"]);
    // Midnight: a new day, a new month.
    clock.advance(Duration::minutes(1));
    assert_eq!(order(&operator, 1_030, 2, None).await.status, StatusCode::SEE_OTHER);
    assert_eq!(days().await[2], "2026-12-01");
    assert_sound(&db).await;
}

#[sqlx::test]
async fn marketing_of_the_night_counts_for_the_next_day_and_an_approval_moves_it(db: PgPool) {
    let clock = Clock::set_to(datetime!(2026-12-01 21:00 +8));
    let console = quiet(&db, clock.clone()).await;
    let operator = console.operator().await;
    console.account("approver", Role::Approver).await;
    let batch = operator.send("新书", &["读者"], "18500001234").await;
    assert_eq!(reserved(&db).await[0].0.to_string(), "2026-12-02");
    clock.advance(Duration::hours(36));
    let approver = console.signed_out();
    approver.sign_in("approver", PASSWORD, "/").await;
    let page = approver.get(&batch).await;
    let version = page.value("#approval input[name=version]");
    let csrf = page.csrf();
    let fields =
        [("csrf", csrf.as_str()), ("version", version.as_str()), ("confirm", "1"), ("again", "1")];
    approver.post(&format!("{batch}/approve"), &fields).await;
    let (day, _, state) = reserved(&db).await.remove(0);
    assert_eq!((day.to_string().as_str(), state.as_str()), ("2026-12-03", "sending"));
    assert_sound(&db).await;
}

#[sqlx::test]
async fn eighty_and_a_hundred_percent_are_told_once_in_a_period(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    let fields = [("webhook", "http://127.0.0.1:9/hook"), ("language", "en")];
    post(&admin, "/p/default/settings", &fields).await;
    set_budget(&admin, "", "day", "5", "soft").await;
    let events = async || -> Vec<String> {
        sqlx::query_scalar(
            "select body->>'event' from notifications where body->>'event' like 'budget%' order by id",
        )
        .fetch_all(&db)
        .await
        .unwrap()
    };
    order(&admin, 1_000, 3, None).await;
    assert_eq!(events().await, [] as [&str; 0]);
    order(&admin, 1_010, 1, None).await;
    assert_eq!(events().await, ["budget_80"]);
    order(&admin, 1_020, 1, None).await;
    order(&admin, 1_030, 1, None).await;
    alerts::run_once(&console.app).await.unwrap();
    assert_eq!(events().await, ["budget_80", "budget_100"]);
    let page = admin.get_in("en", "/p/default/settings").await;
    assert!(page.one(".notices").contains("A budget is used up: default"), "{}", page.text);
}

#[sqlx::test]
async fn the_page_shows_use_pace_and_chart_and_the_dashboard_what_is_left(db: PgPool) {
    let clock = Clock::set_to(datetime!(2026-12-11 00:00 +8));
    let console = quiet(&db, clock).await;
    let admin = console.member("admin", Role::Admin).await;
    let operator = console.operator().await;
    assert_eq!(operator.get(PAGE).await.status, StatusCode::FORBIDDEN);
    for (period, unit, cap, field) in [
        ("week", "messages", "1", "#period"),
        ("day", "letters", "1", "#unit"),
        ("day", "messages", "0", "#cap"),
        ("day", "messages", "many", "#cap"),
        ("day", "yuan", "-1", "#cap"),
    ] {
        let fields = [("period", period), ("unit", unit), ("cap", cap)];
        let page = post(&admin, PAGE, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{period} {unit} {cap}");
        assert!(page.has(&format!("{field}[aria-invalid=true]")), "{field}");
    }
    set_budget(&admin, "", "month", "3", "hard").await;
    let yuan = [("period", "day"), ("unit", "yuan"), ("cap", "1,234.5"), ("kind", "soft")];
    post(&admin, PAGE, &yuan).await;
    order(&admin, 1_000, 2, None).await;
    let page = admin.get_in("en", PAGE).await;
    let rows = page.all(".budgets tbody tr");
    assert!(rows.iter().any(|row| row.contains("2 messages 66%")), "{rows:?}");
    assert!(rows.iter().any(|row| row.contains("2026-12-16")), "half of ten days more: {rows:?}");
    assert!(rows.iter().any(|row| row.contains("¥1,234.50")), "{rows:?}");
    assert!(page.has("svg.chart .slot"));
    let shown = admin.get_in("en", "/p/default/").await.one("#budgets");
    assert!(shown.contains("2 messages of 3 messages used"), "{shown}");
    let remove = page.attr(".budgets button", "value");
    post(&admin, PAGE, &[("remove", &remove)]).await;
    assert_eq!(admin.get(PAGE).await.all(".budgets tbody tr").len(), 1);
}
