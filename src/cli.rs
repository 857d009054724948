//! The command line: commands, their options, and the functions that run them.

mod projects;
mod users;

use std::io::{IsTerminal, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use secrecy::{ExposeSecret, SecretString};
use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime};

use crate::app::App;
use crate::bench;
use crate::config::{self, Config};
use crate::db::recovery::durability::{self, Durability, Exposure};
use crate::db::recovery::installation::{self, Identity};
use crate::db::{self, invariants, roles};
use crate::demo;
use crate::domain::ids::ProjectId;
use crate::domain::sending::upload::is_phone;
use crate::ops::accounts;
use crate::ops::key_rotation;
use crate::ops::projects as project_ops;
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
        Command::User(command) => users::run(&Config::load(file)?, command).await?,
        Command::Project(command) => projects::run(&Config::load(file)?, command).await?,
        Command::Key(KeyCommand::Rotate) => rotate_key(&Config::load(file)?).await?,
        Command::Bench(command) => {
            let url = config::database_url(&config::variables(file)?)?;
            measure(command, url.expose_secret().to_owned()).await?;
        }
        Command::Doctor => return doctor(file).await,
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

/// How far clocks may differ: leases and schedules are compared between them.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::seconds(5);

fn same_time(app: &App, other: OffsetDateTime) -> Result<(), String> {
    let difference = other - app.clock.now();
    if difference.abs() <= MAX_CLOCK_DIFFERENCE {
        return Ok(());
    }
    let seconds = difference.as_seconds_f64();
    Err(format!("it differs by {seconds:.1} s from the clock of this machine; use NTP on both"))
}

/// Reads a date of HTTP, such as `Mon, 30 Nov 2026 06:00:00 GMT`.
fn parse_http_date(date: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(&date.replace(" GMT", " +0000"), &Rfc2822).ok()
}

/// Returns why nothing is sent from this database, if that is so.
async fn installation_problem(app: &App) -> anyhow::Result<Option<String>> {
    let observed = installation::observe(&app.db, app.process).await?;
    let open = observed.open.map(|(_, cause)| cause);
    Ok(match (observed.identity, open) {
        (Identity::Same, None) => None,
        (Identity::Same, Some(_)) | (Identity::Promoted, _) => Some(
            "the database was rolled back to an earlier point in time; nothing is sent until the \
             running processes have restored their records, or until you run: usms-console adopt"
                .to_owned(),
        ),
        (Identity::Copied, _) => Some(
            "the database was restored or copied; nothing is sent from it until you confirm it with: \
             usms-console adopt"
                .to_owned(),
        ),
    })
}

/// Returns a number with its noun: `1 violation`, `2 violations`.
fn counted(number: i64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn exposure_words(durability: &Durability) -> String {
    let Durability { synchronous, asynchronous, behind, .. } = durability;
    let behind = behind.map_or_else(|| "unknown".to_owned(), |bytes| format!("{bytes} bytes"));
    match durability.exposure() {
        Exposure::Fsync => "a crash may damage the database; set fsync = on".to_owned(),
        Exposure::Commit => {
            "a crash loses the most recent data; set synchronous_commit = on".to_owned()
        }
        Exposure::Archive => {
            "the write-ahead log cannot be archived; check archive_command".to_owned()
        }
        Exposure::Asynchronous => format!(
            "the most recent data is lost ({}, {behind} behind); to prevent data loss, set \
             synchronous_standby_names",
            counted(*asynchronous, "asynchronous standby")
        ),
        Exposure::NoStandby if durability.archives => {
            "there is no standby; what is not archived yet is lost".to_owned()
        }
        Exposure::NoStandby => {
            "there is no standby; everything since the last backup is lost".to_owned()
        }
        Exposure::Hidden => {
            "there is a standby, but this role can't see its type; grant it pg_monitor".to_owned()
        }
        Exposure::Nothing => {
            format!("no data loss ({})", counted(*synchronous, "synchronous standby"))
        }
    }
}

/// Runs all checks and prints the result of each.
async fn doctor(file: Option<&std::path::Path>) -> anyhow::Result<ExitCode> {
    let mut healthy = true;
    let mut report = |name: &str, result: Result<(), String>| match result {
        Ok(()) => println!("ok      {name}"),
        Err(problem) => {
            healthy = false;
            println!("BROKEN  {name}: {problem}");
        }
    };
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(error) => {
            report("settings", Err(error.to_string()));
            return Ok(ExitCode::FAILURE);
        }
    };
    report("settings", Ok(()));
    let app = match serve::open(&config).await {
        Ok(app) => app,
        Err(error) => {
            report("database", Err(format!("{error:#}")));
            return Ok(ExitCode::FAILURE);
        }
    };
    report("database", Ok(()));
    let reached = app.usms.reach().await;
    let vendor_date = reached.as_ref().ok().cloned().flatten();
    report("UCloud reachable", reached.map(drop).map_err(|error| error.to_string()));
    report("production database", installation_problem(&app).await?.map_or(Ok(()), Err));
    let durability = durability::ask(&app.db).await?;
    report("clock of the database", same_time(&app, durability.server_time));
    if let Some(date) = vendor_date.as_deref().and_then(parse_http_date) {
        report("clock of UCloud", same_time(&app, date));
    }
    // Said, not failed: how much may be lost is a choice of whoever runs the database.
    let mark = if durability.exposure().is_wrong() { "warning" } else { "note   " };
    println!("{mark} failure of the database server: {}", exposure_words(&durability));
    if roles::may_change_audit_log(&app.db).await? {
        println!(
            "note    audit log: the role of DATABASE_URL could change it; to prevent that, migrate \
             with another one (CONSOLE_MIGRATE_DATABASE_URL)"
        );
    } else {
        report("audit log cannot be changed by the console", Ok(()));
    }
    for project in db::projects::all(&app.db).await? {
        let opened = project_ops::hook_path(&app, &project).map(drop);
        report(&format!("keys of {}", project.slug), opened.map_err(|error| error.to_string()));
    }
    for (name, violations) in invariants::broken(&app.db).await?.by_name() {
        let result = if violations == 0 { Ok(()) } else { Err(counted(violations, "violation")) };
        report(name, result);
    }
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
