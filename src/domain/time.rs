//! The time zone that the vendor, the carriers, the pages and the files share.

use time::format_description::well_known::Rfc3339;
use time::macros::offset;
use time::{OffsetDateTime, UtcOffset};

/// China's offset from UTC. There has been no daylight saving time since 1991.
pub const CHINA: UtcOffset = offset!(+8);

/// Returns a time as files state it: in China, with its offset, such as `2026-11-29T14:07:11+08:00`.
pub fn rfc3339(at: OffsetDateTime) -> String {
    at.to_offset(CHINA).format(&Rfc3339).unwrap_or_default()
}
