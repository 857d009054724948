//! What can be searched for by somebody who sees phones masked: nothing but what a mask shows.

use super::{Phone, VendorPhone, masked};

/// The middle of a mask.
const STARS: &str = "****";

/// A part of a phone that its mask shows: `185****1234`, or `****1234` for any phone that ends so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneMask {
    head: String,
    tail: String,
}

impl PhoneMask {
    /// Parses a mask, the last four digits of a phone, or a whole phone, which is taken as its mask:
    /// whether its hidden digits are right makes no difference.
    pub fn parse(typed: &str) -> Option<Self> {
        let typed = typed.trim();
        if let Some(mask) = Self::of_mask(typed) {
            return Some(mask);
        }
        match Phone::from_vendor(typed) {
            VendorPhone::Whole(phone) => Self::of_mask(&masked(phone.as_str())),
            VendorPhone::Masked(phone) => Self::of_mask(&phone).or_else(|| {
                let tail = phone.rsplit('*').next().unwrap_or_default();
                Self::of_tail(tail)
            }),
            VendorPhone::Other(text) => Self::of_tail(&text),
        }
    }

    fn of_mask(text: &str) -> Option<Self> {
        let (head, tail) = text.split_once(STARS)?;
        if head.is_empty() {
            return Self::of_tail(tail);
        }
        let (country, shown) = head.split_once(')').unwrap_or(("", head));
        let is_country = country.strip_prefix('(').is_some_and(is_digits);
        // Of a short phone abroad, a mask shows less than three digits before the stars.
        let is_mask = if is_country {
            shown.len() <= 3 && shown.bytes().all(|byte| byte.is_ascii_digit())
        } else {
            country.is_empty() && shown.len() == 3 && is_digits(shown)
        };
        Some(Self { head: head.to_owned(), ..Self::of_tail(tail)? }).filter(|_| is_mask)
    }

    fn of_tail(tail: &str) -> Option<Self> {
        (tail.len() == 4 && is_digits(tail))
            .then(|| Self { head: String::new(), tail: tail.to_owned() })
    }

    /// Returns the last four digits. The mask of a phone of fewer than eight digits shows fewer, so that
    /// such a phone is not found.
    pub fn tail(&self) -> &str {
        &self.tail
    }

    /// Whether only the last four digits are given.
    pub fn is_tail(&self) -> bool {
        self.head.is_empty()
    }

    /// Returns it as a person types it; it parses to itself.
    pub fn shown(&self) -> String {
        if self.is_tail() {
            self.tail.clone()
        } else {
            format!("{}{STARS}{}", self.head, self.tail)
        }
    }

    /// Returns the pattern for `like` of the masks that it stands for.
    pub fn pattern(&self) -> String {
        let head = if self.is_tail() { "%" } else { &self.head };
        format!("{head}{STARS}{}", self.tail)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_phone_is_taken_as_its_mask() {
        for typed in ["18500001234", "+86 185 9999 1234", "185****1234", "185 **** 1234"] {
            let mask = PhoneMask::parse(typed).unwrap();
            assert_eq!(mask.shown(), "185****1234", "{typed}");
            assert_eq!(mask.pattern(), "185****1234");
            assert_eq!(PhoneMask::parse(&mask.shown()), Some(mask));
        }
        let abroad = PhoneMask::parse("+60 12-345 6789").unwrap();
        assert_eq!(abroad.shown(), "(60)1****6789");
        assert_eq!(PhoneMask::parse(&abroad.shown()), Some(abroad));
        assert_eq!(PhoneMask::parse("+852 9123 4567").unwrap().shown(), "(852)****4567");
        assert_eq!(PhoneMask::parse("(354)6112345"), None, "its mask shows three digits");
    }

    #[test]
    fn four_digits_are_the_end_of_any_phone_and_other_parts_are_none() {
        for typed in ["1234", "****1234", "1****1234", "%%%****1234"] {
            let mask = PhoneMask::parse(typed).unwrap();
            assert_eq!((mask.shown().as_str(), mask.pattern().as_str()), ("1234", "%****1234"));
        }
        for none in ["01234", "234", "185", "1850000123", "", "185****", "0000 1234", "%234"] {
            assert_eq!(PhoneMask::parse(none), None, "{none}");
        }
    }
}
