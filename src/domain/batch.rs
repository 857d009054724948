//! Batches and their submissions: the states, and who may move them.

use time::{Duration, OffsetDateTime, UtcOffset};

use super::review::Purpose;

/// Where an order to send stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "batch_state", rename_all = "snake_case")]
pub enum BatchState {
    /// Being prepared; nothing is queued.
    Draft,
    /// Ordered; a second person decides.
    AwaitingApproval,
    /// Leaves at its time.
    Scheduled,
    /// Submissions are leaving.
    Sending,
    /// Held, by a person or with a reason; nothing leaves.
    Paused,
    /// Nothing is left to submit; receipts may still come.
    Done,
    /// Called off; what had left stays sent.
    Cancelled,
}

impl BatchState {
    /// The name used in addresses and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Scheduled => "scheduled",
            Self::Sending => "sending",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether a person may still call it off.
    pub fn can_cancel(self) -> bool {
        match self {
            Self::Draft
            | Self::AwaitingApproval
            | Self::Scheduled
            | Self::Sending
            | Self::Paused => true,
            Self::Done | Self::Cancelled => false,
        }
    }
}

/// Why a paused batch is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "hold", rename_all = "snake_case")]
pub enum PauseReason {
    /// A person paused it.
    Person,
    /// The account's balance is used up (RetCode 18013).
    Balance,
    /// The vendor refuses our keys, project or address.
    Permission,
    /// The vendor did not take calls for long.
    VendorUnavailable,
    /// Its time passed while nothing was running.
    MissedSchedule,
    /// Too many of its messages failed.
    Failures,
    /// The vendor refuses the signature, the template or the text: the rest would be refused too.
    Refused,
    /// The first ones have left; a person looks before the rest does.
    Trial,
}

impl PauseReason {
    /// The name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Balance => "balance",
            Self::Permission => "permission",
            Self::VendorUnavailable => "vendor_unavailable",
            Self::MissedSchedule => "missed_schedule",
            Self::Failures => "failures",
            Self::Refused => "refused",
            Self::Trial => "canary",
        }
    }
}

/// Where one API call's worth of messages stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "submission_state", rename_all = "snake_case")]
pub enum SubmissionState {
    /// May be claimed.
    Ready,
    /// Claimed; the call may be running.
    InFlight,
    /// The vendor took all of it.
    Accepted,
    /// The vendor took some of it.
    Partly,
    /// The vendor took none of it.
    Refused,
    /// The call may or may not have been taken: never repeated by the console.
    InDoubt,
    /// Called off before it left.
    Cancelled,
}

/// Marketing leaves between these hours of the day in China (USMS manual: 08:00 to 20:00).
const MARKETING_HOURS: std::ops::Range<u8> = 8..20;

/// China's offset from UTC; there has been no summer time since 1991.
pub fn china() -> UtcOffset {
    UtcOffset::from_hms(8, 0, 0).unwrap_or(UtcOffset::UTC)
}

/// Whether messages of this purpose may leave at `now`.
pub fn may_leave(purpose: Purpose, now: OffsetDateTime) -> bool {
    match purpose {
        Purpose::Verification | Purpose::Notification => true,
        Purpose::Marketing => MARKETING_HOURS.contains(&now.to_offset(china()).hour()),
    }
}

/// Whether a batch of `total` recipients waits for a second person's yes: all marketing does, and
/// whatever is larger than the project's threshold.
pub fn needs_approval(purpose: Purpose, total: i32, over: Option<i32>) -> bool {
    match purpose {
        Purpose::Marketing => true,
        Purpose::Verification | Purpose::Notification => over.is_some_and(|most| total > most),
    }
}

/// A schedule missed by more than this asks instead of firing.
pub const SCHEDULE_GRACE: Duration = Duration::minutes(10);

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn marketing_leaves_from_eight_to_twenty_in_china_only() {
        let open = |at| may_leave(Purpose::Marketing, at);
        assert!(!open(datetime!(2026-11-22 23:59:59 UTC)));
        assert!(open(datetime!(2026-11-23 00:00:00 UTC)));
        assert!(open(datetime!(2026-11-23 11:59:59 UTC)));
        assert!(!open(datetime!(2026-11-23 12:00:00 UTC)));
        assert!(may_leave(Purpose::Notification, datetime!(2026-11-23 18:00:00 UTC)));
    }
}
