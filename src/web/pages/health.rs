//! Health checks and metrics for monitoring, and the page about them.

pub mod page;

use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, web};
use metrics::gauge;
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::db::reporting::health::{self, Load};
use crate::web::Metrics;

/// A database that does not respond within this time counts as down.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);

/// `/healthz`: whether the process runs.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok" }))
}

/// `/readyz`: whether the database responds.
pub async fn readyz(app: web::Data<App>) -> HttpResponse {
    match tokio::time::timeout(DATABASE_TIMEOUT, health::answers(&app.db)).await {
        Ok(Ok(_)) => HttpResponse::Ok().json(serde_json::json!({ "status": "ready" })),
        Ok(Err(_)) | Err(_) => {
            tracing::warn!("not ready: database is not responding");
            let status = serde_json::json!({ "status": "database is not responding" });
            HttpResponse::ServiceUnavailable().json(status)
        }
    }
}

/// Headers by which a proxy says that it forwards a request.
const FORWARDING: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// `/metrics`: for whoever has the token, and for connections from the same machine that no proxy
/// forwards.
pub async fn metrics(
    app: web::Data<App>,
    request: HttpRequest,
    metrics: web::Data<Metrics>,
) -> HttpResponse {
    let is_forwarded = FORWARDING.iter().any(|name| request.headers().contains_key(*name));
    let is_local = request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    if is_local && !is_forwarded || has_token(&request, &metrics) {
        render_metrics(&app, &metrics).await
    } else {
        HttpResponse::NotFound().finish()
    }
}

/// `/metrics` at an address of its own: for everybody who reaches it, unless a token is set.
pub async fn metrics_to_all(
    app: web::Data<App>,
    request: HttpRequest,
    metrics: web::Data<Metrics>,
) -> HttpResponse {
    if metrics.token.is_none() || has_token(&request, &metrics) {
        render_metrics(&app, &metrics).await
    } else {
        HttpResponse::Unauthorized().insert_header((WWW_AUTHENTICATE, "Bearer")).finish()
    }
}

fn has_token(request: &HttpRequest, metrics: &Metrics) -> bool {
    let Some(token) = &metrics.token else { return false };
    let sent = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    sent.and_then(|sent| sent.strip_prefix("Bearer "))
        .is_some_and(|sent| sent.as_bytes().ct_eq(token.expose_secret().as_bytes()).into())
}

async fn render_metrics(app: &App, metrics: &Metrics) -> HttpResponse {
    let Some(handle) = &metrics.handle else { return HttpResponse::NotFound().finish() };
    let load = tokio::time::timeout(DATABASE_TIMEOUT, health::load(&app.db, None)).await;
    set_gauges(app, load.ok().and_then(Result::ok));
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(handle.render())
}

/// Sets the gauges of the work to be done. Without a database they keep their last values, and
/// `console_database_up` is 0.
#[allow(clippy::cast_precision_loss)]
fn set_gauges(app: &App, load: Option<Load>) {
    gauge!("console_database_up").set(if load.is_some() { 1.0 } else { 0.0 });
    let Some(load) = load else { return };
    let oldest = load.inbox_since.map_or(0.0, |since| (app.clock.now() - since).as_seconds_f64());
    gauge!("console_inbox_waiting").set(load.inbox as f64);
    gauge!("console_inbox_oldest_seconds").set(oldest.max(0.0));
    gauge!("console_messages_queued").set(load.queue as f64);
    gauge!("console_messages_in_doubt").set(load.in_doubt as f64);
}
