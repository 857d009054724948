//! How much may be sent in a day or a month in China.

use std::str::FromStr;

use time::{Date, Duration, OffsetDateTime, Time};

use crate::domain::alert::Unknown;
use crate::domain::ids::{BudgetId, UserId};
use crate::domain::time::CHINA;

/// The time that a budget is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "budget_period", rename_all = "snake_case")]
pub enum BudgetPeriod {
    /// A day, from midnight in China.
    Day,
    /// A calendar month in China.
    Month,
}

impl BudgetPeriod {
    /// All periods.
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    /// Returns the name used in forms and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// Returns the first day of the period that `day` is in.
    pub fn first_day(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Month => day.replace_day(1).unwrap_or(day),
        }
    }

    /// Returns the first day of the next period.
    pub fn next_first_day(self, day: Date) -> Date {
        match self {
            Self::Day => day + Duration::DAY,
            Self::Month => self.first_day(self.first_day(day) + Duration::days(31)),
        }
    }
}

impl FromStr for BudgetPeriod {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|period| period.key() == text).ok_or(Unknown)
    }
}

/// What a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "budget_unit", rename_all = "snake_case")]
pub enum BudgetUnit {
    /// Messages.
    Messages,
    /// Expected costs, in ten-thousandths of a yuan. What has no price costs nothing.
    Yuan,
}

impl BudgetUnit {
    /// All units.
    pub const ALL: [Self; 2] = [Self::Messages, Self::Yuan];

    /// Returns the name used in forms and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Yuan => "yuan",
        }
    }
}

impl FromStr for BudgetUnit {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|unit| unit.key() == text).ok_or(Unknown)
    }
}

/// What an order takes of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// The number of messages.
    pub messages: i32,
    /// The expected cost in ten-thousandths of a yuan.
    pub cost: i64,
}

impl Amount {
    /// Returns how much that is in a unit.
    pub fn of(self, unit: BudgetUnit) -> i64 {
        match unit {
            BudgetUnit::Messages => i64::from(self.messages),
            BudgetUnit::Yuan => self.cost,
        }
    }
}

/// A budget, and what is used of it in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Its id.
    pub id: BudgetId,
    /// Whose orders count; `None` for those of all.
    pub user: Option<UserId>,
    /// The name of that user.
    pub name: Option<String>,
    /// The time that it is for.
    pub period: BudgetPeriod,
    /// What it counts.
    pub unit: BudgetUnit,
    /// The most that may be used.
    pub cap: i64,
    /// Whether it refuses what is over it, instead of asking for an approver.
    pub hard: bool,
    /// What is used, without the order in question.
    pub used: i64,
}

/// How an order stands to a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetVerdict {
    /// It is within the budget.
    Within,
    /// It needs an approver.
    Asks,
    /// It is refused.
    Refused,
}

impl Budget {
    /// Returns how an order stands to the budget.
    pub fn verdict(&self, order: Amount) -> BudgetVerdict {
        match self.used + order.of(self.unit) <= self.cap {
            true => BudgetVerdict::Within,
            false if self.hard => BudgetVerdict::Refused,
            false => BudgetVerdict::Asks,
        }
    }

    /// Returns the share that is used, in percent.
    pub fn percent(&self) -> i64 {
        percent(self.used, self.cap)
    }

    /// Returns the thresholds that an order passes, of 80 and 100 percent.
    pub fn passes(&self, order: Amount) -> impl Iterator<Item = i64> {
        let (before, after) = (self.percent(), percent(self.used + order.of(self.unit), self.cap));
        [80, 100].into_iter().filter(move |at| before < *at && *at <= after)
    }

    /// Returns when it will be used up at the pace since the period began; `None` if the period ends first.
    pub fn used_up_at(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let today = now.to_offset(CHINA).date();
        let midnight = |day: Date| day.with_time(Time::MIDNIGHT).assume_offset(CHINA);
        let begin = midnight(self.period.first_day(today));
        let end = midnight(self.period.next_first_day(today));
        if self.used == 0 {
            return None;
        }
        let elapsed = i128::from((now - begin).whole_seconds().max(1));
        let seconds = elapsed * i128::from(self.cap) / i128::from(self.used);
        let at = begin + Duration::seconds(i64::try_from(seconds).ok()?.min(366 * 86_400));
        (at < end).then_some(at)
    }
}

/// Returns an amount in ten-thousandths of a yuan as people write it, such as `¥1,234.50`.
pub fn yuan(amount: i64) -> String {
    let (whole, rest) = (amount / 10_000, amount % 10_000 / 100);
    let digits = whole.to_string();
    let mut text = String::from("¥");
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text}.{rest:02}")
}

fn percent(used: i64, cap: i64) -> i64 {
    i64::try_from(i128::from(used) * 100 / i128::from(cap.max(1))).unwrap_or(i64::MAX)
}

/// An order that is over a hard budget.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the order is over a budget")]
pub struct OverBudget {
    /// The budget.
    pub budget: Budget,
    /// What the order would take.
    pub order: Amount,
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    fn budget(period: BudgetPeriod, cap: i64, used: i64) -> Budget {
        Budget {
            id: BudgetId(1),
            user: None,
            name: None,
            period,
            unit: BudgetUnit::Messages,
            cap,
            hard: true,
            used,
        }
    }

    #[test]
    fn periods_are_days_and_months_of_china() {
        let last = date!(2026 - 12 - 31);
        assert_eq!(BudgetPeriod::Month.first_day(last), date!(2026 - 12 - 01));
        assert_eq!(BudgetPeriod::Month.next_first_day(last), date!(2027 - 01 - 01));
        let february = date!(2027 - 02 - 01);
        assert_eq!(BudgetPeriod::Month.next_first_day(february), date!(2027 - 03 - 01));
        assert_eq!(BudgetPeriod::Day.next_first_day(last), date!(2027 - 01 - 01));
    }

    #[test]
    fn an_order_is_within_a_cap_up_to_the_last_message() {
        let order = |messages| Amount { messages, cost: 0 };
        let hard = budget(BudgetPeriod::Day, 100, 90);
        assert_eq!(hard.verdict(order(10)), BudgetVerdict::Within);
        assert_eq!(hard.verdict(order(11)), BudgetVerdict::Refused);
        assert_eq!(Budget { hard: false, ..hard }.verdict(order(11)), BudgetVerdict::Asks);
    }

    #[test]
    fn each_threshold_is_passed_once() {
        let passed = |used, messages| {
            let order = Amount { messages, cost: 0 };
            budget(BudgetPeriod::Day, 100, used).passes(order).collect::<Vec<_>>()
        };
        assert_eq!(passed(0, 79), [0_i64; 0]);
        assert_eq!(passed(79, 1), [80]);
        assert_eq!(passed(80, 19), [0_i64; 0]);
        assert_eq!(passed(0, 100), [80, 100]);
        assert_eq!(passed(100, 50), [0_i64; 0]);
    }

    #[test]
    fn the_pace_of_a_period_tells_when_its_budget_is_used_up() {
        // A third of the month has passed.
        let now = datetime!(2026-11-11 00:00 +8);
        let month = |used| budget(BudgetPeriod::Month, 300, used).used_up_at(now);
        assert_eq!(month(100), None, "just enough");
        assert_eq!(month(150), Some(datetime!(2026-11-21 00:00 +8)));
        assert_eq!(month(0), None);
        let noon = datetime!(2026-11-11 12:00 +8);
        let day = budget(BudgetPeriod::Day, 300, 200).used_up_at(noon);
        assert_eq!(day, Some(datetime!(2026-11-11 18:00 +8)));
    }
}
