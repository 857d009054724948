//! Values of variables: what keeps them from being sent, and what carriers may block or phones not
//! show.

use crate::domain::review::Purpose;
use crate::domain::sending::contact;

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
            Self::Link => contact::find_link(value).is_some(),
            Self::PhoneNumber => {
                contact::find_phone_number(value).is_some()
                    || contact::find_called_number(value).is_some()
            }
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

/// Returns whether a value has only Chinese characters, Latin letters and digits, and none of the
/// problems that such a value may have. Most values of a list are so, and no other problem need be
/// looked for.
fn is_plain(value: &str) -> bool {
    let (mut has_letters, mut digits) = (false, 0);
    let only_such = value.chars().all(|letter| {
        has_letters |= letter.is_ascii_alphabetic();
        digits += usize::from(letter.is_ascii_digit());
        letter.is_ascii_alphanumeric()
            || matches!(letter, '\u{4e00}'..='\u{9fa5}') && letter != '锟'
    });
    only_such
        && !value.is_empty()
        && !(has_letters && (is_missing(value) || has_missing_word(value)))
        && !(digits >= contact::MIN_PHONE_DIGITS && contact::find_phone_number(value).is_some())
        && !(digits >= contact::MIN_SERVICE_DIGITS && contact::find_called_number(value).is_some())
}

/// Returns whether a character is not seen: zero width, direction marks, fillers, line separators.
pub fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{00ad}' | '\u{2028}' | '\u{2029}'
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
    is_missing(word)
        || word.eq_ignore_ascii_case("na") && value.trim().starts_with('<')
        || value.trim().starts_with('#') && is_spreadsheet_error(&value.trim().to_lowercase())
        || has_missing_word(value)
        || GARBLED.iter().any(|garbled| value.contains(garbled))
        || has_braces(value)
        || is_variable_of_a_program(value.trim())
}

/// Returns whether a word stands for a missing value. `NA` alone may be a name; only in its brackets
/// or with a slash it is none.
fn is_missing(word: &str) -> bool {
    MISSING.iter().any(|missing| missing.eq_ignore_ascii_case(word))
        && !word.eq_ignore_ascii_case("na")
}

/// Returns whether a text has one of [`MISSING_WITHIN`] that no Latin letter or digit adjoins.
fn has_missing_word(text: &str) -> bool {
    let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.any(|word| MISSING_WITHIN.contains(&word))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            ("详询客服热线95500", ParamProblem::PhoneNumber, false),
            ("致电12580", ParamProblem::PhoneNumber, false),
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
            "95500",
            "12345",
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
        for value in ["李雷", "50元", "12345678", "订单7号", "第12页共30页", "YT0000000123", "NA"]
        {
            assert!(is_plain(value), "{value}");
            assert_eq!(param_problems(value, Purpose::Notice).next(), None, "{value}");
        }
        for value in ["", "18500001234", "null", "您的null", "锟斤拷", "￥5", "a.cn", "1 2", "-"]
        {
            assert!(!is_plain(value), "{value}");
        }
    }

    proptest! {
        #[test]
        fn a_value_is_plain_if_it_has_no_other_letters_and_no_problem(
            value in "([0-9]{1,13}|1[3-9][0-9]{9}|[a-zA-Z]{1,4}|null|NaN|undefined|[一-龥]|0[1-9][0-9]{9}){1,3}",
        ) {
            let none = param_problems(&value, Purpose::Notice).next().is_none();
            prop_assert_eq!(is_plain(&value), none && !value.contains('锟'), "{}", value);
        }

        #[test]
        fn what_is_plain_has_no_problem(value in "[0-9a-zA-Z一-龥 .,。#{}<>/￥★【\u{200b}-]{0,12}") {
            if is_plain(&value) {
                prop_assert_eq!(param_problems(&value, Purpose::Notice).next(), None, "{}", value);
            }
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
}
