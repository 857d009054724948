//! The command line: commands, their options, and the functions that run them.

mod doctor;
mod projects;
mod users;

use std::io::{IsTerminal, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use secrecy::{ExposeSecret, SecretString};

use crate::app::App;
use crate::bench;
use crate::config::{self, Config};
use crate::db;
use crate::demo;
use crate::domain::ids::ProjectId;
use crate::domain::phone::Phone;
use crate::domain::sending::upload::is_phone;
use crate::ops::accounts;
use crate::ops::erasure;
use crate::ops::key_rotation;
use crate::ops::recovery::{self, Adopted};
use crate::ops::sending::sending_stops;
use crate::recipient_file;
use crate::sandbox::{self, Sandbox};
use crate::serve::{self, Parts};
use crate::telemetry;

/// Web console for UCloud USMS that never sends twice and never loses a receipt.
///
/// To try it without a UCloud account, run `usms-console demo`. For production, set DATABASE_URL,
/// CONSOLE_SECRET_KEY and the three UCLOUD_ variables, add an owner with `usms-console user add`,
/// then run `usms-console serve`.
#[derive(Debug, Parser)]
#[command(name = "usms-console", version)]
struct Cli {
    /// Settings file, one NAME=VALUE per line; environment variables take precedence
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the web console, receive pushes and send messages
    Serve {
        /// Serve pages and receive pushes only; another process sends
        #[arg(long, conflicts_with = "worker_only")]
        no_worker: bool,
        /// Send and poll receipts and reviews only; serve no pages
        #[arg(long)]
        worker_only: bool,
    },
    /// Try everything in one command: console, sandbox, a private PostgreSQL and sample data
    Demo {
        /// Discard the data of earlier demos
        #[arg(long)]
        fresh: bool,
    },
    /// Run only the UCloud USMS sandbox (docs/SANDBOX.md)
    Sandbox {
        /// Address to listen on
        #[arg(long, default_value = "127.0.0.1:9090", value_name = "ADDR")]
        listen: SocketAddr,
        /// URL to push receipts and replies to
        #[arg(long, value_name = "URL")]
        push_to: Option<String>,
        /// File to persist its state in
        #[arg(long, value_name = "FILE")]
        journal: Option<PathBuf>,
    },
    /// Migrate the database (serve and user add also do this)
    Migrate,
    /// Erase the personal data of one phone number in all projects, on request of the person
    Erase {
        /// Phone number
        phone: String,
        /// Erase it; otherwise only what there is is printed
        #[arg(long)]
        yes: bool,
    },
    /// Manage accounts
    #[command(subcommand)]
    User(users::UserCommand),
    /// Manage projects
    #[command(subcommand)]
    Project(projects::ProjectCommand),
    /// Manage the key that encrypts stored secrets
    #[command(subcommand)]
    Key(KeyCommand),
    /// Run end-to-end benchmarks on an empty database (DATABASE_URL)
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Check settings, database, UCloud and data consistency; exit with 1 if a check fails
    Doctor,
    /// Confirm that this is the production database after restoring a backup
    Adopt,
    /// Stop sending in one project or in all projects
    StopSending {
        /// Slug of the project
        #[arg(long, value_name = "SLUG")]
        project: Option<String>,
    },
    /// Read an uploaded file for the console that starts this
    #[command(hide = true)]
    ReadFile {
        /// What to read, in JSON
        task: String,
    },
    /// Resume sending
    ResumeSending {
        /// Slug of the project
        #[arg(long, value_name = "SLUG")]
        project: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Measure pushes, lists and lookups with little and much history, compared with Django's admin
    Receipts {
        /// Messages in the small history
        #[arg(long, default_value_t = 100_000)]
        small: i64,
        /// Messages in the large history
        #[arg(long, default_value_t = 10_000_000)]
        large: i64,
        /// Receipts to push
        #[arg(long, default_value_t = 500_000)]
        pushed: i64,
        /// Python interpreter with Django and gunicorn installed
        #[arg(long, value_name = "PROGRAM", env = "USMS_DJANGO_PYTHON")]
        python: Option<String>,
        /// Folder of the Django project to compare with
        #[arg(long, default_value = "benches/peers/django_admin", value_name = "FOLDER")]
        peer: String,
        /// Parts to run: pages, lists, pushes
        #[arg(long, value_delimiter = ',')]
        only: Vec<bench::receipts::Part>,
    },
    /// Serve the bare page that lists are measured against
    #[command(hide = true)]
    Bare {
        /// Address to listen on
        #[arg(long, value_name = "ADDR")]
        listen: String,
    },
    /// Measure response times and sending while the console is under attack
    Attacks {
        /// Messages of each batch
        #[arg(long, default_value_t = 200_000)]
        rows: usize,
    },
    /// Measure large lists and batches, compared with a script that uses UCloud's SDK
    Batch {
        /// Rows in the list
        #[arg(long, default_value_t = 1_000_000)]
        rows: usize,
        /// Rows in the spreadsheet
        #[arg(long, default_value_t = 100_000)]
        xlsx_rows: usize,
        /// Python interpreter with UCloud's SDK installed
        #[arg(long, value_name = "PROGRAM", env = "USMS_SDK_PYTHON")]
        python: Option<String>,
        /// Script to compare with
        #[arg(long, default_value = "benches/peers/sdk_pool.py", value_name = "FILE")]
        peer: String,
    },
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Encrypt all stored secrets and application files with the current CONSOLE_SECRET_KEY
    Rotate,
}

/// Parses the command line and runs the command. An error is printed as one line.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    if let Command::ReadFile { task } = &cli.command {
        // Without logs and an async runtime: it has no more than it needs for the file.
        let read = recipient_file::reader::read_for_parent(task, is_phone);
        return read.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    recipient_file::reader::this_is_the_program();
    telemetry::start_logs(matches!(cli.command, Command::Demo { .. }));
    let ran = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")
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
        // Handled before anything else was started.
        Command::ReadFile { .. } => {}
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
            let variables = config::variables(file)?;
            let db = serve::connect(&config::database_url(&variables)?).await?;
            let owner = config::migrate_database_url(&variables)?;
            serve::migrate_as(owner.as_ref(), &db).await?;
            println!("The database is up to date.");
        }
        Command::Erase { phone, yes } => erase(&Config::load(file)?, &phone, yes).await?,
        Command::User(command) => users::run(&Config::load(file)?, command).await?,
        Command::Project(command) => projects::run(&Config::load(file)?, command).await?,
        Command::Key(KeyCommand::Rotate) => rotate_key(&Config::load(file)?).await?,
        Command::Bench(command) => {
            let url = config::database_url(&config::variables(file)?)?;
            measure(command, url.expose_secret().to_owned()).await?;
        }
        Command::Doctor => return doctor::run(file).await,
        Command::Adopt => adopt(&Config::load(file)?).await?,
        Command::StopSending { project } => {
            stop_sending(&Config::load(file)?, project.as_deref()).await?;
        }
        Command::ResumeSending { project } => {
            resume_sending(&Config::load(file)?, project.as_deref()).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a password or key, which does not stand on the command line, where others see it.
fn secret_from_stdin(what: &str) -> anyhow::Result<SecretString> {
    if std::io::stdin().is_terminal() {
        eprintln!("Type the {what}, then press Enter and Ctrl-D.");
    }
    let mut typed = String::new();
    let read = std::io::stdin().take(10_000).read_to_string(&mut typed);
    read.with_context(|| format!("no {what} given"))?;
    Ok(SecretString::from(typed.trim_end_matches(['\r', '\n'])))
}

async fn rotate_key(config: &Config) -> anyhow::Result<()> {
    let app = serve::open(config).await?;
    let rotated = key_rotation::rotate(&app).await?;
    println!(
        "Encrypted with the current key: {} secrets, {} files.",
        rotated.secrets, rotated.files
    );
    for unopened in &rotated.unopened {
        let file = unopened.file.map(|id| format!(" {id}")).unwrap_or_default();
        println!("Cannot open: {}{file} of project {}", unopened.what.key(), unopened.project);
    }
    anyhow::ensure!(
        rotated.unopened.is_empty(),
        "some secrets were encrypted with another key: set CONSOLE_PREVIOUS_SECRET_KEY to the key that \
         the console had before"
    );
    if config.previous_secret_key.is_some() {
        println!("When all processes run with the new key, remove CONSOLE_PREVIOUS_SECRET_KEY.");
    }
    Ok(())
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
    serve::wait_for_stop_signal().await;
    sandbox.stop().await;
    Ok(())
}

async fn measure(command: BenchCommand, database_url: String) -> anyhow::Result<()> {
    match command {
        BenchCommand::Batch { rows, xlsx_rows, python, peer } => {
            let plan = bench::batch::Plan { database_url, rows, xlsx_rows, python, peer };
            bench::batch::run(&plan).await
        }
        BenchCommand::Receipts { small, large, pushed, python, peer, only } => {
            let plan =
                bench::receipts::Plan { database_url, small, large, pushed, python, peer, only };
            bench::receipts::run(&plan).await
        }
        BenchCommand::Attacks { rows } => bench::attacks::run(&database_url, rows).await,
        BenchCommand::Bare { listen } => bench::bare::run(&database_url, &listen).await,
    }
}

async fn erase(config: &Config, phone: &str, yes: bool) -> anyhow::Result<()> {
    let Ok(phone) = Phone::parse(phone) else { bail!("not a phone number") };
    let app = serve::open(config).await?;
    let found = if yes {
        erasure::erase(&app, accounts::Manager::COMMAND_LINE, &phone).await?
    } else {
        erasure::find(&app, &phone).await?
    };
    println!("{}", if yes { "Erased:" } else { "Found; pass --yes to erase for good:" });
    println!("{} of ours", counted(found.messages, "message"));
    println!("{} of other programs", counted(found.external, "message"));
    println!(
        "{}",
        if found.replies == 1 {
            "1 reply".to_owned()
        } else {
            format!("{} replies", found.replies)
        }
    );
    println!("{} of recipient lists", counted(found.rows, "row"));
    println!("{}, kept as a keyed hash", counted(found.opt_outs, "opt-out"));
    let left = found.waiting + found.draft_rows;
    if left > 0 {
        println!(
            "Not erased yet: {left} (to be sent, awaiting receipts, or in drafts). Repeat after 72 hours."
        );
    }
    println!(
        "UCloud, downloaded files, notifications, backups and the audit log keep what they have."
    );
    Ok(())
}

async fn adopt(config: &Config) -> anyhow::Result<()> {
    let app = serve::open(config).await?;
    match recovery::adopt(&app, None, "-").await? {
        Adopted::Already => println!("This is already the production database."),
        Adopted::Now(0) => {
            println!("This database is now the production database. No batches need a decision.");
        }
        Adopted::Now(held) => {
            let batches =
                if held == 1 { "1 batch needs".to_owned() } else { format!("{held} batches need") };
            println!(
                "This database is now the production database. {batches} a decision because \
                 messages may have been sent after the last recorded activity."
            );
        }
    }
    Ok(())
}

async fn stop_sending(config: &Config, slug: Option<&str>) -> anyhow::Result<()> {
    let app = serve::open(config).await?;
    let project = project_of(&app, slug).await?;
    let under_way = sending_stops::stop(&app, project, None, "-").await?;
    println!(
        "Sending is stopped. Messages being submitted that may still be delivered: {under_way}."
    );
    Ok(())
}

async fn resume_sending(config: &Config, slug: Option<&str>) -> anyhow::Result<()> {
    let app = serve::open(config).await?;
    let project = project_of(&app, slug).await?;
    match sending_stops::resume(&app, project, None, "-").await? {
        true => println!("Sending has resumed."),
        false => println!("Sending was not stopped."),
    }
    Ok(())
}

/// Returns the project with this slug; `None` for the whole installation.
async fn project_of(app: &App, slug: Option<&str>) -> anyhow::Result<Option<ProjectId>> {
    let Some(slug) = slug else { return Ok(None) };
    let mut db = app.db.acquire().await?;
    match db::projects::by_slug(&mut db, slug).await? {
        Some(project) => Ok(Some(project)),
        None => bail!(accounts::AccountError::NoProject(slug.to_owned())),
    }
}

/// Returns a number with its noun: `1 violation`, `2 violations`.
fn counted(number: i64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
