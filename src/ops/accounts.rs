//! Accounts: signing in and out, passwords, and new accounts.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use tokio::sync::Semaphore;

use crate::app::App;
use crate::db::users::{self, User};
use crate::db::{audit, login_sessions, projects};
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::role::Role;

/// The fewest and the most characters of a password.
pub const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 12..=256;
/// Failed sign-ins that are not throttled.
const FREE_FAILURES: i32 = 5;
const MAX_WAIT: Duration = Duration::minutes(15);
/// Failed sign-ins are forgotten after this long without another one.
const FORGET_AFTER: Duration = Duration::hours(1);

/// Limits concurrent hashing: a hash takes 19 MiB and 20 ms.
static HASHING: Semaphore = Semaphore::const_new(2);
/// The hash that is verified for unknown names, so that they take as long as known ones.
static DUMMY_HASH: LazyLock<Option<String>> =
    LazyLock::new(|| hash("nobody has this password").ok());

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Wrong name or password, or the account is disabled. Which one is not disclosed.
    #[error("incorrect username or password")]
    Wrong,
    /// Too many failed sign-ins with this name or from this IP address.
    #[error("too many failed sign-in attempts")]
    Throttled {
        /// When the next attempt is allowed.
        until: OffsetDateTime,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The password could not be checked.
    #[error("cannot verify the password")]
    Hashing,
}

/// Checks a name and its password. Success and failure are audited.
///
/// # Errors
///
/// [`SignInError::Wrong`] and [`SignInError::Throttled`] are the client's; the others are ours.
pub async fn sign_in(
    app: &App,
    name: &str,
    password: SecretString,
    ip: &str,
) -> Result<User, SignInError> {
    let now = app.clock.now();
    let name: String = name.trim().chars().take(60).collect();
    let subjects = [format!("name:{}", name.to_lowercase()), format!("address:{ip}")];
    if let Some(until) = throttled_until(app, &subjects, now).await? {
        return Err(SignInError::Throttled { until });
    }
    let found = users::by_name(&app.db, &name).await?;
    let stored =
        found.as_ref().map(|found| found.password_hash.clone()).or_else(|| DUMMY_HASH.clone());
    let matches = verify(password, stored.ok_or(SignInError::Hashing)?).await?;
    let mut tx = app.db.begin().await?;
    let Some(user) = found.filter(|found| matches && found.enabled).map(|found| found.user) else {
        for subject in &subjects {
            users::count_failure(&mut tx, subject, FORGET_AFTER, now).await?;
        }
        let detail = json!({ "name": name });
        record(&mut tx, None, "sign_in_failed", detail, ip, now).await?;
        tx.commit().await?;
        return Err(SignInError::Wrong);
    };
    users::forget_failures(&mut tx, &subjects[0]).await?;
    record(&mut tx, Some(user.id), "signed_in", json!({}), ip, now).await?;
    tx.commit().await?;
    Ok(user)
}

/// Records that somebody signed out.
pub async fn signed_out(app: &App, user: UserId, ip: &str) -> sqlx::Result<()> {
    let mut db = app.db.acquire().await?;
    record(&mut db, Some(user), "signed_out", json!({}), ip, app.clock.now()).await
}

/// Returns until when sign-ins of these subjects are rejected, if they are.
async fn throttled_until(
    app: &App,
    subjects: &[String],
    now: OffsetDateTime,
) -> sqlx::Result<Option<OffsetDateTime>> {
    let failures = users::failures(&app.db, subjects).await?;
    let until = failures.into_iter().map(|(count, last)| last + wait_after(count));
    Ok(until.filter(|until| *until > now).max())
}

/// Returns how long sign-ins are rejected after this many failures: not at all after the first few,
/// then two seconds, doubling up to [`MAX_WAIT`].
fn wait_after(failures: i32) -> Duration {
    match u32::try_from(failures - FREE_FAILURES) {
        Err(_) | Ok(0) => Duration::ZERO,
        Ok(more) => (Duration::SECOND * 2_i32.pow(more.min(10))).min(MAX_WAIT),
    }
}

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than 12 characters.
    #[error("password must have at least {} characters", PASSWORD_LENGTH.start())]
    TooShort,
    /// More than 256 characters.
    #[error("password must have at most {} characters", PASSWORD_LENGTH.end())]
    TooLong,
    /// The current password is wrong.
    #[error("current password is incorrect")]
    WrongOld,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The password could not be hashed.
    #[error("cannot hash the password")]
    Hashing,
}

