//! The door of every page: nobody passes but who is signed in, belongs to the project and holds the
//! permission that the URL table names.

use actix_session::SessionExt;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, ResponseError};

use super::error::WebError;
use super::member::{Member, Person};
use super::{session, urls};
use crate::db::login_sessions::SignedIn;
use crate::domain::role::Permission;

/// Lets members of the project in the address pass who hold `permission`.
pub async fn member(
    permission: Permission,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match admit_member(request.request(), permission) {
        Ok(member) => {
            request.extensions_mut().insert(member);
            next.call(request).await.map(ServiceResponse::map_into_boxed_body)
        }
        Err(error) => Ok(turn_away(request, error)),
    }
}

/// Lets whoever is signed in pass.
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

fn turn_away(request: ServiceRequest, error: WebError) -> ServiceResponse<BoxBody> {
    match error {
        // Answered by hand, so that no page is drawn for a mere redirect.
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
    let place = person.place(slug).cloned().ok_or(WebError::NotFound)?;
    let member = Member::new(person, place);
    if member.may(permission) { Ok(member) } else { Err(WebError::Forbidden) }
}

fn signed_in(request: &HttpRequest) -> Result<SignedIn, WebError> {
    session::signed_in(&request.get_session())
        .ok_or_else(|| WebError::SignedOut { next: wanted(request) })
}

/// Where to go after signing in: a page again, but not a form's address, which cannot be looked at.
fn wanted(request: &HttpRequest) -> String {
    let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
    if request.method() == actix_web::http::Method::GET {
        urls::own_path(wanted).to_owned()
    } else {
        let referer = request.headers().get("referer").and_then(|value| value.to_str().ok());
        let path = referer
            .and_then(|address| address.parse::<Uri>().ok())
            .map(|address| address.path().to_owned());
        urls::own_path(path.as_deref().unwrap_or("/")).to_owned()
    }
}
