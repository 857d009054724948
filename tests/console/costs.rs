//! The cost of a batch is fixed when it is ordered, whatever the prices become afterwards.

use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use usms_console::db::reporting::statistics;
use usms_console::domain::accounts::role::Role;
use usms_console::domain::period;

use super::statistics::{STATISTICS, push_receipts, rows, send_list};
use crate::harness::{CODE, Page, TestClient, TestConsole};

/// Sets the domestic price of a part. An empty `yuan` removes it.
async fn set_price(admin: &TestClient, yuan: &str) {
    let settings = "/p/default/settings/batches";
    let csrf = admin.get(settings).await.csrf();
    let fields = [
        ("csrf", csrf.as_str()),
        ("price_domestic", yuan),
        ("failure_percent", "25"),
        ("failure_least", "50"),
        ("approval_over", ""),
    ];
    admin.post(settings, &fields).await;
    let shown: f64 = admin.get(settings).await.value("#price_domestic").parse().unwrap_or(0.0);
    assert_eq!(shown, yuan.parse().unwrap_or(0.0));
}

/// Returns the billed parts and their cost as the page shows them.
fn parts_and_cost(page: &Page) -> (String, String) {
    let figures = page.all(".figures dd");
    (figures[4].clone(), figures[5].clone())
}

/// Returns the column `name` of the export by batch, the largest batch first.
async fn column(client: &TestClient, name: &str) -> Vec<String> {
    let file = client.get(&format!("{STATISTICS}.csv?span=7d&by=batch")).await;
    let mut reader = csv::Reader::from_reader(file.text.trim_start_matches('\u{feff}').as_bytes());
    let column = reader.headers().unwrap().iter().position(|header| header == name).unwrap();
    reader.records().map(|row| row.unwrap()[column].to_owned()).collect()
}

/// Sends one text and waits for its receipt.
async fn send_one(console: &TestConsole, operator: &TestClient, phone: &str) {
    operator.send(CODE, &["4310", "5"], phone).await;
    let receipts = format!("/p/default/receipts?phone={phone}");
    console.until(operator, &receipts, ".status.good").await;
}

#[sqlx::test]
async fn a_batch_costs_what_its_parts_cost_when_it_was_ordered(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let (operator, admin) = (console.operator().await, console.member("Ada", Role::Admin).await);
    set_price(&admin, "0.045").await;
    send_list(&console, &operator, &rows(1_000..1_004)).await;
    set_price(&admin, "1").await;
    send_one(&console, &operator, "18500001500").await;
    let shown = async || parts_and_cost(&operator.get(&format!("{STATISTICS}?span=7d")).await);
    let (parts, cost) = shown().await;
    assert!(parts.starts_with('5'), "{parts}");
    // 4 × 0.045 + 1
    assert!(cost.starts_with("¥1.18"), "{cost}");
    assert_eq!(column(&operator, "cost").await, ["0.1800", "1.0000"]);
    // Removing the price changes no cost of the past.
    set_price(&admin, "").await;
    assert!(shown().await.1.starts_with("¥1.18"));
    // Ordered while no price was set: the cost is unknown, until a price is set again.
    send_one(&console, &operator, "18500001501").await;
    let (parts, cost) = shown().await;
    assert!(parts.starts_with('6') && cost.starts_with('—'), "{parts} {cost}");
    assert_eq!(column(&operator, "cost").await.iter().filter(|cost| cost.is_empty()).count(), 1);
    set_price(&admin, "0.5").await;
    assert!(shown().await.1.starts_with("¥1.68"));
    // External messages have no known price.
    push_receipts(&console, &[("18500002001", "发送成功", "DELIVRD")], "foreign-1").await;
    let page = operator.get_in("en", &format!("{STATISTICS}?span=7d")).await;
    assert!(parts_and_cost(&page).1.starts_with("¥1.68"));
    assert!(page.one("section[aria-labelledby=others] .hint").contains("their cost is unknown"));
}

/// Moves everything that was counted in the last two hours to `at`.
async fn move_counts_to(db: &PgPool, at: OffsetDateTime) {
    statistics::fold(&mut db.acquire().await.unwrap()).await.unwrap();
    sqlx::query("update hourly_messages set hour = $1 where hour > now() - interval '2 hours'")
        .bind(at)
        .execute(db)
        .await
        .unwrap();
}

#[sqlx::test]
async fn parts_and_cost_are_compared_with_the_period_before(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let (operator, admin) = (console.operator().await, console.member("Ada", Role::Admin).await);
    let day = period::day_of(OffsetDateTime::now_utc()) - Duration::days(2);
    let midnight = period::midnight(day);
    set_price(&admin, "0.5").await;
    send_list(&console, &operator, &rows(1_000..1_004)).await;
    move_counts_to(&db, midnight - Duration::HOUR).await;
    set_price(&admin, "1").await;
    send_list(&console, &operator, &rows(1_100..1_106)).await;
    move_counts_to(&db, midnight).await;
    let page = operator.get(&format!("{STATISTICS}?from={day}&to={day}")).await;
    assert_eq!(parts_and_cost(&page), ("6+50%".to_owned(), "¥6.00+200%".to_owned()));
    let before = day - Duration::DAY;
    let page = operator.get(&format!("{STATISTICS}?from={before}&to={before}")).await;
    assert_eq!(parts_and_cost(&page), ("4—".to_owned(), "¥2.00—".to_owned()));
}

#[sqlx::test]
async fn parts_of_an_unfinished_hour_are_not_compared(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let now = OffsetDateTime::now_utc().truncate_to_hour();
    send_list(&console, &operator, &rows(1_000..1_004)).await;
    move_counts_to(&db, period::midnight(period::day_of(now) - Duration::days(9))).await;
    send_list(&console, &operator, &rows(1_100..1_106)).await;
    move_counts_to(&db, now + Duration::HOUR).await;
    let parts =
        async || operator.get(&format!("{STATISTICS}?span=7d")).await.all(".figures dd")[4].clone();
    assert!(parts().await.ends_with("−100%"), "{}", parts().await);
    move_counts_to(&db, now - Duration::HOUR).await;
    assert_eq!(parts().await, "6+50%");
}
