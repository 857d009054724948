//! Applications for SMS templates, and the checks before they go to review.

use serde::{Deserialize, Serialize};

use super::Purpose;
use super::finding::{Document, Finding, Findings, has_unreadable, is_plain, sensitive_word};
use super::topics;
use crate::domain::replies::opt_out;
pub use crate::domain::replies::opt_out::UNSUBSCRIBE;
use crate::domain::sending::contact;
use crate::domain::text::{self, Kind, Segment, TemplateText};

mod meanings;

pub use meanings::{read_instruction, write_instruction};

/// The largest length of a name in characters (USMS API reference, CreateUSMSTemplate).
const MAX_NAME_LENGTH: usize = 32;
/// The largest length of the text of a new template, in characters (USMS API reference,
/// CreateUSMSTemplate).
pub const MAX_TEXT_LENGTH: usize = 500;
/// The largest length of a resubmitted text, in characters. UpdateUSMSTemplate accepts more than
/// CreateUSMSTemplate, although a message may not be that long.
const MAX_RESUBMITTED_TEXT_LENGTH: usize = 600;
/// The largest length of a remark, in characters (USMS API reference, CreateUSMSTemplate).
const MAX_REMARK_LENGTH: usize = 128;
/// The lengths of a name that the vendor's review standard allows, in characters.
const STANDARD_NAME_LENGTHS: std::ops::RangeInclusive<usize> = 2..=12;
/// Characters that no text may have (USMS manual, review standard).
const FORBIDDEN: [char; 4] = ['※', '●', '★', '￥'];
/// Words of which every verification text has one.
const CODE_WORDS: [&str; 4] = ["验证码", "注册码", "校验码", "动态码"];
/// The length of a long value of a variable, in characters, for estimating parts.
const LONG_VALUE: usize = 20;

/// An application for an SMS template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateApplication {
    /// The template's name.
    pub name: String,
    /// The purpose.
    pub purpose: Purpose,
    /// The text with its variables `{1}`, `{2}`, ….
    pub text: String,
    /// Whether it is for international messages.
    pub international: bool,
    /// A note for the reviewer; may be empty.
    pub remark: String,
    /// The last words of a marketing text, which say how to opt out; else empty.
    pub unsubscribe: String,
    /// What each variable means, as [`write_instruction`] writes it; may be empty.
    pub instruction: String,
}

impl TemplateApplication {
    /// Returns the errors and warnings of the application. `resubmits` tells whether it changes an
    /// existing template; `sensitive_words` are those of the team.
    pub fn check(&self, resubmits: bool, sensitive_words: &[String]) -> Vec<Finding> {
        let mut found = Findings::default();
        self.check_name(&mut found);
        self.check_text(&mut found, resubmits);
        if !found.has("text") {
            self.check_wording(&mut found, sensitive_words);
        }
        // UpdateUSMSTemplate has no parameter for it, so it stays as it is.
        if !resubmits {
            self.check_unsubscribe(&mut found);
        }
        if self.remark.chars().count() > MAX_REMARK_LENGTH {
            found
                .error("remark", "remark-long", self.remark.chars().count())
                .stated_in(Document::CreateTemplate);
        }
        found.into_vec()
    }

    fn check_name(&self, found: &mut Findings) {
        let length = self.name.chars().count();
        if self.name.trim().is_empty() {
            found.error("name", "name-empty", "").stated_in(Document::CreateTemplate);
        } else if length > MAX_NAME_LENGTH {
            found.error("name", "name-long", length).stated_in(Document::CreateTemplate);
        } else if has_unreadable(&self.name) {
            found.error("name", "name-unreadable", "");
        } else if !STANDARD_NAME_LENGTHS.contains(&length) {
            found.warning("name", "name-length", length).stated_in(Document::TemplateStandard);
        } else if let Some(mark) = self.name.chars().find(|letter| !is_plain(*letter)) {
            found.warning("name", "name-mark", mark).stated_in(Document::TemplateStandard);
        }
    }

