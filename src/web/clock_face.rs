//! Times as people read them: in China's zone, short where the day is clear, whole on demand.

use std::fmt;

use time::OffsetDateTime;
use time::macros::format_description;

use super::i18n::Words;
use crate::domain::batch::china;

/// How the zone is named.
pub const ZONE_NAME: &str = "UTC+8";

/// A time on a page.
#[derive(Debug, Clone)]
pub struct Moment {
    at: OffsetDateTime,
    short: String,
}

impl Moment {
    /// `at`, seen from `now`.
    pub fn new(at: OffsetDateTime, now: OffsetDateTime, words: Words) -> Self {
        let (there, here) = (at.to_offset(china()), now.to_offset(china()));
        let days = (here.date() - there.date()).whole_days();
        let short = match days {
            0 => words.with("time-today", &[("time", clock(there, true).into())]),
            1 => words.with("time-yesterday", &[("time", clock(there, false).into())]),
            _ => format!("{} {}", there.date(), clock(there, false)),
        };
        Self { at, short }
    }

    /// The whole time with its zone.
    pub fn full(&self) -> String {
        full(self.at)
    }

    /// The short time.
    pub fn short(&self) -> &str {
        &self.short
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.at.to_offset(china());
        let machine = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+08:00");
        let machine = local.format(machine).map_err(|_| fmt::Error)?;
        write!(f, "<time datetime=\"{machine}\" title=\"{}\">{}</time>", self.full(), self.short)
    }
}

impl askama::filters::HtmlSafe for Moment {}

/// The whole time with its zone: `2026-11-24 14:03:22 UTC+8`.
pub fn full(at: OffsetDateTime) -> String {
    let local = at.to_offset(china());
    format!("{} {} {ZONE_NAME}", local.date(), clock(local, true))
}

/// The day in China.
pub fn local_day(at: OffsetDateTime) -> String {
    at.to_offset(china()).date().to_string()
}

fn clock(local: OffsetDateTime, seconds: bool) -> String {
    if seconds {
        format!("{:02}:{:02}:{:02}", local.hour(), local.minute(), local.second())
    } else {
        format!("{:02}:{:02}", local.hour(), local.minute())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::i18n::Language;
    use time::macros::datetime;

    #[test]
    fn a_time_is_shown_in_china_whole_on_demand_and_short_when_the_day_is_clear() {
        let words = Words(Language::En);
        let now = datetime!(2026-11-23 18:00 UTC);
        let today = Moment::new(datetime!(2026-11-23 17:03:22 UTC), now, words);
        assert_eq!(today.full(), "2026-11-24 01:03:22 UTC+8");
        assert!(today.short().contains("01:03:22"));
        let earlier = Moment::new(datetime!(2026-11-20 01:00 UTC), now, words);
        assert_eq!(earlier.short(), "2026-11-20 09:00");
    }
}
