//! Flash messages: a sentence that the next page shows once.

use actix_session::SessionExt;
use actix_web::HttpRequest;
use serde::{Deserialize, Serialize};

use super::session;

/// The header of a request by `static/watch.js`.
const WATCH: &str = "x-watch";

/// A flash message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// What it says.
    pub sentence: String,
    /// Whether it says that something was not done as the person wanted.
    pub doubtful: bool,
}

/// Shows `sentence` once, on the next page of this login session.
pub fn say(request: &HttpRequest, sentence: &str) {
    store(request, Flash { sentence: sentence.to_owned(), doubtful: false });
}

/// Shows `sentence` once, as something that needs attention: nothing was changed, or not as wanted.
pub fn warn(request: &HttpRequest, sentence: &str) {
    store(request, Flash { sentence: sentence.to_owned(), doubtful: true });
}

/// Takes the message of this login session, to show it. A script that looks whether a page has changed
/// shows nothing, so it takes none.
pub fn take(request: &HttpRequest) -> Option<Flash> {
    if request.headers().contains_key(WATCH) {
        return None;
    }
    session::take_flash(&request.get_session())
}

/// Leaves the message that a page of progress would show to the page that follows it.
pub fn leave(request: &HttpRequest, flash: Option<Flash>) {
    if let Some(flash) = flash {
        store(request, flash);
    }
}

fn store(request: &HttpRequest, flash: Flash) {
    if let Err(error) = session::set_flash(&request.get_session(), flash) {
        tracing::warn!(%error, "cannot store flash message");
    }
}
