//! States of batches and submissions, and the rules on when a batch may be sent.

use time::{Duration, OffsetDateTime, Time};

use super::price::Estimate;
use crate::domain::review::Purpose;
use crate::domain::time::CHINA;

/// The state of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "batch_state", rename_all = "snake_case")]
pub enum BatchState {
    /// Being prepared; nothing is queued.
    Draft,
    /// Ordered; waits for a second person's approval.
    AwaitingApproval,
    /// Approved; is sent at its scheduled time.
    Scheduled,
    /// Its submissions are being sent.
    Sending,
    /// Stopped for a [`PauseReason`]; nothing is sent.
    Paused,
    /// Nothing is left to submit; receipts may still arrive.
    Done,
    /// Cancelled; what was already submitted stays sent.
    Cancelled,
}

impl BatchState {
    /// All states, in the order in which a batch passes through them.
    pub const ALL: [Self; 7] = [
        Self::Draft,
        Self::AwaitingApproval,
        Self::Scheduled,
        Self::Sending,
        Self::Paused,
        Self::Done,
        Self::Cancelled,
    ];

    /// Returns the name used in URLs and message keys.
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

    /// Returns whether the batch may still be cancelled.
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

/// The most characters of a template's name in the name of a batch.
const MAX_TEMPLATE_NAME: usize = 46;

/// Returns the name of a batch that nobody has named: what it sends and when it was made, in China.
pub fn default_name(template: &str, made_at: OffsetDateTime) -> String {
    let at = made_at.to_offset(CHINA);
    let template: String = template.chars().take(MAX_TEMPLATE_NAME).collect();
    let (month, day) = (u8::from(at.month()), at.day());
    format!("{template} {month:02}-{day:02} {:02}:{:02}", at.hour(), at.minute())
}

/// Why a batch is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "pause_reason", rename_all = "snake_case")]
pub enum PauseReason {
    /// A person paused it.
    Person,
    /// The [`Package`] that it is sent from is used up (RetCode 18013).
    Balance,
    /// The vendor refuses our keys, project or IP address.
    Permission,
    /// The vendor did not accept calls for a long time.
    VendorUnavailable,
    /// Its scheduled time passed while no process was running.
    MissedSchedule,
    /// Too many of its messages failed.
    Failures,
    /// The vendor refuses the signature, the template or the text, so it would refuse the rest
    /// too.
    Refused,
    /// The trial batch was sent; the rest waits for a person.
    Trial,
    /// The database went back in time, and what was sent since is not known.
    DatabaseWentBack,
}

impl PauseReason {
    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Balance => "balance",
            Self::Permission => "permission",
            Self::VendorUnavailable => "vendor_unavailable",
            Self::MissedSchedule => "missed_schedule",
            Self::Failures => "failures",
            Self::Refused => "refused",
            Self::Trial => "trial",
            Self::DatabaseWentBack => "database_went_back",
        }
    }
}

/// The SMS package that a message is taken from. Each has a balance of its own (USMS manual, SMS
/// packages); a general one stands in for both of the domestic ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Package {
    /// 验证通知类: verification codes and notices.
    Notice,
    /// 营销推广类: marketing.
    Marketing,
    /// 国际及港澳台短信: by country or region.
    International,
}

impl Package {
    /// Returns the package that messages of this purpose are taken from.
    pub fn of(purpose: Purpose, international: bool) -> Self {
        match purpose {
            _ if international => Self::International,
            Purpose::Verification | Purpose::Notice => Self::Notice,
            Purpose::Marketing => Self::Marketing,
        }
    }

    /// Returns the name used in notifications and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Marketing => "marketing",
            Self::International => "international",
        }
    }
}

/// The state of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "submission_state", rename_all = "snake_case")]
pub enum SubmissionState {
    /// Waits to be claimed.
    Ready,
    /// Claimed; its call may be under way.
    InFlight,
    /// The vendor accepted every message.
    Accepted,
    /// The vendor accepted some of the messages.
    Partly,
    /// The vendor accepted none of the messages.
    Refused,
    /// The vendor may or may not have accepted it; the console never repeats the call.
    InDoubt,
    /// Cancelled before it was submitted.
    Cancelled,
}

