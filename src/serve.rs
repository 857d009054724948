//! Putting the parts together, running them, and stopping them in order.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::app::{App, Pace, UploadLimits, Wake};
use crate::backpressure::Backpressure;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::message_search::Reader;
use crate::keyring::Keyring;
use crate::ops::projects;
use crate::outbound::Outbound;
use crate::{telemetry, usms, web, worker};

/// A connection that was not used for so long is tried first.
const RESTED: Duration = Duration::from_millis(500);
/// A connection this old is closed when it comes back: what the server keeps for it grows with its age.
const OLD: Duration = Duration::from_secs(30 * 60);
/// Connections of everything but the log, and of the log.
const CONNECTIONS: u32 = 16;
const LOG_CONNECTIONS: u32 = 8;

/// Which parts one process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// Pages, pushes and workers.
    All,
    /// Pages and pushes.
    Pages,
    /// Workers.
    Workers,
}

/// Serves until the process is told to stop, then until the calls in flight are done.
pub async fn run(config: &Config, parts: Parts) -> anyhow::Result<()> {
    let app = build(config).await?;
    let metrics = telemetry::start_metrics().ok();
    let pages = match parts {
        Parts::All | Parts::Pages => {
            let settings = web::Settings {
                listen: config.listen,
                public_url: config.public_url.clone(),
                trust_proxy: config.trust_proxy,
            };
            let (server, address) = web::start(app.clone(), settings, metrics)
                .with_context(|| format!("CONSOLE_LISTEN: cannot listen on {}", config.listen))?;
            info!("listening on http://{address}");
            let handle = server.handle();
            Some((handle, tokio::spawn(server)))
        }
        Parts::Workers => None,
    };
    let stop = CancellationToken::new();
    let workers = match parts {
        Parts::All | Parts::Workers => Some(tokio::spawn(worker::run(app.clone(), stop.clone()))),
        Parts::Pages => None,
    };
    told_to_stop().await;
    info!("shutting down; waiting for calls in flight");
    stop.cancel();
    if let Some((handle, server)) = pages {
        handle.stop(true).await;
        server.await.context("web server failed")??;
    }
    app.calls.close();
    app.calls.wait().await;
    if let Some(workers) = workers {
        workers.await.context("workers failed")?;
    }
    app.log.pool().close().await;
    app.db.close().await;
    Ok(())
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn told_to_stop() {
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

/// Connects, brings the database up to date, and makes the project that the settings name.
pub async fn build(config: &Config) -> anyhow::Result<App> {
    let app = assemble(config).await?;
    migrate(&app.db).await?;
    if let Some(keys) = &config.default_project {
        projects::ensure(&app, projects::DEFAULT, "Default", keys).await?;
    }
    Ok(app)
}

/// The parts, without asking anything of the database.
async fn assemble(config: &Config) -> anyhow::Result<App> {
    let db = connect(&config.database_url).await?;
    let call_timeout = config.call_timeout.unsigned_abs();
    let outbound = Outbound::new(config.mail.as_ref())?;
    Ok(App {
        log: Reader::new(&db, pool(LOG_CONNECTIONS)),
        db,
        usms: usms::Client::new(&config.api_url, call_timeout)?,
        clock: Clock::System,
        keyring: Arc::new(Keyring::derive(&config.secret_key)),
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

/// A pool of connections to the database.
pub async fn connect(url: &SecretString) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = url
        .expose_secret()
        .parse()
        .map_err(|_| anyhow::anyhow!("DATABASE_URL is invalid: not a PostgreSQL URL"))?;
    let options = options.application_name("usms-console").options([
        ("timezone", "UTC"),
        ("plan_cache_mode", "force_generic_plan"),
        // A plan over the pieces of two years looks costly, and compiling it takes longer than running it.
        ("jit", "off"),
        // Messages and their outcomes are cut at the same borders: joined piece by piece.
        ("enable_partitionwise_join", "on"),
        // A page asks for few rows: starting helpers takes longer than reading them.
        ("max_parallel_workers_per_gather", "0"),
    ]);
    pool(CONNECTIONS)
        .connect_with(options)
        .await
        .context("cannot connect to the database at DATABASE_URL")
}

fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .before_acquire(|connection, since| Box::pin(still_there(connection, since)))
        // The pool's own look for old connections can spin for ever (launchbadge/sqlx#3645, mended
        // after 0.9.0): without these two it does not run.
        .idle_timeout(None)
        .max_lifetime(None)
        .after_release(|_, of| Box::pin(ready(Ok(of.age < OLD))))
}

/// A connection that rested is asked whether it is still there before it is used: the server may
/// have been started anew. One that was used a moment ago is not, which would double the questions of
/// each page.
async fn still_there(
    connection: &mut PgConnection,
    since: PoolConnectionMetadata,
) -> sqlx::Result<bool> {
    if since.idle_for > RESTED {
        connection.ping().await?;
    }
    Ok(true)
}

/// Brings the database up to date.
pub async fn migrate(db: &PgPool) -> anyhow::Result<()> {
    sqlx::migrate!().run(db).await.context("cannot migrate the database")
}
