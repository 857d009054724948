//! What people are notified of outside of the pages, whom, and when.

use std::fmt;
use std::str::FromStr;

use time::{Duration, OffsetDateTime, Time};

use super::accounts::role::Role;
use super::ids::{RobotId, UserId};
use super::sending::batch::PauseReason;
use super::time::CHINA;

/// What people can be notified of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "alert_event", rename_all = "snake_case")]
pub enum AlertEvent {
    /// A batch waits for a second person.
    AwaitingApproval,
    /// A batch was sent back to who ordered it.
    SentBack,
    /// A trial batch was sent, and the rest waits for a person.
    TrialAsks,
    /// The console paused a batch for another reason than the ones below.
    BatchPaused,
    /// All outcomes of a batch are known, and many are failures.
    BatchFinished,
    /// The time of a batch was missed.
    MissedTime,
    /// Many messages are in doubt.
    InDoubt,
    /// The vendor decided about a signature or a template.
    ReviewDecided,
    /// The vendor's pushes do not arrive.
    PushesMissing,
    /// An SMS package is used up (RetCode 18013).
    PackageEmpty,
    /// The vendor refuses the keys.
    KeysRefused,
    /// Four fifths of a budget are used.
    #[sqlx(rename = "budget_80")]
    Budget80,
    /// A budget is used up.
    #[sqlx(rename = "budget_100")]
    Budget100,
    /// A member signed in with a browser for the first time.
    NewDevice,
    /// A member, a role or the keys were changed.
    AccessChanged,
    /// The database was rolled back to an earlier time.
    DatabaseWentBack,
    /// The database has no standby any more.
    StandbyLost,
}

impl AlertEvent {
    /// All events, in the order of the settings page.
    pub const ALL: [Self; 17] = [
        Self::AwaitingApproval,
        Self::SentBack,
        Self::TrialAsks,
        Self::BatchPaused,
        Self::MissedTime,
        Self::BatchFinished,
        Self::InDoubt,
        Self::PackageEmpty,
        Self::KeysRefused,
        Self::Budget80,
        Self::Budget100,
        Self::ReviewDecided,
        Self::PushesMissing,
        Self::NewDevice,
        Self::AccessChanged,
        Self::DatabaseWentBack,
        Self::StandbyLost,
    ];

    /// Returns the name used in forms and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::AwaitingApproval => "awaiting_approval",
            Self::SentBack => "sent_back",
            Self::TrialAsks => "trial_asks",
            Self::BatchPaused => "batch_paused",
            Self::BatchFinished => "batch_finished",
            Self::MissedTime => "missed_time",
            Self::InDoubt => "in_doubt",
            Self::ReviewDecided => "review_decided",
            Self::PushesMissing => "pushes_missing",
            Self::PackageEmpty => "package_empty",
            Self::KeysRefused => "keys_refused",
            Self::Budget80 => "budget_80",
            Self::Budget100 => "budget_100",
            Self::NewDevice => "new_device",
            Self::AccessChanged => "access_changed",
            Self::DatabaseWentBack => "database_went_back",
            Self::StandbyLost => "standby_lost",
        }
    }

    /// Returns the event of a batch that the console pauses; `None` if a person paused it.
    pub fn of_pause(reason: PauseReason) -> Option<Self> {
        match reason {
            PauseReason::Person => None,
            PauseReason::Balance => Some(Self::PackageEmpty),
            PauseReason::Permission => Some(Self::KeysRefused),
            PauseReason::MissedSchedule => Some(Self::MissedTime),
            PauseReason::Trial => Some(Self::TrialAsks),
            PauseReason::VendorUnavailable
            | PauseReason::Failures
            | PauseReason::Refused
            | PauseReason::DatabaseWentBack => Some(Self::BatchPaused),
        }
    }

    /// Returns whether people are notified of it at any hour: nothing is sent, or records may be lost,
    /// until somebody acts.
    pub fn ignores_quiet_hours(self) -> bool {
        match self {
            Self::KeysRefused | Self::PackageEmpty | Self::DatabaseWentBack | Self::StandbyLost => {
                true
            }
            Self::AwaitingApproval
            | Self::SentBack
            | Self::TrialAsks
            | Self::BatchPaused
            | Self::BatchFinished
            | Self::MissedTime
            | Self::InDoubt
            | Self::ReviewDecided
            | Self::PushesMissing
            | Self::Budget80
            | Self::Budget100
            | Self::NewDevice
            | Self::AccessChanged => false,
        }
    }

    /// Returns whether every channel gets it while there is no rule: a sign-in needs nobody.
    pub fn is_notified_by_default(self) -> bool {
        self != Self::NewDevice
    }
}

/// The error of a text that is none of the expected values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown value")]
pub struct Unknown;

impl FromStr for AlertEvent {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|event| event.key() == text).ok_or(Unknown)
    }
}

