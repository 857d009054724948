//! Whether the people who watch a batch or download a file still may. A stream of events outlives the request that was
//! admitted, so the login sessions of all streams of this process are checked every few seconds, in
//! one query.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;

use actix_session::SessionExt;
use actix_web::HttpRequest;
use actix_web::web::{Bytes, Data};
use futures_util::stream::{self, Stream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::warn;

use super::member::Member;
use super::session;
use crate::app::App;
use crate::db::accounts::login_sessions::{self, Access};
use crate::domain::accounts::role::Role;
use crate::domain::ids::ProjectId;

/// The time between two checks.
const CHECK_EVERY: Duration = Duration::from_secs(3);

/// Returns what a member sees of their project.
pub fn of_member(request: &HttpRequest, member: &Member) -> Access {
    let key_hash = session::key_hash(&request.get_session());
    Access { key_hash, project: member.project.id, role: member.role }
}

/// Returns what an owner sees: of a project without members, only owners are admins.
pub fn of_owner(request: &HttpRequest) -> Access {
    let key_hash = session::key_hash(&request.get_session());
    Access { key_hash, project: ProjectId(0), role: Role::Admin }
}

/// Returns `bytes` until the person who asked for them may no longer see the project; then the download
/// fails, since a file that only ends would look complete.
pub fn while_permitted(
    request: &HttpRequest,
    access: Access,
    bytes: impl Stream<Item = io::Result<Bytes>> + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + 'static {
    let checks = request.app_data::<Data<Arc<AccessChecks>>>();
    let mut access = checks.map(|checks| checks.follow(access));
    let mut bytes = Box::pin(bytes);
    stream::poll_fn(move |context| {
        let Some(permitted) = &mut access else { return Poll::Ready(None) };
        if pin!(permitted.changed()).poll(context).is_ready() {
            access = None;
            return Poll::Ready(Some(Err(io::Error::other(
                "the person may not see this any more",
            ))));
        }
        bytes.as_mut().poll_next(context)
    })
}

type Followed = HashMap<Access, watch::Sender<()>>;

/// The accesses that streams of this process rely on.
#[derive(Debug)]
pub struct AccessChecks {
    app: App,
    followed: Mutex<Followed>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl AccessChecks {
    /// Creates an empty list.
    pub fn new(app: App) -> Arc<Self> {
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        Arc::new(Self { app, followed: Mutex::default(), stop, _stop_on_drop: guard })
    }

    /// Returns a receiver that is closed soon after `access` has ceased to hold.
    pub fn follow(self: &Arc<Self>, access: Access) -> watch::Receiver<()> {
        let mut followed = self.followed();
        if followed.is_empty() {
            let (weak, stop) = (Arc::downgrade(self), self.stop.clone());
            tokio::spawn(async move { check(&weak, &stop).await });
        }
        followed.entry(access).or_insert_with(|| watch::channel(()).0).subscribe()
    }

    /// Closes the receivers of all `asked` that are not `holding`. Returns whether others are left.
    fn keep(&self, asked: &[Access], holding: &[Access]) -> bool {
        let mut followed = self.followed();
        followed.retain(|access, _| holding.contains(access) || !asked.contains(access));
        !followed.is_empty()
    }

    /// Returns the accesses that a stream still relies on.
    fn in_use(&self) -> Vec<Access> {
        let mut followed = self.followed();
        followed.retain(|_, sender| sender.receiver_count() > 0);
        followed.keys().cloned().collect()
    }

    fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks accesses until none is in use.
async fn check(weak: &Weak<AccessChecks>, stop: &CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(CHECK_EVERY) => {}
        }
        let Some(checks) = weak.upgrade() else { return };
        let asked = checks.in_use();
        if asked.is_empty() {
            return;
        }
        match login_sessions::holding(&checks.app.db, &asked, checks.app.clock.now()).await {
            Ok(holding) if !checks.keep(&asked, &holding) => return,
            Ok(_) => {}
            Err(error) => warn!(%error, "cannot check who still may watch"),
        }
    }
}
