//! For those who watch the console from outside.

use actix_web::{HttpRequest, HttpResponse, web};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::app::App;

/// `/healthz`: the process runs.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok" }))
}

/// `/readyz`: the database answers.
pub async fn readyz(app: web::Data<App>) -> HttpResponse {
    match app.db.acquire().await {
        Ok(_) => HttpResponse::Ok().json(serde_json::json!({ "status": "ready" })),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            let why = serde_json::json!({ "status": "the database does not answer" });
            HttpResponse::ServiceUnavailable().json(why)
        }
    }
}

/// `/metrics`, for this machine only; a proxy in front does not pass them on.
pub async fn metrics(
    request: HttpRequest,
    metrics: web::Data<Option<PrometheusHandle>>,
) -> HttpResponse {
    let near = request.peer_addr().is_some_and(|peer| peer.ip().is_loopback())
        && !request.headers().contains_key("x-forwarded-for");
    match metrics.get_ref() {
        Some(handle) if near => {
            HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(handle.render())
        }
        _ => HttpResponse::NotFound().finish(),
    }
}
