//! Suppressions: added, left out of batches, removed with a reason, sent to the vendor's blacklist.

use reqwest::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use usms_console::domain::accounts::role::Role;
use usms_console::domain::ids::UserId;
use usms_console::domain::phone::Phone;
use usms_console::domain::replies::suppression::{SuppressionReason, SuppressionScope};
use usms_console::ops::actor::Actor;
use usms_console::ops::replies::suppressions::{self, Suppress};

use super::replies::{number, quiet};
use crate::harness::{CODE, TestConsole, until};

const LIST: &str = "/p/default/suppressions";

#[sqlx::test]
async fn suppressed_phones_are_left_out_by_the_preview(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let csrf = operator.get(LIST).await.csrf();
    let phones = "+86 185-0000-1001\n18500001002";
    let fields =
        [("csrf", csrf.as_str()), ("phones", phones), ("note", "=投诉"), ("reason", "complaint")];
    let added = operator.post(LIST, &fields).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.text);
    let file = b"18500001001,1,5\n18500001002,2,5\n18500001003,3,5\n";
    let preview = operator.upload_list(CODE, "a.csv", file).await;
    let page = operator.get(&preview).await;
    assert_eq!(page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)"), ["1", "2"]);
    let found = operator.get(&format!("{LIST}?phone=1002")).await;
    assert_eq!(found.all("tbody th").len(), 1);
    let file = operator.get(&format!("{LIST}.csv")).await;
    assert!(
        file.text.contains("\"18500001001\",\"complaint\",\"'=投诉\",\"operator\","),
        "{}",
        file.text
    );
    let viewer = console.viewer().await;
    let seen = viewer.get(LIST).await;
    assert!(seen.text.contains("185****1001") && !seen.text.contains("18500001001"));
    assert!(!viewer.get(&format!("{LIST}.csv")).await.text.contains("18500001001"));
    assert_eq!(viewer.post(LIST, &fields).await.status, StatusCode::FORBIDDEN);
}

#[sqlx::test]
async fn a_phone_that_gets_no_marketing_is_left_out_of_marketing_only(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let form = operator.get(LIST).await;
    let csrf = form.csrf();
    assert_eq!(form.attr("#scope option", "value"), "all", "the first is chosen");
    for (phone, scope) in [("18500001001", "marketing"), ("18500001002", "all")] {
        let fields = [("csrf", csrf.as_str()), ("phones", phone), ("scope", scope)];
        operator.post(LIST, &fields).await;
    }
    let list = operator.get(LIST).await;
    assert_eq!(list.all("tbody td:nth-child(3)"), ["全部短信", "仅营销短信"]);
    let file = operator.get(&format!("{LIST}.csv")).await;
    let lines: Vec<&str> = file.text.lines().collect();
    assert!(
        lines[0].ends_with(",added_at,scope") && lines[1].ends_with(",\"all\""),
        "{}",
        file.text
    );
    assert!(lines[2].ends_with(",\"marketing\""), "{}", file.text);
    for (template, rows, left_out) in [
        (CODE, "18500001001,1,5\n18500001002,2,5\n18500001003,3,5\n", "1"),
        ("新书", "18500001001,甲\n18500001002,乙\n18500001003,丙\n", "2"),
    ] {
        let preview = operator.upload_list(template, "a.csv", rows.as_bytes()).await;
        let page = operator.get(&preview).await;
        let counts = page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)");
        assert_eq!(counts.last().map(String::as_str), Some(left_out), "{template}: {counts:?}");
    }
}

#[sqlx::test]
async fn a_list_with_an_invalid_phone_adds_nothing_and_names_it(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let csrf = operator.get(LIST).await.csrf();
    let fields = [("csrf", csrf.as_str()), ("phones", "18500001001\n1850000"), ("note", "x")];
    let page = operator.post(LIST, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.one("#errors").contains("1850000"));
    assert_eq!(page.one("#phones"), "18500001001 1850000");
    assert!(operator.get(LIST).await.all("tbody th").is_empty());
}

