//! The action that counts messages by day and country.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::{Date, Duration, OffsetDateTime, UtcOffset};

use crate::sandbox::answer::{Answer, Refusal};
use crate::sandbox::params::Params;
use crate::sandbox::state::outcomes::{self, Verdict};
use crate::sandbox::state::records::Message;
use crate::sandbox::state::store::World;

/// Country codes by calling code; the vendor knows more.
const COUNTRIES: [(&str, &str); 10] = [
    ("1", "US"),
    ("44", "GB"),
    ("60", "MY"),
    ("62", "ID"),
    ("63", "PH"),
    ("65", "SG"),
    ("66", "TH"),
    ("81", "JP"),
    ("84", "VN"),
    ("852", "HK"),
];

/// The numbers of messages and of billed parts: accepted, delivered, failed, unknown.
type Sums = [(i64, i64); 4];

/// GetUSMSSendStatistics. It includes today, which the vendor does not until tomorrow.
pub(in crate::sandbox) fn query(
    params: &Params,
    world: &World,
    now: i64,
) -> Result<Answer, Refusal> {
    let page = number(params, "Page")?;
    let per_page = number(params, "NumPerPage")?;
    if per_page == 0 {
        return Err(Refusal::invalid("NumPerPage", "0"));
    }
    let by_country = match params.required("OrderBy")? {
        "SendDate" => false,
        "BrevityCode" => true,
        _ => return Err(Refusal::invalid("OrderBy", "SendDate or BrevityCode")),
    };
    let descending = match params.required("OrderType")? {
        "asc" => false,
        "desc" => true,
        _ => return Err(Refusal::invalid("OrderType", "asc or desc")),
    };
    let (from, to) = (day(params, "StartDate")?, day(params, "EndDate")?);
    let domestic = params.choice("Domestic", 0..=1)? == 1;
    let wanted = params.get("BrevityCode").map(|codes| codes.split('-').collect::<Vec<_>>());
    let mut days: BTreeMap<(Date, &str), Sums> = BTreeMap::new();
    for message in &world.messages {
        let (Some(day), country) = (day_of(message), country_of(&message.key)) else { continue };
        let matches = (from..=to).contains(&day)
            && message.group.international != domestic
            && wanted.as_ref().is_none_or(|wanted| wanted.contains(&country));
        if matches {
            add(days.entry((day, country)).or_default(), message, world, now);
        }
    }
    let mut rows: Vec<_> = days.into_iter().collect();
    if by_country {
        rows.sort_by_key(|((day, country), _)| (*country, *day));
    }
    if descending {
        rows.reverse();
    }
    let total = rows.len();
    let mut totals = Sums::default();
    for (_, sums) in &rows {
        for (total, sum) in totals.iter_mut().zip(sums) {
            total.0 += sum.0;
            total.1 += sum.1;
        }
    }
    let data: Vec<Value> = rows
        .into_iter()
        .skip(page.saturating_mul(per_page))
        .take(per_page)
        .map(|((day, country), sums)| row_json(day, country, &sums))
        .collect();
    Ok(Answer::ok()
        .with("Total", total)
        .with("StatisticsData", totals_json(&totals))
        .with("Data", data))
}

fn number(params: &Params, name: &str) -> Result<usize, Refusal> {
    params.required(name)?.parse().map_err(|_| Refusal::malformed(name))
}

fn day(params: &Params, name: &str) -> Result<Date, Refusal> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    Date::parse(params.required(name)?, &format).map_err(|_| Refusal::malformed(name))
}

/// Returns the day in China on which a message was accepted.
fn day_of(message: &Message) -> Option<Date> {
    let at = OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(message.group.at);
    Some(at.to_offset(UtcOffset::from_hms(8, 0, 0).ok()?).date())
}

/// Returns the country code of a phone.
fn country_of(phone: &str) -> &'static str {
    let Some((code, _)) = phone.strip_prefix('(').and_then(|rest| rest.split_once(')')) else {
        return "CN";
    };
    COUNTRIES.iter().find(|(calling, _)| *calling == code).map_or("ZZ", |(_, country)| country)
}

fn add(sums: &mut Sums, message: &Message, world: &World, now: i64) {
    let has_receipt = outcomes::receipt(message, world.receipt_after, now).is_some();
    let column = match outcomes::outcome(&message.key).verdict {
        Verdict::Delivered if has_receipt => 1,
        Verdict::Failed if has_receipt => 2,
        Verdict::Delivered | Verdict::Failed | Verdict::Unknown => 3,
    };
    for index in [0, column] {
        sums[index].0 += 1;
        sums[index].1 += i64::from(message.parts);
    }
}

fn row_json(day: Date, country: &str, sums: &Sums) -> Value {
    let [accepted, delivered, failed, unknown] = sums;
    #[allow(clippy::cast_precision_loss)]
    let rate = delivered.0 as f64 / accepted.0.max(1) as f64;
    json!({
        "SendDate": day.to_string(), "BrevityCode": country, "UserId": "",
        "Count": accepted.0, "CostCount": accepted.1,
        "SuccessCount": delivered.0, "SuccessCostCount": delivered.1, "SuccessRate": rate,
        "FailedCount": failed.0, "FailedCostCount": failed.1,
        "UnknownCount": unknown.0, "UnknownCostCount": unknown.1,
        "SubmitFailedCount": 0, "SubmitFailedCostCount": 0,
    })
}

fn totals_json(sums: &Sums) -> Value {
    let [accepted, delivered, failed, unknown] = sums;
    json!({
        "SendCount": accepted.0, "SendCostCount": accepted.1,
        "SuccessCount": delivered.0, "SuccessCostCount": delivered.1,
        "FailCount": failed.0, "FailCostCount": failed.1,
        "UnknownCount": unknown.0, "UnknownCostCount": unknown.1,
        "SubmitFailCount": 0, "SubmitFailCostCount": 0,
    })
}
