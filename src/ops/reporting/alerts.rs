//! Noticing what nobody does: what people were notified of is over, too many messages are in doubt, a batch finished with
//! many failures, the database has lost its standby. Processes that look at the same time notify once.

use time::Duration;

use super::notifications;
use crate::app::App;
use crate::db::projects;
use crate::db::recovery::durability;
use crate::db::reporting::alerts;
use crate::domain::alert::AlertEvent;

mod robots;
mod settings;

pub use robots::{RobotForm, RobotProblem, add_robot, remove_robot};
pub use settings::{add_rule, remove_rule, save_settings};

/// A standby that is away for no longer than this is being restarted.
const STANDBY_GRACE: Duration = Duration::MINUTE;

/// Looks at everything once.
pub async fn run_once(app: &App) -> sqlx::Result<()> {
    notify_ended(app).await?;
    watch_in_doubt(app).await?;
    while notify_finished(app).await? {}
    watch_standby(app).await
}

async fn notify_ended(app: &App) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    for ended in alerts::delete_ended(&mut tx).await? {
        notifications::over(app, &mut tx, ended.project, ended.event, ended.body).await?;
    }
    tx.commit().await
}

async fn watch_in_doubt(app: &App) -> sqlx::Result<()> {
    for found in alerts::in_doubt(&app.db).await? {
        let mut tx = app.db.begin().await?;
        let are_many = found.count > i64::from(found.over);
        if are_many && !found.is_notified {
            notifications::many_in_doubt(app, &mut tx, &found).await?;
        } else if !are_many && found.is_notified {
            notifications::end(app, &mut tx, found.project, AlertEvent::InDoubt, "").await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Notifies people of batches whose last outcome has become known. Returns whether there may be more.
async fn notify_finished(app: &App) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    let finished = alerts::take_finished(&mut tx).await?;
    for batch in &finished {
        let percent = alerts::settings(&mut tx, batch.project).await?.failure_percent;
        let is_over = batch.failed * 100 >= i64::from(batch.total) * i64::from(percent);
        if batch.is_done && is_over {
            notifications::batch_finished(app, &mut tx, batch).await?;
        }
    }
    tx.commit().await?;
    Ok(!finished.is_empty())
}

async fn watch_standby(app: &App) -> sqlx::Result<()> {
    let now = app.clock.now();
    let found = durability::ask(&app.db).await?;
    let has_standby = found.synchronous + found.asynchronous + found.hidden > 0;
    let mut tx = app.db.begin().await?;
    let seen_at = alerts::standby_seen(&mut tx).await?;
    if has_standby {
        alerts::see_standby(&mut tx, now).await?;
    }
    let is_lost = !has_standby && seen_at.is_some_and(|at| now - at > STANDBY_GRACE);
    if has_standby || is_lost {
        for project in projects::all(&app.db).await? {
            if is_lost {
                notifications::standby_lost(app, &mut tx, project.id).await?;
            } else {
                let event = AlertEvent::StandbyLost;
                notifications::end(app, &mut tx, project.id, event, "").await?;
            }
        }
    }
    tx.commit().await
}
