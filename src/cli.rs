//! The command line: what it offers, and which room does it.

use std::io::{IsTerminal, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::app::App;
use crate::bench;
use crate::config::{self, Config};
use crate::db::{invariants, projects, users};
use crate::demo;
use crate::domain::role::Role;
use crate::ops::accounts::{self, Standing};
use crate::ops::projects as project_ops;
use crate::sandbox::{self, Sandbox};
use crate::serve::{self, Parts};
use crate::telemetry;

/// Sends SMS through UCloud USMS: never twice, with every receipt kept.
///
/// To look around without an account, run `usms-console demo`. To run it for real, set DATABASE_URL,
/// CONSOLE_SECRET_KEY and the three UCLOUD_ variables, add an owner with `usms-console user add`,
/// then run `usms-console serve`.
#[derive(Debug, Parser)]
#[command(name = "usms-console", version)]
struct Cli {
    /// File with settings, NAME=VALUE a line; the environment comes first
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the pages, take pushes and send
    Serve {
        /// Pages and pushes only; another process sends
        #[arg(long, conflicts_with = "worker_only")]
        no_worker: bool,
        /// Send, ask for receipts and reviews; no pages
        #[arg(long)]
        worker_only: bool,
    },
    /// Try everything: console, sandbox, a private PostgreSQL and sample data, in one command
    Demo {
        /// Throw the earlier demo's data away
        #[arg(long)]
        fresh: bool,
    },
    /// Run the stand-in for UCloud USMS alone (docs/SANDBOX.md)
    Sandbox {
        /// Where it listens
        #[arg(long, default_value = "127.0.0.1:9090", value_name = "ADDR")]
        listen: SocketAddr,
        /// Where it pushes receipts and replies to
        #[arg(long, value_name = "URL")]
        push_to: Option<String>,
        /// File it remembers everything in
        #[arg(long, value_name = "FILE")]
        journal: Option<PathBuf>,
    },
    /// Bring the database up to date (serve does it, too)
    Migrate,
    /// Accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Projects
    #[command(subcommand)]
    Project(ProjectCommand),
    /// Measure the whole with real processes on an empty database (DATABASE_URL)
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Check settings, database, vendor and the promises of sending; exit 1 if one is broken
    Doctor,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Pushes, lists and look-ups at a small and a large past, Django's admin beside them
    Receipts {
        /// Messages of the small past
        #[arg(long, default_value_t = 100_000)]
        small: i64,
        /// Messages of the large past
        #[arg(long, default_value_t = 10_000_000)]
        large: i64,
        /// Receipts that are pushed at once
        #[arg(long, default_value_t = 500_000)]
        pushed: i64,
        /// A Python that has Django and gunicorn
        #[arg(long, value_name = "PROGRAM", env = "USMS_DJANGO_PYTHON")]
        python: Option<String>,
        /// Django's side
        #[arg(long, default_value = "benches/peers/django_admin", value_name = "FOLDER")]
        peer: String,
        /// Only these: pages, lists, pushes
        #[arg(long, value_delimiter = ',')]
        only: Vec<bench::receipts::Part>,
    },
    /// The page that lists are measured against
    #[command(hide = true)]
    Bare {
        /// Where it listens
        #[arg(long, value_name = "ADDR")]
        listen: String,
    },
    /// Lists of a million rows, a million messages, and a script over the vendor's SDK beside it
    Batch {
        /// Rows of the list
        #[arg(long, default_value_t = 1_000_000)]
        rows: usize,
        /// Rows of the spreadsheet
        #[arg(long, default_value_t = 100_000)]
        xlsx_rows: usize,
        /// A Python that has the vendor's SDK
        #[arg(long, value_name = "PROGRAM", env = "USMS_SDK_PYTHON")]
        python: Option<String>,
        /// The script that is measured beside it
        #[arg(long, default_value = "benches/peers/sdk_pool.py", value_name = "FILE")]
        peer: String,
    },
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Add an account; the password is read from the standard input
    Add {
        /// The name to sign in with
        name: String,
        /// viewer, operator, approver or admin (with --project), or owner
        #[arg(long)]
        role: String,
        /// The project's slug
        #[arg(long, value_name = "SLUG")]
        project: Option<String>,
        /// Read the password from the standard input
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// List the accounts
    List,
    /// Give an account a new password; its login sessions end
    ResetPassword {
        /// The name to sign in with
        name: String,
        /// Read the password from the standard input
        #[arg(long, required = true)]
        password_stdin: bool,
    },
}

#[derive(Debug, Subcommand)]
enum ProjectCommand {
    /// List the projects and the paths their pushes go to
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command that was typed. Errors are one line each.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    telemetry::start_logs(matches!(cli.command, Command::Demo { .. }));
    let ran = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")
        .and_then(|runtime| runtime.block_on(command(cli)));
    match ran {
        Ok(code) => code,
        Err(error) => {
            eprintln!("usms-console: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn command(cli: Cli) -> anyhow::Result<ExitCode> {
    let file = cli.config.as_deref();
    match cli.command {
        Command::Serve { no_worker, worker_only } => {
            let parts = match (no_worker, worker_only) {
                (true, _) => Parts::Pages,
                (_, true) => Parts::Workers,
                (false, false) => Parts::All,
            };
            serve::run(&Config::load(file)?, parts).await?;
        }
        Command::Demo { fresh } => demo::run(&config::variables(file)?, fresh).await?,
        Command::Sandbox { listen, push_to, journal } => sandbox(listen, push_to, journal).await?,
        Command::Migrate => {
            let url = config::database_url(&config::variables(file)?)?;
            let db = serve::connect(&url).await?;
            serve::migrate(&db).await?;
            println!("The database is up to date.");
        }
        Command::User(command) => user(&Config::load(file)?, command).await?,
        Command::Project(ProjectCommand::List { json }) => {
            list_projects(&Config::load(file)?, json).await?;
        }
        Command::Bench(what) => {
            let url = config::database_url(&config::variables(file)?)?;
            measure(what, url.expose_secret().to_owned()).await?;
        }
        Command::Doctor => return doctor(file).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn sandbox(
    listen: SocketAddr,
    push_to: Option<String>,
    journal: Option<PathBuf>,
) -> anyhow::Result<()> {
    let settings = sandbox::Settings { push_to, journal, ..sandbox::Settings::on(listen) };
    let sandbox = Sandbox::start(settings).with_context(|| format!("cannot listen on {listen}"))?;
    println!("The sandbox listens on {}", sandbox.url());
    println!("UCLOUD_PUBLIC_KEY={}", sandbox::PUBLIC_KEY);
    println!("UCLOUD_PRIVATE_KEY={}", sandbox::PRIVATE_KEY);
    println!("UCLOUD_PROJECT_ID={}", sandbox::PROJECT_ID);
    serve::told_to_stop().await;
    sandbox.stop().await;
    Ok(())
}

async fn user(config: &Config, command: UserCommand) -> anyhow::Result<()> {
    let app = serve::build(config).await?;
    match command {
        UserCommand::Add { name, role, project, .. } => {
            let standing = standing(&app, &role, project.as_deref()).await?;
            accounts::create(&app, &name, read_password()?, standing).await?;
            println!("Added {name}.");
        }
        UserCommand::List => {
            for one in users::all(&app.db).await? {
                let owner = if one.is_owner { " owner" } else { "" };
                let disabled = if one.enabled { "" } else { " (disabled)" };
                println!("{}{owner}{disabled} {}", one.name, one.places.join(" "));
            }
        }
        UserCommand::ResetPassword { name, .. } => {
            accounts::reset_password(&app, &name, read_password()?).await?;
            println!("{name} has a new password; their login sessions have ended.");
        }
    }
    Ok(())
}

async fn measure(what: BenchCommand, database_url: String) -> anyhow::Result<()> {
    match what {
        BenchCommand::Batch { rows, xlsx_rows, python, peer } => {
            let plan = bench::batch::Plan { database_url, rows, xlsx_rows, python, peer };
            bench::batch::run(&plan).await
        }
        BenchCommand::Receipts { small, large, pushed, python, peer, only } => {
            let plan =
                bench::receipts::Plan { database_url, small, large, pushed, python, peer, only };
            bench::receipts::run(&plan).await
        }
        BenchCommand::Bare { listen } => bench::bare::run(&database_url, &listen).await,
    }
}

async fn standing(app: &App, role: &str, project: Option<&str>) -> anyhow::Result<Standing> {
    if role == "owner" {
        return Ok(Standing::Owner);
    }
    let role: Role = role
        .parse()
        .map_err(|error| anyhow::anyhow!("{error}; or owner, who manages projects and accounts"))?;
    let slug = project.context("a role is held in a project: name it with --project SLUG")?;
    let mut db = app.db.acquire().await?;
    match projects::by_slug(&mut db, slug).await? {
        Some(project) => Ok(Standing::Member(project, role)),
        None => bail!(accounts::AccountError::NoProject(slug.to_owned())),
    }
}

fn read_password() -> anyhow::Result<SecretString> {
    if std::io::stdin().is_terminal() {
        eprintln!("Type the password, then Enter and Ctrl-D.");
    }
    let mut typed = String::new();
    std::io::stdin().take(10_000).read_to_string(&mut typed).context("no password was given")?;
    Ok(SecretString::from(typed.trim_end_matches(['\r', '\n'])))
}

async fn list_projects(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let app = serve::build(config).await?;
    let mut listed = Vec::new();
    for one in projects::all(&app.db).await? {
        let hook_path = project_ops::hook_path(&app, &one)?;
        if as_json {
            listed.push(json!({
                "slug": one.slug,
                "name": one.name,
                "ucloud_project_id": one.ucloud_project_id,
                "hook_path": hook_path,
            }));
        } else {
            println!("{}\t{}\t{}\t{hook_path}", one.slug, one.name, one.ucloud_project_id);
        }
    }
    if as_json {
        println!("{}", serde_json::to_string_pretty(&listed)?);
    }
    Ok(())
}

/// Says of each thing whether it is sound.
async fn doctor(file: Option<&std::path::Path>) -> anyhow::Result<ExitCode> {
    let mut sound = true;
    let mut say = |name: &str, well: Result<(), String>| match well {
        Ok(()) => println!("ok      {name}"),
        Err(why) => {
            sound = false;
            println!("BROKEN  {name}: {why}");
        }
    };
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(error) => {
            say("settings", Err(error.to_string()));
            return Ok(ExitCode::FAILURE);
        }
    };
    say("settings", Ok(()));
    let app = match serve::build(&config).await {
        Ok(app) => app,
        Err(error) => {
            say("database", Err(format!("{error:#}")));
            return Ok(ExitCode::FAILURE);
        }
    };
    say("database", Ok(()));
    say("vendor reachable", app.usms.reach().await.map_err(|error| error.to_string()));
    for one in projects::all(&app.db).await? {
        let opened = project_ops::hook_path(&app, &one).map(drop);
        say(&format!("keys of {}", one.slug), opened.map_err(|error| error.to_string()));
    }
    for (promise, breaches) in invariants::broken(&app.db).await?.by_name() {
        let kept = if breaches == 0 { Ok(()) } else { Err(format!("{breaches} breaches")) };
        say(promise, kept);
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
