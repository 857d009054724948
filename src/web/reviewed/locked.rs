//! A form whose subject cannot be changed now: why not, and what was typed, so that it is not lost.

use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Standing, section};
use crate::app::App;
use crate::domain::review::Subject;
use crate::web::error::WebError;
use crate::web::layout::Layout;
use crate::web::member::Member;
use crate::web::page;

/// What cannot be changed.
pub struct Locked {
    /// Which kind.
    pub subject: Subject,
    /// The vendor's id.
    pub vendor_id: String,
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub standing: Standing,
    /// The key of the reason.
    pub why: String,
    /// The keys of fields and what was typed in them; empty when the form was only asked for.
    pub typed: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "review/locked.html")]
struct LockedPage {
    l: Layout,
    back: String,
    why: String,
    typed: Vec<(String, String)>,
    locked: Locked,
}

/// Says why it cannot be changed.
pub async fn show(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    locked: Locked,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(app, request, section(locked.subject)).await?;
    let written = locked.typed.iter().filter(|(_, value)| !value.is_empty());
    let page = LockedPage {
        back: l.urls.reviewed(locked.subject, &locked.vendor_id),
        why: l.t(&format!("locked-{}-{}", locked.subject.key(), locked.why)),
        typed: written.map(|(word, value)| (l.t(word), value.clone())).collect(),
        locked,
        l,
    };
    if page.typed.is_empty() { page::ok(&page) } else { page::unprocessable(&page) }
}
