//! Costs as pages show them: *expected* before sending, all parts at their prices; *billed* after
//! it, the parts that receipts report.

use crate::db::sending::prices::Cost;
use crate::domain::sending::price::Estimate;
use crate::web::ui::layout::Layout;

/// The most countries without a price that are named.
const MAX_NAMED: usize = 10;

/// A cost with what is to be said of it.
#[derive(Debug)]
pub struct CostText {
    /// The amount, or a dash if nothing is known of it.
    pub amount: String,
    /// How it comes about, or what is missing.
    pub note: String,
}

/// Returns what messages are expected to cost.
pub fn expected(l: &Layout, estimate: &Estimate) -> CostText {
    let known = yuan(estimate.known_cost());
    let unpriced = estimate.unpriced();
    if let Some(price) = estimate.same_price() {
        let price = four_decimals(price);
        return CostText {
            amount: known,
            note: l.with("preview-unit", &[("price", price.into())]),
        };
    }
    if unpriced.is_empty() {
        let count = [("count", estimate.countries.len().into())];
        return CostText { amount: known, note: l.with("cost-countries", &count) };
    }
    if !estimate.has_prices() && unpriced.iter().all(|code| matches!(*code, "" | "86")) {
        return CostText { amount: "—".to_owned(), note: l.t("preview-no-price") };
    }
    let amount = if estimate.has_prices() { at_least(l, &known) } else { "—".to_owned() };
    CostText { amount, note: without_price(l, &unpriced) }
}

/// Returns what messages have been billed. `waiting` is the number of those whose receipt, and so
/// the number of their parts, is still awaited.
pub fn billed(l: &Layout, cost: Cost, waiting: i64) -> CostText {
    let amount = match cost {
        Cost { unpriced: 0, known, .. } => yuan(known),
        Cost { known: 0, .. } => "—".to_owned(),
        Cost { known, .. } => at_least(l, &yuan(known)),
    };
    let parts = [("parts", cost.parts.into()), ("waiting", waiting.into())];
    let key = if waiting > 0 { "cost-billed-waiting" } else { "cost-billed-parts" };
    CostText { amount, note: l.with(key, &parts) }
}

/// Returns what has become of prices, for somebody who saw others.
pub fn prices_now(l: &Layout, estimate: &Estimate) -> String {
    if let Some(price) = estimate.same_price() {
        return format!("¥{}", four_decimals(price));
    }
    if !estimate.has_prices() {
        return l.t("version-no-price");
    }
    let CostText { amount, note } = expected(l, estimate);
    l.with("cost-with-note", &[("cost", amount.into()), ("note", note.into())])
}

/// Returns an amount to which parts without a price are to be added.
pub fn at_least(l: &Layout, amount: &str) -> String {
    l.with("cost-at-least", &[("cost", amount.into())])
}

/// Names the countries without a price.
fn without_price(l: &Layout, codes: &[&str]) -> String {
    let named = codes.iter().take(MAX_NAMED).map(|code| match *code {
        "" => l.t("prices-other-countries"),
        code => l.texts.country(code),
    });
    let named = named.collect::<Vec<_>>().join(", ");
    l.with("cost-unpriced", &[("count", codes.len().into()), ("names", named.into())])
}

/// Formats a price given in ten-thousandths of a yuan, without a sign.
pub fn four_decimals(price: i32) -> String {
    format!("{:.4}", f64::from(price) / 10_000.0)
}

/// Formats ten-thousandths of a yuan as an amount in yuan, rounded to cents and grouped by
/// thousands.
pub fn yuan(amount: i64) -> String {
    let cents = (amount + 50) / 100;
    let whole = (cents / 100).to_string();
    let mut grouped = String::new();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("¥{grouped}.{:02}", cents % 100)
}
