//! Counts of messages, their costs and delivery times.

use std::iter::Sum;
use std::ops::AddAssign;

use super::sending::message::Tally;

/// The counts of a set of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// The number of messages, counted separately: the tally must add up to it.
    pub total: i64,
    /// The same messages by state.
    pub tally: Tally,
    /// Billed parts in mainland China, according to the receipts.
    pub parts: i64,
    /// Billed parts in other countries.
    pub parts_abroad: i64,
    /// The cost of the billed parts whose price is known, in ten-thousandths of a yuan.
    pub known_cost: i64,
    /// Billed parts whose price is not known.
    pub unpriced: i64,
}

impl Counts {
    /// Returns the number of all billed parts.
    pub fn all_parts(&self) -> i64 {
        self.parts + self.parts_abroad
    }

    /// Returns the cost of all billed parts in ten-thousandths of a yuan; `None` if the price of
    /// any is not known.
    pub fn cost(&self) -> Option<i64> {
        (self.unpriced == 0).then_some(self.known_cost)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.total += other.total;
        self.parts += other.parts;
        self.parts_abroad += other.parts_abroad;
        self.known_cost += other.known_cost;
        self.unpriced += other.unpriced;
        self.tally += other.tally;
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        let mut sum = Self::default();
        for counts in all {
            sum += counts;
        }
        sum
    }
}

/// How messages are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The day in China.
    Day,
    /// The hour.
    Hour,
    /// The SMS template.
    Template,
    /// The signature.
    Signature,
    /// The purpose of the template.
    Purpose,
    /// The country of the phone.
    Country,
    /// The batch.
    Batch,
    /// The person who ordered the batch.
    Person,
}

impl By {
    /// All groupings, in the order of the page.
    pub const ALL: [Self; 8] = [
        Self::Day,
        Self::Hour,
        Self::Template,
        Self::Signature,
        Self::Purpose,
        Self::Country,
        Self::Batch,
        Self::Person,
    ];

    /// Returns the name used in URLs, files and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Template => "template",
            Self::Signature => "signature",
            Self::Purpose => "purpose",
            Self::Country => "country",
            Self::Batch => "batch",
            Self::Person => "person",
        }
    }

    /// Parses what [`By::key`] returns.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.key() == key)
    }
}

/// Returns the smallest number of seconds within which `percent` of the messages arrived. Each
/// entry of `times` is an upper bound in seconds and the number of messages that took no longer
/// than that, but longer than the bound before.
pub fn within(times: &[(i32, i64)], percent: i64) -> Option<i32> {
    let total: i64 = times.iter().map(|(_, n)| n).sum();
    let mut arrived = 0;
    times.iter().find_map(|(seconds, n)| {
        arrived += n;
        (arrived > 0 && arrived * 100 >= total * percent).then_some(*seconds)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_arrived_within_the_time_that_is_returned() {
        let times = [(2, 50), (5, 44), (60, 6)];
        assert_eq!(within(&times, 50), Some(2));
        assert_eq!(within(&times, 51), Some(5));
        assert_eq!(within(&times, 95), Some(60));
        assert_eq!(within(&[], 50), None);
    }

    #[test]
    fn the_cost_is_unknown_while_a_price_is_missing() {
        let known = Counts { parts: 10, known_cost: 4_500, ..Counts::default() };
        let unpriced = Counts { parts_abroad: 1, unpriced: 1, ..Counts::default() };
        assert_eq!(known.cost(), Some(4_500));
        assert_eq!([known, known].into_iter().sum::<Counts>().cost(), Some(9_000));
        assert_eq!([known, unpriced].into_iter().sum::<Counts>().cost(), None);
    }
}
