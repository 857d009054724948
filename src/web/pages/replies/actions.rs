//! Actions on a conversation: mark it, opt its phone out, take that back, or decide about it.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use crate::app::App;
use crate::domain::ids::{ConversationId, ReplyId};
use crate::domain::replies::reply::Decision;
use crate::ops::actor::Actor;
use crate::ops::replies::{self, Decided, UndoOutcome};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::{flash, page};

/// The form of an action on a reply.
#[derive(Debug, Deserialize)]
pub struct ReplyForm {
    /// The reply it is about; of several, the last one that the page showed.
    reply: ReplyId,
    /// Set by a script: the response has no content and no message is shown.
    quietly: Option<String>,
}

/// The form of a decision.
#[derive(Debug, Deserialize)]
pub struct DecideForm {
    /// The last reply that the page showed.
    reply: ReplyId,
    /// What was decided.
    decision: String,
}

/// The form of an action on the whole conversation.
#[derive(Debug, Deserialize)]
pub struct ConversationForm {}

type Path = web::Path<(String, String)>;

fn id(path: &Path) -> Result<ConversationId, WebError> {
    path.1.parse().map_err(|_| WebError::NotFound)
}

fn actor<'a>(member: &Member, ip: &'a str) -> Actor<'a> {
    Actor { project: member.project.id, user: member.person.id, ip }
}

/// `…/read`: marks the replies up to one as read.
pub async fn read(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: Path,
    form: Form<ReplyForm>,
) -> Result<HttpResponse, WebError> {
    let (id, fields) = (id(&path)?, form.into_inner());
    replies::mark_read(&app, actor(&member, &peer_ip(&request)), id, fields.reply).await?;
    if fields.quietly.is_some() {
        return Ok(HttpResponse::NoContent().finish());
    }
    Ok(page::see_other(&member.urls().conversation(id)))
}

/// `…/unread`: marks the conversation as unread. Redirects to the list, because opening the
/// conversation would mark it as read.
pub async fn unread(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: Path,
    _: Form<ConversationForm>,
) -> Result<HttpResponse, WebError> {
    let id = id(&path)?;
    replies::mark_unread(&app, actor(&member, &peer_ip(&request)), id).await?;
    flash::say(&request, &member.texts(&request).t("replies-marked-unread"));
    Ok(page::see_other(&member.urls().replies()))
}

/// `…/opt-out`: takes a reply as an opt-out.
pub async fn opt_out(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: Path,
    form: Form<ReplyForm>,
) -> Result<HttpResponse, WebError> {
    let (id, fields) = (id(&path)?, form.into_inner());
    let is_new =
        replies::opt_out(&app, actor(&member, &peer_ip(&request)), id, fields.reply).await?;
    let key = if is_new { "replies-opted-out-now" } else { "replies-opted-out-before" };
    flash::say(&request, &member.texts(&request).t(key));
    Ok(page::see_other(&member.urls().conversation(id)))
}

/// `…/take-back`: undoes the opt-outs of a conversation.
pub async fn undo_opt_out(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: Path,
    form: Form<ReplyForm>,
) -> Result<HttpResponse, WebError> {
    let (id, fields) = (id(&path)?, form.into_inner());
    let ip = peer_ip(&request);
    let actor = actor(&member, &ip);
    let texts = member.texts(&request);
    let message = match replies::undo_opt_out(&app, actor, id, fields.reply).await? {
        UndoOutcome::NotFound => return Err(WebError::NotFound),
        UndoOutcome::Already => texts.t("replies-opt-out-undone-before"),
        UndoOutcome::Free => texts.t("replies-opt-out-undone-now"),
        UndoOutcome::Offered => texts.t("replies-opt-out-undone-offered"),
        UndoOutcome::Newer => texts.t("replies-opt-out-undone-newer"),
        UndoOutcome::Listed(reason) => {
            let reason = texts.t(&format!("suppression-{}", reason.key()));
            texts.with("replies-opt-out-undone-listed", &[("reason", reason.into())])
        }
    };
    flash::say(&request, &message);
    Ok(page::see_other(&member.urls().conversation(id)))
}

/// `…/decide`: decides about replies that are perhaps opt-outs.
pub async fn decide(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: Path,
    form: Form<DecideForm>,
) -> Result<HttpResponse, WebError> {
    let (id, fields) = (id(&path)?, form.into_inner());
    let decision = Decision::from_key(&fields.decision).ok_or(WebError::BadRequest)?;
    let ip = peer_ip(&request);
    let actor = actor(&member, &ip);
    let texts = member.texts(&request);
    let message = match replies::decide(&app, actor, id, fields.reply, decision).await? {
        Decided::NotFound => return Err(WebError::NotFound),
        Decided::Already => texts.t("replies-decided-before"),
        Decided::Done => texts.t(&format!("replies-decided-{}", decision.key())),
        Decided::Newer => texts.t("replies-decided-newer"),
        Decided::Listed(reason) => {
            let reason = texts.t(&format!("suppression-{}", reason.key()));
            texts.with("replies-decided-listed", &[("reason", reason.into())])
        }
    };
    flash::say(&request, &message);
    Ok(page::see_other(&member.urls().conversation(id)))
}
