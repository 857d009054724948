//! `/account`: the person's own password and login sessions.

use actix_session::SessionExt;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use super::error::WebError;
use super::form::{Form, peer_ip};
use super::i18n::{Texts, language_of};
use super::layout::{Layout, Section};
use super::member::Person;
use super::moment::Moment;
use super::{flash, page, session};
use crate::app::App;
use crate::db::login_sessions;
use crate::ops::accounts::{self, PasswordError};

#[derive(Template)]
#[template(path = "account/account.html")]
struct AccountPage {
    l: Layout,
    is_owner: bool,
    problem: Option<(&'static str, String)>,
}

impl AccountPage {
    fn is_wrong(&self, field: &str) -> bool {
        self.problem.as_ref().is_some_and(|(name, _)| *name == field)
    }
}

/// `/account`: the account with its roles, and the form for a new password.
pub async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    person: Person,
) -> Result<HttpResponse, WebError> {
    let l = person.layout(&app, &request, Section::Account).await?;
    page::ok(&AccountPage { l, is_owner: person.0.user.is_owner, problem: None })
}

/// The form of [`change_password`].
#[derive(Deserialize)]
pub struct PasswordForm {
    #[serde(default = "no_password")]
    old: SecretString,
    #[serde(default = "no_password")]
    new: SecretString,
}

fn no_password() -> SecretString {
    SecretString::from("")
}

/// Changes the password and ends the other login sessions.
pub async fn change_password(
    app: web::Data<App>,
    request: HttpRequest,
    person: Person,
    form: Form<PasswordForm>,
) -> Result<HttpResponse, WebError> {
    let PasswordForm { old, new } = form.into_inner();
    let own_key = session::key_hash(&request.get_session());
    let ip = peer_ip(&request);
    let changed = accounts::change_password(&app, person.0.user.id, old, new, &own_key, &ip).await;
    let texts = Texts(language_of(&request));
    let problem = match changed {
        Ok(()) => {
            flash::say(&request, &texts.t("account-password-changed"));
            return Ok(page::see_other("/account"));
        }
        Err(PasswordError::TooShort) => ("new", texts.t("account-password-short")),
        Err(PasswordError::TooLong) => ("new", texts.t("account-password-long")),
        Err(PasswordError::WrongOld) => ("old", texts.t("account-password-wrong")),
        Err(PasswordError::Database(error)) => return Err(WebError::Database(error)),
        Err(error @ PasswordError::Hashing) => return Err(WebError::Password(error.to_string())),
    };
    let l = person.layout(&app, &request, Section::Account).await?;
    page::unprocessable(&AccountPage {
        l,
        is_owner: person.0.user.is_owner,
        problem: Some(problem),
    })
}

struct SessionRow {
    ip: String,
    agent: String,
    since: Moment,
    seen: Moment,
    current: bool,
    key: String,
}

#[derive(Template)]
#[template(path = "account/sessions.html")]
struct SessionsPage {
    l: Layout,
    rows: Vec<SessionRow>,
}

/// `/account/sessions`: the login sessions of the person.
pub async fn sessions(
    app: web::Data<App>,
    request: HttpRequest,
    person: Person,
) -> Result<HttpResponse, WebError> {
    let l = person.layout(&app, &request, Section::Account).await?;
    let own_key = session::key_hash(&request.get_session());
    let all = login_sessions::of_user(&app.db, person.0.user.id, app.clock.now()).await?;
    let rows = all
        .into_iter()
        .map(|session| SessionRow {
            current: session.key_hash == own_key,
            key: hex::encode(&session.key_hash),
            since: l.moment(session.created_at),
            seen: l.moment(session.seen_at),
            ip: session.ip,
            agent: session.user_agent,
        })
        .collect();
    page::ok(&SessionsPage { l, rows })
}

/// The form of [`revoke`]: the key of the session to end, or empty for all but this one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RevokeForm {
    key: String,
}

/// Ends one login session, or all others.
pub async fn revoke(
    app: web::Data<App>,
    request: HttpRequest,
    person: Person,
    form: Form<RevokeForm>,
) -> Result<HttpResponse, WebError> {
    let key = form.into_inner().key;
    if key.is_empty() {
        let own_key = session::key_hash(&request.get_session());
        let mut db = app.db.acquire().await?;
        login_sessions::revoke_others(&mut db, person.0.user.id, &own_key).await?;
    } else {
        let key_hash = hex::decode(&key).map_err(|_| WebError::BadRequest)?;
        login_sessions::revoke(&app.db, person.0.user.id, &key_hash).await?;
    }
    flash::say(&request, &Texts(language_of(&request)).t("account-sessions-ended"));
    Ok(page::see_other("/account/sessions"))
}
