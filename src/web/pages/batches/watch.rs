//! Watches batches for their live pages. The database notifies every process of each commit that
//! changed a batch. A watched batch is then read once for all of its watchers, and at most twice a
//! second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sqlx::postgres::PgListener;
use time::OffsetDateTime;
use tokio::sync::{Notify, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::warn;

use crate::app::App;
use crate::db::recovery::recoveries;
use crate::db::retention::retained::{self, PastRetention};
use crate::db::sending::batches::{self, Batch};
use crate::db::sending::messages::{Cause, Message};
use crate::db::sending::prices::Cost;
use crate::db::sending::send_backs::{self, SentBack};
use crate::db::sending::submissions::Submission;
use crate::db::sending::{messages, prices, submissions, uploads};
use crate::domain::ids::{BatchId, MessageId, ProjectId};
use crate::domain::sending::batch::BatchState;
use crate::domain::sending::budget::Budget;
use crate::domain::sending::message::{MessageState, Tally};
use crate::domain::sending::price::Estimate;
use crate::ops::sending::budgets;
use crate::ops::sending::uploads::report::Report;

/// The PostgreSQL channel that announces changed batches.
const CHANNEL: &str = "batches";
/// The shortest time between two reads of a batch.
const MIN_INTERVAL: Duration = Duration::from_millis(500);
/// The longest time between two reads of a batch: notifications can be lost, and what a page shows
/// also depends on the time.
const MAX_INTERVAL: Duration = Duration::from_secs(10);
/// How long to wait after the connection was lost before listening again.
const RECONNECT_AFTER: Duration = Duration::from_secs(2);
/// The time over which the pace of submitting is averaged.
const PACE_WINDOW: time::Duration = time::Duration::seconds(15);
/// Rows on one page of a batch's messages.
pub const MESSAGES: i64 = 100;
/// Call problems and session numbers that a page shows.
const MAX_SHOWN: i64 = 20;

/// All that a batch's page shows at one moment, for everybody who has it open.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The batch.
    pub batch: Batch,
    /// What it was expected to cost when it was ordered.
    pub expected: Estimate,
    /// The budgets that it counts for, without itself, while it awaits approval.
    pub budgets: Vec<Budget>,
    /// What it has been billed.
    pub billed: Cost,
    /// Its messages by state.
    pub tally: Tally,
    /// Messages whose call is under way.
    pub under_way: i64,
    /// Messages submitted per second recently.
    pub pace: i64,
    /// Why messages were not delivered.
    pub causes: Vec<Cause>,
    /// Submissions with a call problem.
    pub problems: Vec<Submission>,
    /// Its session numbers.
    pub sessions: Vec<String>,
    /// Which of its messages are listed.
    pub shown: ShownMessages,
    /// A page of them.
    pub messages: Vec<Message>,
    /// The batches that send again what was not delivered.
    pub resends: Vec<Batch>,
    /// How many of its messages have been deleted or redacted.
    pub past: PastRetention,
    /// If it awaits approval, but may have been approved and sent before the database went back in
    /// time: the last sign of life before that.
    pub may_have_sent: Option<OffsetDateTime>,
    /// Why it was last sent back, if it was.
    pub sent_back: Option<SentBack>,
    /// The values of some rows of its list, if that awaits approval.
    pub samples: Vec<Vec<String>>,
}

/// Which of a batch's messages a page lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShownMessages {
    /// Those in this state only.
    pub state: Option<MessageState>,
    /// Those that follow this one.
    pub after: Option<MessageId>,
}

impl Snapshot {
    /// Reads a batch of the project, with a page of its messages.
    pub async fn take(
        app: &App,
        project: ProjectId,
        id: BatchId,
        shown: ShownMessages,
    ) -> sqlx::Result<Option<Self>> {
        let Some(batch) = batches::find(&app.db, project, id).await? else { return Ok(None) };
        let sent = submissions::sent_since(&app.db, id, app.clock.now() - PACE_WINDOW).await?;
        let budgets = if batch.state == BatchState::AwaitingApproval {
            let day = budgets::leaving_day(batch.purpose, batch.schedule_at, app.clock.now());
            budgets::outlook(app, project, batch.ordered_by, day, Some(id)).await?
        } else {
            Vec::new()
        };
        Ok(Some(Self {
            budgets,
            expected: prices::expected(&app.db, id).await?,
            billed: prices::billed(&app.db, id).await?,
            tally: batches::tally(&app.db, id).await?,
            under_way: submissions::under_way(&app.db, id).await?,
            pace: sent / PACE_WINDOW.whole_seconds(),
            causes: messages::causes(&app.db, id).await?,
            problems: submissions::problems(&app.db, id, MAX_SHOWN).await?,
            sessions: submissions::sessions(&app.db, id, MAX_SHOWN).await?,
            messages: messages::of_batch(&app.db, project, id, shown.state, shown.after, MESSAGES)
                .await?,
            resends: batches::resends(&app.db, id).await?,
            past: retained::past_retention(&app.db, id).await?,
            may_have_sent: if batch.state == BatchState::AwaitingApproval {
                recoveries::may_have_sent(&app.db, id).await?
            } else {
                None
            },
            sent_back: send_backs::find(&app.db, id).await?,
            samples: samples(app, &batch).await?,
            shown,
            batch,
        }))
    }
}

