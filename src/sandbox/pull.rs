//! PullUSMSReport: reports are handed out once, oldest first, and kept for three days. It is closed
//! until it is opened at the back door; what is sent while it is closed is not kept for it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde_json::Value;

use super::answer::{Answer, Refusal, code};
use super::journal::Entry;
use super::params::Params;
use super::receipts;
use super::store::World;

/// How many reports one call hands out.
const LIMIT: usize = 200;
/// How many, when the call does not say.
const USUAL_LIMIT: usize = 100;
/// How long reports are kept, in milliseconds.
const KEPT: i64 = 72 * 60 * 60 * 1_000;

/// Reports that wait to be pulled, by the time they fall due.
#[derive(Debug, Default)]
pub(super) struct Pull {
    open: bool,
    waiting: BinaryHeap<Reverse<(i64, u32)>>,
}

impl Pull {
    pub(super) fn open(&mut self, open: bool) {
        self.open = open;
    }

    /// Keeps the report of a message that was taken.
    pub(super) fn keep(&mut self, due: i64, message: u32) {
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

    /// How many are kept, due or not.
    pub(super) fn kept(&self) -> usize {
        self.waiting.len()
    }
}

pub(super) fn pull(params: &Params, world: &mut World, now: i64) -> Result<Answer, Refusal> {
    if !world.pull.open {
        return Err(Refusal::new(code::NOT_OPENED, "PullUSMSReport is not enabled"));
    }
    let limit = match params.get("Limit") {
        None => USUAL_LIMIT,
        Some(limit) => limit.parse().map_err(|_| Refusal::malformed("Limit"))?,
    };
    if !(1..=LIMIT).contains(&limit) {
        return Err(Refusal::invalid("Limit", "not 1 to 200"));
    }
    let due = taken(world, limit, now);
    let reports: Vec<Value> =
        due.into_iter().filter_map(|index| receipts::report(world, index, now)).collect();
    Ok(Answer::ok().with("ReportSet", reports))
}

/// Takes out reports that are due and not too old.
fn taken(world: &mut World, limit: usize, now: i64) -> Vec<u32> {
    let mut taken = Vec::new();
    while taken.len() < limit
        && let Some(Reverse((due, index))) = world.pull.waiting.peek().copied()
        && due <= now
    {
        world.record(Entry::Pulled(1));
        if now - due < KEPT {
            taken.push(index);
        }
    }
    taken
}
