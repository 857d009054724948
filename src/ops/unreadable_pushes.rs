//! Pushes with items that could not be read: a person puts them aside, or lets them be settled again
//! after the console has learned to read them. What of a push was settled before changes nothing.

use serde_json::json;

use super::push_url::Actor;
use crate::app::App;
use crate::db::{audit, unreadable_pushes};
use crate::domain::ids::PushId;

/// Puts a push aside. Answers whether nobody had before.
pub async fn dismiss(app: &App, by: Actor<'_>, push: PushId) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if !unreadable_pushes::dismiss(&mut tx, by.project, push, now).await? {
        return Ok(false);
    }
    audit::record(&mut tx, &entry(by, "push_seen", &push.to_string()), now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Lets a push be settled again. Answers whether it had items that could not be read.
pub async fn process_again(app: &App, by: Actor<'_>, push: PushId) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    if !unreadable_pushes::process_again(&mut tx, by.project, push).await? {
        return Ok(false);
    }
    let now = app.clock.now();
    audit::record(&mut tx, &entry(by, "push_settled_again", &push.to_string()), now).await?;
    tx.commit().await?;
    app.wake.process_pushes();
    Ok(true)
}

fn entry<'a>(by: Actor<'a>, action: &'a str, push: &'a str) -> audit::Entry<'a> {
    audit::Entry {
        project: Some(by.project),
        user: Some(by.user),
        action,
        subject: push,
        detail: json!({}),
        address: by.address,
    }
}
