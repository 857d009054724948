//! Texts of messages: a template with its variables filled in, the length and the billed parts.

mod value;

use super::replies::opt_out;

pub use value::{ParamProblem, is_invisible, param_problem, param_problems};

/// The largest length of a message in characters, signature included (USMS manual, limits).
pub const MAX_LENGTH: usize = 500;

/// A template's text, split at its variables `{1}`, `{2}`, ….
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateText {
    segments: Vec<OwnedSegment>,
    /// How to opt out, which follows unless the text ends with that, or a value does.
    added_opt_out: String,
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
        Self { segments, added_opt_out: String::new() }
    }

    /// Splits a text whose end is not part of what was reviewed: `added_opt_out`, which may be empty.
    pub fn with_added_opt_out(text: &str, added_opt_out: &str) -> Self {
        match text.strip_suffix(added_opt_out) {
            Some(reviewed) => {
                Self { added_opt_out: added_opt_out.to_owned(), ..Self::parse(reviewed) }
            }
            None => Self::parse(text),
        }
    }

    /// Returns what follows the reviewed text with these values: how to opt out, or nothing.
    pub fn added_opt_out(&self, params: &[String]) -> &str {
        if self.added_opt_out.is_empty() {
            return "";
        }
        let mut reviewed = String::new();
        self.push_reviewed(&mut reviewed, params);
        self.added_after(&reviewed)
    }

    fn added_after(&self, reviewed: &str) -> &str {
        let added = self.added_opt_out.as_str();
        if added.is_empty() || opt_out::ends_with_one(reviewed, added) { "" } else { added }
    }

    fn reviewed<'a>(&'a self, params: &'a [String]) -> impl Iterator<Item = Segment<'a>> {
        self.segments.iter().map(move |segment| match segment {
            OwnedSegment::Literal(literal) => Segment::Literal(literal),
            OwnedSegment::Variable(n) => Segment::Variable {
                n: *n,
                value: n.checked_sub(1).and_then(|i| params.get(i)).map_or("", String::as_str),
            },
        })
    }

    fn push_reviewed(&self, text: &mut String, params: &[String]) {
        for segment in self.reviewed(params) {
            match segment {
                Segment::Literal(literal) => text.push_str(literal),
                Segment::Variable { value, .. } => text.push_str(value),
            }
        }
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
        let added = Some(self.added_opt_out(params)).filter(|added| !added.is_empty());
        self.reviewed(params).chain(added.map(Segment::Literal))
    }

    /// Returns the text that arrives: the signature in brackets, then the text with `params` filled
    /// in.
    pub fn full_text(&self, params: &[String], signature: &str, international: bool) -> String {
        let mut full = String::new();
        self.write_full_text(&mut full, params, signature, international);
        full
    }

    /// Replaces `full` by what [`TemplateText::full_text`] returns: a list has many texts.
    pub fn write_full_text(
        &self,
        full: &mut String,
        params: &[String],
        signature: &str,
        international: bool,
    ) {
        full.clear();
        push_bracketed(full, signature, international);
        let body = full.len();
        self.push_reviewed(full, params);
        let added = self.added_after(&full[body..]);
        full.push_str(added);
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
    let mut text = String::new();
    push_bracketed(&mut text, signature, international);
    text
}

fn push_bracketed(text: &mut String, signature: &str, international: bool) {
    let (open, close) = if international { ('[', ']') } else { ('【', '】') };
    if !signature.is_empty() {
        text.push(open);
        text.push_str(signature);
        text.push(close);
    }
}

/// How a text is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To mainland China.
    Domestic,
    /// To other countries: parts of plain English may be longer.
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
    // In UTF-8 each character has one byte that is no continuation; those beyond the plane have four.
    let units = |byte: u8| usize::from(byte & 0xC0 != 0x80) + usize::from(byte >= 0xF0);
    text.bytes().map(units).sum()
}

