//! What is counted of messages, and what is said about the counts.

use std::iter::Sum;
use std::ops::AddAssign;

use super::message::{MessageState, Tally};

/// Counts of some messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages, counted on their own: the tally must come to it.
    pub total: i64,
    /// The same messages by state.
    pub tally: Tally,
    /// Billed pieces in mainland China, as receipts say.
    pub parts: i64,
    /// Billed pieces abroad.
    pub parts_abroad: i64,
    /// What the billed pieces whose price is known cost, in ten-thousandths of a yuan.
    pub known_cost: i64,
    /// Billed pieces whose price is not known.
    pub unpriced: i64,
}

impl Counts {
    /// All billed pieces.
    pub fn all_parts(&self) -> i64 {
        self.parts + self.parts_abroad
    }

    /// What the billed pieces cost in ten-thousandths of a yuan; `None` while a price that is
    /// needed is not known.
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
        for state in MessageState::ALL {
            *self.tally.of_mut(state) += other.tally.of(state);
        }
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        let mut sum = Self::default();
        for one in all {
            sum += one;
        }
        sum
    }
}

/// What messages are grouped by.
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
    /// What the template is for.
    Purpose,
    /// The country of the phone.
    Country,
    /// The batch.
    Batch,
    /// Who ordered it.
    Person,
}

impl By {
    /// All of them.
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

    /// The name used in addresses, files and message keys.
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

    /// Reads [`By::key`] back.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.key() == key)
    }
}

/// The smallest number of seconds within which `percent` of the messages arrived. Each entry is a
/// number of seconds and how many took no longer, but longer than the entry before.
pub fn within(times: &[(i32, i64)], percent: i64) -> Option<i32> {
    let all: i64 = times.iter().map(|(_, n)| n).sum();
    let mut so_far = 0;
    times.iter().find_map(|(seconds, n)| {
        so_far += n;
        (so_far > 0 && so_far * 100 >= all * percent).then_some(*seconds)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_messages_arrive_within_the_time_that_is_said() {
        let times = [(2, 50), (5, 44), (60, 6)];
        assert_eq!(within(&times, 50), Some(2));
        assert_eq!(within(&times, 51), Some(5));
        assert_eq!(within(&times, 95), Some(60));
        assert_eq!(within(&[], 50), None);
    }

    #[test]
    fn no_cost_is_said_while_a_price_that_is_needed_is_missing() {
        let known = Counts { parts: 10, known_cost: 4_500, ..Counts::default() };
        let not = Counts { parts_abroad: 1, unpriced: 1, ..Counts::default() };
        assert_eq!(known.cost(), Some(4_500));
        assert_eq!([known, known].into_iter().sum::<Counts>().cost(), Some(9_000));
        assert_eq!([known, not].into_iter().sum::<Counts>().cost(), None);
    }
}
