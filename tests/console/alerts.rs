//! Who is notified of what: rules, group robots, quiet hours, and what begins and ends.

use reqwest::StatusCode;
use serde_json::Value;
use sqlx::PgPool;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use usms_console::clock::Clock;
use usms_console::domain::accounts::role::Role;
use usms_console::ops::reporting::{alerts, monthly_reports, notifications};
use usms_console::outbound::Outbound;

use crate::harness::{CODE, Page, TestClient, TestConsole, TestOptions};
use crate::mail_server::MailServer;
use crate::robots::{Product, Robots};

const PAGE: &str = "/p/default/settings/alerts";

/// A console whose jobs run when a test says so.
async fn quiet(db: &PgPool, clock: Clock) -> TestConsole {
    let options = TestOptions { workers: false, pushes: false, clock, ..Default::default() };
    TestConsole::start_with(db, options).await
}

async fn post(client: &TestClient, part: &str, fields: &[(&str, &str)]) -> Page {
    let csrf = client.get(PAGE).await.csrf();
    let fields: Vec<(&str, &str)> =
        [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
    client.post(&format!("{PAGE}{part}"), &fields).await
}

async fn add_robot(admin: &TestClient, product: Product, url: &str, secret: &str) {
    let fields =
        [("kind", product.key()), ("name", product.key()), ("url", url), ("secret", secret)];
    let added = post(admin, "/robots", &fields).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.text);
}

async fn add_rule(admin: &TestClient, event: &str, target: &str) {
    let added = post(admin, "/rules", &[("event", event), ("target", target)]).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER);
}

/// Returns the form value of a target by its label.
async fn target(admin: &TestClient, label: &str) -> String {
    admin.get_in("en", PAGE).await.option_containing("#target option", label)
}

async fn set_webhook(admin: &TestClient, webhook: &str, emails: &str) {
    let csrf = admin.get("/p/default/settings").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("webhook", webhook), ("emails", emails)];
    let saved = admin.post("/p/default/settings", &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
}

async fn set_email(db: &PgPool, name: &str, email: &str) {
    let update = "update users set email = $2 where name = $1";
    sqlx::query(update).bind(name).bind(email).execute(db).await.unwrap();
}

async fn deliver_all(console: &TestConsole) {
    while notifications::run_once(&console.app).await.unwrap() {}
}

/// Returns event, channel and recipients of all notifications, oldest first.
async fn sent(db: &PgPool) -> Vec<(String, String, String)> {
    sqlx::query_as(
        "select body->>'event', channel::text, coalesce(array_to_string(emails, ' '), '')
         from notifications order by id",
    )
    .fetch_all(db)
    .await
    .unwrap()
}

async fn forget_all(db: &PgPool) {
    sqlx::query("delete from notifications").execute(db).await.unwrap();
}

