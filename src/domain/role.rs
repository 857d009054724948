//! Who may do what. Roles are held per project and each includes the ones before it; an owner
//! stands above projects.

use std::fmt;
use std::str::FromStr;

/// A member's role in one project, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(type_name = "role", rename_all = "snake_case")]
pub enum Role {
    /// Reads; sees phones masked.
    Viewer,
    /// Works on signatures and templates, sends, sees whole phones.
    Operator,
    /// Approves what others ordered.
    Approver,
    /// Manages members, keys and push addresses.
    Admin,
}

/// Something a page or an action asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Look at the project's pages.
    Read,
    /// See whole phones rather than masked ones.
    SeePhones,
    /// Order and steer sends, apply for and import signatures and templates.
    Send,
    /// Approve a send that somebody else ordered.
    Approve,
    /// Change members, keys and push addresses.
    Manage,
}

impl Role {
    /// All roles, weakest first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Admin];

    /// Whether this role holds `permission`.
    pub fn may(self, permission: Permission) -> bool {
        let weakest = match permission {
            Permission::Read => Self::Viewer,
            Permission::SeePhones | Permission::Send => Self::Operator,
            Permission::Approve => Self::Approver,
            Permission::Manage => Self::Admin,
        };
        self >= weakest
    }

    /// The name used on the command line and in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// A name that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role; use viewer, operator, approver or admin")]
pub struct NotARole(pub String);

impl FromStr for Role {
    type Err = NotARole;

    fn from_str(text: &str) -> Result<Self, NotARole> {
        Self::ALL
            .into_iter()
            .find(|role| role.key() == text)
            .ok_or_else(|| NotARole(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_holds_what_the_weaker_ones_hold() {
        let permissions = [
            Permission::Read,
            Permission::SeePhones,
            Permission::Send,
            Permission::Approve,
            Permission::Manage,
        ];
        for pair in Role::ALL.windows(2) {
            for permission in permissions {
                assert!(!pair[0].may(permission) || pair[1].may(permission));
            }
        }
    }

    #[test]
    fn a_viewer_neither_sends_nor_sees_whole_phones() {
        assert!(Role::Viewer.may(Permission::Read));
        assert!(!Role::Viewer.may(Permission::Send));
        assert!(!Role::Viewer.may(Permission::SeePhones));
    }
}