/// Returns the values of some rows of a list that awaits approval: of any, the shortest and the longest.
async fn samples(app: &App, batch: &Batch) -> sqlx::Result<Vec<Vec<String>>> {
    if batch.state != BatchState::AwaitingApproval || batch.planned {
        return Ok(Vec::new());
    }
    let report = uploads::report(&app.db, batch.id).await?;
    let report: Option<Report> = report.and_then(|report| serde_json::from_value(report).ok());
    let chosen = report.iter().flat_map(|report| {
        report.random.first().into_iter().chain(&report.shortest).chain(&report.longest)
    });
    Ok(chosen.map(|sample| sample.params.clone()).collect())
}

/// Receives the newest snapshot of a batch; `None` until there is one.
pub type Watching = watch::Receiver<Option<Arc<Snapshot>>>;

/// The batches that are watched in this process.
#[derive(Debug)]
pub struct Watchers {
    app: App,
    watched: Mutex<HashMap<BatchId, Watched>>,
    listening: Mutex<bool>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

#[derive(Debug)]
struct Watched {
    changed: Arc<Notify>,
    newest: watch::Sender<Option<Arc<Snapshot>>>,
}

impl Watchers {
    /// Creates an empty list.
    pub fn new(app: App) -> Arc<Self> {
        let stop = CancellationToken::new();
        Arc::new(Self {
            app,
            watched: Mutex::default(),
            listening: Mutex::new(false),
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
        })
    }

    /// Watches a batch of the project, for as long as the receiver lives.
    pub fn watch(self: &Arc<Self>, project: ProjectId, batch: BatchId) -> Watching {
        self.listen();
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = watched.get(&batch) {
            let mut watching = entry.newest.subscribe();
            if watching.borrow().is_some() {
                watching.mark_changed();
            }
            return watching;
        }
        let (newest, watching) = watch::channel(None);
        let changed = Arc::new(Notify::new());
        watched.insert(batch, Watched { changed: changed.clone(), newest: newest.clone() });
        let (weak, app, stop) = (Arc::downgrade(self), self.app.clone(), self.stop.clone());
        tokio::spawn(async move {
            refresh(&app, project, batch, &newest, &changed, &weak, &stop).await;
        });
        watching
    }

    /// Removes a batch that has no watchers left. Returns whether it was removed.
    fn remove_if_idle(&self, batch: BatchId) -> bool {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = watched.get(&batch).is_none_or(|entry| entry.newest.receiver_count() == 0);
        if idle {
            watched.remove(&batch);
        }
        idle
    }

    fn is_watching(&self) -> bool {
        !self.watched.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Has a changed batch read again, or all of them for `None`.
    fn notify(&self, batch: Option<BatchId>) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        match batch {
            Some(batch) => {
                if let Some(entry) = watched.get(&batch) {
                    entry.changed.notify_one();
                }
            }
            None => watched.values().for_each(|entry| entry.changed.notify_one()),
        }
    }

    /// Starts listening for changes unless that is running already. It ends with the last watcher.
    fn listen(self: &Arc<Self>) {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut listening, true) {
            return;
        }
        let (weak, app, stop) = (Arc::downgrade(self), self.app.clone(), self.stop.clone());
        tokio::spawn(async move {
            while let Some(watchers) = weak.upgrade() {
                let mut listening =
                    watchers.listening.lock().unwrap_or_else(PoisonError::into_inner);
                if !watchers.is_watching() || stop.is_cancelled() {
                    *listening = false;
                    return;
                }
                drop(listening);
                drop(watchers);
                if let Err(error) = listen(&app, &weak, &stop).await {
                    warn!(%error, "lost the batch change listener; reconnecting");
                    tokio::time::sleep(RECONNECT_AFTER).await;
                }
            }
        });
    }
}

/// Listens for changes until no watcher is left or the connection is lost.
async fn listen(app: &App, weak: &Weak<Watchers>, stop: &CancellationToken) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(&app.db).await?;
    listener.listen(CHANNEL).await?;
    // Changes before this point were not announced to this listener.
    if let Some(watchers) = weak.upgrade() {
        watchers.notify(None);
    }
    loop {
        let received = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(MAX_INTERVAL) => None,
            notification = listener.try_recv() => Some(notification?),
        };
        let Some(watchers) = weak.upgrade() else { return Ok(()) };
        match received {
            Some(Some(notification)) => {
                watchers.notify(notification.payload().parse().ok().map(BatchId))
            }
            // The listener lost its connection and has reconnected.
            Some(None) => watchers.notify(None),
            None if !watchers.is_watching() => return Ok(()),
            None => {}
        }
    }
}

/// Reads a batch whenever it changed, until no watcher is left.
async fn refresh(
    app: &App,
    project: ProjectId,
    batch: BatchId,
    newest: &watch::Sender<Option<Arc<Snapshot>>>,
    changed: &Notify,
    weak: &Weak<Watchers>,
    stop: &CancellationToken,
) {
    loop {
        match Snapshot::take(app, project, batch, ShownMessages::default()).await {
            Ok(Some(snapshot)) => drop(newest.send_replace(Some(Arc::new(snapshot)))),
            Ok(None) => drop(newest.send_replace(None)),
            Err(error) => {
                warn!(%batch, %error, "cannot load a watched batch");
                // Its streams end, so that pages do not pass for up to date.
                newest.send_replace(None);
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(MIN_INTERVAL) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = newest.closed() => {}
            () = changed.notified() => {}
            () = tokio::time::sleep(MAX_INTERVAL) => {}
        }
        match weak.upgrade() {
            Some(watchers) if !watchers.remove_if_idle(batch) => {}
            Some(_) | None => return,
        }
    }
}
