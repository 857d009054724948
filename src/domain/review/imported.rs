//! What is proposed about imported signatures and templates where UCloud's answers say nothing.
//! Neither QueryUSMSSignature nor QueryUSMSTemplate says whether something is international, and
//! UCloud's own example of a template lacks its purpose. A person decides; these are only proposals.

use super::Purpose;
use crate::domain::replies::opt_out;

/// Returns whether a signature is proposed as international: UCloud writes those in square brackets,
/// and only they have spaces. Latin letters prove nothing: 【UCloud】 is domestic (USMS manual).
pub fn is_international_signature(typed: &str, content: &str) -> bool {
    typed.trim().starts_with('[') || content.contains(' ')
}

/// Returns whether a text is proposed as international: as the project's texts in the same letters
/// are, if these agree, else if it has no Chinese.
pub fn is_international_text(text: &str, similar: Option<bool>) -> bool {
    similar.unwrap_or_else(|| !has_chinese(text))
}

/// Returns whether a text has Chinese characters.
pub fn has_chinese(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{3400}'..='\u{9fff}'))
}

/// Returns the purpose that a template's id stands for: UTA, UTN and UTB in UCloud's console. Returns
/// `None` if it is another id, or if the text advertises and the id says otherwise: marketing has
/// rules that must not be missed.
pub fn purpose_of(template_id: &str, text: &str, unsubscribe: &str) -> Option<Purpose> {
    let prefix = template_id.get(..3)?.to_ascii_uppercase();
    let purpose = match prefix.as_str() {
        "UTA" => Purpose::Verification,
        "UTN" => Purpose::Notice,
        "UTB" => Purpose::Marketing,
        _ => return None,
    };
    let advertises = !unsubscribe.trim().is_empty() || opt_out::instruction_at_end(text).is_some();
    Some(purpose).filter(|purpose| *purpose == Purpose::Marketing || !advertises)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_alone_make_no_signature_international() {
        for (typed, content, international) in [
            ("UCloud", "UCloud", false),
            ("【UCloud】", "UCloud", false),
            ("SIG0001", "云帆书店", false),
            ("[UCloud]", "UCloud", true),
            ("SIG0001", "Yun Fan Books", true),
        ] {
            assert_eq!(is_international_signature(typed, content), international, "{typed}");
        }
    }

    #[test]
    fn a_text_is_proposed_as_the_projects_other_texts_are() {
        for (text, similar, international) in [
            ("Your code is {1}", None, true),
            ("您的验证码是{1}", None, false),
            ("Don’t share {1}", None, true),
            ("Mã xác minh: {1}", None, true),
            ("Your code is {1}", Some(false), false),
            ("您的驗證碼是{1}", Some(true), true),
        ] {
            assert_eq!(is_international_text(text, similar), international, "{text}");
        }
    }

    #[test]
    fn an_id_stands_for_a_purpose_unless_the_text_contradicts_it() {
        let code = "您的验证码为{1}";
        assert_eq!(purpose_of("UTA190715D9108C", code, ""), Some(Purpose::Verification));
        assert_eq!(purpose_of("utn1", "您的订单{1}已发出", ""), Some(Purpose::Notice));
        assert_eq!(purpose_of("UTB1", "新书八折", ""), Some(Purpose::Marketing));
        assert_eq!(purpose_of("UTA1", "新书八折，拒收请回复R", ""), None);
        assert_eq!(purpose_of("UTN1", "新书八折", "回T退订"), None);
        for other in ["", "UT", "UTX1", "验证码"] {
            assert_eq!(purpose_of(other, code, ""), None, "{other}");
        }
    }
}