/// The product whose group a robot is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "robot_kind", rename_all = "snake_case")]
pub enum RobotKind {
    /// 企业微信.
    Wecom,
    /// 钉钉.
    Dingtalk,
    /// 飞书.
    Feishu,
}

impl RobotKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Wecom, Self::Dingtalk, Self::Feishu];

    /// Returns the name used in forms and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Wecom => "wecom",
            Self::Dingtalk => "dingtalk",
            Self::Feishu => "feishu",
        }
    }
}

impl FromStr for RobotKind {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|kind| kind.key() == text).ok_or(Unknown)
    }
}

/// Who is notified, and how. In forms it is written `role:approver` or `robot:g-…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertTarget {
    /// Nobody: nobody is notified, also not by default.
    Nobody,
    /// The webhook of the project.
    Webhook,
    /// The email addresses of the project.
    Addresses,
    /// A group robot.
    Robot(RobotId),
    /// Members with this role or a higher one, by email.
    Role(Role),
    /// A member, by email.
    Person(UserId),
}

impl AlertTarget {
    /// Returns the name used in the database and in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Webhook => "webhook",
            Self::Addresses => "addresses",
            Self::Robot(_) => "robot",
            Self::Role(_) => "role",
            Self::Person(_) => "person",
        }
    }
}

impl fmt::Display for AlertTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())?;
        match self {
            Self::Nobody | Self::Webhook | Self::Addresses => Ok(()),
            Self::Robot(id) => write!(f, ":{id}"),
            Self::Role(role) => write!(f, ":{role}"),
            Self::Person(id) => write!(f, ":{id}"),
        }
    }
}

impl FromStr for AlertTarget {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        let (kind, of) = text.split_once(':').unwrap_or((text, ""));
        match (kind, of) {
            ("nobody", "") => Ok(Self::Nobody),
            ("webhook", "") => Ok(Self::Webhook),
            ("addresses", "") => Ok(Self::Addresses),
            ("robot", id) => id.parse().map(Self::Robot).map_err(|_| Unknown),
            ("role", role) => role.parse().map(Self::Role).map_err(|_| Unknown),
            ("person", id) => id.parse().map(Self::Person).map_err(|_| Unknown),
            _ => Err(Unknown),
        }
    }
}

/// The hours of the day in China in which people are notified of urgent things only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// When they begin.
    pub from: Time,
    /// When they end; there are none if this is when they begin.
    pub to: Time,
}

impl QuietHours {
    /// Returns when the quiet hours end that `now` is in; `None` if it is in none.
    pub fn end(self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let local = now.to_offset(CHINA);
        let time = local.time();
        let is_quiet = if self.from <= self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        };
        let is_tomorrow = self.from > self.to && time >= self.from;
        let end = local.replace_time(self.to) + Duration::days(i64::from(is_tomorrow));
        is_quiet.then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{datetime, time};

    use super::*;

    #[test]
    fn every_value_survives_a_form() {
        for event in AlertEvent::ALL {
            assert_eq!(event.key().parse(), Ok(event));
        }
        for target in [
            AlertTarget::Nobody,
            AlertTarget::Webhook,
            AlertTarget::Addresses,
            AlertTarget::Robot(RobotId(7)),
            AlertTarget::Role(Role::Approver),
            AlertTarget::Person(UserId(7)),
        ] {
            assert_eq!(target.to_string().parse(), Ok(target));
        }
        for wrong in ["", "role", "role:king", "robot:u-0000000000007", "webhook:1"] {
            assert_eq!(wrong.parse::<AlertTarget>(), Err(Unknown), "{wrong}");
        }
    }

    #[test]
    fn quiet_hours_end_on_the_next_morning_or_the_same_day() {
        let night = QuietHours { from: time!(22:00), to: time!(8:00) };
        let morning = datetime!(2026-12-01 8:00 +8);
        assert_eq!(night.end(datetime!(2026-11-30 22:00 +8)), Some(morning));
        assert_eq!(night.end(datetime!(2026-11-30 15:59:59 UTC)), Some(morning), "before midnight");
        assert_eq!(night.end(datetime!(2026-11-30 16:00 UTC)), Some(morning), "at midnight");
        assert_eq!(night.end(datetime!(2026-12-01 7:59 +8)), Some(morning));
        assert_eq!(night.end(morning), None);
        let noon = QuietHours { from: time!(12:00), to: time!(13:30) };
        assert_eq!(noon.end(datetime!(2026-12-01 12:10 +8)), Some(datetime!(2026-12-01 13:30 +8)));
        assert_eq!(noon.end(datetime!(2026-12-01 13:30 +8)), None);
        let none = QuietHours { from: time!(0:00), to: time!(0:00) };
        assert_eq!(none.end(datetime!(2026-12-01 0:00 +8)), None);
    }
}
