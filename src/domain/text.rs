//! Texts of messages: a template with its variables filled in, the length and the billed parts.

/// The largest length of a message in characters, signature included (USMS manual, limits).
pub const MAX_LENGTH: usize = 500;

/// A template's text, split at its variables `{1}`, `{2}`, ….
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateText {
    segments: Vec<OwnedSegment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum OwnedSegment {
    Literal(String),
    Variable(usize),
}

/// A literal or a variable of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    /// Text as it was reviewed.
    Literal(&'a str),
    /// A variable.
    Variable {
        /// Its number, from 1.
        n: usize,
        /// Its value, empty if there is none.
        value: &'a str,
    },
}

impl TemplateText {
    /// Splits `text` at its variables. Braces that are not around a number are literal text.
    pub fn parse(text: &str) -> Self {
        let mut segments = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, from_brace) = rest.split_at(open);
            literal.push_str(before);
            if let Some((n, after)) = variable(from_brace) {
                if !literal.is_empty() {
                    segments.push(OwnedSegment::Literal(std::mem::take(&mut literal)));
                }
                segments.push(OwnedSegment::Variable(n));
                rest = after;
            } else {
                literal.push('{');
                rest = &from_brace[1..];
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            segments.push(OwnedSegment::Literal(literal));
        }
        Self { segments }
    }

    /// Returns the number of values that the text takes: the highest number of a variable.
    pub fn variables(&self) -> usize {
        let numbers = self.segments.iter().filter_map(|segment| match segment {
            OwnedSegment::Literal(_) => None,
            OwnedSegment::Variable(n) => Some(*n),
        });
        numbers.max().unwrap_or(0)
    }

    /// Returns the segments with `params` filled in.
    pub fn segments<'a>(&'a self, params: &'a [String]) -> impl Iterator<Item = Segment<'a>> {
        self.segments.iter().map(move |segment| match segment {
            OwnedSegment::Literal(literal) => Segment::Literal(literal),
            OwnedSegment::Variable(n) => Segment::Variable {
                n: *n,
                value: n.checked_sub(1).and_then(|i| params.get(i)).map_or("", String::as_str),
            },
        })
    }

    /// Returns the text that arrives: the signature in brackets, then the text with `params` filled
    /// in.
    pub fn full_text(&self, params: &[String], signature: &str, international: bool) -> String {
        let mut full = bracketed(signature, international);
        for segment in self.segments(params) {
            match segment {
                Segment::Literal(literal) => full.push_str(literal),
                Segment::Variable { value, .. } => full.push_str(value),
            }
        }
        full
    }
}

/// Parses a variable at the start of `text`: `{12}…` returns 12 and the rest.
fn variable(text: &str) -> Option<(usize, &str)> {
    let (number, after) = text.strip_prefix('{')?.split_once('}')?;
    let digits = (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    let n = number.parse().ok().filter(|n| digits && *n > 0)?;
    Some((n, after))
}

/// Returns a signature in the brackets that go in front of a text: 【…】 for domestic messages, […]
/// for international ones (USMS manual).
pub fn bracketed(signature: &str, international: bool) -> String {
    if signature.is_empty() {
        String::new()
    } else if international {
        format!("[{signature}]")
    } else {
        format!("【{signature}】")
    }
}

/// How a text is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To mainland China.
    Domestic,
    /// To other countries: parts in the GSM alphabet may be longer.
    International,
}

impl Kind {
    /// Returns the kind of a template's messages.
    pub fn of(international: bool) -> Self {
        if international { Self::International } else { Self::Domestic }
    }
}

/// Returns the length as carriers count it: in UTF-16 code units, so that characters outside of the
/// basic plane (most emoji) count as two.
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Returns the largest length of a text of one part, and the length of each part of a longer text,
/// in characters (USMS manual, billing).
pub fn limits(full: &str, kind: Kind) -> (usize, usize) {
    match kind {
        Kind::International if full.chars().all(is_gsm) => (160, 153),
        Kind::International | Kind::Domestic => (70, 67),
    }
}

/// Returns the number of billed parts of a text, signature included.
pub fn parts(full: &str, kind: Kind) -> usize {
    let (single, each) = limits(full, kind);
    let length = length(full);
    if length <= single { 1 } else { length.div_ceil(each) }
}

