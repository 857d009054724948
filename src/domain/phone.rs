//! Phones: whatever spelling a person uses, one spelling inside.

use std::collections::HashSet;
use std::fmt;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

/// A phone that can be sent to, as the vendor wants it: `18512345678` in mainland China,
/// `(60)123456789` elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(String);

/// Whose number a Chinese phone was issued as. The phone may have moved since (number portability),
/// so it only breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// China Mobile.
    Cmcc,
    /// China Telecom.
    Ctcc,
    /// China Unicom.
    Cucc,
}

impl Operator {
    /// The name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Cmcc => "cmcc",
            Self::Ctcc => "ctcc",
            Self::Cucc => "cucc",
        }
    }

    /// Whose number a phone was issued as, by its first three digits (public numbering plan); a
    /// masked one shows them. Nobody's, if it is not Chinese.
    pub fn of(phone: &str) -> Option<Self> {
        let prefix: u16 = phone.get(..3)?.parse().ok()?;
        match prefix {
            134..=139
            | 147
            | 148
            | 150..=152
            | 157..=159
            | 172
            | 178
            | 182..=184
            | 187
            | 188
            | 195
            | 197
            | 198 => Some(Self::Cmcc),
            130..=132 | 145 | 146 | 155 | 156 | 166 | 171 | 175 | 176 | 185 | 186 | 196 => {
                Some(Self::Cucc)
            }
            133 | 149 | 153 | 173 | 174 | 177 | 180 | 181 | 189..=191 | 193 | 199 => {
                Some(Self::Ctcc)
            }
            _ => None,
        }
    }
}

/// Why a text is no phone that can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneProblem {
    /// Letters or signs where digits belong.
    NotDigits,
    /// A spreadsheet turned it into `1.38E+10`.
    Spreadsheet,
    /// Too few digits.
    TooShort,
    /// Too many digits.
    TooLong,
    /// A fixed line.
    Landline,
    /// Eleven digits that no mobile phone in mainland China has.
    NotMobile,
    /// A number abroad that its country does not have.
    Abroad,
}

impl PhoneProblem {
    /// The name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::NotDigits => "not-digits",
            Self::Spreadsheet => "spreadsheet",
            Self::TooShort => "too-short",
            Self::TooLong => "too-long",
            Self::Landline => "landline",
            Self::NotMobile => "not-mobile",
            Self::Abroad => "abroad",
        }
    }
}

/// A phone in the vendor's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VendorPhone {
    /// All digits are there.
    Whole(Phone),
    /// Some digits are starred out.
    Masked(String),
    /// Something else; kept as it came.
    Other(String),
}

impl Phone {
    /// Reads a phone as a person writes it: spaces, dashes, full-width digits, `+86`, `0086`,
    /// `(86)`, `+60…`, `(60)…`.
    pub fn parse(typed: &str) -> Result<Self, PhoneProblem> {
        let text = plain(typed);
        if let Some((country, rest)) = bracketed_country(&text) {
            return if country == "86" { domestic(rest) } else { abroad(country, rest) };
        }
        if let Some(rest) = text.strip_prefix('+').or_else(|| text.strip_prefix("00")) {
            return match rest.strip_prefix("86") {
                Some(national) => domestic(national),
                None => abroad("", rest),
            };
        }
        match text.strip_prefix("86") {
            Some(national) if national.len() == 11 => domestic(national),
            _ => domestic(&text),
        }
    }

    /// Reads a phone out of the vendor's answer.
    pub fn from_vendor(text: &str) -> VendorPhone {
        if text.contains('*') {
            let stars = plain(text);
            let national = bracketed_country(&stars)
                .filter(|(country, _)| *country == "86")
                .map_or(stars.as_str(), |(_, rest)| rest);
            return VendorPhone::Masked(national.chars().take(32).collect());
        }
        match Self::parse(text) {
            Ok(phone) => VendorPhone::Whole(phone),
            Err(_) => VendorPhone::Other(
                text.chars().filter(|letter| !letter.is_control()).take(32).collect(),
            ),
        }
    }

