//! What the browser of somebody who is not signed in stores: the token of the sign-in form, and whether it
//! is a known device. Nothing is stored for visitors.

use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use time::{Duration, OffsetDateTime};

use crate::app::App;
use crate::domain::ids::UserId;
use crate::ops::accounts::{DEVICE_MAX_AGE, Device};
use crate::web::Settings;

/// Over HTTPS, browsers accept a cookie of this prefix only from this very host (RFC 6265bis, 4.1.3.2).
pub const HOST_PREFIX: &str = "__Host-";
const FORM_COOKIE: &str = "console_login";
const DEVICE_COOKIE: &str = "console_device";
/// How long a sign-in form can be sent.
const FORM_MAX_AGE: Duration = Duration::hours(12);
/// What the code of a form's token is for.
const PURPOSE: &str = "sign-in form";

/// The token of a sign-in form: the code of a random cookie, which other sites can neither read nor send.
#[derive(Debug)]
pub struct FormToken {
    /// The value of the form's field.
    pub csrf: String,
    cookie: String,
    is_new: bool,
}

impl FormToken {
    /// Returns the token of this browser, or a new one.
    pub fn of(app: &App, request: &HttpRequest) -> Self {
        let now = app.clock.now();
        let kept = form_cookie(request, now);
        let is_new = kept.is_none();
        let cookie = kept.unwrap_or_else(|| {
            let random = hex::encode(rand::random::<[u8; 16]>());
            format!("{random}.{}", (now + FORM_MAX_AGE).unix_timestamp())
        });
        Self { csrf: app.keyring.mac(PURPOSE, &cookie), cookie, is_new }
    }

    /// Stores a new token in the browser that gets `response`.
    pub fn store(&self, request: &HttpRequest, response: &mut HttpResponse) {
        if self.is_new {
            set(request, response, FORM_COOKIE, &self.cookie, FORM_MAX_AGE);
        }
    }
}

/// Returns the token that a form of this browser has to have, if it has opened one.
pub fn expected_token(request: &HttpRequest) -> Option<String> {
    let app = request.app_data::<Data<App>>()?;
    let cookie = form_cookie(request, app.clock.now())?;
    Some(app.keyring.mac(PURPOSE, &cookie))
}

fn form_cookie(request: &HttpRequest, now: OffsetDateTime) -> Option<String> {
    let cookie = request.cookie(&name_of(request, FORM_COOKIE))?;
    let until: i64 = cookie.value().split_once('.')?.1.parse().ok()?;
    (until > now.unix_timestamp()).then(|| cookie.value().to_owned())
}

/// Returns the device that sends a request, if somebody has signed in with it.
pub fn device(app: &App, request: &HttpRequest) -> Option<Device> {
    let cookie = request.cookie(&name_of(request, DEVICE_COOKIE))?;
    Device::read(&app.keyring, cookie.value(), app.clock.now())
}

/// Makes the browser that gets `response` a known device of `user`.
pub fn remember_device(
    app: &App,
    request: &HttpRequest,
    response: &mut HttpResponse,
    user: UserId,
) {
    let device = Device::after_sign_in(device(app, request), user);
    let cookie = device.cookie(&app.keyring, app.clock.now());
    set(request, response, DEVICE_COOKIE, &cookie, DEVICE_MAX_AGE);
}

fn is_https(request: &HttpRequest) -> bool {
    request.app_data::<Data<Settings>>().is_some_and(|settings| settings.is_https())
}

fn name_of(request: &HttpRequest, name: &str) -> String {
    if is_https(request) { format!("{HOST_PREFIX}{name}") } else { name.to_owned() }
}

fn set(
    request: &HttpRequest,
    response: &mut HttpResponse,
    name: &str,
    value: &str,
    max_age: Duration,
) {
    let cookie = Cookie::build(name_of(request, name), value)
        .path("/")
        .secure(is_https(request))
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(CookieDuration::seconds(max_age.whole_seconds()))
        .finish();
    // Letters, digits, dots and dashes are always a valid cookie value.
    let _ = response.add_cookie(&cookie);
}
