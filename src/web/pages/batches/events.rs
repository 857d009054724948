//! `/batches/{id}/events`: what changes on the live page of a batch, as server-sent events.

use std::sync::Arc;
use std::time::Duration;

use actix_session::SessionExt;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;

use super::find;
use super::live::parts::{Parts, Shown};
use super::live::{draw, rejected_file};
use super::watch::{Snapshot, Watchers, Watching};
use crate::app::App;
use crate::db::accounts::login_sessions::Access;
use crate::web::http::access::AccessChecks;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::session;
use crate::web::ui::layout::{Layout, Section};

/// How often a comment is sent while nothing changes: a page that receives nothing for longer knows
/// that its stream is held somewhere.
const HEARTBEAT: Duration = Duration::from_secs(5);
const COMMENT: &str = ": still here\n\n";
/// The event after the last change: every message has its final outcome.
const LAST: &str = "event: last\ndata:\n\n";

/// The query of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StreamQuery {
    /// What the page shows that opens the stream, by [`Parts::digests`].
    seen: String,
}

/// `…/events`: a stream of server-sent events, each with the new content of parts of the page. It
/// ends when every message has its final outcome, and when the person may no longer see the batch.
pub async fn events(
    app: web::Data<App>,
    watchers: web::Data<Arc<Watchers>>,
    checks: web::Data<Arc<AccessChecks>>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    query: web::Query<StreamQuery>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let rejected = rejected_file(&app, &member, &batch).await?;
    let key_hash = session::key_hash(&request.get_session());
    let access = Access { key_hash, project: member.project.id, role: member.role };
    let stream = Stream {
        l: Layout::in_project(&member, &app, &request, Section::Batches).await?,
        access: checks.follow(access),
        watching: watchers.watch(member.project.id, batch.id),
        app,
        member,
        rejected,
        seen: Some(query.into_inner().seen),
        shown: Shown::default(),
        heartbeat_at: Instant::now(),
        ended: false,
    };
    let lines = stream::unfold(stream, |mut stream| async move {
        let line = stream.next().await?;
        stream.heartbeat_at = Instant::now() + HEARTBEAT;
        Some((Ok::<_, std::io::Error>(web::Bytes::from(line)), stream))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store, no-transform"))
        // nginx would hold events back, and so would compression.
        .insert_header(("X-Accel-Buffering", "no"))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .streaming(lines))
}

struct Stream {
    app: web::Data<App>,
    member: Member,
    l: Layout,
    watching: Watching,
    access: watch::Receiver<()>,
    /// The name of the file of rejected rows.
    rejected: Option<&'static str>,
    /// What the page showed when it opened the stream, until the first snapshot.
    seen: Option<String>,
    shown: Shown,
    heartbeat_at: Instant,
    ended: bool,
}

impl Stream {
    /// Returns the next events, or a comment if nothing has changed for some time.
    async fn next(&mut self) -> Option<String> {
        while !self.ended {
            tokio::select! {
                _ = self.access.changed() => return None,
                () = tokio::time::sleep_until(self.heartbeat_at) => return Some(COMMENT.to_owned()),
                changed = self.watching.changed() => changed.ok()?,
            }
            // None after the batch could not be read: the page asks again, and says so.
            let snapshot = self.watching.borrow_and_update().clone()?;
            let mut events = self.changes(&snapshot)?;
            if snapshot.tally.open() == 0 {
                self.ended = true;
                events.push_str(LAST);
            }
            if !events.is_empty() {
                return Some(events);
            }
        }
        None
    }

    fn changes(&mut self, snapshot: &Snapshot) -> Option<String> {
        let l = self.l.clone();
        let html = draw(&self.app, &self.member, l, snapshot, self.rejected).render().ok()?;
        let parts = Parts::of(&html);
        if let Some(seen) = self.seen.take() {
            self.shown = Shown::by_page(&seen, &parts);
        }
        Some(self.shown.update(&parts))
    }
}