    fn check_text(&self, found: &mut Findings, resubmits: bool) {
        let parsed = TemplateText::parse(&self.text);
        let max = if resubmits { MAX_RESUBMITTED_TEXT_LENGTH } else { MAX_TEXT_LENGTH };
        let length = self.text.chars().count();
        if self.text.trim().is_empty() {
            found.error("text", "text-empty", "").stated_in(Document::CreateTemplate);
        } else if length > max {
            found.error("text", "text-long", length).stated_in(Document::TemplateStandard);
        } else if has_unreadable(&self.text.replace(['\n', '\r'], "")) {
            found.error("text", "text-unreadable", "");
        } else if let Some(mark) = self.text.chars().find(|letter| FORBIDDEN.contains(letter)) {
            found.error("text", "text-forbidden", mark).stated_in(Document::TemplateStandard);
        } else if let Some(missing) = first_gap(&parsed) {
            found
                .error("text", "text-gap", format!("{{{missing}}}"))
                .stated_in(Document::TemplateStandard);
        } else if only_variables(&parsed) {
            found.error("text", "text-variables-only", "").stated_in(Document::TemplateStandard);
        }
    }

    fn check_wording(&self, found: &mut Findings, sensitive_words: &[String]) {
        if self.text.chars().count() > MAX_TEXT_LENGTH {
            found
                .warning("text", "text-over-500", self.text.chars().count())
                .stated_in(Document::TemplateStandard);
        }
        if self.text.contains(['\n', '\r']) {
            found.warning("text", "text-lines", "");
        }
        if self.text.contains(['【', '】']) {
            found.warning("text", "text-brackets", "");
        }
        if let Some(brace) = stray_brace(&self.text) {
            found.warning("text", "text-brace", brace);
        }
        if let Some(n) = repeated(&TemplateText::parse(&self.text)) {
            found.warning("text", "text-repeat", format!("{{{n}}}"));
        }
        if self.purpose == Purpose::Verification
            && !self.international
            && !CODE_WORDS.iter().any(|word| self.text.contains(word))
        {
            found.warning("text", "text-code-word", "").stated_in(Document::TemplateStandard);
        }
        let needs_opt_out = opt_out::is_needed(self.purpose, self.international);
        if needs_opt_out && opt_out::instruction_at_end(&self.text).is_none() {
            found
                .warning("text", "text-opt-out", UNSUBSCRIBE)
                .stated_in(Document::TemplateStandard);
        }
        // The carriers of Mainland China.
        if !self.international {
            self.check_contacts(found);
        }
        self.check_topics(found, sensitive_words);
    }

    /// Warns about what carriers intercept.
    fn check_contacts(&self, found: &mut Findings) {
        let mut warn = |key, about: String| {
            found.warning("text", key, about).stated_in(Document::Notices);
        };
        if let Some(link) = contact::find_link(&self.text) {
            warn("text-link", link);
        }
        let number = long_number(&self.text)
            .or_else(|| contact::find_phone_number(&self.text))
            .or_else(|| contact::find_service_number(&self.text));
        if let Some(number) = number {
            warn("text-phone", number);
        }
        let links = contact::count_links(&self.text);
        if links > contact::MAX_LINKS {
            warn("text-links", links.to_string());
        }
        let numbers = contact::count_phone_numbers(&self.text);
        if numbers > contact::MAX_PHONE_NUMBERS {
            warn("text-phones", numbers.to_string());
        }
    }

    fn check_topics(&self, found: &mut Findings, sensitive_words: &[String]) {
        if self.purpose != Purpose::Marketing
            && let Some(sign) = topics::sign_of_marketing(&self.text)
        {
            found.warning("text", "text-marketing", sign).stated_in(Document::TemplateStandard);
        }
        if let Some(word) = sensitive_word(&self.text, sensitive_words) {
            found.warning("text", "sensitive-word", word).document =
                topics::forbids_in_templates(word);
        }
    }

    fn check_unsubscribe(&self, found: &mut Findings) {
        let needed = opt_out::is_needed(self.purpose, self.international);
        if needed && self.unsubscribe.trim().is_empty() {
            found
                .error("unsubscribe", "unsubscribe-missing", UNSUBSCRIBE)
                .stated_in(Document::CreateTemplate);
        } else if needed && self.unsubscribe != UNSUBSCRIBE {
            found
                .warning("unsubscribe", "unsubscribe-other", UNSUBSCRIBE)
                .stated_in(Document::CreateTemplate);
        } else if has_unreadable(&self.unsubscribe) {
            found.error("unsubscribe", "text-unreadable", "");
        }
    }

    /// Returns the text that is sent: domestic marketing ends with how to opt out, once.
    pub fn body(&self) -> String {
        format!("{}{}", self.text, self.added_opt_out())
    }

