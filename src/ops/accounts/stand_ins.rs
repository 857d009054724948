//! Naming somebody who may approve in the place of an approver who is away.

use serde_json::json;
use time::{Date, Duration, OffsetDateTime};

use super::Manager;
use crate::app::App;
use crate::db::accounts::stand_ins;
use crate::db::accounts::users::User;
use crate::db::audit::{self, Entry};
use crate::domain::accounts::role::Permission;
use crate::domain::ids::ProjectId;
use crate::domain::period;

/// How many days ahead standing in may end.
pub const MAX_DAYS: i64 = 90;

/// Why nobody stands in.
#[derive(Debug, thiserror::Error)]
pub enum StandInError {
    /// The one who is away may not approve.
    #[error("`{0}` may not approve batches")]
    NoApprover(String),
    /// The stand-in may not send, is no member, or may not sign in.
    #[error("`{0}` may not send in the project")]
    MayNotSend(String),
    /// The stand-in may approve anyway.
    #[error("`{0}` may approve anyway")]
    MayApprove(String),
    /// The last day has passed, or is too far ahead.
    #[error("not a day within the next {MAX_DAYS} days")]
    Day,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Lets an account approve in the place of another one, to the end of a day in China.
///
/// # Errors
///
/// [`StandInError`] says what is wrong.
pub async fn stand_in(
    app: &App,
    by: Manager<'_>,
    project: ProjectId,
    approver: &User,
    stand_in: &User,
    last_day: Date,
) -> Result<(), StandInError> {
    let now = app.clock.now();
    let until = end_of(last_day, now).ok_or(StandInError::Day)?;
    let mut tx = app.db.begin().await?;
    let role = stand_ins::role_of(&mut tx, project, approver.id).await?;
    if !role.is_some_and(|role| role.may(Permission::Approve)) {
        return Err(StandInError::NoApprover(approver.name.clone()));
    }
    match stand_ins::role_of(&mut tx, project, stand_in.id).await? {
        Some(role) if role.may(Permission::Approve) => {
            return Err(StandInError::MayApprove(stand_in.name.clone()));
        }
        Some(role) if role.may(Permission::Send) => {}
        Some(_) | None => return Err(StandInError::MayNotSend(stand_in.name.clone())),
    }
    stand_ins::set(&mut tx, project, approver.id, stand_in.id, until).await?;
    let detail = json!({
        "name": stand_in.name, "approver": approver.name, "until": last_day.to_string(),
    });
    let action = "stand_in_named";
    let entry =
        Entry { project: Some(project), user: by.user, action, subject: "", detail, ip: by.ip };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Returns the end of a day in China that is neither past nor too far ahead.
fn end_of(day: Date, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let days = (day - period::day_of(now)).whole_days();
    (0..=MAX_DAYS).contains(&days).then(|| period::midnight(day) + Duration::DAY)
}

/// Ends standing in for an account. Returns whether somebody did.
pub async fn end_stand_in(
    app: &App,
    by: Manager<'_>,
    project: ProjectId,
    approver: &User,
) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    let ended = stand_ins::end(&mut tx, project, approver.id).await?;
    if ended {
        let detail = json!({ "approver": approver.name });
        let action = "stand_in_ended";
        let entry =
            Entry { project: Some(project), user: by.user, action, subject: "", detail, ip: by.ip };
        audit::record(&mut tx, &entry, app.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(ended)
}
