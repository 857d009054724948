//! A stand-in for USMS, for demos and tests; it shares no code with `usms`.
//!
//! It serves the vendor's API over HTTP and stores everything in memory, optionally also in a
//! journal file. It reviews applications by itself, makes up receipts by the last four digits of
//! the phone and pushes them. Faults can be injected. The manual is `docs/SANDBOX.md`.
//!
//! ```text
//! api → params, signing → signatures | templates | sending | receipts → store → journal
//! admin, inbox, push  → store
//! ```

pub mod actions;
mod admin;
mod answer;
mod api;
mod inbox;
mod params;
mod phone;
mod push;
mod review;
mod signing;
pub mod state;
#[cfg(test)]
mod tests;
mod text;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use time::OffsetDateTime;
use tokio::task::JoinHandle;

pub use state::seeds::{Seeds, SignatureSeed, TemplateSeed};

/// The public key of every sandbox.
pub const PUBLIC_KEY: &str = "sandbox-public-key";
/// The private key that belongs to [`PUBLIC_KEY`].
pub const PRIVATE_KEY: &str = "sandbox-private-key";
/// The id of the account's only project.
pub const PROJECT_ID: &str = "org-sandbox";

/// The largest request body in bytes: two files of 4 MB in base64, escaped for a form.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// The settings of a sandbox.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How long a review takes; the first half of it is spent waiting.
    pub review_after: Duration,
    /// How long after it was accepted a message has its receipt.
    pub receipt_after: Duration,
    /// The push URL: where receipts and replies are POSTed to.
    pub push_to: Option<String>,
    /// The file that preserves the state over restarts.
    pub journal: Option<PathBuf>,
}

impl Settings {
    /// Returns the default settings: reviews take 3 seconds, receipts come after 2, no pushes, no
    /// journal.
    pub fn on(listen: SocketAddr) -> Self {
        Self {
            listen,
            review_after: Duration::from_secs(3),
            receipt_after: Duration::from_secs(2),
            push_to: None,
            journal: None,
        }
    }
}

/// A running sandbox. It keeps running if this is dropped; [`Sandbox::stop`] stops it.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: ServerHandle,
    pusher: JoinHandle<()>,
}

impl Sandbox {
    /// Starts a sandbox on the caller's tokio runtime.
    ///
    /// # Errors
    /// When it cannot listen on the address or cannot read the journal.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let world = state::store::World::open(&settings)?;
        let shared = Arc::new(Shared { world: Mutex::new(world), http: push::client()? });
        let data = web::Data::from(Arc::clone(&shared));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(BODY_LIMIT))
                .app_data(web::JsonConfig::default().limit(BODY_LIMIT))
                .configure(admin::routes)
                .configure(inbox::routes)
                .default_service(web::to(api::call))
        })
        .workers(1)
        .disable_signals()
        .bind(settings.listen)?;
        let address = server.addrs().first().copied().unwrap_or(settings.listen);
        let running = server.run();
        let handle = running.handle();
        tokio::spawn(running);
        let pusher = tokio::spawn(push::run(Arc::clone(&shared)));
        Ok(Self { address, shared, server: handle, pusher })
    }

    /// Returns the URL that it listens on: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        match self.address {
            SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
                format!("http://127.0.0.1:{}", v4.port())
            }
            SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
                format!("http://[::1]:{}", v6.port())
            }
            address => format!("http://{address}"),
        }
    }

    /// Adds signatures and templates without an application or a review.
    pub fn seed(&self, seeds: Seeds) {
        seeds.add_to(&mut self.shared.world(), now_ms());
    }

    /// Stops at once; requests in progress are cut off.
    pub async fn stop(self) {
        self.pusher.abort();
        self.server.stop(false).await;
    }
}

/// The state that the handlers and the pusher share.
#[derive(Debug)]
struct Shared {
    world: Mutex<state::store::World>,
    http: reqwest::Client,
}

impl Shared {
    /// Locks the state. Do not hold the lock for long, nor across an `await`.
    fn world(&self) -> MutexGuard<'_, state::store::World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the current time. Nothing else in the sandbox reads the clock.
#[allow(clippy::disallowed_methods)]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Returns the current time in milliseconds since the Unix epoch, the unit of all stored times.
fn now_ms() -> i64 {
    i64::try_from(now().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// Returns a duration in milliseconds.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
