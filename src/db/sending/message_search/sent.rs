//! The filter by the time at which messages count in statistics: when their call left or, for
//! external messages, the time of their receipt.
//!
//! Pages are in the order of ids, which have the time when a message was planned or first reported.
//! Nearly all calls leave within the hour, so most matches lie in the range of ids of that time. The
//! others are found by indexes that contain only them.

use sqlx::{Postgres, QueryBuilder};
use time::{Duration, OffsetDateTime};

use super::MessageQuery;
use super::table::Table;
use super::window::Window;
use crate::domain::ids::first_number_at;

/// The condition of the index `submissions_off_time`: the call left more than an hour after the time
/// in its id, or before it.
pub(super) const SUBMISSION_OFF_TIME: &str =
    "sent_at - id_time(id) not between interval '-1 minute' and interval '1 hour'";
/// The condition of the index `external_messages_off_time`: the receipt was recorded more than ten
/// minutes after its own time, or before it.
pub(super) const EXTERNAL_OFF_TIME: &str = "external_time(receipt_at, recorded_at) - id_time(id) \
     not between interval '-10 minutes' and interval '1 minute'";
/// The order of that index; no other has it.
pub(super) const EXTERNAL_OFF_TIME_ORDER: &str = "id + 0";
/// How far the id of a message may be from that of its submission.
const SLACK: Duration = Duration::MINUTE;

/// A range of times; the beginning is included, the end is not.
#[derive(Debug, Clone, Copy)]
pub(super) struct SentRange {
    since: Option<OffsetDateTime>,
    until: Option<OffsetDateTime>,
}

/// A part of the ids that can match a query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub window: Window,
    /// Whether only what was sent off time is searched.
    pub off_time: bool,
}

impl SentRange {
    pub(super) fn of(query: &MessageQuery) -> Option<Self> {
        let (since, until) = (query.sent_since, query.sent_until);
        (since.is_some() || until.is_some()).then_some(Self { since, until })
    }

    /// Returns the first id of messages on time, and the first one after them.
    pub(super) fn ids(self) -> (i64, i64) {
        let (own, external) = (self.ids_in(Table::Messages), self.ids_in(Table::ExternalMessage));
        (own.0.min(external.0), own.1.max(external.1))
    }

    fn ids_in(self, table: Table) -> (i64, i64) {
        let (before, after) = match table {
            Table::Messages | Table::Outcomes => (Duration::HOUR, Duration::MINUTE),
            Table::ExternalMessage => (Duration::MINUTE, Duration::minutes(10)),
        };
        let from = self.since.map_or(0, |since| first_number_at(since - before - SLACK));
        (from, self.until.map_or(i64::MAX, |until| first_number_at(until + after + SLACK)))
    }

    /// Returns the parts in which messages of a table are searched: everything on time first.
    pub(super) fn parts(self, table: Table, window: Window) -> Vec<Part> {
        let (from, below) = self.ids_in(table);
        let on_time = Part { window: window.within(from, below), off_time: false };
        let off_time = [(0, from), (below, i64::MAX)]
            .map(|(from, below)| Part { window: window.within(from, below), off_time: true });
        let parts = std::iter::once(on_time).chain(off_time);
        parts.filter(|part| !part.window.is_empty()).collect()
    }

    /// Appends the condition that `time` lies in the range.
    pub(super) fn push(self, time: &str, sql: &mut QueryBuilder<Postgres>) {
        let bounds = [(" >= ", self.since), (" < ", self.until)];
        let bounds = bounds.into_iter().filter_map(|(operator, at)| Some((operator, at?)));
        for (n, (operator, at)) in bounds.enumerate() {
            sql.push(if n == 0 { "" } else { " and " });
            sql.push(time).push(operator).push_bind(at);
        }
    }
}
