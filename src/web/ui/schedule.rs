//! Scheduled times: the value of a `datetime-local` field, read as China time unless it names a zone.

use time::{Duration, OffsetDateTime};

use crate::domain::time::{self as china, CHINA};

/// How far ahead a time may be.
const MAX_AHEAD: Duration = Duration::days(90);

/// Reads the typed value; empty means now.
///
/// # Errors
///
/// The text key of what is wrong.
pub fn read(typed: &str, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, &'static str> {
    if typed.trim().is_empty() {
        return Ok(None);
    }
    let at = china::read(typed).ok_or("send-error-schedule")?;
    if at <= now {
        Err("send-error-schedule-past")
    } else if at > now + MAX_AHEAD {
        Err("send-error-schedule-far")
    } else {
        Ok(Some(at))
    }
}

/// Returns a time as the value of the field.
pub fn typed(at: OffsetDateTime) -> String {
    let at = at.to_offset(CHINA);
    format!("{}T{:02}:{:02}", at.date(), at.hour(), at.minute())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_time_with_a_zone_is_that_time_and_one_without_is_in_china() {
        let now = datetime!(2026-11-29 00:00 UTC);
        let at = |typed: &str| read(typed, now).unwrap().unwrap();
        assert_eq!(at("2026-12-01T10:00"), datetime!(2026-12-01 10:00 +8));
        assert_eq!(at("2026-12-01 10:00"), datetime!(2026-12-01 10:00 +8));
        assert_eq!(at("2026-12-01T10:00Z"), datetime!(2026-12-01 10:00 UTC));
        assert_eq!(at("2026-12-01T10:00+00:00"), datetime!(2026-12-01 10:00 UTC));
        assert_eq!(at("2026-12-01T10:00:00-05:00"), datetime!(2026-12-01 10:00 -5));
        for unreadable in ["2026-12-01T10:00 CET", "2026-12-01T10:00[Asia/Tokyo]", "tomorrow"] {
            assert_eq!(read(unreadable, now), Err("send-error-schedule"), "{unreadable}");
        }
    }
}
