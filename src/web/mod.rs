//! The web server: all pages, and the endpoint that receives pushes.

pub mod http;
pub mod pages;
pub mod pushes;
pub mod routes;
pub mod ui;

pub use http::{client, upload};
pub use pages::review as reviewed;
pub use pages::settings::prices;

use std::io;
use std::net::SocketAddr;

use actix_web::dev::Server;
use actix_web::middleware::{Compress, NormalizePath, TrailingSlash, from_fn};
use actix_web::{HttpServer, web as actix};
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::SecretString;
use tracing_actix_web::TracingLogger;

use crate::app::App;
use crate::domain::network::Network;
use http::client::TrustedProxies;
use http::limits::connections::Connections;
use http::request_log::RequestSpan;

pub use http::session::SessionLimits;

/// How long running requests may take when the process is told to stop.
const SHUTDOWN_SECONDS: u64 = 3;
const SERVER_THREADS: usize = 2;

/// How the server is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The URL under which browsers reach it.
    pub public_url: Option<String>,
    /// Whether to trust the `X-Forwarded-For` header of a proxy in front.
    pub trust_proxy: bool,
}

impl Settings {
    /// Whether browsers reach it over HTTPS.
    pub fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
    }
}

/// Who is trusted beyond [`Settings`], and for how long.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The networks of the proxies whose `X-Forwarded-For` is believed. If there are any, no other
    /// peer is trusted.
    pub proxies: Vec<Network>,
    /// The token with which monitoring on other machines may read `/metrics`.
    pub metrics_token: Option<SecretString>,
    /// How long login sessions last.
    pub sessions: SessionLimits,
}

impl Trust {
    fn proxies(&self, settings: &Settings) -> TrustedProxies {
        match (self.proxies.as_slice(), settings.trust_proxy) {
            ([], false) => TrustedProxies::None,
            ([], true) => TrustedProxies::Peer,
            (networks, _) => TrustedProxies::Networks(networks.to_vec()),
        }
    }
}

/// The recorder of the metrics that `/metrics` shows, and the token that it asks for.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    handle: Option<PrometheusHandle>,
    token: Option<SecretString>,
}

/// Binds the server. Returns it with the address that it listens on; it runs when awaited.
pub fn start(
    app: App,
    settings: Settings,
    metrics: Option<PrometheusHandle>,
) -> io::Result<(Server, SocketAddr)> {
    start_with(app, settings, &Trust::default(), metrics)
}

/// Like [`start`], with more that is trusted.
pub fn start_with(
    app: App,
    settings: Settings,
    trust: &Trust,
    handle: Option<PrometheusHandle>,
) -> io::Result<(Server, SocketAddr)> {
    let listen = settings.listen;
    let https = settings.is_https();
    let metrics = actix::Data::new(Metrics { handle, token: trust.metrics_token.clone() });
    let (proxies, sessions) = (trust.proxies(&settings), trust.sessions);
    let connections = Connections::new(proxies.clone());
    let proxies = actix::Data::new(proxies);
    let settings = actix::Data::new(settings);
    let push_endpoint = actix::Data::new(pushes::PushEndpoint::new(&app));
    let watchers = actix::Data::new(pages::batches::watch::Watchers::new(app.clone()));
    let checks = actix::Data::new(http::access::AccessChecks::new(app.clone()));
    let incomplete_bodies = actix::Data::new(http::limits::bodies::IncompleteBodies::default());
    let limits = actix::Data::new(http::limits::quotas::Limits::default());
    let pools = actix::Data::new(http::pools::Pools::new(&app));
    let answers = actix::Data::new(pages::receipts::answers::Answers::default());
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(actix::Data::new(app.clone()))
            .app_data(settings.clone())
            .app_data(proxies.clone())
            .app_data(metrics.clone())
            .app_data(watchers.clone())
            .app_data(checks.clone())
            .app_data(limits.clone())
            .app_data(pools.clone())
            .app_data(answers.clone())
            .app_data(push_endpoint.clone())
            .app_data(incomplete_bodies.clone())
            .app_data(actix::PayloadConfig::new(http::limits::bodies::MAX_FORM_BYTES))
            .configure(routes::table)
            .wrap(http::session::middleware(&app, sessions, https))
            .wrap(from_fn(pages::sign_in::login::after_typing))
            .wrap(from_fn(http::limits::bodies::limit))
            .wrap(from_fn(pages::errors::pages))
            .wrap(Compress::default())
            .wrap(http::headers::all(https))
            .wrap(NormalizePath::new(TrailingSlash::MergeOnly))
            .wrap(TracingLogger::<RequestSpan>::new())
    })
    .on_connect(move |stream, extensions| connections.admit(stream, extensions))
    .workers(SERVER_THREADS)
    .disable_signals()
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .bind(listen)?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    Ok((server.run(), address))
}

/// Binds a server of the push endpoint alone, which has a thread of its own: nothing that people do
/// on the pages delays a push.
pub fn start_hooks(
    app: App,
    settings: &Settings,
    trust: &Trust,
    listen: SocketAddr,
) -> io::Result<(Server, SocketAddr)> {
    let https = settings.is_https();
    let proxies = trust.proxies(settings);
    let connections = Connections::new(proxies.clone());
    let proxies = actix::Data::new(proxies);
    let push_endpoint = actix::Data::new(pushes::PushEndpoint::new(&app));
    let incomplete_bodies = actix::Data::new(http::limits::bodies::IncompleteBodies::default());
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(actix::Data::new(app.clone()))
            .app_data(proxies.clone())
            .app_data(push_endpoint.clone())
            .app_data(incomplete_bodies.clone())
            .configure(routes::hooks)
            .wrap(from_fn(http::limits::bodies::limit))
            .wrap(http::headers::all(https))
            .wrap(NormalizePath::new(TrailingSlash::MergeOnly))
            .wrap(TracingLogger::<RequestSpan>::new())
    })
    .on_connect(move |stream, extensions| connections.admit(stream, extensions))
    .workers(1)
    .disable_signals()
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .bind(listen)?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    Ok((server.run(), address))
}

/// Binds a server of `/metrics` alone, for monitoring that reaches an address of its own. It answers
/// everybody who reaches it, or who has the token, if there is one.
pub fn start_metrics(
    app: App,
    trust: &Trust,
    handle: PrometheusHandle,
    listen: SocketAddr,
) -> io::Result<(Server, SocketAddr)> {
    let metrics =
        actix::Data::new(Metrics { handle: Some(handle), token: trust.metrics_token.clone() });
    let connections = Connections::new(TrustedProxies::None);
    let incomplete_bodies = actix::Data::new(http::limits::bodies::IncompleteBodies::default());
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(actix::Data::new(app.clone()))
            .app_data(metrics.clone())
            .app_data(incomplete_bodies.clone())
            .configure(routes::metrics)
            .wrap(from_fn(http::limits::bodies::limit))
            .wrap(http::headers::all(false))
    })
    .on_connect(move |stream, extensions| connections.admit(stream, extensions))
    .workers(1)
    .disable_signals()
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .bind(listen)?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    Ok((server.run(), address))
}