    /// The vendor's spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a phone of mainland China.
    pub fn is_domestic(&self) -> bool {
        !self.0.starts_with('(')
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A phone for eyes that may not see all of it: `185****9057`, `(60)12****789`.
pub fn masked(phone: &str) -> String {
    let (country, national) = match phone.split_once(')') {
        Some((country, rest)) => (format!("{country})"), rest),
        None => (String::new(), phone),
    };
    let letters: Vec<char> = national.chars().collect();
    if letters.len() < 7 {
        return format!("{country}{}", "*".repeat(letters.len()));
    }
    let head: String = letters[..3].iter().collect();
    let tail: String = letters[letters.len() - 4..].iter().collect();
    format!("{country}{head}****{tail}")
}

/// An entry of a list that is no phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongPhone {
    /// Line of the list, from 1.
    pub line: usize,
    /// What was typed, clipped to 40 characters.
    pub text: String,
    /// Why it cannot be sent to.
    pub problem: PhoneProblem,
}

/// Phones as typed into one field: one a line, or separated by commas, semicolons or tabs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PhoneList {
    /// The phones, each once, in the order of the list.
    pub phones: Vec<Phone>,
    /// The entries that are none.
    pub wrong: Vec<WrongPhone>,
    /// Phones that came again.
    pub duplicates: Vec<Phone>,
    /// Entries in all.
    pub entries: usize,
}

impl PhoneList {
    /// Reads a list.
    pub fn read(typed: &str) -> Self {
        let mut list = Self::default();
        let mut seen = HashSet::new();
        for (index, line) in typed.lines().enumerate() {
            let entries = line.split([',', '，', '、', ';', '；', '\t']);
            for entry in entries.filter(|entry| !plain(entry).is_empty()) {
                for one in phones_of(entry) {
                    list.take(index + 1, one, &mut seen);
                }
            }
        }
        list
    }

    fn take(&mut self, line: usize, entry: &str, seen: &mut HashSet<Phone>) {
        self.entries += 1;
        match Phone::parse(entry) {
            Ok(phone) if seen.insert(phone.clone()) => self.phones.push(phone),
            Ok(phone) => self.duplicates.push(phone),
            Err(problem) => {
                let text = entry.trim().chars().filter(|letter| !letter.is_control());
                self.wrong.push(WrongPhone { line, text: text.take(40).collect(), problem });
            }
        }
    }
}

/// Spaces belong inside a phone (`185 0000 1234`), unless each word is a phone of its own.
fn phones_of(entry: &str) -> Vec<&str> {
    let words: Vec<&str> = entry.split_whitespace().collect();
    let each_is_one = words.len() > 1 && words.iter().all(|word| Phone::parse(word).is_ok());
    if each_is_one { words } else { vec![entry] }
}

/// ASCII digits and letters, without what people and spreadsheets put between them.
fn plain(typed: &str) -> String {
    typed
        .chars()
        .map(|letter| match letter {
            '０'..='９' | '＋' | '（' | '）' | '＊' => {
                char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter)
            }
            other => other,
        })
        .filter(|letter| !is_filler(*letter))
        .collect()
}

fn is_filler(letter: char) -> bool {
    letter.is_whitespace()
        || letter.is_control()
        || matches!(letter, '-' | '.' | '/' | '\'' | '"' | '“' | '”' | '·' | '－' | '—')
        || matches!(letter, '\u{2010}'..='\u{2015}' | '\u{200b}'..='\u{200f}')
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn bracketed_country(text: &str) -> Option<(&str, &str)> {
    let (country, rest) = text.strip_prefix('(')?.split_once(')')?;
    let country = country.trim_start_matches('+').trim_start_matches("00");
    let digits = !country.is_empty() && country.bytes().all(|byte| byte.is_ascii_digit());
    (digits && country.len() <= 3).then_some((country, rest))
}

fn domestic(national: &str) -> Result<Phone, PhoneProblem> {
    if looks_like_spreadsheet(national) {
        return Err(PhoneProblem::Spreadsheet);
    }
    if !national.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PhoneProblem::NotDigits);
    }
    if national.starts_with('0') && (10..=12).contains(&national.len()) {
        return Err(PhoneProblem::Landline);
    }
    match national.len() {
        0..11 => return Err(PhoneProblem::TooShort),
        11 => {}
        _ => return Err(PhoneProblem::TooLong),
    }
    let bytes = national.as_bytes();
    if bytes[0] == b'1' && (b'3'..=b'9').contains(&bytes[1]) {
        Ok(Phone(national.to_owned()))
    } else {
        Err(PhoneProblem::NotMobile)
    }
}

