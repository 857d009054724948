//! Signing in and out, changing the language, and `/`.

use actix_session::SessionExt;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::{Cookie, SameSite, time::Duration as CookieDuration};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use crate::app::App;
use crate::db::accounts::users;
use crate::ops::accounts::{self, SignInError, Visitor};
use crate::web::Settings;
use crate::web::http::csrf::CsrfField;
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::{self, Language, Texts};
use crate::web::http::member::Person;
use crate::web::http::typed::{self, Kept};
use crate::web::http::urls::{Urls, own_path};
use crate::web::http::visitor::{self, FormToken};
use crate::web::http::{assets, flash, page, session};
use crate::web::ui::layout;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::refused_password::Refused;
use crate::web::ui::status::Drawing;

/// Query parameters of [`form`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct LoginQuery {
    /// The path to go to after signing in.
    next: String,
}

/// The form of [`sign_in`].
#[derive(Deserialize)]
pub struct LoginFields {
    #[serde(default)]
    username: String,
    #[serde(default = "no_password")]
    password: SecretString,
    #[serde(default)]
    next: String,
    /// What was typed into a form before, sealed.
    #[serde(default)]
    typed: String,
}

#[derive(Template)]
#[template(path = "pages/sign_in/login.html")]
struct LoginPage {
    texts: Texts,
    theme: Option<&'static str>,
    csrf: CsrfField,
    next: String,
    username: String,
    problem: Option<String>,
    /// What was typed into a form before, sealed.
    typed: String,
    /// Whether a session of this browser has ended.
    has_ended: bool,
}

impl LoginPage {
    fn new(request: &HttpRequest, token: &FormToken, next: &str) -> Self {
        Self {
            texts: Texts(i18n::language_of(request)),
            theme: layout::theme(request),
            csrf: CsrfField::masking(&token.csrf),
            next: own_path(next).to_owned(),
            username: String::new(),
            problem: None,
            typed: String::new(),
            has_ended: !next.is_empty() && session::has_cookie(request),
        }
    }

    fn other_languages(&self) -> impl Iterator<Item = Language> {
        let own = self.texts.0;
        Language::ALL.into_iter().filter(move |language| *language != own)
    }

    /// Returns the link to this page, to return to after the language was changed.
    fn here(&self) -> String {
        crate::web::http::urls::with_query("/login", &[("next", &self.next)])
    }
}

fn no_password() -> SecretString {
    SecretString::from("")
}

/// `/login`: the form.
pub async fn form(
    app: web::Data<App>,
    request: HttpRequest,
    query: web::Query<LoginQuery>,
) -> Result<HttpResponse, WebError> {
    let session = request.get_session();
    if session::signed_in(&session).is_some() {
        return Ok(page::see_other(own_path(&query.next)));
    }
    let token = FormToken::of(&app, &request);
    let mut response = page::ok(&LoginPage::new(&request, &token, &query.next))?;
    token.store(&request, &mut response);
    Ok(response)
}

/// Middleware that responds with the sign-in page to a long form that came without a session: the form is
/// filled in again after signing in.
pub async fn after_typing(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let mut response = next.call(request).await?.map_into_boxed_body();
    let kept = response.response_mut().extensions_mut().remove::<Kept>();
    let Some(kept) = kept else { return Ok(response) };
    let page = filled_again(response.request(), kept)?;
    Ok(response.into_response(page))
}

fn filled_again(request: &HttpRequest, kept: Kept) -> Result<HttpResponse, WebError> {
    let missing = || WebError::Internal("no app".to_owned());
    let app = request.app_data::<web::Data<App>>().ok_or_else(missing)?;
    let token = FormToken::of(app, request);
    let login = LoginPage::new(request, &token, &kept.path);
    let mut response = page::ok(&LoginPage { typed: kept.sealed, ..login })?;
    token.store(request, &mut response);
    Ok(response)
}

