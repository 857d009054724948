//! Fault injection: what the network and the vendor may do to a call.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// How long a hanging call stays open.
const HANG: Duration = Duration::from_secs(3600);

/// The kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sandbox) enum Kind {
    /// The response has a RetCode other than 0.
    RetCode,
    /// The response is the normal one, with a RetCode other than 0 beside it.
    Complaint,
    /// The response is late.
    Delay,
    /// The response never comes.
    Hang,
    /// The connection breaks before the call takes effect.
    ResetBefore,
    /// The connection breaks after the call took effect.
    ResetAfter,
    /// The response is half a JSON document.
    BrokenJson,
    /// The response is HTTP 500 without a body.
    #[serde(rename = "http_500")]
    Http500,
    /// The response is another HTTP status with a web page, as a proxy in front would answer.
    HttpStatus,
    /// The response is a web page.
    Html,
    /// `Data` has its required fields only.
    FewerFields,
}

/// A fault that was ordered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Fault {
    /// The action that it strikes; any if absent.
    #[serde(default)]
    pub(in crate::sandbox) action: Option<String>,
    pub(in crate::sandbox) kind: Kind,
    #[serde(default = "default_ret_code")]
    pub(in crate::sandbox) ret_code: i64,
    #[serde(default = "default_millis")]
    pub(in crate::sandbox) millis: u64,
    #[serde(default = "default_status")]
    pub(in crate::sandbox) status: u16,
    /// How many calls it strikes; 0 means all of them until it is cleared.
    #[serde(default = "default_times")]
    pub(in crate::sandbox) times: u32,
    /// Whether a RetCode of SendBatchUSMSMessage comes with `FailContent` that names all phones.
    #[serde(default)]
    pub(in crate::sandbox) fail_content: bool,
    /// Whether the call takes effect in spite of the fault; if absent, the kind decides.
    #[serde(default)]
    taken: Option<bool>,
}

fn default_ret_code() -> i64 {
    150
}

fn default_millis() -> u64 {
    500
}

fn default_status() -> u16 {
    503
}

fn default_times() -> u32 {
    1
}

impl Fault {
    /// Returns whether the call takes effect in spite of the fault.
    pub(in crate::sandbox) fn takes_effect(&self) -> bool {
        self.taken.unwrap_or(!matches!(self.kind, Kind::RetCode | Kind::ResetBefore))
    }

    /// Returns the response that replaces the right one; `None` to send the right one. A delay
    /// counts from `received_at`.
    pub(in crate::sandbox) async fn respond(&self, received_at: Instant) -> Option<HttpResponse> {
        match self.kind {
            Kind::RetCode | Kind::Complaint | Kind::FewerFields => None,
            Kind::Delay => {
                tokio::time::sleep_until(received_at + Duration::from_millis(self.millis)).await;
                None
            }
            Kind::Hang => {
                tokio::time::sleep(HANG).await;
                Some(broken_response())
            }
            Kind::ResetBefore | Kind::ResetAfter => Some(broken_response()),
            Kind::BrokenJson => Some(
                HttpResponse::Ok().content_type(ContentType::json()).body(r#"{"RetCode":0,"Act"#),
            ),
            Kind::Http500 => Some(HttpResponse::InternalServerError().finish()),
            Kind::HttpStatus => {
                let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_GATEWAY);
                let mut page = HttpResponse::build(status);
                page.content_type(ContentType::html());
                Some(page.body("<html><body><h1>no upstream</h1></body></html>"))
            }
            Kind::Html => Some(
                HttpResponse::Ok()
                    .content_type(ContentType::html())
                    .body("<html><body><h1>502 Bad Gateway</h1></body></html>"),
            ),
        }
    }
}

/// Returns a response that breaks off, so that the caller sees a broken connection.
fn broken_response() -> HttpResponse {
    let broken = stream::once(async { Err(std::io::Error::other("cut by order")) });
    HttpResponse::Ok().body(SizedStream::new(1000, broken))
}

/// The faults that wait for calls.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Faults(Vec<Fault>);

impl Faults {
    /// Adds a fault after the others.
    pub(in crate::sandbox) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Removes all faults.
    pub(in crate::sandbox) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the faults that wait.
    pub(in crate::sandbox) fn all(&self) -> &[Fault] {
        &self.0
    }

    /// Returns the first fault for this action, and counts the call as struck.
    pub(in crate::sandbox) fn strike(&mut self, action: &str) -> Option<Fault> {
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
