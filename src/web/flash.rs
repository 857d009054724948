//! Flash messages: a sentence that the next page shows once.

use actix_session::SessionExt;
use actix_web::HttpRequest;

use super::session;

/// Shows `sentence` once, on the next page of this login session.
pub fn say(request: &HttpRequest, sentence: &str) {
    if let Err(error) = session::set_flash(&request.get_session(), sentence) {
        tracing::warn!(%error, "cannot store flash message");
    }
}
