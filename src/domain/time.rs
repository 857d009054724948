//! The time zone that the vendor, the carriers and the pages share.

use time::UtcOffset;
use time::macros::offset;

/// China's offset from UTC. There has been no daylight saving time since 1991.
pub const CHINA: UtcOffset = offset!(+8);
