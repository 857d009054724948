//! Results of checking an application before it goes to the vendor's review.

use super::text::is_invisible;

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
}

/// The findings of one check, in the order of the form.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds an error.
    pub fn error(&mut self, field: &'static str, key: &'static str, about: impl ToString) {
        self.0.push(Finding { field, key, about: about.to_string(), blocks: true });
    }

    /// Adds a warning: a reviewer may refuse it, or the vendor's documents disagree about it.
    pub fn warning(&mut self, field: &'static str, key: &'static str, about: impl ToString) {
        self.0.push(Finding { field, key, about: about.to_string(), blocks: false });
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
