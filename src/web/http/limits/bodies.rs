//! Limits of request bodies, before any handler reads one: how they are encoded, how large they are,
//! how long they take, and how many unfinished ones a client may have. The push endpoint has narrower
//! limits of its own.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage, HttpResponse};
use futures_util::Stream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};

use super::places::{Place, Places};
use crate::app::App;
use crate::web::http::client::client_ip;
use crate::web::http::error::WebError;
use crate::web::pushes;

/// The largest form without files in bytes. It has to fit many times a thousand phones in any
/// spelling.
pub const MAX_FORM_BYTES: usize = 2 << 20;
/// A form with files may have so many times the largest file, so that the form itself can say that a
/// file is too large, …
const TIMES_LARGEST_FILE: usize = 4;
/// … and so many bytes beside.
const MAX_BESIDE_FILE_BYTES: usize = 8 << 20;
/// How long a form without files may take to arrive.
const FORM_TIMEOUT: Duration = Duration::from_secs(30);
/// How often the progress of a form with files is checked, …
const FILE_TIMEOUT: Duration = Duration::from_secs(30);
/// … and how many bytes have to have arrived each time: 4 KiB per second.
const FILE_PROGRESS: usize = 120 << 10;
/// How long the rest of a body is held that is not read.
const HELD_FOR: Duration = Duration::from_secs(5);
/// How many are held at once. Each has up to 32 KiB in a buffer.
const MAX_HELD: usize = 256;
/// How many bodies of one client may be incomplete at once.
pub const MAX_INCOMPLETE: usize = 32;

/// The bodies of this process that are incomplete.
#[derive(Debug, Clone)]
pub struct IncompleteBodies(Places);

impl Default for IncompleteBodies {
    fn default() -> Self {
        Self(Places::new(MAX_INCOMPLETE))
    }
}

/// Why the rest of a body is not read.
#[derive(Debug, Clone, Copy)]
enum Stop {
    Encoded,
    Large,
    Slow,
    Many,
}

impl From<Stop> for WebError {
    fn from(stopped: Stop) -> Self {
        match stopped {
            Stop::Encoded => Self::Encoded,
            Stop::Large => Self::TooLarge,
            Stop::Slow => Self::TooSlow,
            Stop::Many => Self::TooManyBodies,
        }
    }
}

/// Middleware that refuses an encoded body, and stops reading one that exceeds a limit. Browsers
/// encode no form; unpacked, a few bytes of one could fill the memory.
pub async fn limit(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let limits = Limits::of(&request);
    let source = Rc::new(Source::of(request.take_payload()));
    if let Some(why) = limits.refuse(&request) {
        hold(source);
        return Ok(request.error_response(WebError::from(why)));
    }
    if !source.has_ended.get() {
        let body = LimitedBody::new(Rc::clone(&source), limits, &request);
        request.set_payload(Payload::Stream { payload: Box::pin(body) });
    }
    let response = next.call(request).await;
    let stopped = source.stopped.get();
    hold(source);
    match stopped {
        Some(why) => response.map(|response| {
            let refused = HttpResponse::from_error(WebError::from(why));
            ServiceResponse::new(response.request().clone(), refused)
        }),
        None => response.map(ServiceResponse::map_into_boxed_body),
    }
}

/// Holds the rest of a body that nobody reads until the response is on its way. The server closes
/// such a connection, but would read a chunked body that is dropped to its end, however long that
/// takes.
fn hold(source: Rc<Source>) {
    static HELD: Semaphore = Semaphore::const_new(MAX_HELD);
    if source.has_ended.get() {
        return;
    }
    // What is beyond the limit is dropped: a flood must not fill the memory with what nobody reads.
    let Ok(permit) = HELD.try_acquire() else { return };
    actix_web::rt::spawn(async move {
        tokio::time::sleep(HELD_FOR).await;
        drop((source, permit));
    });
}

