//! Why a page cannot be shown, and the status that says so. What people read is drawn by
//! [`pages::errors`](crate::web::pages::errors).

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION, RETRY_AFTER};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};

use super::urls;
use crate::domain::limits::Quota;

/// When a request that cannot be answered now may be tried again, in seconds.
const RETRY_SECONDS: &str = "5";

/// Why a page cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The page does not exist, or the person may not know that it does.
    #[error("not found")]
    NotFound,
    /// The person's role does not allow it.
    #[error("forbidden")]
    Forbidden,
    /// The person is not signed in.
    #[error("signed out")]
    SignedOut {
        /// Path and query of the page to go to after signing in.
        next: String,
    },
    /// The request is malformed.
    #[error("bad request")]
    BadRequest,
    /// The form belongs to another login session, or was not sent by a page of the console.
    #[error("form has expired")]
    FormExpired,
    /// The request body is too large.
    #[error("request too large")]
    TooLarge,
    /// The request body is compressed, which browsers never do with a form.
    #[error("request body is encoded")]
    Encoded,
    /// The request body did not arrive in time.
    #[error("request body timed out")]
    TooSlow,
    /// The client sends too many bodies at once.
    #[error("too many incomplete bodies")]
    TooManyBodies,
    /// The person uses as much of this at once as one may.
    #[error("too many {}", .0.key())]
    TooMany(Quota),
    /// So many opt-out lists are read at once that one more would wait too long.
    #[error("too many lists are read at once")]
    BusyWithLists,
    /// The console cannot read files for now.
    #[error("cannot read files: {0}")]
    NoReader(std::io::Error),
    /// A database query failed.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The page could not be rendered.
    #[error("template: {0}")]
    Template(#[from] askama::Error),
    /// The login session could not be read or stored.
    #[error("login session: {0}")]
    Session(String),
    /// Something failed that never should.
    #[error("{0}")]
    Internal(String),
    /// A password could not be hashed or verified.
    #[error("password: {0}")]
    Password(String),
}

impl ResponseError for WebError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::FormExpired => StatusCode::FORBIDDEN,
            Self::SignedOut { .. } => StatusCode::SEE_OTHER,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooManyBodies | Self::TooMany(_) | Self::BusyWithLists => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::NoReader(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Database(error) if is_unavailable(error) || is_expired(error) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Database(error) if is_bad_input(error) => StatusCode::BAD_REQUEST,
            Self::Database(_)
            | Self::Template(_)
            | Self::Session(_)
            | Self::Internal(_)
            | Self::Password(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::SignedOut { next } => {
                let login = urls::with_query("/login", &[("next", next)]);
                response.insert_header((LOCATION, login)).finish()
            }
            Self::FormExpired => marked(response, "expired"),
            Self::TooMany(Quota::Streams) => marked(response, "too-many-streams"),
            Self::TooMany(Quota::Exports) => marked(response, "too-many-exports"),
            Self::TooMany(Quota::Queries) => marked(response, "too-many-queries"),
            Self::BusyWithLists => marked(response, "busy-with-lists"),
            Self::NoReader(_) => marked(response, "no-reader"),
            Self::Database(error) if is_expired(error) => marked(response, "slow"),
            _ => response.finish(),
        }
    }
}

/// Returns a response whose error page is that of `kind`, whatever its status.
fn marked(mut response: HttpResponseBuilder, kind: &'static str) -> HttpResponse {
    let mut response = response.finish();
    response.extensions_mut().insert(PageKind(kind));
    response
}

/// Returns whether a statement ran longer than its kind of page allows (`query_canceled`).
fn is_expired(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("57014"))
}

/// Returns whether the database cannot be used for now: it is down, starting, shutting down, full, or
/// a standby that has not taken over yet (PostgreSQL, appendix A).
fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| is_unavailable_code(code.as_ref()))
        }
        _ => false,
    }
}

fn is_unavailable_code(code: &str) -> bool {
    code.starts_with("57P") || code.starts_with("53") || code.starts_with("08") || code == "25006"
}

/// Returns whether PostgreSQL cannot store or compare what was sent: a NUL in a text, a number or a
/// time that is out of range (PostgreSQL, appendix A: class 22).
fn is_bad_input(error: &sqlx::Error) -> bool {
    const CODES: [&str; 6] = ["22003", "22007", "22008", "22021", "22P02", "22P05"];
    error
        .as_database_error()
        .and_then(|error| error.code())
        .is_some_and(|code| CODES.contains(&code.as_ref()))
}

/// Marks a response whose error page does not follow from its status.
#[derive(Debug, Clone, Copy)]
pub struct PageKind(pub &'static str);

/// Says when a request may be tried again that cannot be answered now.
pub fn say_when_to_retry(response: &mut HttpResponse) {
    let status = response.status();
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
    }
}
