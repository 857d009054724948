//! Accounts: signing in and out, passwords, and who belongs where.

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

/// Characters a password has at least and at most.
pub const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 12..=256;
/// Failed sign-ins that cost no waiting.
const FREE_FAILURES: i32 = 5;
const MAX_WAIT: Duration = Duration::minutes(15);
/// After so long without a failed one, failed sign-ins are forgotten.
const FORGET: Duration = Duration::hours(1);

/// A hash takes 19 MiB and 20 ms: a few at a time, whoever asks.
static HASHING: Semaphore = Semaphore::const_new(2);
/// Checked for names nobody has, so that they take as long as the others.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash("nobody has this password").ok());

/// Why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Name or password are wrong, or the account is disabled: which, is not said.
    #[error("incorrect username or password")]
    Wrong,
    /// Too many failed sign-ins of this name or address.
    #[error("too many failed sign-in attempts")]
    Throttled {
        /// When the next try is looked at.
        until: OffsetDateTime,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The password could not be checked.
    #[error("cannot verify the password")]
    Hashing,
}

/// Checks a name and its password. Both outcomes are in the audit log.
pub async fn sign_in(
    app: &App,
    name: &str,
    password: SecretString,
    address: &str,
) -> Result<User, SignInError> {
    let now = app.clock.now();
    let name: String = name.trim().chars().take(60).collect();
    let subjects = [format!("name:{}", name.to_lowercase()), format!("address:{address}")];
    if let Some(until) = closed_until(app, &subjects, now).await? {
        return Err(SignInError::Throttled { until });
    }
    let found = users::by_name(&app.db, &name).await?;
    let stored = found.as_ref().map(|found| found.password_hash.clone()).or_else(|| NOBODY.clone());
    let right = verify(password, stored.ok_or(SignInError::Hashing)?).await?;
    let mut tx = app.db.begin().await?;
    let Some(user) = found.filter(|found| right && found.enabled).map(|found| found.user) else {
        for subject in &subjects {
            users::count_failure(&mut tx, subject, FORGET, now).await?;
        }
        let detail = json!({ "name": name });
        note(&mut tx, None, "sign_in_failed", detail, address, now).await?;
        tx.commit().await?;
        return Err(SignInError::Wrong);
    };
    users::forget_failures(&mut tx, &subjects[0]).await?;
    note(&mut tx, Some(user.id), "signed_in", json!({}), address, now).await?;
    tx.commit().await?;
    Ok(user)
}

/// Writes down that somebody signed out.
pub async fn signed_out(app: &App, user: UserId, address: &str) -> sqlx::Result<()> {
    let mut db = app.db.acquire().await?;
    note(&mut db, Some(user), "signed_out", json!({}), address, app.clock.now()).await
}

async fn closed_until(
    app: &App,
    subjects: &[String],
    now: OffsetDateTime,
) -> sqlx::Result<Option<OffsetDateTime>> {
    let failures = users::failures(&app.db, subjects).await?;
    let until = failures.into_iter().map(|(count, last)| last + wait_after(count));
    Ok(until.filter(|until| *until > now).max())
}

/// Nothing for the first failures, then doubling from two seconds.
fn wait_after(failures: i32) -> Duration {
    match u32::try_from(failures - FREE_FAILURES) {
        Err(_) | Ok(0) => Duration::ZERO,
        Ok(more) => (Duration::SECOND * 2_i32.pow(more.min(10))).min(MAX_WAIT),
    }
}

/// Why a password is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than 12 characters.
    #[error("password must have at least {} characters", PASSWORD_LENGTH.start())]
    TooShort,
    /// More than 256 characters.
    #[error("password must have at most {} characters", PASSWORD_LENGTH.end())]
    TooLong,
    /// The present password is another one.
    #[error("current password is incorrect")]
    WrongOld,
    /// The database.
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

