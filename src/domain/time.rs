//! The time zone that the vendor, the carriers, the pages and the files share.

use time::format_description::well_known::{Iso8601, Rfc3339};
use time::macros::offset;
use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// China's offset from UTC. There has been no daylight saving time since 1991.
pub const CHINA: UtcOffset = offset!(+8);

/// Returns a time as files state it: in China, with its offset, such as `2026-11-29T14:07:11+08:00`.
pub fn rfc3339(at: OffsetDateTime) -> String {
    at.to_offset(CHINA).format(&Rfc3339).unwrap_or_default()
}

/// Reads a typed date and time, such as `2026-12-01T10:00` or `2026-12-01 10:00`. It is in China
/// unless it names another offset, as in `2026-12-01T10:00Z`.
pub fn read(typed: &str) -> Option<OffsetDateTime> {
    let typed = typed.trim().replacen(' ', "T", 1);
    if let Ok(at) = OffsetDateTime::parse(&typed, &Iso8601::DEFAULT) {
        return Some(at);
    }
    // The parser would leave out an offset that it does not understand.
    let (_, clock) = typed.split_once('T')?;
    if !clock.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.')) {
        return None;
    }
    let local = PrimitiveDateTime::parse(&typed, &Iso8601::DEFAULT).ok()?;
    Some(local.assume_offset(CHINA))
}

/// Reads a typed day in China, or a minute, there unless it names another offset. Returns its beginning and
/// its duration.
pub fn span(typed: &str) -> Option<(OffsetDateTime, Duration)> {
    let (at, duration) = if typed.contains(['T', ' ']) {
        (read(typed)?, Duration::MINUTE)
    } else {
        let day = Date::parse(typed, &Iso8601::DATE).ok()?;
        (day.with_time(Time::MIDNIGHT).assume_offset(CHINA), Duration::DAY)
    };
    // Times outside of these years cannot be computed with reliably.
    (1970..9000).contains(&at.year()).then_some((at, duration))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_time_with_an_offset_is_that_time_and_one_without_is_in_china() {
        for (typed, at) in [
            ("2026-12-01T10:00", datetime!(2026-12-01 10:00 +8)),
            (" 2026-12-01 10:00:30 ", datetime!(2026-12-01 10:00:30 +8)),
            ("2026-12-01T10:00Z", datetime!(2026-12-01 10:00 UTC)),
            ("2026-12-01 10:00+00:00", datetime!(2026-12-01 10:00 UTC)),
            ("2026-12-01T10:00+08:00", datetime!(2026-12-01 10:00 +8)),
            ("2026-12-01T10:00:00-05:00", datetime!(2026-12-01 10:00 -5)),
        ] {
            assert_eq!(read(typed), Some(at), "{typed}");
        }
        for unreadable in [
            "2026-12-01",
            "2026-12-01T10:00 CET",
            "2026-12-01T10:00[Asia/Tokyo]",
            "2026-12-01T10:00 08:00",
            "2026-12-01T10:00+99:00",
            "2026-12-01T10:00+8",
            "2026-12-01T10:00z",
            "2026-12-01T10:00-",
            "tomorrow",
        ] {
            assert_eq!(read(unreadable), None, "{unreadable}");
        }
    }

    #[test]
    fn a_day_lasts_24_hours_and_a_time_one_minute() {
        let day = (datetime!(2026-11-16 16:00 UTC), Duration::DAY);
        assert_eq!(span("2026-11-17"), Some(day));
        let minute = (datetime!(2026-11-17 06:30 UTC), Duration::MINUTE);
        assert_eq!(span("2026-11-17T14:30"), Some(minute));
        assert_eq!(span("2026-11-17 14:30"), Some(minute));
        let abroad = (datetime!(2026-11-17 14:30 UTC), Duration::MINUTE);
        assert_eq!(span("2026-11-17T14:30Z"), Some(abroad));
        assert_eq!(span("2026-11-17T14:30+00:00"), Some(abroad));
        assert_eq!(span("2026-11-17T14:30+08:00"), Some(minute));
        assert_eq!(span("2026-11-17T14:30 08:00"), None, "a plus sign in a link is a space");
        for wrong in ["2026-13-01", "yesterday", "2026", "9999-12-31", "-001-01-01", ""] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }
}