/// Signs in. A failure does not tell whether the name or the password was wrong.
pub async fn sign_in(
    app: web::Data<App>,
    settings: web::Data<Settings>,
    request: HttpRequest,
    form: Form<LoginFields>,
) -> Result<HttpResponse, WebError> {
    let fields = form.into_inner();
    let (ip, device) = (peer_ip(&request), visitor::device(&app, &request));
    let agent = request.headers().get("user-agent").and_then(|value| value.to_str().ok());
    let agent = agent.unwrap_or("");
    let visitor = Visitor { ip: &ip, device: device.as_ref(), agent };
    let signed_in = accounts::sign_in(&app, &fields.username, fields.password, visitor).await;
    let texts = Texts(i18n::language_of(&request));
    let refusal = match signed_in {
        Ok(user) => {
            let session = request.get_session();
            session::sign_in(&session, user.id, &ip, agent)?;
            let to_fill = typed::page_to_fill(&app, &fields.typed);
            if to_fill.is_some() {
                session::set_typed(&session, &fields.typed)?;
                flash::warn(&request, &texts.t("login-typed-back"));
            }
            let mut response = page::see_other(own_path(to_fill.as_ref().unwrap_or(&fields.next)));
            visitor::remember_device(&app, &request, &mut response, user.id);
            let language = users::language(&mut *app.db.acquire().await?, user.id).await?;
            if let Some(language) = language.as_deref().and_then(Language::from_tag) {
                set_language(settings.get_ref(), &mut response, language);
            }
            return Ok(response);
        }
        Err(SignInError::Wrong) => Refused::wrong(texts.t("login-wrong")),
        Err(SignInError::Throttled { until }) => Refused::throttled(&app, texts, until),
        Err(SignInError::Busy) => Refused::busy(texts),
        Err(SignInError::Database(error)) => return Err(WebError::Database(error)),
        Err(error @ SignInError::Hashing) => return Err(WebError::Password(error.to_string())),
    };
    let mut login = LoginPage::new(&request, &FormToken::of(&app, &request), &fields.next);
    login.username = fields.username.chars().take(60).collect();
    login.problem = Some(refusal.sentence.clone());
    login.typed = fields.typed;
    refusal.respond(&login)
}

/// A form without fields of its own.
#[derive(Debug, Deserialize)]
pub struct EmptyForm {}

/// Signs out.
pub async fn sign_out(
    app: web::Data<App>,
    request: HttpRequest,
    _: Form<EmptyForm>,
) -> Result<HttpResponse, WebError> {
    let session = request.get_session();
    if let Some(person) = session::signed_in(&session) {
        accounts::signed_out(&app, person.user.id, &peer_ip(&request)).await?;
    }
    session::sign_out(&session);
    Ok(page::see_other("/login"))
}

/// The form of [`language`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct LanguageForm {
    lang: String,
    next: String,
}

/// Stores the language in a cookie. It changes only how pages read, so it needs no CSRF token.
pub async fn language(
    settings: web::Data<Settings>,
    form: web::Form<LanguageForm>,
) -> HttpResponse {
    let mut response = page::see_other(own_path(&form.next));
    if let Some(language) = Language::from_tag(&form.lang) {
        set_language(settings.get_ref(), &mut response, language);
    }
    response
}

fn set_language(settings: &Settings, response: &mut HttpResponse, language: Language) {
    let cookie = Cookie::build(i18n::COOKIE, language.tag())
        .path("/")
        .secure(settings.is_https())
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(CookieDuration::days(365))
        .finish();
    // A language tag is always a valid cookie value.
    let _ = response.add_cookie(&cookie);
}

/// `/p/{project}`: redirects to the dashboard, whose path ends with a slash.
pub async fn to_dashboard(project: web::Path<String>) -> HttpResponse {
    page::see_other(&Urls::of(&project).dashboard())
}

#[derive(Template)]
#[template(path = "pages/sign_in/login/no_project.html")]
struct NoProjectPage {
    l: Layout,
}

/// `/`: redirects to the project that was visited last, or to the first.
pub async fn home(
    app: web::Data<App>,
    request: HttpRequest,
    person: Person,
) -> Result<HttpResponse, WebError> {
    let session = request.get_session();
    let memberships = &person.0.places;
    let last = session::project(&session);
    let membership = memberships
        .iter()
        .find(|membership| Some(&membership.project.slug) == last.as_ref())
        .or_else(|| memberships.first());
    match membership {
        Some(membership) => Ok(page::see_other(&Urls::of(&membership.project.slug).dashboard())),
        None => {
            let l = Layout::outside(&person, &app, &request, Section::Account).await?;
            page::ok(&NoProjectPage { l })
        }
    }
}
