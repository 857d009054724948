//! What was refused to whom, as audit events with a count: one per action, name, address and hour, and a
//! limited number in an hour.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use crate::domain::ids::{ProjectId, UserId};

/// Something that was refused.
#[derive(Debug)]
pub struct Refusal {
    /// The action, as a word: `sign_in_failed`.
    pub action: String,
    /// The name that it is counted by, if the person gave one.
    pub name: String,
    /// The address that it is counted by.
    pub ip: String,
    /// The account, if it is known whose it is.
    pub user: Option<UserId>,
    /// The project, if it happened in one.
    pub project: Option<ProjectId>,
    /// Further details of the first one in an hour.
    pub detail: Value,
}

type Counts = BTreeMap<(String, String, String), (Refusal, i64)>;

/// The refusals of this process that are not written yet. While some are being written, others are added
/// up here: thousands a second must neither queue for one row nor use up the connections.
#[derive(Debug, Default)]
pub struct Unwritten {
    counts: Mutex<Counts>,
    writing: tokio::sync::Mutex<()>,
}

impl Unwritten {
    /// Adds a refusal.
    pub fn add(&self, refusal: Refusal) {
        let key = (refusal.action.clone(), refusal.name.clone(), refusal.ip.clone());
        self.counts().entry(key).or_insert((refusal, 0)).1 += 1;
    }

    /// Returns when those that were added before are written, by this call or by another one.
    pub async fn write(&self, db: &PgPool, now: OffsetDateTime) -> sqlx::Result<()> {
        let _writing = self.writing.lock().await;
        let counts = std::mem::take(&mut *self.counts());
        if counts.is_empty() { Ok(()) } else { count(db, counts, now).await }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes them in the order of their keys, so that two processes do not wait for each other.
async fn count(db: &PgPool, counts: Counts, now: OffsetDateTime) -> sqlx::Result<()> {
    let mut actions = Vec::new();
    let mut names = Vec::new();
    let mut ips = Vec::new();
    let mut users = Vec::new();
    let mut projects = Vec::new();
    let mut details = Vec::new();
    let mut times = Vec::new();
    for (refusal, n) in counts.into_values() {
        actions.push(refusal.action);
        names.push(refusal.name);
        ips.push(refusal.ip);
        users.push(refusal.user.map(|user| user.0));
        projects.push(refusal.project.map(|project| project.0));
        details.push(refusal.detail);
        times.push(n);
    }
    sqlx::query!(
        r#"select count_refusal($1, action, name, ip, person, project, detail, times) as "counted: ()"
           from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::jsonb[],
             $8::bigint[]) as refused (action, name, ip, person, project, detail, times)"#,
        now,
        &actions,
        &names,
        &ips,
        &users as &[Option<i64>],
        &projects as &[Option<i64>],
        &details,
        &times,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the keys of hours that are over. Their audit events stay.
pub async fn delete_old(db: &PgPool, now: OffsetDateTime) -> sqlx::Result<u64> {
    let deleted = sqlx::query!("delete from refusals where hour < $1", now - Duration::hours(2))
        .execute(db)
        .await?;
    Ok(deleted.rows_affected())
}
