//! Links from figures to exactly the messages that they count.

use time::{Date, OffsetDateTime};

use crate::db::sending::message_search::Source;
use crate::domain::period::Period;
use crate::domain::sending::message::MessageState;
use crate::domain::time::CHINA;
use crate::web::http::urls::Urls;

/// Stands for the receipts that have no code, as on pages.
pub const NO_CODE: &str = "—";

/// The messages that a figure counts, as filters of the message search.
#[derive(Debug, Clone)]
pub struct CountedMessages {
    group: Option<(&'static str, String)>,
    sent_from: String,
    sent_to: String,
    source: Source,
}

impl CountedMessages {
    /// Returns the messages of a period.
    pub fn of_period(period: &Period, source: Source) -> Self {
        let (sent_from, sent_to) = (period.from.to_string(), period.to.to_string());
        Self { group: None, sent_from, sent_to, source }
    }

    /// Returns the console's own messages of a day.
    pub fn of_day(day: Date) -> Self {
        Self::of_period(&Period { from: day, to: day }, Source::Own)
    }

    /// Returns the console's own messages of the hour that begins at `at`.
    pub fn of_hour(at: OffsetDateTime) -> Self {
        let at = at.to_offset(CHINA);
        let minute = |minute| format!("{}T{:02}:{minute}", at.date(), at.hour());
        Self { group: None, sent_from: minute("00"), sent_to: minute("59"), source: Source::Own }
    }

    /// Returns those of them that match another filter.
    pub fn only(self, filter: &'static str, value: String) -> Self {
        Self { group: Some((filter, value)), ..self }
    }

    /// Returns the link to those of them in a state that match these filters; filters without a value
    /// are left out.
    pub fn href(&self, urls: &Urls, state: MessageState, filters: &[(&str, &str)]) -> String {
        let group = self.group.iter().map(|(filter, value)| (*filter, value.as_str()));
        let time = [("sent_from", self.sent_from.as_str()), ("sent_to", self.sent_to.as_str())];
        let all = std::iter::once(("state", state.key()))
            .chain(filters.iter().copied())
            .chain(group)
            .chain(time)
            .chain(std::iter::once(("source", self.source.key())))
            .filter(|(_, value)| !value.is_empty());
        urls.messages_where(&all.collect::<Vec<_>>())
    }
}
