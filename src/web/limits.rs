//! What a person may use at once in this process: streams of events, files, and searches. The numbers
//! are in [`domain::limits`](crate::domain::limits).

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage, HttpRequest};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::error::WebError;
use super::member::Member;
use crate::domain::ids::UserId;
use crate::domain::limits::{MAX_EXPORTS, MAX_QUERIES, MAX_QUERY_WAIT, MAX_STREAMS};

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Streams of events.
    Streams,
    /// Files that are downloaded.
    Exports,
    /// Searches and statistics.
    Queries,
}

impl Kind {
    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Streams => "streams",
            Self::Exports => "exports",
            Self::Queries => "queries",
        }
    }

    fn limit(self) -> usize {
        match self {
            Self::Streams => MAX_STREAMS,
            Self::Exports => MAX_EXPORTS,
            Self::Queries => MAX_QUERIES,
        }
    }

    /// Returns how long to wait for a place.
    fn patience(self) -> Duration {
        match self {
            Self::Streams | Self::Exports => Duration::ZERO,
            Self::Queries => MAX_QUERY_WAIT,
        }
    }
}

/// The places of each person.
#[derive(Debug, Default)]
pub struct Limits(Mutex<HashMap<(UserId, Kind), Arc<Semaphore>>>);

impl Limits {
    /// Takes a place, which is free again when the result is dropped.
    async fn take(&self, person: UserId, kind: Kind) -> Result<OwnedSemaphorePermit, WebError> {
        let places = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry((person, kind))
                .or_insert_with(|| Arc::new(Semaphore::new(kind.limit())))
                .clone()
        };
        match places.clone().try_acquire_owned() {
            Ok(place) => Ok(place),
            Err(_) => match timeout(kind.patience(), places.acquire_owned()).await {
                Ok(Ok(place)) => Ok(place),
                Ok(Err(_)) | Err(_) => Err(WebError::TooMany(kind)),
            },
        }
    }
}

async fn place(request: &HttpRequest, kind: Kind) -> Result<OwnedSemaphorePermit, WebError> {
    let missing = || WebError::Internal("no limits".to_owned());
    let limits = request.app_data::<Data<Limits>>().cloned().ok_or_else(missing)?;
    let person = request.extensions().get::<Member>().map(|member| member.person.id);
    limits.take(person.ok_or(WebError::NotFound)?, kind).await
}

/// Middleware of searches and statistics: a few of each person run at once.
pub async fn queries(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match place(request.request(), Kind::Queries).await {
        Ok(_place) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        Err(error) => Ok(request.error_response(error)),
    }
}

/// Middleware of files: a few of each person are sent at once.
pub async fn exports(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    until_sent(Kind::Exports, request, next).await
}

/// Middleware of streams of events: a few of each person are open at once.
pub async fn streams(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    until_sent(Kind::Streams, request, next).await
}

/// Holds a place until the whole body is sent, or the browser has gone.
async fn until_sent(
    kind: Kind,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match place(request.request(), kind).await {
        Ok(place) => {
            let response = next.call(request).await?.map_into_boxed_body();
            Ok(response.map_body(|_, body| Held { body, _place: place }.boxed()))
        }
        Err(error) => Ok(request.error_response(error)),
    }
}

/// A body that holds a place until it is dropped.
struct Held {
    body: BoxBody,
    _place: OwnedSemaphorePermit,
}

impl MessageBody for Held {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
