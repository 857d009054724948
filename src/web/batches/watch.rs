//! Watching batches. The database tells every process at each commit that moved a batch; a batch
//! that somebody watches is then looked at once, however many watch it, and at most twice a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::{Notify, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::warn;

use crate::app::App;
use crate::db::batches::{self, Batch};
use crate::db::messages::{Cause, Message};
use crate::db::retained::{self, PastRetention};
use crate::db::submissions::Submission;
use crate::db::{messages, submissions};
use crate::domain::ids::{BatchId, MessageId, ProjectId};
use crate::domain::message::Tally;

/// The channel on which the database tells that a batch moved.
const CHANNEL: &str = "batches";
/// A batch is looked at no more often than this.
const MIN_INTERVAL: Duration = Duration::from_millis(500);
/// And at least this often, should the database's word be lost: times pass as well.
const MAX_INTERVAL: Duration = Duration::from_secs(10);
/// How long to wait before listening again when the database was lost.
const LISTEN_AGAIN: Duration = Duration::from_secs(2);
/// The span over which the pace is taken.
const PACE_SPAN: time::Duration = time::Duration::seconds(15);
/// Rows of a page of a batch's messages.
pub const MESSAGES: i64 = 100;
/// Troubles and sessions shown.
const SHOWN: i64 = 20;

/// A batch as it stands in one moment: all that its page shows, for everybody who looks at it.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The batch.
    pub batch: Batch,
    /// How its messages add up.
    pub tally: Tally,
    /// Messages submitted a second, of late.
    pub pace: i64,
    /// Why messages did not arrive.
    pub causes: Vec<Cause>,
    /// What happened while submitting.
    pub problems: Vec<Submission>,
    /// Its session numbers.
    pub sessions: Vec<String>,
    /// Its messages, a page of them.
    pub messages: Vec<Message>,
    /// The batches that repeat what did not arrive.
    pub resends: Vec<Batch>,
    /// What of it is past keeping.
    pub past: PastRetention,
}

impl Snapshot {
    /// Looks at a batch of the project; its messages from `after` on.
    pub async fn take(
        app: &App,
        project: ProjectId,
        id: BatchId,
        after: Option<MessageId>,
    ) -> sqlx::Result<Option<Self>> {
        let Some(batch) = batches::find(&app.db, project, id).await? else { return Ok(None) };
        let sent = submissions::sent_since(&app.db, id, app.clock.now() - PACE_SPAN).await?;
        Ok(Some(Self {
            tally: batches::tally(&app.db, id).await?,
            pace: sent / PACE_SPAN.whole_seconds(),
            causes: messages::causes(&app.db, id).await?,
            problems: submissions::problems(&app.db, id, SHOWN).await?,
            sessions: submissions::sessions(&app.db, id, SHOWN).await?,
            messages: messages::of_batch(&app.db, project, id, None, after, MESSAGES).await?,
            resends: batches::resends(&app.db, id).await?,
            past: retained::past_retention(&app.db, id).await?,
            batch,
        }))
    }
}

/// Whoever watches gets the newest snapshot; `None` until there is one.
pub type Watching = watch::Receiver<Option<Arc<Snapshot>>>;

/// All batches that are watched in this process.
#[derive(Debug)]
pub struct Watchers {
    app: App,
    watched: Mutex<HashMap<BatchId, Watched>>,
    listening: Mutex<bool>,
    stop: CancellationToken,
    _ends: DropGuard,
}

#[derive(Debug)]
struct Watched {
    moved: Arc<Notify>,
    newest: watch::Sender<Option<Arc<Snapshot>>>,
}

impl Watchers {
    /// Nobody watches yet.
    pub fn new(app: App) -> Arc<Self> {
        let stop = CancellationToken::new();
        Arc::new(Self {
            app,
            watched: Mutex::default(),
            listening: Mutex::new(false),
            _ends: stop.clone().drop_guard(),
            stop,
        })
    }

