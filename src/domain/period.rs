//! Spans of time as people ask for them: whole days in China, today included.

use time::format_description::BorrowedFormatItem;
use time::macros::{date, format_description};
use time::{Date, Duration, OffsetDateTime, Time};

use super::batch::china;

/// How a day is written in addresses and files.
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
/// No span begins before the service did.
const EARLIEST: Date = date!(2010 - 01 - 01);
/// No span is longer.
pub const MAX_DAYS: i64 = 366;

/// A span with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// Since midnight.
    Today,
    /// The day before.
    Yesterday,
    /// Seven days, today included.
    Week,
    /// Thirty days, today included.
    Thirty,
    /// Ninety days, today included.
    Ninety,
    /// Since the first of the month.
    Month,
}

impl Named {
    /// All of them, the shortest first.
    pub const ALL: [Self; 6] =
        [Self::Today, Self::Yesterday, Self::Week, Self::Thirty, Self::Ninety, Self::Month];

    /// The name used in addresses and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Yesterday => "yesterday",
            Self::Week => "7d",
            Self::Thirty => "30d",
            Self::Ninety => "90d",
            Self::Month => "month",
        }
    }

    /// Reads [`Named::key`] back.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.key() == key)
    }
}

/// Why a span cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeriodProblem {
    /// The first day is none.
    From,
    /// The last day is none.
    To,
    /// It ends before it begins.
    Backwards,
    /// It begins after today.
    Future,
    /// It is longer than [`MOST_DAYS`].
    TooLong,
}

impl PeriodProblem {
    /// The name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::To => "to",
            Self::Backwards => "backwards",
            Self::Future => "future",
            Self::TooLong => "too-long",
        }
    }
}

/// Days in China, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub from: Date,
    /// The last day, itself included.
    pub to: Date,
}

impl Period {
    /// The span called so, seen from `now`.
    pub fn named(named: Named, now: OffsetDateTime) -> Self {
        let today = day_of(now);
        let back = |days| Self { from: today - Duration::days(days - 1), to: today };
        match named {
            Named::Today => back(1),
            Named::Yesterday => {
                let day = today - Duration::DAY;
                Self { from: day, to: day }
            }
            Named::Week => back(7),
            Named::Thirty => back(30),
            Named::Ninety => back(90),
            Named::Month => back(i64::from(today.day())),
        }
    }

    /// The span between two days as they were typed, both included. A missing last day is today, a
    /// missing first day is the last one.
    pub fn typed(from: &str, to: &str, now: OffsetDateTime) -> Result<Self, PeriodProblem> {
        let today = day_of(now);
        let read = |text: &str, otherwise, problem| match text.trim() {
            "" => Ok(otherwise),
            text => Date::parse(text, DAY).map_err(|_| problem),
        };
        let to = read(to, today, PeriodProblem::To)?;
        let from = read(from, to, PeriodProblem::From)?;
        let period = Self { from, to };
        if from < EARLIEST {
            Err(PeriodProblem::From)
        } else if from > today {
            Err(PeriodProblem::Future)
        } else if from > to {
            Err(PeriodProblem::Backwards)
        } else if period.days() > MAX_DAYS {
            Err(PeriodProblem::TooLong)
        } else {
            Ok(period)
        }
    }

    /// How many days.
    pub fn days(self) -> i64 {
        (self.to - self.from).whole_days() + 1
    }

    /// The first moment.
    pub fn since(self) -> OffsetDateTime {
        midnight(self.from)
    }

    /// The first moment that is not in it any more.
    pub fn until(self) -> OffsetDateTime {
        self.since() + Duration::days(self.days())
    }

    /// As many days right before.
    pub fn before(self) -> Self {
        let back = Duration::days(self.days());
        Self { from: self.from - back, to: self.to - back }
    }

    /// Where the span before ends so that the two can be compared: one that is not over yet is
    /// compared with as much of the one before.
    pub fn before_until(self, now: OffsetDateTime) -> OffsetDateTime {
        self.until().min(now.max(self.since())) - Duration::days(self.days())
    }
}

/// The day in China.
pub fn day_of(at: OffsetDateTime) -> Date {
    at.to_offset(china()).date()
}

/// When a day begins in China.
pub fn midnight(day: Date) -> OffsetDateTime {
    day.with_time(Time::MIDNIGHT).assume_offset(china())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    /// 02:30 of the 24th in China, the evening of the 23rd in UTC.
    const NOW: OffsetDateTime = datetime!(2026-11-23 18:30 UTC);

    #[test]
    fn a_day_begins_at_midnight_in_china() {
        let today = Period::named(Named::Today, NOW);
        assert_eq!(today.since(), datetime!(2026-11-23 16:00 UTC));
        assert_eq!(today.until(), datetime!(2026-11-24 16:00 UTC));
        let month = Period::named(Named::Month, NOW);
        assert_eq!((month.from, month.to), (date!(2026 - 11 - 01), date!(2026 - 11 - 24)));
        assert_eq!(Period::named(Named::Week, NOW).days(), 7);
    }

    #[test]
    fn a_running_span_is_compared_with_as_much_of_the_one_before() {
        let today = Period::named(Named::Today, NOW);
        assert_eq!(today.before_until(NOW), datetime!(2026-11-22 18:30 UTC));
        let yesterday = Period::named(Named::Yesterday, NOW);
        assert_eq!(yesterday.before_until(NOW), datetime!(2026-11-22 16:00 UTC));
        assert_eq!(yesterday.before().from, date!(2026 - 11 - 22));
    }

    #[test]
    fn what_is_typed_is_read_or_named() {
        let typed = |from, to| Period::typed(from, to, NOW);
        let one = Period { from: date!(2026 - 11 - 01), to: date!(2026 - 11 - 24) };
        assert_eq!(typed("2026-11-01", ""), Ok(one));
        assert_eq!(typed("2026-13-01", ""), Err(PeriodProblem::From));
        assert_eq!(typed("-9999-01-01", "-9999-01-01"), Err(PeriodProblem::From));
        assert_eq!(typed("", "today"), Err(PeriodProblem::To));
        assert_eq!(typed("2026-11-02", "2026-11-01"), Err(PeriodProblem::Backwards));
        assert_eq!(typed("2026-11-25", ""), Err(PeriodProblem::Future));
        assert_eq!(typed("2025-11-23", "2026-11-24"), Err(PeriodProblem::TooLong));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_span_panic(from in ".{0,12}", to in "[0-9-]{0,12}") {
            if let Ok(period) = Period::typed(&from, &to, NOW) {
                prop_assert!(period.before_until(NOW) <= period.since());
            }
        }
    }
}
