//! What may be sent, decided in one place for `/send`, recipient lists and resending: a signature
//! and a template that go together, values that fit, a text that is not too long, and phones of the
//! template's destinations.

use crate::domain::ids::{SignatureId, TemplateId};
use crate::domain::phone::Phone;
use crate::domain::review::Purpose;
use crate::domain::text::{self, Kind, ParamProblem, TemplateText};

/// The most phones of an order: as many as one call takes (USMS API reference, SendUSMSMessage).
pub const MAX_PHONES: usize = 1_000;

/// A signature to send with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingSignature {
    /// Its id.
    pub id: SignatureId,
    /// The name without its brackets.
    pub content: String,
    /// Whether it is for international phones.
    pub international: bool,
}

/// A template to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingTemplate {
    /// Its id.
    pub id: TemplateId,
    /// The reviewed text with `{1}` `{2}`, how to unsubscribe included.
    pub text: String,
    /// The end of it that was not reviewed: UCloud may add it.
    pub added_opt_out: String,
    /// Its purpose.
    pub purpose: Purpose,
    /// Whether it is for international phones.
    pub international: bool,
}

/// Why a template cannot be sent with a signature, or without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureProblem {
    /// Domestic messages need a signature (USMS API reference, SendUSMSMessage: `SigContent`).
    #[error("a domestic message needs a signature")]
    Missing,
    /// Signature and template are not both domestic or both international.
    #[error("signature and template have different destinations")]
    DifferentKinds,
}

/// Why values cannot be sent with a wording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentProblem {
    /// Their number differs from that of the template's variables, which it contains.
    #[error("the template has {0} variables")]
    Count(usize),
    /// The value of the variable with this number cannot be sent.
    #[error("the value of variable {0} cannot be sent")]
    Value(usize, ParamProblem),
    /// The text is too long.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

/// The text is longer than the vendor allows. Contains its length in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text has {0} characters")]
pub struct TooLong(pub usize);

/// Why a content cannot be sent to phones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipientProblem {
    /// There is no phone, or there are more than [`MAX_PHONES`].
    #[error("cannot send to {0} phone numbers in one batch")]
    Count(usize),
    /// An international phone with a domestic template, or the other way round.
    #[error("a phone number is outside the template's destinations")]
    WrongCountry(Phone),
}

/// The size of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSize {
    /// Characters, signature included.
    pub length: usize,
    /// Billed parts.
    pub parts: usize,
}

/// A template with a signature that goes with it, or without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    signature: Option<OutgoingSignature>,
    template: OutgoingTemplate,
    text: TemplateText,
}

impl Wording {
    /// Returns the wording of a template with a signature, or of an international one without.
    ///
    /// # Errors
    ///
    /// [`SignatureProblem`] if they do not go together.
    pub fn new(
        signature: Option<OutgoingSignature>,
        template: OutgoingTemplate,
    ) -> Result<Self, SignatureProblem> {
        let destination = signature.as_ref().map(|signature| signature.international);
        check_destinations(destination, template.international)?;
        let text = TemplateText::with_added_opt_out(&template.text, &template.added_opt_out);
        Ok(Self { signature, template, text })
    }

    /// Returns the wording of a draft, whose signature and template were checked when it was made and
    /// are checked again when it is confirmed.
    pub fn of_draft(
        signature: Option<SignatureId>,
        content: String,
        template: OutgoingTemplate,
    ) -> Self {
        let international = template.international;
        let text = TemplateText::with_added_opt_out(&template.text, &template.added_opt_out);
        let signature = signature.map(|id| OutgoingSignature { id, content, international });
        Self { signature, template, text }
    }

    /// Returns the signature, if there is one.
    pub fn signature(&self) -> Option<&OutgoingSignature> {
        self.signature.as_ref()
    }

    /// Returns the template.
    pub fn template(&self) -> &OutgoingTemplate {
        &self.template
    }

    /// Returns the number of values that it takes.
    pub fn variables(&self) -> usize {
        self.text.variables()
    }

