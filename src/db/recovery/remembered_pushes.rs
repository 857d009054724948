//! Pushes with replies of the last minutes, in case the database forgets them: UCloud does not push what
//! was answered again, and cannot be asked for replies. Receipts are asked for by session number.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use crate::domain::ids::ProjectId;

/// For so long a push is remembered.
const MAX_AGE: Duration = Duration::minutes(10);
/// The most bytes of all pushes that are remembered, the latest ones: some 20,000 replies.
const MAX_BYTES: usize = 4 << 20;
/// What every push with a reply has, and hardly any other.
const REPLY: &str = "ReplyContent";

/// A push that this process has stored.
#[derive(Debug, Clone)]
pub struct RememberedPush {
    /// The project of its push URL.
    pub project: ProjectId,
    /// The bytes as they came.
    pub body: Vec<u8>,
    /// When it came.
    pub received_at: OffsetDateTime,
}

/// The last pushes with replies that this process has stored.
#[derive(Debug, Default)]
pub struct RememberedPushes(Mutex<VecDeque<RememberedPush>>);

impl RememberedPushes {
    /// Remembers a push if it has replies.
    pub fn add(&self, project: ProjectId, body: &[u8], received_at: OffsetDateTime) {
        if !std::str::from_utf8(body).is_ok_and(|text| text.contains(REPLY)) {
            return;
        }
        let mut pushes = self.lock();
        pushes.push_back(RememberedPush { project, body: body.to_vec(), received_at });
        let mut bytes: usize = pushes.iter().map(|push| push.body.len()).sum();
        while bytes > MAX_BYTES
            && let Some(oldest) = pushes.pop_front()
        {
            bytes -= oldest.body.len();
        }
    }

    /// Forgets what is too old at a time at which the database was whole.
    pub fn forget(&self, now: OffsetDateTime) {
        self.lock().retain(|push| push.received_at >= now - MAX_AGE);
    }

    /// Returns the pushes, oldest first.
    pub fn all(&self) -> Vec<RememberedPush> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<RememberedPush>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a push again that the database has forgotten. Returns its id, or `None` if it is there.
pub async fn rewrite(db: &PgPool, push: &RememberedPush) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        r#"insert into inbox (id, project_id, body, received_at)
           select new_id($3), $1, $2, $3
           where not exists (select from inbox
             where id >= first_id($3) and project_id = $1 and body = $2)
           returning id"#,
        push.project.0,
        push.body,
        push.received_at,
    )
    .fetch_optional(db)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_replies_are_remembered_and_the_oldest_are_forgotten_first() {
        let pushes = RememberedPushes::default();
        let now = OffsetDateTime::UNIX_EPOCH;
        pushes.add(ProjectId(1), br#"{"MsgType":2,"Data":[]}"#, now);
        assert!(pushes.all().is_empty());
        let long = format!(r#"{{"ReplyContent":"{}"}}"#, "T".repeat(MAX_BYTES / 2));
        for minutes in 0..3 {
            pushes.add(ProjectId(1), long.as_bytes(), now + Duration::minutes(minutes));
        }
        let kept: Vec<OffsetDateTime> = pushes.all().iter().map(|push| push.received_at).collect();
        assert_eq!(kept, [now + Duration::minutes(2)]);
        pushes.forget(now + Duration::minutes(12));
        assert_eq!(pushes.all().len(), 1);
        pushes.forget(now + Duration::minutes(13));
        assert!(pushes.all().is_empty());
    }
}