    /// Watches a batch of the project.
    pub fn watch(self: &Arc<Self>, project: ProjectId, batch: BatchId) -> Watching {
        self.listen();
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = watched.get(&batch) {
            return one.newest.subscribe();
        }
        let (newest, watching) = watch::channel(None);
        let moved = Arc::new(Notify::new());
        watched.insert(batch, Watched { moved: moved.clone(), newest: newest.clone() });
        let (me, app, stop) = (Arc::downgrade(self), self.app.clone(), self.stop.clone());
        tokio::spawn(async move {
            follow(&app, project, batch, &newest, &moved, &me, &stop).await;
        });
        watching
    }

    /// Takes a batch off the list if nobody watches it any more. Answers whether it did.
    fn forget(&self, batch: BatchId) -> bool {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = watched.get(&batch).is_none_or(|one| one.newest.receiver_count() == 0);
        if idle {
            watched.remove(&batch);
        }
        idle
    }

    fn anybody(&self) -> bool {
        !self.watched.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// A batch moved; all of them, when `None`.
    fn moved(&self, batch: Option<BatchId>) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        match batch {
            Some(batch) => {
                if let Some(one) = watched.get(&batch) {
                    one.moved.notify_one();
                }
            }
            None => watched.values().for_each(|one| one.moved.notify_one()),
        }
    }

    /// Listens while anybody watches.
    fn listen(self: &Arc<Self>) {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut listening, true) {
            return;
        }
        let (me, app, stop) = (Arc::downgrade(self), self.app.clone(), self.stop.clone());
        tokio::spawn(async move {
            while let Some(watchers) = me.upgrade() {
                let mut listening =
                    watchers.listening.lock().unwrap_or_else(PoisonError::into_inner);
                if !watchers.anybody() || stop.is_cancelled() {
                    *listening = false;
                    return;
                }
                drop(listening);
                drop(watchers);
                if let Err(error) = hear(&app, &me, &stop).await {
                    warn!(%error, "lost the batch change listener; reconnecting");
                    tokio::time::sleep(LISTEN_AGAIN).await;
                }
            }
        });
    }
}

/// Hears changes until nobody watches any more, or the database is lost.
async fn hear(app: &App, me: &Weak<Watchers>, stop: &CancellationToken) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(&app.db).await?;
    listener.listen(CHANNEL).await?;
    // What moved before was not heard.
    if let Some(watchers) = me.upgrade() {
        watchers.moved(None);
    }
    loop {
        let heard = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(MAX_INTERVAL) => None,
            heard = listener.try_recv() => Some(heard?),
        };
        let Some(watchers) = me.upgrade() else { return Ok(()) };
        match heard {
            Some(Some(told)) => watchers.moved(told.payload().parse().ok().map(BatchId)),
            // The connection was lost and found again.
            Some(None) => watchers.moved(None),
            None if !watchers.anybody() => return Ok(()),
            None => {}
        }
    }
}

/// Looks at one batch whenever it moved, until nobody watches it any more.
async fn follow(
    app: &App,
    project: ProjectId,
    batch: BatchId,
    newest: &watch::Sender<Option<Arc<Snapshot>>>,
    moved: &Notify,
    me: &Weak<Watchers>,
    stop: &CancellationToken,
) {
    loop {
        match Snapshot::take(app, project, batch, None).await {
            Ok(Some(snapshot)) => drop(newest.send_replace(Some(Arc::new(snapshot)))),
            Ok(None) => {}
            Err(error) => warn!(%batch, %error, "cannot load a watched batch"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(MIN_INTERVAL) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = newest.closed() => {}
            () = moved.notified() => {}
            () = tokio::time::sleep(MAX_INTERVAL) => {}
        }
        match me.upgrade() {
            Some(watchers) if !watchers.forget(batch) => {}
            Some(_) | None => return,
        }
    }
}