    /// Returns the size of the text with these values.
    ///
    /// # Errors
    ///
    /// The first problem that keeps it from being sent.
    pub fn check(&self, params: &[String]) -> Result<TextSize, ContentProblem> {
        let variables = self.variables();
        if params.len() != variables {
            return Err(ContentProblem::Count(variables));
        }
        if let Some((n, problem)) = blocking_problems(params, self.template.purpose).next() {
            return Err(ContentProblem::Value(n, problem));
        }
        Ok(self.size(params)?)
    }

    /// Returns the size of the text with values that can be sent.
    ///
    /// # Errors
    ///
    /// [`TooLong`] if it is too long.
    pub fn size(&self, params: &[String]) -> Result<TextSize, TooLong> {
        self.size_in(&mut String::new(), params)
    }

    /// Returns what [`Wording::size`] returns, and leaves the text in `full_text`: for many texts one
    /// after another.
    ///
    /// # Errors
    ///
    /// [`TooLong`] if it is too long.
    pub fn size_in(&self, full_text: &mut String, params: &[String]) -> Result<TextSize, TooLong> {
        let international = self.template.international;
        let signature = self.signature.as_ref().map_or("", |signature| &signature.content);
        self.text.write_full_text(full_text, params, signature, international);
        let (length, parts) = text::measure(full_text, Kind::of(international));
        if length > text::MAX_LENGTH {
            Err(TooLong(length))
        } else {
            Ok(TextSize { length, parts })
        }
    }

    /// Returns whether the template may be sent to a phone.
    pub fn reaches(&self, phone: &Phone) -> bool {
        phone.is_domestic() != self.template.international
    }
}

/// Checks that a signature, which is international or not, goes with a template.
///
/// # Errors
///
/// [`SignatureProblem`] if it does not, or if there is none and the template needs one.
pub fn check_destinations(signature: Option<bool>, template: bool) -> Result<(), SignatureProblem> {
    match signature {
        None if !template => Err(SignatureProblem::Missing),
        Some(signature) if signature != template => Err(SignatureProblem::DifferentKinds),
        _ => Ok(()),
    }
}

/// Returns the value of a variable as it is sent: without the space around it.
pub fn value(typed: &str) -> &str {
    typed.trim()
}

/// Returns the numbers of the variables whose values cannot be sent, and why.
pub fn blocking_problems(
    params: &[String],
    purpose: Purpose,
) -> impl Iterator<Item = (usize, ParamProblem)> {
    params.iter().zip(1..).filter_map(move |(value, n)| {
        let problem = text::param_problem(value, purpose).filter(|problem| problem.blocks())?;
        Some((n, problem))
    })
}

/// A text that may be sent: a wording with values that fit. There is no other way to make one than
/// to check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    wording: Wording,
    params: Vec<String>,
    size: TextSize,
}

impl Content {
    /// Returns the text of a wording with these values.
    ///
    /// # Errors
    ///
    /// The first problem that keeps it from being sent.
    pub fn new(wording: Wording, mut params: Vec<String>) -> Result<Self, ContentProblem> {
        for param in &mut params {
            let sent = value(param);
            if sent.len() != param.len() {
                *param = sent.to_owned();
            }
        }
        let size = wording.check(&params)?;
        Ok(Self { wording, params, size })
    }

    /// Returns signature and template.
    pub fn wording(&self) -> &Wording {
        &self.wording
    }

    /// Returns the values of the template's variables, in order.
    pub fn params(&self) -> &[String] {
        &self.params
    }

    /// Returns the size of the text.
    pub fn size(&self) -> TextSize {
        self.size
    }

    /// Returns the text with the phones that it is sent to.
    ///
    /// # Errors
    ///
    /// The first problem that keeps it from being sent.
    pub fn to(self, phones: Vec<Phone>) -> Result<Outgoing, RecipientProblem> {
        if phones.is_empty() || phones.len() > MAX_PHONES {
            return Err(RecipientProblem::Count(phones.len()));
        }
        if let Some(phone) = phones.iter().find(|phone| !self.wording.reaches(phone)) {
            return Err(RecipientProblem::WrongCountry(phone.clone()));
        }
        Ok(Outgoing { content: self, phones })
    }
}