fn is_encoded(request: &ServiceRequest) -> bool {
    request
        .headers()
        .get_all(CONTENT_ENCODING)
        .any(|coding| !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"))
}

fn declared_length(request: &ServiceRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The limits of one body.
#[derive(Debug, Clone, Copy)]
struct Limits {
    bytes: usize,
    timeout: Duration,
    /// How many bytes each `timeout` has to bring; `None` if it is the time for the whole body.
    progress: Option<usize>,
    /// Whether it is a push: UCloud may encode it, and the push endpoint, which looks at the secret before
    /// it reads a body, has narrower limits.
    is_push: bool,
}

impl Limits {
    fn of(request: &ServiceRequest) -> Self {
        let form = Self {
            bytes: MAX_FORM_BYTES,
            timeout: FORM_TIMEOUT,
            progress: None,
            is_push: request.path().starts_with("/hooks/"),
        };
        if form.is_push {
            return Self { bytes: 2 * pushes::MAX_BYTES, ..form };
        }
        if !request.content_type().eq_ignore_ascii_case("multipart/form-data") {
            return form;
        }
        let largest_file = request.app_data::<Data<App>>().map_or(0, |app| app.uploads.bytes);
        let largest_file = usize::try_from(largest_file).unwrap_or(usize::MAX);
        let beside = MAX_BESIDE_FILE_BYTES;
        Self {
            bytes: largest_file.saturating_mul(TIMES_LARGEST_FILE).saturating_add(beside),
            timeout: FILE_TIMEOUT,
            progress: Some(FILE_PROGRESS),
            is_push: false,
        }
    }

    /// Returns why a request is refused whatever its body holds.
    fn refuse(&self, request: &ServiceRequest) -> Option<Stop> {
        if self.is_push {
            None
        } else if is_encoded(request) {
            Some(Stop::Encoded)
        } else {
            declared_length(request).filter(|length| *length > self.bytes).map(|_| Stop::Large)
        }
    }
}

/// The body as it comes from the connection.
struct Source {
    payload: RefCell<Payload>,
    has_ended: Cell<bool>,
    stopped: Cell<Option<Stop>>,
}

impl Source {
    fn of(payload: Payload) -> Self {
        Self {
            has_ended: Cell::new(matches!(payload, Payload::None)),
            payload: RefCell::new(payload),
            stopped: Cell::new(None),
        }
    }
}

/// A body that ends with an error when it exceeds its limits.
struct LimitedBody {
    source: Rc<Source>,
    limits: Limits,
    received: usize,
    /// The bytes received when the timer was last set.
    received_before: usize,
    timer: Pin<Box<Sleep>>,
    client: Option<IpAddr>,
    incomplete: Option<Data<IncompleteBodies>>,
    place: Option<Place>,
}

impl LimitedBody {
    fn new(source: Rc<Source>, limits: Limits, request: &ServiceRequest) -> Self {
        Self {
            source,
            limits,
            received: 0,
            received_before: 0,
            timer: Box::pin(tokio::time::sleep(limits.timeout)),
            client: client_ip(request.request()).filter(|_| !limits.is_push),
            incomplete: request.app_data::<Data<IncompleteBodies>>().cloned(),
            place: None,
        }
    }

    fn stop(&mut self, why: Stop) -> Poll<Option<Result<Bytes, PayloadError>>> {
        self.source.stopped.set(Some(why));
        self.place = None;
        Poll::Ready(Some(Err(PayloadError::Overflow)))
    }

    /// Takes a place among the incomplete bodies, unless it has one. A body that arrives at once
    /// needs none.
    fn has_place(&mut self) -> bool {
        let (Some(client), Some(incomplete)) = (self.client, &self.incomplete) else { return true };
        if self.place.is_none() {
            self.place = incomplete.0.take(client);
        }
        self.place.is_some()
    }

    /// Returns whether the body is too slow; sets the timer for the next check.
    fn is_too_slow(&mut self, context: &mut Context<'_>) -> bool {
        while self.timer.as_mut().poll(context).is_ready() {
            let progress = self.received - self.received_before;
            if self.limits.progress.is_none_or(|least| progress < least) {
                return true;
            }
            self.received_before = self.received;
            self.timer.as_mut().reset(Instant::now() + self.limits.timeout);
        }
        false
    }
}

impl Stream for LimitedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.source.stopped.get().is_some() {
            return Poll::Ready(None);
        }
        if self.is_too_slow(context) {
            return self.stop(Stop::Slow);
        }
        let next = Pin::new(&mut *self.source.payload.borrow_mut()).poll_next(context);
        match next {
            Poll::Pending if !self.has_place() => self.stop(Stop::Many),
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(bytes))) => {
                self.received += bytes.len();
                if self.received > self.limits.bytes {
                    return self.stop(Stop::Large);
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            Poll::Ready(end) => {
                self.source.has_ended.set(end.is_none());
                self.place = None;
                Poll::Ready(end)
            }
        }
    }
}
