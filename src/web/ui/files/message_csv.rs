//! The columns that every CSV file of messages has.

use time::OffsetDateTime;

use crate::db::sending::messages::Message;
use crate::domain::accounts::sight::Sight;
use crate::domain::time::rfc3339;
use crate::web::ui::message_table::StateReason;

/// The column names of a file of messages.
pub const NAMES: [&str; 12] = [
    "id",
    "batch",
    "phone",
    "state",
    "session_no",
    "user_id",
    "parts",
    "receipt_code",
    "receipt_desc",
    "submitted_at",
    "receipt_at",
    "text",
];

/// Returns the cells of a message under [`NAMES`], as a person sees it.
pub fn row(message: &Message, sight: Sight) -> Vec<String> {
    let origin = &message.origin;
    let text = origin.text().full_text(
        &message.values_for(sight),
        &origin.sig_content,
        origin.international,
    );
    let reason = StateReason::of(message.reason.as_deref());
    let user_id = if origin.each_own {
        message.id.vendor_user_id()
    } else {
        message.submission_id.vendor_user_id()
    };
    vec![
        message.id.to_string(),
        origin.batch.to_string(),
        sight.phone(&message.phone),
        message.state.key().to_owned(),
        message.session_no.clone().unwrap_or_default(),
        user_id,
        message.parts.map(|parts| parts.to_string()).unwrap_or_default(),
        reason.code.unwrap_or_default().to_owned(),
        sight.vendor_text(reason.description.unwrap_or_default(), &message.phone).into_owned(),
        at(message.sent_at),
        at(message.receipt_at),
        text,
    ]
}

/// Formats a time as a cell, which is empty while the time is not known.
pub fn at(time: Option<OffsetDateTime>) -> String {
    time.map(rfc3339).unwrap_or_default()
}
