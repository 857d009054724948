//! Forms. Posted data is accessible only through [`Form`], which checks where it came from.

use actix_session::SessionExt;
use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use super::client::peer_ip;
use super::error::WebError;
use super::member::Person;
use super::{csrf, session, visitor};

/// The largest number of fields of a form.
const MAX_FIELDS: usize = 10_000;

/// A form that was sent by a page of the console, with the CSRF token of this login session, or of this
/// browser if nobody is signed in.
#[derive(Debug)]
pub struct Form<T>(T);

impl<T> Form<T> {
    /// Returns the fields.
    pub fn into_inner(self) -> T {
        self.0
    }
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    csrf: String,
}

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = WebError;
    type Future = LocalBoxFuture<'static, Result<Self, WebError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let origin_check = OriginCheck::of(request);
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = body.await.map_err(|error| too_large_or_bad(&error))?;
            if memchr::memchr_iter(b'&', &body).count() >= MAX_FIELDS {
                return Err(WebError::TooLarge);
            }
            let Token { csrf } =
                serde_html_form::from_bytes(&body).map_err(|_| WebError::BadRequest)?;
            origin_check.check(&csrf)?;
            serde_html_form::from_bytes(&body).map(Form).map_err(|_| WebError::BadRequest)
        })
    }
}

pub(in crate::web) fn too_large_or_bad(error: &actix_web::Error) -> WebError {
    match error.as_response_error().status_code().as_u16() {
        413 => WebError::TooLarge,
        _ => WebError::BadRequest,
    }
}

/// The check of a posted form: a page of the console sent it, with the CSRF token of this login
/// session.
pub(in crate::web) struct OriginCheck {
    is_cross_site: bool,
    expected: Option<String>,
}

impl OriginCheck {
    pub(in crate::web) fn of(request: &HttpRequest) -> Self {
        let is_cross_site = request
            .headers()
            .get("sec-fetch-site")
            .is_some_and(|site| site != "same-origin" && site != "none");
        let session = request.get_session();
        let expected = match session::signed_in(&session) {
            Some(person) => {
                // If the form is refused, it is recorded whose it was.
                request.extensions_mut().insert(Person(person));
                session::existing_csrf(&session)
            }
            None => visitor::expected_token(request),
        };
        Self { is_cross_site, expected }
    }

    pub(in crate::web) fn check(&self, csrf_field: &str) -> Result<(), WebError> {
        let expected = self.expected.as_ref().ok_or(WebError::FormExpired)?;
        let is_ours = csrf::is_token(csrf_field, expected) && !self.is_cross_site;
        if is_ours { Ok(()) } else { Err(WebError::FormExpired) }
    }
}