/// Hours of the day in China during which marketing may be sent (USMS manual: 08:00 to 20:00).
const MARKETING_HOURS: std::ops::Range<u8> = 8..20;

/// Returns whether messages of this purpose may be submitted at `now`.
pub fn may_leave(purpose: Purpose, now: OffsetDateTime) -> bool {
    match purpose {
        Purpose::Verification | Purpose::Notice => true,
        Purpose::Marketing => MARKETING_HOURS.contains(&now.to_offset(CHINA).hour()),
    }
}

/// Returns when messages of this purpose that are ready at `at` may be submitted: then, or when the
/// hours for marketing begin.
pub fn leaves_at(purpose: Purpose, at: OffsetDateTime) -> OffsetDateTime {
    if may_leave(purpose, at) {
        return at;
    }
    let local = at.to_offset(CHINA);
    let opening =
        local.replace_time(Time::MIDNIGHT) + Duration::hours(MARKETING_HOURS.start.into());
    if opening > local { opening } else { opening + Duration::DAY }
}

/// The sizes above which batches of a project need approval.
#[derive(Debug, Clone, Copy, Default)]
pub struct Thresholds {
    /// The number of recipients.
    pub count: Option<i32>,
    /// The expected cost, in ten-thousandths of a yuan. A cost that is not known may be above it.
    pub cost: Option<i64>,
}

/// Returns whether a batch of `total` recipients needs a second person's approval: all marketing
/// does, and so does every batch above a threshold of the project.
pub fn needs_approval(purpose: Purpose, total: i32, expected: &Estimate, over: Thresholds) -> bool {
    match purpose {
        Purpose::Marketing => true,
        Purpose::Verification | Purpose::Notice => {
            over.count.is_some_and(|count| total > count)
                || over.cost.is_some_and(|cost| {
                    expected.known_cost() > cost || !expected.unpriced().is_empty()
                })
        }
    }
}

/// How late a scheduled batch may still be sent; a later one is paused.
pub const SCHEDULE_GRACE: Duration = Duration::minutes(10);

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_batch_that_nobody_has_named_is_called_by_its_template_and_time() {
        let at = datetime!(2026-11-22 23:59:59 UTC);
        assert_eq!(default_name("取件提醒", at), "取件提醒 11-23 07:59");
        assert_eq!(default_name(&"长".repeat(90), at).chars().count(), 58);
    }

    #[test]
    fn marketing_may_be_sent_from_8_to_20_in_china_only() {
        let allowed = |at| may_leave(Purpose::Marketing, at);
        assert!(!allowed(datetime!(2026-11-22 23:59:59 UTC)));
        assert!(allowed(datetime!(2026-11-23 00:00:00 UTC)));
        assert!(allowed(datetime!(2026-11-23 11:59:59 UTC)));
        assert!(!allowed(datetime!(2026-11-23 12:00:00 UTC)));
        assert!(may_leave(Purpose::Notice, datetime!(2026-11-23 18:00:00 UTC)));
    }

    #[test]
    fn marketing_of_the_night_leaves_at_8_in_china() {
        let leaves = |at| leaves_at(Purpose::Marketing, at);
        let eight = datetime!(2026-11-24 08:00 +8);
        assert_eq!(leaves(datetime!(2026-11-23 20:00 +8)), eight);
        assert_eq!(leaves(datetime!(2026-11-24 07:59 +8)), eight);
        assert_eq!(leaves(datetime!(2026-11-24 09:00 +8)), datetime!(2026-11-24 09:00 +8));
        let night = datetime!(2026-11-23 23:00 +8);
        assert_eq!(leaves_at(Purpose::Verification, night), night);
    }

    #[test]
    fn messages_are_taken_from_the_package_of_their_purpose_or_from_an_international_one() {
        assert_eq!(Package::of(Purpose::Verification, false), Package::Notice);
        assert_eq!(Package::of(Purpose::Notice, false), Package::Notice);
        assert_eq!(Package::of(Purpose::Marketing, false), Package::Marketing);
        assert_eq!(Package::of(Purpose::Marketing, true), Package::International);
    }
}
