//! What people change about their own account. Each change asks for the current password.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use time::OffsetDateTime;

use super::tries::Guess;
use super::{SignInError, hashing, record};
use crate::app::App;
use crate::db::accounts::users::{self, User};
use crate::db::accounts::{login_sessions, password_links};
use crate::domain::accounts::password::{self, Weakness};
use crate::ops::refusals;

/// Why a password was not accepted or not changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The new password is refused.
    #[error(transparent)]
    Weak(#[from] Weakness),
    /// The current password is wrong.
    #[error("current password is incorrect")]
    WrongOld,
    /// The current password was wrong too often.
    #[error("too many wrong passwords")]
    Throttled {
        /// When the next one is looked at.
        until: OffsetDateTime,
    },
    /// Too many passwords are being checked at the moment.
    #[error("too many passwords at the same time")]
    Busy,
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
            SignInError::Wrong => Self::WrongOld,
            SignInError::Throttled { until } => Self::Throttled { until },
            SignInError::Busy => Self::Busy,
            SignInError::Hashing => Self::Hashing,
        }
    }
}

/// Changes a person's own password and ends their login sessions but the one whose key has this hash.
///
/// # Errors
///
/// [`PasswordError`] says what is wrong with the old or the new password.
pub async fn change_password(
    app: &App,
    user: &User,
    old: SecretString,
    new: SecretString,
    own_key_hash: &[u8],
    ip: &str,
) -> Result<(), PasswordError> {
    password::check(new.expose_secret(), &user.name, app.public_url.as_deref())?;
    let guess = check_current(app, user, old, own_key_hash, ip).await?;
    let hash = hashing::hash(new, &guess.waiting).await?;
    let mut tx = app.db.begin().await?;
    password_links::delete(&mut tx, user.id).await?;
    users::set_password(&mut tx, user.id, &hash).await?;
    login_sessions::revoke_others(&mut tx, user.id, own_key_hash).await?;
    record(&mut tx, Some(user.id), "password_changed", json!({}), ip, app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// The login sessions that a person ends.
#[derive(Debug)]
pub enum Ending<'a> {
    /// The one whose key has this hash.
    One(&'a [u8]),
    /// All but the present one.
    Others,
    /// All of them.
    All,
}

/// Ends login sessions of a person, whose present one has a key with the hash `own_key_hash`.
///
/// # Errors
///
/// [`PasswordError`] if the current password is not right.
pub async fn end_sessions(
    app: &App,
    user: &User,
    password: SecretString,
    which: Ending<'_>,
    own_key_hash: &[u8],
    ip: &str,
) -> Result<(), PasswordError> {
    check_current(app, user, password, own_key_hash, ip).await?;
    let mut tx = app.db.begin().await?;
    match which {
        Ending::One(key_hash) => login_sessions::revoke(&mut tx, user.id, key_hash).await?,
        Ending::Others => login_sessions::revoke_others(&mut tx, user.id, own_key_hash).await?,
        Ending::All => login_sessions::revoke_others(&mut tx, user.id, &[]).await?,
    };
    record(&mut tx, Some(user.id), "sessions_ended", json!({}), ip, app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Checks the current password of somebody who is signed in. Wrong ones are audited.
async fn check_current(
    app: &App,
    user: &User,
    password: SecretString,
    own_key_hash: &[u8],
    ip: &str,
) -> Result<Guess, PasswordError> {
    let guess = Guess::of_current_password(user.id, own_key_hash);
    if let Some(until) = guess.count(app).await? {
        refusals::of_person(app, "current_password_turned_away", user, ip).await?;
        return Err(PasswordError::Throttled { until });
    }
    let stored = users::password_hash(&app.db, user.id).await?;
    let matches = hashing::verify(password, stored, &guess.waiting).await;
    let mut db = app.db.acquire().await?;
    if matches!(matches, Ok(true) | Err(SignInError::Busy)) {
        guess.give_back(&mut db).await?;
    }
    if !matches? {
        let (action, now) = ("current_password_failed", app.clock.now());
        record(&mut db, Some(user.id), action, json!({}), ip, now).await?;
        return Err(PasswordError::WrongOld);
    }
    Ok(guess)
}
