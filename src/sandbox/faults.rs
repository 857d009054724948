//! Faults on demand: what the network and the vendor may do to a call.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header::ContentType;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// How long a hanging call hangs.
const HANG: Duration = Duration::from_secs(3600);

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The answer is a RetCode.
    RetCode,
    /// The answer comes late.
    Delay,
    /// The answer never comes.
    Hang,
    /// The connection is cut before anything is taken.
    ResetBefore,
    /// The connection is cut after the call was taken.
    ResetAfter,
    /// The answer is half a JSON document.
    BrokenJson,
    /// The answer is HTTP 500 without a body.
    #[serde(rename = "http_500")]
    Http500,
    /// The answer is a web page.
    Html,
    /// `Data` has the least that it can have.
    FewerFields,
}

/// An order for a fault.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Fault {
    /// The action it strikes; any when missing.
    #[serde(default)]
    pub(super) action: Option<String>,
    pub(super) kind: Kind,
    #[serde(default = "default_ret_code")]
    pub(super) ret_code: i64,
    #[serde(default = "default_millis")]
    pub(super) millis: u64,
    /// How many calls it strikes; 0 is all of them until it is cleared.
    #[serde(default = "default_times")]
    pub(super) times: u32,
    /// Whether the call takes effect all the same; the kind decides when this is missing.
    #[serde(default)]
    taken: Option<bool>,
}

fn default_ret_code() -> i64 {
    150
}

fn default_millis() -> u64 {
    500
}

fn default_times() -> u32 {
    1
}

impl Fault {
    /// Whether the call takes effect all the same.
    pub(super) fn taken(&self) -> bool {
        self.taken.unwrap_or(!matches!(self.kind, Kind::RetCode | Kind::ResetBefore))
    }

    /// The answer that the caller gets in place of the right one; `None` to give the right one. A delay
    /// begins when the call `came`.
    pub(super) async fn answer(&self, came: Instant) -> Option<HttpResponse> {
        match self.kind {
            Kind::RetCode | Kind::FewerFields => None,
            Kind::Delay => {
                tokio::time::sleep_until(came + Duration::from_millis(self.millis)).await;
                None
            }
            Kind::Hang => {
                tokio::time::sleep(HANG).await;
                Some(cut())
            }
            Kind::ResetBefore | Kind::ResetAfter => Some(cut()),
            Kind::BrokenJson => Some(
                HttpResponse::Ok().content_type(ContentType::json()).body(r#"{"RetCode":0,"Act"#),
            ),
            Kind::Http500 => Some(HttpResponse::InternalServerError().finish()),
            Kind::Html => Some(
                HttpResponse::Ok()
                    .content_type(ContentType::html())
                    .body("<html><body><h1>502 Bad Gateway</h1></body></html>"),
            ),
        }
    }
}

/// A response that breaks off, so that the caller sees a cut connection.
fn cut() -> HttpResponse {
    let broken = stream::once(async { Err(std::io::Error::other("cut by order")) });
    HttpResponse::Ok().body(SizedStream::new(1000, broken))
}

/// The faults that wait for a call.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    /// Adds an order behind the others.
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Takes all orders back.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The orders that wait.
    pub(super) fn all(&self) -> &[Fault] {
        &self.0
    }

    /// The fault that strikes this call, which is then used up by one.
    pub(super) fn strike(&mut self, action: &str) -> Option<Fault> {
        let position = self
            .0
            .iter()
            .position(|fault| fault.action.as_deref().is_none_or(|wanted| wanted == action))?;
        let fault = self.0.get_mut(position)?;
        let struck = fault.clone();
        match fault.times {
            0 => {}
            1 => {
                self.0.remove(position);
            }
            _ => fault.times -= 1,
        }
        Some(struck)
    }
}
