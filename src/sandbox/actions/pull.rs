//! PullUSMSReport: each report is returned once, oldest first, and expires after three days. The
//! action is disabled until `/_admin/pull` enables it; messages that are sent while it
//! is disabled have no report.

use serde_json::Value;

use super::receipts;
use crate::sandbox::answer::{Answer, Refusal, code};
use crate::sandbox::params::Params;
use crate::sandbox::state::journal::Entry;
use crate::sandbox::state::store::World;

/// The largest number of reports that a call returns.
const MAX_LIMIT: usize = 200;
/// The number of reports that a call returns by default.
const DEFAULT_LIMIT: usize = 100;
/// When reports expire, in milliseconds.
const MAX_AGE: i64 = 72 * 60 * 60 * 1_000;

/// PullUSMSReport.
pub(in crate::sandbox) fn pull(
    params: &Params,
    world: &mut World,
    now: i64,
) -> Result<Answer, Refusal> {
    if !world.pull.is_open() {
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
        && let Some((due, index)) = world.pull.next()
        && due <= now
    {
        world.record(Entry::Pulled(1));
        if now - due < MAX_AGE {
            taken.push(index);
        }
    }
    taken
}
