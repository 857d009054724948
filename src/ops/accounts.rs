//! Accounts: signing in and out, passwords, and what the command line does with accounts.

mod device;
mod hashing;
mod own;
mod sign_ins;
mod tries;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use time::OffsetDateTime;

use crate::app::App;
use crate::db::users::{self, Credentials};
use crate::db::{audit, login_sessions, projects};
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::password;
use crate::domain::role::Role;

pub use device::{Device, MAX_AGE as DEVICE_MAX_AGE};
pub use own::{Ending, PasswordError, change_password, end_sessions};
pub use sign_ins::{SignInError, sign_in, signed_out};
pub use tries::{Visitor, delete_old as delete_old_tries};

/// Why an account cannot be created or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name is not allowed.
    #[error("username must have 1 to 60 characters and no control characters")]
    Name,
    /// The name is taken.
    #[error("account `{0}` already exists")]
    Taken(String),
    /// No account has this name.
    #[error("no account named `{0}`")]
    Unknown(String),
    /// There is no such project.
    #[error("no project `{0}`")]
    NoProject(String),
    /// Nobody else could manage the console.
    #[error("`{0}` is the last owner who can sign in")]
    LastOwner(String),
    /// An owner has every permission in every project.
    #[error("`{0}` is an owner, and so an admin in every project")]
    Owner(String),
    /// The account has no role in the project.
    #[error("`{0}` has no role in project `{1}`")]
    NotMember(String, String),
    /// The password is not allowed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The permissions of a new account.
#[derive(Debug, Clone, Copy)]
pub enum Standing {
    /// Manages projects and accounts.
    Owner,
    /// Has a role in one project.
    Member(ProjectId, Role),
}

/// Creates an account from the command line.
///
/// # Errors
///
/// [`AccountError`] says what is wrong with the name or the password.
pub async fn create(
    app: &App,
    name: &str,
    password: SecretString,
    standing: Standing,
) -> Result<UserId, AccountError> {
    check(app, &password, name.trim())?;
    create_with_any_password(app, name, password, standing).await
}

/// Creates an account whose password may be weak: a demo prints it for everybody to read.
///
/// # Errors
///
/// [`AccountError`] says what is wrong with the name.
pub async fn create_with_any_password(
    app: &App,
    name: &str,
    password: SecretString,
    standing: Standing,
) -> Result<UserId, AccountError> {
    let name = name.trim();
    let valid = (1..=60).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if !valid {
        return Err(AccountError::Name);
    }
    let hash =
        hashing::hash(password, &at_the_command_line()).await.map_err(PasswordError::from)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let is_owner = matches!(standing, Standing::Owner);
    let user = users::insert(&mut tx, name, &hash, is_owner, now)
        .await?
        .ok_or_else(|| AccountError::Taken(name.to_owned()))?;
    if let Standing::Member(project, role) = standing {
        projects::set_member(&mut tx, project, user, role, now).await?;
    }
    let detail = json!({ "name": name, "owner": is_owner });
    record(&mut tx, None, "user_added", detail, "-", now).await?;
    tx.commit().await?;
    Ok(user)
}

