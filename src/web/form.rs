//! Forms. What was posted can be reached only through [`Form`], which checked where it came from.

use actix_session::SessionExt;
use actix_web::dev::Payload;
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq;

use super::error::WebError;
use super::{Settings, session};

/// A form that carried this login session's token and was sent by a page of ours.
#[derive(Debug)]
pub struct Form<T>(T);

impl<T> Form<T> {
    /// What was posted.
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
        let door = Door::of(request);
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = body.await.map_err(|error| too_large_or_bad(&error))?;
            let Token { csrf } =
                serde_html_form::from_bytes(&body).map_err(|_| WebError::BadRequest)?;
            door.check(&csrf)?;
            serde_html_form::from_bytes(&body).map(Form).map_err(|_| WebError::BadRequest)
        })
    }
}

pub(super) fn too_large_or_bad(error: &actix_web::Error) -> WebError {
    match error.as_response_error().status_code().as_u16() {
        413 => WebError::TooLarge,
        _ => WebError::BadRequest,
    }
}

/// What a posted form has to show: that a page of ours sent it, and this login session's token.
pub(super) struct Door {
    from_elsewhere: bool,
    expected: Option<String>,
}

impl Door {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let from_elsewhere = request
            .headers()
            .get("sec-fetch-site")
            .is_some_and(|site| site != "same-origin" && site != "none");
        Self { from_elsewhere, expected: session::made_csrf(&request.get_session()) }
    }

    pub(super) fn check(&self, csrf: &str) -> Result<(), WebError> {
        let expected = self.expected.as_ref().ok_or(WebError::FormExpired)?;
        let same = bool::from(csrf.as_bytes().ct_eq(expected.as_bytes()));
        if same && !self.from_elsewhere { Ok(()) } else { Err(WebError::FormExpired) }
    }
}

/// Who is asking: the other end of the connection, or whom the proxy in front names.
pub fn peer_address(request: &HttpRequest) -> String {
    let trusted = request.app_data::<Data<Settings>>().is_some_and(|settings| settings.trust_proxy);
    let forwarded = || {
        let header = request.headers().get("x-forwarded-for")?.to_str().ok()?;
        header.rsplit(',').next().map(|address| address.trim().chars().take(64).collect())
    };
    let named = if trusted { forwarded() } else { None };
    named.unwrap_or_else(|| {
        request.peer_addr().map_or_else(|| "-".to_owned(), |peer| peer.ip().to_string())
    })
}
