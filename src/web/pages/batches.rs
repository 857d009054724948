//! `/batches`: the list of batches, the live page of one batch, and the actions on it.

use serde::Deserialize;

use crate::app::App;
use crate::db::sending::batches::{self, Batch};
use crate::domain::ids::{BatchId, MessageId};
use crate::domain::sending::message::MessageState;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;

pub mod actions;
pub mod confirm_fields;
pub mod downloads;
pub mod draft;
pub mod events;
mod hidden;
pub mod in_doubt;
pub mod list;
pub mod live;
pub mod new;
pub mod preview;
mod questions;
pub mod read_options;
pub mod rejected;
pub mod resend;
pub mod send_back;
mod unreadable;
mod verdicts;
pub mod watch;

use watch::ShownMessages;

/// Query parameters of a batch's messages.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PageQuery {
    after: Option<MessageId>,
    state: String,
}

impl PageQuery {
    /// Returns which messages are listed. A state that does not exist is ignored.
    fn shown(self) -> ShownMessages {
        let state = MessageState::ALL.into_iter().find(|state| state.key() == self.state);
        ShownMessages { state, after: self.after }
    }
}

/// Returns a batch, with its name as the member sees it.
async fn find(app: &App, member: &Member, id: &str) -> Result<Batch, WebError> {
    let id: BatchId = id.parse().map_err(|_| WebError::NotFound)?;
    let batch = batches::find(&app.db, member.project.id, id).await?;
    let mut batch = batch.ok_or(WebError::NotFound)?;
    batch.name = member.sight(app).text(&batch.name).into_owned();
    Ok(batch)
}

/// Refuses those who may approve, but not this batch. Their own batch says so by itself.
fn check_may_decide(member: &Member, batch: &Batch) -> Result<(), WebError> {
    let may = batch.ordered_by == member.person.id || member.may_decide_on(batch.ordered_by);
    if may { Ok(()) } else { Err(WebError::Forbidden) }
}

/// The form of an action that may ask for confirmation.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConfirmForm {
    confirm: Option<String>,
}
