//! Links with which people choose a password: an invitation, or instead of a password that is forgotten.
//! A link works once, for three days, and only its hash is stored.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use tracing::warn;

use super::tries::{self, Guess};
use super::{AccountError, Manager, SignInError, hashing, record};
use crate::app::App;
use crate::db::accounts::login_sessions;
use crate::db::accounts::password_links::{self, Link};
use crate::db::accounts::users::{self, User};
use crate::domain::accounts::password::{self, Weakness};
use crate::domain::ids::UserId;
use crate::i18n::Texts;
use crate::ops::refusals;
use crate::outbound::OutboundError;

/// How long a link works.
pub const LINK_AGE: Duration = Duration::hours(72);

/// A link that was created. Its path is known only now.
#[derive(Debug)]
pub struct NewLink {
    /// The path, `/invitation/…`.
    pub path: SecretString,
    /// When it stops working.
    pub expires_at: OffsetDateTime,
}

/// Why a link cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// There is no such link, it was used, it is too old, or a newer one replaced it.
    #[error("the link does not work")]
    Unknown,
    /// Too many wrong links came from this address.
    #[error("too many wrong links")]
    Throttled {
        /// When the next one is looked up.
        until: OffsetDateTime,
    },
    /// The new password is refused.
    #[error(transparent)]
    Weak(#[from] Weakness),
    /// Too many passwords are being hashed at the moment.
    #[error("too many passwords at the same time")]
    Busy,
    /// The password could not be hashed.
    #[error("cannot hash the password")]
    Hashing,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<SignInError> for LinkError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Database(error) => Self::Database(error),
            SignInError::Throttled { until } => Self::Throttled { until },
            SignInError::Busy => Self::Busy,
            SignInError::Wrong | SignInError::Hashing => Self::Hashing,
        }
    }
}

/// Creates a link for a new password of an account. The current password works until it is used.
///
/// # Errors
///
/// [`AccountError::Disabled`] if the account may not sign in, [`AccountError::Own`] if it is the manager's:
/// they know their password, or somebody else uses their session.
pub async fn link_for(app: &App, by: Manager<'_>, user: &User) -> Result<NewLink, AccountError> {
    if by.user == Some(user.id) {
        return Err(AccountError::Own);
    }
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if !users::lock_enabled(&mut tx, user.id).await? {
        return Err(AccountError::Disabled(user.name.clone()));
    }
    let link = store(&mut tx, by, user.id, now).await?;
    let detail = json!({ "name": user.name });
    record(&mut tx, by.user, "password_link_created", detail, by.ip, now).await?;
    tx.commit().await?;
    Ok(link)
}

pub(super) async fn store(
    db: &mut PgConnection,
    by: Manager<'_>,
    user: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<NewLink> {
    let token = hex::encode(rand::random::<[u8; 32]>());
    let expires_at = now + LINK_AGE;
    let link = password_links::NewLink {
        user,
        token_hash: &hash(&token),
        created_by: by.user,
        expires_at,
    };
    password_links::replace(db, &link, now).await?;
    Ok(NewLink { path: format!("/invitation/{token}").into(), expires_at })
}

/// What became of the mail with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkMail {
    /// The mail server took it.
    Sent,
    /// The mail server did not take it; the log says why.
    Failed,
    /// There was none: no email address, no mail server, or no address of the console to lead to.
    None,
}

/// Mails a link to whom it is for, if an email address, a mail server and the address of the console are
/// known.
pub async fn mail_link(
    app: &App,
    texts: Texts,
    link: &NewLink,
    name: &str,
    email: Option<&str>,
) -> LinkMail {
    let (Some(email), Some(base)) = (email, app.public_url.as_deref()) else {
        return LinkMail::None;
    };
    let href = format!("{}{}", base.trim_end_matches('/'), link.path.expose_secret());
    let text = texts.with("link-mail-text", &[("name", name.into()), ("link", href.into())]);
    let (to, subject) = ([email.to_owned()], texts.t("link-mail-subject"));
    match app.outbound.mail(&to, &subject, &format!("{text}\n")).await {
        Ok(_) => LinkMail::Sent,
        Err(OutboundError::NoMail) => LinkMail::None,
        Err(error) => {
            warn!(%error, "cannot mail a link for a new password");
            LinkMail::Failed
        }
    }
}

/// Returns the link with this token. Wrong ones are counted for the address that they come from, and slow
/// nobody down who has a right one.
///
/// # Errors
///
/// [`LinkError::Unknown`] and [`LinkError::Throttled`] are the visitor's.
pub async fn find_link(app: &App, token: &str, ip: &str) -> Result<Link, LinkError> {
    if let Some(link) = password_links::find(&app.db, &hash(token), app.clock.now()).await? {
        return Ok(link);
    }
    if let Some(until) = Guess::of_link(ip).count(app).await? {
        refusals::sign_in(app, "link_turned_away", "", ip).await?;
        return Err(LinkError::Throttled { until });
    }
    refusals::sign_in(app, "link_refused", "", ip).await?;
    Err(LinkError::Unknown)
}

/// Sets the password that somebody with a link has chosen, and ends all login sessions of the account.
/// Returns the account, which is signed in now.
///
/// # Errors
///
/// [`LinkError`] says what is wrong with the link or the password.
pub async fn accept(
    app: &App,
    token: &str,
    password: SecretString,
    ip: &str,
) -> Result<User, LinkError> {
    let Link { user, is_invitation } = find_link(app, token, ip).await?;
    password::check(password.expose_secret(), &user.name, app.public_url.as_deref())?;
    let password_hash = hashing::hash(password, &Guess::of_link(ip).waiting).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if !password_links::take(&mut tx, &hash(token), now).await? {
        return Err(LinkError::Unknown);
    }
    users::set_password(&mut tx, user.id, &password_hash).await?;
    login_sessions::revoke_others(&mut tx, user.id, &[]).await?;
    tries::forget(&mut tx, user.id).await?;
    users::record_sign_in(&mut tx, user.id, now).await?;
    let action = if is_invitation { "invitation_accepted" } else { "password_reset" };
    record(&mut tx, Some(user.id), action, json!({}), ip, now).await?;
    tx.commit().await?;
    Ok(user)
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
