//! Retention: data that a project's policy does not keep is deleted or redacted in small steps, and
//! a whole monthly partition at once if no project keeps any of it. Sums and statistics are stored
//! separately and stay. The job can stop at any time; the next run continues where it was.

use time::Duration;
use tracing::info;

use crate::app::App;
use crate::db::audit;
use crate::db::retention::partitions;
use crate::db::retention::{self, Borders, RetentionPolicy};
use crate::domain::ids::{ProjectId, UserId};

/// How long processed pushes are kept.
const PUSH_RETENTION: Duration = Duration::days(3);
/// How long unreadable pushes are kept.
const UNREADABLE_PUSH_RETENTION: Duration = Duration::days(30);

/// Runs one small step of each kind. Returns whether there may be more to do.
pub async fn run_once(app: &App) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let made = partitions::make_ahead(&app.db, now).await?;
    if made > 0 {
        info!(made, "created message partitions ahead of time");
    }
    let borders = retention::borders(&app.db, now).await?;
    // Data that no project keeps is deleted by dropping partitions; partitions in which messages
    // still wait for something are deleted by row.
    let all = borders.iter().map(|project| project.delete).min().unwrap_or(0);
    let ended = partitions::ended(&app.db, all).await?;
    let end = ended.last().map_or(0, |partition| partition.to);
    let whole: Vec<_> = ended.into_iter().filter(|partition| !partition.waits).collect();
    let dropped = whole.last().map_or(0, |partition| partition.to);
    let mut more = false;
    for project in borders {
        // The project that keeps data longest waits for the end of the partition, which is dropped
        // then at no cost.
        let delete = if project.delete == all { end } else { project.delete };
        more |= delete_expired(app, Borders { delete, ..project }, dropped).await?;
    }
    if !more {
        for partition in whole {
            if retention::is_clear(&app.db, partition.to).await?
                && partitions::drop_oldest(&app.db, &partition.name).await?
            {
                info!(name = partition.name, "dropped a message partition");
            }
        }
    }
    let (processed, unreadable) = (now - PUSH_RETENTION, now - UNREADABLE_PUSH_RETENTION);
    more |= retention::pushes(&app.db, now, processed, unreadable).await? > 0;
    Ok(more)
}

async fn delete_expired(app: &App, borders: Borders, dropped: i64) -> sqlx::Result<bool> {
    let deleted = retention::delete(&app.db, borders, dropped).await?;
    let redacted = retention::redact(&app.db, borders).await?;
    let external = (borders.delete > 0 || borders.redact > 0)
        && retention::external(&app.db, borders, dropped).await?;
    let texts = retention::texts(&app.db, borders).await?;
    Ok(deleted > 0 || redacted > 0 || external || texts > 0)
}

/// Returns whether a change of the policy deletes or redacts data that would have been kept before.
pub fn shortens_retention(before: RetentionPolicy, policy: RetentionPolicy) -> bool {
    let shorter = |before: Option<i16>, after: Option<i16>| {
        after.is_some_and(|after| before.is_none_or(|before| after < before))
    };
    shorter(before.retention_months, policy.retention_months)
        || shorter(before.redact_days, policy.redact_days)
}

/// Saves a project's retention policy, and audits the change.
pub async fn save_policy(
    app: &App,
    project: ProjectId,
    policy: RetentionPolicy,
    by: UserId,
    ip: &str,
) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let before = retention::of(&mut tx, project).await?;
    retention::set(&mut tx, project, policy).await?;
    let entry = audit::Entry {
        project: Some(project),
        user: Some(by),
        action: "retention_changed",
        subject: "",
        detail: serde_json::json!({
            "retention_months": [before.retention_months, policy.retention_months],
            "redact_days": [before.redact_days, policy.redact_days],
        }),
        ip,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await
}
