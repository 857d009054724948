//! What a person sees of messages and replies: whole phones or their masks, and the values of
//! verification codes or dots in their place.

use std::borrow::Cow;

use time::{Duration, OffsetDateTime};

use crate::domain::phone::{all_masked_in, masked, masked_about, masked_in, shown_beginning};
use crate::domain::review::Purpose;

/// How long after sending the values of verification codes are shown. A code is used within minutes;
/// later, its text only helps somebody who should not have it.
pub const VALUES_SHOWN_FOR: Duration = Duration::minutes(30);
/// What stands for a value that is hidden.
const DOTS: &str = "••••••";

/// What a person sees at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// Whether they see whole phones, and the values of verification codes for some time.
    pub whole_phones: bool,
    /// The moment.
    pub now: OffsetDateTime,
}

impl Sight {
    /// Returns a phone as they see it.
    pub fn phone(self, phone: &str) -> String {
        if self.whole_phones { phone.to_owned() } else { masked(phone) }
    }

    /// Returns a text as they see it: with masks for the phones in it.
    pub fn text(self, text: &str) -> Cow<'_, str> {
        if self.whole_phones { Cow::Borrowed(text) } else { masked_in(text) }
    }

    /// Returns a text that comes with a phone as they see it: that phone is known without its calling
    /// code.
    pub fn text_about<'a>(self, text: &'a str, phone: &str) -> Cow<'a, str> {
        if self.whole_phones { Cow::Borrowed(text) } else { masked_about(text, phone) }
    }

    /// Returns the beginning of a text that comes with a phone as they see it. A number that it ends with
    /// may be a part of a phone.
    pub fn beginning<'a>(self, text: &'a str, phone: &str) -> Cow<'a, str> {
        if self.whole_phones {
            return Cow::Borrowed(text);
        }
        let mut shown = masked_about(text, phone).into_owned();
        shown.truncate(shown_beginning(&shown, phone));
        Cow::Owned(shown)
    }

    /// Returns a text of the vendor or a carrier as they see it. It is about a call or a message, so that
    /// any long number in it may be a phone. `phone` is that of the message, if it is about one.
    pub fn vendor_text<'a>(self, text: &'a str, phone: &str) -> Cow<'a, str> {
        if self.whole_phones {
            return Cow::Borrowed(text);
        }
        Cow::Owned(all_masked_in(&masked_about(text, phone)))
    }

    /// Returns whether they do not see the values of a message. `left_at` is when it left, if it did.
    pub fn hides_values(self, purpose: Purpose, left_at: Option<OffsetDateTime>) -> bool {
        let is_old = left_at.is_some_and(|at| self.now - at >= VALUES_SHOWN_FOR);
        purpose == Purpose::Verification && (is_old || !self.whole_phones)
    }

    /// Returns the values of a message to a phone as they see them, if they see them.
    pub fn values<'a>(self, values: &'a [String], phone: &str) -> Cow<'a, [String]> {
        if self.whole_phones {
            return Cow::Borrowed(values);
        }
        Cow::Owned(values.iter().map(|value| self.text_about(value, phone).into_owned()).collect())
    }
}

/// Returns dots in the place of each value.
pub fn hidden(values: &[String]) -> Vec<String> {
    vec![DOTS.to_owned(); values.len()]
}

/// Puts dots in the place of a text.
pub fn hide(text: &mut String) {
    DOTS.clone_into(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn codes_are_shown_for_half_an_hour_and_to_viewers_never() {
        let now = datetime!(2026-12-16 12:00 UTC);
        let (operator, viewer) =
            (Sight { whole_phones: true, now }, Sight { whole_phones: false, now });
        let just_now = Some(now - Duration::minutes(29));
        let before = Some(now - Duration::minutes(30));
        let code = Purpose::Verification;
        assert!(!operator.hides_values(code, just_now) && !operator.hides_values(code, None));
        assert!(operator.hides_values(code, before));
        assert!(viewer.hides_values(code, just_now) && viewer.hides_values(code, None));
        for other in [Purpose::Notice, Purpose::Marketing] {
            assert!(!operator.hides_values(other, before) && !viewer.hides_values(other, before));
        }
        let values = ["4321".to_owned(), "18500001234".to_owned(), "123456789".to_owned()];
        assert_eq!(*viewer.values(&values, "(60)123456789"), ["4321", "185****1234", "1****6789"]);
        assert_eq!(*operator.values(&values, "(60)123456789"), values);
    }
}
