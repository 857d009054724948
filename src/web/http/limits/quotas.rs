//! What a person may use at once in this process: streams of events, files, and searches. The numbers
//! are in [`domain::limits`](crate::domain::limits).

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage, HttpRequest};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::domain::ids::UserId;
use crate::domain::limits::Quota;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;

/// The places of each person.
#[derive(Debug, Default)]
pub struct Limits(Mutex<HashMap<(UserId, Quota), Arc<Semaphore>>>);

impl Limits {
    /// Takes a place, which is free again when the result is dropped.
    async fn take(&self, person: UserId, quota: Quota) -> Result<OwnedSemaphorePermit, WebError> {
        let places = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry((person, quota))
                .or_insert_with(|| Arc::new(Semaphore::new(quota.limit())))
                .clone()
        };
        match places.clone().try_acquire_owned() {
            Ok(place) => Ok(place),
            Err(_) => match timeout(quota.patience(), places.acquire_owned()).await {
                Ok(Ok(place)) => Ok(place),
                Ok(Err(_)) | Err(_) => Err(WebError::TooMany(quota)),
            },
        }
    }
}

async fn place(request: &HttpRequest, quota: Quota) -> Result<OwnedSemaphorePermit, WebError> {
    let missing = || WebError::Internal("no limits".to_owned());
    let limits = request.app_data::<Data<Limits>>().cloned().ok_or_else(missing)?;
    let person = request.extensions().get::<Member>().map(|member| member.person.id);
    limits.take(person.ok_or(WebError::NotFound)?, quota).await
}

/// Middleware of searches and statistics: a few of each person run at once.
pub async fn queries(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match place(request.request(), Quota::Queries).await {
        Ok(_place) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        Err(error) => Ok(request.error_response(error)),
    }
}

/// Middleware of files: a few of each person are sent at once.
pub async fn exports(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    until_sent(Quota::Exports, request, next).await
}

/// Middleware of streams of events: a few of each person are open at once.
pub async fn streams(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    until_sent(Quota::Streams, request, next).await
}

/// Holds a place until the whole body is sent, or the browser has gone.
async fn until_sent(
    quota: Quota,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match place(request.request(), quota).await {
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
