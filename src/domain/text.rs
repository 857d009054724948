//! Texts of messages: a template with its variables filled in, the length and the billed parts.

use super::review::Purpose;

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
    text.encode_utf16().count()
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
    let (single, each) = limits(full, kind);
    let length = length(full);
    if length <= single { 1 } else { length.div_ceil(each) }
}

/// A problem of a variable's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParamProblem {
    /// It is empty: the vendor refuses it with RetCode 18018.
    Empty,
    /// A line break, tab or other control character.
    Control,
    /// Invisible characters (zero width, direction marks).
    Invisible,
    /// 【 or 】, which carriers take for a second signature.
    Brackets,
    /// Not one to seven letters or digits, in a verification template (the vendor's form:
    /// 变量传值必须是 7 位以内的数字或字母).
    Code,
    /// What a program or spreadsheet writes where a value is missing, such as `#N/A`, `null` or
    /// `{name}`, or a character that could not be decoded.
    Placeholder,
    /// A link, which carriers block.
    Link,
    /// A phone number, which carriers block.
    PhoneNumber,
    /// ※, ● or ★, which the vendor does not allow in texts.
    Mark,
    /// ￥ or ¥, which the vendor does not allow in texts.
    Yuan,
    /// Emoji, which many handsets and carriers cannot show.
    Emoji,
}

impl ParamProblem {
    /// All problems, the most serious first.
    const ALL: [Self; 11] = [
        Self::Empty,
        Self::Control,
        Self::Invisible,
        Self::Brackets,
        Self::Code,
        Self::Placeholder,
        Self::Link,
        Self::PhoneNumber,
        Self::Mark,
        Self::Yuan,
        Self::Emoji,
    ];

    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Control => "control",
            Self::Invisible => "invisible",
            Self::Brackets => "brackets",
            Self::Code => "code",
            Self::Placeholder => "placeholder",
            Self::Link => "link",
            Self::PhoneNumber => "phone-number",
            Self::Mark => "mark",
            Self::Yuan => "yuan",
            Self::Emoji => "emoji",
        }
    }

    /// Returns whether the value cannot be sent.
    pub fn blocks(self) -> bool {
        match self {
            Self::Empty | Self::Control | Self::Invisible | Self::Brackets | Self::Code => true,
            Self::Placeholder
            | Self::Link
            | Self::PhoneNumber
            | Self::Mark
            | Self::Yuan
            | Self::Emoji => false,
        }
    }

    /// Returns whether a value in a template of this purpose has the problem.
    fn is_in(self, value: &str, purpose: Purpose) -> bool {
        match self {
            Self::Empty => value.trim().is_empty(),
            Self::Control => value.contains(char::is_control),
            Self::Invisible => value.contains(is_invisible),
            Self::Brackets => value.contains(['【', '】']),
            Self::Code => purpose == Purpose::Verification && !is_code(value),
            Self::Placeholder => is_placeholder(value),
            Self::Link => has_link(value),
            Self::PhoneNumber => has_phone_number(value),
            Self::Mark => value.contains(['※', '●', '★']),
            Self::Yuan => value.contains(['￥', '¥']),
            Self::Emoji => value.chars().any(|letter| u32::from(letter) > 0xFFFF),
        }
    }
}

/// The most characters of a value in a verification template.
const MAX_CODE_LENGTH: usize = 7;

/// Returns the problems of a value in a template of this purpose, the most serious first.
pub fn param_problems(value: &str, purpose: Purpose) -> impl Iterator<Item = ParamProblem> {
    ParamProblem::ALL.into_iter().filter(move |problem| problem.is_in(value, purpose))
}

/// Returns the most serious problem of a value in a template of this purpose.
pub fn param_problem(value: &str, purpose: Purpose) -> Option<ParamProblem> {
    if is_plain(value) && (purpose != Purpose::Verification || is_code(value)) {
        return None;
    }
    param_problems(value, purpose).next()
}

