//! When batches need approval, and who approves in the place of somebody who is away.

use reqwest::StatusCode;
use secrecy::SecretString;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime, UtcOffset};
use usms_console::clock::Clock;
use usms_console::domain::accounts::role::Role;
use usms_console::ops::accounts::{self, Standing};

use crate::harness::{CODE, PASSWORD, Page, TestClient, TestConsole, TestOptions};

const STAND_INS: &str = "/p/default/settings/stand-ins";

async fn quiet(db: &PgPool, clock: Clock) -> TestConsole {
    let options = TestOptions { workers: false, pushes: false, clock, ..Default::default() };
    TestConsole::start_with(db, options).await
}

async fn post(client: &TestClient, fields: &[(&str, &str)]) -> Page {
    let csrf = client.get("/account").await.csrf();
    let fields = [&[("csrf", csrf.as_str())], fields].concat();
    client.post(STAND_INS, &fields).await
}

fn day(at: OffsetDateTime) -> String {
    at.to_offset(UtcOffset::from_hms(8, 0, 0).unwrap()).date().to_string()
}

#[sqlx::test]
async fn a_batch_above_a_cost_or_of_an_unknown_one_needs_approval(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    let rules = "/p/default/settings/batches";
    let mut fields = admin.get(rules).await.whole_form("main form.form");
    for (name, value) in [("approval_over_cost", "0.10"), ("price_domestic", "0.05")] {
        fields.retain(|(field, _)| field != name);
        fields.push((name.to_owned(), value.to_owned()));
    }
    let saved = admin.post_owned(rules, &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    assert_eq!(admin.get(rules).await.value("#approval_over_cost"), "0.10");
    let operator = console.operator().await;
    let two = operator.send(CODE, &["1234", "5"], "18500001234\n18500001235").await;
    assert!(!operator.get(&two).await.has("#approval"), "it costs 0.10");
    let three = operator.send(CODE, &["1234", "5"], "18500001236\n18500001237\n18500001238").await;
    assert!(operator.get(&three).await.has("#approval"), "it costs 0.15");
    sqlx::query("delete from prices").execute(&db).await.unwrap();
    let unknown = operator.send(CODE, &["1234", "5"], "18500001239").await;
    assert!(operator.get(&unknown).await.has("#approval"), "what it costs is not known");
    let audited: String = sqlx::query_scalar(
        "select detail::text from audit_log where action = 'batch_rules_changed'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(audited, r#"{"approval_over_cost": [null, 1000]}"#);
}

#[sqlx::test]
async fn a_stand_in_approves_until_the_day_ends_but_not_what_the_approver_ordered(db: PgPool) {
    let clock = Clock::set_to(OffsetDateTime::now_utc());
    let console = quiet(&db, clock.clone()).await;
    let approver = console.approver().await;
    let operator = console.operator().await;
    let other = console.member("other", Role::Operator).await;
    let batch = other.send("新书", &["读者"], "18500001234").await;
    let own = approver.send("新书", &["作者"], "18500001234").await;
    assert!(!operator.get(&batch).await.has("form[action$=approve]"));
    let today = day(clock.now());
    let wrong = [
        [("stand_in", "other"), ("until", "2020-01-01")],
        [("stand_in", "other"), ("until", "tomorrow")],
        [("stand_in", "approver"), ("until", &today)],
        [("stand_in", "nobody"), ("until", &today)],
    ];
    for fields in wrong {
        let page = post(&approver, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
    }
    let named = post(&approver, &[("stand_in", "operator"), ("until", &today)]).await;
    assert_eq!(named.status, StatusCode::SEE_OTHER, "{}", named.text);
    assert!(approver.get(STAND_INS).await.one("tbody tr").contains("operator"));
    // The stand-in approves what others ordered, and names nobody.
    assert!(operator.get(&batch).await.has("form[action$=approve]"));
    assert!(!operator.get(&own).await.has("form[action$=approve]"));
    assert_eq!(operator.get(STAND_INS).await.status, StatusCode::FORBIDDEN);
    let csrf = operator.get("/account").await.csrf();
    let refused = operator.post(&format!("{own}/approve"), &[("csrf", &csrf)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let fields = operator.get(&batch).await.whole_form("form[action$=approve]");
    clock.advance(Duration::hours(24));
    let late = operator.post_owned(&format!("{batch}/approve"), &fields).await;
    assert_ne!(late.status, StatusCode::OK, "the day is over");
    assert!(
        operator.get(&batch).await.text.is_empty()
            || !operator.get(&batch).await.has("form[action$=approve]")
    );
    let actions: Vec<String> = sqlx::query_scalar(
        "select detail->>'approver' from audit_log where action = 'stand_in_named'",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    assert_eq!(actions, ["approver"]);
}

#[sqlx::test]
async fn an_admin_names_and_ends_stand_ins_of_others_and_the_members_page_lists_them(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let admin = console.member("admin", Role::Admin).await;
    let approver = console.approver().await;
    let operator = console.operator().await;
    let today = day(OffsetDateTime::now_utc());
    let fields = [("approver", "approver"), ("stand_in", "operator"), ("until", today.as_str())];
    assert_eq!(post(&admin, &fields).await.status, StatusCode::SEE_OTHER);
    let members = admin.get("/p/default/settings/members").await;
    assert!(members.one("#stand-ins li").contains("operator"), "{}", members.text);
    let for_admin = [("approver", "admin"), ("stand_in", "operator"), ("until", today.as_str())];
    assert_eq!(post(&approver, &for_admin).await.status, StatusCode::FORBIDDEN);
    let batch = admin.send("新书", &["读者"], "18500001234").await;
    let fields = operator.get(&batch).await.whole_form("form[action$=approve]");
    let done = operator.post_owned(&format!("{batch}/approve"), &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert!(!operator.get(&batch).await.has("#approval"), "approved");
    let ended = post(&admin, &[("approver", "approver"), ("end", "1")]).await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER);
    assert!(!admin.get("/p/default/settings/members").await.has("#stand-ins"));
}

#[sqlx::test]
async fn a_lone_owner_is_told_before_the_upload_that_marketing_needs_a_second_person(db: PgPool) {
    let console = quiet(&db, Clock::System).await;
    let password = SecretString::from(PASSWORD);
    accounts::create(&console.app, "owner", password, Standing::Owner).await.unwrap();
    let owner = console.signed_out();
    owner.sign_in("owner", PASSWORD, "/").await;
    let marketing =
        owner.get("/p/default/send").await.option_containing("#template option", "新书");
    let send = format!("/p/default/send?template_id={marketing}");
    for path in [send.as_str(), "/p/default/batches/new"] {
        let page = owner.get(path).await;
        assert_eq!(page.attr("#second-person a", "href"), "/admin/users", "{path}");
    }
    let code = owner.get("/p/default/send").await.option_containing("#template option", CODE);
    assert!(!owner.get(&format!("/p/default/send?template_id={code}")).await.has("#second-person"));
    console.approver().await;
    for path in [send.as_str(), "/p/default/batches/new"] {
        assert!(!owner.get(path).await.has("#second-person"), "{path}");
    }
}
