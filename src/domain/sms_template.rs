//! An application for an SMS template, and what a reviewer would say of it.

use serde::{Deserialize, Serialize};

use super::finding::{Finding, Findings, is_plain, sensitive, unreadable};
use super::review::Purpose;
use super::text::{self, Kind, Piece, TemplateText};

/// Name, text and remark are no longer (USMS API reference, CreateUSMSTemplate).
const MAX_NAME_LENGTH: usize = 32;
/// The longest text of a first application.
pub const MAX_TEXT_LENGTH: usize = 500;
/// UpdateUSMSTemplate takes more than CreateUSMSTemplate; one message has no room for it.
const MAX_RESUBMITTED_TEXT: usize = 600;
const MAX_REMARK_LENGTH: usize = 128;
/// The review standard on names.
const STANDARD_NAME: std::ops::RangeInclusive<usize> = 2..=12;
/// Marks that no text may have (USMS manual, review standard).
const FORBIDDEN: [char; 4] = ['※', '●', '★', '￥'];
/// One of these is in every text that carries a code.
const CODE_WORDS: [&str; 4] = ["验证码", "注册码", "校验码", "动态码"];
/// How marketing at home ends (USMS API reference, CreateUSMSTemplate: `UnsubscribeInfo`).
pub const UNSUBSCRIBE: &str = "拒收请回复R";
/// A long value of a variable, for counting parts.
const LONG_VALUE: usize = 20;

/// An application for a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateApplication {
    /// What the team calls it.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The text with `{1}` `{2}`.
    pub text: String,
    /// For texts abroad.
    pub international: bool,
    /// A note for the reviewer; may be empty.
    pub remark: String,
    /// What marketing ends with; else empty.
    pub unsubscribe: String,
    /// What each variable means; may be empty.
    pub instruction: String,
}

impl TemplateApplication {
    /// What has to be mended, and what a reviewer may not like. `mends` when it changes one that
    /// exists; `words` are the team's sensitive words.
    pub fn check(&self, resubmits: bool, words: &[String]) -> Vec<Finding> {
        let mut found = Findings::default();
        self.check_name(&mut found);
        self.check_text(&mut found, resubmits);
        if !found.has("text") {
            self.check_wording(&mut found, words);
        }
        self.check_unsubscribe(&mut found);
        if self.remark.chars().count() > MAX_REMARK_LENGTH {
            found.block("remark", "remark-long", self.remark.chars().count());
        }
        found.into_vec()
    }

    fn check_name(&self, found: &mut Findings) {
        let length = self.name.chars().count();
        if self.name.trim().is_empty() {
            found.block("name", "name-empty", "");
        } else if length > MAX_NAME_LENGTH {
            found.block("name", "name-long", length);
        } else if unreadable(&self.name) {
            found.block("name", "name-unreadable", "");
        } else if !STANDARD_NAME.contains(&length) {
            found.doubt("name", "name-length", length);
        } else if let Some(mark) = self.name.chars().find(|letter| !is_plain(*letter)) {
            found.doubt("name", "name-mark", mark);
        }
    }

    fn check_text(&self, found: &mut Findings, resubmits: bool) {
        let parsed = TemplateText::parse(&self.text);
        let longest = if resubmits { MAX_RESUBMITTED_TEXT } else { MAX_TEXT_LENGTH };
        let length = self.text.chars().count();
        if self.text.trim().is_empty() {
            found.block("text", "text-empty", "");
        } else if length > longest {
            found.block("text", "text-long", length);
        } else if unreadable(&self.text.replace(['\n', '\r'], "")) {
            found.block("text", "text-unreadable", "");
        } else if let Some(mark) = self.text.chars().find(|letter| FORBIDDEN.contains(letter)) {
            found.block("text", "text-forbidden", mark);
        } else if let Some(missing) = first_gap(&parsed) {
            found.block("text", "text-gap", format!("{{{missing}}}"));
        } else if only_variables(&parsed) {
            found.block("text", "text-variables-only", "");
        }
    }

    fn check_wording(&self, found: &mut Findings, words: &[String]) {
        if self.text.chars().count() > MAX_TEXT_LENGTH {
            found.doubt("text", "text-over-500", self.text.chars().count());
        }
        if self.text.contains(['\n', '\r']) {
            found.doubt("text", "text-lines", "");
        }
        if self.text.contains(['【', '】']) {
            found.doubt("text", "text-brackets", "");
        }
        if let Some(odd) = odd_brace(&self.text) {
            found.doubt("text", "text-brace", odd);
        }
        if let Some(n) = repeated(&TemplateText::parse(&self.text)) {
            found.doubt("text", "text-repeat", format!("{{{n}}}"));
        }
        if self.purpose == Purpose::Verification
            && !self.international
            && !CODE_WORDS.iter().any(|word| self.text.contains(word))
        {
            found.doubt("text", "text-code-word", "");
        }
        if let Some(link) = link(&self.text) {
            found.doubt("text", "text-link", link);
        }
        if let Some(number) = phone_number(&self.text) {
            found.doubt("text", "text-phone", number);
        }
        if let Some(word) = sensitive(&self.text, words) {
            found.doubt("text", "sensitive-word", word);
        }
    }

