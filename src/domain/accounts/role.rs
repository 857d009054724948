//! Roles and permissions. A role is held in one project and includes the weaker ones; an owner has
//! every permission in all projects.

use std::fmt;
use std::str::FromStr;

/// A member's role in one project, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(type_name = "role", rename_all = "snake_case")]
pub enum Role {
    /// May read; sees phones masked.
    Viewer,
    /// May also send, apply for signatures and templates, and see whole phones.
    Operator,
    /// May also approve what others ordered.
    Approver,
    /// May also manage members, keys and the push URL.
    Admin,
}

/// What a page or an action requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// To view the project's pages.
    Read,
    /// To see whole phones rather than masked ones.
    SeePhones,
    /// To order and control batches, and to apply for and import signatures and templates.
    Send,
    /// To approve a batch that somebody else ordered.
    Approve,
    /// To change members, keys and the push URL.
    Manage,
}

impl Permission {
    /// All permissions, those of the weakest role first.
    pub const ALL: [Self; 5] =
        [Self::Read, Self::SeePhones, Self::Send, Self::Approve, Self::Manage];

    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::SeePhones => "see_phones",
            Self::Send => "send",
            Self::Approve => "approve",
            Self::Manage => "manage",
        }
    }
}

impl Role {
    /// All roles, weakest first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Admin];

    /// Returns whether this role has `permission`.
    pub fn may(self, permission: Permission) -> bool {
        let weakest = match permission {
            Permission::Read => Self::Viewer,
            Permission::SeePhones | Permission::Send => Self::Operator,
            Permission::Approve => Self::Approver,
            Permission::Manage => Self::Admin,
        };
        self >= weakest
    }

    /// Returns the name used on the command line and in message keys.
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

/// The error of a name that is not a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role; use viewer, operator, approver, or admin")]
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
    fn each_role_has_the_permissions_of_the_weaker_ones() {
        for pair in Role::ALL.windows(2) {
            for permission in Permission::ALL {
                assert!(!pair[0].may(permission) || pair[1].may(permission));
            }
        }
    }

    #[test]
    fn a_viewer_can_neither_send_nor_see_whole_phones() {
        assert!(Role::Viewer.may(Permission::Read));
        assert!(!Role::Viewer.may(Permission::Send));
        assert!(!Role::Viewer.may(Permission::SeePhones));
    }
}
