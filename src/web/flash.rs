//! One sentence for the next page.

use actix_session::SessionExt;
use actix_web::HttpRequest;

use super::session;

/// Says `sentence` on the next page that is shown.
pub fn say(request: &HttpRequest, sentence: &str) {
    if let Err(error) = session::keep_flash(&request.get_session(), sentence) {
        tracing::warn!(%error, "cannot store flash message");
    }
}