/// Returns whether a value has only Chinese characters and less digits than a code or a phone may
/// have. Most values of a list are such and have no problem, which need not be looked for.
fn is_plain(value: &str) -> bool {
    let mut digits = 0;
    let plain = value.chars().all(|letter| {
        digits += usize::from(letter.is_ascii_digit());
        letter.is_ascii_digit() || matches!(letter, '\u{4e00}'..='\u{9fa5}') && letter != '锟'
    });
    plain && !value.is_empty() && digits <= MAX_CODE_LENGTH
}

fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{00ad}' | '\u{2028}' | '\u{2029}'
        | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

fn is_code(value: &str) -> bool {
    (1..=MAX_CODE_LENGTH).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// What programs write for a value that is missing, in lower case.
const MISSING: [&str; 17] = [
    "null",
    "nil",
    "none",
    "nan",
    "-nan",
    "nat",
    "n/a",
    "na",
    "undefined",
    "infinity",
    "-infinity",
    "inf",
    "-inf",
    "1.#qnan",
    "\\n",
    "object object",
    "invalid date",
];
/// Such words that are found within a value as well.
const MISSING_WITHIN: [&str; 4] = ["null", "undefined", "NaN", "NULL"];
/// What a wrong encoding makes of damaged text again and again.
const GARBLED: [&str; 2] = ["\u{fffd}", "锟斤拷"];

/// Returns whether a value stands for one that is missing: an error of a spreadsheet, a program's
/// word for nothing, a variable that was not filled in, or a character that could not be decoded.
fn is_placeholder(value: &str) -> bool {
    let around = |letter: char| {
        letter.is_whitespace()
            || matches!(letter, '"' | '\'' | '[' | ']' | '(' | ')' | '<' | '>' | '.')
    };
    let word = value.trim().trim_matches(around);
    // `NA` alone may be a name; only in its brackets or with a slash it is none.
    let missing = |word: &str| MISSING.iter().any(|missing| missing.eq_ignore_ascii_case(word));
    missing(word) && !word.eq_ignore_ascii_case("na")
        || word.eq_ignore_ascii_case("na") && value.trim().starts_with('<')
        || value.trim().starts_with('#') && is_spreadsheet_error(&value.trim().to_lowercase())
        || MISSING_WITHIN.iter().any(|missing| has_word(value, missing))
        || GARBLED.iter().any(|garbled| value.contains(garbled))
        || has_braces(value)
        || is_variable_of_a_program(value.trim())
}

/// Returns whether a text has a word that no Latin letter or digit adjoins.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let adjoins = |letter: Option<char>| letter.is_some_and(|c| c.is_ascii_alphanumeric());
        !adjoins(text[..at].chars().next_back()) && !adjoins(text[at + word.len()..].chars().next())
    })
}

/// Returns whether a whole value is a variable in another notation: `%name%`, `%(name)s`, `$name`,
/// `<name>`, `&nbsp;`.
fn is_variable_of_a_program(value: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
    };
    [("%", "%"), ("%(", ")s"), ("$", ""), ("<", ">"), ("&", ";")].iter().any(|(start, end)| {
        value.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)).is_some_and(is_name)
    })
}

/// Returns whether a word in lower case is a spreadsheet's error, such as `#n/a` or `#div/0!`, or
/// the signs of a column that is too narrow.
fn is_spreadsheet_error(word: &str) -> bool {
    word.strip_prefix('#').is_some_and(|rest| {
        let all_signs = rest.len() >= 2 && rest.bytes().all(|byte| byte == b'#');
        let name = rest.strip_suffix(['!', '?']).unwrap_or("");
        let error = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'/');
        rest == "n/a" || all_signs || error
    })
}

/// Returns whether a text has a variable in braces that a program should have filled in: `{name}`,
/// `${code}`, `{{ 姓名 }}`, `{1}`, `{user.name | upper}`. An offer such as `{5折}` is none.
fn has_braces(text: &str) -> bool {
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        rest = &rest[open + 1..];
        let Some(close) = rest.find('}') else { break };
        let name = rest[..close].trim_matches(['{', ' ', '$', '#']);
        let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || "_.- ?()[]'\":|".contains(c));
        if is_number || is_name {
            return true;
        }
    }
    text.contains("<%") && text.contains("%>")
}