#[sqlx::test]
async fn each_robot_is_notified_in_its_own_format_signed_and_with_a_link(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    let robots = Robots::start();
    for (product, secret) in
        [(Product::Wecom, ""), (Product::Dingtalk, "SECdingtalk"), (Product::Feishu, "feishu")]
    {
        robots.expect(product, secret);
        add_robot(&admin, product, &robots.url(product), secret).await;
    }
    let batch = admin.send("新书", &["读者"], "18500001234").await;
    deliver_all(&console).await;
    for product in Product::ALL {
        let said = robots.said(product);
        assert_eq!(said.len(), 1, "{product:?}");
        assert!(said[0].contains("待批准"), "{said:?}");
        assert!(said[0].contains(&format!("https://console.example.test{batch}")), "{said:?}");
    }
    let page = admin.get_in("en", PAGE).await;
    assert_eq!(page.all(".deliveries .status.good").len(), 3, "{}", page.text);
    assert!(page.one(".deliveries").contains("0 ok"), "{}", page.text);
    for hidden in ["SECdingtalk", "access_token", "/hook/"] {
        assert!(!page.text.contains(hidden), "{hidden}");
    }
    let stored: Vec<Option<Vec<u8>>> = sqlx::query_scalar(
        "select url_sealed from robots union all select secret_sealed from robots",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    for sealed in stored.into_iter().flatten() {
        assert!(!sealed.windows(4).any(|bytes| bytes == b"http" || bytes == b"SECd"));
    }
}

#[sqlx::test]
async fn an_error_code_in_an_answer_of_200_is_shown_and_the_delivery_tried_again(db: PgPool) {
    let console = quiet(&db, Clock::set_to(OffsetDateTime::now_utc())).await;
    let admin = console.member("admin", Role::Admin).await;
    let robots = Robots::start();
    robots.expect(Product::Dingtalk, "SECright");
    robots.expect(Product::Feishu, "right");
    for (product, secret, code) in
        [(Product::Dingtalk, "SECwrong", "310000"), (Product::Feishu, "wrong", "19021")]
    {
        add_robot(&admin, product, &robots.url(product), secret).await;
        let robot = target(&admin, product.key()).await;
        assert_eq!(post(&admin, "/test", &[("channel", &robot)]).await.status, 303);
        deliver_all(&console).await;
        let page = admin.get_in("en", PAGE).await;
        let first = page.one(".deliveries tbody tr:first-child");
        assert!(first.contains(&format!("the robot answered {code}")), "{first}");
        assert!(first.contains("Failed once; will be retried"), "{first}");
        assert!(first.contains("Next try:"), "{first}");
        assert!(robots.said(product).is_empty());
    }
    robots.expect(Product::Dingtalk, "SECwrong");
    console.app.clock.advance(Duration::seconds(31));
    deliver_all(&console).await;
    assert_eq!(robots.said(Product::Dingtalk).len(), 1, "tried again");
}

#[sqlx::test]
async fn a_robot_says_no_more_than_twenty_things_a_minute_whatever_waits(db: PgPool) {
    let clock = Clock::set_to(OffsetDateTime::now_utc());
    let console = quiet(&db, clock.clone()).await;
    let admin = console.member("admin", Role::Admin).await;
    let robots = Robots::start();
    add_robot(&admin, Product::Wecom, &robots.url(Product::Wecom), "").await;
    let robot = target(&admin, "wecom").await;
    for _ in 0..25 {
        post(&admin, "/test", &[("channel", &robot)]).await;
    }
    let both =
        tokio::join!(notifications::run_once(&console.app), notifications::run_once(&console.app));
    assert!(both.0.unwrap() && both.1.unwrap());
    deliver_all(&console).await;
    assert_eq!(robots.said(Product::Wecom).len(), 20);
    let attempts: Vec<i32> =
        sqlx::query_scalar("select attempts from notifications where delivered_at is null")
            .fetch_all(&db)
            .await
            .unwrap();
    assert_eq!(attempts, [0; 5], "what was not tried is not counted");
    clock.advance(Duration::seconds(61));
    robots.forget_calls();
    deliver_all(&console).await;
    assert_eq!(robots.said(Product::Wecom).len(), 25);
    assert_eq!(robots.refused(), 0);
}

#[sqlx::test]
async fn a_long_text_is_cut_to_what_a_robot_takes(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    let robots = Robots::start();
    for product in Product::ALL {
        add_robot(&admin, product, &robots.url(product), "").await;
    }
    let mut tx = console.app.db.begin().await.unwrap();
    let batch = usms_console::domain::ids::BatchId(7);
    let reason = "因为".repeat(20_000);
    let project = console.project;
    let sent_back = notifications::SentBackBatch {
        id: batch,
        name: "上新",
        ordered_by: usms_console::domain::ids::UserId(7),
        orderer: "operator",
        reason: &reason,
    };
    notifications::batch_sent_back(&console.app, &mut tx, project, sent_back).await.unwrap();
    tx.commit().await.unwrap();
    deliver_all(&console).await;
    for product in Product::ALL {
        let said = robots.said(product);
        assert!(said.len() == 1 && said[0].contains("已退回"), "{product:?}");
        assert!(said[0].contains("/p/default/batches/"), "the link stays: {product:?}");
    }
}

#[sqlx::test]
async fn the_address_of_a_robot_is_checked_and_never_in_a_private_network(db: PgPool) {
    let mut console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    for (kind, name, url, secret, field) in [
        ("wecom", "", "https://qyapi.weixin.qq.com/x", "", "#name"),
        ("wecom", "群", "ftp://qyapi.weixin.qq.com/x", "", "#url"),
        ("wecom", "群", "https://qyapi.weixin.qq.com/x", "SEC", "#secret"),
        ("fax", "群", "https://qyapi.weixin.qq.com/x", "", "#kind"),
    ] {
        let fields = [("kind", kind), ("name", name), ("url", url), ("secret", secret)];
        let page = post(&admin, "/robots", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{kind} {name} {url}");
        assert!(page.has(&format!("{field}[aria-invalid=true]")), "{field}");
        assert!(!page.text.contains("qyapi"), "the address is not shown again");
    }
    let robots = Robots::start();
    add_robot(&admin, Product::Wecom, &robots.url(Product::Wecom), "").await;
    console.app.outbound = Outbound::new(None).unwrap().only_public(|_| false).unwrap();
    let robot = target(&admin, "wecom").await;
    post(&admin, "/test", &[("channel", &robot)]).await;
    deliver_all(&console).await;
    assert!(robots.said(Product::Wecom).is_empty());
    let page = admin.get_in("en", PAGE).await;
    assert!(page.one(".deliveries").contains("private network"), "{}", page.text);
}

#[sqlx::test]
async fn without_a_rule_all_channels_are_told_and_a_rule_says_who_is_instead(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    console.approver().await;
    console.viewer().await;
    for name in ["admin", "approver", "viewer"] {
        set_email(&db, name, &format!("{name}@example.test")).await;
    }
    set_webhook(&admin, "http://127.0.0.1:9/hook", "team@example.test").await;
    forget_all(&db).await;
    let next = std::cell::Cell::new(18_500_001_000_u64);
    let targets = async || {
        forget_all(&db).await;
        next.set(next.get() + 1);
        admin.send("新书", &["读者"], &next.get().to_string()).await;
        sent(&db).await.into_iter().map(|(_, channel, to)| format!("{channel} {to}")).collect()
    };
    let by_default: Vec<String> = targets().await;
    assert_eq!(by_default, ["webhook ", "email "]);
    add_rule(&admin, "awaiting_approval", "role:approver").await;
    let approvers: Vec<String> = targets().await;
    assert_eq!(approvers, ["email admin@example.test approver@example.test"]);
    let viewer = target(&admin, "viewer, by email").await;
    add_rule(&admin, "awaiting_approval", &viewer).await;
    add_rule(&admin, "awaiting_approval", "webhook").await;
    let more: Vec<String> = targets().await;
    assert_eq!(
        more,
        ["webhook ", "email admin@example.test approver@example.test viewer@example.test"]
    );
    let page = admin.get_in("en", PAGE).await;
    assert_eq!(
        page.all("#awaiting_approval .target"),
        ["Webhook", "Approver and higher, by email", "viewer, by email"]
    );
    let rules = page.all("#awaiting_approval button").len();
    for _ in 0..rules {
        let page = admin.get(PAGE).await;
        let rule = page.attr("#awaiting_approval button", "value");
        post(&admin, "/rules", &[("remove", &rule)]).await;
    }
    assert_eq!(targets().await, by_default, "the default is back");
    add_rule(&admin, "awaiting_approval", "nobody").await;
    assert_eq!(targets().await, [] as [String; 0]);
    let stranger = post(&admin, "/rules", &[("event", "in_doubt"), ("target", "person:u-1")]).await;
    assert_eq!(stranger.status, StatusCode::SEE_OTHER);
    let page = admin.get_in("en", PAGE).await;
    assert!(page.has("#in_doubt .muted"), "no rule was added");
}

#[sqlx::test]
async fn in_quiet_hours_people_wait_for_one_summary_but_not_for_what_is_urgent(db: PgPool) {
    // 23:30 in China.
    let clock = Clock::set_to(datetime!(2026-12-01 15:30 UTC));
    let console = quiet(&db, clock.clone()).await;
    let admin = console.member("admin", Role::Admin).await;
    let robots = Robots::start();
    add_robot(&admin, Product::Wecom, &robots.url(Product::Wecom), "").await;
    set_webhook(&admin, "http://127.0.0.1:9/hook", "").await;
    let wrong = [("quiet_from", "22"), ("quiet_to", ""), ("failure_percent", "101")];
    let page = post(&admin, "", &wrong).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["quiet_from", "quiet_to", "failure_percent", "in_doubt_over"] {
        assert!(page.has(&format!("#{field}[aria-invalid=true]")), "{field}");
    }
    let right = [
        ("quiet_from", "22:00"),
        ("quiet_to", "08:00"),
        ("failure_percent", "20"),
        ("in_doubt_over", "100"),
    ];
    assert_eq!(post(&admin, "", &right).await.status, StatusCode::SEE_OTHER);
    forget_all(&db).await;
    let robot_says = || robots.said(Product::Wecom);
    for phone in ["18500001234", "18500001235"] {
        admin.send("新书", &["读者"], phone).await;
    }
    deliver_all(&console).await;
    assert!(robot_says().is_empty(), "the robot waits");
    let tries: Vec<i32> =
        sqlx::query_scalar("select attempts from notifications where channel = 'webhook'")
            .fetch_all(&db)
            .await
            .unwrap();
    assert_eq!(tries, [1, 1], "a webhook is a program");
    let page = admin.get_in("en", PAGE).await;
    assert!(page.one(".deliveries").contains("Waits for the end of quiet hours"));
    let mut tx = console.app.db.begin().await.unwrap();
    notifications::database_went_back(&console.app, &mut tx, "promoted").await.unwrap();
    tx.commit().await.unwrap();
    deliver_all(&console).await;
    assert_eq!(robot_says().len(), 1, "what is urgent does not wait");
    clock.advance(Duration::hours(8) + Duration::minutes(29));
    deliver_all(&console).await;
    assert_eq!(robot_says().len(), 1, "07:59");
    clock.advance(Duration::minutes(1));
    let (one, other) = (console.app.clone(), console.app.clone());
    let (one, other) = tokio::join!(notifications::run_once(&one), notifications::run_once(&other));
    assert!(one.unwrap() | other.unwrap());
    deliver_all(&console).await;
    let said = robot_says();
    assert_eq!(said.len(), 2, "one summary");
    assert!(said[1].contains("免打扰时段内有 2 条通知"), "{}", said[1]);
    assert_eq!(said[1].matches("待批准").count(), 2, "{}", said[1]);
    // The login session has ended over night.
    let admin = console.signed_out();
    admin.sign_in("admin", crate::harness::PASSWORD, "/").await;
    let page = admin.get_in("en", PAGE).await;
    assert_eq!(page.all(".deliveries .status.going").len(), 2, "In the summary: {}", page.text);
    admin.send("新书", &["读者"], "18500001236").await;
    deliver_all(&console).await;
    assert_eq!(robot_says().len(), 3, "in the morning nothing waits");
}

#[sqlx::test]
async fn an_empty_package_is_notified_once_when_it_begins_and_once_when_it_ends(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    set_webhook(&admin, "http://127.0.0.1:9/hook", "").await;
    let mut batches = Vec::new();
    for phone in ["18500001234", "18500001235"] {
        batches.push(admin.send(CODE, &["1234", "5"], phone).await);
    }
    forget_all(&db).await;
    let pause = "update batches set state = 'paused', pause_reason = 'balance'";
    for id in sqlx::query_scalar::<_, i64>("select id from batches").fetch_all(&db).await.unwrap() {
        let mut tx = console.app.db.begin().await.unwrap();
        sqlx::query(pause).execute(&mut *tx).await.unwrap();
        let id = usms_console::domain::ids::BatchId(id);
        let batch =
            usms_console::db::sending::batches::find(&mut *tx, console.project, id).await.unwrap();
        let reason = usms_console::domain::sending::batch::PauseReason::Balance;
        let (app, batch) = (&console.app, batch.unwrap());
        notifications::batch_paused(app, &mut tx, console.project, &batch, reason).await.unwrap();
        tx.commit().await.unwrap();
    }
    alerts::run_once(&console.app).await.unwrap();
    let events = async || sent(&db).await.into_iter().map(|(event, ..)| event).collect();
    let begun: Vec<String> = events().await;
    assert_eq!(begun, ["batch_paused"]);
    sqlx::query("update batches set state = 'sending', pause_reason = null")
        .execute(&db)
        .await
        .unwrap();
    let both = tokio::join!(alerts::run_once(&console.app), alerts::run_once(&console.app));
    both.0.and(both.1).unwrap();
    let ended: Vec<String> = events().await;
    assert_eq!(ended, ["batch_paused", "alert_ended"]);
    let body: Value = sqlx::query_scalar("select body from notifications order by id desc limit 1")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!((&body["ended"], &body["status"]), (&"batch_paused".into(), &"balance".into()));
    let page = admin.get_in("en", PAGE).await;
    assert!(page.one(".deliveries").contains("Resolved: Batch"), "{}", page.text);
}

#[sqlx::test]
async fn an_approval_that_was_waited_for_ends_its_alert(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    set_webhook(&admin, "http://127.0.0.1:9/hook", "").await;
    admin.send("新书", &["读者"], "18500001234").await;
    alerts::run_once(&console.app).await.unwrap();
    assert_eq!(sent(&db).await.len(), 1, "it still waits");
    sqlx::query("update batches set state = 'cancelled'").execute(&db).await.unwrap();
    alerts::run_once(&console.app).await.unwrap();
    assert_eq!(sent(&db).await[1].0, "alert_ended");
}

#[sqlx::test]
async fn many_messages_in_doubt_are_told_by_one_process_until_they_are_few(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    set_webhook(&admin, "http://127.0.0.1:9/hook", "").await;
    let numbers =
        [("quiet_from", ""), ("quiet_to", ""), ("failure_percent", "20"), ("in_doubt_over", "1")];
    post(&admin, "", &numbers).await;
    admin.send(CODE, &["1234", "5"], "18500001234\n18500001235").await;
    let state = async |state: &str| {
        let update = "update submissions set state = $1::text::submission_state";
        sqlx::query(update).bind(state).execute(&db).await.unwrap();
        let both = tokio::join!(alerts::run_once(&console.app), alerts::run_once(&console.app));
        both.0.and(both.1).unwrap();
    };
    state("in_doubt").await;
    state("in_doubt").await;
    state("ready").await;
    state("ready").await;
    let events: Vec<String> = sent(&db).await.into_iter().map(|(event, ..)| event).collect();
    assert_eq!(events, ["messages_in_doubt", "alert_ended"]);
}

#[sqlx::test]
async fn a_batch_with_many_failures_is_notified_once_when_its_last_outcome_is_known(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    set_webhook(&admin, "http://127.0.0.1:9/hook", "").await;
    admin.send(CODE, &["1234", "5"], "18500001234\n18500001235").await;
    admin.send(CODE, &["1234", "6"], "18500001236\n18500001237").await;
    let finish = "update batches set state = 'done', complete = true, delivered = 2, failed = 0,
        unknown = 0, refused = 0, suppressed = 0, cancelled = 0";
    sqlx::query(finish).execute(&db).await.unwrap();
    let fail =
        "update batches set delivered = 1, failed = 1 where id = (select min(id) from batches)";
    sqlx::query(fail).execute(&db).await.unwrap();
    for _ in 0..2 {
        let both = tokio::join!(alerts::run_once(&console.app), alerts::run_once(&console.app));
        both.0.and(both.1).unwrap();
    }
    let bodies: Vec<Value> =
        sqlx::query_scalar("select body from notifications").fetch_all(&db).await.unwrap();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(bodies[0]["event"], "batch_finished");
    assert_eq!((&bodies[0]["count"], &bodies[0]["limit"]), (&1.into(), &2.into()));
}

#[sqlx::test]
async fn a_standby_that_was_there_and_is_gone_is_notified_once(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    set_webhook(&admin, "http://127.0.0.1:9/hook", "").await;
    alerts::run_once(&console.app).await.unwrap();
    assert!(sent(&db).await.is_empty(), "there never was one");
    sqlx::query("insert into standby_seen (seen_at) values (now() - interval '5 minutes')")
        .execute(&db)
        .await
        .unwrap();
    for _ in 0..2 {
        alerts::run_once(&console.app).await.unwrap();
    }
    let events: Vec<String> = sent(&db).await.into_iter().map(|(event, ..)| event).collect();
    assert_eq!(events, ["standby_lost"]);
}

#[sqlx::test]
async fn changes_of_members_are_told_and_new_devices_where_a_rule_asks_for_it(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    set_webhook(&admin, "http://127.0.0.1:9/hook", "").await;
    let operator = console.operator().await;
    let told_now = async || {
        let all = sent(&db).await;
        forget_all(&db).await;
        all.into_iter().map(|(event, ..)| event).collect::<Vec<_>>()
    };
    assert_eq!(told_now().await, ["access_changed"], "an account with a role was added");
    add_rule(&admin, "new_device", "webhook").await;
    let elsewhere = console.signed_out();
    elsewhere.sign_in("operator", crate::harness::PASSWORD, "/").await;
    assert_eq!(told_now().await, ["signed_in_on_new_device"]);
    let csrf = operator.get("/account").await.csrf();
    operator.post("/logout", &[("csrf", &csrf)]).await;
    operator.sign_in("operator", crate::harness::PASSWORD, "/").await;
    assert_eq!(told_now().await, [] as [String; 0], "a known device");
    let csrf = admin.get("/p/default/settings/members").await.csrf();
    for fields in [vec![("role", "viewer")], vec![("remove", "1")]] {
        let fields: Vec<_> =
            [("csrf", csrf.as_str()), ("user", "operator")].into_iter().chain(fields).collect();
        admin.post("/p/default/settings/members", &fields).await;
    }
    assert_eq!(told_now().await, ["access_changed", "access_changed"]);
}

#[sqlx::test]
async fn the_report_of_a_month_is_mailed_once_on_its_first_days_by_whichever_process_comes_first(
    db: PgPool,
) {
    let server = MailServer::start().await;
    let clock = Clock::set_to(datetime!(2026-11-30 23:59 +8));
    let options = TestOptions {
        workers: false,
        pushes: false,
        clock: clock.clone(),
        mail: Some(server.settings()),
        ..Default::default()
    };
    let console = TestConsole::start_with(&db, options).await;
    let admin = console.member("admin", Role::Admin).await;
    let wrong = post(&admin, "/report", &[("report_emails", "nobody")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.has("#report_emails[aria-invalid=true]"));
    let saved = post(&admin, "/report", &[("report_emails", "boss@example.test")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    admin.send(CODE, &["1234", "5"], "18500001234").await;
    let make = async || monthly_reports::run_once(&console.app).await.unwrap();
    assert_eq!(make().await, 0, "November has not ended");
    clock.advance(Duration::minutes(1));
    let made = tokio::join!(make(), make());
    assert_eq!(made.0 + made.1, 1);
    assert_eq!(make().await, 0);
    deliver_all(&console).await;
    let mail = server.received();
    assert_eq!(mail.len(), 1);
    assert!(mail[0].contains("To: boss@example.test"), "{}", mail[0]);
    assert!(mail[0].contains("default-2026-11.xlsx"), "{}", mail[0]);
    let log = console.signed_out();
    log.sign_in("admin", crate::harness::PASSWORD, "/").await;
    let log = log.get_in("en", PAGE).await;
    assert!(log.one(".deliveries").contains("250"), "what the server answered: {}", log.text);
    clock.advance(Duration::days(3));
    sqlx::query("delete from monthly_reports").execute(&db).await.unwrap();
    assert_eq!(make().await, 0, "after the first days nothing is mailed late");
}
