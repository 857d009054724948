//! Which ids come into question for a page, and which way they are gone through.

use super::MessageQuery;
use crate::domain::ids::{BatchId, MessageId, NUMBERS_A_DAY, first_number_at};

/// The bits of an id below its milliseconds.
pub(super) const SEQUENCE: i64 = (1 << 22) - 1;

/// Numbers of a month.
const A_MONTH: i64 = 31 * NUMBERS_A_DAY;

/// Where a page begins, and so which way it is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    /// At the newest.
    Newest,
    /// With the next older one.
    Below(MessageId),
    /// With the next newer one.
    Above(MessageId),
}

/// Ids that come into question: from the first number on, below the second; from the last of them
/// down, or from the first of them up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub from: i64,
    pub below: i64,
    up: bool,
}

impl Window {
    pub(super) fn of(wanted: &MessageQuery, start: Start) -> Self {
        let from = wanted.since.map_or(0, first_number_at);
        let below = wanted.until.map_or(i64::MAX, first_number_at);
        match start {
            Start::Newest => Self { from, below, up: false },
            Start::Below(id) => Self { from, below: below.min(id.0), up: false },
            Start::Above(id) => Self { from: from.max(id.0.saturating_add(1)), below, up: true },
        }
    }

    /// This one id.
    pub(super) fn at(id: MessageId) -> Self {
        Self { from: id.0, below: id.0.saturating_add(1), up: false }
    }

    /// What of it lies near its beginning: as new as `lately` where that is whatever is the newest,
    /// else within a month.
    pub(super) fn near(self, lately: i64) -> Self {
        if self.up {
            return Self { below: self.below.min(self.from.saturating_add(A_MONTH)), ..self };
        }
        let from = if self.below == i64::MAX { lately } else { self.below - A_MONTH };
        Self { from: self.from.max(from), ..self }
    }

    /// What of it belongs to these submissions: no message is made a day before its own, or after.
    pub(super) fn of_submissions(self, ids: &[i64]) -> Self {
        let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else { return self };
        let below = self.below.min(last.saturating_add(NUMBERS_A_DAY));
        Self { from: self.from.max(first - NUMBERS_A_DAY), below, ..self }
    }

    /// No message is older than the millisecond of its batch.
    pub(super) fn of_batch(self, batch: BatchId, newest: Option<i64>) -> Self {
        let below = newest.map_or(0, |id| id + 1);
        let from = self.from.max(batch.0 & !SEQUENCE);
        Self { from, below: self.below.min(below), ..self }
    }

    /// All ids of the milliseconds in it: what was made in one of them has no order beyond that.
    pub(super) fn whole_milliseconds(self) -> Self {
        let below = ((self.below - 1) | SEQUENCE).saturating_add(1);
        Self { from: self.from & !SEQUENCE, below, ..self }
    }

    /// What of it is reached when it is gone through no further than `edge`.
    pub(super) fn as_far_as(self, edge: Option<i64>) -> Self {
        match edge {
            None => self,
            Some(edge) if self.up => Self { below: self.below.min(edge.saturating_add(1)), ..self },
            Some(edge) => Self { from: self.from.max(edge), ..self },
        }
    }

    pub(super) fn has(self, id: i64) -> bool {
        (self.from..self.below).contains(&id)
    }

    /// Whether the newest come first.
    pub(super) fn is_downward(self) -> bool {
        !self.up
    }

    /// The order in which it is gone through.
    pub(super) fn order(self) -> &'static str {
        if self.up { "asc" } else { "desc" }
    }

    /// The function that picks the id at which going through some of it ended.
    pub(super) fn last(self) -> &'static str {
        if self.up { "max" } else { "min" }
    }

    /// Of two edges the one that is reached first.
    pub(super) fn nearer(self, one: Option<i64>, other: Option<i64>) -> Option<i64> {
        let edges = one.into_iter().chain(other);
        if self.up { edges.min() } else { edges.max() }
    }

    /// The last id before the millisecond of `id`.
    pub(super) fn before_millisecond(self, id: i64) -> i64 {
        if self.up { (id & !SEQUENCE) - 1 } else { (id | SEQUENCE) + 1 }
    }
}
