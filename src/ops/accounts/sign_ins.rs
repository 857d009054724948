//! Signing in and out.

use secrecy::SecretString;
use serde_json::json;
use time::OffsetDateTime;

use super::tries::{Guess, Visitor};
use super::{hashing, record};
use crate::app::App;
use crate::db::accounts::users::{self, User};
use crate::domain::accounts::device_name::DeviceName;
use crate::domain::ids::UserId;
use crate::ops::refusals;
use crate::ops::reporting::notifications;

/// The most characters of a sign-in name.
const MAX_NAME: usize = 60;

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Wrong name or password, or the account is disabled. Which one is not disclosed.
    #[error("incorrect username or password")]
    Wrong,
    /// Too many failed sign-ins with this name from this address, or on this device.
    #[error("too many failed sign-in attempts")]
    Throttled {
        /// When the next attempt is allowed.
        until: OffsetDateTime,
    },
    /// Too many are signing in at the moment.
    #[error("too many sign-ins at the same time")]
    Busy,
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
/// [`SignInError::Wrong`], [`SignInError::Throttled`] and [`SignInError::Busy`] are the client's; the
/// others are ours.
pub async fn sign_in(
    app: &App,
    name: &str,
    password: SecretString,
    visitor: Visitor<'_>,
) -> Result<User, SignInError> {
    let (name, device) = (clean(name), DeviceName::read(visitor.agent).audited());
    let found = users::by_name(&app.db, &name).await?;
    let guess = Guess::to_sign_in(&name, found.as_ref(), visitor);
    if let Some(until) = guess.count(app).await? {
        refusals::sign_in_on(app, "sign_in_turned_away", &name, &device, visitor.ip).await?;
        return Err(SignInError::Throttled { until });
    }
    let stored = found.as_ref().and_then(|found| found.password_hash.clone());
    let matches = match hashing::verify(password, stored, &guess.waiting).await {
        Err(SignInError::Busy) => {
            guess.give_back(&mut *app.db.acquire().await?).await?;
            refusals::sign_in_on(app, "sign_in_turned_away", &name, &device, visitor.ip).await?;
            return Err(SignInError::Busy);
        }
        verified => verified?,
    };
    let Some(user) = found.filter(|found| matches && found.enabled).map(|found| found.user) else {
        guess.fail(app, &mut *app.db.acquire().await?).await?;
        refusals::sign_in_on(app, "sign_in_failed", &name, &device, visitor.ip).await?;
        return Err(SignInError::Wrong);
    };
    let mut tx = app.db.begin().await?;
    guess.give_back(&mut tx).await?;
    users::record_sign_in(&mut tx, user.id, app.clock.now()).await?;
    let detail = if device.is_empty() { json!({}) } else { json!({ "device": device }) };
    record(&mut tx, Some(user.id), "signed_in", detail, visitor.ip, app.clock.now()).await?;
    if visitor.device.is_none_or(|device| device.id_for(user.id).is_none()) {
        let (name, ip) = (user.name.as_str(), visitor.ip);
        notifications::signed_in_on_new_device(app, &mut tx, user.id, name, ip).await?;
    }
    tx.commit().await?;
    Ok(user)
}

/// Returns a name as it was typed, but no longer than names are and without what none has.
fn clean(name: &str) -> String {
    name.trim().chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}

/// Records that somebody signed out.
pub async fn signed_out(app: &App, user: UserId, ip: &str) -> sqlx::Result<()> {
    let mut db = app.db.acquire().await?;
    record(&mut db, Some(user), "signed_out", json!({}), ip, app.clock.now()).await
}