impl From<SignInError> for PasswordError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Database(error) => Self::Database(error),
            SignInError::Wrong | SignInError::Throttled { .. } | SignInError::Hashing => {
                Self::Hashing
            }
        }
    }
}

/// Changes a person's own password and ends their other login sessions.
///
/// # Errors
///
/// [`PasswordError`] says what is wrong with the old or the new password.
pub async fn change_password(
    app: &App,
    user: UserId,
    old: SecretString,
    new: SecretString,
    keep_key_hash: &[u8],
    ip: &str,
) -> Result<(), PasswordError> {
    check_password(&new)?;
    if !verify(old, users::password_hash(&app.db, user).await?).await? {
        return Err(PasswordError::WrongOld);
    }
    let hash = hash_blocking(new).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    users::set_password(&mut tx, user, &hash).await?;
    login_sessions::revoke_others(&mut tx, user, keep_key_hash).await?;
    record(&mut tx, Some(user), "password_changed", json!({}), ip, now).await?;
    tx.commit().await?;
    Ok(())
}

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
    let name = name.trim();
    let valid = (1..=60).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if !valid {
        return Err(AccountError::Name);
    }
    check_password(&password)?;
    let hash = hash_blocking(password).await.map_err(PasswordError::from)?;
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
    check_password(&password)?;
    let found = users::by_name(&app.db, name.trim())
        .await?
        .ok_or_else(|| AccountError::Unknown(name.to_owned()))?;
    let hash = hash_blocking(password).await.map_err(PasswordError::from)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    users::set_password(&mut tx, found.user.id, &hash).await?;
    login_sessions::revoke_others(&mut tx, found.user.id, &[]).await?;
    let subject = format!("name:{}", found.user.name.to_lowercase());
    users::forget_failures(&mut tx, &subject).await?;
    record(&mut tx, None, "password_reset", json!({ "name": found.user.name }), "-", now).await?;
    tx.commit().await?;
    Ok(())
}

fn check_password(password: &SecretString) -> Result<(), PasswordError> {
    let length = password.expose_secret().chars().count();
    if length < *PASSWORD_LENGTH.start() {
        Err(PasswordError::TooShort)
    } else if length > *PASSWORD_LENGTH.end() {
        Err(PasswordError::TooLong)
    } else {
        Ok(())
    }
}

fn hash(password: &str) -> Result<String, SignInError> {
    let hashed: PasswordHash =
        Argon2::default().hash_password(password.as_bytes()).map_err(|_| SignInError::Hashing)?;
    Ok(hashed.to_string())
}

async fn hash_blocking(password: SecretString) -> Result<String, SignInError> {
    let _permit = HASHING.acquire().await.map_err(|_| SignInError::Hashing)?;
    tokio::task::spawn_blocking(move || hash(password.expose_secret()))
        .await
        .map_err(|_| SignInError::Hashing)?
}

async fn verify(password: SecretString, stored: String) -> Result<bool, SignInError> {
    let _permit = HASHING.acquire().await.map_err(|_| SignInError::Hashing)?;
    tokio::task::spawn_blocking(move || {
        let stored = PasswordHash::new(&stored).map_err(|_| SignInError::Hashing)?;
        let password: String = password.expose_secret().chars().take(1_024).collect();
        Ok(Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
    })
    .await
    .map_err(|_| SignInError::Hashing)?
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_ins_are_throttled_after_some_failures_up_to_a_limit() {
        assert_eq!(wait_after(1), Duration::ZERO);
        assert_eq!(wait_after(FREE_FAILURES), Duration::ZERO);
        assert_eq!(wait_after(FREE_FAILURES + 1), Duration::seconds(2));
        assert_eq!(wait_after(1_000), MAX_WAIT);
    }
}
