//! Security headers of every response.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::DefaultHeaders;

/// Only the console's own files, no frames, no content sniffing.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=()"),
];
/// Where browsers reach the console over HTTPS, they use nothing else there.
const HTTPS_ONLY: (&str, &str) =
    ("strict-transport-security", "max-age=31536000; includeSubDomains");

fn of(https: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    HEADERS.into_iter().chain(https.then_some(HTTPS_ONLY))
}

/// Returns the middleware that adds them.
pub fn all(https: bool) -> DefaultHeaders {
    of(https).fold(DefaultHeaders::new(), DefaultHeaders::add)
}

/// Adds them to a response that passes no middleware any more, since it is an error of one.
pub fn add(headers: &mut HeaderMap, https: bool) {
    for (name, value) in of(https) {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}
