//! Accounts: signing in and out, passwords, and how they are managed.

mod device;
mod hashing;
mod links;
mod members;
mod own;
mod people;
mod sign_ins;
mod stand_ins;
mod tries;

use time::OffsetDateTime;

use crate::app::App;
use crate::db::accounts::users::{self, User};
use crate::db::audit;
use crate::domain::accounts::role::{NotARole, Role};
use crate::domain::ids::{ProjectId, UserId};

pub use device::{Device, MAX_AGE as DEVICE_MAX_AGE};
pub use links::{LINK_AGE, LinkError, LinkMail, NewLink, accept, find_link, link_for, mail_link};
pub use members::{remove, set_role};
pub use own::{Ending, PasswordError, change_password, end_sessions};
pub use people::{
    Invitation, create, create_with_any_password, disable, enable, invite, rename, reset_password,
    set_language, set_owner,
};
pub use sign_ins::{SignInError, sign_in, signed_out};
pub use stand_ins::{MAX_DAYS as STAND_IN_MAX_DAYS, StandInError, end_stand_in, stand_in};
pub use tries::{Visitor, delete_old as delete_old_tries};

/// Why an account cannot be created or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name is not allowed.
    #[error("username must have 1 to 60 characters and no control characters")]
    Name,
    /// The name is taken.
    #[error("account `{0}` already exists")]
    Taken(String),
    /// No account has this name.
    #[error("no account named `{0}`")]
    Unknown(String),
    /// There is no such project.
    #[error("no project `{0}`")]
    NoProject(String),
    /// Nobody else could manage the console.
    #[error("`{0}` is the last owner who can sign in")]
    LastOwner(String),
    /// An owner has every permission in every project.
    #[error("`{0}` is an owner, and so an admin in every project")]
    Owner(String),
    /// The account has no role in the project.
    #[error("`{0}` has no role in the project")]
    NotMember(String),
    /// There is no such role.
    #[error(transparent)]
    NotARole(#[from] NotARole),
    /// People do not change their own role.
    #[error("nobody changes their own role")]
    Own,
    /// The account may not sign in.
    #[error("`{0}` is disabled")]
    Disabled(String),
    /// The email address is invalid.
    #[error("not an email address")]
    Email,
    /// The password is not allowed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The permissions of a new account.
#[derive(Debug, Clone, Copy)]
pub enum Standing {
    /// Manages projects and accounts.
    Owner,
    /// Has a role in one project.
    Member(ProjectId, Role),
}

/// Who manages accounts.
#[derive(Debug, Clone, Copy)]
pub struct Manager<'a> {
    /// The person; `None` is the command line.
    pub user: Option<UserId>,
    /// The IP address of their browser.
    pub ip: &'a str,
}

impl Manager<'static> {
    /// Whoever may run the program with its settings.
    pub const COMMAND_LINE: Self = Self { user: None, ip: "-" };
}

/// Returns an account by its name.
///
/// # Errors
///
/// [`AccountError::Unknown`] if there is none.
pub async fn find(app: &App, name: &str) -> Result<User, AccountError> {
    let found = users::by_name(&app.db, name.trim()).await?;
    found.map(|found| found.user).ok_or_else(|| AccountError::Unknown(name.to_owned()))
}

/// Returns a name without the space around it.
fn valid_name(name: &str) -> Result<&str, AccountError> {
    let name = name.trim();
    let valid = (1..=60).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if valid { Ok(name) } else { Err(AccountError::Name) }
}

async fn record(
    db: &mut sqlx::PgConnection,
    user: Option<UserId>,
    action: &str,
    detail: serde_json::Value,
    ip: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let entry = audit::Entry { project: None, user, action, subject: "", detail, ip };
    audit::record(db, &entry, now).await
}
