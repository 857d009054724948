//! The page in place of a form that cannot be submitted now: why not, and what was typed, so that
//! it is not lost.

use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Standing, section};
use crate::app::App;
use crate::domain::review::Subject;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::ui::layout::Layout;

/// A signature or template that cannot be changed.
pub struct Locked {
    /// Which of both.
    pub subject: Subject,
    /// The vendor's id.
    pub vendor_id: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub standing: Standing,
    /// The last part of the text key of the reason.
    pub why: String,
    /// The text keys of fields with what was typed in them; empty if no form was posted.
    pub typed: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "pages/review/locked.html")]
struct LockedPage {
    l: Layout,
    back: String,
    why: String,
    typed: Vec<(String, String)>,
    locked: Locked,
}

/// Shows why it cannot be changed.
pub async fn show(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    locked: Locked,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(member, app, request, section(locked.subject)).await?;
    let filled_in = locked.typed.iter().filter(|(_, value)| !value.is_empty());
    let page = LockedPage {
        back: l.urls.reviewed(locked.subject, &locked.vendor_id),
        why: l.t(&format!("locked-{}-{}", locked.subject.key(), locked.why)),
        typed: filled_in.map(|(key, value)| (l.t(key), value.clone())).collect(),
        locked,
        l,
    };
    if page.typed.is_empty() { page::ok(&page) } else { page::unprocessable(&page) }
}
