//! Prices by purpose at home and by country abroad, from a day on, and what batches cost by them.

use reqwest::StatusCode;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use usms_console::domain::accounts::role::Role;
use usms_console::domain::period;

use crate::harness::{CODE, NOTICE, Page, TestClient, TestConsole};

const PRICES: &str = "/p/default/settings/prices";

/// Sets a price from the first day on, in ten-thousandths of a yuan.
pub async fn set_price(db: &PgPool, package: &str, country: &str, price: i32) {
    sqlx::query(
        "insert into prices select id, $1::sms_package, $2, date '2020-01-01', $3 from projects",
    )
    .bind(package)
    .bind(country)
    .bind(price)
    .execute(db)
    .await
    .unwrap();
}

/// Adds a price on its page.
async fn add(admin: &TestClient, kind: &str, country: &str, price: &str, valid_from: &str) -> Page {
    let csrf = admin.get(PRICES).await.csrf();
    let fields = [
        ("csrf", csrf.as_str()),
        ("kind", kind),
        ("country", country),
        ("price", price),
        ("valid_from", valid_from),
    ];
    admin.post(PRICES, &fields).await
}

async fn import(admin: &TestClient, file: &[u8]) -> Page {
    let fields = [("csrf".to_owned(), admin.get(PRICES).await.csrf())];
    admin.upload(&format!("{PRICES}/import"), &fields, &[("prices", "prices.csv", file)]).await
}

/// Returns the rows of the list, cell by cell.
async fn rows(admin: &TestClient) -> Vec<String> {
    let page = admin.get_in("en", PRICES).await;
    page.all("section[aria-labelledby=all] tbody :is(th, td.count, td.nowrap, td.nowrap + td)")
}

fn today() -> String {
    period::day_of(OffsetDateTime::now_utc()).to_string()
}

/// Starts a console whose signature and template [`NOTICE`] are for messages abroad.
async fn console_abroad(db: &PgPool) -> TestConsole {
    let console = TestConsole::start(db).await;
    console.add_notice_template().await;
    for table in ["signatures", "sms_templates"] {
        let statement = format!("update {table} set international = true");
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(db).await.unwrap();
    }
    console
}

#[sqlx::test]
async fn a_price_is_added_shown_with_its_day_and_deleted(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("Ada", Role::Admin).await;
    for (kind, country, price, day) in [
        ("notice", "", "0.05", "2026-01-01"),
        ("notice", "", "0.045", "2026-06-01"),
        ("notice", "", "0.04", "2099-01-01"),
        ("international", "+60", "0.3", "2026-01-01"),
        ("international", "日本", "0.5", "2026-01-01"),
    ] {
        let added = add(&admin, kind, country, price, day).await;
        assert_eq!(added.status, StatusCode::SEE_OTHER, "{kind} {country} {}", added.text);
    }
    let home = "Verification codes and notices, Mainland China";
    assert_eq!(
        rows(&admin).await.join("|"),
        [
            [home, "¥0.0400", "2099-01-01", "Upcoming"],
            [home, "¥0.0450", "2026-06-01", "Valid"],
            [home, "¥0.0500", "2026-01-01", "Superseded"],
            ["International", "¥0.3000", "2026-01-01", "Valid"],
            ["International", "¥0.5000", "2026-01-01", "Valid"],
        ]
        .concat()
        .join("|")
    );
    let page = admin.get_in("en", PRICES).await;
    assert!(page.text.contains("Malaysia +60") && page.text.contains("Japan +81"));
    let delete = page.whole_form("section tbody tr:first-child form");
    let deleted = admin.post_owned(&format!("{PRICES}/delete"), &delete).await;
    assert_eq!(deleted.status, StatusCode::SEE_OTHER, "{}", deleted.text);
    assert_eq!(rows(&admin).await[1], "¥0.0450");
    let audited: i64 = sqlx::query_scalar(
        "select count(*) from audit_log where action in ('prices_saved', 'price_deleted')",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(audited, 6);
}

#[sqlx::test]
async fn samples_are_marked_until_somebody_saves_a_price_of_their_own(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("Ada", Role::Admin).await;
    for (kind, price) in [("notice", "0.05"), ("marketing", "0.055")] {
        add(&admin, kind, "", price, "2026-01-01").await;
    }
    assert!(!admin.get(PRICES).await.has(".sample"));
    sqlx::query("update prices set sample = true").execute(&db).await.unwrap();
    assert_eq!(admin.get(PRICES).await.all(".sample"), ["示例单价", "示例单价"]);
    add(&admin, "notice", "", "0.045", "2026-01-01").await;
    assert_eq!(admin.get(PRICES).await.all(".sample").len(), 1);
}

#[sqlx::test]
async fn a_wrong_price_comes_back_with_what_is_wrong_at_its_field(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("Ada", Role::Admin).await;
    for (kind, country, price, day, field) in [
        ("gold", "", "1", "2026-01-01", "kind"),
        ("notice", "+60", "1", "2026-01-01", "country"),
        ("international", "Atlantis", "1", "2026-01-01", "country"),
        ("notice", "", "0.04567", "2026-01-01", "price"),
        ("notice", "", "1", "tomorrow", "valid_from"),
    ] {
        let page = add(&admin, kind, country, price, day).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.has(&format!("#{field}-error")), "{field} {}", page.text);
        assert_eq!(page.value("#price"), price);
    }
    assert!(rows(&admin).await.is_empty());
    let operator = console.operator().await;
    assert_eq!(operator.get(PRICES).await.status, StatusCode::FORBIDDEN);
}

