//! Adding, changing, disabling and enabling accounts.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::links::{self, NewLink};
use super::members;
use super::{AccountError, Manager, PasswordError, Standing, find, hashing, tries, valid_name};
use crate::app::App;
use crate::db::accounts::users::{self, NewUser, User};
use crate::db::accounts::{login_sessions, password_links};
use crate::db::projects;
use crate::domain::accounts::password;
use crate::domain::ids::UserId;
use crate::ops::reporting::notifications::{self, AccessChange};
use crate::outbound::is_email;

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
    let name = valid_name(name)?;
    let hash = hash(password).await?;
    let new = NewUser {
        name,
        email: None,
        password_hash: Some(&hash),
        is_owner: matches!(standing, Standing::Owner),
    };
    let mut tx = app.db.begin().await?;
    let user = insert(app, &mut tx, Manager::COMMAND_LINE, &new, standing).await?;
    tx.commit().await?;
    Ok(user)
}

/// An account to invite somebody to.
#[derive(Debug)]
pub struct Invitation<'a> {
    /// The name to sign in with.
    pub name: &'a str,
    /// The email address, if it is known.
    pub email: Option<&'a str>,
    /// What it may do.
    pub standing: Standing,
}

/// Creates an account without a password, and the link with which it gets one.
///
/// # Errors
///
/// [`AccountError`] says what is wrong with the name or the email address.
pub async fn invite(
    app: &App,
    by: Manager<'_>,
    invitation: &Invitation<'_>,
) -> Result<(UserId, NewLink), AccountError> {
    let new = NewUser {
        name: valid_name(invitation.name)?,
        email: valid_email(invitation.email)?,
        password_hash: None,
        is_owner: matches!(invitation.standing, Standing::Owner),
    };
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let user = insert(app, &mut tx, by, &new, invitation.standing).await?;
    let link = links::store(&mut tx, by, user, now).await?;
    tx.commit().await?;
    Ok((user, link))
}

async fn insert(
    app: &App,
    db: &mut PgConnection,
    by: Manager<'_>,
    new: &NewUser<'_>,
    standing: Standing,
) -> Result<UserId, AccountError> {
    let now = app.clock.now();
    let user = users::insert(db, new, now)
        .await?
        .ok_or_else(|| AccountError::Taken(new.name.to_owned()))?;
    if let Standing::Member(project, role) = standing {
        projects::set_member(db, project, user, role, now).await?;
    }
    let role = match standing {
        Standing::Owner => "owner",
        Standing::Member(_, role) => role.key(),
    };
    let detail = json!({ "name": new.name, "owner": new.is_owner, "role": role });
    record(db, by, "user_added", detail, now).await?;
    if let Standing::Member(project, role) = standing {
        members::record_role(db, by, project, new.name, role, None, now).await?;
        let change = AccessChange::RoleSet;
        notifications::access_changed(app, db, project, change, new.name).await?;
    }
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
    let user = find(app, name).await?;
    check(app, &password, &user.name)?;
    let hash = hash(password).await?;
    let mut tx = app.db.begin().await?;
    password_links::delete(&mut tx, user.id).await?;
    users::set_password(&mut tx, user.id, &hash).await?;
    login_sessions::revoke_others(&mut tx, user.id, &[]).await?;
    tries::forget(&mut tx, user.id).await?;
    let (by, detail) = (Manager::COMMAND_LINE, json!({ "name": user.name }));
    record(&mut tx, by, "password_reset", detail, app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Replaces the name and the email address of an account.
///
/// # Errors
///
/// [`AccountError`] says what is wrong with them.
pub async fn rename(
    app: &App,
    by: Manager<'_>,
    user: &User,
    name: &str,
    email: Option<&str>,
) -> Result<(), AccountError> {
    let (name, email) = (valid_name(name)?, valid_email(email)?);
    let mut tx = app.db.begin().await?;
    let before = users::email(&mut tx, user.id).await?;
    if !users::rename(&mut tx, user.id, name, email).await? {
        return Err(AccountError::Taken(name.to_owned()));
    }
    if before.as_deref() != email {
        // One that was mailed to the address before works no more.
        password_links::delete(&mut tx, user.id).await?;
    }
    let detail = json!({
        "name": name, "name_before": user.name, "email": email, "email_before": before,
    });
    record(&mut tx, by, "user_changed", detail, app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Replaces the language of an account; `None` leaves it to the browser.
pub async fn set_language(
    app: &App,
    by: Manager<'_>,
    user: &User,
    language: Option<&str>,
) -> Result<(), AccountError> {
    let mut tx = app.db.begin().await?;
    let before = users::language(&mut tx, user.id).await?;
    if before.as_deref() == language {
        return Ok(());
    }
    users::set_language(&mut tx, user.id, language).await?;
    let detail = json!({ "name": user.name, "language": [before, language] });
    record(&mut tx, by, "user_changed", detail, app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends the login sessions of an account, and lets it sign in no more.
///
/// # Errors
///
/// [`AccountError::LastOwner`] if nobody could manage the console any more.
pub async fn disable(app: &App, by: Manager<'_>, user: &User) -> Result<(), AccountError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if users::lock_owners(&mut tx).await? == [user.id] {
        return Err(AccountError::LastOwner(user.name.clone()));
    }
    // In the order in which a link is used.
    password_links::delete(&mut tx, user.id).await?;
    users::set_disabled(&mut tx, user.id, Some(now)).await?;
    login_sessions::revoke_others(&mut tx, user.id, &[]).await?;
    record(&mut tx, by, "user_disabled", json!({ "name": user.name }), now).await?;
    tx.commit().await?;
    Ok(())
}

/// Lets an account sign in again.
pub async fn enable(app: &App, by: Manager<'_>, user: &User) -> Result<(), AccountError> {
    let mut tx = app.db.begin().await?;
    users::set_disabled(&mut tx, user.id, None).await?;
    let detail = json!({ "name": user.name });
    record(&mut tx, by, "user_enabled", detail, app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Makes an account an owner, or not any more. As an owner it needs no roles, and loses none.
///
/// # Errors
///
/// [`AccountError::LastOwner`] if nobody could manage the console any more.
pub async fn set_owner(
    app: &App,
    by: Manager<'_>,
    user: &User,
    is_owner: bool,
) -> Result<(), AccountError> {
    let mut tx = app.db.begin().await?;
    if !is_owner && users::lock_owners(&mut tx).await? == [user.id] {
        return Err(AccountError::LastOwner(user.name.clone()));
    }
    users::set_owner(&mut tx, user.id, is_owner).await?;
    let action = if is_owner { "owner_added" } else { "owner_removed" };
    record(&mut tx, by, action, json!({ "name": user.name }), app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

fn valid_email(email: Option<&str>) -> Result<Option<&str>, AccountError> {
    let email = email.map(str::trim).filter(|email| !email.is_empty());
    if email.is_some_and(|email| !is_email(email)) {
        return Err(AccountError::Email);
    }
    Ok(email)
}

fn check(app: &App, password: &SecretString, name: &str) -> Result<(), AccountError> {
    let checked = password::check(password.expose_secret(), name, app.public_url.as_deref());
    Ok(checked.map_err(PasswordError::from)?)
}

async fn hash(password: SecretString) -> Result<String, AccountError> {
    let at_the_command_line = hashing::Waiting::Known("command line".to_owned());
    let hash = hashing::hash(password, &at_the_command_line).await;
    Ok(hash.map_err(PasswordError::from)?)
}

async fn record(
    db: &mut PgConnection,
    by: Manager<'_>,
    action: &str,
    detail: Value,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    super::record(db, by.user, action, detail, by.ip, now).await
}
