//! The vendor's review of signatures and templates.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime, Weekday};

use super::batch::china;

/// Where a signature or template stands (USMS API reference, QueryUSMSSignature: `Status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "review_status", rename_all = "snake_case")]
pub enum ReviewStatus {
    /// Handed in, not looked at yet.
    Waiting,
    /// Being looked at.
    InReview,
    /// May be sent with.
    Approved,
    /// Refused with a reason; can be mended and handed in again.
    Rejected,
    /// Switched off by the platform.
    Disabled,
}

impl ReviewStatus {
    /// All statuses, in the vendor's order.
    pub const ALL: [Self; 5] =
        [Self::Waiting, Self::InReview, Self::Approved, Self::Rejected, Self::Disabled];

    /// Reads the vendor's number, 0 to 4.
    pub fn from_vendor(status: i64) -> Option<Self> {
        usize::try_from(status).ok().and_then(|index| Self::ALL.get(index)).copied()
    }

    /// The name used in addresses and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Disabled => "disabled",
        }
    }
}

impl ReviewStatus {
    /// Whether the vendor has still to decide.
    pub fn is_open(self) -> bool {
        match self {
            Self::Waiting | Self::InReview => true,
            Self::Approved | Self::Rejected | Self::Disabled => false,
        }
    }
}

/// What is reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(type_name = "review_subject", rename_all = "snake_case")]
pub enum Subject {
    /// A signature.
    Signature,
    /// An SMS template.
    Template,
}

impl Subject {
    /// The name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Template => "template",
        }
    }
}

/// Reviewers work on working days between these hours in China (USMS manual).
const REVIEW_HOURS: std::ops::Range<u8> = 9..18;
/// What is not under review is looked at this often: approved ones can be disabled later, and the
/// vendor may change its mind.
const SETTLED_LOOK: Duration = Duration::DAY;
/// Outside of review hours looks are this much rarer.
const OFF_HOURS: i32 = 4;

/// Whether reviewers are at work. Public holidays are not known.
pub fn in_review_hours(at: OffsetDateTime) -> bool {
    let there = at.to_offset(china());
    !matches!(there.weekday(), Weekday::Saturday | Weekday::Sunday)
        && REVIEW_HOURS.contains(&there.hour())
}

/// How long to wait before the vendor is asked about something again that has had its status for
/// `age`. `often` is the wait for what was just handed in, within review hours.
pub fn next_look(
    status: ReviewStatus,
    age: Duration,
    often: Duration,
    now: OffsetDateTime,
) -> Duration {
    if !status.is_open() {
        return SETTLED_LOOK;
    }
    let slower: i32 = if age < Duration::hours(9) {
        1
    } else if age < Duration::days(3) {
        5
    } else {
        30
    };
    let off = if in_review_hours(now) { 1 } else { OFF_HOURS };
    (often * slower * off).min(SETTLED_LOOK)
}

/// What a template is for (USMS API reference, CreateUSMSTemplate: `Purpose`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "purpose", rename_all = "snake_case")]
pub enum Purpose {
    /// A code that proves a phone.
    Verification,
    /// A notice about something the person has with the sender.
    Notification,
    /// Advertising: only 08:00 to 20:00, with a way to unsubscribe, approved by a second person.
    Marketing,
}

impl Purpose {
    /// All purposes, in the vendor's order.
    pub const ALL: [Self; 3] = [Self::Verification, Self::Notification, Self::Marketing];

    /// The vendor's number, 1 to 3.
    pub fn number(self) -> u8 {
        match self {
            Self::Verification => 1,
            Self::Notification => 2,
            Self::Marketing => 3,
        }
    }

    /// Reads the name used in addresses, or the vendor's number.
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.key() == text || one.number().to_string() == text)
    }

    /// Reads the vendor's number, 1 to 3.
    pub fn from_vendor(purpose: i64) -> Option<Self> {
        match purpose {
            1 => Some(Self::Verification),
            2 => Some(Self::Notification),
            3 => Some(Self::Marketing),
            _ => None,
        }
    }

    /// The name used in addresses and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Notification => "notice",
            Self::Marketing => "marketing",
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    /// A Tuesday, 15:00 in China.
    const AT_WORK: OffsetDateTime = datetime!(2026-11-24 07:00 UTC);
    const OFTEN: Duration = Duration::minutes(2);

    #[test]
    fn reviewers_work_on_working_days_from_nine_to_eighteen_in_china() {
        assert!(in_review_hours(datetime!(2026-11-24 01:00 UTC)));
        assert!(!in_review_hours(datetime!(2026-11-24 00:59 UTC)));
        assert!(!in_review_hours(datetime!(2026-11-24 10:00 UTC)));
        assert!(!in_review_hours(datetime!(2026-11-28 03:00 UTC)), "a Saturday");
    }

    #[test]
    fn looks_are_often_in_review_hours_seldom_outside_and_slower_with_age() {
        let wait = |status, age, now| next_look(status, age, OFTEN, now);
        let fresh = Duration::minutes(1);
        let night = datetime!(2026-11-24 16:00 UTC);
        assert_eq!(wait(ReviewStatus::Waiting, fresh, AT_WORK), OFTEN);
        assert_eq!(wait(ReviewStatus::InReview, fresh, night), OFTEN * 4);
        assert_eq!(wait(ReviewStatus::InReview, Duration::days(1), AT_WORK), OFTEN * 5);
        assert_eq!(wait(ReviewStatus::Waiting, Duration::days(9), AT_WORK), OFTEN * 30);
        for status in [ReviewStatus::Approved, ReviewStatus::Rejected, ReviewStatus::Disabled] {
            assert_eq!(wait(status, fresh, AT_WORK), Duration::DAY);
        }
    }
}