/// A text with the phones that it is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    content: Content,
    phones: Vec<Phone>,
}

impl Outgoing {
    /// Returns the text.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Returns the phones, each once if the caller gave each once.
    pub fn phones(&self) -> &[Phone] {
        &self.phones
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wording(purpose: Purpose) -> Wording {
        let signature = OutgoingSignature {
            id: SignatureId(1),
            content: "云帆书店".to_owned(),
            international: false,
        };
        let template = OutgoingTemplate {
            id: TemplateId(2),
            text: "{1}您好，余额{2}元。".to_owned(),
            added_opt_out: String::new(),
            purpose,
            international: false,
        };
        Wording::new(Some(signature), template).unwrap()
    }

    fn values(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn values_are_sent_without_the_space_around_them() {
        let content =
            Content::new(wording(Purpose::Notice), values(&[" 李 明\u{3000}", "5\u{a0}"]));
        let content = content.unwrap();
        assert_eq!(content.params(), ["李 明", "5"]);
        assert_eq!(content.size(), TextSize { length: 17, parts: 1 });
    }

    #[test]
    fn values_that_cannot_be_sent_make_no_content() {
        let refused =
            |purpose, params: &[&str]| Content::new(wording(purpose), values(params)).unwrap_err();
        assert_eq!(refused(Purpose::Notice, &["李"]), ContentProblem::Count(2));
        for (value, problem) in [
            ("", ParamProblem::Empty),
            (" ", ParamProblem::Empty),
            ("【5】", ParamProblem::Brackets),
            ("5\n6", ParamProblem::Control),
            ("5\u{200b}6", ParamProblem::Invisible),
        ] {
            let expected = ContentProblem::Value(2, problem);
            assert_eq!(refused(Purpose::Notice, &["李", value]), expected, "{value:?}");
        }
        let code = ContentProblem::Value(2, ParamProblem::Code);
        assert_eq!(refused(Purpose::Verification, &["1234", "12345678"]), code);
        let long = "字".repeat(490);
        assert_eq!(refused(Purpose::Notice, &[&long, "5"]), ContentProblem::TooLong(TooLong(504)));
    }

    #[test]
    fn a_template_is_not_sent_to_phones_of_other_destinations() {
        let content = Content::new(wording(Purpose::Notice), values(&["李", "5"])).unwrap();
        let home = Phone::parse("18500001234").unwrap();
        let abroad = Phone::parse("(60)123456789").unwrap();
        assert_eq!(
            content.clone().to(vec![home.clone()]).unwrap().phones(),
            std::slice::from_ref(&home)
        );
        assert_eq!(
            content.clone().to(vec![home.clone(), abroad.clone()]),
            Err(RecipientProblem::WrongCountry(abroad))
        );
        assert_eq!(content.clone().to(Vec::new()), Err(RecipientProblem::Count(0)));
        assert_eq!(content.to(vec![home; 1_001]), Err(RecipientProblem::Count(1_001)));
    }

    #[test]
    fn a_domestic_signature_does_not_go_with_an_international_template() {
        let domestic = wording(Purpose::Notice);
        let template = OutgoingTemplate { international: true, ..domestic.template().clone() };
        let signature = domestic.signature().cloned();
        assert_eq!(Wording::new(signature, template), Err(SignatureProblem::DifferentKinds));
    }

    #[test]
    fn only_international_texts_go_without_a_signature_and_then_count_none() {
        let domestic = wording(Purpose::Notice).template().clone();
        assert_eq!(Wording::new(None, domestic.clone()), Err(SignatureProblem::Missing));
        let text = "a".repeat(160);
        let template = OutgoingTemplate { international: true, text, ..domestic };
        let wording = Wording::new(None, template).unwrap();
        assert_eq!(wording.size(&[]), Ok(TextSize { length: 160, parts: 1 }));
    }
}
