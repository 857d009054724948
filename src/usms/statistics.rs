//! The vendor's own counts, a day and country each (USMS API reference, GetUSMSSendStatistics).

use serde_json::Value;
use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::client::{Client, Credentials};
use super::errors::CallError;
use super::wire::Fields;

/// Rows asked for at once. The reference names no limit.
const PER_PAGE: usize = 100;
/// Nobody has more countries and days than this: a service that repeats itself is not asked for ever.
const MAX_PAGES: usize = 100;
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const DIGITS: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]");

/// What the vendor counted on one day for one country: messages, and the pieces they were cut into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayFigures {
    /// The day in China.
    pub day: Date,
    /// The vendor's letters for the country, as `CN`.
    pub country: String,
    /// Messages taken.
    pub sent: i64,
    /// Messages that arrived.
    pub delivered: i64,
    /// Messages that did not.
    pub failed: i64,
    /// Messages of which nothing is known.
    pub unknown: i64,
    /// Messages that were not taken.
    pub refused: i64,
    /// Pieces taken.
    pub sent_parts: i64,
    /// Pieces that arrived.
    pub delivered_parts: i64,
    /// Pieces that did not.
    pub failed_parts: i64,
    /// Pieces of which nothing is known.
    pub unknown_parts: i64,
}

impl DayFigures {
    /// Reads one row; `None` without a day.
    fn read(item: &Value) -> Option<Self> {
        let fields = Fields::of(item)?;
        let n = |name| fields.number(name).unwrap_or(0).max(0);
        Some(Self {
            day: day(&fields.text("SendDate"))?,
            country: fields.text("BrevityCode"),
            sent: n("Count"),
            delivered: n("SuccessCount"),
            failed: n("FailedCount"),
            unknown: n("UnknownCount"),
            refused: n("SubmitFailedCount"),
            sent_parts: n("CostCount"),
            delivered_parts: n("SuccessCostCount"),
            failed_parts: n("FailedCostCount"),
            unknown_parts: n("UnknownCostCount"),
        })
    }
}

/// The reference does not say how a day is written: with or without dashes, perhaps with a time.
fn day(text: &str) -> Option<Date> {
    let text = text.trim();
    let dashed = text.get(..10).and_then(|day| Date::parse(day, DAY).ok());
    dashed.or_else(|| Date::parse(text.get(..8)?, DIGITS).ok())
}

impl Client {
    /// The counts of all days from `from` to `to`, in mainland China or abroad.
    pub async fn get_send_statistics(
        &self,
        keys: &Credentials,
        from: Date,
        to: Date,
        domestic: bool,
    ) -> Result<Vec<DayFigures>, CallError> {
        let mut days = Vec::new();
        for page in 0..MAX_PAGES {
            let params = [
                ("Page", page.to_string()),
                ("NumPerPage", PER_PAGE.to_string()),
                ("OrderBy", "SendDate".to_owned()),
                ("OrderType", "asc".to_owned()),
                ("StartDate", from.to_string()),
                ("EndDate", to.to_string()),
                ("Domestic", u8::from(domestic).to_string()),
            ];
            let params = params.map(|(name, value)| (name.to_owned(), value)).to_vec();
            let answer = self.succeed(keys, "GetUSMSSendStatistics", params).await?;
            let Some(fields) = Fields::of(&answer.body) else { break };
            let rows = fields.array("Data");
            days.extend(rows.iter().filter_map(DayFigures::read));
            if rows.len() < PER_PAGE {
                break;
            }
        }
        Ok(days)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::date;

    use super::*;

    #[test]
    fn a_row_is_read_however_its_day_and_numbers_are_written() {
        for written in ["2026-11-24", "20261124", "2026-11-24 00:00:00", "2026-11-24T00:00:00Z"] {
            let row = json!({ "SendDate": written, "BrevityCode": "CN", "Count": "7",
                "CostCount": 9.0, "SuccessCount": null, "FailedCount": -1 });
            let read = DayFigures::read(&row).unwrap();
            assert_eq!((read.day, read.sent, read.sent_parts), (date!(2026 - 11 - 24), 7, 9));
            assert_eq!((read.delivered, read.failed), (0, 0));
        }
        assert_eq!(DayFigures::read(&json!({ "SendDate": "psXUJfzi" })), None);
        assert_eq!(DayFigures::read(&json!("x")), None);
    }
}
