//! Flash messages: a sentence that the next page shows once.

use actix_session::SessionExt;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use super::member::Member;
use super::page;

/// The key in the login session.
const KEY: &str = "flash";
/// The header of a request by a script, such as `static/watch.js`.
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

/// Returns whether a script asks for the page, while another page is shown.
pub fn is_by_script(request: &HttpRequest) -> bool {
    request.headers().contains_key(WATCH)
}

/// Takes the message of this login session, to show it. A script that looks whether a page has changed
/// shows nothing, so it takes none.
pub fn take(request: &HttpRequest) -> Option<Flash> {
    if is_by_script(request) {
        return None;
    }
    let session = request.get_session();
    let flash = session.get::<Flash>(KEY).ok().flatten()?;
    session.remove(KEY);
    Some(flash)
}

/// Leaves the message that a page of progress would show to the page that follows it.
pub fn leave(request: &HttpRequest, flash: Option<Flash>) {
    if let Some(flash) = flash {
        store(request, flash);
    }
}

/// Redirects to `href`, which then shows the text `key` once.
pub fn redirect_with_flash(
    request: &HttpRequest,
    member: &Member,
    key: &str,
    href: &str,
) -> HttpResponse {
    say(request, &member.texts(request).t(key));
    page::see_other(href)
}

fn store(request: &HttpRequest, flash: Flash) {
    if let Err(error) = request.get_session().insert(KEY, flash) {
        tracing::warn!(%error, "cannot store flash message");
    }
}
