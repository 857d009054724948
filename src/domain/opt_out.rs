//! How domestic marketing ends: with an opt-out instruction, exactly once.
//!
//! The manual wants it at the end of the template's text (模板内容末尾必须添加退订方式, review standard
//! for templates); the API reference wants it as `UnsubscribeInfo`, and does not say that it is added
//! to the text. A text that does not end with one is therefore shown and counted with it: that is what
//! may arrive, and a cost is rather shown too high than too low.

use super::review::Purpose;

/// The opt-out instruction that the API reference names (CreateUSMSTemplate: `UnsubscribeInfo`).
pub const UNSUBSCRIBE: &str = "拒收请回复R";
/// The words of which every opt-out instruction has one.
const WORDS: [&str; 2] = ["退订", "拒收"];
/// What may stand around a keyword such as `TD`, `T` or `R`.
const AROUND: &str = "请可直接回复发送至信输入:：“”\"";
/// The most characters on either side of a word in an instruction.
const MAX_AROUND: usize = 12;

/// Returns whether domestic rules for marketing apply.
pub fn is_needed(purpose: Purpose, international: bool) -> bool {
    purpose == Purpose::Marketing && !international
}

/// Returns what UCloud may add to the end of a text of this purpose: `unsubscribe`, or the usual
/// instruction if that is empty. Returns nothing if the text ends with an instruction or needs none.
pub fn added_to<'a>(
    text: &str,
    unsubscribe: &'a str,
    purpose: Purpose,
    international: bool,
) -> &'a str {
    if is_needed(purpose, international) { added(text, unsubscribe) } else { "" }
}

fn added<'a>(text: &str, unsubscribe: &'a str) -> &'a str {
    let unsubscribe = match unsubscribe.trim() {
        "" => UNSUBSCRIBE,
        typed => typed,
    };
    if text.trim_end().ends_with(unsubscribe) || ends_with_instruction(text) {
        ""
    } else {
        unsubscribe
    }
}

/// Returns whether a text ends with an instruction of any wording: 拒收请回复R, 回T退订, 退订回TD.
pub fn ends_with_instruction(text: &str) -> bool {
    let text = text.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '}');
    WORDS.into_iter().any(|word| {
        let Some((before, after)) = text.rsplit_once(word) else { return false };
        let keyword_before = before.chars().rev().take_while(|c| is_around(*c));
        let mut around = keyword_before.take(MAX_AROUND).chain(after.chars());
        after.chars().count() <= MAX_AROUND
            && after.chars().all(is_around)
            && around.any(|c| c.is_ascii_alphabetic())
    })
}

fn is_around(c: char) -> bool {
    c.is_ascii_alphabetic() || c == ' ' || AROUND.contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_ends_with_an_instruction_is_given_no_other() {
        for text in [
            "本周新书已上架，拒收请回复R",
            "本周新书已上架，拒收请回复R。",
            "本周新书已上架 回T退订",
            "本周新书已上架，回复TD退订】",
            "本周新书已上架，退订回TD",
            "本周新书已上架，退订请回复“T”",
            "{1}新书已上架，拒收回复 R ",
        ] {
            assert_eq!(added(text, UNSUBSCRIBE), "", "{text}");
            assert_eq!(added(text, ""), "", "{text}");
        }
        assert_eq!(added("新书，Txt STOP", "Txt STOP"), "");
    }

    #[test]
    fn a_text_without_one_is_given_that_of_its_template_or_the_usual_one() {
        for text in [
            "本周新书已上架",
            "退订会员可享优惠",
            "可随时退订",
            "本周新书已上架，拒收请回复R，详见门店",
            "拒收{1}",
            "",
        ] {
            assert_eq!(added(text, ""), UNSUBSCRIBE, "{text}");
            assert_eq!(added(text, "回T退订"), "回T退订", "{text}");
        }
    }

    #[test]
    fn only_domestic_marketing_needs_one() {
        assert!(is_needed(Purpose::Marketing, false));
        assert!(!is_needed(Purpose::Marketing, true));
        assert!(!is_needed(Purpose::Notice, false));
        assert!(!is_needed(Purpose::Verification, false));
    }
}