    fn check_unsubscribe(&self, found: &mut Findings) {
        let needed = self.purpose == Purpose::Marketing && !self.international;
        if needed && self.unsubscribe.trim().is_empty() {
            found.block("unsubscribe", "unsubscribe-missing", UNSUBSCRIBE);
        } else if needed && self.unsubscribe != UNSUBSCRIBE {
            found.doubt("unsubscribe", "unsubscribe-other", UNSUBSCRIBE);
        } else if unreadable(&self.unsubscribe) {
            found.block("unsubscribe", "text-unreadable", "");
        }
    }

    /// What is sent: marketing ends with its way to unsubscribe.
    pub fn body(&self) -> String {
        format!("{}{}", self.text, self.unsubscribe)
    }
}

/// How long a text becomes, and what it is billed as, with a signature in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// Variables it takes.
    pub variables: usize,
    /// Characters with one for each variable.
    pub shortest: usize,
    /// Billed parts of that.
    pub shortest_parts: usize,
    /// Characters with [`Lengths::LONG_VALUE`] for each variable.
    pub longest: usize,
    /// Billed parts of that.
    pub longest_parts: usize,
    /// Characters that all values together may have for the text to stay one part; `None` when
    /// not even empty values make it one.
    pub room: Option<usize>,
}

impl Lengths {
    /// Characters of a long value.
    pub const LONG_VALUE: usize = LONG_VALUE;

    /// The lengths of `body` under `signature`.
    pub fn of(body: &str, signature: &str, international: bool) -> Self {
        let parsed = TemplateText::parse(body);
        let kind = Kind::of(international);
        let variables = parsed.variables();
        let filled = |letters: usize| {
            let values = vec!["8".repeat(letters); variables];
            let full = parsed.full_text(&values, signature, international);
            (text::length(&full), text::parts(&full, kind), text::limits(&full, kind).0)
        };
        let (bare, _, one_part) = filled(0);
        let (shortest, shortest_parts, _) = filled(1);
        let (longest, longest_parts, _) = filled(LONG_VALUE);
        let room = one_part.checked_sub(bare);
        Self { variables, shortest, shortest_parts, longest, longest_parts, room }
    }
}

/// What each variable means, as one text for the reviewer: `{1}…；{2}…`.
pub fn write_instruction(meanings: &[String]) -> String {
    let each = meanings.iter().enumerate().filter(|(_, meaning)| !meaning.trim().is_empty());
    let each: Vec<String> =
        each.map(|(index, meaning)| format!("{{{}}}{}", index + 1, meaning.trim())).collect();
    each.join("；")
}

/// What each variable means, out of one text. One that was written otherwise stays whole, with the
/// first variable.
pub fn read_instruction(instruction: &str, variables: usize) -> Vec<String> {
    let mut meanings = vec![String::new(); variables.max(1)];
    let parsed = TemplateText::parse(instruction);
    let mut at = None;
    for piece in parsed.pieces(&[]) {
        match (piece, at) {
            (Piece::Variable { n, .. }, _) => {
                at = Some(n - 1);
                meanings.resize(meanings.len().max(n), String::new());
            }
            (Piece::Literal(words), Some(at)) => {
                let words = words.trim_matches(['；', ';', '：', ':', '，', ',', ' ', '=']);
                if let Some(meaning) = meanings.get_mut(at) {
                    words.clone_into(meaning);
                }
            }
            (Piece::Literal(_), None) => {
                instruction.clone_into(&mut meanings[0]);
                return meanings;
            }
        }
    }
    meanings
}

fn numbers(text: &TemplateText) -> Vec<usize> {
    let numbers = text.pieces(&[]).filter_map(|piece| match piece {
        Piece::Variable { n, .. } => Some(n),
        Piece::Literal(_) => None,
    });
    numbers.collect()
}

/// The first number from 1 that is missing below the highest.
fn first_gap(text: &TemplateText) -> Option<usize> {
    let used = numbers(text);
    (1..=text.variables()).find(|n| !used.contains(n))
}

/// A variable that stands in the text twice: both get the same value.
fn repeated(text: &TemplateText) -> Option<usize> {
    let used = numbers(text);
    used.iter().enumerate().find(|(at, n)| used[..*at].contains(n)).map(|(_, n)| *n)
}

fn only_variables(text: &TemplateText) -> bool {
    text.variables() > 0
        && text.pieces(&[]).all(|piece| match piece {
            Piece::Variable { .. } => true,
            Piece::Literal(words) => !words.chars().any(char::is_alphanumeric),
        })
}

/// A brace that is no variable: `{name}`, `{0}`, `{`.
fn odd_brace(text: &str) -> Option<String> {
    let literals: String = TemplateText::parse(text)
        .pieces(&[])
        .filter_map(|piece| match piece {
            Piece::Literal(words) => Some(words),
            Piece::Variable { .. } => None,
        })
        .collect();
    let at = literals.find(['{', '}'])?;
    Some(literals[at..].chars().take(8).collect())
}

