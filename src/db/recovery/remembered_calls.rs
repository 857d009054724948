//! What a process remembers of its last calls, in case the database forgets them, and how it is
//! written again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::db::sending::claims::Claimed;
use crate::domain::ids::{MessageId, SubmissionId};
use crate::domain::sending::batch::SubmissionState;
use crate::domain::sending::call_end::End;

/// For so long a call is remembered: much longer than a standby may lag.
const MAX_AGE: Duration = Duration::minutes(10);
/// So many calls are remembered, the latest ones.
const MAX_CALLS: usize = 20_000;

/// A call of this process.
#[derive(Debug, Clone)]
pub struct RememberedCall {
    /// Its claim.
    pub claimed: Claimed,
    /// The ids of its messages in the order of their rows, as first ids and lengths; empty if the call
    /// was not prepared.
    messages: Vec<(i64, i64)>,
    /// How it ended; `None` while it is under way.
    pub end: Option<End>,
}

impl RememberedCall {
    /// Returns whether the submission is not free to be claimed again: the call is under way, or its
    /// end does not prove that nothing was accepted.
    fn binds(&self) -> bool {
        self.end.as_ref().is_none_or(|end| !end.may_be_repeated())
    }

    /// Returns whether the vendor may have accepted messages.
    fn may_have_sent(&self) -> bool {
        !self.messages.is_empty() && self.binds()
    }

    fn message_ids(&self) -> Vec<i64> {
        self.messages.iter().flat_map(|(first, n)| *first..first + n).collect()
    }
}

/// The last calls of this process, one per submission.
#[derive(Debug, Default)]
pub struct RememberedCalls(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    calls: BTreeMap<SubmissionId, RememberedCall>,
    /// When the latest call was made that is forgotten.
    forgotten_to: Option<OffsetDateTime>,
}

impl Memory {
    /// Forgets calls that ended and were made before `time`.
    fn forget_before(&mut self, time: OffsetDateTime) {
        let forgotten_to = &mut self.forgotten_to;
        self.calls.retain(|_, call| {
            let keeps = call.end.is_none() || call.claimed.claimed_at >= time;
            if !keeps {
                *forgotten_to = (*forgotten_to).max(Some(call.claimed.claimed_at));
            }
            keeps
        });
    }

    /// Returns when half of the calls had been made.
    fn middle(&self) -> Option<OffsetDateTime> {
        let mut times: Vec<OffsetDateTime> =
            self.calls.values().map(|call| call.claimed.claimed_at).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    }
}

impl RememberedCalls {
    /// Remembers a claim. If there are too many, the older half is forgotten.
    pub fn add(&self, claimed: &Claimed) {
        let mut memory = self.lock();
        if memory.calls.len() >= MAX_CALLS
            && let Some(middle) = memory.middle()
        {
            memory.forget_before(middle);
        }
        let call = RememberedCall { claimed: claimed.clone(), messages: Vec::new(), end: None };
        memory.calls.insert(claimed.id, call);
    }

    /// Returns whether this process knows that messages of a submission were accepted: it may not be
    /// called again, whatever the database says.
    pub fn was_accepted(&self, submission: SubmissionId) -> bool {
        let memory = self.lock();
        let end = memory.calls.get(&submission).and_then(|call| call.end.as_ref());
        matches!(end, Some(End::Taken { .. } | End::TakenWithComplaint { .. }))
    }

    /// Forgets what is too old at a time at which the database was whole. What is made afterwards is
    /// remembered, however long it takes until the database is looked at again.
    pub fn forget(&self, now: OffsetDateTime) {
        self.lock().forget_before(now - MAX_AGE);
    }

    /// Returns since when everything is remembered; `None` if nothing is forgotten.
    pub fn remembers_since(&self) -> Option<OffsetDateTime> {
        self.lock().forgotten_to
    }

    /// Remembers the messages of a call that is about to be made.
    pub fn prepare(&self, claimed: &Claimed, messages: impl Iterator<Item = MessageId>) {
        self.change(claimed, |call| call.messages = runs(messages.map(|id| id.0)));
    }

