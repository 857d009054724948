//! The action that tells what was taken, by day and country.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::{Date, Duration, OffsetDateTime, UtcOffset};

use super::answer::{Answer, Refusal};
use super::params::Params;
use super::receipts::{self, Verdict};
use super::store::{Message, World};

/// The letters of some countries by calling code; the vendor has more.
const LETTERS: [(&str, &str); 10] = [
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

/// Messages and pieces of one day and country: taken, arrived, failed, unknown.
type Sums = [(i64, i64); 4];

/// GetUSMSSendStatistics. It tells of today as well, which the vendor does tomorrow.
pub(super) fn query(params: &Params, world: &World, now: i64) -> Result<Answer, Refusal> {
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
    let backwards = match params.required("OrderType")? {
        "asc" => false,
        "desc" => true,
        _ => return Err(Refusal::invalid("OrderType", "asc or desc")),
    };
    let span = (day(params, "StartDate")?, day(params, "EndDate")?);
    let domestic = params.choice("Domestic", 0..=1)? == 1;
    let wanted = params.get("BrevityCode").map(|codes| codes.split('-').collect::<Vec<_>>());
    let mut days: BTreeMap<(Date, &str), Sums> = BTreeMap::new();
    for message in &world.messages {
        let (Some(day), country) = (day_taken(message), letters(&message.key)) else { continue };
        let fits = (span.0..=span.1).contains(&day)
            && message.group.international != domestic
            && wanted.as_ref().is_none_or(|wanted| wanted.contains(&country));
        if fits {
            add(days.entry((day, country)).or_default(), message, world, now);
        }
    }
    let mut rows: Vec<_> = days.into_iter().collect();
    if by_country {
        rows.sort_by_key(|((day, country), _)| (*country, *day));
    }
    if backwards {
        rows.reverse();
    }
    let total = rows.len();
    let mut all = Sums::default();
    for (_, sums) in &rows {
        for (sum, one) in all.iter_mut().zip(sums) {
            sum.0 += one.0;
            sum.1 += one.1;
        }
    }
    let data: Vec<Value> = rows
        .into_iter()
        .skip(page.saturating_mul(per_page))
        .take(per_page)
        .map(|((day, country), sums)| row(day, country, &sums))
        .collect();
    Ok(Answer::ok().with("Total", total).with("StatisticsData", sums_of(&all)).with("Data", data))
}

fn number(params: &Params, name: &str) -> Result<usize, Refusal> {
    params.required(name)?.parse().map_err(|_| Refusal::malformed(name))
}

fn day(params: &Params, name: &str) -> Result<Date, Refusal> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    Date::parse(params.required(name)?, &format).map_err(|_| Refusal::malformed(name))
}

/// The day in Shanghai on which a message was taken.
fn day_taken(message: &Message) -> Option<Date> {
    let at = OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(message.group.at);
    Some(at.to_offset(UtcOffset::from_hms(8, 0, 0).ok()?).date())
}

fn letters(phone: &str) -> &'static str {
    let Some((code, _)) = phone.strip_prefix('(').and_then(|rest| rest.split_once(')')) else {
        return "CN";
    };
    LETTERS.iter().find(|(known, _)| *known == code).map_or("ZZ", |(_, letters)| letters)
}

fn add(sums: &mut Sums, message: &Message, world: &World, now: i64) {
    let told = receipts::receipt(message, world.receipt_after, now).is_some();
    let fate = match receipts::outcome(&message.key).verdict {
        Verdict::Delivered if told => 1,
        Verdict::Failed if told => 2,
        Verdict::Delivered | Verdict::Failed | Verdict::Unknown => 3,
    };
    for index in [0, fate] {
        sums[index].0 += 1;
        sums[index].1 += i64::from(message.parts);
    }
}

fn row(day: Date, country: &str, sums: &Sums) -> Value {
    let [taken, arrived, failed, unknown] = sums;
    #[allow(clippy::cast_precision_loss)]
    let rate = arrived.0 as f64 / taken.0.max(1) as f64;
    json!({
        "SendDate": day.to_string(), "BrevityCode": country, "UserId": "",
        "Count": taken.0, "CostCount": taken.1,
        "SuccessCount": arrived.0, "SuccessCostCount": arrived.1, "SuccessRate": rate,
        "FailedCount": failed.0, "FailedCostCount": failed.1,
        "UnknownCount": unknown.0, "UnknownCostCount": unknown.1,
        "SubmitFailedCount": 0, "SubmitFailedCostCount": 0,
    })
}

fn sums_of(sums: &Sums) -> Value {
    let [taken, arrived, failed, unknown] = sums;
    json!({
        "SendCount": taken.0, "SendCostCount": taken.1,
        "SuccessCount": arrived.0, "SuccessCostCount": arrived.1,
        "FailCount": failed.0, "FailCostCount": failed.1,
        "UnknownCount": unknown.0, "UnknownCostCount": unknown.1,
        "SubmitFailCount": 0, "SubmitFailCostCount": 0,
    })
}
