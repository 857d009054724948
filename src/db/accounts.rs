//! People, their sign-ins and their links.

pub mod login_sessions;
pub mod password_links;
pub mod people;
pub mod refusals;
pub mod sign_in_tries;
pub mod users;
