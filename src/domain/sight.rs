//! What a person sees of messages and replies: whole phones or their masks, and the values of
//! verification codes or dots in their place.

use std::borrow::Cow;

use time::{Duration, OffsetDateTime};

use super::phone::{masked, masked_in};
use super::review::Purpose;

/// How long after sending the values of verification codes are shown. A code is used within minutes;
/// later, its text only helps somebody who should not have it.
pub const VALUES_SHOWN_FOR: Duration = Duration::minutes(30);
/// The digits at the beginning of a phone that its mask shows.
const SHOWN_DIGITS: usize = 3;
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

    /// Returns the beginning of a text as they see it. A number that it ends with may be a part of a
    /// phone.
    pub fn beginning(self, text: &str) -> Cow<'_, str> {
        if self.whole_phones {
            return Cow::Borrowed(text);
        }
        let whole = text.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let cut = text.len() - whole.len();
        let is_part = cut > SHOWN_DIGITS && masked_in(&text[whole.len()..]) == text[whole.len()..];
        self.text(if is_part { whole } else { text })
    }

    /// Returns whether they do not see the values of a message. `left_at` is when it left, if it did.
    pub fn hides_values(self, purpose: Purpose, left_at: Option<OffsetDateTime>) -> bool {
        let is_old = left_at.is_some_and(|at| self.now - at >= VALUES_SHOWN_FOR);
        purpose == Purpose::Verification && (is_old || !self.whole_phones)
    }

    /// Returns the values of a message as they see them.
    pub fn values<'a>(
        self,
        values: &'a [String],
        purpose: Purpose,
        left_at: Option<OffsetDateTime>,
    ) -> Cow<'a, [String]> {
        if self.hides_values(purpose, left_at) {
            return Cow::Owned(hidden(values));
        }
        if self.whole_phones {
            return Cow::Borrowed(values);
        }
        Cow::Owned(values.iter().map(|value| self.text(value).into_owned()).collect())
    }
}

/// Returns dots in the place of each value.
pub fn hidden(values: &[String]) -> Vec<String> {
    vec![DOTS.to_owned(); values.len()]
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
        let values = ["4321".to_owned(), "18500001234".to_owned()];
        assert_eq!(*viewer.values(&values, code, None), [DOTS, DOTS]);
        assert_eq!(*viewer.values(&values, Purpose::Notice, None), ["4321", "185****1234"]);
        assert_eq!(*operator.values(&values, code, None), values);
    }
}