    /// Returns the end of [`Self::body`] that is not part of its text: UCloud may add it.
    pub fn added_opt_out(&self) -> &str {
        opt_out::added_to(&self.text, &self.unsubscribe, self.purpose, self.international)
    }
}

/// The lengths and billed parts of a template's messages, signature included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// The number of variables.
    pub variables: usize,
    /// The length with one character for each variable.
    pub shortest: usize,
    /// Billed parts of that length.
    pub shortest_parts: usize,
    /// The length with [`Lengths::LONG_VALUE`] characters for each variable.
    pub longest: usize,
    /// Billed parts of that length.
    pub longest_parts: usize,
    /// The characters that all values together may have for the message to be one part; `None` if
    /// it is longer than one part even with empty values.
    pub room: Option<usize>,
}

impl Lengths {
    /// The length of a long value, in characters.
    pub const LONG_VALUE: usize = LONG_VALUE;

    /// Returns the lengths of messages with the text `body` and `signature`.
    pub fn of(body: &str, signature: &str, international: bool) -> Self {
        let parsed = TemplateText::parse(body);
        let kind = Kind::of(international);
        let variables = parsed.variables();
        let filled = |length: usize| {
            let values = vec!["8".repeat(length); variables];
            let full = parsed.full_text(&values, signature, international);
            (text::length(&full), text::parts(&full, kind), text::limits(&full, kind).0)
        };
        let (empty, _, max_of_one_part) = filled(0);
        let (shortest, shortest_parts, _) = filled(1);
        let (longest, longest_parts, _) = filled(LONG_VALUE);
        let room = max_of_one_part.checked_sub(empty);
        Self { variables, shortest, shortest_parts, longest, longest_parts, room }
    }
}

/// Returns the numbers of all variables, in the order of the text.
fn numbers(text: &TemplateText) -> Vec<usize> {
    let numbers = text.segments(&[]).filter_map(|segment| match segment {
        Segment::Variable { n, .. } => Some(n),
        Segment::Literal(_) => None,
    });
    numbers.collect()
}

/// Returns the first number, from 1, that is missing below the highest one.
fn first_gap(text: &TemplateText) -> Option<usize> {
    let used = numbers(text);
    (1..=text.variables()).find(|n| !used.contains(n))
}

/// Returns the number of a variable that is in the text twice; both get the same value.
fn repeated(text: &TemplateText) -> Option<usize> {
    let used = numbers(text);
    used.iter().enumerate().find(|(index, n)| used[..*index].contains(n)).map(|(_, n)| *n)
}

fn only_variables(text: &TemplateText) -> bool {
    text.variables() > 0
        && text.segments(&[]).all(|segment| match segment {
            Segment::Variable { .. } => true,
            Segment::Literal(literal) => !literal.chars().any(char::is_alphanumeric),
        })
}

/// Returns the text from the first brace that is not part of a variable: `{name}`, `{0}`, `{`.
fn stray_brace(text: &str) -> Option<String> {
    let literals: String = TemplateText::parse(text)
        .segments(&[])
        .filter_map(|segment| match segment {
            Segment::Literal(literal) => Some(literal),
            Segment::Variable { .. } => None,
        })
        .collect();
    let start = literals.find(['{', '}'])?;
    Some(literals[start..].chars().take(8).collect())
}