/// Endings of domains that people put into messages.
const DOMAINS: [&str; 23] = [
    ".com", ".cn", ".net", ".org", ".top", ".vip", ".xyz", ".cc", ".io", ".me", ".info", ".shop",
    ".club", ".site", ".online", ".link", ".app", ".ltd", ".tv", ".co", ".lc", ".中国", ".公司",
];

/// Returns whether a text has a link: with its scheme, `www.`, a domain by its ending, or a host with
/// a path.
pub fn has_link(text: &str) -> bool {
    if !text.contains(['.', '/', '。', '．']) {
        return false;
    }
    let ascii = |letter: char| match letter {
        '。' => '.',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter),
        other => other,
    };
    let lower: String = text.to_lowercase().chars().map(ascii).collect();
    if ["://", "www."].iter().any(|start| lower.contains(start)) {
        return true;
    }
    let ends_domain = |ending: &str| {
        lower.match_indices(ending).any(|(at, _)| {
            let before = lower[..at].chars().next_back();
            let after = lower[at + ending.len()..].chars().next();
            before.is_some_and(char::is_alphanumeric)
                && after.is_none_or(|c| !c.is_ascii_alphanumeric())
        })
    };
    DOMAINS.iter().any(|ending| ends_domain(ending)) || lower.split(is_no_host).any(has_path)
}

fn is_no_host(letter: char) -> bool {
    !letter.is_ascii_alphanumeric() && !matches!(letter, '.' | '-' | '/' | '_' | '?' | '=')
}

/// Returns whether a word is a host with a path, such as `suo.im/x` or `1.2.3.4/x`. Dates and
/// amounts are none.
fn has_path(word: &str) -> bool {
    let Some((host, path)) = word.split_once('/') else { return false };
    let labels: Vec<&str> = host.split('.').collect();
    let is_address = labels.len() == 4 && labels.iter().all(|label| label.parse::<u8>().is_ok());
    let is_domain = labels.len() >= 2
        && labels.iter().all(|label| !label.is_empty())
        && labels
            .last()
            .is_some_and(|top| top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_lowercase()));
    !path.is_empty() && (is_address || is_domain)
}

/// Returns whether a text has a phone number: a mobile phone, a landline with its area code, or a
/// number that begins with 400 or 800.
pub fn has_phone_number(text: &str) -> bool {
    let (mut digits, mut separators) = (String::new(), 0);
    let mut found = false;
    for letter in text.chars().chain(std::iter::once('，')) {
        match letter {
            '0'..='9' | '０'..='９' => {
                let digit = u32::from(letter) % 0xFEE0;
                digits.extend(char::from_u32(digit));
                separators = 0;
            }
            // Groups of digits: `138 0000 0000`, `(021)60000000`.
            '-' | '－' | '—' | ' ' | '.' | ')' | '）' if !digits.is_empty() && separators < 2 =>
            {
                separators += 1;
            }
            _ => found |= is_phone_number(&std::mem::take(&mut digits)),
        }
    }
    found
}