#[sqlx::test]
async fn a_file_of_prices_is_imported_whole_or_not_at_all(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("Ada", Role::Admin).await;
    let wrong = "kind,country,price,valid_from\nnotice,,0.045,2026-01-01\nnotice,,0.04,soon\n";
    let page = import(&admin, wrong.as_bytes()).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.all("#errors li"), ["第 3 行：请填写日期，例如 2026-12-01"]);
    assert!(rows(&admin).await.is_empty());
    // The sample itself is refused: its prices are examples.
    let sample = admin.get(&format!("{PRICES}/sample.csv")).await;
    assert!(sample.text.contains("notice,,0.050,") && sample.text.contains("2025-06-18"));
    let page = import(&admin, sample.text.as_bytes()).await;
    assert_eq!(page.all("#errors li").len(), 4, "{}", page.text);
    // Filled in, with the notes cleared, it is accepted.
    let filled: Vec<String> = sample
        .text
        .lines()
        .map(|line| match line.split(',').collect::<Vec<_>>()[..] {
            [kind, country, price, day, ..] if kind.len() < 14 && day != "valid_from" => {
                let price = if price.is_empty() { "0.3" } else { price };
                format!("{kind},{country},{price},{day},")
            }
            _ => line.to_owned(),
        })
        .collect();
    let page = import(&admin, filled.join("\r\n").as_bytes()).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{filled:?} {}", page.text);
    assert_eq!(rows(&admin).await.len(), 16);
    sqlx::query("delete from prices").execute(&db).await.unwrap();
    let good = "\u{feff}kind,country,price,valid_from,note\r\nnotice,,0.045,2026-01-01,\r\n\
        international,+60,0.3,2026-01-01,\r\n";
    let page = import(&admin, good.as_bytes()).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    assert_eq!(rows(&admin).await.len(), 8);
}

#[sqlx::test]
async fn the_two_plain_prices_are_those_of_every_purpose_and_of_other_countries(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("Ada", Role::Admin).await;
    let settings = "/p/default/settings/batches";
    let save = async |domestic: &str, international: &str| {
        let csrf = admin.get(settings).await.csrf();
        let fields = [
            ("csrf", csrf.as_str()),
            ("price_domestic", domestic),
            ("price_international", international),
            ("failure_percent", "25"),
            ("failure_least", "50"),
            ("approval_over", ""),
        ];
        assert_eq!(admin.post(settings, &fields).await.status, StatusCode::SEE_OTHER);
    };
    save("0.045", "0.3").await;
    let shown = rows(&admin).await;
    let amounts: Vec<&String> = shown.iter().skip(1).step_by(4).collect();
    assert_eq!(amounts, ["¥0.0450", "¥0.0450", "¥0.3000"]);
    // The form does not touch what it does not know.
    add(&admin, "marketing", "", "0.055", &today()).await;
    add(&admin, "international", "60", "0.2", &today()).await;
    save("0.0450", "0.3000").await;
    let shown = rows(&admin).await;
    let amounts: Vec<&String> = shown.iter().skip(1).step_by(4).collect();
    assert_eq!(amounts, ["¥0.0450", "¥0.0550", "¥0.3000", "¥0.2000"]);
    let page = admin.get(settings).await;
    assert_eq!(page.value("#price_domestic"), "0.0450");
    assert!(page.has(&format!("main form a[href='{PRICES}']")));
}

#[sqlx::test]
async fn a_batch_at_home_costs_the_price_of_its_purpose(db: PgPool) {
    let console = TestConsole::start(&db).await;
    set_price(&db, "notice", "", 450).await;
    set_price(&db, "marketing", "", 5_500).await;
    let operator = console.operator().await;
    for (template, params, cost) in [(CODE, &["1234", "5"][..], "¥0.05"), ("新书", &["1"], "¥0.55")]
    {
        let fields = operator.send_fields(template, params, "18500001234").await;
        let check = operator.post_owned("/p/default/send", &fields).await;
        assert!(check.one("#expected").starts_with(cost), "{}", check.one("#expected"));
    }
}

