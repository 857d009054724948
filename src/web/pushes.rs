//! `POST /hooks/{secret}`: the push endpoint. A push that gets the response code 0 is on disk.
//! On any other response the vendor pushes again, three times, a second apart, and then never.
//!
//! The endpoint checks the secret first, then the sender's IP, then the rate, and reads the body
//! last. Requests with wrong secrets never slow down one with the right secret from the same IP.

pub mod limits;
pub mod tally;

use std::io::Read;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use flate2::read::GzDecoder;
use futures_util::StreamExt;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::http::form::peer_ip;
use crate::app::App;
use crate::db::receipts::push_url::{self as rows, Opened};
use crate::domain::network::Network;
use crate::ops::receipts::{push_inbox, push_url};
use limits::Limits;
use tally::{StoredPush, Tally};

/// The largest push in bytes, decompressed.
pub const MAX_BYTES: usize = 4 << 20;
/// How long a body may take to arrive. The vendor sends its bodies at once.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the database may take to look up a secret. Short enough for the vendor, which waits,
/// and long enough that its four attempts outlast a restart of the database.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// The rate limits and counts of this process's push endpoint.
#[derive(Debug, Clone)]
pub struct PushEndpoint {
    limits: Limits,
    tally: Tally,
}

impl PushEndpoint {
    /// Returns the endpoint of a process, with all limits unused.
    pub fn new(app: &App) -> Self {
        Self { limits: Limits::default(), tally: Tally::new(app.clone()) }
    }
}

/// Why a push is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// The secret is unknown, or the IP may not push. Both get the same response, so that guessing
    /// secrets reveals nothing.
    Unknown,
    /// Too many pushes.
    TooMany,
    /// The body is too large.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// The connection ended before the body did.
    Interrupted,
    /// The database cannot store it now.
    NotStored,
}

impl Refusal {
    fn response(self) -> HttpResponse {
        let (status, message) = match self {
            Self::Unknown => (StatusCode::NOT_FOUND, "unknown push URL"),
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too many pushes, retry later"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "push is larger than 4 MB"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "push timed out, retry"),
            Self::Interrupted => (StatusCode::BAD_REQUEST, "push was interrupted, retry"),
            Self::NotStored => (StatusCode::SERVICE_UNAVAILABLE, "push not stored, retry"),
        };
        refused(HttpResponse::build(status).force_close(), status, message)
    }
}

fn refused(response: &mut HttpResponseBuilder, status: StatusCode, message: &str) -> HttpResponse {
    response.json(json!({ "code": status.as_u16(), "message": message }))
}

/// Stores a push in the push inbox. On any response but code 0 the vendor pushes again.
pub async fn push(
    app: Data<App>,
    endpoint: Data<PushEndpoint>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    match receive(&app, &endpoint, &request, payload).await {
        Ok(()) => HttpResponse::Ok().json(json!({ "code": 0, "message": "ok" })),
        Err(refusal) => {
            tracing::info!(?refusal, "push rejected");
            refusal.response()
        }
    }
}

/// Responds to any method but POST.
pub async fn method_not_allowed() -> HttpResponse {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    refused(HttpResponse::build(status).insert_header((ALLOW, "POST")), status, "POST it")
}

async fn receive(
    app: &App,
    endpoint: &PushEndpoint,
    request: &HttpRequest,
    payload: Payload,
) -> Result<(), Refusal> {
    let ip = peer_ip(request);
    let secret = request.match_info().get("secret").unwrap_or_default();
    let Some(opened) = find_project(app, secret).await? else {
        endpoint.limits.slow_down(&ip).await;
        return Err(Refusal::Unknown);
    };
    let project = opened.project;
    let token = request.query_string().strip_prefix("test=");
    let is_test = token.is_some_and(|token| push_url::is_test(app, project, token));
    if !is_test && !may_push_from(&opened, &ip) {
        endpoint.tally.count_refused(project, &ip);
        endpoint.limits.slow_down(&ip).await;
        return Err(Refusal::Unknown);
    }
    if !endpoint.limits.may_push(project) {
        return Err(Refusal::TooMany);
    }
    let body = read_body(request, payload).await?;
    push_inbox::store(app, project, &body).await.map_err(|error| not_stored(&error))?;
    if !is_test {
        endpoint.tally.count(StoredPush {
            project,
            kind: tally::kind_of(&body),
            with_old: opened.is_old,
        });
    }
    Ok(())
}

async fn find_project(app: &App, secret: &str) -> Result<Option<Opened>, Refusal> {
    let hash = Sha256::digest(secret.as_bytes());
    let lookup = rows::open(&app.db, &hash, app.clock.now());
    match tokio::time::timeout(LOOKUP_TIMEOUT, lookup).await {
        Ok(opened) => opened.map_err(|error| not_stored(&error)),
        Err(_) => Err(not_stored(&sqlx::Error::PoolTimedOut)),
    }
}

fn may_push_from(opened: &Opened, ip: &str) -> bool {
    let mut networks = opened.networks.iter().filter_map(|network| network.parse::<Network>().ok());
    opened.networks.is_empty()
        || ip.parse().is_ok_and(|ip| networks.any(|network| network.contains(ip)))
}

async fn read_body(request: &HttpRequest, payload: Payload) -> Result<Vec<u8>, Refusal> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let declared = header(CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if declared.is_some_and(|bytes| bytes > MAX_BYTES) {
        return Err(Refusal::TooLarge);
    }
    let is_gzip =
        header(CONTENT_ENCODING).is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
    let read = tokio::time::timeout(BODY_TIMEOUT, read_payload(payload));
    let body = read.await.unwrap_or(Err(Refusal::TooSlow))?;
    if is_gzip { decompress(body) } else { Ok(body) }
}

async fn read_payload(mut payload: Payload) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refusal::Interrupted)?;
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(Refusal::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Decompresses a gzip body, but no further than [`MAX_BYTES`]: a few bytes can decompress to
/// gigabytes. A body that is not gzip is stored as it came, so that a person can look at it.
fn decompress(body: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    let mut plain = Vec::new();
    let mut decoder = GzDecoder::new(body.as_slice()).take(MAX_BYTES as u64 + 1);
    match decoder.read_to_end(&mut plain) {
        Ok(_) if plain.len() > MAX_BYTES => Err(Refusal::TooLarge),
        Ok(_) => Ok(plain),
        Err(_) => Ok(body),
    }
}

fn not_stored(error: &sqlx::Error) -> Refusal {
    tracing::error!(%error, "cannot store a push; UCloud will retry");
    Refusal::NotStored
}
