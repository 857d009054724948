//! How domestic marketing ends: with an opt-out instruction, exactly once.
//!
//! The manual wants it at the end of the template's text (模板内容末尾必须添加退订方式, review standard
//! for templates); the API reference wants it as `UnsubscribeInfo`, and does not say that it is added
//! to the text. A text that does not end with one is therefore shown and counted with it: that is what
//! may arrive, and a cost is rather shown too high than too low.

use crate::domain::review::Purpose;

/// The opt-out instruction that the API reference names (CreateUSMSTemplate: `UnsubscribeInfo`).
pub const UNSUBSCRIBE: &str = "拒收请回复R";
/// The words of which every opt-out instruction has one.
const WORDS: [&str; 4] = ["退订", "拒收", "取消订阅", "拒绝接收"];
/// The verbs that make digits a keyword to reply with: 回0退订, but not 满100，退订.
const VERBS: [char; 3] = ['回', '发', '复'];
/// What may stand around a keyword such as `TD`, `T`, `R` or `0000`.
const AROUND: &str = "请可直接回复发送编辑至到短信输入字母数字按键或和、即:：，,/“”\"‘’'（）()";
/// The most characters on either side of a word in an instruction: a keyword and a number to send it to.
const MAX_AROUND: usize = 24;

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
    if ends_with_one(text, unsubscribe) { "" } else { unsubscribe }
}

/// Returns whether a text ends with `unsubscribe` or another instruction, be it reviewed or the end of a
/// value.
pub fn ends_with_one(text: &str, unsubscribe: &str) -> bool {
    let ends_with_it = match without_marks(unsubscribe) {
        "" => false,
        words => without_marks(text).ends_with(words),
    };
    ends_with_it || instruction_at_end(text).is_some()
}

/// Returns a text without the marks and spaces at its end.
fn without_marks(text: &str) -> &str {
    text.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '}')
}

/// Returns the word of the instruction that a text ends with, in any wording: 拒收请回复R, 回T退订,
/// 退订回TD, 回复０即可退订, 退订短信请发T到1069….
pub fn instruction_at_end(text: &str) -> Option<&'static str> {
    let text = without_marks(text);
    WORDS.into_iter().find(|word| {
        let Some((before, after)) = text.rsplit_once(word) else { return false };
        let before = before.chars().rev().take_while(|c| is_around(*c)).take(MAX_AROUND);
        let around: Vec<char> = before.chain(after.chars()).collect();
        let has_letter = around.iter().any(|c| half_width(*c).is_ascii_alphabetic());
        let has_digit = around.iter().any(|c| half_width(*c).is_ascii_digit());
        after.chars().count() <= MAX_AROUND
            && after.chars().all(is_around)
            && (has_letter || has_digit && around.iter().any(|c| VERBS.contains(c)))
    })
}

fn is_around(c: char) -> bool {
    half_width(c).is_ascii_alphanumeric() || c == ' ' || AROUND.contains(c)
}

/// Returns a full-width letter or digit, such as `Ｔ`, as that of ASCII.
fn half_width(c: char) -> char {
    match c {
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' => {
            char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c)
        }
        _ => c,
    }
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
            "本周新书已上架，回0退订",
            "本周新书已上架，退订回复0000",
            "本周新书已上架，回复ＴＤ退订",
            "本周新书已上架，回复０退订",
            "本周新书已上架，回复T即可退订",
            "本周新书已上架，退订短信请回复TD",
            "本周新书已上架，退订发T到1069012345678901",
            "本周新书已上架，退订请编辑短信TD发送至10690123456789",
            "本周新书已上架。如需退订，请回复TD！",
            "本周新书已上架，回复TD、T或D退订",
            "本周新书已上架，按数字0回复退订",
            "本周新书已上架（回T退订）",
            "本周新书已上架，回N取消订阅",
            "本周新书已上架，拒绝接收请回R",
        ] {
            assert_eq!(added(text, UNSUBSCRIBE), "", "{text}");
            assert_eq!(added(text, ""), "", "{text}");
        }
        for (text, unsubscribe) in [
            ("新书，Txt STOP", "Txt STOP"),
            ("新书，回复0退订。", "回复0退订"),
            ("新书，回复0退订", "回复0退订。"),
            ("新书，不想收就说不。", "不想收就说不！"),
        ] {
            assert_eq!(added(text, unsubscribe), "", "{text}");
        }
    }

    #[test]
    fn a_text_without_one_is_given_that_of_its_template_or_the_usual_one() {
        for text in [
            "本周新书已上架",
            "退订会员可享优惠",
            "可随时退订",
            "本周新书已上架，拒收请回复R，详见门店",
            "拒收{1}",
            "满100元可退订",
            "2026年会员可退订",
            "退订回复{1}",
            "本周活动：{1}",
            "",
        ] {
            assert_eq!(added(text, ""), UNSUBSCRIBE, "{text}");
            assert_eq!(added(text, "回T退订"), "回T退订", "{text}");
            assert_eq!(added(text, "。"), "。", "{text}");
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
