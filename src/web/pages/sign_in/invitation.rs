//! `/invitation/{token}`: choosing a password with a link, for people who are invited or have forgotten
//! theirs.

use actix_session::SessionExt;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::app::App;
use crate::ops::accounts::{self, LinkError};
use crate::web::http::csrf::CsrfField;
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::i18n::{Language, Texts, language_of};
use crate::web::http::visitor::{self, FormToken};
use crate::web::http::{assets, page, session};
use crate::web::ui::layout;
use crate::web::ui::refused_password::{Refused, weakness_sentence};
use crate::web::ui::status::Drawing;

/// The form.
#[derive(Deserialize)]
pub struct PasswordFields {
    #[serde(default = "no_password")]
    password: SecretString,
}

fn no_password() -> SecretString {
    SecretString::from("")
}

#[derive(Template)]
#[template(path = "pages/sign_in/invitation.html")]
struct InvitationPage {
    texts: Texts,
    theme: Option<&'static str>,
    csrf: CsrfField,
    here: String,
    /// Who is signed in, and will be signed out.
    signed_in: Option<String>,
    /// The account, and whether it had no password yet; `None` if the link does not work.
    account: Option<(String, bool)>,
    problem: Option<String>,
}

impl InvitationPage {
    fn other_languages(&self) -> impl Iterator<Item = Language> {
        let own = self.texts.0;
        Language::ALL.into_iter().filter(move |language| *language != own)
    }
}

/// Returns the page, and the token of a browser in which nobody is signed in.
fn page_of(
    app: &App,
    request: &HttpRequest,
    account: Option<(String, bool)>,
) -> Result<(InvitationPage, Option<FormToken>), WebError> {
    let session = request.get_session();
    let signed_in = session::signed_in(&session).map(|person| person.user.name);
    let token = signed_in.is_none().then(|| FormToken::of(app, request));
    let csrf = match &token {
        Some(token) => token.csrf.clone(),
        None => session::csrf(&session)?,
    };
    let page = InvitationPage {
        texts: Texts(language_of(request)),
        theme: layout::theme(request),
        csrf: CsrfField::masking(&csrf),
        here: request.path().to_owned(),
        signed_in,
        account,
        problem: None,
    };
    Ok((page, token))
}

/// `/invitation/{token}`: the form.
pub async fn form(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<SecretString>,
) -> Result<HttpResponse, WebError> {
    match accounts::find_link(&app, path.expose_secret(), &peer_ip(&request)).await {
        Ok(link) => {
            let account = Some((link.user.name, link.is_invitation));
            let (page, token) = page_of(&app, &request, account)?;
            let mut response = page::ok(&page)?;
            if let Some(token) = token {
                token.store(&request, &mut response);
            }
            Ok(response)
        }
        Err(error) => cannot(&app, &request, error),
    }
}

/// Sets the password, and signs in.
pub async fn accept(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<SecretString>,
    form: Form<PasswordFields>,
) -> Result<HttpResponse, WebError> {
    let (ip, password) = (peer_ip(&request), form.into_inner().password);
    let token = path.into_inner();
    let texts = Texts(language_of(&request));
    let refused = match accounts::accept(&app, token.expose_secret(), password, &ip).await {
        Ok(user) => {
            let agent = request.headers().get("user-agent").and_then(|value| value.to_str().ok());
            session::sign_in(&request.get_session(), user.id, &ip, agent.unwrap_or(""))?;
            let mut response = page::see_other("/");
            visitor::remember_device(&app, &request, &mut response, user.id);
            return Ok(response);
        }
        Err(LinkError::Weak(weakness)) => Refused::wrong(weakness_sentence(texts, weakness)),
        Err(LinkError::Busy) => Refused::busy(texts),
        Err(error) => return cannot(&app, &request, error),
    };
    let link = match accounts::find_link(&app, token.expose_secret(), &ip).await {
        Ok(link) => link,
        Err(error) => return cannot(&app, &request, error),
    };
    let (mut page, _) = page_of(&app, &request, Some((link.user.name, link.is_invitation)))?;
    page.problem = Some(refused.sentence.clone());
    refused.respond(&page)
}

/// Returns the page of a link that cannot be used, now or at all.
fn cannot(app: &App, request: &HttpRequest, error: LinkError) -> Result<HttpResponse, WebError> {
    let (mut page, _) = page_of(app, request, None)?;
    let refused = match error {
        LinkError::Unknown | LinkError::Weak(_) => {
            page.problem = Some(page.texts.t("invitation-unknown"));
            return page::with_status(StatusCode::NOT_FOUND, &page);
        }
        LinkError::Throttled { until } => Refused::throttled(app, page.texts, until),
        LinkError::Busy => Refused::busy(page.texts),
        LinkError::Database(error) => return Err(WebError::Database(error)),
        LinkError::Hashing => return Err(WebError::Password(error.to_string())),
    };
    page.problem = Some(refused.sentence.clone());
    refused.respond(&page)
}
