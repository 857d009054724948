//! The error type of all pages, and the error page. The cause is logged under the request id; the
//! page shows that id and what the person can do.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpResponse, HttpResponseBuilder, ResponseError};
use askama::Template;
use tracing_actix_web::RequestId;

use super::components::Drawing;
use super::i18n::{Texts, language_of};
use super::{Settings, assets, headers, layout, limits, page, refused, urls};

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
    /// The project is archived: it can only be read.
    #[error("the project is archived")]
    Archived,
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
    TooMany(limits::Kind),
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
            Self::Archived => StatusCode::CONFLICT,
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
            Self::Archived => marked(response, "archived"),
            Self::TooMany(limits::Kind::Streams) => marked(response, "too-many-streams"),
            Self::TooMany(limits::Kind::Exports) => marked(response, "too-many-exports"),
            Self::TooMany(limits::Kind::Queries) => marked(response, "too-many-queries"),
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
struct PageKind(&'static str);

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    texts: Texts,
    theme: Option<&'static str>,
    title: String,
    advice: String,
    request_id: String,
}

impl ErrorPage {
    fn new(texts: Texts, theme: Option<&'static str>, kind: &str, request_id: String) -> Self {
        Self {
            title: texts.t(&format!("error-{kind}-title")),
            advice: texts.t(&format!("error-{kind}")),
            texts,
            theme,
            request_id,
        }
    }

    fn response(&self, status: StatusCode) -> HttpResponse {
        let mut response =
            page::with_status(status, self).unwrap_or_else(|_| HttpResponse::new(status));
        say_when_to_retry(&mut response);
        // The rest of a body that is not read must not be taken for the next request.
        if matches!(status.as_u16(), 408 | 413 | 415 | 429) {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }
}

/// Says when a request may be tried again that cannot be answered now.
pub(super) fn say_when_to_retry(response: &mut HttpResponse) {
    let status = response.status();
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
    }
}

/// Middleware that renders the error page for every failed response without a page of its own.
pub async fn pages(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let texts = Texts(language_of(request.request()));
    let theme = layout::theme(request.request());
    let request_id =
        request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let https = request.app_data::<Data<Settings>>().is_some_and(|settings| settings.is_https());
    match next.call(request).await {
        Ok(response) if needs_page(&response) => {
            let status = response.status();
            log(status, response.response().error());
            let marked = response.response().extensions().get::<PageKind>().map(|kind| kind.0);
            if status == StatusCode::FORBIDDEN {
                let is_expired = marked == Some("expired");
                let action = if is_expired { "form_refused" } else { "permission_refused" };
                refused::record(response.request(), action).await;
            }
            let kind = marked.unwrap_or_else(|| kind(status));
            let error_page = ErrorPage::new(texts, theme, kind, request_id).response(status);
            let (request, old) = response.into_parts();
            Ok(ServiceResponse::new(request, with_headers_of(&old, error_page)))
        }
        Ok(response) => Ok(response.map_into_boxed_body()),
        Err(error) => {
            let status = error.as_response_error().status_code();
            log(status, Some(&error));
            let mut error_page =
                ErrorPage::new(texts, theme, kind(status), request_id).response(status);
            headers::add(error_page.headers_mut(), https);
            Err(InternalError::from_response(error, error_page).into())
        }
    }
}

fn needs_page<B>(response: &ServiceResponse<B>) -> bool {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    failed && kind.is_none_or(|kind| kind.starts_with("text/plain"))
}

fn with_headers_of<B>(old: &HttpResponse<B>, mut new: HttpResponse) -> HttpResponse {
    for cookie in old.cookies() {
        // Only invalid cookies are refused, and these were accepted before.
        let _ = new.add_cookie(&cookie);
    }
    new
}

/// Logs why a request failed. The span of the request says which one it is, and whose.
fn log(status: StatusCode, error: Option<&actix_web::Error>) {
    let cause = error.map(ToString::to_string).unwrap_or_else(|| status.to_string());
    let status = status.as_u16();
    if status >= 500 {
        tracing::error!(status, cause, "request failed");
    } else {
        tracing::info!(status, cause, "request rejected");
    }
}

fn kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "not-found",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::PAYLOAD_TOO_LARGE => "too-large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "encoded",
        StatusCode::REQUEST_TIMEOUT => "too-slow",
        StatusCode::TOO_MANY_REQUESTS => "too-many",
        StatusCode::METHOD_NOT_ALLOWED => "method",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        other if other.is_client_error() => "bad-request",
        _ => "internal",
    }
}
