//! Answers that are pages.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use askama::Template;

use super::error::WebError;

/// Most pages are no longer than this, in bytes: drawing them moves nothing.
const MAX_PAGES: usize = 80 << 10;

/// A page that is as it should be.
pub fn ok(page: &impl Template) -> Result<HttpResponse, WebError> {
    with_status(StatusCode::OK, page)
}

/// A form that comes back with what was typed and what to mend.
pub fn unprocessable(page: &impl Template) -> Result<HttpResponse, WebError> {
    with_status(StatusCode::UNPROCESSABLE_ENTITY, page)
}

/// A page with any status.
pub fn with_status(status: StatusCode, page: &impl Template) -> Result<HttpResponse, WebError> {
    let mut html = String::with_capacity(MAX_PAGES);
    page.render_into(&mut html)?;
    Ok(HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(html))
}

/// What a good form answers: look there.
pub fn see_other(address: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, address))
        .insert_header((CACHE_CONTROL, "no-store"))
        .finish()
}

/// The last row of a page that is full, after which the next page begins.
pub fn full<T>(rows: &[T], limit: i64) -> Option<&T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    rows.last().filter(|_| rows.len() >= limit)
}
