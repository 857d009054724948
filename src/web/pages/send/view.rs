//! The text as it will arrive, for the preview of the send form and the check page.

use super::draft::Draft;
use crate::db::review::sms_templates::SmsTemplate;
use crate::domain::text::{self, Kind};
use crate::ops::sending::order;
use crate::web::ui::segments::{Segment, segments_of};

/// The text as it will arrive, with its length and the number of parts.
#[derive(Debug)]
pub struct Preview {
    /// The signature in its brackets.
    pub signature: String,
    /// The text after it.
    pub segments: Vec<Segment>,
    /// The end of the text that UCloud may add.
    pub added_opt_out: String,
    /// The length in characters, signature included.
    pub length: usize,
    /// The parts of one message.
    pub parts: usize,
    /// The parts of all messages.
    pub total: usize,
    /// The number of valid, different phones.
    pub phones: usize,
    /// The number of typed entries.
    pub entries: usize,
    /// The number of entries that repeat another one.
    pub duplicates: usize,
    /// The length up to which a text is one part.
    pub one_part: usize,
    /// The length at the end of the ruler.
    pub scale: usize,
    /// The parts at the end of the ruler.
    pub scale_parts: usize,
}

impl Preview {
    /// Returns the preview, if a template is chosen, and a signature or to go without one.
    pub fn from_draft(draft: &Draft) -> Option<Self> {
        Some(Self::of(draft, draft.template.as_ref().filter(|_| draft.has_signature_choice())?))
    }

    /// Returns the preview of a draft with a template.
    pub fn of(draft: &Draft, template: &SmsTemplate) -> Self {
        let international = template.international;
        let full = draft.text.full_text(
            &draft.params,
            order::content_of(draft.signature.as_ref()),
            international,
        );
        let kind = Kind::of(international);
        let length = text::length(&full);
        let parts = text::parts(&full, kind);
        let (one_part, each) = text::limits(&full, kind);
        let scale_parts = parts.max(2);
        Self {
            signature: draft.bracketed(),
            segments: segments_of(&draft.text, &draft.params),
            added_opt_out: draft.text.added_opt_out(&draft.params).to_owned(),
            length,
            parts,
            total: parts * draft.phones.phones.len(),
            phones: draft.phones.phones.len(),
            entries: draft.phones.entries,
            duplicates: draft.phones.duplicates.len(),
            one_part,
            scale: each * scale_parts,
            scale_parts,
        }
    }

    /// Returns the position of `length` on the ruler, in percent.
    pub fn position_of(&self, length: &usize) -> String {
        #[allow(clippy::cast_precision_loss)]
        let percent = (*length as f64 / self.scale.max(1) as f64 * 100.0).min(100.0);
        format!("{percent:.1}%")
    }
}
