//! The filter by phone.

use crate::domain::phone::{Phone, PhoneMask, VendorPhone};

/// A filter by phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phones {
    /// A whole phone, in the vendor's spelling.
    Whole(String),
    /// All phones that end in these four digits.
    LastFour(String),
    /// All phones that look so to somebody who sees them masked.
    Masked(PhoneMask),
}

impl Phones {
    /// Parses a phone in any spelling, the last four digits of one, or a masked phone. To somebody who does not see
    /// whole phones, it is what a mask shows.
    pub fn parse(typed: &str, whole_phones: bool) -> Option<Self> {
        if !whole_phones {
            return PhoneMask::parse(typed).map(Self::Masked);
        }
        match Phone::from_vendor(typed) {
            VendorPhone::Whole(phone) => Some(Self::Whole(phone.as_str().to_owned())),
            VendorPhone::Masked(phone) => phone.rsplit('*').next().and_then(Self::last_four),
            VendorPhone::Other(text) => Self::last_four(&text),
        }
    }

    fn last_four(text: &str) -> Option<Self> {
        let is_four = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_four.then(|| Self::LastFour(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_parsed_whole_masked_or_by_its_last_four_digits() {
        let phones = |typed| Phones::parse(typed, true);
        let four = Some(Phones::LastFour("1234".to_owned()));
        assert_eq!(phones("1234"), four);
        assert_eq!(phones("185****1234"), four);
        assert_eq!(phones("+86 185-0000-1234"), Some(Phones::Whole("18500001234".to_owned())));
        for wrong in ["123", "12a4", "185****12", "1850000", "****", "１２３４５"] {
            assert_eq!(phones(wrong), None, "{wrong}");
        }
        let mask = PhoneMask::parse("185****1234").map(Phones::Masked);
        assert_eq!(Phones::parse("18500001234", false), mask);
    }
}
