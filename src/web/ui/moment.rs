//! Times as pages show them: in China's time zone, abbreviated where the day is obvious, and in
//! full when hovered.

use std::fmt;

use time::OffsetDateTime;

use crate::domain::time::CHINA;
use crate::web::http::i18n::Texts;

/// The name of the time zone.
pub const ZONE_NAME: &str = "UTC+8";

/// A time as a page shows it.
#[derive(Debug, Clone)]
pub struct Moment {
    local: String,
    short: String,
}

impl Moment {
    /// Creates `at` as seen from `now`.
    pub fn new(at: OffsetDateTime, now: OffsetDateTime, texts: Texts) -> Self {
        let local = local(at);
        let days = (now.to_offset(CHINA).date() - at.to_offset(CHINA).date()).whole_days();
        let short = match days {
            0 => texts.with("time-today", &[("time", local[TIME..].into())]),
            1 => texts.with("time-yesterday", &[("time", local[TIME..SECONDS].into())]),
            _ => local[..SECONDS].to_owned(),
        };
        Self { local, short }
    }

    /// Returns the full time with its zone.
    pub fn full(&self) -> String {
        format!("{} {ZONE_NAME}", self.local)
    }

    /// Returns the short time.
    pub fn short(&self) -> &str {
        &self.short
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { local, short } = self;
        let (day, time) = (&local[..DAY], &local[TIME..]);
        let parts = [
            "<time datetime=\"",
            day,
            "T",
            time,
            "+08:00\" title=\"",
            local,
            " ",
            ZONE_NAME,
            "\">",
            short,
            "</time>",
        ];
        parts.into_iter().try_for_each(|part| f.write_str(part))
    }
}

impl askama::filters::HtmlSafe for Moment {}

/// The byte positions in [`local`] at which the day ends, the time begins and its seconds begin.
const DAY: usize = "2026-11-24".len();
const TIME: usize = DAY + 1;
const SECONDS: usize = "2026-11-24 14:03".len();

/// Formats a time in China, without its zone: `2026-11-24 14:03:22`.
fn local(at: OffsetDateTime) -> String {
    let at = at.to_offset(CHINA);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        at.year().clamp(0, 9999),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// Formats the full time with its zone: `2026-11-24 14:03:22 UTC+8`.
pub fn full(at: OffsetDateTime) -> String {
    format!("{} {ZONE_NAME}", local(at))
}

/// Formats the time of the day in China: `08:00`.
pub fn local_time(at: OffsetDateTime) -> String {
    local(at)[TIME..SECONDS].to_owned()
}

/// Formats the day in China: `2026-11-24`.
pub fn local_day(at: OffsetDateTime) -> String {
    at.to_offset(CHINA).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::http::i18n::Language;
    use time::macros::datetime;

    #[test]
    fn a_time_is_in_china_and_short_when_the_day_is_obvious() {
        let texts = Texts(Language::En);
        let now = datetime!(2026-11-23 18:00 UTC);
        let today = Moment::new(datetime!(2026-11-23 17:03:22 UTC), now, texts);
        assert_eq!(today.full(), "2026-11-24 01:03:22 UTC+8");
        assert!(today.short().contains("01:03:22"));
        let earlier = Moment::new(datetime!(2026-11-20 01:00 UTC), now, texts);
        assert_eq!(earlier.short(), "2026-11-20 09:00");
    }
}
