//! Keeping and letting go. What a project does not policy to keep is deleted or redacted in small steps,
//! a whole month at once when nobody keeps any of it. Sums and statistics stay: they are kept apart.
//! It can be stopped at any moment; the next turn goes on where it was.

use time::Duration;
use tracing::info;

use crate::app::App;
use crate::db::retention::{self, Borders, RetentionPolicy};
use crate::db::{audit, partitions};
use crate::domain::ids::{ProjectId, UserId};

/// Settled pushes are kept for this long.
const PUSHES_KEPT: Duration = Duration::days(3);
/// Those with items that could not be read for this long.
const PROBLEMS_KEPT: Duration = Duration::days(30);

/// Takes one small step of each kind. Answers whether there may be more to do.
pub async fn run_once(app: &App) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let made = partitions::make_ahead(&app.db, now).await?;
    if made > 0 {
        info!(made, "created message partitions ahead of time");
    }
    let borders = retention::borders(&app.db, now).await?;
    // What nobody keeps any more goes by whole partitions; those in which something waits, by rows.
    let all = borders.iter().map(|of| of.delete).min().unwrap_or(0);
    let ended = partitions::ended(&app.db, all).await?;
    let end = ended.last().map_or(0, |partition| partition.to);
    let whole: Vec<_> = ended.into_iter().filter(|partition| !partition.waits).collect();
    let dropped = whole.last().map_or(0, |partition| partition.to);
    let mut more = false;
    for of in borders {
        // Whoever keeps longest waits for the end of the month: it costs nothing to drop it then.
        let delete = if of.delete == all { end } else { of.delete };
        more |= delete_expired(app, Borders { delete, ..of }, dropped).await?;
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
    let (plain, odd) = (now - PUSHES_KEPT, now - PROBLEMS_KEPT);
    more |= retention::pushes(&app.db, now, plain, odd).await? > 0;
    Ok(more)
}

async fn delete_expired(app: &App, of: Borders, dropped: i64) -> sqlx::Result<bool> {
    let deleted = retention::delete(&app.db, of, dropped).await?;
    let redacted = retention::redact(&app.db, of).await?;
    let others =
        (of.delete > 0 || of.redact > 0) && retention::external(&app.db, of, dropped).await?;
    let texts = retention::texts(&app.db, of).await?;
    Ok(deleted > 0 || redacted > 0 || others || texts > 0)
}

/// Whether a change of the wishes removes or blanks what would have been kept before.
pub fn keeps_less(before: RetentionPolicy, policy: RetentionPolicy) -> bool {
    let shorter = |before: Option<i16>, policy: Option<i16>| {
        policy.is_some_and(|policy| before.is_none_or(|before| policy < before))
    };
    shorter(before.retention_months, policy.retention_months)
        || shorter(before.redact_days, policy.redact_days)
}

/// Replaces a project's wishes and writes down who did it.
pub async fn save_policy(
    app: &App,
    project: ProjectId,
    policy: RetentionPolicy,
    by: UserId,
    address: &str,
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
        address,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await
}
