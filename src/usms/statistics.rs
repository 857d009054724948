//! The vendor's own counts by day and country (USMS API reference, GetUSMSSendStatistics).

use serde_json::Value;
use time::Date;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::client::{Client, Credentials};
use super::errors::CallError;
use super::wire::Fields;

/// Rows per page. The reference names no limit.
const PER_PAGE: usize = 100;
/// The most pages, far more than there are days and countries: it ends the loop if the service
/// keeps returning full pages.
const MAX_PAGES: usize = 100;
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const DIGITS: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]");

/// The vendor's counts of messages and of billed parts, on one day for one country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayFigures {
    /// The day in China.
    pub day: Date,
    /// The vendor's code of the country, such as `CN`.
    pub country: String,
    /// Accepted messages.
    pub sent: i64,
    /// Delivered messages.
    pub delivered: i64,
    /// Failed messages.
    pub failed: i64,
    /// Messages with unknown outcome.
    pub unknown: i64,
    /// Refused messages.
    pub refused: i64,
    /// Parts of accepted messages.
    pub sent_parts: i64,
    /// Parts of delivered messages.
    pub delivered_parts: i64,
    /// Parts of failed messages.
    pub failed_parts: i64,
    /// Parts of messages with unknown outcome.
    pub unknown_parts: i64,
}

impl DayFigures {
    /// Reads one row; `None` if it has no day.
    fn read(item: &Value) -> Option<Self> {
        let fields = Fields::of(item)?;
        let count = |name| fields.number(name).unwrap_or(0).max(0);
        Some(Self {
            day: day(&fields.text("SendDate"))?,
            country: fields.text("BrevityCode"),
            sent: count("Count"),
            delivered: count("SuccessCount"),
            failed: count("FailedCount"),
            unknown: count("UnknownCount"),
            refused: count("SubmitFailedCount"),
            sent_parts: count("CostCount"),
            delivered_parts: count("SuccessCostCount"),
            failed_parts: count("FailedCostCount"),
            unknown_parts: count("UnknownCostCount"),
        })
    }
}

/// Parses a day. The reference does not name the format: with or without dashes, perhaps followed
/// by a time.
fn day(text: &str) -> Option<Date> {
    let text = text.trim();
    let dashed = text.get(..10).and_then(|day| Date::parse(day, DAY).ok());
    dashed.or_else(|| Date::parse(text.get(..8)?, DIGITS).ok())
}

impl Client {
    /// Returns the counts of the days `from` to `to` (inclusive, in China), for mainland China or
    /// for all other countries.
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
            let response = self.succeed(keys, "GetUSMSSendStatistics", params).await?;
            let Some(fields) = Fields::of(&response.body) else { break };
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
    fn a_row_is_read_in_every_format_of_days_and_numbers() {
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
