//! What several receipts of one message say together.

use super::sending::message::Outcome;

/// A failed receipt that counts no more, because another one says that the message was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overruled<R> {
    /// The one whose outcome is stored.
    Stored,
    /// One of those that came now.
    Receipt(R),
}

/// What receipts change about a message. A carrier may report a failure and a delivery of the same
/// message, in any order: it is delivered then, and stays so. What was unknown may become anything
/// that is better known. Whatever else comes changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changes<R> {
    outcome: Option<Outcome>,
    /// The receipt that decides the outcome, if it is not the stored one.
    pub deciding: Option<R>,
    /// The first failed receipt beside a delivered one.
    pub overruled: Option<Overruled<R>>,
}

impl<R: Copy> Changes<R> {
    /// Returns no changes of a message whose stored outcome is `known`.
    pub fn of(known: Option<Outcome>) -> Self {
        Self { outcome: known, deciding: None, overruled: None }
    }

    /// Adds a receipt with this outcome. Receipts are added in the order in which they came.
    pub fn add(&mut self, outcome: Outcome, receipt: R) {
        match (self.outcome, outcome) {
            (None, _) | (Some(Outcome::Unknown), Outcome::Delivered | Outcome::Failed) => {
                self.decide(outcome, receipt);
            }
            (Some(Outcome::Failed), Outcome::Delivered) => {
                self.overruled = Some(self.deciding.map_or(Overruled::Stored, Overruled::Receipt));
                self.decide(outcome, receipt);
            }
            (Some(Outcome::Delivered), Outcome::Failed) => {
                self.overruled.get_or_insert(Overruled::Receipt(receipt));
            }
            (
                Some(
                    Outcome::Delivered
                    | Outcome::Failed
                    | Outcome::Unknown
                    | Outcome::Refused
                    | Outcome::Cancelled
                    | Outcome::Suppressed,
                ),
                _,
            ) => {}
        }
    }

    fn decide(&mut self, outcome: Outcome, receipt: R) {
        self.outcome = Some(outcome);
        self.deciding = Some(receipt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Delivered, Failed, Refused, Unknown};

    /// Adds receipts, each named by its position.
    fn changes(known: Option<Outcome>, receipts: &[Outcome]) -> Changes<usize> {
        let mut changes = Changes::of(known);
        for (n, outcome) in receipts.iter().enumerate() {
            changes.add(*outcome, n);
        }
        changes
    }

    #[test]
    fn a_failure_is_overruled_by_a_delivery_whichever_comes_first() {
        let both = changes(None, &[Failed, Delivered]);
        assert_eq!((both.deciding, both.overruled), (Some(1), Some(Overruled::Receipt(0))));
        let both = changes(None, &[Unknown, Delivered, Failed, Failed, Delivered]);
        assert_eq!((both.deciding, both.overruled), (Some(1), Some(Overruled::Receipt(2))));
        let later = changes(Some(Failed), &[Failed, Unknown, Delivered, Failed]);
        assert_eq!((later.deciding, later.overruled), (Some(2), Some(Overruled::Stored)));
        let earlier = changes(Some(Delivered), &[Unknown, Failed, Delivered]);
        assert_eq!((earlier.deciding, earlier.overruled), (None, Some(Overruled::Receipt(1))));
    }

    #[test]
    fn a_repeated_receipt_and_one_of_a_refused_message_change_nothing() {
        for outcome in [Delivered, Failed, Unknown] {
            assert_eq!(changes(Some(outcome), &[outcome]), Changes::of(Some(outcome)));
            assert_eq!(changes(Some(Refused), &[outcome]), Changes::of(Some(Refused)));
        }
        assert_eq!(changes(Some(Failed), &[Unknown]), Changes::of(Some(Failed)));
    }
}
