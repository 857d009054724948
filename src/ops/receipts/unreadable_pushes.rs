//! Unreadable pushes: a person dismisses them, or has them processed again, for example after an
//! update that can read them. Items that were processed before change nothing.

use serde_json::json;

use crate::app::App;
use crate::db::audit;
use crate::db::receipts::unreadable_pushes;
use crate::domain::ids::PushId;
use crate::ops::actor::Actor;

/// Dismisses a push. Returns false if somebody has done so before.
pub async fn dismiss(app: &App, actor: Actor<'_>, push: PushId) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if !unreadable_pushes::dismiss(&mut tx, actor.project, push, now).await? {
        return Ok(false);
    }
    audit::record(&mut tx, &entry(actor, "push_seen", &push.to_string()), now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Has a push processed again. Returns whether it had items that could not be read.
pub async fn process_again(app: &App, actor: Actor<'_>, push: PushId) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    if !unreadable_pushes::process_again(&mut tx, actor.project, push).await? {
        return Ok(false);
    }
    let now = app.clock.now();
    audit::record(&mut tx, &entry(actor, "push_reprocessed", &push.to_string()), now).await?;
    tx.commit().await?;
    app.wake.process_pushes();
    Ok(true)
}

fn entry<'a>(actor: Actor<'a>, action: &'a str, push: &'a str) -> audit::Entry<'a> {
    audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action,
        subject: push,
        detail: json!({}),
        ip: actor.ip,
    }
}
