//! What the send form starts with: choices, or an earlier batch.

use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::fields::SendFields;
use crate::app::App;
use crate::db::sending::{batches, messages, send_backs};
use crate::domain::ids::{BatchId, SignatureId, TemplateId};
use crate::domain::review::Purpose;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::ui::choices::signature_value;
use crate::web::ui::schedule;

/// The query parameters: a batch or choices to start from.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SendStart {
    pub(super) batch: Option<BatchId>,
    pub(super) signature_id: Option<SignatureId>,
    pub(super) template_id: Option<TemplateId>,
    #[serde(alias = "phones")]
    pub(super) phone: Option<String>,
}

/// Returns the fields to start with, and whether values were left out because they are hidden.
pub(super) async fn start_fields(
    app: &App,
    member: &Member,
    start: SendStart,
) -> Result<(SendFields, bool), WebError> {
    let mut are_hidden = false;
    let mut fields = SendFields {
        signature_id: start.signature_id.map(|id| id.to_string()).unwrap_or_default(),
        template_id: start.template_id.map(|id| id.to_string()).unwrap_or_default(),
        phones: start.phone.into_iter().collect(),
        form_token: Uuid::new_v4().to_string(),
        ..SendFields::default()
    };
    if let Some(id) = start.batch {
        let batch =
            batches::find(&app.db, member.project.id, id).await?.ok_or(WebError::NotFound)?;
        let messages =
            messages::of_batch(&app.db, member.project.id, id, None, None, 1_000).await?;
        fields.signature_id = signature_value(batch.signature_id);
        fields.template_id = batch.template_id.to_string();
        let sight = member.sight(app);
        let sent_back = send_backs::find(&app.db, id).await?.is_some();
        are_hidden = messages.first().is_some_and(|message| {
            message.hides_values(sight)
                || sent_back && batch.purpose == Purpose::Verification && !message.params.is_empty()
        });
        let is_ahead = |at: &OffsetDateTime| sent_back && *at > app.clock.now();
        fields.schedule_at =
            batch.schedule_at.filter(is_ahead).map(schedule::typed).unwrap_or_default();
        let first = messages.first().filter(|_| !are_hidden);
        fields.params = first.map(|message| message.params.clone()).unwrap_or_default();
        fields.phones = messages.into_iter().map(|message| message.phone).collect();
    }
    Ok((fields, are_hidden))
}
