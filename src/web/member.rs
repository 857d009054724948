//! Who is asking: a person, and their place in the project of the address.

use actix_session::SessionExt;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use std::future::{Ready, ready};

use super::error::WebError;
use super::i18n::{Texts, language_of};
use super::layout::{Layout, Section};
use super::session;
use super::urls::Urls;
use crate::app::App;
use crate::db::login_sessions::SignedIn;
use crate::db::projects::{Membership, Project};
use crate::db::users::User;
use crate::domain::role::{Permission, Role};

/// A signed-in person. Put in place by the guard.
#[derive(Debug, Clone)]
pub struct Person(pub SignedIn);

/// A person in a project. Put in place by the guard.
#[derive(Debug, Clone)]
pub struct Member {
    /// The person.
    pub person: User,
    /// The project.
    pub project: Project,
    /// What they are in it.
    pub role: Role,
    signed_in: SignedIn,
}

impl Member {
    /// A person and their place.
    pub fn new(person: SignedIn, place: Membership) -> Self {
        Self {
            person: person.user.clone(),
            project: place.project,
            role: place.role,
            signed_in: person,
        }
    }

    /// Whether they may.
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }

    /// The texts of their language.
    pub fn texts(&self, request: &HttpRequest) -> Texts {
        Texts(language_of(request))
    }

    /// The addresses of their project.
    pub fn urls(&self) -> Urls {
        Urls::of(&self.project.slug)
    }

    /// The frame of a page.
    pub async fn layout(
        &self,
        app: &App,
        request: &HttpRequest,
        section: Section,
    ) -> Result<Layout, WebError> {
        session::keep_project(&request.get_session(), &self.project.slug)?;
        Layout::new(app, request, &self.signed_in, Some(&self.project.slug), section).await
    }
}

impl Person {
    /// The frame of a page outside of projects.
    pub async fn layout(
        &self,
        app: &App,
        request: &HttpRequest,
        section: Section,
    ) -> Result<Layout, WebError> {
        Layout::new(app, request, &self.0, None, section).await
    }
}

impl FromRequest for Member {
    type Error = WebError;
    type Future = Ready<Result<Self, WebError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or(WebError::NotFound))
    }
}

impl FromRequest for Person {
    type Error = WebError;
    type Future = Ready<Result<Self, WebError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or(WebError::NotFound))
    }
}
