//! Chaining audit events, so that nobody changes them unnoticed, and removing those past their retention.

use serde_json::json;

use crate::app::App;
use crate::db::audit::{self, Entry};
use crate::db::audit_chain;
use crate::ops::accounts::Manager;

/// Events that are chained or removed in one step.
const STEP: i32 = 1_000;
/// The fewest months for which audit events are kept (Cybersecurity Law of the PRC, article 21).
pub const MIN_MONTHS: i16 = 6;
/// The most months.
pub const MAX_MONTHS: i16 = 240;

/// Chains some events and removes some. Returns whether there may be more to do.
pub async fn run_once(app: &App) -> sqlx::Result<bool> {
    let chained = audit_chain::extend(&app.db, app.clock.now(), STEP).await?;
    let removed = audit_chain::remove_old(&app.db, STEP).await?;
    Ok(chained >= STEP || removed >= STEP)
}

/// Saves how many months audit events are kept, and audits the change.
pub async fn save_retention(app: &App, by: Manager<'_>, months: Option<i16>) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    let before = audit_chain::retention(&mut tx).await?;
    audit_chain::set_retention(&mut tx, months).await?;
    let entry = Entry {
        project: None,
        user: by.user,
        action: "audit_retention_changed",
        subject: "",
        detail: json!({ "retention_months": [before, months] }),
        ip: by.ip,
    };
    audit::record(&mut tx, &entry, app.clock.now()).await?;
    tx.commit().await
}
