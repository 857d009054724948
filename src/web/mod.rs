//! The web server: all pages, and the endpoint that receives pushes.

pub mod account;
pub mod applications;
pub mod assets;
pub mod batch_rules;
pub mod batches;
pub mod changes;
pub mod chart;
pub mod choices;
pub mod components;
pub mod costs;
pub mod counted;
pub mod countries;
pub mod dashboard;
pub mod error;
pub mod failures;
pub mod files;
pub mod flash;
pub mod form;
pub mod guard;
pub mod headers;
pub mod health;
pub mod i18n;
pub mod import;
pub mod layout;
pub mod ledger;
pub mod limits;
pub mod login;
pub mod member;
pub mod message_table;
pub mod messages;
pub mod moment;
pub mod notification_settings;
pub mod page;
pub mod period_picker;
pub mod pools;
pub mod prices;
pub mod push_settings;
pub mod pushes;
pub mod receipts;
pub mod replies;
pub mod retention;
pub mod reviewed;
pub mod routes;
pub mod schedule;
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
pub mod word_list;
pub mod workbook;

use std::io;
use std::net::SocketAddr;

use actix_web::dev::Server;
use actix_web::middleware::{Compress, NormalizePath, TrailingSlash, from_fn};
use actix_web::{HttpServer, web as actix};
use metrics_exporter_prometheus::PrometheusHandle;
use tracing_actix_web::TracingLogger;

use crate::app::App;

/// The size limit of a form in bytes. It has to fit many times a thousand phones in any spelling.
const MAX_FORM_BYTES: usize = 2 << 20;
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

/// Binds the server. Returns it with the address that it listens on; it runs when awaited.
pub fn start(
    app: App,
    settings: Settings,
    metrics: Option<PrometheusHandle>,
) -> io::Result<(Server, SocketAddr)> {
    let listen = settings.listen;
    let https = settings.is_https();
    let metrics = actix::Data::new(metrics);
    let settings = actix::Data::new(settings);
    let push_endpoint = actix::Data::new(pushes::PushEndpoint::new(&app));
    let watchers = actix::Data::new(batches::watch::Watchers::new(app.clone()));
    let checks = actix::Data::new(batches::access::AccessChecks::new(app.clone()));
    let limits = actix::Data::new(limits::Limits::default());
    let pools = actix::Data::new(pools::Pools::new(&app));
    let answers = actix::Data::new(receipts::answers::Answers::default());
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(actix::Data::new(app.clone()))
            .app_data(settings.clone())
            .app_data(metrics.clone())
            .app_data(watchers.clone())
            .app_data(checks.clone())
            .app_data(limits.clone())
            .app_data(pools.clone())
            .app_data(answers.clone())
            .app_data(push_endpoint.clone())
            .app_data(actix::PayloadConfig::new(MAX_FORM_BYTES))
            .configure(routes::table)
            .wrap(session::middleware(&app, https))
            .wrap(from_fn(error::pages))
            .wrap(Compress::default())
            .wrap(headers::all(https))
            .wrap(NormalizePath::new(TrailingSlash::MergeOnly))
            .wrap(TracingLogger::default())
    })
    .workers(SERVER_THREADS)
    .disable_signals()
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .bind(listen)?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    Ok((server.run(), address))
}
