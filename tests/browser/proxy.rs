//! A reverse proxy in front of the console that answers some requests itself, as proxies do.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::StreamExt as _;

use crate::harness::http;

/// What the proxy answers next to requests whose path ends with `suffix`: a status and a body, or
/// nothing if it cuts the connection.
type Answers = Arc<Mutex<VecDeque<(&'static str, Option<(u16, &'static str)>)>>>;

/// A running proxy.
pub struct Proxy {
    pub address: SocketAddr,
    answers: Answers,
    holds: Arc<AtomicBool>,
}

impl Proxy {
    /// Starts a proxy in front of the server at `upstream`.
    pub fn start(upstream: SocketAddr) -> Self {
        let answers = Answers::default();
        let holds = Arc::new(AtomicBool::new(false));
        let (shared, holding) = (answers.clone(), holds.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::PayloadConfig::new(20 << 20))
                .app_data(web::Data::new((upstream, shared.clone(), holding.clone())))
                .default_service(web::to(pass))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let address = server.addrs()[0];
        tokio::spawn(server.run());
        Self { address, answers, holds }
    }

    /// Holds streams of events back, as a proxy that buffers does, or lets them flow.
    pub fn hold_streams(&self, hold: bool) {
        self.holds.store(hold, Ordering::Relaxed);
    }

    /// Answers the next request whose path ends with `suffix` itself.
    pub fn answer(&self, suffix: &'static str, answer: Option<(u16, &'static str)>) {
        self.answers.lock().unwrap().push_back((suffix, answer));
    }

    /// Answers no request itself any more.
    pub fn pass_all(&self) {
        self.answers.lock().unwrap().clear();
    }
}

async fn pass(
    request: HttpRequest,
    body: web::Bytes,
    state: web::Data<(SocketAddr, Answers, Arc<AtomicBool>)>,
) -> HttpResponse {
    let (upstream, answers, holds) = state.get_ref();
    let own = {
        let mut answers = answers.lock().unwrap();
        let struck = |(suffix, _): &(&str, _)| {
            request.path().ends_with(suffix)
                && (request.method() == "POST" || !suffix.ends_with("/new"))
        };
        let position = answers.iter().position(struck);
        position.and_then(|position| answers.remove(position))
    };
    match own {
        Some((_, Some((status, body)))) => {
            let status = actix_web::http::StatusCode::from_u16(status).unwrap();
            return HttpResponse::build(status).content_type("text/html").body(body);
        }
        Some((_, None)) => {
            // A browser asks again by itself when it has received nothing at all.
            let broken = futures_util::stream::iter([
                Ok(web::Bytes::from_static(b"<")),
                Err(std::io::Error::other("cut")),
            ])
            .then(async |part| {
                tokio::time::sleep(Duration::from_millis(50)).await;
                part
            });
            return HttpResponse::Ok().body(actix_web::body::SizedStream::new(9, Box::pin(broken)));
        }
        None => {}
    }
    let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes()).unwrap();
    let mut onward = http().request(method, format!("http://{upstream}{}", request.uri()));
    for (name, value) in request.headers() {
        if name != "accept-encoding" && name != "content-length" {
            onward = onward.header(name.as_str(), value.as_bytes());
        }
    }
    let answer = onward.body(body).send().await.unwrap();
    let status = actix_web::http::StatusCode::from_u16(answer.status().as_u16()).unwrap();
    let mut back = HttpResponse::build(status);
    for (name, value) in answer.headers() {
        if name != "content-length" && name != "transfer-encoding" && name != "connection" {
            back.append_header((name.as_str(), value.as_bytes()));
        }
    }
    // Events are passed on as they come, unless they are held.
    let is_stream = request.path().ends_with("/events");
    let holds = holds.clone();
    let bytes =
        futures_util::stream::unfold((answer, holds), move |(mut answer, holds)| async move {
            let chunk = answer.chunk().await.ok()??;
            while is_stream && holds.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Some((Ok::<_, std::io::Error>(chunk), (answer, holds)))
        });
    back.streaming(bytes)
}