/// Returns the largest length of a text of one part, and the length of each part of a longer text,
/// in characters (USMS manual, billing: guide/5005/507 and price/3003).
///
/// The manual grants 160 and 153 to international texts of plain English (纯英文), the signature
/// included, and counts each English mark as one character; the signature's brackets `[]` are such
/// marks (introduction/2005/2103). It says nothing about accented letters, other letters of the GSM
/// alphabet, or line breaks. Here English is printable ASCII, and everything else makes it a text of
/// 70 and 67: a cost is rather shown too high than too low.
pub fn limits(full: &str, kind: Kind) -> (usize, usize) {
    match kind {
        Kind::International if full.bytes().all(|byte| matches!(byte, b' '..=b'~')) => (160, 153),
        Kind::International | Kind::Domestic => (70, 67),
    }
}

/// Returns the number of billed parts of a text, signature included.
pub fn parts(full: &str, kind: Kind) -> usize {
    measure(full, kind).1
}

/// Returns the length of a text and the number of its billed parts.
pub fn measure(full: &str, kind: Kind) -> (usize, usize) {
    let (single, each) = limits(full, kind);
    let length = length(full);
    (length, if length <= single { 1 } else { length.div_ceil(each) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn how_to_opt_out_follows_unless_a_value_ends_with_it() {
        let text = TemplateText::with_added_opt_out("本周活动：{1}拒收请回复R", "拒收请回复R");
        for (value, added) in [
            ("新书", "拒收请回复R"),
            ("新书，回T退订", ""),
            ("新书，拒收请回复R。", ""),
            ("可随时退订", "拒收请回复R"),
            ("", "拒收请回复R"),
        ] {
            let params = values(&[value]);
            let expected = format!("【云帆】本周活动：{value}{added}");
            assert_eq!(text.full_text(&params, "云帆", false), expected);
            assert_eq!(text.added_opt_out(&params), added, "{value}");
            let last = text.segments(&params).last();
            assert_eq!(last == Some(Segment::Literal("拒收请回复R")), !added.is_empty(), "{value}");
        }
        // One that was reviewed stays, whatever the value.
        let reviewed = TemplateText::with_added_opt_out("{1}拒收请回复R", "");
        let full = reviewed.full_text(&values(&["新书，回T退订"]), "", false);
        assert_eq!(full, "新书，回T退订拒收请回复R");
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
        let printable: String = (' '..='~').collect();
        assert_eq!(limits(&printable, Kind::International), (160, 153));
        let signed = |n: usize| format!("{}{}", bracketed("YunFan", true), english(n));
        for (n, expected) in [(152, 1), (153, 2), (298, 2), (299, 3)] {
            assert_eq!(parts(&signed(n), Kind::International), expected, "{n}");
        }
        for other in ["é", "£", "Δ", "字", "\n", "\u{7f}", "\u{1f600}", "【"] {
            let full = format!("{other}{}", english(70));
            assert_eq!(limits(&full, Kind::International), (70, 67), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn a_text_has_its_literals_and_values_in_order(
            literals in proptest::collection::vec("[^{}]{0,8}|\\{|\\}|\\{x\\}|\\{0\\}", 1..6),
            numbers in proptest::collection::vec(1_usize..4, 5),
            values in proptest::collection::vec("\\PC{0,6}|\\{1\\}", 3),
        ) {
            let (mut template, mut expected) = (String::new(), "【云帆书店】".to_owned());
            for (literal, n) in literals.iter().zip(numbers.iter().chain([&1])) {
                // A brace before a variable would begin another one.
                let literal = literal.trim_end_matches('{');
                template.push_str(&format!("{literal}{{{n}}}"));
                expected.push_str(&format!("{literal}{}", values[n - 1]));
            }
            let text = TemplateText::parse(&template);
            prop_assert_eq!(text.full_text(&values, "云帆书店", false), expected);
        }

        #[test]
        fn a_text_has_the_length_of_its_utf_16(text in "[a字é\\x00]{0,9}\\PC{0,60}") {
            prop_assert_eq!(length(&text), text.encode_utf16().count());
        }

        #[test]
        fn a_text_has_the_fewest_parts_that_hold_it(
            text in "[ -~]{0,330}|[字a😀]{0,300}", international in any::<bool>(),
        ) {
            let kind = Kind::of(international);
            let (single, each) = limits(&text, kind);
            let (length, parts) = measure(&text, kind);
            let holds = |parts: usize| if parts == 1 { single } else { parts * each };
            prop_assert!(length <= holds(parts));
            prop_assert!(parts == 1 || length > holds(parts - 1), "{} in {}", length, parts);
        }
    }
}
