//! `/login`, `/logout`, `/language` and `/`.

use actix_session::SessionExt;
use actix_web::cookie::{Cookie, SameSite, time::Duration as CookieDuration};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use super::components::Drawing;
use super::error::WebError;
use super::form::{Form, peer_address};
use super::i18n::{self, Language, Texts};
use super::layout::{CsrfField, Layout, Section};
use super::member::Person;
use super::moment;
use super::urls::{Urls, own_path};
use super::{Settings, assets, layout, page, session};
use crate::app::App;
use crate::ops::accounts::{self, SignInError};

/// Where to go after signing in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Next {
    next: String,
}

/// What the form posts.
#[derive(Deserialize)]
pub struct Fields {
    #[serde(default)]
    username: String,
    #[serde(default = "no_password")]
    password: SecretString,
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    texts: Texts,
    theme: Option<&'static str>,
    csrf: CsrfField,
    next: String,
    username: String,
    problem: Option<String>,
}

impl LoginPage {
    fn new(request: &HttpRequest, next: &str) -> Result<Self, WebError> {
        Ok(Self {
            texts: Texts(i18n::language_of(request)),
            theme: layout::theme(request),
            csrf: CsrfField(session::csrf(&request.get_session())?),
            next: own_path(next).to_owned(),
            username: String::new(),
            problem: None,
        })
    }

    fn other_languages(&self) -> impl Iterator<Item = Language> {
        let own = self.texts.0;
        Language::ALL.into_iter().filter(move |language| *language != own)
    }

    /// Where the page is, to come back to after a change of language.
    fn here(&self) -> String {
        super::urls::with_query("/login", &[("next", &self.next)])
    }
}

fn no_password() -> SecretString {
    SecretString::from("")
}

/// The form.
pub async fn form(request: HttpRequest, next: web::Query<Next>) -> Result<HttpResponse, WebError> {
    let session = request.get_session();
    if session::signed_in(&session).is_some() {
        return Ok(page::see_other(own_path(&next.next)));
    }
    page::ok(&LoginPage::new(&request, &next.next)?)
}

/// Signs in, or says why not without saying what was wrong.
pub async fn sign_in(
    app: web::Data<App>,
    request: HttpRequest,
    form: Form<Fields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let session = request.get_session();
    let texts = Texts(i18n::language_of(&request));
    let address = peer_address(&request);
    let signed_in = accounts::sign_in(&app, &fields.username, fields.password, &address).await;
    let (status, problem) = match signed_in {
        Ok(user) => {
            let agent = request.headers().get("user-agent").and_then(|value| value.to_str().ok());
            session::sign_in(&session, user.id, &address, agent.unwrap_or(""))?;
            return Ok(page::see_other(own_path(&fields.next)));
        }
        Err(SignInError::Wrong) => (StatusCode::UNPROCESSABLE_ENTITY, texts.t("login-wrong")),
        Err(SignInError::Throttled { until }) => {
            let when = moment::full(until);
            let sentence = texts.with("login-throttled", &[("when", when.into())]);
            (StatusCode::TOO_MANY_REQUESTS, sentence)
        }
        Err(SignInError::Database(error)) => return Err(WebError::Database(error)),
        Err(error @ SignInError::Hashing) => return Err(WebError::Password(error.to_string())),
    };
    let mut login = LoginPage::new(&request, &fields.next)?;
    login.username = fields.username.chars().take(60).collect();
    login.problem = Some(problem);
    page::with_status(status, &login)
}

/// Nothing is posted but the token.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

/// Signs out.
pub async fn sign_out(
    app: web::Data<App>,
    request: HttpRequest,
    _: Form<Nothing>,
) -> Result<HttpResponse, WebError> {
    let session = request.get_session();
    if let Some(person) = session::signed_in(&session) {
        accounts::signed_out(&app, person.user.id, &peer_address(&request)).await?;
    }
    session::sign_out(&session);
    Ok(page::see_other("/login"))
}

/// A language to switch to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Switch {
    lang: String,
    next: String,
}

/// Remembers the language in a cookie. It changes nothing but words, so it needs no token.
pub async fn language(settings: web::Data<Settings>, form: web::Form<Switch>) -> HttpResponse {
    let mut response = page::see_other(own_path(&form.next));
    if let Some(language) = Language::from_tag(&form.lang) {
        let cookie = Cookie::build(i18n::COOKIE, language.tag())
            .path("/")
            .secure(settings.is_https())
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(CookieDuration::days(365))
            .finish();
        // A tag of two letters is always a valid cookie.
        let _ = response.add_cookie(&cookie);
    }
    response
}

/// `/p/{project}`: the dashboard's address ends with a slash.
pub async fn to_dashboard(project: web::Path<String>) -> HttpResponse {
    page::see_other(&Urls::of(&project).dashboard())
}

#[derive(Template)]
#[template(path = "no_project.html")]
struct NoProjectPage {
    l: Layout,
}

/// `/`: the project that was last looked at, or the first.
pub async fn home(
    app: web::Data<App>,
    request: HttpRequest,
    person: Person,
) -> Result<HttpResponse, WebError> {
    let session = request.get_session();
    let places = &person.0.places;
    let last = session::project(&session);
    let place = places
        .iter()
        .find(|one| Some(&one.project.slug) == last.as_ref())
        .or_else(|| places.first());
    match place {
        Some(place) => Ok(page::see_other(&Urls::of(&place.project.slug).dashboard())),
        None => {
            let l = person.layout(&app, &request, Section::Account).await?;
            page::ok(&NoProjectPage { l })
        }
    }
}
