//! Stopping all sending at once, of a project or of the installation, and letting it go on.

use serde_json::json;

use crate::app::App;
use crate::db::audit;
use crate::db::sending::sending_stops;
use crate::domain::ids::{ProjectId, UserId};

/// Stops the sending of a project, or of all. Returns how many messages are part of calls under way:
/// they may still arrive.
pub async fn stop(
    app: &App,
    project: Option<ProjectId>,
    by: Option<UserId>,
    ip: &str,
) -> sqlx::Result<i64> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let stopped = sending_stops::insert(&mut tx, project, by, now).await?;
    let under_way = sending_stops::under_way(&mut *tx, project).await?;
    if stopped {
        let entry = audit::Entry {
            project,
            user: by,
            action: "sending_stopped",
            subject: "",
            detail: json!({ "under_way": under_way }),
            ip,
        };
        audit::record(&mut tx, &entry, now).await?;
    }
    tx.commit().await?;
    Ok(under_way)
}

/// Lets sending go on. Returns whether it was stopped.
pub async fn resume(
    app: &App,
    project: Option<ProjectId>,
    by: Option<UserId>,
    ip: &str,
) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let resumed = sending_stops::delete(&mut tx, project).await?;
    if resumed {
        let entry = audit::Entry {
            project,
            user: by,
            action: "sending_resumed",
            subject: "",
            detail: json!({}),
            ip,
        };
        audit::record(&mut tx, &entry, now).await?;
    }
    tx.commit().await?;
    app.wake.submit();
    Ok(resumed)
}