#[sqlx::test]
async fn each_purpose_at_home_may_have_a_price_of_its_own(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let admin = console.member("Ada", Role::Admin).await;
    let file = "kind,country,price,valid_from\nverification,,1,2020-01-01\n\
        notice,,2,2020-01-01\nmarketing,,3,2020-01-01\n";
    let page = import(&admin, file.as_bytes()).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    let rows = rows(&admin).await;
    let kinds: Vec<&String> = rows.iter().step_by(4).collect();
    assert_eq!(
        kinds,
        [
            "Notices, Mainland China",
            "Verification codes, Mainland China",
            "Marketing, Mainland China"
        ]
    );
    for (template, params, cost) in [
        (CODE, &["1234", "5"][..], "¥1.00"),
        (NOTICE, &["1", "2"], "¥2.00"),
        ("新书", &["1"], "¥3.00"),
    ] {
        let fields = admin.send_fields(template, params, "18500001234").await;
        let check = admin.post_owned("/p/default/send", &fields).await;
        assert!(check.one("#expected").starts_with(cost), "{}", check.one("#expected"));
    }
    // Lists are costed alike, and so is what is billed, also where the price is known only later.
    sqlx::query("delete from prices").execute(&db).await.unwrap();
    let preview = admin.upload_list(CODE, "a.csv", b"18500001001,1,5\n18500001002,2,5\n").await;
    let batch = admin.confirm_list(&preview, &[]).await;
    console.until_complete(&admin, &batch).await;
    import(&admin, file.as_bytes()).await;
    let page = admin.get_in("en", &batch).await;
    assert!(page.one("[data-part=expected]").starts_with("¥2.00"), "{}", page.text);
    assert!(page.one("[data-part=billed]").starts_with("¥2.00"), "{}", page.text);
    let page = admin.get_in("en", "/p/default/statistics?span=today").await;
    assert!(cost(&page, "Billed cost").starts_with("¥2.00"), "{}", page.text);
    // Without its own, verification codes cost what notices do.
    let deleted = "delete from prices where package = 'verification'";
    sqlx::query(deleted).execute(&db).await.unwrap();
    let page = admin.get_in("en", &batch).await;
    assert!(page.one("[data-part=billed]").starts_with("¥4.00"), "{}", page.text);
    let page = admin.get_in("en", "/p/default/statistics?span=today").await;
    assert!(cost(&page, "Billed cost").starts_with("¥4.00"), "{}", page.text);
}

#[sqlx::test]
async fn a_list_to_several_countries_is_costed_row_by_row_and_keeps_its_prices(db: PgPool) {
    let console = console_abroad(&db).await;
    set_price(&db, "international", "60", 3_000).await;
    set_price(&db, "international", "65", 5_000).await;
    let (operator, approver) = (console.operator().await, console.approver().await);
    sqlx::query("update projects set approval_over = 1").execute(&db).await.unwrap();
    let list = b"+60123456789,1,2\n+60123456780,1,2\n+6581234567,1,2\n";
    let preview = operator.upload_list(NOTICE, "a.csv", list).await;
    let page = operator.get_in("en", &preview).await;
    let expected = page.one("#expected");
    assert_eq!(expected, "¥1.102 countries and regions, each at its own price");
    let batch = operator.confirm_list(&preview, &[]).await;
    sqlx::query("update prices set price = 9 * price").execute(&db).await.unwrap();
    let page = approver.get_in("en", &batch).await;
    assert!(page.one("[data-part=expected]").starts_with("¥1.10"), "{}", page.text);
    assert!(page.one("#expected").contains("Expected cost: ¥1.10"), "{}", page.one("#expected"));
    let stored: Vec<(String, i64, Option<i32>)> =
        sqlx::query_as("select country, parts, price from batch_countries order by 1")
            .fetch_all(&db)
            .await
            .unwrap();
    assert_eq!(stored, [("60".to_owned(), 2, Some(3_000)), ("65".to_owned(), 1, Some(5_000))]);
}

/// Returns a figure of the statistics.
fn cost(page: &Page, name: &str) -> String {
    let figures = page.all(".figures :is(dt, dd)");
    let place = figures.iter().position(|text| text == name);
    place.map(|place| figures[place + 1].clone()).unwrap_or_default()
}

