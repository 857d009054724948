//! The error page. The cause is logged under the request id; the page shows that id and what the person
//! can do.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use askama::Template;
use tracing_actix_web::RequestId;

use crate::app::App;
use crate::ops::refusals;
use crate::web::Settings;
use crate::web::http::error::{PageKind, say_when_to_retry};
use crate::web::http::form::peer_ip;
use crate::web::http::i18n::{Texts, language_of};
use crate::web::http::member::{Member, Person};
use crate::web::http::request_log::shown_path;
use crate::web::http::{assets, headers, page};
use crate::web::ui::layout;
use crate::web::ui::status::Drawing;

#[derive(Template)]
#[template(path = "pages/errors.html")]
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
                record_refusal(response.request(), action).await;
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

/// Records that a page or a form was refused. What cannot be recorded is logged: the answer is the same.
async fn record_refusal(request: &HttpRequest, action: &str) {
    let Some(app) = request.app_data::<Data<App>>() else { return };
    let admitted = request.extensions().get::<Member>().cloned().map(Member::into_signed_in);
    let person = admitted.or_else(|| request.extensions().get::<Person>().map(|one| one.0.clone()));
    let slug = request.match_info().get("project").unwrap_or_default();
    let project = person.as_ref().and_then(|person| person.place(slug));
    let project = project.map(|membership| membership.project.id);
    let user = person.as_ref().map(|person| &person.user);
    let (ip, path) = (peer_ip(request), shown_path(request.path()));
    let recorded = refusals::request(app, action, user, project, &ip, &path).await;
    if let Err(error) = recorded {
        tracing::error!(%error, action, "cannot record what was refused");
    }
}
