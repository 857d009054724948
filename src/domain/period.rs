//! Periods that pages count over: whole days in China, today included.

use time::format_description::BorrowedFormatItem;
use time::macros::{date, format_description};
use time::{Date, Duration, OffsetDateTime, Time};

use super::time::CHINA;

/// The format of a day in URLs and files.
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
/// The earliest first day. The service did not exist before.
const EARLIEST: Date = date!(2010 - 01 - 01);
/// The longest period, in days.
pub const MAX_DAYS: i64 = 366;

/// A period with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// Today, since midnight.
    Today,
    /// The day before today.
    Yesterday,
    /// Seven days, today included.
    Week,
    /// Thirty days, today included.
    Thirty,
    /// Ninety days, today included.
    Ninety,
    /// Since the first day of the month.
    Month,
}

impl Named {
    /// All named periods, in the order of the picker.
    pub const ALL: [Self; 6] =
        [Self::Today, Self::Yesterday, Self::Week, Self::Thirty, Self::Ninety, Self::Month];

    /// Returns the name used in URLs and message keys.
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

    /// Parses what [`Named::key`] returns.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|named| named.key() == key)
    }
}

/// Why a period cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeriodProblem {
    /// The first day is not a valid date, or before the service existed.
    From,
    /// The last day is not a valid date.
    To,
    /// It ends before it begins.
    Backwards,
    /// It begins after today.
    Future,
    /// It is longer than [`MAX_DAYS`].
    TooLong,
}

impl PeriodProblem {
    /// Returns the name used in message keys.
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

/// A range of whole days in China.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub from: Date,
    /// The last day, inclusive.
    pub to: Date,
}

impl Period {
    /// Returns the period that a name means at `now`.
    pub fn named(named: Named, now: OffsetDateTime) -> Self {
        let today = day_of(now);
        let last_days = |days| Self { from: today - Duration::days(days - 1), to: today };
        match named {
            Named::Today => last_days(1),
            Named::Yesterday => {
                let day = today - Duration::DAY;
                Self { from: day, to: day }
            }
            Named::Week => last_days(7),
            Named::Thirty => last_days(30),
            Named::Ninety => last_days(90),
            Named::Month => last_days(i64::from(today.day())),
        }
    }

    /// Parses the first and last day as they were typed. An empty last day is today; an empty first
    /// day is the last day.
    ///
    /// # Errors
    /// When a day is not valid, or they make no period that can be shown.
    pub fn typed(from: &str, to: &str, now: OffsetDateTime) -> Result<Self, PeriodProblem> {
        let today = day_of(now);
        let parse = |text: &str, default, problem| match text.trim() {
            "" => Ok(default),
            text => Date::parse(text, DAY).map_err(|_| problem),
        };
        let to = parse(to, today, PeriodProblem::To)?;
        let from = parse(from, to, PeriodProblem::From)?;
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

    /// Returns the number of days.
    pub fn days(self) -> i64 {
        (self.to - self.from).whole_days() + 1
    }

    /// Returns when the period begins.
    pub fn since(self) -> OffsetDateTime {
        midnight(self.from)
    }

    /// Returns when the period ends: the first moment after it.
    pub fn until(self) -> OffsetDateTime {
        self.since() + Duration::days(self.days())
    }

    /// Returns the period of equal length that ends where this one begins.
    pub fn before(self) -> Self {
        let back = Duration::days(self.days());
        Self { from: self.from - back, to: self.to - back }
    }

    /// Returns until when to count the previous period ([`Period::before`]) to compare the two. If
    /// this period is not over at `now`, it is compared with an equally long part of the previous
    /// one.
    pub fn before_until(self, now: OffsetDateTime) -> OffsetDateTime {
        self.until().min(now.max(self.since())) - Duration::days(self.days())
    }
}

/// Returns the day in China.
pub fn day_of(at: OffsetDateTime) -> Date {
    at.to_offset(CHINA).date()
}

/// Returns when a day begins in China.
pub fn midnight(day: Date) -> OffsetDateTime {
    day.with_time(Time::MIDNIGHT).assume_offset(CHINA)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    /// 02:30 on the 24th in China, still the 23rd in UTC.
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
    fn a_running_period_is_compared_with_an_equally_long_part_of_the_previous_one() {
        let today = Period::named(Named::Today, NOW);
        assert_eq!(today.before_until(NOW), datetime!(2026-11-22 18:30 UTC));
        let yesterday = Period::named(Named::Yesterday, NOW);
        assert_eq!(yesterday.before_until(NOW), datetime!(2026-11-22 16:00 UTC));
        assert_eq!(yesterday.before().from, date!(2026 - 11 - 22));
    }

    #[test]
    fn typed_days_make_a_period_or_name_the_problem() {
        let typed = |from, to| Period::typed(from, to, NOW);
        let november = Period { from: date!(2026 - 11 - 01), to: date!(2026 - 11 - 24) };
        assert_eq!(typed("2026-11-01", ""), Ok(november));
        assert_eq!(typed("2026-13-01", ""), Err(PeriodProblem::From));
        assert_eq!(typed("-9999-01-01", "-9999-01-01"), Err(PeriodProblem::From));
        assert_eq!(typed("", "today"), Err(PeriodProblem::To));
        assert_eq!(typed("2026-11-02", "2026-11-01"), Err(PeriodProblem::Backwards));
        assert_eq!(typed("2026-11-25", ""), Err(PeriodProblem::Future));
        assert_eq!(typed("2025-11-23", "2026-11-24"), Err(PeriodProblem::TooLong));
    }

    proptest! {
        #[test]
        fn a_period_has_the_days_that_were_typed(from in -400_i64..10, days in -5_i64..400) {
            let (from, to) = {
                let from = day_of(NOW) + Duration::days(from);
                (from, from + Duration::days(days))
            };
            let expected = if from > day_of(NOW) {
                Err(PeriodProblem::Future)
            } else if days < 0 {
                Err(PeriodProblem::Backwards)
            } else if days >= MAX_DAYS {
                Err(PeriodProblem::TooLong)
            } else {
                Ok(Period { from, to })
            };
            prop_assert_eq!(Period::typed(&from.to_string(), &to.to_string(), NOW), expected);
            if let Ok(period) = expected {
                prop_assert_eq!(period.until() - period.since(), Duration::days(days + 1));
                prop_assert_eq!(period.before().until(), period.since());
                prop_assert!(period.before_until(NOW) <= period.since());
            }
        }

        #[test]
        fn no_text_makes_parsing_panic(from in ".{0,12}", to in "[0-9-]{0,12}") {
            let _ = Period::typed(&from, &to, NOW);
        }
    }
}
