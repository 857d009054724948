//! Signing in, and choosing a password with a link.

pub mod invitation;
pub mod login;
