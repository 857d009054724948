//! Health checks and metrics for monitoring, and the page about them.

pub mod page;

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::app::App;
use crate::db::health::{self, Load};

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

/// `/metrics`: only for connections from the same machine, and not for ones that a proxy forwards.
pub async fn metrics(
    app: web::Data<App>,
    request: HttpRequest,
    metrics: web::Data<Option<PrometheusHandle>>,
) -> HttpResponse {
    let is_local = request.peer_addr().is_some_and(|peer| peer.ip().is_loopback())
        && !request.headers().contains_key("x-forwarded-for");
    match metrics.get_ref() {
        Some(handle) if is_local => {
            let load = tokio::time::timeout(DATABASE_TIMEOUT, health::load(&app.db, None)).await;
            set_gauges(&app, load.ok().and_then(Result::ok));
            HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(handle.render())
        }
        _ => HttpResponse::NotFound().finish(),
    }
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