/// Sets a new password from the command line and ends the login sessions of the account.
///
/// # Errors
///
/// [`AccountError::Unknown`] if there is no such account, [`AccountError::Password`] if the
/// password is not allowed.
pub async fn reset_password(
    app: &App,
    name: &str,
    password: SecretString,
) -> Result<(), AccountError> {
    let found = find(app, name).await?;
    check(app, &password, &found.user.name)?;
    let hash =
        hashing::hash(password, &at_the_command_line()).await.map_err(PasswordError::from)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    users::set_password(&mut tx, found.user.id, &hash).await?;
    login_sessions::revoke_others(&mut tx, found.user.id, &[]).await?;
    tries::forget(&mut tx, found.user.id).await?;
    record(&mut tx, None, "password_reset", json!({ "name": found.user.name }), "-", now).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends the login sessions of an account, and lets it sign in no more. Returns its name.
///
/// # Errors
///
/// [`AccountError::LastOwner`] if nobody could manage the console any more.
pub async fn disable(app: &App, name: &str) -> Result<String, AccountError> {
    let user = find(app, name).await?.user;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if users::lock_owners(&mut tx).await? == [user.id] {
        return Err(AccountError::LastOwner(user.name));
    }
    users::set_disabled(&mut tx, user.id, Some(now)).await?;
    login_sessions::revoke_others(&mut tx, user.id, &[]).await?;
    record(&mut tx, None, "user_disabled", json!({ "name": user.name }), "-", now).await?;
    tx.commit().await?;
    Ok(user.name)
}

/// Lets an account sign in again. Returns its name.
///
/// # Errors
///
/// [`AccountError::Unknown`] if there is no such account.
pub async fn enable(app: &App, name: &str) -> Result<String, AccountError> {
    let user = find(app, name).await?.user;
    let mut tx = app.db.begin().await?;
    users::set_disabled(&mut tx, user.id, None).await?;
    let detail = json!({ "name": user.name });
    record(&mut tx, None, "user_enabled", detail, "-", app.clock.now()).await?;
    tx.commit().await?;
    Ok(user.name)
}

/// Gives an account a role in the project `slug`, instead of the one it had. Returns its name.
///
/// # Errors
///
/// [`AccountError::Owner`] if it is an owner, who needs none.
pub async fn set_role(
    app: &App,
    name: &str,
    slug: &str,
    role: Role,
) -> Result<String, AccountError> {
    let user = find(app, name).await?.user;
    if user.is_owner {
        return Err(AccountError::Owner(user.name));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let project = project(&mut tx, slug).await?;
    projects::set_member(&mut tx, project, user.id, role, now).await?;
    let detail = json!({ "name": user.name, "role": role.key() });
    record_in(&mut tx, project, "role_set", detail, now).await?;
    tx.commit().await?;
    Ok(user.name)
}

/// Takes an account out of the project `slug`. Returns its name.
///
/// # Errors
///
/// [`AccountError::NotMember`] if it has no role in it.
pub async fn remove(app: &App, name: &str, slug: &str) -> Result<String, AccountError> {
    let user = find(app, name).await?.user;
    let mut tx = app.db.begin().await?;
    let project = project(&mut tx, slug).await?;
    if !projects::remove_member(&mut tx, project, user.id).await? {
        return Err(AccountError::NotMember(user.name, slug.to_owned()));
    }
    let detail = json!({ "name": user.name });
    record_in(&mut tx, project, "member_removed", detail, app.clock.now()).await?;
    tx.commit().await?;
    Ok(user.name)
}

async fn find(app: &App, name: &str) -> Result<Credentials, AccountError> {
    let found = users::by_name(&app.db, name.trim()).await?;
    found.ok_or_else(|| AccountError::Unknown(name.to_owned()))
}

async fn project(db: &mut sqlx::PgConnection, slug: &str) -> Result<ProjectId, AccountError> {
    let found = projects::by_slug(db, slug).await?;
    found.ok_or_else(|| AccountError::NoProject(slug.to_owned()))
}

fn check(app: &App, password: &SecretString, name: &str) -> Result<(), AccountError> {
    let checked = password::check(password.expose_secret(), name, app.public_url.as_deref());
    Ok(checked.map_err(PasswordError::from)?)
}

fn at_the_command_line() -> hashing::Waiting {
    hashing::Waiting::Known("command line".to_owned())
}

async fn record(
    db: &mut sqlx::PgConnection,
    user: Option<UserId>,
    action: &str,
    detail: serde_json::Value,
    ip: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let entry = audit::Entry { project: None, user, action, subject: "", detail, ip };
    audit::record(db, &entry, now).await
}

async fn record_in(
    db: &mut sqlx::PgConnection,
    project: ProjectId,
    action: &str,
    detail: serde_json::Value,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let entry =
        audit::Entry { project: Some(project), user: None, action, subject: "", detail, ip: "-" };
    audit::record(db, &entry, now).await
}
