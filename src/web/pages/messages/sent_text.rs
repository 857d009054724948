//! The text of a message, with its values or dots in their place.

use std::borrow::Cow;

use crate::db::sending::messages::Message;
use crate::domain::accounts::sight::Sight;
use crate::domain::text::{self, Kind};
use crate::web::ui::segments::{Segment, segments_of};

/// Whether the values of a verification code are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// As the person usually sees them.
    AsUsual,
    /// The person asked for them without a reason.
    ReasonMissing,
    /// The person gave a reason, which is on record.
    Revealed,
}

/// The text as it was sent.
#[derive(Debug)]
pub struct SentText {
    /// The signature in its brackets.
    pub signature: String,
    /// The text after it.
    pub segments: Vec<Segment>,
    /// All of it, for copying.
    pub full: String,
    /// Whether dots stand for its values.
    pub hidden: bool,
    /// The length in characters, with the values.
    pub length: usize,
    /// The number of billed parts.
    pub parts: usize,
}

impl SentText {
    /// Returns the text of a message.
    pub fn of(message: &Message, sight: Sight, values: Values) -> Self {
        let origin = &message.origin;
        let template = origin.text();
        let whole = template.full_text(&message.params, &origin.sig_content, origin.international);
        let params = match values {
            Values::AsUsual | Values::ReasonMissing => message.values_for(sight),
            Values::Revealed => Cow::Borrowed(message.params.as_slice()),
        };
        let full = template.full_text(&params, &origin.sig_content, origin.international);
        Self {
            hidden: values != Values::Revealed && message.hides_values(sight),
            signature: text::bracketed(&origin.sig_content, origin.international),
            segments: segments_of(&template, &params),
            length: text::length(&whole),
            parts: text::parts(&whole, Kind::of(origin.international)),
            full,
        }
    }
}
