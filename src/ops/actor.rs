//! Who does something: what an operation writes into the audit log.

use crate::domain::ids::{ProjectId, UserId};

/// A person who does something in a project.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// The project.
    pub project: ProjectId,
    /// The person.
    pub user: UserId,
    /// The IP address of their browser.
    pub ip: &'a str,
}
