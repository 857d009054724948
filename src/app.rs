//! The console's parts, put together once at the start and handed to whatever needs them.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::PgPool;
use time::Duration;
use tokio::sync::{Mutex, Notify};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::backpressure::Backpressure;
use crate::clock::Clock;
use crate::db::message_search::Reader;
use crate::domain::ids::SubmissionId;
use crate::keyring::Keyring;
use crate::outbound::Outbound;
use crate::usms;

/// Everything an operation may need. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The database.
    pub db: PgPool,
    /// The log, over connections of its own.
    pub log: Reader,
    /// The vendor.
    pub usms: usms::Client,
    /// The present time.
    pub clock: Clock,
    /// Seals and opens stored secrets.
    pub keyring: Arc<Keyring>,
    /// This process among those that send.
    pub process: Uuid,
    /// Files of recipients are no larger.
    pub uploads: UploadLimits,
    /// How fast the vendor is called.
    pub pace: Pace,
    /// Submissions that this process claimed and has not recorded yet. Locked while one is claimed.
    pub in_hand: Arc<Mutex<BTreeSet<SubmissionId>>>,
    /// Wakes the workers of this process.
    pub wake: Wake,
    /// Pushes that are being stored and processed.
    pub backpressure: Backpressure,
    /// Webhooks and mail.
    pub outbound: Outbound,
    /// How browsers reach the console, if that is set.
    pub public_url: Option<String>,
    /// Calls that a page waits for. They go on when the person leaves, and a process that is told
    /// to stop finishes them first.
    pub calls: TaskTracker,
}

/// How large a file of recipients may be.
#[derive(Clone, Copy, Debug)]
pub struct UploadLimits {
    /// In bytes.
    pub bytes: u64,
    /// In rows, the header not counted.
    pub rows: u32,
}

/// How fast and how patiently the vendor is called.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Calls under way at once for one project, over all processes.
    pub concurrency: usize,
    /// Calls a second for one project, over all processes.
    pub calls_per_second: u32,
    /// After this long a call counts as unanswered.
    pub call_timeout: Duration,
    /// The first question about a session's receipts; the next ones double.
    pub first_receipt_poll: Duration,
    /// Time between questions about what is under review.
    pub review_poll: Duration,
}

impl Pace {
    /// Time between two calls of one project.
    pub fn call_interval(&self) -> Duration {
        Duration::SECOND / self.calls_per_second.max(1)
    }
}

/// Tells the workers of this process that there is something to do, so that they need not wait for
/// their next look.
#[derive(Clone, Debug, Default)]
pub struct Wake {
    submit: Arc<Notify>,
    pushes: Arc<Notify>,
    read: Arc<Notify>,
}

impl Wake {
    /// Something may be submitted.
    pub fn submit(&self) {
        self.submit.notify_one();
    }

    /// A push waits to be processed.
    pub fn process_pushes(&self) {
        self.pushes.notify_one();
    }

    /// A file of recipients waits to be read, or its recipients to become messages.
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
