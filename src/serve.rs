//! Builds the application state, runs pages and workers, and shuts them down in order.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::{ExposeSecret, SecretString};
use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::app::{App, Pace, UploadLimits, Wake};
use crate::backpressure::Backpressure;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::schema::{self, SchemaState};
use crate::db::sending::message_search::MessageSearch;
use crate::db::{pooler, roles};
use crate::keyring::Keyring;
use crate::ops::projects;
use crate::outbound::Outbound;
use crate::web::http::limits::connections::raise_file_limit;
use crate::{telemetry, usms, web, worker};

/// A connection that was idle for this long is pinged before it is used.
const PING_AFTER_IDLE: Duration = Duration::from_millis(500);
/// A connection of this age is closed when it returns to the pool: the memory that the server uses
/// for it grows with its age.
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(30 * 60);
/// Connections of sending, pushes and all pages but those that have a pool of their own.
const CONNECTIONS: u32 = 14;
/// Connections of the message search, and as many of its files. Lists and statistics have some more of
/// their own (`web::http::pools`): together no more than [`MAX_CONNECTIONS`].
const SEARCH_CONNECTIONS: u32 = 4;
/// The connections to the database that a process needs at most.
const MAX_CONNECTIONS: u32 = 30;
const _: () = assert!(
    CONNECTIONS + 2 * SEARCH_CONNECTIONS + 2 * web::http::pools::CONNECTIONS <= MAX_CONNECTIONS
);

/// The parts that a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// Pages, pushes and workers.
    All,
    /// Pages and pushes.
    Pages,
    /// Workers.
    Workers,
}

/// Runs until Ctrl-C or SIGTERM, then until the calls in flight are done.
pub async fn run(config: &Config, parts: Parts) -> anyhow::Result<()> {
    let app = build(config).await?;
    app.finish_calls_here();
    let metrics = telemetry::start_metrics().ok();
    let servers = match parts {
        Parts::All | Parts::Pages => start_servers(config, &app, metrics)?,
        Parts::Workers => Vec::new(),
    };
    let stop = CancellationToken::new();
    let workers = match parts {
        Parts::All | Parts::Workers => tokio::spawn(worker::run(app.clone(), stop.clone())),
        Parts::Pages => tokio::spawn(worker::watch(app.clone(), stop.clone())),
    };
    wait_for_stop_signal().await;
    info!("shutting down; waiting for calls in flight");
    stop.cancel();
    futures_util::future::join_all(servers.iter().map(|(handle, _)| handle.stop(true))).await;
    for (_, server) in servers {
        server.await.context("web server failed")??;
    }
    app.calls.close();
    app.calls.wait().await;
    workers.await.context("workers failed")?;
    app.message_search.close().await;
    app.db.close().await;
    Ok(())
}

type RunningServer = (ServerHandle, JoinHandle<io::Result<()>>);

