//! Changes of the rules and the quiet hours; each is audited.

use serde_json::json;
use sqlx::PgConnection;

use crate::app::App;
use crate::db::audit;
use crate::db::reporting::alerts::{self, AlertSettings};
use crate::domain::alert::{AlertEvent, AlertTarget};
use crate::domain::ids::AlertRuleId;
use crate::ops::actor::Actor;

/// Adds a rule. Returns whether the robot or person is of the project.
pub async fn add_rule(
    app: &App,
    actor: Actor<'_>,
    event: AlertEvent,
    target: AlertTarget,
) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    if !alerts::add_rule(&mut tx, actor.project, event, target, app.clock.now()).await? {
        return Ok(false);
    }
    record(app, &mut tx, actor, "alert_rule_added", event.key(), target.key()).await?;
    tx.commit().await?;
    Ok(true)
}

/// Deletes a rule. Returns whether it existed.
pub async fn remove_rule(app: &App, actor: Actor<'_>, rule: AlertRuleId) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    let Some((event, target)) = alerts::delete_rule(&mut tx, actor.project, rule).await? else {
        return Ok(false);
    };
    record(app, &mut tx, actor, "alert_rule_removed", event.key(), &target).await?;
    tx.commit().await?;
    Ok(true)
}

async fn record(
    app: &App,
    db: &mut PgConnection,
    actor: Actor<'_>,
    action: &str,
    event: &str,
    target: &str,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action,
        subject: event,
        detail: json!({ "target": target }),
        ip: actor.ip,
    };
    audit::record(db, &entry, app.clock.now()).await
}

/// Saves the quiet hours and the numbers from which on people are notified.
pub async fn save_settings(
    app: &App,
    actor: Actor<'_>,
    settings: &AlertSettings,
) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    alerts::save_settings(&mut tx, actor.project, settings).await?;
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action: "alert_settings_changed",
        subject: "",
        detail: json!({
            "quiet_from": settings.quiet.from.to_string(),
            "quiet_to": settings.quiet.to.to_string(),
            "failure_percent": settings.failure_percent,
            "in_doubt_over": settings.in_doubt_over,
        }),
        ip: actor.ip,
    };
    audit::record(&mut tx, &entry, app.clock.now()).await?;
    tx.commit().await
}
