//! The vendor's review of signatures and templates.

pub mod file;
pub mod finding;
pub mod imported;
pub mod signature;
pub mod sms_template;
pub mod topics;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime, Weekday};

use super::time::CHINA;

/// The review status of a signature or template (USMS API reference, QueryUSMSSignature: `Status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "review_status", rename_all = "snake_case")]
pub enum ReviewStatus {
    /// Submitted; nobody has looked at it yet.
    Waiting,
    /// A reviewer is looking at it.
    InReview,
    /// It may be used.
    Approved,
    /// Refused with a reason; can be fixed and resubmitted.
    Rejected,
    /// Switched off by the platform.
    Disabled,
}

impl ReviewStatus {
    /// All statuses, in the vendor's order.
    pub const ALL: [Self; 5] =
        [Self::Waiting, Self::InReview, Self::Approved, Self::Rejected, Self::Disabled];

    /// Converts the vendor's number, 0 to 4.
    pub fn from_vendor(status: i64) -> Option<Self> {
        usize::try_from(status).ok().and_then(|index| Self::ALL.get(index)).copied()
    }

    /// Returns the name used in URLs and message keys.
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
    /// Returns whether the review is not over yet.
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
    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Template => "template",
        }
    }
}

/// The hours in China at which reviewers work, on working days (USMS manual).
const REVIEW_HOURS: std::ops::Range<u8> = 9..18;
/// The interval between queries of a status that is not under review: the vendor can disable what
/// is approved, or change another decision.
const DECIDED_INTERVAL: Duration = Duration::DAY;
/// The factor by which queries are rarer outside of review hours.
const OFF_HOURS_FACTOR: i32 = 4;

/// Returns whether reviewers are at work. Public holidays are not known.
pub fn in_review_hours(at: OffsetDateTime) -> bool {
    let local = at.to_offset(CHINA);
    !matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday)
        && REVIEW_HOURS.contains(&local.hour())
}

/// Returns how long to wait before the vendor is queried again about something that has had its
/// status for `age`. `interval` is the wait for a new application within review hours.
pub fn next_look(
    status: ReviewStatus,
    age: Duration,
    interval: Duration,
    now: OffsetDateTime,
) -> Duration {
    if !status.is_open() {
        return DECIDED_INTERVAL;
    }
    let age_factor: i32 = if age < Duration::hours(9) {
        1
    } else if age < Duration::days(3) {
        5
    } else {
        30
    };
    let hours_factor = if in_review_hours(now) { 1 } else { OFF_HOURS_FACTOR };
    (interval * age_factor * hours_factor).min(DECIDED_INTERVAL)
}

/// The purpose of a template (USMS API reference, CreateUSMSTemplate: `Purpose`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "purpose", rename_all = "snake_case")]
pub enum Purpose {
    /// A code that proves that a phone is one's own.
    Verification,
    /// A notice about something between recipient and sender, such as an order.
    Notice,
    /// Advertising: sent from 08:00 to 20:00 only, with a way to opt out, and approved by a second
    /// person.
    Marketing,
}

impl Purpose {
    /// All purposes, in the vendor's order.
    pub const ALL: [Self; 3] = [Self::Verification, Self::Notice, Self::Marketing];

    /// Returns the vendor's number, 1 to 3.
    pub fn number(self) -> u8 {
        match self {
            Self::Verification => 1,
            Self::Notice => 2,
            Self::Marketing => 3,
        }
    }

    /// Parses what [`Purpose::key`] returns, or the vendor's number.
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.key() == text || purpose.number().to_string() == text)
    }

    /// Converts the vendor's number, 1 to 3.
    pub fn from_vendor(purpose: i64) -> Option<Self> {
        match purpose {
            1 => Some(Self::Verification),
            2 => Some(Self::Notice),
            3 => Some(Self::Marketing),
            _ => None,
        }
    }

    /// Returns the name used in URLs and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Notice => "notice",
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
    fn reviewers_work_on_working_days_from_9_to_18_in_china() {
        assert!(in_review_hours(datetime!(2026-11-24 01:00 UTC)));
        assert!(!in_review_hours(datetime!(2026-11-24 00:59 UTC)));
        assert!(!in_review_hours(datetime!(2026-11-24 10:00 UTC)));
        assert!(!in_review_hours(datetime!(2026-11-28 03:00 UTC)), "a Saturday");
    }

    #[test]
    fn queries_are_rarer_outside_of_review_hours_and_with_age() {
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
