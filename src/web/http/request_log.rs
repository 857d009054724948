//! What the log says of a request: its id, which error pages show, where it went, from where it came
//! and who sent it. Neither the secret of a push URL nor a query is logged, and no phone.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{HttpMessage, HttpRequest};
use percent_encoding::percent_decode_str;
use tracing::{Span, field, info_span};
use tracing_actix_web::{RequestId, RootSpan, RootSpanBuilder};

use super::client::peer_ip;

/// The fewest digits of a phone, where a segment of a path is nothing but a number, …
const MIN_DIGITS: usize = 7;
/// … and the fewest in a row within other text.
const MIN_RUN: usize = 11;

/// The paths below which a secret stands.
const SECRET: [&str; 2] = ["hooks", "invitation"];
/// How many characters of a path are logged.
const MAX_PATH: usize = 200;

/// Builds the span of a request.
#[derive(Debug)]
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request.extensions().get::<RequestId>().map(ToString::to_string);
        info_span!(
            "request",
            request_id = id.unwrap_or_default(),
            method = %request.method(),
            path = shown_path(request.path()),
            client = peer_ip(request.request()),
            user = field::Empty,
            status = field::Empty,
        )
    }

    fn on_request_end<B: MessageBody>(
        span: Span,
        outcome: &Result<ServiceResponse<B>, actix_web::Error>,
    ) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        span.record("status", status.as_u16());
    }
}

/// Adds the person to what is logged of a request.
pub fn record_person(request: &HttpRequest, name: &str) {
    if let Some(span) = request.extensions().get::<RootSpan>() {
        span.record("user", name);
    }
}

/// Returns a path as it may be logged and stored. The server takes several slashes for one.
pub fn shown_path(path: &str) -> String {
    let path = percent_decode_str(path).decode_utf8_lossy();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    if let [first, _, ..] = segments.as_slice()
        && let Some(secret) = SECRET.iter().find(|secret| secret.eq_ignore_ascii_case(first))
    {
        return format!("/{secret}/•••");
    }
    let shown =
        segments.into_iter().map(|segment| if has_phone(segment) { "•••" } else { segment });
    let shown: String = shown.flat_map(|segment| ["/", segment]).collect();
    let shown: String = shown.chars().filter(|c| !c.is_control()).take(MAX_PATH).collect();
    if shown.is_empty() { "/".to_owned() } else { shown }
}

/// Returns whether a segment of a path may hold a phone.
fn has_phone(segment: &str) -> bool {
    let is_number = !segment.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let longest = segment.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    longest >= MIN_RUN || is_number && digits >= MIN_DIGITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_secrets_nor_phones_are_logged_and_ids_are() {
        for (path, shown) in [
            ("/hooks/0123456789abcdef", "/hooks/•••"),
            ("//hooks//0123456789abcdef", "/hooks/•••"),
            ("/%68ooks/0123456789abcdef/", "/hooks/•••"),
            ("/invitation/0123456789abcdef", "/invitation/•••"),
            ("/", "/"),
            ("//p/default/%0Aadmin", "/p/default/admin"),
            ("/p/default/replies/18500001234", "/p/default/replies/•••"),
            ("/p/default/replies/+85250001234", "/p/default/replies/•••"),
            ("/p/default/replies/%2B85250001234", "/p/default/replies/•••"),
            ("/p/default/replies/185-0000-1234", "/p/default/replies/•••"),
            (
                "/p/default/batches/b-06b0k21s4wg1a/preview",
                "/p/default/batches/b-06b0k21s4wg1a/preview",
            ),
            ("/p/default/signatures/SIG0001", "/p/default/signatures/SIG0001"),
        ] {
            assert_eq!(shown_path(path), shown, "{path}");
        }
    }
}