/// Returns whether a letter is in the GSM 03.38 alphabet, apart from its escaped letters (which
/// count as two).
fn is_gsm(letter: char) -> bool {
    matches!(letter, ' '..='Z' | 'a'..='z' | '\n' | '\r' | '_') && letter != '`'
        || "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà".contains(letter)
}

/// Returns whether a spreadsheet would take a text for a formula.
pub fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// Returns a text as a cell of a file, with an apostrophe in front if it would be taken for a
/// formula.
pub fn as_cell(text: &str) -> std::borrow::Cow<'_, str> {
    if is_formula(text) { format!("'{text}").into() } else { text.into() }
}

/// A problem of a variable's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamProblem {
    /// It is empty: the vendor refuses it with RetCode 18018.
    Empty,
    /// A line break, tab or other control character.
    Control,
    /// Invisible characters (zero width, direction marks).
    Invisible,
    /// 【 or 】, which carriers take for a second signature.
    Brackets,
    /// Emoji, which many handsets and carriers cannot show.
    Emoji,
}

impl ParamProblem {
    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Control => "control",
            Self::Invisible => "invisible",
            Self::Brackets => "brackets",
            Self::Emoji => "emoji",
        }
    }

    /// Returns whether the value cannot be sent.
    pub fn blocks(&self) -> bool {
        match self {
            Self::Empty | Self::Control | Self::Invisible | Self::Brackets => true,
            Self::Emoji => false,
        }
    }
}

/// Returns the most serious problem of a value.
pub fn param_problem(value: &str) -> Option<ParamProblem> {
    let invisible = |letter: char| {
        matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{00ad}')
    };
    if value.trim().is_empty() {
        Some(ParamProblem::Empty)
    } else if value.chars().any(char::is_control) {
        Some(ParamProblem::Control)
    } else if value.chars().any(invisible) {
        Some(ParamProblem::Invisible)
    } else if value.contains(['【', '】']) {
        Some(ParamProblem::Brackets)
    } else if value.chars().any(|letter| u32::from(letter) > 0xFFFF) {
        Some(ParamProblem::Emoji)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn variables_are_filled_in_by_number() {
        let text = TemplateText::parse("{2}您好，验证码{1}，{1}{x}{0}{}");
        assert_eq!(text.variables(), 2);
        let full = text.full_text(&values(&["1234", "李"]), "云帆科技", false);
        assert_eq!(full, "【云帆科技】李您好，验证码1234，1234{x}{0}{}");
    }

    #[test]
    fn parts_follow_the_billing_rule() {
        let chinese = |n: usize| "字".repeat(n);
        for (n, expected) in [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (500, 8)] {
            assert_eq!(parts(&chinese(n), Kind::Domestic), expected, "{n}");
        }
        let english = |n: usize| "a".repeat(n);
        for (n, expected) in [(160, 1), (161, 2), (306, 2), (307, 3)] {
            assert_eq!(parts(&english(n), Kind::International), expected, "{n}");
        }
        assert_eq!(parts(&english(71), Kind::Domestic), 2);
        assert_eq!(parts(&format!("é字{}", english(70)), Kind::International), 2);
    }

    #[test]
    fn values_that_cannot_be_sent_are_refused_and_emoji_are_only_warned_about() {
        assert_eq!(param_problem("  "), Some(ParamProblem::Empty));
        assert_eq!(param_problem("a\nb"), Some(ParamProblem::Control));
        assert_eq!(param_problem("a\u{200b}b"), Some(ParamProblem::Invisible));
        assert_eq!(param_problem("【x】"), Some(ParamProblem::Brackets));
        assert!(!param_problem("😀").unwrap().blocks());
        assert_eq!(param_problem("1234"), None);
    }

    proptest! {
        #[test]
        fn a_text_without_variables_stays_as_it_was_written(text in "[^{}]{0,60}") {
            prop_assert_eq!(TemplateText::parse(&text).full_text(&[], "", false), text);
        }

        #[test]
        fn a_longer_text_never_has_fewer_parts(n in 1_usize..500) {
            let (short, long) = ("字".repeat(n), "字".repeat(n + 1));
            prop_assert!(parts(&short, Kind::Domestic) <= parts(&long, Kind::Domestic));
        }
    }
}
