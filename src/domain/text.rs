//! The text of a message: a template with its variables filled in, its length and its billed parts.

/// Characters one message may have, signature included (USMS manual, limits).
pub const MAX_LENGTH: usize = 500;

/// A template's text, split at its variables `{1}`, `{2}`, ….
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateText {
    pieces: Vec<Stored>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stored {
    Literal(String),
    Variable(usize),
}

/// A piece of a text with its values filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it was reviewed.
    Literal(&'a str),
    /// A variable: its number from 1 and its value, empty when there is none.
    Variable {
        /// Its number.
        n: usize,
        /// Its value.
        value: &'a str,
    },
}

impl TemplateText {
    /// Splits `text` at `{n}`; other braces are letters like any other.
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, from) = rest.split_at(open);
            literal.push_str(before);
            if let Some((n, after)) = variable(from) {
                if !literal.is_empty() {
                    pieces.push(Stored::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Stored::Variable(n));
                rest = after;
            } else {
                literal.push('{');
                rest = &from[1..];
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Stored::Literal(literal));
        }
        Self { pieces }
    }

    /// How many values it takes: the highest number among its variables.
    pub fn variables(&self) -> usize {
        let numbers = self.pieces.iter().filter_map(|piece| match piece {
            Stored::Literal(_) => None,
            Stored::Variable(n) => Some(*n),
        });
        numbers.max().unwrap_or(0)
    }

    /// The pieces with `params` filled in.
    pub fn pieces<'a>(&'a self, params: &'a [String]) -> impl Iterator<Item = Piece<'a>> {
        self.pieces.iter().map(move |piece| match piece {
            Stored::Literal(words) => Piece::Literal(words),
            Stored::Variable(n) => Piece::Variable {
                n: *n,
                value: n.checked_sub(1).and_then(|i| params.get(i)).map_or("", String::as_str),
            },
        })
    }

    /// What arrives: the signature in its brackets and the text with `params` filled in.
    pub fn full_text(&self, params: &[String], signature: &str, international: bool) -> String {
        let mut full = bracketed(signature, international);
        for piece in self.pieces(params) {
            match piece {
                Piece::Literal(words) => full.push_str(words),
                Piece::Variable { value, .. } => full.push_str(value),
            }
        }
        full
    }
}

/// `{12}…` as 12 and what follows.
fn variable(text: &str) -> Option<(usize, &str)> {
    let (number, after) = text.strip_prefix('{')?.split_once('}')?;
    let digits = (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    let n = number.parse().ok().filter(|n| digits && *n > 0)?;
    Some((n, after))
}

/// A signature as it stands in front of a text: 【…】 at home, […] abroad (USMS manual).
pub fn bracketed(signature: &str, international: bool) -> String {
    if signature.is_empty() {
        String::new()
    } else if international {
        format!("[{signature}]")
    } else {
        format!("【{signature}】")
    }
}

/// What a text is billed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To mainland China.
    Domestic,
    /// Elsewhere: plain English may be longer.
    International,
}

impl Kind {
    /// The kind of a template.
    pub fn of(international: bool) -> Self {
        if international { Self::International } else { Self::Domestic }
    }
}

/// Characters as the carriers count them: those outside of the basic plane (most emoji) are two.
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Characters of a text that is one part, and of each part of a longer one (USMS manual, billing).
pub fn limits(full: &str, kind: Kind) -> (usize, usize) {
    match kind {
        Kind::International if full.chars().all(is_gsm) => (160, 153),
        Kind::International | Kind::Domestic => (70, 67),
    }
}

/// Billed parts of a text, signature included.
pub fn parts(full: &str, kind: Kind) -> usize {
    let (one, each) = limits(full, kind);
    let length = length(full);
    if length <= one { 1 } else { length.div_ceil(each) }
}

/// The GSM 03.38 alphabet, without its escaped letters (they take two places).
fn is_gsm(letter: char) -> bool {
    matches!(letter, ' '..='Z' | 'a'..='z' | '\n' | '\r' | '_') && letter != '`'
        || "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà".contains(letter)
}

/// Whether a spreadsheet would take a text for a formula.
pub fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A text as a cell of a file: with an apostrophe in front of what would be taken for a formula.
pub fn as_cell(text: &str) -> std::borrow::Cow<'_, str> {
    if is_formula(text) { format!("'{text}").into() } else { text.into() }
}

/// What is wrong or doubtful about a variable's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamProblem {
    /// Nothing to fill in: the vendor answers 18018.
    Empty,
    /// A line break, tab or other control character.
    Control,
    /// Letters that cannot be seen (zero width, direction marks).
    Invisible,
    /// 【】, which carriers read as a second signature.
    Brackets,
    /// Emoji, which many handsets and carriers do not show.
    Emoji,
}

impl ParamProblem {
    /// The name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Control => "control",
            Self::Invisible => "invisible",
            Self::Brackets => "brackets",
            Self::Emoji => "emoji",
        }
    }

    /// Whether it cannot be sent like this.
    pub fn blocks(&self) -> bool {
        match self {
            Self::Empty | Self::Control | Self::Invisible | Self::Brackets => true,
            Self::Emoji => false,
        }
    }
}

/// The gravest problem of a value.
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
        for (n, billed) in [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (500, 8)] {
            assert_eq!(parts(&chinese(n), Kind::Domestic), billed, "{n}");
        }
        let english = |n: usize| "a".repeat(n);
        for (n, billed) in [(160, 1), (161, 2), (306, 2), (307, 3)] {
            assert_eq!(parts(&english(n), Kind::International), billed, "{n}");
        }
        assert_eq!(parts(&english(71), Kind::Domestic), 2);
        assert_eq!(parts(&format!("é字{}", english(70)), Kind::International), 2);
    }

    #[test]
    fn values_that_cannot_be_read_are_refused_and_emoji_only_doubted() {
        assert_eq!(param_problem("  "), Some(ParamProblem::Empty));
        assert_eq!(param_problem("a\nb"), Some(ParamProblem::Control));
        assert_eq!(param_problem("a\u{200b}b"), Some(ParamProblem::Invisible));
        assert_eq!(param_problem("【x】"), Some(ParamProblem::Brackets));
        assert!(!param_problem("😀").unwrap().blocks());
        assert_eq!(param_problem("1234"), None);
    }

    proptest! {
        #[test]
        fn a_text_without_values_reads_as_it_was_written(text in "[^{}]{0,60}") {
            prop_assert_eq!(TemplateText::parse(&text).full_text(&[], "", false), text);
        }

        #[test]
        fn parts_never_fall_as_a_text_grows(n in 1_usize..500) {
            let (short, long) = ("字".repeat(n), "字".repeat(n + 1));
            prop_assert!(parts(&short, Kind::Domestic) <= parts(&long, Kind::Domestic));
        }
    }
}
