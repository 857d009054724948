//! `/batches/{id}/send-back`: instead of approving a batch, whoever ordered it is told what to change.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::live::{self, Notice};
use super::{check_may_decide, find};
use crate::app::App;
use crate::ops::actor::Actor;
use crate::ops::sending::send_back::{self as send_back_ops, MAX_REASON, SentBack};
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::{flash, page};

/// The form: it carries the version of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SendBackForm {
    reason: String,
    version: String,
}

/// Sends a batch back that awaits approval.
pub async fn send_back(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<SendBackForm>,
) -> Result<HttpResponse, WebError> {
    let form = form.into_inner();
    let texts = member.texts(&request);
    let batch = find(&app, &member, &path.1).await?;
    check_may_decide(&member, &batch)?;
    let reason = form.reason.trim().replace('\0', "");
    let problem = match reason.chars().count() {
        0 => Some("batch-send-back-no-reason"),
        count if count > MAX_REASON => Some("batch-send-back-long"),
        _ => None,
    };
    if let Some(key) = problem {
        let sentence = texts.with(key, &[("most", MAX_REASON.into())]);
        let notice = Notice::Reason { typed: form.reason, sentence };
        return live::with_notice(&app, &member, &request, &path.1, notice).await;
    }
    let ip = peer_ip(&request);
    let actor = Actor { project: member.project.id, user: member.person.id, ip: &ip };
    let person = [("person", batch.orderer.as_str().into())];
    match send_back_ops::send_back(&app, actor, batch.id, &reason, &form.version).await? {
        SentBack::Draft => flash::say(&request, &texts.with("batch-moved-send-back", &person)),
        SentBack::Cancelled => {
            flash::say(&request, &texts.with("batch-moved-send-back-cancelled", &person));
        }
        SentBack::NotMoved => flash::warn(&request, &texts.t("batch-not-moved")),
        SentBack::OutOfDate(changes) => {
            let notice = Notice::OutOfDate(changes);
            return live::with_notice(&app, &member, &request, &path.1, notice).await;
        }
    }
    Ok(page::see_other(&member.urls().batch(batch.id)))
}