    /// Remembers how a call ended.
    pub fn end(&self, claimed: &Claimed, end: &End) {
        self.change(claimed, |call| call.end = Some(end.clone()));
    }

    /// Returns how a call has ended by now.
    pub fn end_of(&self, claimed: &Claimed) -> Option<End> {
        let memory = self.lock();
        let call =
            memory.calls.get(&claimed.id).filter(|call| call.claimed.token == claimed.token)?;
        call.end.clone()
    }

    /// Returns the calls.
    pub fn all(&self) -> Vec<RememberedCall> {
        self.lock().calls.values().cloned().collect()
    }

    /// Returns the submissions of calls that ended and may have sent messages.
    pub fn sent(&self) -> Vec<SubmissionId> {
        let memory = self.lock();
        let sent = memory.calls.values().filter(|call| call.end.is_some() && call.may_have_sent());
        sent.map(|call| call.claimed.id).collect()
    }

    fn change(&self, claimed: &Claimed, change: impl FnOnce(&mut RememberedCall)) {
        let mut memory = self.lock();
        let call =
            memory.calls.get_mut(&claimed.id).filter(|call| call.claimed.token == claimed.token);
        if let Some(call) = call {
            change(call);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns ids as the first of each run of consecutive ones, with its length.
fn runs(ids: impl Iterator<Item = i64>) -> Vec<(i64, i64)> {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for id in ids {
        match runs.last_mut() {
            Some((first, n)) if *first + *n == id => *n += 1,
            _ => runs.push((id, 1)),
        }
    }
    runs
}

/// What became of a call that was to be written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewritten {
    /// The database knows as much as the process.
    Known,
    /// Its submission is in flight again, as it was when it was called.
    InFlight,
    /// Its batch, or the row of its list, is gone.
    Gone,
}

/// Returns those of `calls` whose submissions are not as the process remembers them.
pub async fn forgotten(
    db: &PgPool,
    calls: Vec<RememberedCall>,
) -> sqlx::Result<Vec<RememberedCall>> {
    let ids: Vec<i64> = calls.iter().map(|call| call.claimed.id.0).collect();
    let rows = sqlx::query!(
        r#"select id as "id: SubmissionId", state as "state: SubmissionState", sent_at
           from submissions where id = any($1)"#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    let states: BTreeMap<SubmissionId, (SubmissionState, Option<OffsetDateTime>)> =
        rows.into_iter().map(|row| (row.id, (row.state, row.sent_at))).collect();
    let is_forgotten = |call: &RememberedCall| {
        let Some((state, sent_at)) = states.get(&call.claimed.id) else {
            return call.may_have_sent();
        };
        // A later claim, by any process, was made because this call proved that it may be.
        let is_last = sent_at.is_none_or(|at| at <= call.claimed.claimed_at);
        let is_known = *sent_at == Some(call.claimed.claimed_at);
        match state {
            SubmissionState::Ready | SubmissionState::Cancelled => call.binds(),
            SubmissionState::InFlight if is_known => call.end.is_some(),
            SubmissionState::InFlight => is_last && call.binds(),
            SubmissionState::InDoubt => {
                is_last && call.binds() && !matches!(call.end, None | Some(End::InDoubt { .. }))
            }
            SubmissionState::Accepted | SubmissionState::Partly | SubmissionState::Refused => false,
        }
    };
    Ok(calls.into_iter().filter(is_forgotten).collect())
}

/// Writes a claim again: its submission is in flight as it was when it was called. If planning was
/// lost as well, its messages get the ids that the vendor was told.
pub async fn rewrite(db: &mut PgConnection, call: &RememberedCall) -> sqlx::Result<Rewritten> {
    let claimed = &call.claimed;
    let moved = sqlx::query!(
        r#"update submissions
           set state = 'in_flight', attempts = $2, lease_until = $3, sent_at = $4, worker = $5,
             vendor_message = '', complete = false
           where id = $1 and (state = 'ready' or state = 'cancelled' and suppressed < n or state in ('in_flight', 'in_doubt') and sent_at <= $4)"#,
        claimed.id.0,
        claimed.attempts,
        claimed.lease_until,
        claimed.claimed_at,
        claimed.worker,
    )
    .execute(&mut *db)
    .await?;
    if moved.rows_affected() == 1 {
        start(db, claimed).await?;
        return Ok(Rewritten::InFlight);
    }
    let exists = sqlx::query_scalar!(
        r#"select exists (select from submissions where id = $1) as "exists!""#,
        claimed.id.0,
    )
    .fetch_one(&mut *db)
    .await?;
    if exists {
        return Ok(Rewritten::Known);
    }
    let Some((first, last)) = claimed.rows else { return Ok(Rewritten::Gone) };
    if is_planned_anew(db, claimed, first, last).await? {
        return Ok(Rewritten::Gone);
    }
    let messages = insert(db, call, first, last).await?;
    if messages != i64::from(claimed.n) {
        return Ok(Rewritten::Gone);
    }
    start(db, claimed).await?;
    Ok(Rewritten::InFlight)
}

/// Returns whether rows of a call have become other messages.
async fn is_planned_anew(
    db: &mut PgConnection,
    claimed: &Claimed,
    first: i32,
    last: i32,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from submissions
             where batch_id = $1 and first_row <= $3 and last_row >= $2) as "exists!""#,
        claimed.batch_id.0,
        first,
        last,
    )
    .fetch_one(db)
    .await
}

/// Starts the batch of a call if it was not started yet: it must have been.
async fn start(db: &mut PgConnection, claimed: &Claimed) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update batches set state = 'sending', started_at = coalesce(started_at, $2)
           where id = $1 and state = 'scheduled'"#,
        claimed.batch_id.0,
        claimed.claimed_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Plans the rows of a call again, with their former ids. Returns how many messages there are; the
/// caller must roll back if they are not as many as before.
async fn insert(
    db: &mut PgConnection,
    call: &RememberedCall,
    first: i32,
    last: i32,
) -> sqlx::Result<i64> {
    let claimed = &call.claimed;
    let worker: Uuid = claimed.worker;
    sqlx::query_scalar!(
        r#"with rows as (
             select r.phone, r.params, row_number() over (order by r.position) as k
             from recipients r join uploads u on u.batch_id = r.batch_id
               join batches b on b.id = r.batch_id and b.state <> 'draft'
             where r.batch_id = $1 and r.position between $2 and $3
               and (r.verdict = 'ready' or u.with_repeats and r.verdict = 'repeat')
           ), submission as (
             insert into submissions (id, project_id, batch_id, state, n, next_try_at, wave, first_row,
               last_row, attempts, lease_until, sent_at, worker)
             select $4, $5, $1, 'in_flight', $6, $7, $8, $2, $3, $9, $10, $7, $11
             where (select count(*)::int from rows) = $6
           ), skipped as (
             insert into rewritten_rows select $1, $2, $3 where (select count(*)::int from rows) = $6
           ), written as (
             insert into messages
               (id, project_id, submission_id, batch_id, template_id, phone, params)
             select ids.id, $5, $4, $1, $12, rows.phone, rows.params
             from rows join unnest($13::bigint[]) with ordinality ids (id, k) on ids.k = rows.k
             where (select count(*)::int from rows) = $6
             returning 1
           )
           select count(*) as "count!" from written"#,
        claimed.batch_id.0,
        first,
        last,
        claimed.id.0,
        claimed.project_id.0,
        claimed.n,
        claimed.claimed_at,
        claimed.wave,
        claimed.attempts,
        claimed.lease_until,
        worker,
        claimed.template_id.0,
        &call.message_ids(),
    )
    .fetch_one(db)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_remembered_as_runs_in_their_order() {
        assert_eq!(runs([7, 8, 9, 20, 3, 4].into_iter()), [(7, 3), (20, 1), (3, 2)]);
        assert!(runs([].into_iter()).is_empty());
    }
}
