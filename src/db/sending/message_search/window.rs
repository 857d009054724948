//! The range of ids that is searched for a page, and in which direction.

use super::MessageQuery;
use crate::domain::ids::{BatchId, MessageId, NUMBERS_A_DAY, first_number_at};

/// The bits of an id below its milliseconds.
pub(super) const SEQUENCE: i64 = (1 << 22) - 1;

/// The number of ids in 31 days.
const IDS_A_MONTH: i64 = 31 * NUMBERS_A_DAY;

/// Where a page begins, and in which direction it is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    /// At the newest message, downwards.
    Newest,
    /// Below an id, downwards.
    Below(MessageId),
    /// Above an id, upwards.
    Above(MessageId),
}

/// A range of ids: `from` is included, `below` is not. It is searched downwards from its end, or
/// upwards from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub from: i64,
    pub below: i64,
    upward: bool,
}

impl Window {
    pub(super) fn of(query: &MessageQuery, start: Start) -> Self {
        let from = query.since.map_or(0, first_number_at);
        let below = query.until.map_or(i64::MAX, first_number_at);
        match start {
            Start::Newest => Self { from, below, upward: false },
            Start::Below(id) => Self { from, below: below.min(id.0), upward: false },
            Start::Above(id) => {
                Self { from: from.max(id.0.saturating_add(1)), below, upward: true }
            }
        }
    }

    /// Returns the window of one id.
    pub(super) fn at(id: MessageId) -> Self {
        Self { from: id.0, below: id.0.saturating_add(1), upward: false }
    }

    /// Returns the part with these ids: `from` is included, `below` is not.
    pub(super) fn within(self, from: i64, below: i64) -> Self {
        Self { from: self.from.max(from), below: self.below.min(below), ..self }
    }

    pub(super) fn is_empty(self) -> bool {
        self.from >= self.below
    }

    /// Returns the part near the beginning of the ids that may match, from `first` up to before
    /// `end`. What starts at the newest message is cut at `previous_partition`, anything else after a
    /// month.
    pub(super) fn near(self, (first, end): (i64, i64), previous_partition: i64) -> Self {
        let may_match = self.within(first, end);
        if self.upward {
            return self.within(0, may_match.from.saturating_add(IDS_A_MONTH));
        }
        let from = if may_match.below == i64::MAX {
            previous_partition
        } else {
            may_match.below - IDS_A_MONTH
        };
        self.within(from, i64::MAX)
    }

    /// Returns the part that belongs to these submissions: the ids of their messages lie within a
    /// day of their own.
    pub(super) fn of_submissions(self, ids: &[i64]) -> Self {
        let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else { return self };
        let below = self.below.min(last.saturating_add(NUMBERS_A_DAY));
        Self { from: self.from.max(first - NUMBERS_A_DAY), below, ..self }
    }

    /// Returns the part that belongs to a batch whose newest message is `newest`: no message is
    /// older than the millisecond of its batch.
    pub(super) fn of_batch(self, batch: BatchId, newest: Option<i64>) -> Self {
        let below = newest.map_or(0, |id| id + 1);
        let from = self.from.max(batch.0 & !SEQUENCE);
        Self { from, below: self.below.min(below), ..self }
    }

    /// Extends the window to whole milliseconds, since ids within one millisecond have no further
    /// order.
    pub(super) fn whole_milliseconds(self) -> Self {
        let below = ((self.below - 1) | SEQUENCE).saturating_add(1);
        Self { from: self.from & !SEQUENCE, below, ..self }
    }

    /// Returns the part that has been searched if the search stopped at `edge`.
    pub(super) fn as_far_as(self, edge: Option<i64>) -> Self {
        match edge {
            None => self,
            Some(edge) if self.upward => {
                Self { below: self.below.min(edge.saturating_add(1)), ..self }
            }
            Some(edge) => Self { from: self.from.max(edge), ..self },
        }
    }

    pub(super) fn has(self, id: i64) -> bool {
        (self.from..self.below).contains(&id)
    }

    /// Returns whether the newest messages come first.
    pub(super) fn is_downward(self) -> bool {
        !self.upward
    }

    /// Returns the sort order of its direction.
    pub(super) fn order(self) -> &'static str {
        if self.upward { "asc" } else { "desc" }
    }

    /// Returns the aggregate function that yields the last id in its direction.
    pub(super) fn last(self) -> &'static str {
        if self.upward { "max" } else { "min" }
    }

    /// Returns the edge that is reached first.
    pub(super) fn nearer(self, first: Option<i64>, second: Option<i64>) -> Option<i64> {
        let edges = first.into_iter().chain(second);
        if self.upward { edges.min() } else { edges.max() }
    }

    /// Returns the last id before the millisecond of `id`, in its direction.
    pub(super) fn before_millisecond(self, id: i64) -> i64 {
        if self.upward { (id & !SEQUENCE) - 1 } else { (id | SEQUENCE) + 1 }
    }
}
