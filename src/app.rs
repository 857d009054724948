//! Application state: built once at startup, shared by handlers, operations and workers.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock, PoisonError};

use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::backpressure::Backpressure;
use crate::clock::Clock;
use crate::db::accounts::refusals::Unwritten;
use crate::db::recovery::installation::Seen;
use crate::db::recovery::recoveries::RecoveryId;
use crate::db::recovery::remembered_actions::RememberedActions;
use crate::db::recovery::remembered_calls::RememberedCalls;
use crate::db::recovery::remembered_pushes::RememberedPushes;
use crate::db::sending::message_search::MessageSearch;
use crate::domain::ids::SubmissionId;
use crate::keyring::Keyring;
use crate::outbound::Outbound;
use crate::usms;

/// The shared state of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// Connections to the database.
    pub db: PgPool,
    /// The message search, over database connections of its own.
    pub message_search: MessageSearch,
    /// The client of the vendor's API.
    pub usms: usms::Client,
    /// The clock; tests set it.
    pub clock: Clock,
    /// Encrypts and decrypts stored secrets.
    pub keyring: Arc<Keyring>,
    /// Identifies this process among those that send; new at every start.
    pub process: Uuid,
    /// The largest recipient list.
    pub uploads: UploadLimits,
    /// Rate limits and timeouts of calls to the vendor.
    pub pace: Pace,
    /// Claims of this process that are not recorded yet.
    pub in_hand: Arc<InHand>,
    /// Wakes the workers of this process.
    pub wake: Wake,
    /// Delays processing while many pushes are being stored.
    pub backpressure: Backpressure,
    /// Sends webhooks and email.
    pub outbound: Outbound,
    /// The URL at which browsers reach the console (`CONSOLE_PUBLIC_URL`), if it is set.
    pub public_url: Option<String>,
    /// Calls that a page waits for. They continue when the browser disconnects, and the process
    /// finishes them before it shuts down.
    pub calls: TaskTracker,
}

impl App {
    /// Makes calls that a page waits for run on the runtime of the caller. A web server has runtimes
    /// of its own, which end a few seconds after it was told to stop, whatever still runs on them.
    pub fn finish_calls_here(&self) {
        let _ = self.in_hand.runtime.set(Handle::current());
    }

    /// Runs a call that a page waits for: it goes on when the browser disconnects, and the process
    /// waits for it when it is told to stop.
    pub fn spawn_call<F>(&self, call: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        match self.in_hand.runtime.get() {
            Some(runtime) => self.calls.spawn_on(call, runtime),
            None => self.calls.spawn(call),
        }
    }
}

/// The claims of this process that are not recorded yet.
#[derive(Debug, Default)]
pub struct InHand {
    /// Until when a claim whose response was lost may still be in flight; `None` when none was lost.
    /// Locked during a claim.
    pub lost_until: Mutex<Option<OffsetDateTime>>,
    /// The submissions, each with the token of its claim.
    claims: std::sync::Mutex<BTreeSet<(SubmissionId, Uuid)>>,
    /// The last calls, in case the database forgets them.
    pub remembered: RememberedCalls,
    /// What people did lately, for the same reason.
    pub actions: RememberedActions,
    /// The last pushes with replies, for the same reason.
    pub pushes: RememberedPushes,
    /// What was refused and is not in the audit log yet.
    pub refusals: Unwritten,
    /// What this process knows of the database; `None` before its first look.
    seen: std::sync::Mutex<Option<Seen>>,
    /// The last sign of life that this process has written.
    beat: std::sync::Mutex<Option<OffsetDateTime>>,
    /// The newest recovery that this process has reported to, or that ended before it looked first.
    reported: std::sync::Mutex<Option<RecoveryId>>,
    /// The runtime of calls that a page waits for; unset, they run where the page does.
    runtime: OnceLock<Handle>,
}

impl InHand {
    /// Adds a claim, by its token: what went back to the queue may be claimed again.
    pub fn add(&self, submission: SubmissionId, token: Uuid) {
        self.claims().insert((submission, token));
    }

    /// Removes a claim that is recorded.
    pub fn remove(&self, submission: SubmissionId, token: Uuid) {
        self.claims().remove(&(submission, token));
    }

    /// Returns the submissions in hand.
    pub fn submissions(&self) -> Vec<SubmissionId> {
        self.claims().iter().map(|(submission, _)| *submission).collect()
    }

    /// Returns what this process knows of the database.
    pub fn seen(&self) -> Option<Seen> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what this process knows of the database.
    pub fn set_seen(&self, seen: Seen) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
    }

    /// Returns the last sign of life that this process has written.
    pub fn last_beat(&self) -> Option<OffsetDateTime> {
        *self.beat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the last sign of life that this process has written; `None` if it starts anew.
    pub fn set_beat(&self, beat: Option<OffsetDateTime>) {
        *self.beat.lock().unwrap_or_else(PoisonError::into_inner) = beat;
    }

    /// Returns whether this process has still to report to a recovery, which may have ended meanwhile.
    pub fn owes_report(&self, recovery: RecoveryId) -> bool {
        let reported = *self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        reported != Some(recovery)
    }

    /// Records that this process has reported to a recovery.
    pub fn set_reported(&self, recovery: RecoveryId) {
        *self.reported.lock().unwrap_or_else(PoisonError::into_inner) = Some(recovery);
    }

    fn claims(&self) -> std::sync::MutexGuard<'_, BTreeSet<(SubmissionId, Uuid)>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How large a recipient list may be.
#[derive(Clone, Copy, Debug)]
pub struct UploadLimits {
    /// The most bytes of the file.
    pub bytes: u64,
    /// The most rows, not counting the header.
    pub rows: u32,
}

/// Rate limits and timeouts of calls to the vendor.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Concurrent calls for one project, over all processes.
    pub concurrency: usize,
    /// Calls per second for one project, over all processes.
    pub calls_per_second: u32,
    /// How long to wait for the response to a call.
    pub call_timeout: Duration,
    /// How long after a submission its receipts are first polled; the interval then doubles, up to
    /// 4 h. Also the pause between pulls; pushes count as missing after 180 times this.
    pub first_receipt_poll: Duration,
    /// How often signatures and templates under review are polled.
    pub review_poll: Duration,
}

impl Pace {
    /// Returns the time between two calls of one project.
    pub fn call_interval(&self) -> Duration {
        Duration::SECOND / self.calls_per_second.max(1)
    }
}

/// Wakes the workers of this process, so that new work need not wait for their next poll.
#[derive(Clone, Debug, Default)]
pub struct Wake {
    submit: Arc<Notify>,
    pushes: Arc<Notify>,
    read: Arc<Notify>,
}

impl Wake {
    /// Wakes the worker that submits.
    pub fn submit(&self) {
        self.submit.notify_one();
    }

    /// Wakes a push worker.
    pub fn process_pushes(&self) {
        self.pushes.notify_one();
    }

    /// Wakes the worker that imports recipient lists.
    pub fn read(&self) {
        self.read.notify_one();
    }

    /// Waits for [`Wake::read`].
    pub async fn to_read(&self) {
        self.read.notified().await;
    }

    /// Waits for [`Wake::submit`].
    pub async fn to_submit(&self) {
        self.submit.notified().await;
    }

    /// Waits for [`Wake::process_pushes`].
    pub async fn to_process_pushes(&self) {
        self.pushes.notified().await;
    }
}
