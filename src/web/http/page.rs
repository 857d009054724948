//! Responses that are HTML pages, and redirects.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use askama::Template;

use super::error::WebError;

/// Capacity in bytes that most pages fit into, so that rendering does not reallocate.
const USUAL_LENGTH: usize = 80 << 10;

/// Returns `page` with status 200.
pub fn ok(page: &impl Template) -> Result<HttpResponse, WebError> {
    with_status(StatusCode::OK, page)
}

/// Returns an invalid form with status 422: the values as typed, and a message at each field.
pub fn unprocessable(page: &impl Template) -> Result<HttpResponse, WebError> {
    with_status(StatusCode::UNPROCESSABLE_ENTITY, page)
}

/// Returns `page` with `status`. Pages are never cached.
pub fn with_status(status: StatusCode, page: &impl Template) -> Result<HttpResponse, WebError> {
    let mut html = String::with_capacity(USUAL_LENGTH);
    page.render_into(&mut html)?;
    Ok(HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(html))
}

/// Returns a 303 redirect to `href`: the response to a valid form.
pub fn see_other(href: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, href))
        .insert_header((CACHE_CONTROL, "no-store"))
        .finish()
}

/// Returns a 302 redirect to `href`: the page of the thing that an address names.
pub fn found(href: &str) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((LOCATION, href))
        .insert_header((CACHE_CONTROL, "no-store"))
        .finish()
}

/// Returns the last row if the page is full; the next page begins after it.
pub fn full<T>(rows: &[T], limit: i64) -> Option<&T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    rows.last().filter(|_| rows.len() >= limit)
}
