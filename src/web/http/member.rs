//! The person who sent a request, and their membership of the project in the path.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use std::future::{Ready, ready};

use super::error::WebError;
use super::i18n::{Texts, language_of};
use super::urls::Urls;
use crate::app::App;
use crate::db::accounts::login_sessions::SignedIn;
use crate::db::accounts::users::User;
use crate::db::projects::{Membership, Project};
use crate::domain::accounts::role::{Permission, Role};
use crate::domain::accounts::sight::Sight;
use crate::domain::ids::UserId;

/// A signed-in person, as admitted by [`guard::person`](super::guard::person).
#[derive(Debug, Clone)]
pub struct Person(pub SignedIn);

/// A signed-in member of a project, as admitted by [`guard::member`](super::guard::member).
#[derive(Debug, Clone)]
pub struct Member {
    /// The person.
    pub person: User,
    /// The project.
    pub project: Project,
    /// Their role in it.
    pub role: Role,
    /// Those in whose place they may approve.
    stands_in_for: Vec<UserId>,
    signed_in: SignedIn,
}

impl Member {
    /// Creates a member.
    pub fn new(person: SignedIn, membership: Membership) -> Self {
        Self {
            person: person.user.clone(),
            project: membership.project,
            role: membership.role,
            stands_in_for: membership.stands_in_for,
            signed_in: person,
        }
    }

    /// Returns the person with all memberships.
    pub fn signed_in(&self) -> &SignedIn {
        &self.signed_in
    }

    /// Returns the person with all memberships.
    pub fn into_signed_in(self) -> SignedIn {
        self.signed_in
    }

    /// Whether their role includes `permission`, or they stand in for somebody whose role does.
    pub fn may(&self, permission: Permission) -> bool {
        let stands_in = permission == Permission::Approve && !self.stands_in_for.is_empty();
        self.role.may(permission) || stands_in && self.role.may(Permission::Send)
    }

    /// Whether they may decide on what `ordered_by` ordered: nobody on their own, and a stand-in not on
    /// that of whom they stand in for.
    pub fn may_decide_on(&self, ordered_by: UserId) -> bool {
        ordered_by != self.person.id
            && self.may(Permission::Approve)
            && (self.role.may(Permission::Approve)
                || self.stands_in_for.iter().any(|one| *one != ordered_by))
    }

    /// Returns what they see now of messages and replies.
    pub fn sight(&self, app: &App) -> Sight {
        Sight { whole_phones: self.may(Permission::SeePhones), now: app.clock.now() }
    }

    /// Returns the texts in their language.
    pub fn texts(&self, request: &HttpRequest) -> Texts {
        Texts(language_of(request))
    }

    /// Returns the links of their project.
    pub fn urls(&self) -> Urls {
        Urls::of(&self.project.slug)
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
