//! What a check of an application found, before the vendor looks at it.

/// One thing that is wrong, or that a reviewer may not like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The form's field it is about.
    pub field: &'static str,
    /// The name used in message keys.
    pub key: &'static str,
    /// What exactly: a word, a mark, a number. May be empty.
    pub about: String,
    /// Whether it cannot be handed in like this. Else the person decides.
    pub blocks: bool,
}

/// Findings of one check, in the order of the form.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds what cannot be handed in.
    pub fn block(&mut self, field: &'static str, key: &'static str, about: impl ToString) {
        self.0.push(Finding { field, key, about: about.to_string(), blocks: true });
    }

    /// Adds what a reviewer may not like, or what the vendor's documents disagree on.
    pub fn doubt(&mut self, field: &'static str, key: &'static str, about: impl ToString) {
        self.0.push(Finding { field, key, about: about.to_string(), blocks: false });
    }

    /// Whether anything was found at `field`.
    pub fn has(&self, field: &str) -> bool {
        self.0.iter().any(|one| one.field == field)
    }

    /// All of them.
    pub fn into_vec(self) -> Vec<Finding> {
        self.0
    }
}

/// Letters that cannot be seen or do not belong in a line: control characters, zero width,
/// direction marks.
pub fn unreadable(text: &str) -> bool {
    text.chars().any(|letter| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{00ad}')
    })
}

/// Chinese, letters, digits and the underscore: what the review standard names.
pub fn is_plain(letter: char) -> bool {
    letter == '_'
        || letter.is_ascii_alphanumeric()
        || matches!(letter, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}')
}

/// The first of the team's words that `text` contains, whatever its case.
pub fn sensitive<'a>(text: &str, words: &'a [String]) -> Option<&'a str> {
    let text = text.to_lowercase();
    words.iter().map(String::as_str).find(|word| text.contains(&word.to_lowercase()))
}