#[sqlx::test]
async fn what_is_billed_abroad_is_billed_by_country(db: PgPool) {
    let console = console_abroad(&db).await;
    set_price(&db, "international", "60", 3_000).await;
    set_price(&db, "international", "65", 5_000).await;
    let operator = console.operator().await;
    let list = b"+60123456789,1,2\n+60123456780,1,2\n+6581234567,1,2\n";
    let preview = operator.upload_list(NOTICE, "a.csv", list).await;
    operator.until_imported(&preview).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &batch).await;
    let page = operator.get_in("en", &batch).await;
    assert!(page.one("[data-part=billed]").starts_with("¥1.10"), "{}", page.text);
    let page = operator.get_in("en", "/p/default/statistics?span=today&by=country").await;
    assert!(cost(&page, "Billed cost").starts_with("¥1.10"), "{}", page.text);
    assert!(cost(&page, "Expected cost").starts_with("¥1.10"), "{}", page.text);
    let rows = page.all("main table.list tbody tr");
    let of = |country: &str| rows.iter().find(|row| row.contains(country)).cloned();
    assert!(of("Malaysia").is_some_and(|row| row.contains("¥0.60")), "{rows:?}");
    assert!(of("Singapore").is_some_and(|row| row.contains("¥0.50")), "{rows:?}");
}

#[sqlx::test]
async fn countries_without_a_price_are_named(db: PgPool) {
    let console = console_abroad(&db).await;
    set_price(&db, "international", "60", 3_000).await;
    let operator = console.operator().await;
    let phones = "+60123456789\n+6581234567\n+819012345678";
    let fields = operator.send_fields(NOTICE, &["1", "2"], phones).await;
    let check = operator.post_owned("/p/default/send", &fields).await;
    let expected = check.one("#expected");
    assert!(expected.contains("¥0.30") && expected.contains("2 "), "{expected} {}", check.text);
    assert!(expected.contains("+65") && expected.contains("+81"), "{expected}");
    // With a price for all others nothing is missing.
    set_price(&db, "international", "", 10_000).await;
    let check = operator.post_owned("/p/default/send", &fields).await;
    assert!(check.one("#expected").starts_with("¥2.30"), "{}", check.one("#expected"));
}

#[sqlx::test]
async fn a_price_abroad_that_changed_since_the_check_page_is_shown_before_anything_is_sent(
    db: PgPool,
) {
    let console = console_abroad(&db).await;
    set_price(&db, "international", "60", 3_000).await;
    set_price(&db, "international", "65", 3_000).await;
    let operator = console.operator().await;
    let fields = operator.send_fields(NOTICE, &["1", "2"], "+60123456789").await;
    let check = operator.post_owned("/p/default/send", &fields).await;
    // That of a country that it is not sent to does not matter.
    let others = "update prices set price = 1 where country = '65'";
    sqlx::query(others).execute(&db).await.unwrap();
    let own = "update prices set price = 4000 where country = '60'";
    sqlx::query(own).execute(&db).await.unwrap();
    let answer = operator.post_owned("/p/default/send", &check.form_fields("confirm")).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.all("#errors li"), ["单价：现为 ¥0.4000"]);
    let batches: i64 =
        sqlx::query_scalar("select count(*) from batches").fetch_one(&db).await.unwrap();
    assert_eq!(batches, 0);
}

#[sqlx::test]
async fn a_price_holds_for_batches_ordered_from_its_day_on(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("Ada", Role::Admin).await;
    let tomorrow = period::day_of(OffsetDateTime::now_utc() + Duration::DAY).to_string();
    add(&admin, "notice", "", "0.05", "2026-01-01").await;
    add(&admin, "notice", "", "9", &tomorrow).await;
    let batch = admin.send(CODE, &["1234", "5"], "18500001234").await;
    let price: Option<i32> =
        sqlx::query_scalar("select price from batches").fetch_one(&db).await.unwrap();
    assert_eq!(price, Some(500));
    let page = console.until_complete(&admin, &batch).await;
    assert!(page.one("[data-part=expected]").starts_with("¥0.05"), "{}", page.text);
}

#[sqlx::test]
async fn what_is_expected_and_what_is_billed_are_told_apart(db: PgPool) {
    let console = TestConsole::start(&db).await;
    set_price(&db, "notice", "", 10_000).await;
    let operator = console.operator().await;
    let list = b"18500001001,1,5\n18500001002,2,5\n";
    let preview = operator.upload_list(CODE, "a.csv", list).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    console.until_complete(&operator, &batch).await;
    // The receipts of one message are lost.
    sqlx::query("update outcomes set parts = 0 where id = (select min(id) from outcomes)")
        .execute(&db)
        .await
        .unwrap();
    let page = operator.get_in("en", &batch).await;
    assert_eq!(page.one("[data-part=expected]"), "¥2.00¥1.0000 per part");
    assert_eq!(page.one("[data-part=billed]"), "¥1.001 part in receipts");
    let page = operator.get_in("en", "/p/default/statistics?span=today").await;
    assert!(cost(&page, "Billed cost").starts_with("¥1.00"), "{}", page.text);
    assert!(cost(&page, "Expected cost").starts_with("¥2.00"), "{}", page.text);
}
