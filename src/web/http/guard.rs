//! Access control of every page: the person is signed in, is a member of the project in the path,
//! and has the permission that the route names.

use actix_session::SessionExt;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};

use super::error::WebError;
use super::member::{Member, Person};
use super::request_log::record_person;
use super::{session, typed, urls};
use crate::db::accounts::login_sessions::SignedIn;
use crate::domain::accounts::role::Permission;

/// Middleware that admits members of the project in the path who have `permission`.
pub async fn member(
    permission: Permission,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match admit_member(request.request(), permission) {
        Ok(member) => {
            request.extensions_mut().insert(member);
            next.call(request).await.map(ServiceResponse::map_into_boxed_body)
        }
        Err(error) => {
            if matches!(error, WebError::SignedOut { .. })
                && let Some(kept) = typed::keep(&mut request).await
            {
                // The sign-in page draws itself: see `pages::sign_in::login::after_typing`.
                let mut response = HttpResponse::Ok().finish();
                response.extensions_mut().insert(kept);
                return Ok(request.into_response(response));
            }
            Ok(turn_away(request, error))
        }
    }
}

/// Middleware that admits everybody who is signed in.
pub async fn person(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match signed_in(request.request()) {
        Ok(person) => {
            request.extensions_mut().insert(Person(person));
            next.call(request).await.map(ServiceResponse::map_into_boxed_body)
        }
        Err(error) => Ok(turn_away(request, error)),
    }
}

/// Middleware that admits owners.
pub async fn owner(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match signed_in(request.request()) {
        Ok(person) => {
            let is_owner = person.user.is_owner;
            // It is recorded who was refused.
            request.extensions_mut().insert(Person(person));
            if !is_owner {
                return Ok(request.error_response(WebError::Forbidden));
            }
            next.call(request).await.map(ServiceResponse::map_into_boxed_body)
        }
        Err(error) => Ok(turn_away(request, error)),
    }
}

fn turn_away(request: ServiceRequest, error: WebError) -> ServiceResponse<BoxBody> {
    match error {
        // Responding here skips the error page, which a redirect does not need.
        WebError::SignedOut { .. } => {
            let response = error.error_response();
            request.into_response(response)
        }
        error => request.error_response(error),
    }
}

fn admit_member(request: &HttpRequest, permission: Permission) -> Result<Member, WebError> {
    let person = signed_in(request)?;
    let slug = request.match_info().get("project").unwrap_or_default();
    let membership = person.place(slug).cloned().ok_or(WebError::NotFound)?;
    let member = Member::new(person, membership);
    if member.may(permission) {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        return if is_read || !member.project.is_archived {
            Ok(member)
        } else {
            Err(WebError::Archived)
        };
    }
    // It is recorded who was refused.
    request.extensions_mut().insert(Person(member.into_signed_in()));
    Err(WebError::Forbidden)
}

fn signed_in(request: &HttpRequest) -> Result<SignedIn, WebError> {
    let person = session::signed_in(&request.get_session())
        .ok_or_else(|| WebError::SignedOut { next: next_path(request) })?;
    record_person(request, &person.user.name);
    Ok(person)
}

/// Returns where to go after signing in: the requested page, or for a posted form, whose URL may
/// have no page, the page that it was sent from.
fn next_path(request: &HttpRequest) -> String {
    let requested = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if request.method() == Method::GET {
        urls::own_path(requested).to_owned()
    } else {
        let referer = request.headers().get("referer").and_then(|value| value.to_str().ok());
        let path = referer
            .and_then(|referer| referer.parse::<Uri>().ok())
            .map(|referer| referer.path().to_owned());
        urls::own_path(path.as_deref().unwrap_or("/")).to_owned()
    }
}
