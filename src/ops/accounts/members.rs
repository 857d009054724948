//! The roles of accounts in projects.

use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{AccountError, Manager};
use crate::app::App;
use crate::db::accounts::stand_ins;
use crate::db::accounts::users::User;
use crate::db::audit::{self, Entry};
use crate::db::projects;
use crate::domain::accounts::role::Role;
use crate::domain::ids::ProjectId;
use crate::ops::reporting::notifications::{self, AccessChange};

/// Gives an account a role in a project, instead of the one it had.
///
/// # Errors
///
/// [`AccountError::Owner`] if it is an owner, who needs none; [`AccountError::Own`] if it is the manager's
/// own account.
pub async fn set_role(
    app: &App,
    by: Manager<'_>,
    user: &User,
    project: ProjectId,
    role: Role,
) -> Result<(), AccountError> {
    may_change(by, user)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let before = projects::role_of(&mut tx, project, user.id).await?;
    projects::set_member(&mut tx, project, user.id, role, now).await?;
    record_role(&mut tx, by, project, &user.name, role, before, now).await?;
    let change = AccessChange::RoleSet;
    notifications::access_changed(app, &mut tx, project, change, &user.name).await?;
    tx.commit().await?;
    Ok(())
}

/// Records that an account got a role in a project.
pub(super) async fn record_role(
    db: &mut PgConnection,
    by: Manager<'_>,
    project: ProjectId,
    name: &str,
    role: Role,
    before: Option<Role>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let detail = json!({ "name": name, "role": role.key(), "before": before.map(Role::key) });
    let action = "role_set";
    let entry =
        Entry { project: Some(project), user: by.user, action, subject: "", detail, ip: by.ip };
    audit::record(db, &entry, now).await
}

/// Takes an account out of a project.
///
/// # Errors
///
/// [`AccountError::NotMember`] if it has no role in it, and those of [`set_role`].
pub async fn remove(
    app: &App,
    by: Manager<'_>,
    user: &User,
    project: ProjectId,
) -> Result<(), AccountError> {
    may_change(by, user)?;
    let mut tx = app.db.begin().await?;
    if !projects::remove_member(&mut tx, project, user.id).await? {
        return Err(AccountError::NotMember(user.name.clone()));
    }
    stand_ins::forget(&mut tx, project, user.id).await?;
    let detail = json!({ "name": user.name });
    let action = "member_removed";
    let entry =
        Entry { project: Some(project), user: by.user, action, subject: "", detail, ip: by.ip };
    audit::record(&mut tx, &entry, app.clock.now()).await?;
    let change = AccessChange::MemberRemoved;
    notifications::access_changed(app, &mut tx, project, change, &user.name).await?;
    tx.commit().await?;
    Ok(())
}

fn may_change(by: Manager<'_>, user: &User) -> Result<(), AccountError> {
    if user.is_owner {
        Err(AccountError::Owner(user.name.clone()))
    } else if by.user == Some(user.id) {
        Err(AccountError::Own)
    } else {
        Ok(())
    }
}
