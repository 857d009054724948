//! `/account`: one's own password, and where one is signed in.

use actix_session::SessionExt;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use super::error::WebError;
use super::form::{Form, peer_address};
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
    fn wrong(&self, field: &str) -> bool {
        self.problem.as_ref().is_some_and(|(name, _)| *name == field)
    }
}

/// Who one is, and the form for a new password.
pub async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    person: Person,
) -> Result<HttpResponse, WebError> {
    let l = person.layout(&app, &request, Section::Account).await?;
    page::ok(&AccountPage { l, is_owner: person.0.user.is_owner, problem: None })
}

/// A new password.
#[derive(Deserialize)]
pub struct NewPassword {
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
    form: Form<NewPassword>,
) -> Result<HttpResponse, WebError> {
    let NewPassword { old, new } = form.into_inner();
    let keep = session::key_hash(&request.get_session());
    let address = peer_address(&request);
    let changed =
        accounts::change_password(&app, person.0.user.id, old, new, &keep, &address).await;
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

struct Row {
    address: String,
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
    rows: Vec<Row>,
}

/// Where one is signed in.
pub async fn sessions(
    app: web::Data<App>,
    request: HttpRequest,
    person: Person,
) -> Result<HttpResponse, WebError> {
    let l = person.layout(&app, &request, Section::Account).await?;
    let own = session::key_hash(&request.get_session());
    let all = login_sessions::of_user(&app.db, person.0.user.id, app.clock.now()).await?;
    let rows = all
        .into_iter()
        .map(|one| Row {
            current: one.key_hash == own,
            key: hex::encode(&one.key_hash),
            since: l.moment(one.created_at),
            seen: l.moment(one.seen_at),
            address: one.ip,
            agent: one.user_agent,
        })
        .collect();
    page::ok(&SessionsPage { l, rows })
}

/// Which session to end; empty for all but this one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Revoke {
    key: String,
}

/// Ends one or all other sessions.
pub async fn revoke(
    app: web::Data<App>,
    request: HttpRequest,
    person: Person,
    form: Form<Revoke>,
) -> Result<HttpResponse, WebError> {
    let key = form.into_inner().key;
    if key.is_empty() {
        let own = session::key_hash(&request.get_session());
        let mut db = app.db.acquire().await?;
        login_sessions::revoke_others(&mut db, person.0.user.id, &own).await?;
    } else {
        let key_hash = hex::decode(&key).map_err(|_| WebError::BadRequest)?;
        login_sessions::revoke(&app.db, person.0.user.id, &key_hash).await?;
    }
    flash::say(&request, &Texts(language_of(&request)).t("account-sessions-ended"));
    Ok(page::see_other("/account/sessions"))
}
