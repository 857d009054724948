//! `POST /hooks/{secret}`: the vendor's pushes. What is answered with code 0 is on disk; any other
//! answer makes the vendor push it again, three times, a second apart, and then never.
//!
//! The door looks at the secret first, then at the address, then at the pace, and only then at the
//! body. A right secret is never slowed by wrong ones that come from the same address.

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

use super::form::peer_address;
use crate::app::App;
use crate::db::push_url::{self as rows, Opened};
use crate::domain::network::Network;
use crate::ops::{push_inbox, push_url};
use limits::Limits;
use tally::{Seen, Tally};

/// A push is at most this large, unpacked.
pub const MAX_BYTES: usize = 4 << 20;
/// A body is whole within this long, or is cut: the vendor's come in one piece.
const BODY_WITHIN: Duration = Duration::from_secs(5);
/// How long the database may take to know a secret. Quick enough for whoever waits, and long enough
/// that four tries outlive a restart of the database.
const KNOWN_WITHIN: Duration = Duration::from_secs(2);

/// What the door remembers in this process.
#[derive(Debug, Clone)]
pub struct PushEndpoint {
    limits: Limits,
    tally: Tally,
}

impl PushEndpoint {
    /// The door of a process.
    pub fn new(app: &App) -> Self {
        Self { limits: Limits::default(), tally: Tally::new(app.clone()) }
    }
}

/// Why a push is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// No such secret, or not from there: the same answer, so that a guess learns nothing.
    Unknown,
    /// Too many pushes.
    TooMany,
    /// The body is too large.
    TooLarge,
    /// The body does not come.
    TooSlow,
    /// The body broke off.
    Broken,
    /// It cannot be kept now.
    NotKept,
}

impl Refusal {
    fn answer(self) -> HttpResponse {
        let (status, message) = match self {
            Self::Unknown => (StatusCode::NOT_FOUND, "unknown push URL"),
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too many pushes, retry later"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "push is larger than 4 MB"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "push timed out, retry"),
            Self::Broken => (StatusCode::BAD_REQUEST, "push was interrupted, retry"),
            Self::NotKept => (StatusCode::SERVICE_UNAVAILABLE, "push not stored, retry"),
        };
        refused(HttpResponse::build(status).force_close(), status, message)
    }
}

fn refused(answer: &mut HttpResponseBuilder, status: StatusCode, message: &str) -> HttpResponse {
    answer.json(json!({ "code": status.as_u16(), "message": message }))
}

/// Takes a push in. Any answer but code 0 makes the vendor push it again.
pub async fn push(
    app: Data<App>,
    door: Data<PushEndpoint>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    match take(&app, &door, &request, payload).await {
        Ok(()) => HttpResponse::Ok().json(json!({ "code": 0, "message": "ok" })),
        Err(refusal) => {
            tracing::info!(?refusal, "push rejected");
            refusal.answer()
        }
    }
}

/// What is no POST.
pub async fn no_push() -> HttpResponse {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    refused(HttpResponse::build(status).insert_header((ALLOW, "POST")), status, "POST it")
}

async fn take(
    app: &App,
    door: &PushEndpoint,
    request: &HttpRequest,
    payload: Payload,
) -> Result<(), Refusal> {
    let address = peer_address(request);
    let secret = request.match_info().get("secret").unwrap_or_default();
    let Some(opened) = known(app, secret).await? else {
        door.limits.slow_down(&address).await;
        return Err(Refusal::Unknown);
    };
    let project = opened.project;
    let mark = request.query_string().strip_prefix("test=");
    let is_test = mark.is_some_and(|mark| push_url::is_test(app, project, mark));
    if !is_test && !may_come(&opened, &address) {
        door.tally.refused(project, &address);
        door.limits.slow_down(&address).await;
        return Err(Refusal::Unknown);
    }
    if !door.limits.may_push(project) {
        return Err(Refusal::TooMany);
    }
    let body = read(request, payload).await?;
    push_inbox::store(app, project, &body).await.map_err(|error| not_kept(&error))?;
    if !is_test {
        door.tally.came(Seen { project, kind: tally::kind_of(&body), with_old: opened.is_old });
    }
    Ok(())
}

async fn known(app: &App, secret: &str) -> Result<Option<Opened>, Refusal> {
    let hash = Sha256::digest(secret.as_bytes());
    let asked = rows::open(&app.db, &hash, app.clock.now());
    match tokio::time::timeout(KNOWN_WITHIN, asked).await {
        Ok(opened) => opened.map_err(|error| not_kept(&error)),
        Err(_) => Err(not_kept(&sqlx::Error::PoolTimedOut)),
    }
}

fn may_come(opened: &Opened, address: &str) -> bool {
    let mut networks = opened.networks.iter().filter_map(|one| one.parse::<Network>().ok());
    opened.networks.is_empty()
        || address.parse().is_ok_and(|address| networks.any(|one| one.contains(address)))
}

async fn read(request: &HttpRequest, payload: Payload) -> Result<Vec<u8>, Refusal> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let announced = header(CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > MAX_BYTES) {
        return Err(Refusal::TooLarge);
    }
    let is_packed = header(CONTENT_ENCODING).is_some_and(|way| way.eq_ignore_ascii_case("gzip"));
    let read = tokio::time::timeout(BODY_WITHIN, received(payload));
    let body = read.await.unwrap_or(Err(Refusal::TooSlow))?;
    if is_packed { unpacked(body) } else { Ok(body) }
}

async fn received(mut payload: Payload) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|_| Refusal::Broken)?;
        if body.len() + piece.len() > MAX_BYTES {
            return Err(Refusal::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// Unpacks no further than a push may be large: a few bytes can be made to unpack to gigabytes. What
/// is not packed as it says stays as it came; whoever looks at it sees that.
fn unpacked(body: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    let mut plain = Vec::new();
    let mut unpacking = GzDecoder::new(body.as_slice()).take(MAX_BYTES as u64 + 1);
    match unpacking.read_to_end(&mut plain) {
        Ok(_) if plain.len() > MAX_BYTES => Err(Refusal::TooLarge),
        Ok(_) => Ok(plain),
        Err(_) => Ok(body),
    }
}

fn not_kept(error: &sqlx::Error) -> Refusal {
    tracing::error!(%error, "cannot store a push; UCloud will retry");
    Refusal::NotKept
}
