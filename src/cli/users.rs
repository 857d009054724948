//! `usms-console user`: accounts, their passwords and their roles.

use std::io::{IsTerminal, Read};

use anyhow::{Context, bail};
use clap::Subcommand;
use secrecy::SecretString;

use crate::app::App;
use crate::config::Config;
use crate::db::{projects, users};
use crate::domain::role::Role;
use crate::ops::accounts::{self, AccountError, Standing};
use crate::serve;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Add an account; the password is read from standard input
    Add {
        /// Username
        name: String,
        /// viewer, operator, approver, or admin (with --project), or owner
        #[arg(long)]
        role: String,
        /// Slug of the project
        #[arg(long, value_name = "SLUG")]
        project: Option<String>,
        /// Read the password from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// List accounts
    List,
    /// Set a new password and end all login sessions of the account
    ResetPassword {
        /// Username
        name: String,
        /// Read the password from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Disable an account and end its login sessions
    Disable {
        /// Username
        name: String,
    },
    /// Enable an account that was disabled
    Enable {
        /// Username
        name: String,
    },
    /// Set the role of an account in a project
    SetRole {
        /// Username
        name: String,
        /// Slug of the project
        #[arg(long, value_name = "SLUG")]
        project: String,
        /// viewer, operator, approver, or admin
        #[arg(long)]
        role: Role,
    },
    /// Remove an account from a project
    Remove {
        /// Username
        name: String,
        /// Slug of the project
        #[arg(long, value_name = "SLUG")]
        project: String,
    },
}

/// Runs a command.
pub(super) async fn run(config: &Config, command: UserCommand) -> anyhow::Result<()> {
    match command {
        UserCommand::Add { name, role, project, .. } => {
            let app = serve::build(config).await?;
            let standing = standing(&app, &role, project.as_deref()).await?;
            accounts::create(&app, &name, read_password()?, standing).await?;
            println!("Added {name}.");
        }
        UserCommand::List => list(&serve::open(config).await?).await?,
        UserCommand::ResetPassword { name, .. } => {
            let app = serve::open(config).await?;
            accounts::reset_password(&app, &name, read_password()?).await?;
            println!("Password changed for {name}; their login sessions have ended.");
        }
        UserCommand::Disable { name } => {
            let name = accounts::disable(&serve::open(config).await?, &name).await?;
            println!("Disabled {name}; their login sessions have ended.");
        }
        UserCommand::Enable { name } => {
            let name = accounts::enable(&serve::open(config).await?, &name).await?;
            println!("Enabled {name}.");
        }
        UserCommand::SetRole { name, project, role } => {
            let app = serve::open(config).await?;
            let name = accounts::set_role(&app, &name, &project, role).await?;
            println!("{name} is {role} in {project}.");
        }
        UserCommand::Remove { name, project } => {
            let name = accounts::remove(&serve::open(config).await?, &name, &project).await?;
            println!("Removed {name} from {project}.");
        }
    }
    Ok(())
}

async fn list(app: &App) -> sqlx::Result<()> {
    for account in users::all(&app.db).await? {
        let owner = if account.is_owner { " owner" } else { "" };
        let disabled = if account.enabled { "" } else { " (disabled)" };
        println!("{}{owner}{disabled} {}", account.name, account.places.join(" "));
    }
    Ok(())
}

async fn standing(app: &App, role: &str, project: Option<&str>) -> anyhow::Result<Standing> {
    if role == "owner" {
        return Ok(Standing::Owner);
    }
    let role: Role = role
        .parse()
        .map_err(|error| anyhow::anyhow!("{error}, or owner to manage projects and accounts"))?;
    let slug = project.context("roles are per project; pass --project SLUG")?;
    let mut db = app.db.acquire().await?;
    match projects::by_slug(&mut db, slug).await? {
        Some(project) => Ok(Standing::Member(project, role)),
        None => bail!(AccountError::NoProject(slug.to_owned())),
    }
}

fn read_password() -> anyhow::Result<SecretString> {
    if std::io::stdin().is_terminal() {
        eprintln!("Type the password, then press Enter and Ctrl-D.");
    }
    let mut typed = String::new();
    std::io::stdin().take(10_000).read_to_string(&mut typed).context("no password given")?;
    Ok(SecretString::from(typed.trim_end_matches(['\r', '\n'])))
}