fn is_phone_number(digits: &str) -> bool {
    let second = digits.as_bytes().get(1).copied().unwrap_or(0);
    match (digits.as_bytes().first(), digits.len()) {
        (Some(b'1'), 11) => (b'3'..=b'9').contains(&second),
        (Some(b'0'), 10..=12) => second != b'0',
        (Some(b'4' | b'8'), 10) => digits[1..].starts_with("00"),
        (Some(b'8'), 13) => {
            digits.starts_with("861") && (b'3'..=b'9').contains(&digits.as_bytes()[3])
        }
        _ => false,
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

    fn problem(value: &str) -> Option<ParamProblem> {
        param_problem(value, Purpose::Notice)
    }

    #[test]
    fn values_that_cannot_be_sent_are_refused_and_others_only_warned_about() {
        for (value, expected, blocks) in [
            ("  ", ParamProblem::Empty, true),
            ("a\nb", ParamProblem::Control, true),
            ("a\u{200b}b", ParamProblem::Invisible, true),
            ("【x】", ParamProblem::Brackets, true),
            ("详见 https://example.cn/a", ParamProblem::Link, false),
            ("example.com，", ParamProblem::Link, false),
            ("请拨 185-0000-1234", ParamProblem::PhoneNumber, false),
            ("4001234567", ParamProblem::PhoneNumber, false),
            ("138 0000 0000", ParamProblem::PhoneNumber, false),
            ("(021)60000000", ParamProblem::PhoneNumber, false),
            ("suo.im/x", ParamProblem::Link, false),
            ("1.2.3.4/x", ParamProblem::Link, false),
            ("ｗｗｗ．ａ．ｃｏｍ", ParamProblem::Link, false),
            ("例子.中国", ParamProblem::Link, false),
            ("\u{3164}", ParamProblem::Invisible, true),
            ("★五星", ParamProblem::Mark, false),
            ("￥50", ParamProblem::Yuan, false),
            ("¥1,200.00", ParamProblem::Yuan, false),
            ("😀", ParamProblem::Emoji, false),
        ] {
            assert_eq!(problem(value), Some(expected), "{value}");
            assert_eq!(expected.blocks(), blocks, "{value}");
        }
        for fine in [
            "1234",
            "50元",
            "李雷",
            "3.14",
            "1.5.com5",
            "20261129",
            "2026/11/29",
            "2.5/3",
            "10.5 11.5",
            "3.14.",
            "123456789012345678",
        ] {
            assert_eq!(problem(fine), None, "{fine}");
        }
    }

    #[test]
    fn what_programs_write_for_a_missing_value_is_found() {
        for value in [
            "#N/A",
            "#REF!",
            "#DIV/0!",
            "#NAME?",
            "#VALUE!",
            "#SPILL!",
            "######",
            "null",
            "NULL",
            "undefined",
            "NaN",
            "None",
            "{name}",
            "${code}",
            "{{ 姓名 }}",
            "{1}",
            "李雷\u{fffd}",
            "尊敬的{客户}",
            "[object Object]",
        ] {
            assert_eq!(problem(value), Some(ParamProblem::Placeholder), "{value}");
        }
        for fine in [
            "#1", "A#", "{", "{}", "无", "Nonesuch", "nullable", "第#3号", "NA", "{5折}", "$5",
            "50%", "<3", "Banana",
        ] {
            assert_eq!(problem(fine), None, "{fine}");
        }
    }

    #[test]
    fn plain_values_have_none_of_the_problems_that_are_not_looked_for() {
        for value in ["李雷", "50元", "1234567", "订单7号", "第12页共30页"] {
            assert!(is_plain(value), "{value}");
            assert_eq!(param_problems(value, Purpose::Notice).next(), None, "{value}");
        }
        for value in ["", "12345678", "null", "锟斤拷", "￥5", "a.cn", "1 2", "-"] {
            assert!(!is_plain(value), "{value}");
        }
    }

    #[test]
    fn values_of_verification_templates_are_one_to_seven_letters_or_digits() {
        for fine in ["1", "1234567", "aB3"] {
            assert_eq!(param_problem(fine, Purpose::Verification), None, "{fine}");
        }
        for wrong in ["12345678", "李雷", "12 34", "12.5", "a-b", "１２３４", "#N/A", "{name}"]
        {
            let problem = param_problem(wrong, Purpose::Verification);
            assert_eq!(problem, Some(ParamProblem::Code), "{wrong}");
        }
    }

    #[test]
    fn a_value_has_each_of_its_problems_and_those_that_block_come_first() {
        let problems = |value| param_problems(value, Purpose::Notice).collect::<Vec<_>>();
        assert_eq!(
            problems("★ ￥50，见 example.cn 😀"),
            [ParamProblem::Link, ParamProblem::Mark, ParamProblem::Yuan, ParamProblem::Emoji]
        );
        assert_eq!(problems("【★】"), [ParamProblem::Brackets, ParamProblem::Mark]);
        assert!(ParamProblem::ALL.is_sorted());
        assert!(ParamProblem::ALL.is_sorted_by_key(|problem| !problem.blocks()));
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