/// Starts the server of the pages, and those that the settings ask for beside it.
fn start_servers(
    config: &Config,
    app: &App,
    metrics: Option<PrometheusHandle>,
) -> anyhow::Result<Vec<RunningServer>> {
    raise_file_limit();
    let settings = web::Settings {
        listen: config.listen,
        public_url: config.public_url.clone(),
        trust_proxy: config.trust_proxy,
    };
    let trust = web::Trust {
        proxies: config.trusted_proxies.clone(),
        metrics_token: config.metrics_token.clone(),
        sessions: web::SessionLimits { idle: config.session_idle, max_age: config.session_age },
    };
    let mut servers = Vec::new();
    let mut run = |(server, address): (Server, SocketAddr), what: &str| {
        info!("{what} on http://{address}");
        servers.push((server.handle(), tokio::spawn(server)));
    };
    if let Some(listen) = config.hooks_listen {
        let hooks = web::start_hooks(app.clone(), &settings, &trust, listen);
        let cannot = || format!("CONSOLE_HOOKS_LISTEN: cannot listen on {listen}");
        run(hooks.with_context(cannot)?, "receiving pushes");
    }
    if let Some((listen, handle)) = config.metrics_listen.zip(metrics.clone()) {
        let metrics = web::start_metrics(app.clone(), &trust, handle, listen);
        let cannot = || format!("CONSOLE_METRICS_LISTEN: cannot listen on {listen}");
        run(metrics.with_context(cannot)?, "showing metrics");
    }
    let pages = web::start_with(app.clone(), settings, &trust, metrics);
    let cannot = || format!("CONSOLE_LISTEN: cannot listen on {}", config.listen);
    run(pages.with_context(cannot)?, "listening");
    Ok(servers)
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn wait_for_stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::error!(%error, "cannot listen for SIGTERM");
            return;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Connects to the database for commands that only read it: nothing is migrated or created.
///
/// # Errors
///
/// One of them says so if the schema of the database is not that of this program.
pub async fn open(config: &Config) -> anyhow::Result<App> {
    let app = assemble(config).await?;
    let problem = match schema::state(&app.db, &sqlx::migrate!()).await? {
        SchemaState::Current => return Ok(app),
        SchemaState::Empty => {
            "the database has no tables of the console yet; create them with: usms-console migrate"
        }
        SchemaState::Older => {
            "the database is older than this program; make a backup and stop all processes, then \
             run: usms-console migrate"
        }
        SchemaState::Newer => {
            "the database is newer than this program; use the version that migrated it, or a later \
             one"
        }
    };
    anyhow::bail!(problem)
}

/// Connects to the database, migrates it, and creates the project that the settings name.
pub async fn build(config: &Config) -> anyhow::Result<App> {
    let app = assemble(config).await?;
    migrate_as(config.migrate_database_url.as_ref(), &app.db).await?;
    match &config.default_project {
        Some(keys) => {
            projects::ensure(&app, projects::DEFAULT, "Default", keys).await?;
        }
        None => projects::none_is_configured(&app).await?,
    }
    Ok(app)
}

/// Assembles the application state without querying the database.
async fn assemble(config: &Config) -> anyhow::Result<App> {
    let db = connect(&config.database_url).await?;
    let call_timeout = config.call_timeout.unsigned_abs();
    let allowed = config.outbound_allow.clone();
    let outbound = Outbound::new(config.mail.as_ref())?
        .only_public(move |ip| allowed.iter().any(|network| network.contains(ip)))?;
    let keyring = Keyring::derive(&config.secret_key);
    let keyring = keyring.with_previous(config.previous_secret_key.as_ref());
    Ok(App {
        message_search: MessageSearch::new(&db, pool(SEARCH_CONNECTIONS)),
        db,
        usms: usms::Client::new(&config.api_url, call_timeout)?,
        clock: Clock::System,
        keyring: Arc::new(keyring),
        process: uuid::Uuid::new_v4(),
        uploads: UploadLimits {
            bytes: (config.upload_mb as u64) << 20,
            rows: u32::try_from(config.upload_rows).unwrap_or(u32::MAX),
        },
        pace: Pace {
            concurrency: config.submit_concurrency,
            calls_per_second: config.submit_rate,
            call_timeout: config.call_timeout,
            first_receipt_poll: config.receipt_poll,
            review_poll: config.review_poll,
        },
        in_hand: Arc::default(),
        wake: Wake::default(),
        backpressure: Backpressure::default(),
        outbound,
        public_url: config.public_url.clone(),
        calls: tokio_util::task::TaskTracker::new(),
    })
}

/// Connects to the database; returns the pool of connections.
pub async fn connect(url: &SecretString) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = url
        .expose_secret()
        .parse()
        .map_err(|_| anyhow::anyhow!("DATABASE_URL is invalid: not a PostgreSQL URL"))?;
    let options = options.application_name("usms-console").options([
        ("timezone", "UTC"),
        ("plan_cache_mode", "force_generic_plan"),
        // A plan over the partitions of two years looks expensive to PostgreSQL, but compiling it
        // takes longer than running it.
        ("jit", "off"),
        // Messages and outcomes have the same partition bounds, so they join by partition.
        ("enable_partitionwise_join", "on"),
        // Pages read few rows: starting parallel workers takes longer than reading them.
        ("max_parallel_workers_per_gather", "0"),
    ]);
    let connected = pool(CONNECTIONS).connect_with(options).await;
    let db = connected.map_err(|error| {
        let refused = refuses_options(&error);
        let error = anyhow::Error::new(error);
        let error = if refused { error.context(POOLER_REFUSES) } else { error };
        error.context("cannot connect to the database at DATABASE_URL")
    })?;
    anyhow::ensure!(!pooler::shares_connections(&db).await?, POOLER_SHARES);
    Ok(db)
}