/// Returns the first part that looks like a phone number: at least seven digits in a row, with or
/// without hyphens.
fn long_number(text: &str) -> Option<String> {
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
            purpose: Purpose::Notice,
            text: text.to_owned(),
            international: false,
            remark: String::new(),
            unsubscribe: String::new(),
            instruction: String::new(),
        }
    }

    fn keys(application: &TemplateApplication) -> Vec<(&'static str, bool)> {
        let words = ["贷款".to_owned()];
        application
            .check(false, &words)
            .iter()
            .map(|finding| (finding.key, finding.blocks))
            .collect()
    }

    #[test]
    fn texts_that_the_vendor_refuses_are_errors_and_those_a_reviewer_may_refuse_are_warnings() {
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
            ("请致电 138 0000 0000", "text-phone", false),
            ("请致电95500", "text-phone", false),
            ("请致电962121", "text-phone", false),
            ("请致电12580", "text-phone", false),
            ("【云帆】订单已发出", "text-brackets", false),
            ("会员专享优惠已到账", "text-marketing", false),
            ("新书已到店，回T退订", "text-marketing", false),
            ("您的贷款已到期", "sensitive-word", false),
            ("第一行\n第二行", "text-lines", false),
        ] {
            assert_eq!(keys(&application(text)), [(key, blocks)], "{text}");
        }
        assert_eq!(keys(&application(&"字".repeat(501))), [("text-long", true)]);
        assert_eq!(keys(&application("您的订单{1}已由{2}发出。")), []);
    }

    #[test]
    fn more_contacts_than_carriers_register_are_found() {
        let link = ("text-link", false);
        assert_eq!(keys(&application("见 a.cn 或 b.cn")), [link, ("text-links", false)]);
        let numbers = "请致电18500000001、18500000002、18500000003";
        let too_many = [("text-phone", false), ("text-phones", false)];
        assert_eq!(keys(&application(numbers)), too_many);
        assert_eq!(keys(&application("95500、95588、95533")), too_many);
    }

    #[test]
    fn findings_about_content_name_their_document() {
        let words = ["贷款".to_owned(), "竞品".to_owned()];
        let document_of = |text: &str| application(text).check(false, &words)[0].document;
        for (text, document) in [
            ("★特价★", Some(Document::TemplateStandard)),
            ("订单{1}由{3}发出", Some(Document::TemplateStandard)),
            ("", Some(Document::CreateTemplate)),
            ("您的贷款已到期", Some(Document::TemplateStandard)),
            ("会员专享优惠已到账", Some(Document::TemplateStandard)),
            ("请看 yunfan.cn", Some(Document::Notices)),
            ("请致电 400-000-0000", Some(Document::Notices)),
            ("竞品账单已生成", None),
        ] {
            assert_eq!(document_of(text), document, "{text}");
        }
    }

    #[test]
    fn a_resubmitted_text_may_be_longer_than_a_new_one_with_a_warning() {
        let long = application(&"字".repeat(550));
        let found = long.check(true, &[]);
        assert_eq!((found[0].key, found[0].blocks), ("text-over-500", false));
    }

    #[test]
    fn verification_texts_name_the_code_and_marketing_says_how_to_opt_out() {
        let mut template = application("您的代码是{1}");
        template.purpose = Purpose::Verification;
        assert_eq!(keys(&template), [("text-code-word", false)]);
        template.international = true;
        assert_eq!(keys(&template), []);
        let mut template = application("本周新书已上架");
        template.purpose = Purpose::Marketing;
        let without = ("text-opt-out", false);
        assert_eq!(keys(&template), [without, ("unsubscribe-missing", true)]);
        let document = template.check(false, &[])[0].document;
        assert_eq!(document, Some(Document::TemplateStandard));
        template.text.push_str("，回T退订");
        assert_eq!(keys(&template), [("unsubscribe-missing", true)]);
        template.unsubscribe = "回T退订".to_owned();
        assert_eq!(keys(&template), [("unsubscribe-other", false)]);
        template.unsubscribe = UNSUBSCRIBE.to_owned();
        assert_eq!(keys(&template), []);
    }

    #[test]
    fn names_and_remarks_have_limits() {
        for (name, key, blocks) in [
            ("", "name-empty", true),
            ("一", "name-length", false),
            ("发货通知（新）", "name-mark", false),
        ] {
            let template =
                TemplateApplication { name: name.to_owned(), ..application("订单已发出") };
            assert_eq!(keys(&template), [(key, blocks)], "{name}");
        }
        let template =
            TemplateApplication { name: "字".repeat(33), ..application("订单已发出") };
        assert_eq!(keys(&template), [("name-long", true)]);
        let template =
            TemplateApplication { remark: "字".repeat(129), ..application("订单已发出") };
        assert_eq!(keys(&template), [("remark-long", true)]);
    }

    #[test]
    fn lengths_include_the_signature_and_values() {
        let lengths = Lengths::of("您的订单{1}已由{2}发出。", "云帆书店", false);
        assert_eq!((lengths.variables, lengths.shortest, lengths.shortest_parts), (2, 17, 1));
        assert_eq!((lengths.longest, lengths.longest_parts, lengths.room), (55, 1, Some(55)));
        assert_eq!(Lengths::of(&"字".repeat(80), "云帆书店", false).room, None);
    }
}