fn looks_like_spreadsheet(text: &str) -> bool {
    text.split_once(['E', 'e']).is_some_and(|(mantissa, exponent)| {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        digits(mantissa) && digits(exponent.trim_start_matches('+'))
    })
}

fn abroad(country: &str, rest: &str) -> Result<Phone, PhoneProblem> {
    let digits = format!("{country}{rest}");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PhoneProblem::NotDigits);
    }
    if digits.len() < 6 {
        return Err(PhoneProblem::TooShort);
    }
    if digits.len() > 15 {
        return Err(PhoneProblem::TooLong);
    }
    let number =
        PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None).map_err(|_| PhoneProblem::Abroad)?;
    if !PHONE_NUMBER_UTIL.is_valid_number(&number) {
        return Err(PhoneProblem::Abroad);
    }
    let international = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164);
    let code = number.country_code.to_string();
    let national = international.trim_start_matches('+').strip_prefix(code.as_str());
    national.map(|rest| Phone(format!("({code}){rest}"))).ok_or(PhoneProblem::Abroad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_a_phone_is_the_same_phone() {
        for typed in [
            "18500001234",
            " 185 0000 1234 ",
            "185-0000-1234",
            "+86 18500001234",
            "+86-185-0000-1234",
            "0086 18500001234",
            "8618500001234",
            "(86)18500001234",
            "(0086)18500001234",
            "（86）１８５００００１２３４",
            "\u{feff}185\u{200b}00001234",
            "'18500001234",
        ] {
            assert_eq!(Phone::parse(typed).map(|p| p.0), Ok("18500001234".into()), "{typed}");
        }
    }

    #[test]
    fn a_phone_abroad_is_written_as_the_vendor_wants_it() {
        assert_eq!(Phone::parse("+60 12-345 6789").map(|p| p.0), Ok("(60)123456789".into()));
        assert_eq!(Phone::parse("(60)123456789").map(|p| p.0), Ok("(60)123456789".into()));
        assert_eq!(Phone::parse("+1 212"), Err(PhoneProblem::TooShort));
        assert_eq!(Phone::parse("+60 999 999 999 999"), Err(PhoneProblem::Abroad));
    }

    #[test]
    fn each_wrong_phone_is_named_with_its_reason() {
        let wrong = [
            ("1850000123", PhoneProblem::TooShort),
            ("185000012345", PhoneProblem::TooLong),
            ("010-12345678", PhoneProblem::Landline),
            ("12345678901", PhoneProblem::NotMobile),
            ("1.85E+10", PhoneProblem::Spreadsheet),
            ("李四", PhoneProblem::NotDigits),
            ("185😀00001234", PhoneProblem::NotDigits),
            ("+", PhoneProblem::TooShort),
        ];
        for (typed, problem) in wrong {
            assert_eq!(Phone::parse(typed), Err(problem), "{typed}");
        }
    }

    #[test]
    fn a_list_names_its_wrong_lines_and_folds_repeats() {
        let list = PhoneList::read(
            "18500001234,185 0000 1235\n\n+8618500001234；abc\n18500001236 18500001237",
        );
        let phones: Vec<&str> = list.phones.iter().map(Phone::as_str).collect();
        assert_eq!(phones, ["18500001234", "18500001235", "18500001236", "18500001237"]);
        assert_eq!(list.duplicates.len(), 1);
        assert_eq!((list.wrong[0].line, list.wrong[0].text.as_str()), (3, "abc"));
        assert_eq!(list.entries, 6);
    }

    #[test]
    fn masks_leave_the_last_four_and_nothing_of_a_short_one() {
        assert_eq!(masked("18500009057"), "185****9057");
        assert_eq!(masked("(60)123456789"), "(60)123****6789");
        assert_eq!(masked("12345"), "*****");
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_a_read_phone_reads_as_itself(typed in "\\PC{0,40}") {
            if let Ok(phone) = Phone::parse(&typed) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone));
            }
        }
    }
}
