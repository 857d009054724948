//! `usms-console user`: accounts, their passwords and their roles.

use anyhow::Context;
use clap::Subcommand;
use secrecy::ExposeSecret;
use time::format_description::well_known::Rfc3339;

use super::secret_from_stdin;
use crate::app::App;
use crate::config::Config;
use crate::db::accounts::people::{self, Listed};
use crate::db::accounts::users::User;
use crate::db::projects;
use crate::domain::accounts::role::Role;
use crate::domain::ids::ProjectId;
use crate::i18n::{Language, Texts};
use crate::ops::accounts::{self, AccountError, Invitation, LinkMail, Manager, NewLink, Standing};
use crate::serve;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Add an account; prints a link with which its user chooses a password, unless it is read from
    /// standard input
    Add {
        /// Username
        name: String,
        /// viewer, operator, approver, or admin (with --project), or owner
        #[arg(long)]
        role: String,
        /// Slug of the project
        #[arg(long, value_name = "SLUG")]
        project: Option<String>,
        /// Email address
        #[arg(long)]
        email: Option<String>,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// List accounts
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a link with which the account gets a new password, once and within 72 hours
    Link {
        /// Username
        name: String,
    },
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
        UserCommand::Add { name, role, project, email, password_stdin } => {
            let app = serve::build(config).await?;
            let standing = standing(&app, &role, project.as_deref()).await?;
            if password_stdin {
                anyhow::ensure!(
                    email.is_none(),
                    "--email is for an invitation; drop --password-stdin"
                );
                accounts::create(&app, &name, secret_from_stdin("password")?, standing).await?;
                println!("Added {name}.");
            } else {
                let invitation = Invitation { name: &name, email: email.as_deref(), standing };
                let (_, link) = accounts::invite(&app, BY, &invitation).await?;
                print_link(&app, &link);
                mail_link(&app, &link, &name, email.as_deref()).await;
            }
        }
        UserCommand::List { json } => list(&serve::open(config).await?, json).await?,
        UserCommand::ResetPassword { name, .. } => {
            let app = serve::open(config).await?;
            accounts::reset_password(&app, &name, secret_from_stdin("password")?).await?;
            println!("Password changed for {name}; their login sessions have ended.");
        }
        UserCommand::Link { name } => {
            let (app, user) = opened(config, &name).await?;
            print_link(&app, &accounts::link_for(&app, BY, &user).await?);
        }
        UserCommand::Disable { name } => {
            let (app, user) = opened(config, &name).await?;
            accounts::disable(&app, BY, &user).await?;
            println!("Disabled {}; their login sessions have ended.", user.name);
        }
        UserCommand::Enable { name } => {
            let (app, user) = opened(config, &name).await?;
            accounts::enable(&app, BY, &user).await?;
            println!("Enabled {}.", user.name);
        }
        UserCommand::SetRole { name, project, role } => {
            let (app, user) = opened(config, &name).await?;
            accounts::set_role(&app, BY, &user, by_slug(&app, &project).await?, role).await?;
            println!("{} is {role} in {project}.", user.name);
        }
        UserCommand::Remove { name, project } => {
            let (app, user) = opened(config, &name).await?;
            accounts::remove(&app, BY, &user, by_slug(&app, &project).await?).await?;
            println!("Removed {} from {project}.", user.name);
        }
    }
    Ok(())
}

const BY: Manager<'static> = Manager::COMMAND_LINE;

/// Prints a link, with the address of the console if it is set.
fn print_link(app: &App, link: &NewLink) {
    let base = app.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
    println!("{base}{}", link.path.expose_secret());
}

/// Mails a link, if an address, a mail server and the URL of the console are known, and says so. The links
/// of pages are mailed in the language of whoever makes them, those of commands in Chinese.
async fn mail_link(app: &App, link: &NewLink, name: &str, email: Option<&str>) {
    match accounts::mail_link(app, Texts(Language::ZhCn), link, name, email).await {
        LinkMail::Sent => eprintln!("The link was also mailed to {}.", email.unwrap_or_default()),
        LinkMail::Failed => eprintln!("The link could not be mailed; the log says why."),
        LinkMail::None => {}
    }
}

/// Opens the database, and finds the account.
async fn opened(config: &Config, name: &str) -> anyhow::Result<(App, User)> {
    let app = serve::open(config).await?;
    let user = accounts::find(&app, name).await?;
    Ok((app, user))
}

async fn by_slug(app: &App, slug: &str) -> anyhow::Result<ProjectId> {
    let found = projects::by_slug(&mut *app.db.acquire().await?, slug).await?;
    Ok(found.ok_or_else(|| AccountError::NoProject(slug.to_owned()))?)
}

async fn list(app: &App, as_json: bool) -> anyhow::Result<()> {
    let listed = people::list(&app.db, None, app.clock.now()).await?;
    if as_json {
        let people: Vec<_> = listed.iter().map(in_json).collect();
        println!("{}", serde_json::to_string_pretty(&people)?);
        return Ok(());
    }
    for person in listed {
        let owner = if person.is_owner { " owner" } else { "" };
        let state = match (person.enabled, person.has_password) {
            (false, _) => " (disabled)",
            (true, false) => " (invited)",
            (true, true) => "",
        };
        let places: Vec<_> =
            person.places.iter().map(|place| format!("{}:{}", place.slug, place.role)).collect();
        println!("{}{owner}{state} {}", person.name, places.join(" "));
    }
    Ok(())
}

fn in_json(person: &Listed) -> serde_json::Value {
    let places: serde_json::Map<_, _> =
        person.places.iter().map(|place| (place.slug.clone(), place.role.key().into())).collect();
    let signed_in_at = person.signed_in_at.and_then(|at| at.format(&Rfc3339).ok());
    serde_json::json!({
        "name": person.name, "email": person.email, "owner": person.is_owner,
        "enabled": person.enabled, "invited": !person.has_password,
        "signed_in_at": signed_in_at, "roles": places,
    })
}

async fn standing(app: &App, role: &str, project: Option<&str>) -> anyhow::Result<Standing> {
    if role == "owner" {
        anyhow::ensure!(project.is_none(), "an owner is admin in every project; drop --project");
        return Ok(Standing::Owner);
    }
    let role: Role = role
        .parse()
        .map_err(|error| anyhow::anyhow!("{error}, or owner to manage projects and accounts"))?;
    let slug = project.context("roles are per project; pass --project SLUG")?;
    Ok(Standing::Member(by_slug(app, slug).await?, role))
}