/// What to do about a pooler that does not pass on the options of a connection.
const POOLER_REFUSES: &str = "a connection pooler refuses the start-up options; point DATABASE_URL \
     to PostgreSQL itself, or to a pool in session mode that accepts them (PgBouncer: \
     ignore_startup_parameters = extra_float_digits,options)";

/// What to do about a pooler in transaction mode.
const POOLER_SHARES: &str = "DATABASE_URL points to a connection pooler in transaction mode, where \
     prepared statements and live pages do not work; point it to PostgreSQL itself, or to a pool \
     in session mode";

/// Returns whether the start-up options of a connection were refused. PgBouncer does that with
/// `protocol_violation` for options that it does not track.
fn refuses_options(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| {
        error.code().as_deref() == Some("08P01") && error.message().contains("startup parameter")
    })
}

fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .before_acquire(|connection, metadata| Box::pin(ping_if_idle(connection, metadata)))
        // sqlx's reaper of old connections can loop forever (launchbadge/sqlx#3645, fixed after
        // 0.9.0). Without these two settings it does not run.
        .idle_timeout(None)
        .max_lifetime(None)
        .after_release(|_, metadata| Box::pin(ready(Ok(metadata.age < MAX_CONNECTION_AGE))))
}

/// Pings a connection that was idle, since the server may have been restarted. One that was used a
/// moment ago is not pinged, which would double the round trips of every page.
async fn ping_if_idle(
    connection: &mut PgConnection,
    metadata: PoolConnectionMetadata,
) -> sqlx::Result<bool> {
    if metadata.idle_for > PING_AFTER_IDLE {
        connection.ping().await?;
    }
    Ok(true)
}

/// Applies the migrations that the database lacks, as the role of `owner` if there is one; it then
/// gives the role of `db` the rights that the console needs.
pub async fn migrate_as(owner: Option<&SecretString>, db: &PgPool) -> anyhow::Result<()> {
    let Some(owner) = owner else { return migrate(db).await };
    let owner = connect(owner).await.context("CONSOLE_MIGRATE_DATABASE_URL")?;
    migrate(&owner).await?;
    let console = roles::current(db).await?;
    let granted = roles::grant_to_console(&owner, &console).await;
    owner.close().await;
    granted.with_context(|| format!("cannot grant the rights of the console to `{console}`"))
}

/// Applies the migrations that the database lacks.
pub async fn migrate(db: &PgPool) -> anyhow::Result<()> {
    sqlx::migrate!().run(db).await.context("cannot migrate the database")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Starts a server that refuses every connection with an error, as PostgreSQL's protocol has it.
    async fn refusing(code: &'static str, message: &'static str) -> SecretString {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut received = vec![0; 4096];
                // The request for TLS comes first.
                stream.read_exact(&mut received[..8]).await.unwrap();
                stream.write_all(b"N").await.unwrap();
                let _ = stream.read(&mut received).await.unwrap();
                let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
                let length = u32::try_from(fields.len() + 4).unwrap();
                let error = [&b"E"[..], &length.to_be_bytes(), fields.as_bytes()].concat();
                stream.write_all(&error).await.unwrap();
            }
        });
        SecretString::from(format!("postgres://usms:secret@{address}/usms"))
    }

    #[tokio::test]
    async fn a_pooler_that_refuses_start_up_options_is_named_with_what_to_do() {
        for message in [
            "unsupported startup parameter: options",
            "unsupported startup parameter: extra_float_digits",
            "unsupported startup parameter in options: plan_cache_mode",
        ] {
            let url = refusing("08P01", message).await;
            let error = format!("{:#}", connect(&url).await.unwrap_err());
            for part in [message, "pooler", "PostgreSQL itself", "DATABASE_URL"] {
                assert!(error.contains(part), "{part}: {error}");
            }
            assert!(!error.contains('\n') && !error.contains("secret"), "{error}");
        }
    }

    #[tokio::test]
    async fn another_refusal_is_shown_as_it_is() {
        let url = refusing("28P01", "password authentication failed for user \"usms\"").await;
        let error = format!("{:#}", connect(&url).await.unwrap_err());
        assert!(error.contains("password authentication failed"), "{error}");
        assert!(!error.contains("pooler"), "{error}");
    }
}
