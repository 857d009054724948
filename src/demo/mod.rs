//! The demo: a private PostgreSQL, the sandbox, sample data and the console, in one command.

mod figures;
mod lists;
mod past;
mod postgres;
mod pushes;
mod replies;
mod retention;
mod reviewed;
mod sample;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use crate::config::Config;
use crate::db::projects as project_rows;
use crate::db::schema::{self, SchemaState};
use crate::ops::projects;
use crate::sandbox::{self, Sandbox};
use crate::serve::{self, Parts};
use postgres::Cluster;

/// The password of every account of the demo, which listens on this machine only.
const PASSWORD: &str = "usms-console-demo";

/// Runs the demo until it is stopped. `variables` are the environment; `fresh` deletes the data of
/// earlier runs.
pub async fn run(variables: &BTreeMap<String, String>, fresh: bool) -> anyhow::Result<()> {
    let cluster = match variables.get("DATABASE_URL") {
        Some(_) => None,
        None => Some(Cluster::start(fresh).await?),
    };
    let result = run_on(variables, cluster.as_ref(), fresh).await;
    if let Some(cluster) = cluster {
        cluster.stop().await;
    }
    result
}

async fn run_on(
    variables: &BTreeMap<String, String>,
    cluster: Option<&Cluster>,
    fresh: bool,
) -> anyhow::Result<()> {
    let folder = cluster.map(Cluster::folder);
    let journal = folder.map(|folder| folder.join("sandbox.jsonl"));
    if let Some(journal) = journal.as_ref().filter(|_| fresh) {
        let _ = std::fs::remove_file(journal);
    }
    let sandbox = start_sandbox(journal)?;
    let result = run_console(variables, cluster, folder, &sandbox).await;
    sandbox.stop().await;
    result
}

fn start_sandbox(journal: Option<PathBuf>) -> anyhow::Result<Sandbox> {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let settings = sandbox::Settings { journal, ..sandbox::Settings::on(any_port) };
    let sandbox = Sandbox::start(settings).context("cannot start the sandbox")?;
    sandbox.seed(reviewed::seeds());
    Ok(sandbox)
}

async fn run_console(
    variables: &BTreeMap<String, String>,
    cluster: Option<&Cluster>,
    folder: Option<&Path>,
    sandbox: &Sandbox,
) -> anyhow::Result<()> {
    let config = settings(variables, cluster, folder, sandbox)?;
    if cluster.is_none() {
        refuse_other_installation(&config).await?;
    }
    let app = serve::build(&config).await?;
    sample::fill(&app, PASSWORD).await?;
    let push_path = push_path(&app).await?;
    set_push_url(sandbox, &format!("http://{}{push_path}", config.listen)).await?;
    app.message_search.close().await;
    app.db.close().await;
    print_greeting(&config, sandbox);
    serve::run(&config, Parts::All).await
}

/// Refuses a database that has projects of its own: the demo would replace their keys.
async fn refuse_other_installation(config: &Config) -> anyhow::Result<()> {
    let db = serve::connect(&config.database_url).await?;
    let state = schema::state(&db, &sqlx::migrate!()).await?;
    let other = match state {
        SchemaState::Empty => None,
        SchemaState::Current | SchemaState::Older | SchemaState::Newer => {
            project_rows::other_than(&db, sandbox::PROJECT_ID).await?
        }
    };
    db.close().await;
    match other {
        None => Ok(()),
        Some(slug) => anyhow::bail!(
            "the database at DATABASE_URL is not a demo's: it has the project `{slug}` with keys of \
             its own; point DATABASE_URL to an empty database, or unset it"
        ),
    }
}

/// Returns the configuration: the demo's own settings override the environment.
fn settings(
    variables: &BTreeMap<String, String>,
    cluster: Option<&Cluster>,
    folder: Option<&Path>,
    sandbox: &Sandbox,
) -> anyhow::Result<Config> {
    let mut settings = variables.clone();
    let mut set = |name: &str, value: String| {
        settings.insert(name.to_owned(), value);
    };
    if let Some(cluster) = cluster {
        set("DATABASE_URL", cluster.url());
    }
    set("USMS_API_URL", sandbox.url());
    set("UCLOUD_PUBLIC_KEY", sandbox::PUBLIC_KEY.to_owned());
    set("UCLOUD_PRIVATE_KEY", sandbox::PRIVATE_KEY.to_owned());
    set("UCLOUD_PROJECT_ID", sandbox::PROJECT_ID.to_owned());
    set("CONSOLE_RECEIPT_POLL", "5s".to_owned());
    if !variables.contains_key("CONSOLE_OUTBOUND_ALLOW") {
        set("CONSOLE_OUTBOUND_ALLOW", "127.0.0.0/8".to_owned());
    }
    if !variables.contains_key("CONSOLE_SECRET_KEY") {
        set("CONSOLE_SECRET_KEY", secret_key(folder)?);
    }
    if !variables.contains_key("CONSOLE_LISTEN") {
        set("CONSOLE_LISTEN", free_address()?.to_string());
    }
    Ok(Config::read(&settings)?)
}

/// Returns the demo's secret key, which is stored with its data. A demo on another database has a
/// fixed key, which is as safe as the fixed password: its data is not secret.
fn secret_key(folder: Option<&Path>) -> anyhow::Result<String> {
    let Some(folder) = folder else { return Ok("de".repeat(32)) };
    let path = folder.join("secret-key");
    if let Ok(key) = std::fs::read_to_string(&path) {
        return Ok(key);
    }
    let key = hex::encode(rand::random::<[u8; 32]>());
    std::fs::write(&path, &key).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(key)
}

/// Returns a local address with port 8080 if it is free, or else any free port.
fn free_address() -> anyhow::Result<SocketAddr> {
    let preferred = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
    let listener = TcpListener::bind(preferred)
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .context("no free port")?;
    Ok(listener.local_addr()?)
}

/// Returns the path of the push URL.
async fn push_path(app: &crate::app::App) -> anyhow::Result<String> {
    let all = project_rows::all(&app.db).await?;
    let project = all.iter().find(|project| project.slug == projects::DEFAULT);
    Ok(projects::hook_path(app, project.context("the demo's project is missing")?)?)
}

async fn set_push_url(sandbox: &Sandbox, url: &str) -> anyhow::Result<()> {
    reqwest::Client::builder()
        .no_proxy()
        .build()?
        .post(format!("{}/_admin/push", sandbox.url()))
        .json(&json!({ "url": url }))
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .context("the sandbox is not responding")?;
    Ok(())
}

fn print_greeting(config: &Config, sandbox: &Sandbox) {
    let [names @ .., last] = sample::ACCOUNTS.map(|account| account.0);
    let names = names.join(", ");
    println!(
        "
  USMS Console    http://{address}/
  Phone inbox     {inbox}/_inbox
  Sign in as      {names} or {last}
  Password        {PASSWORD} (the same for all of them)

  To begin with, open http://{address}/ in a browser, sign in as operator, press
  \u{201c}Send a message\u{201d}, choose a template, and send it to 18500001234. Watch the receipt
  come in, and see in the phone inbox what arrived. Nothing leaves this machine.

  Press Ctrl-C to stop. Data is kept; run with --fresh to start over.
",
        address = config.listen,
        inbox = sandbox.url(),
    );
}
