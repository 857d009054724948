//! For those who watch the console: from outside, and on a page.

pub mod page;

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::app::App;
use crate::db::health::{self, Load};

/// A database that does not answer within this long is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// `/healthz`: the process runs.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok" }))
}

/// `/readyz`: the database answers.
pub async fn readyz(app: web::Data<App>) -> HttpResponse {
    match tokio::time::timeout(PATIENCE, health::answers(&app.db)).await {
        Ok(Ok(_)) => HttpResponse::Ok().json(serde_json::json!({ "status": "ready" })),
        Ok(Err(_)) | Err(_) => {
            tracing::warn!("not ready: database is not responding");
            let why = serde_json::json!({ "status": "database is not responding" });
            HttpResponse::ServiceUnavailable().json(why)
        }
    }
}

/// `/metrics`, for this machine only; a proxy in front does not pass them on.
pub async fn metrics(
    app: web::Data<App>,
    request: HttpRequest,
    metrics: web::Data<Option<PrometheusHandle>>,
) -> HttpResponse {
    let near = request.peer_addr().is_some_and(|peer| peer.ip().is_loopback())
        && !request.headers().contains_key("x-forwarded-for");
    match metrics.get_ref() {
        Some(handle) if near => {
            let load = tokio::time::timeout(PATIENCE, health::load(&app.db, None)).await;
            measure(&app, load.ok().and_then(Result::ok));
            HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(handle.render())
        }
        _ => HttpResponse::NotFound().finish(),
    }
}

/// Sets what there is to do. Without a database nothing is known of it: the last numbers stay, and
/// `console_database_up` says so.
#[allow(clippy::cast_precision_loss)]
fn measure(app: &App, load: Option<Load>) {
    gauge!("console_database_up").set(if load.is_some() { 1.0 } else { 0.0 });
    let Some(load) = load else { return };
    let oldest = load.inbox_since.map_or(0.0, |since| (app.clock.now() - since).as_seconds_f64());
    gauge!("console_inbox_waiting").set(load.inbox as f64);
    gauge!("console_inbox_oldest_seconds").set(oldest.max(0.0));
    gauge!("console_messages_queued").set(load.queue as f64);
    gauge!("console_messages_in_doubt").set(load.in_doubt as f64);
}
