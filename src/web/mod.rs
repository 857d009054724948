//! The web server: all pages, and the endpoint that receives pushes.

pub mod account;
pub mod applications;
pub mod assets;
pub mod audit;
pub mod batch_row;
pub mod batch_rules;
pub mod batches;
pub mod bodies;
pub mod call_text;
pub mod changes;
pub mod chart;
pub mod choices;
pub mod client;
pub mod components;
pub mod connections;
pub mod costs;
pub mod counted;
pub mod countries;
pub mod csrf;
pub mod csv;
pub mod dashboard;
pub mod error;
pub mod errors;
pub mod failures;
pub mod files;
pub mod flash;
pub mod form;
pub mod growth;
pub mod guard;
pub mod headers;
pub mod health;
pub mod i18n;
pub mod import;
pub mod invitation;
pub mod layout;
pub mod ledger;
pub mod limits;
pub mod login;
pub mod member;
pub mod members;
pub mod message_csv;
pub mod message_table;
pub mod messages;
pub mod missing_pushes;
pub mod moment;
pub mod notification_settings;
pub mod open_applications;
pub mod page;
pub mod people;
pub mod period_picker;
pub mod places;
pub mod pools;
pub mod prices;
pub mod projects;
pub mod push_settings;
pub mod pushes;
pub mod receipts;
pub mod refused;
pub mod replies;
pub mod request_log;
pub mod retention;
pub mod reviewed;
pub mod routes;
pub mod schedule;
pub mod segments;
pub mod send;
mod sending;
pub mod sensitive_words;
pub mod session;
pub mod sheet;
pub mod signatures;
pub mod sms_templates;
pub mod statistics;
pub mod suppressions;
pub mod upload;
pub mod urls;
pub mod visitor;
pub mod word_list;
pub mod workbook;

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
use client::TrustedProxies;
use connections::Connections;
use request_log::RequestSpan;

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

/// Who is trusted beyond [`Settings`].
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The networks of the proxies whose `X-Forwarded-For` is believed. If there are any, no other
    /// peer is trusted.
    pub proxies: Vec<Network>,
    /// The token with which monitoring on other machines may read `/metrics`.
    pub metrics_token: Option<SecretString>,
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
    let proxies = trust.proxies(&settings);
    let connections = Connections::new(proxies.clone());
    let proxies = actix::Data::new(proxies);
    let settings = actix::Data::new(settings);
    let push_endpoint = actix::Data::new(pushes::PushEndpoint::new(&app));
    let watchers = actix::Data::new(batches::watch::Watchers::new(app.clone()));
    let checks = actix::Data::new(batches::access::AccessChecks::new(app.clone()));
    let incomplete_bodies = actix::Data::new(bodies::IncompleteBodies::default());
    let limits = actix::Data::new(limits::Limits::default());
    let pools = actix::Data::new(pools::Pools::new(&app));
    let answers = actix::Data::new(receipts::answers::Answers::default());
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
            .app_data(actix::PayloadConfig::new(bodies::MAX_FORM_BYTES))
            .configure(routes::table)
            .wrap(session::middleware(&app, https))
            .wrap(from_fn(bodies::limit))
            .wrap(from_fn(errors::pages))
            .wrap(Compress::default())
            .wrap(headers::all(https))
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
    let incomplete_bodies = actix::Data::new(bodies::IncompleteBodies::default());
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(actix::Data::new(app.clone()))
            .app_data(proxies.clone())
            .app_data(push_endpoint.clone())
            .app_data(incomplete_bodies.clone())
            .configure(routes::hooks)
            .wrap(from_fn(bodies::limit))
            .wrap(headers::all(https))
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
    let incomplete_bodies = actix::Data::new(bodies::IncompleteBodies::default());
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(actix::Data::new(app.clone()))
            .app_data(metrics.clone())
            .app_data(incomplete_bodies.clone())
            .configure(routes::metrics)
            .wrap(from_fn(bodies::limit))
            .wrap(headers::all(false))
    })
    .on_connect(move |stream, extensions| connections.admit(stream, extensions))
    .workers(1)
    .disable_signals()
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .bind(listen)?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    Ok((server.run(), address))
}
