//! Counts of pushes, for the pages. They are added up in memory and written together, half a second
//! after the first: thousands of pushes a second must not queue for one row. A process that is
//! killed loses half a second of counts, but no push.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::{Date, OffsetDateTime};
use tracing::warn;

use crate::app::App;
use crate::db::receipts::push_url::{self, PushKind};
use crate::domain::ids::ProjectId;
use crate::domain::time::CHINA;

/// How long after the first push the counts are written.
const WRITE_DELAY: Duration = Duration::from_millis(500);
/// How many bytes at either end of a push are searched for its kind: the vendor writes `MsgType`
/// first.
const SEARCHED: usize = 200;

/// A push that was stored.
#[derive(Debug, Clone, Copy)]
pub struct StoredPush {
    /// The project it belongs to.
    pub project: ProjectId,
    /// Its kind.
    pub kind: PushKind,
    /// Whether it came to the previous push URL.
    pub with_old: bool,
}

/// Counts pushes of all projects in memory and writes the sums to the database.
#[derive(Debug, Clone)]
pub struct Tally {
    app: App,
    sums: Arc<Mutex<Sums>>,
}

#[derive(Debug, Default)]
struct Sums {
    pushes: BTreeMap<(ProjectId, Date, PushKind), (i64, OffsetDateTime)>,
    with_old: BTreeMap<ProjectId, OffsetDateTime>,
    refused: BTreeMap<ProjectId, (String, OffsetDateTime)>,
    /// Whether a task that writes these sums is on its way.
    write_scheduled: bool,
}

impl Tally {
    /// Returns a tally without counts.
    pub fn new(app: App) -> Self {
        Self { app, sums: Arc::default() }
    }

    /// Counts a push that was stored.
    pub fn count(&self, push: StoredPush) {
        let now = self.app.clock.now();
        let day = now.to_offset(CHINA).date();
        let mut sums = self.sums();
        let sum = sums.pushes.entry((push.project, day, push.kind)).or_insert((0, now));
        *sum = (sum.0 + 1, now);
        if push.with_old {
            sums.with_old.insert(push.project, now);
        }
        self.schedule_write(&mut sums);
    }

    /// Records that a push with the right secret came from an IP that may not push.
    pub fn count_refused(&self, project: ProjectId, ip: &str) {
        let now = self.app.clock.now();
        let mut sums = self.sums();
        sums.refused.insert(project, (ip.to_owned(), now));
        self.schedule_write(&mut sums);
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Schedules one write of the sums. A process that stops waits for it.
    fn schedule_write(&self, sums: &mut Sums) {
        if std::mem::replace(&mut sums.write_scheduled, true) {
            return;
        }
        let tally = self.clone();
        self.app.spawn_call(async move {
            tokio::time::sleep(WRITE_DELAY).await;
            let sums = std::mem::take(&mut *tally.sums());
            if let Err(error) = tally.write(&sums).await {
                warn!(%error, "cannot record push counts");
            }
        });
    }

    async fn write(&self, sums: &Sums) -> sqlx::Result<()> {
        let mut tx = self.app.db.begin().await?;
        for ((project, day, kind), (pushes, last_at)) in &sums.pushes {
            push_url::count(&mut tx, *project, *day, *kind, *pushes, *last_at).await?;
        }
        for (project, at) in &sums.with_old {
            push_url::record_old_secret_use(&mut tx, *project, *at).await?;
        }
        for (project, (ip, at)) in &sums.refused {
            push_url::record_refused_push(&mut tx, *project, ip, *at).await?;
        }
        tx.commit().await
    }
}

/// Returns the kind of a push without parsing it: push workers parse it later.
pub fn kind_of(body: &[u8]) -> PushKind {
    let head = body.get(..SEARCHED).unwrap_or(body);
    let tail = body.get(body.len().saturating_sub(SEARCHED)..).unwrap_or_default();
    [head, tail].into_iter().find_map(find_kind).unwrap_or(PushKind::Other)
}

fn find_kind(bytes: &[u8]) -> Option<PushKind> {
    const NAME: &[u8] = b"\"MsgType\"";
    let at = bytes.windows(NAME.len()).position(|window| window == NAME)?;
    let value = bytes[at + NAME.len()..].iter().find(|byte| !b" \t\r\n:\"".contains(byte))?;
    match value {
        b'2' => Some(PushKind::Reports),
        b'0' => Some(PushKind::Replies),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_push_is_found_at_either_end() {
        let long = "x".repeat(2_000);
        for (body, kind) in [
            (r#"{"MsgType": 2, "Data": []}"#.to_owned(), PushKind::Reports),
            (format!(r#"{{"Data": ["{long}"], "MsgType":"0"}}"#), PushKind::Replies),
            (format!(r#"{{"MsgType":0,"Data":["{long}"]}}"#), PushKind::Replies),
            (r#"{"MsgType": 7}"#.to_owned(), PushKind::Other),
            (r#"{"MsgType":"#.to_owned(), PushKind::Other),
            ("no push".to_owned(), PushKind::Other),
            (String::new(), PushKind::Other),
        ] {
            assert_eq!(kind_of(body.as_bytes()), kind, "{body}");
        }
    }
}
