//! `/messages/{id}/reveal`: shows the values of a verification code that are hidden.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::sent_text::Values;
use super::timeline::draw;
use crate::app::App;
use crate::db::audit;
use crate::domain::ids::MessageId;
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::page;

/// The largest length of a reason in characters.
const MAX_REASON_LENGTH: usize = 200;

/// The form of [`reveal`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RevealForm {
    reason: String,
}

/// Shows the values of a verification code once, for a reason that is audited.
pub async fn reveal(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<RevealForm>,
) -> Result<HttpResponse, WebError> {
    let reason: String = form.into_inner().reason.trim().chars().take(MAX_REASON_LENGTH).collect();
    if reason.is_empty() {
        let page = draw(&app, &member, &request, &path.1, Values::ReasonMissing).await?;
        return page::unprocessable(&page);
    }
    let id: MessageId = path.1.parse().map_err(|_| WebError::NotFound)?;
    let project = member.project.id;
    app.message_search.find(project, id).await?.ok_or(WebError::NotFound)?;
    let entry = audit::Entry {
        project: Some(project),
        user: Some(member.person.id),
        action: "values_revealed",
        subject: &id.to_string(),
        detail: json!({ "reason": reason }),
        ip: &peer_ip(&request),
    };
    // On record before they are shown.
    audit::record(&mut *app.db.acquire().await?, &entry, app.clock.now()).await?;
    page::ok(&draw(&app, &member, &request, &path.1, Values::Revealed).await?)
}