#[sqlx::test]
async fn a_file_is_imported_and_added_to_the_vendors_blacklist_once(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let form = operator.get(LIST).await;
    let rows: String = (0..2_100).map(|n| format!("客户{n},1850{:07}\n", n)).collect();
    let file = format!("姓名,手机号\n{rows}");
    let fields = form.whole_form("main form.form");
    let answer = operator.upload(LIST, &fields, &[("list", "a.csv", file.as_bytes())]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let csrf = form.csrf();
    operator.post(&format!("{LIST}/offer"), &[("csrf", csrf.as_str())]).await;
    let counts = console.admin(reqwest::Method::GET, "counts", json!(null)).await;
    assert_eq!(counts["blacklisted"], 2_100);
    assert_eq!(counts["by_action"]["BatchCreateUSMSBlacklistPhone"], 3);
    operator.post(&format!("{LIST}/offer"), &[("csrf", csrf.as_str())]).await;
    let counts = console.admin(reqwest::Method::GET, "counts", json!(null)).await;
    assert_eq!(counts["by_action"]["BatchCreateUSMSBlacklistPhone"], 3, "nothing new");
}

#[sqlx::test]
async fn removing_a_phone_says_that_ucloud_may_still_hold_it_back(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let csrf = operator.get(LIST).await.csrf();
    let fields = [("csrf", csrf.as_str()), ("phones", "18500001001"), ("reason", "complaint")];
    operator.post(LIST, &fields).await;
    let list = operator.get_in("en", LIST).await;
    assert!(list.text.contains("other programs that use this project"), "{}", list.text);
    assert!(list.text.contains("numbers suppressed for all messages"), "{}", list.text);
    let remove = list.attr("tbody a[href$='/remove']", "href");
    let page = operator.get_in("en", &remove).await;
    assert!(page.one("#held-back").starts_with("UCloud may still block messages to it"));
    operator.post(&format!("{LIST}/offer"), &[("csrf", csrf.as_str())]).await;
    let page = operator.get_in("en", &remove).await;
    assert!(page.one("#held-back").starts_with("This number is also on UCloud's blacklist"));
    let why = [("csrf", csrf.as_str()), ("why", "同意")];
    assert_eq!(operator.post(&remove, &why).await.leads_to(), LIST);
    let flash = operator.get(LIST).await.one(".flash");
    assert!(flash.contains("ask UCloud to remove it there too"), "{flash}");
}

#[sqlx::test]
async fn two_lists_of_the_same_phones_in_another_order_are_both_added(db: PgPool) {
    let console = quiet(&db).await;
    console.account("operator", Role::Operator).await;
    let user = UserId(number(&db, "select id from users").await);
    let actor = Actor { project: console.project, user, ip: "-" };
    let how =
        Suppress { reason: SuppressionReason::Complaint, scope: SuppressionScope::All, note: "" };
    let mut phones: Vec<Phone> =
        (1_001..=1_003).map(|n| Phone::parse(&format!("1850000{n}")).unwrap()).collect();
    // Somebody else adds the middle one meanwhile, so that each list waits.
    let mut meanwhile = db.begin().await.unwrap();
    sqlx::query(
        "insert into suppressions (project_id, phone, id, reason, note)
         values ($1, '18500001002', 1, 'complaint', '')",
    )
    .bind(console.project.0)
    .execute(&mut *meanwhile)
    .await
    .unwrap();
    let (one, other) = (phones.clone(), {
        phones.reverse();
        phones
    });
    let add = |phones: Vec<Phone>| {
        let app = console.app.clone();
        async move { suppressions::add(&app, actor, &phones, how).await.unwrap() }
    };
    let release = async {
        let waiting = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        until("both lists wait", async || number(&db, waiting).await == 2).await;
        meanwhile.rollback().await.unwrap();
    };
    let (one, other, ()) = tokio::join!(add(one), add(other), release);
    assert_eq!(one + other, 3);
}

#[sqlx::test]
async fn a_phone_is_removed_only_with_a_reason(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let csrf = operator.get(LIST).await.csrf();
    operator.post(LIST, &[("csrf", csrf.as_str()), ("phones", "18500001001")]).await;
    let remove = operator.get(LIST).await.attr("tbody a[href$=remove]", "href");
    let without = operator.post(&remove, &[("csrf", csrf.as_str()), ("why", " ")]).await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    operator.post(&remove, &[("csrf", csrf.as_str()), ("why", "本人来电")]).await;
    assert!(operator.get(LIST).await.all("tbody th").is_empty());
    let why: String = sqlx::query_scalar(
        "select detail->>'why' from audit_log where action = 'suppression_removed'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(why, "本人来电");
}

#[sqlx::test]
async fn the_rules_of_batches_are_saved_and_invalid_numbers_come_back(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", usms_console::domain::accounts::role::Role::Admin).await;
    let settings = "/p/default/settings/batches";
    let csrf = admin.get(settings).await.csrf();
    let wrong = [
        ("csrf", csrf.as_str()),
        ("price_domestic", "free"),
        ("failure_percent", "0"),
        ("failure_least", "5"),
        ("approval_over", ""),
    ];
    let page = admin.post(settings, &wrong).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.has("#price_domestic-error") && page.has("#failure_percent-error"));
    assert_eq!(page.value("#price_domestic"), "free");
    let good = [
        ("csrf", csrf.as_str()),
        ("price_domestic", "0.045"),
        ("failure_percent", "25"),
        ("failure_least", "50"),
        ("approval_over", "1000"),
    ];
    admin.post(settings, &good).await;
    assert_eq!(admin.get(settings).await.value("#price_domestic"), "0.0450");
    let preview = admin.upload_list(CODE, "a.csv", b"18500001001,1,5\n18500001002,2,5\n").await;
    assert!(admin.get(&preview).await.one("section[aria-labelledby=cost]").contains("¥0.09"));
}
