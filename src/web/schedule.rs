//! Scheduled times: the value of a `datetime-local` field, read as China time.

use time::format_description::well_known::Iso8601;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use crate::domain::time::CHINA;

/// How far ahead a time may be.
const MAX_AHEAD: Duration = Duration::days(90);

/// Reads the typed value; empty means now.
///
/// # Errors
///
/// The text key of what is wrong.
pub fn read(typed: &str, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, &'static str> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let Ok(local) = PrimitiveDateTime::parse(&typed.replace(' ', "T"), &Iso8601::DEFAULT) else {
        return Err("send-error-schedule");
    };
    let at = local.assume_offset(CHINA);
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
