//! The text as it will arrive, for the form's preview and the check page.

use super::draft::Draft;
use crate::db::signatures::Signature;
use crate::db::sms_templates::SmsTemplate;
use crate::domain::text::{self, Kind};

/// A piece of the text: as it was reviewed, or a variable's value.
#[derive(Debug)]
pub struct Piece {
    /// What will be read.
    pub text: String,
    /// Whether it stands for a variable.
    pub variable: bool,
}

/// The text as it will arrive, with its length against the limits of parts.
#[derive(Debug)]
pub struct Preview {
    /// The signature in its brackets.
    pub signature: String,
    /// The text behind it.
    pub pieces: Vec<Piece>,
    /// Characters, signature included.
    pub length: usize,
    /// Billed pieces of one message.
    pub parts: usize,
    /// Billed pieces of all messages.
    pub total: usize,
    /// Usable phones so far.
    pub phones: usize,
    /// Entries typed so far.
    pub entries: usize,
    /// Repeats folded so far.
    pub duplicates: usize,
    /// Length up to which one part is billed, and up to which the ruler reaches.
    pub one_part: usize,
    /// The ruler's end.
    pub scale: usize,
    /// Billed pieces at the ruler's end.
    pub scale_parts: usize,
}

impl Preview {
    /// The preview of what has been chosen so far, if enough has.
    pub fn from_draft(draft: &Draft) -> Option<Self> {
        Some(Self::of(draft, draft.signature.as_ref()?, draft.template.as_ref()?))
    }

    /// The preview of a draft under a signature and a template.
    pub fn of(draft: &Draft, signature: &Signature, template: &SmsTemplate) -> Self {
        let international = template.international;
        let full = draft.text.full_text(&draft.params, &signature.content, international);
        let kind = Kind::of(international);
        let length = text::length(&full);
        let parts = text::parts(&full, kind);
        let (one_part, each) = text::limits(&full, kind);
        let scale_parts = parts.max(2);
        Self {
            signature: text::bracketed(&signature.content, international),
            pieces: pieces(draft),
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

    /// How far along the ruler `length` stands, in percent.
    pub fn along(&self, length: &usize) -> String {
        #[allow(clippy::cast_precision_loss)]
        let percent = (*length as f64 / self.scale.max(1) as f64 * 100.0).min(100.0);
        format!("{percent:.1}%")
    }
}

fn pieces(draft: &Draft) -> Vec<Piece> {
    filled(&draft.text, &draft.params)
}

/// A text with `params` filled in, for other pages.
pub fn parts_of(template_text: &str, params: &[String]) -> Vec<Piece> {
    filled(&text::TemplateText::parse(template_text), params)
}

/// The text's pieces; a variable without a value shows its number.
fn filled(text: &text::TemplateText, params: &[String]) -> Vec<Piece> {
    text.pieces(params)
        .map(|piece| match piece {
            text::Piece::Literal(words) => Piece { text: words.to_owned(), variable: false },
            text::Piece::Variable { n, value: "" } => {
                Piece { text: format!("{{{n}}}"), variable: true }
            }
            text::Piece::Variable { value, .. } => Piece { text: value.to_owned(), variable: true },
        })
        .collect()
}
