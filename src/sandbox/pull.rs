//! PullUSMSReport: each report is returned once, oldest first, and expires after three days. The
//! action is disabled until `/_admin/pull` enables it; messages that are sent while it
//! is disabled have no report.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde_json::Value;

use super::answer::{Answer, Refusal, code};
use super::journal::Entry;
use super::params::Params;
use super::receipts;
use super::store::World;

/// The largest number of reports that a call returns.
const MAX_LIMIT: usize = 200;
/// The number of reports that a call returns by default.
const DEFAULT_LIMIT: usize = 100;
/// When reports expire, in milliseconds.
const MAX_AGE: i64 = 72 * 60 * 60 * 1_000;

/// Reports that wait to be pulled, by the time they fall due.
#[derive(Debug, Default)]
pub(super) struct Pull {
    open: bool,
    waiting: BinaryHeap<Reverse<(i64, u32)>>,
}

impl Pull {
    /// Enables or disables the action.
    pub(super) fn set_open(&mut self, open: bool) {
        self.open = open;
    }

    /// Stores the report of an accepted message.
    pub(super) fn store(&mut self, due: i64, message: u32) {
        if self.open {
            self.waiting.push(Reverse((due, message)));
        }
    }

    /// Deletes the oldest reports.
    pub(super) fn delete(&mut self, count: usize) {
        for _ in 0..count {
            self.waiting.pop();
        }
    }

    /// Returns the number of stored reports, due or not.
    pub(super) fn stored(&self) -> usize {
        self.waiting.len()
    }
}

/// PullUSMSReport.
pub(super) fn pull(params: &Params, world: &mut World, now: i64) -> Result<Answer, Refusal> {
    if !world.pull.open {
        return Err(Refusal::new(code::NOT_OPENED, "PullUSMSReport is not enabled"));
    }
    let limit = match params.get("Limit") {
        None => DEFAULT_LIMIT,
        Some(limit) => limit.parse().map_err(|_| Refusal::malformed("Limit"))?,
    };
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Refusal::invalid("Limit", "not 1 to 200"));
    }
    let due = take_due(world, limit, now);
    let reports: Vec<Value> =
        due.into_iter().filter_map(|index| receipts::report(world, index, now)).collect();
    Ok(Answer::ok().with("ReportSet", reports))
}

/// Removes reports that are due, at most `limit`, and returns those that have not expired.
fn take_due(world: &mut World, limit: usize, now: i64) -> Vec<u32> {
    let mut taken = Vec::new();
    while taken.len() < limit
        && let Some(Reverse((due, index))) = world.pull.waiting.peek().copied()
        && due <= now
    {
        world.record(Entry::Pulled(1));
        if now - due < MAX_AGE {
            taken.push(index);
        }
    }
    taken
}
