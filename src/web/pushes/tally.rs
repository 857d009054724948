//! How many pushes came, for people to look at. They are added up in memory and written together,
//! half a second after the first: thousands of pushes a second must not queue for one row. A process
//! that is killed forgets half a second of counting, and no push.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::{Date, OffsetDateTime};
use tracing::warn;

use crate::app::App;
use crate::db::push_url::{self, PushKind};
use crate::domain::batch::china;
use crate::domain::ids::ProjectId;

/// How long after the first push the numbers are written.
const WRITTEN_AFTER: Duration = Duration::from_millis(500);
/// How far into a push its kind is looked for, from both ends: the vendor writes `MsgType` first.
const LOOKED_AT: usize = 200;

/// A push that was taken.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Whose.
    pub project: ProjectId,
    /// What kind.
    pub kind: PushKind,
    /// It came to the former address.
    pub with_old: bool,
}

/// Adds pushes up.
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
    /// Somebody is about to write them.
    written_soon: bool,
}

impl Tally {
    /// Begins with nothing.
    pub fn new(app: App) -> Self {
        Self { app, sums: Arc::default() }
    }

    /// A push came and is kept.
    pub fn came(&self, seen: Seen) {
        let now = self.app.clock.now();
        let day = now.to_offset(china()).date();
        let mut sums = self.sums();
        let sum = sums.pushes.entry((seen.project, day, seen.kind)).or_insert((0, now));
        *sum = (sum.0 + 1, now);
        if seen.with_old {
            sums.with_old.insert(seen.project, now);
        }
        self.write_soon(&mut sums);
    }

    /// A push with a right secret came from an address that may not push.
    pub fn refused(&self, project: ProjectId, address: &str) {
        let now = self.app.clock.now();
        let mut sums = self.sums();
        sums.refused.insert(project, (address.to_owned(), now));
        self.write_soon(&mut sums);
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process that is told to stop waits for this.
    fn write_soon(&self, sums: &mut Sums) {
        if std::mem::replace(&mut sums.written_soon, true) {
            return;
        }
        let tally = self.clone();
        self.app.calls.spawn(async move {
            tokio::time::sleep(WRITTEN_AFTER).await;
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
            push_url::old_was_used(&mut tx, *project, *at).await?;
        }
        for (project, (address, at)) in &sums.refused {
            push_url::was_refused(&mut tx, *project, address, *at).await?;
        }
        tx.commit().await
    }
}

/// What kind of push this is, without reading it: it is read when it is settled.
pub fn kind_of(body: &[u8]) -> PushKind {
    let head = body.get(..LOOKED_AT).unwrap_or(body);
    let tail = body.get(body.len().saturating_sub(LOOKED_AT)..).unwrap_or_default();
    [head, tail].into_iter().find_map(named).unwrap_or(PushKind::Other)
}

fn named(piece: &[u8]) -> Option<PushKind> {
    const NAME: &[u8] = b"\"MsgType\"";
    let at = piece.windows(NAME.len()).position(|window| window == NAME)?;
    let value = piece[at + NAME.len()..].iter().find(|byte| !b" \t\r\n:\"".contains(byte))?;
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
    fn the_kind_of_a_push_is_told_from_its_ends() {
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
