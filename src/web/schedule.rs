//! Times that people set: the value of a `datetime-local` field, read as a time in China.

use time::format_description::well_known::Iso8601;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use crate::domain::batch::china;

/// Schedules reach this far ahead.
const MAX_DAYS_AHEAD: Duration = Duration::days(90);

/// Reads what was typed. Empty means at once; an error is the key of its sentence.
pub fn read(typed: &str, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, &'static str> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let Ok(local) = PrimitiveDateTime::parse(&typed.replace(' ', "T"), &Iso8601::DEFAULT) else {
        return Err("send-error-schedule");
    };
    let at = local.assume_offset(china());
    if at <= now {
        Err("send-error-schedule-past")
    } else if at > now + MAX_DAYS_AHEAD {
        Err("send-error-schedule-far")
    } else {
        Ok(Some(at))
    }
}

/// A time as the field takes it.
pub fn typed(at: OffsetDateTime) -> String {
    let at = at.to_offset(china());
    format!("{}T{:02}:{:02}", at.date(), at.hour(), at.minute())
}
