//! Results of checking an application before it goes to the vendor's review.

use crate::domain::text::is_invisible;

/// A document of the vendor that states a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// The manual's review standard for signatures (introduction/2005/2103).
    SignatureStandard,
    /// The manual's review standard for templates (introduction/2005/2105).
    TemplateStandard,
    /// The manual's notices of changes at the carriers (introduction/notice).
    Notices,
    /// The API reference of CreateUSMSSignature.
    CreateSignature,
    /// The API reference of CreateUSMSTemplate.
    CreateTemplate,
    /// The API reference of UpdateUSMSTemplate.
    UpdateTemplate,
}

impl Document {
    /// All documents.
    pub const ALL: [Self; 6] = [
        Self::SignatureStandard,
        Self::TemplateStandard,
        Self::Notices,
        Self::CreateSignature,
        Self::CreateTemplate,
        Self::UpdateTemplate,
    ];

    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::SignatureStandard => "signature-standard",
            Self::TemplateStandard => "template-standard",
            Self::Notices => "notices",
            Self::CreateSignature => "create-signature",
            Self::CreateTemplate => "create-template",
            Self::UpdateTemplate => "update-template",
        }
    }

    /// Returns its address.
    pub fn url(self) -> &'static str {
        match self {
            Self::SignatureStandard => "https://docs.ucloud.cn/usms/introduction/2005/2103",
            Self::TemplateStandard => "https://docs.ucloud.cn/usms/introduction/2005/2105",
            Self::Notices => "https://docs.ucloud.cn/usms/introduction/notice",
            Self::CreateSignature => "https://docs.ucloud.cn/api/usms-api/create_usms_signature",
            Self::CreateTemplate => "https://docs.ucloud.cn/api/usms-api/create_usms_template",
            Self::UpdateTemplate => "https://docs.ucloud.cn/api/usms-api/update_usms_template",
        }
    }
}

/// An error, or a warning that a reviewer may refuse the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The form field that it is about.
    pub field: &'static str,
    /// The name used in message keys.
    pub key: &'static str,
    /// The offending word, character or number; may be empty.
    pub about: String,
    /// Whether it is an error, which stops the application. A warning is the person's choice.
    pub blocks: bool,
    /// The vendor's document that states the rule, if one does.
    pub document: Option<Document>,
}

impl Finding {
    /// Names the vendor's document that states the rule.
    pub fn stated_in(&mut self, document: Document) {
        self.document = Some(document);
    }
}

/// The findings of one check, in the order of the form.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds an error.
    pub fn error(
        &mut self,
        field: &'static str,
        key: &'static str,
        about: impl ToString,
    ) -> &mut Finding {
        self.add(field, key, about.to_string(), true)
    }

    /// Adds a warning: a reviewer may refuse it, or the vendor's documents disagree about it.
    pub fn warning(
        &mut self,
        field: &'static str,
        key: &'static str,
        about: impl ToString,
    ) -> &mut Finding {
        self.add(field, key, about.to_string(), false)
    }

    fn add(
        &mut self,
        field: &'static str,
        key: &'static str,
        about: String,
        blocks: bool,
    ) -> &mut Finding {
        let at = self.0.len();
        self.0.push(Finding { field, key, about, blocks, document: None });
        &mut self.0[at]
    }

    /// Returns whether there is a finding about `field`.
    pub fn has(&self, field: &str) -> bool {
        self.0.iter().any(|finding| finding.field == field)
    }

    /// Returns all findings.
    pub fn into_vec(self) -> Vec<Finding> {
        self.0
    }
}

/// Returns whether `text` has characters that are invisible or do not belong in a line: control
/// characters, zero-width characters, direction marks.
pub fn has_unreadable(text: &str) -> bool {
    text.chars().any(|letter| letter.is_control() || is_invisible(letter))
}

/// Returns whether `letter` is one that the vendor's review standard allows: a Chinese character, a
/// Latin letter, a digit or the underscore.
pub fn is_plain(letter: char) -> bool {
    letter == '_'
        || letter.is_ascii_alphanumeric()
        || matches!(letter, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}')
}

/// Returns the first of the team's sensitive words that `text` contains, ignoring case.
pub fn sensitive_word<'a>(text: &str, words: &'a [String]) -> Option<&'a str> {
    let text = text.to_lowercase();
    words.iter().map(String::as_str).find(|word| text.contains(&word.to_lowercase()))
}
