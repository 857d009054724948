//! What people did in the last minutes, read along from the audit log in case the database forgets it,
//! and how it is written again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use sqlx::{PgConnection, PgExecutor, PgPool};
use time::{Duration, OffsetDateTime};

use super::recoveries::RecoveryId;
use crate::domain::ids::{BatchId, ProjectId, UserId, first_number_at};

/// For so long an action is remembered.
const MAX_AGE: Duration = Duration::minutes(10);
/// How far back the audit log is read each time: a transaction may commit later than its ids say.
const OVERLAP: Duration = Duration::seconds(10);
/// The most events read at a time, and remembered.
const MAX_READ: i64 = 2_000;
const MAX_ACTIONS: usize = 10_000;

/// An audit event as it was read.
#[derive(Debug, Clone)]
pub struct RememberedAction {
    /// Its id; it contains when it happened.
    pub id: i64,
    /// The project.
    pub project: Option<ProjectId>,
    /// The account.
    pub user: Option<UserId>,
    /// The name of the account.
    pub actor: String,
    /// The action, as a word: `batch_paused`.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// Further details.
    pub detail: Value,
    /// The IP.
    pub ip: String,
}

impl RememberedAction {
    /// Returns the batch that it was done to.
    pub fn batch(&self) -> Option<BatchId> {
        self.subject.parse().ok()
    }
}

/// What people did in the last minutes, in any process.
#[derive(Debug, Default)]
pub struct RememberedActions(Mutex<BTreeMap<i64, RememberedAction>>);

impl RememberedActions {
    /// Reads what was recorded since the last time.
    pub async fn read_along(&self, db: &PgPool, now: OffsetDateTime) -> sqlx::Result<()> {
        let read = sqlx::query_as!(
            RememberedAction,
            r#"select id, project_id as "project: ProjectId", user_id as "user: UserId", actor, action,
                 subject, detail, ip
               from audit_log where id >= $1 order by id desc limit $2"#,
            first_number_at(now - OVERLAP),
            MAX_READ,
        )
        .fetch_all(db)
        .await?;
        let mut actions = self.lock();
        actions.extend(read.into_iter().map(|action| (action.id, action)));
        let oldest = first_number_at(now - MAX_AGE);
        actions.retain(|id, _| *id >= oldest);
        while actions.len() > MAX_ACTIONS {
            actions.pop_first();
        }
        Ok(())
    }

    /// Returns what the database has forgotten, oldest first.
    pub async fn forgotten(&self, db: &PgPool) -> sqlx::Result<Vec<RememberedAction>> {
        let ids: Vec<i64> = self.lock().keys().copied().collect();
        let missing = sqlx::query_scalar!(
            r#"select id as "id!" from unnest($1::bigint[]) as remembered (id)
               where not exists (select from audit_log a where a.id = remembered.id) order by 1"#,
            &ids,
        )
        .fetch_all(db)
        .await?;
        let actions = self.lock();
        Ok(missing.iter().filter_map(|id| actions.get(id).cloned()).collect())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i64, RememberedAction>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes an event again, as one that was lost. Returns whether no other process has done so.
pub async fn rewrite(
    db: &mut PgConnection,
    action: &RememberedAction,
    recovery: RecoveryId,
) -> sqlx::Result<bool> {
    let written = sqlx::query!(
        r#"insert into audit_log (id, project_id, user_id, actor, action, subject, detail, ip)
           values ($1, (select id from projects where id = $2), (select id from users where id = $3),
             $4, $5, $6, $7, $8)
           on conflict do nothing"#,
        action.id,
        action.project.map(|id| id.0),
        action.user.map(|id| id.0),
        action.actor,
        action.action,
        action.subject,
        action.detail,
        action.ip,
    )
    .execute(&mut *db)
    .await?;
    if written.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "insert into recovery_actions (recovery_id, event_id) values ($1, $2)",
        recovery.0,
        action.id,
    )
    .execute(db)
    .await?;
    Ok(true)
}

/// Records that an action was done again.
pub async fn set_redone(db: &mut PgConnection, id: i64) -> sqlx::Result<()> {
    sqlx::query!("update recovery_actions set redone = true where event_id = $1", id)
        .execute(db)
        .await?;
    Ok(())
}

/// An action that was lost, as the page of the recovery shows it.
#[derive(Debug, Clone)]
pub struct LostAction {
    /// When it was done.
    pub at: OffsetDateTime,
    /// Who did it.
    pub actor: String,
    /// The action, as a word.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// Whether it was done again.
    pub redone: bool,
}

/// Returns the actions in a project that were lost, oldest first; with those of no project, if `for_all`.
pub async fn lost(
    db: impl PgExecutor<'_>,
    recovery: RecoveryId,
    project: ProjectId,
    for_all: bool,
    limit: i64,
) -> sqlx::Result<Vec<LostAction>> {
    sqlx::query_as!(
        LostAction,
        r#"select id_time(a.id) as "at!", a.actor, a.action, a.subject, r.redone
           from recovery_actions r join audit_log a on a.id = r.event_id
           where r.recovery_id = $1 and (a.project_id = $2 or $3 and a.project_id is null)
           order by a.id limit $4"#,
        recovery.0,
        project.0,
        for_all,
        limit,
    )
    .fetch_all(db)
    .await
}
