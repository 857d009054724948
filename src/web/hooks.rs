//! `POST /hooks/{secret}`: the vendor's pushes. What is answered with code 0 is on disk.

use actix_web::{HttpResponse, web};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::db::projects;
use crate::ops::receive;

/// A push is at most this large.
pub const MOST_BYTES: usize = 4 << 20;

/// Takes a push in. Any answer but code 0 makes the vendor push it again.
pub async fn push(
    app: web::Data<App>,
    secret: web::Path<String>,
    body: web::Bytes,
) -> HttpResponse {
    let hash = Sha256::digest(secret.as_bytes());
    match projects::by_hook_hash(&app.db, &hash).await {
        Ok(Some(project)) => match receive::take_in(&app, project, &body).await {
            Ok(()) => HttpResponse::Ok().json(json!({ "code": 0, "message": "ok" })),
            Err(error) => not_kept(&error),
        },
        Ok(None) => {
            HttpResponse::NotFound().json(json!({ "code": 404, "message": "unknown address" }))
        }
        Err(error) => not_kept(&error),
    }
}

fn not_kept(error: &sqlx::Error) -> HttpResponse {
    tracing::error!(%error, "a push could not be kept; the vendor will push it again");
    HttpResponse::ServiceUnavailable().json(json!({ "code": 1, "message": "push again" }))
}
