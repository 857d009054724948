//! `/account`: the person's own password and login sessions.

use actix_session::SessionExt;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use crate::app::App;
use crate::db::accounts::login_sessions;
use crate::domain::accounts::device_name::DeviceName;
use crate::ops::accounts::{self, Ending, PasswordError};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::{Texts, language_of};
use crate::web::http::member::Person;
use crate::web::http::{flash, page, session};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::Moment;
use crate::web::ui::refused_password::{Refused, weakness_sentence};

#[derive(Template)]
#[template(path = "pages/account/show.html")]
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
    let l = Layout::outside(&person, &app, &request, Section::Account).await?;
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
    let session = request.get_session();
    let (own_key, ip) = (session::key_hash(&session), peer_ip(&request));
    let user = &person.0.user;
    let changed = accounts::change_password(&app, user, old, new, &own_key, &ip).await;
    let texts = Texts(language_of(&request));
    let (field, refused) = match changed {
        Ok(()) => {
            session::renew(&session);
            flash::say(&request, &texts.t("account-password-changed"));
            return Ok(page::see_other("/account"));
        }
        Err(PasswordError::Weak(weakness)) => {
            ("new", Refused::wrong(weakness_sentence(texts, weakness)))
        }
        Err(error) => ("old", not_current(&app, texts, error)?),
    };
    let l = Layout::outside(&person, &app, &request, Section::Account).await?;
    let problem = Some((field, refused.sentence.clone()));
    refused.respond(&AccountPage { l, is_owner: person.0.user.is_owner, problem })
}

/// Returns what a form says about the current password.
fn not_current(app: &App, texts: Texts, error: PasswordError) -> Result<Refused, WebError> {
    match error {
        PasswordError::WrongOld => Ok(Refused::wrong(texts.t("account-password-wrong"))),
        PasswordError::Throttled { until } => Ok(Refused::throttled(app, texts, until)),
        PasswordError::Busy => Ok(Refused::busy(texts)),
        PasswordError::Database(error) => Err(WebError::Database(error)),
        PasswordError::Weak(_) | PasswordError::Hashing => {
            Err(WebError::Password(error.to_string()))
        }
    }
}

/// Returns a readable name of a device, from what its browser said about itself.
fn device_name(texts: Texts, agent: &str) -> String {
    let DeviceName { browser, system } = DeviceName::read(agent);
    match (browser, system) {
        (Some(browser), Some(system)) => {
            texts.with("device-on", &[("browser", browser.into()), ("system", system.into())])
        }
        (one, other) => one.or(other).map_or_else(|| texts.t("device-unknown"), str::to_owned),
    }
}

struct SessionRow {
    ip: String,
    device: String,
    agent: String,
    since: Moment,
    seen: Moment,
    current: bool,
    key: String,
}

#[derive(Template)]
#[template(path = "pages/account/sessions.html")]
struct SessionsPage {
    l: Layout,
    rows: Vec<SessionRow>,
    problem: Option<String>,
}

impl SessionsPage {
    async fn new(
        app: &App,
        request: &HttpRequest,
        person: &Person,
        problem: Option<String>,
    ) -> Result<Self, WebError> {
        let l = Layout::outside(person, app, request, Section::Account).await?;
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
                device: device_name(l.texts, &session.user_agent),
                agent: session.user_agent,
            })
            .collect();
        Ok(Self { l, rows, problem })
    }
}

/// `/account/sessions`: the login sessions of the person.
pub async fn sessions(
    app: web::Data<App>,
    request: HttpRequest,
    person: Person,
) -> Result<HttpResponse, WebError> {
    page::ok(&SessionsPage::new(&app, &request, &person, None).await?)
}

/// The form of [`revoke`]: the key of the session to end, or empty for all but this one, and the current
/// password.
#[derive(Deserialize)]
pub struct RevokeForm {
    #[serde(default)]
    key: String,
    /// Present to end all sessions, this one as well.
    everywhere: Option<String>,
    #[serde(default = "no_password")]
    password: SecretString,
}

/// Ends one login session, or all others.
pub async fn revoke(
    app: web::Data<App>,
    request: HttpRequest,
    person: Person,
    form: Form<RevokeForm>,
) -> Result<HttpResponse, WebError> {
    let RevokeForm { key, everywhere, password } = form.into_inner();
    let (own_key, ip) = (session::key_hash(&request.get_session()), peer_ip(&request));
    let key_hash = hex::decode(&key).map_err(|_| WebError::BadRequest)?;
    let which = match &everywhere {
        Some(_) => Ending::All,
        None if key_hash.is_empty() => Ending::Others,
        None => Ending::One(&key_hash),
    };
    let user = &person.0.user;
    let ended = accounts::end_sessions(&app, user, password, which, &own_key, &ip).await;
    let texts = Texts(language_of(&request));
    if let Err(error) = ended {
        let refused = not_current(&app, texts, error)?;
        let problem = Some(refused.sentence.clone());
        return refused.respond(&SessionsPage::new(&app, &request, &person, problem).await?);
    }
    if everywhere.is_some() {
        session::sign_out(&request.get_session());
        return Ok(page::see_other("/login"));
    }
    flash::say(&request, &texts.t("account-sessions-ended"));
    Ok(page::see_other("/account/sessions"))
}