/// Changes a person's own password and ends their other sessions.
pub async fn change_password(
    app: &App,
    user: UserId,
    old: SecretString,
    new: SecretString,
    keep_key_hash: &[u8],
    address: &str,
) -> Result<(), PasswordError> {
    check_password(&new)?;
    if !verify(old, users::password_hash(&app.db, user).await?).await? {
        return Err(PasswordError::WrongOld);
    }
    let hash = hash_apart(new).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    users::set_password(&mut tx, user, &hash).await?;
    login_sessions::revoke_others(&mut tx, user, keep_key_hash).await?;
    note(&mut tx, Some(user), "password_changed", json!({}), address, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Why an account cannot be made or found.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// No usable name.
    #[error("username must have 1 to 60 characters and no control characters")]
    Name,
    /// The name is taken.
    #[error("account `{0}` already exists")]
    Taken(String),
    /// Nobody has this name.
    #[error("no account named `{0}`")]
    Unknown(String),
    /// The project is not there.
    #[error("no project `{0}`")]
    NoProject(String),
    /// The password.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What a new account may do.
#[derive(Debug, Clone, Copy)]
pub enum Standing {
    /// Manages projects and accounts.
    Owner,
    /// Has a role in one project.
    Member(ProjectId, Role),
}

/// Makes an account from the command line.
pub async fn create(
    app: &App,
    name: &str,
    password: SecretString,
    standing: Standing,
) -> Result<UserId, AccountError> {
    let name = name.trim();
    let usable = (1..=60).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if !usable {
        return Err(AccountError::Name);
    }
    check_password(&password)?;
    let hash = hash_apart(password).await.map_err(PasswordError::from)?;
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
    note(&mut tx, None, "user_added", detail, "-", now).await?;
    tx.commit().await?;
    Ok(user)
}

/// Gives an account a new password from the command line and ends its sessions.
pub async fn reset_password(
    app: &App,
    name: &str,
    password: SecretString,
) -> Result<(), AccountError> {
    check_password(&password)?;
    let found = users::by_name(&app.db, name.trim())
        .await?
        .ok_or_else(|| AccountError::Unknown(name.to_owned()))?;
    let hash = hash_apart(password).await.map_err(PasswordError::from)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    users::set_password(&mut tx, found.user.id, &hash).await?;
    login_sessions::revoke_others(&mut tx, found.user.id, &[]).await?;
    let subject = format!("name:{}", found.user.name.to_lowercase());
    users::forget_failures(&mut tx, &subject).await?;
    note(&mut tx, None, "password_reset", json!({ "name": found.user.name }), "-", now).await?;
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

async fn hash_apart(password: SecretString) -> Result<String, SignInError> {
    let _place = HASHING.acquire().await.map_err(|_| SignInError::Hashing)?;
    tokio::task::spawn_blocking(move || hash(password.expose_secret()))
        .await
        .map_err(|_| SignInError::Hashing)?
}

async fn verify(password: SecretString, stored: String) -> Result<bool, SignInError> {
    let _place = HASHING.acquire().await.map_err(|_| SignInError::Hashing)?;
    tokio::task::spawn_blocking(move || {
        let stored = PasswordHash::new(&stored).map_err(|_| SignInError::Hashing)?;
        let password: String = password.expose_secret().chars().take(1_024).collect();
        Ok(Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
    })
    .await
    .map_err(|_| SignInError::Hashing)?
}

async fn note(
    db: &mut sqlx::PgConnection,
    user: Option<UserId>,
    action: &str,
    detail: serde_json::Value,
    address: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let entry = audit::Entry { project: None, user, action, subject: "", detail, address };
    audit::record(db, &entry, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failures_cost_no_waiting_and_later_ones_never_more_than_the_longest() {
        assert_eq!(wait_after(1), Duration::ZERO);
        assert_eq!(wait_after(FREE_FAILURES), Duration::ZERO);
        assert_eq!(wait_after(FREE_FAILURES + 1), Duration::seconds(2));
        assert_eq!(wait_after(1_000), MAX_WAIT);
    }
}