/// Something that reads like an address on the web.
fn link(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let is_address = |word: &&str| {
        word.contains("://")
            || word.starts_with("www.")
            || [".com", ".cn", ".net", ".org", ".top", ".cc", ".vip", ".io", ".example"]
                .iter()
                .any(|end| word.ends_with(end) || word.contains(&format!("{end}/")))
    };
    let breaks = |letter: char| !letter.is_ascii_graphic();
    lower.split(breaks).find(is_address).map(str::to_owned)
}

/// Something that reads like a phone number: seven digits or more in a row, dashes aside.
fn phone_number(text: &str) -> Option<String> {
    text.split(|letter: char| !letter.is_ascii_digit() && letter != '-')
        .find(|run| run.chars().filter(char::is_ascii_digit).count() >= 7)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(text: &str) -> TemplateApplication {
        TemplateApplication {
            name: "发货通知".to_owned(),
            purpose: Purpose::Notification,
            text: text.to_owned(),
            international: false,
            remark: String::new(),
            unsubscribe: String::new(),
            instruction: String::new(),
        }
    }

    fn keys(application: &TemplateApplication) -> Vec<(&'static str, bool)> {
        let words = ["贷款".to_owned()];
        application.check(false, &words).iter().map(|one| (one.key, one.blocks)).collect()
    }

    #[test]
    fn texts_that_the_vendor_refuses_block_and_those_a_reviewer_may_refuse_only_warn() {
        for (text, key, blocks) in [
            ("", "text-empty", true),
            ("订单{1}由{3}发出", "text-gap", true),
            ("{1}，{2}", "text-variables-only", true),
            ("★特价★", "text-forbidden", true),
            ("订单\u{202e}已发出", "text-unreadable", true),
            ("订单{1}已发出，请记下{1}", "text-repeat", false),
            ("订单{name}已发出", "text-brace", false),
            ("请看 https://yunfan.example/o", "text-link", false),
            ("请看 yunfan.cn", "text-link", false),
            ("请致电 400-000-0000", "text-phone", false),
            ("【云帆】订单已发出", "text-brackets", false),
            ("您的贷款已到期", "sensitive-word", false),
            ("第一行\n第二行", "text-lines", false),
        ] {
            assert_eq!(keys(&application(text)), [(key, blocks)], "{text}");
        }
        assert_eq!(keys(&application(&"字".repeat(501))), [("text-long", true)]);
        assert_eq!(keys(&application("您的订单{1}已由{2}发出。")), []);
    }

    #[test]
    fn a_mended_text_may_be_longer_than_a_first_one_but_no_message_has_room_for_it() {
        let long = application(&"字".repeat(550));
        let found = long.check(true, &[]);
        assert_eq!((found[0].key, found[0].blocks), ("text-over-500", false));
    }

    #[test]
    fn a_code_names_itself_and_marketing_can_be_ended() {
        let mut one = application("您的代码是{1}");
        one.purpose = Purpose::Verification;
        assert_eq!(keys(&one), [("text-code-word", false)]);
        one.international = true;
        assert_eq!(keys(&one), []);
        let mut one = application("本周新书已上架");
        one.purpose = Purpose::Marketing;
        assert_eq!(keys(&one), [("unsubscribe-missing", true)]);
        one.unsubscribe = "回T退订".to_owned();
        assert_eq!(keys(&one), [("unsubscribe-other", false)]);
        one.unsubscribe = UNSUBSCRIBE.to_owned();
        assert_eq!(keys(&one), []);
    }

    #[test]
    fn names_and_remarks_have_limits() {
        for (name, key, blocks) in [
            ("", "name-empty", true),
            ("一", "name-length", false),
            ("发货通知（新）", "name-mark", false),
        ] {
            let one =
                TemplateApplication { name: name.to_owned(), ..application("订单已发出") };
            assert_eq!(keys(&one), [(key, blocks)], "{name}");
        }
        let one = TemplateApplication { name: "字".repeat(33), ..application("订单已发出") };
        assert_eq!(keys(&one), [("name-long", true)]);
        let one =
            TemplateApplication { remark: "字".repeat(129), ..application("订单已发出") };
        assert_eq!(keys(&one), [("remark-long", true)]);
    }

    #[test]
    fn meanings_survive_being_written_and_a_free_text_stays_whole() {
        let meanings = ["订单号".to_owned(), String::new(), "日期".to_owned()];
        let written = write_instruction(&meanings);
        assert_eq!(written, "{1}订单号；{3}日期");
        assert_eq!(read_instruction(&written, 3), meanings);
        assert_eq!(read_instruction("变量一是订单号{2}", 1), ["变量一是订单号{2}"]);
        assert_eq!(read_instruction("", 2), ["", ""]);
    }

    #[test]
    fn lengths_tell_what_values_cost() {
        let lengths = Lengths::of("您的订单{1}已由{2}发出。", "云帆书店", false);
        assert_eq!((lengths.variables, lengths.shortest, lengths.shortest_parts), (2, 17, 1));
        assert_eq!((lengths.longest, lengths.longest_parts, lengths.room), (55, 1, Some(55)));
        assert_eq!(Lengths::of(&"字".repeat(80), "云帆书店", false).room, None);
    }
}
