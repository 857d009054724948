//! What can be done with a conversation: mark it, opt its phone out, or take that back.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use crate::app::App;
use crate::domain::ids::{ConversationId, ReplyId};
use crate::ops::replies::{self, TakenBack};
use crate::ops::suppressions::Actor;
use crate::web::error::WebError;
use crate::web::form::{Form, peer_address};
use crate::web::member::Member;
use crate::web::{flash, page};

/// A press on a button.
#[derive(Debug, Deserialize)]
pub struct Press {
    /// The reply it is about; of several, the one that came last among those shown.
    reply: ReplyId,
    /// A script pressed it: nothing is said.
    quietly: Option<String>,
}

/// A press on a button that is about no reply.
#[derive(Debug, Deserialize)]
pub struct PlainPress {}

type Path = web::Path<(String, String)>;

fn id(path: &Path) -> Result<ConversationId, WebError> {
    path.1.parse().map_err(|_| WebError::NotFound)
}

fn by<'a>(member: &Member, address: &'a str) -> Actor<'a> {
    Actor { project: member.project.id, person: member.person.id, address }
}

/// `…/read`.
pub async fn read(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: Path,
    form: Form<Press>,
) -> Result<HttpResponse, WebError> {
    let (id, press) = (id(&path)?, form.into_inner());
    replies::mark_read(&app, by(&member, &peer_address(&request)), id, press.reply).await?;
    if press.quietly.is_some() {
        return Ok(HttpResponse::NoContent().finish());
    }
    Ok(page::see_other(&member.urls().conversation(id)))
}

/// `…/unread`. Leads back to the list: whoever looks at the conversation reads it.
pub async fn unread(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: Path,
    _: Form<PlainPress>,
) -> Result<HttpResponse, WebError> {
    let id = id(&path)?;
    replies::mark_unread(&app, by(&member, &peer_address(&request)), id).await?;
    flash::say(&request, &member.texts(&request).t("replies-marked-unread"));
    Ok(page::see_other(&member.urls().replies()))
}

/// `…/opt-out`.
pub async fn opt_out(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: Path,
    form: Form<Press>,
) -> Result<HttpResponse, WebError> {
    let (id, press) = (id(&path)?, form.into_inner());
    let new = replies::opt_out(&app, by(&member, &peer_address(&request)), id, press.reply).await?;
    let said = if new { "replies-opted-out-now" } else { "replies-opted-out-before" };
    flash::say(&request, &member.texts(&request).t(said));
    Ok(page::see_other(&member.urls().conversation(id)))
}

/// `…/take-back`: it was no opt-out.
pub async fn take_back(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: Path,
    form: Form<Press>,
) -> Result<HttpResponse, WebError> {
    let (id, press) = (id(&path)?, form.into_inner());
    let address = peer_address(&request);
    let by = by(&member, &address);
    let texts = member.texts(&request);
    let said = match replies::take_back(&app, by, id, press.reply).await? {
        TakenBack::NotFound => return Err(WebError::NotFound),
        TakenBack::Already => texts.t("replies-opt-out-undone-before"),
        TakenBack::Free => texts.t("replies-opt-out-undone-now"),
        TakenBack::Offered => texts.t("replies-opt-out-undone-offered"),
        TakenBack::Newer => texts.t("replies-opt-out-undone-newer"),
        TakenBack::Listed(reason) => {
            let reason = texts.t(&format!("suppression-{}", reason.key()));
            texts.with("replies-opt-out-undone-listed", &[("reason", reason.into())])
        }
    };
    flash::say(&request, &said);
    Ok(page::see_other(&member.urls().conversation(id)))
}
