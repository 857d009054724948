//! Phone numbers: any common spelling is accepted, and one is used inside.

use std::fmt;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

use super::text::is_invisible;

mod list;
mod mask;
mod masked_text;

pub use list::{PhoneList, WrongPhone, entries};
pub use mask::PhoneMask;
pub use masked_text::{all_masked_in, masked_about, masked_in, shown_beginning};

/// A phone that can be sent to, in the vendor's spelling: `18512345678` in mainland China,
/// `(60)123456789` elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(String);

/// The carrier that issued a Chinese phone number. The phone may have moved to another one since
/// (number portability), so it is only a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// China Mobile.
    Cmcc,
    /// China Telecom.
    Ctcc,
    /// China Unicom.
    Cucc,
}

impl Carrier {
    /// All carriers.
    pub const ALL: [Self; 3] = [Self::Cmcc, Self::Ctcc, Self::Cucc];

    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Cmcc => "cmcc",
            Self::Ctcc => "ctcc",
            Self::Cucc => "cucc",
        }
    }

    /// Parses what [`Carrier::key`] returns.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|carrier| carrier.key() == key)
    }

    /// Returns the carrier that issued a phone, by its first three digits (public numbering plan),
    /// which a masked phone shows too; `None` if it is not Chinese.
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

/// Why a text is not a phone that can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneProblem {
    /// It has letters or signs where digits belong.
    NotDigits,
    /// A spreadsheet turned it into a number such as `1.38E+10`.
    Spreadsheet,
    /// It has too few digits.
    TooShort,
    /// It has too many digits.
    TooLong,
    /// It is a landline.
    Landline,
    /// It has eleven digits, but is not a mobile phone of mainland China.
    NotMobile,
    /// It is an international number that is not valid in its country.
    Abroad,
}

impl PhoneProblem {
    /// Returns the name used in message keys.
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

/// A phone in a response or push of the vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VendorPhone {
    /// A phone with all of its digits.
    Whole(Phone),
    /// A phone with asterisks for some digits.
    Masked(String),
    /// Something else, as it came.
    Other(String),
}

impl Phone {
    /// Parses a phone as people write it: in groups of digits with spaces, dashes or brackets, with
    /// full-width digits, `+86`, `0086`, `(86)`, `+60…`, `(60)…`, a trunk 0, or the `.0` that
    /// spreadsheets add to numbers. No digit is added or lost otherwise.
    ///
    /// # Errors
    /// When it is not a phone that can be sent to.
    pub fn parse(typed: &str) -> Result<Self, PhoneProblem> {
        // Most phones of a list are written so.
        if typed.len() == 11 && is_mobile(typed) && typed.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Ok(Self(typed.to_owned()));
        }
        let text = simplified(typed);
        let text = without_zero_decimals(&text);
        if looks_like_spreadsheet(text) {
            return Err(PhoneProblem::Spreadsheet);
        }
        if text.starts_with('-') {
            return Err(PhoneProblem::NotDigits);
        }
        if let Some((country, rest)) = bracketed_country(text) {
            return if country == "86" { domestic(rest) } else { bracketed(country, rest, text) };
        }
        if let Some(rest) = text.strip_prefix('+').or_else(|| text.strip_prefix("00")) {
            return match rest.trim_start().strip_prefix("86") {
                Some(national) => domestic(national),
                None => abroad("", rest),
            };
        }
        match text.strip_prefix("86") {
            Some(national) if digits_of(national).len() >= 11 => domestic(national),
            _ => domestic(text),
        }
    }

    /// Parses a phone of a response or push of the vendor.
    pub fn from_vendor(text: &str) -> VendorPhone {
        if text.contains('*') {
            let starred: String =
                simplified(text).chars().filter(|letter| !is_group_separator(*letter)).collect();
            let national = bracketed_country(&starred)
                .filter(|(country, _)| *country == "86")
                .map_or(starred.as_str(), |(_, rest)| rest);
            return VendorPhone::Masked(national.chars().take(32).collect());
        }
        match Self::parse(text) {
            Ok(phone) => VendorPhone::Whole(phone),
            Err(_) => VendorPhone::Other(
                text.chars().filter(|letter| !letter.is_control()).take(32).collect(),
            ),
        }
    }

    /// Returns whether a stored text is a phone in the vendor's spelling. Otherwise it is a masked one,
    /// which stands for several phones, or something else that the vendor has sent.
    pub fn is_whole(stored: &str) -> bool {
        Self::parse(stored).is_ok_and(|phone| phone.as_str() == stored)
    }

    /// Returns the phone in the vendor's spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the phone in the vendor's spelling.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Returns the calling code of its country.
    pub fn country(&self) -> &str {
        country_of(&self.0)
    }

    /// Returns whether it is a phone of mainland China.
    pub fn is_domestic(&self) -> bool {
        !self.0.starts_with('(')
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the calling code of a phone in the vendor's spelling.
pub fn country_of(phone: &str) -> &str {
    phone.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or("86", |(code, _)| code)
}

/// The digits of a phone that are hidden at least, unless it has fewer.
const HIDDEN_DIGITS: usize = 4;

/// Returns a phone without its middle digits: `185****9057`, `(60)1****6789`. At least four digits are
/// hidden, so a short phone shows fewer at its ends. The function `masked_phone` of the database does the
/// same.
pub fn masked(phone: &str) -> String {
    let (country, national) = match phone.split_once(')') {
        Some((country, rest)) => (format!("{country})"), rest),
        None => (String::new(), phone),
    };
    let letters: Vec<char> = national.chars().collect();
    let shown = letters.len().saturating_sub(HIDDEN_DIGITS);
    if shown == 0 {
        return format!("{country}{}", "*".repeat(letters.len()));
    }
    let tail = shown.min(4);
    let head: String = letters[..(shown - tail).min(3)].iter().collect();
    let tail: String = letters[letters.len() - tail..].iter().collect();
    format!("{country}{head}****{tail}")
}

/// Returns the text with full-width digits and signs as ASCII and one kind of dash, without
/// invisible characters, and without spaces, quotation marks and full stops around it.
fn simplified(typed: &str) -> String {
    let text: String = typed
        .chars()
        .filter(|letter| !is_unseen(*letter))
        .map(|letter| match letter {
            '０'..='９' | '＋' | '（' | '）' | '＊' | '－' | '．' | '／' => {
                char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter)
            }
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            other if other.is_whitespace() => ' ',
            other => other,
        })
        .collect();
    let around =
        |letter: char| letter == ' ' || matches!(letter, '\'' | '"' | '“' | '”' | '‘' | '’' | '`');
    let after = |letter: char| {
        around(letter) || matches!(letter, '.' | '。' | ',' | '，' | ';' | '；' | '、')
    };
    text.trim_start_matches(around).trim_end_matches(after).to_owned()
}

fn is_unseen(letter: char) -> bool {
    letter.is_control() && !letter.is_whitespace() || is_invisible(letter)
}

/// Removes the decimals that a spreadsheet adds to a whole number, such as `.0` or `.00`.
fn without_zero_decimals(text: &str) -> &str {
    let whole = text
        .split_once('.')
        .filter(|(_, decimals)| !decimals.is_empty() && decimals.bytes().all(|byte| byte == b'0'));
    whole
        .map(|(whole, _)| whole)
        .filter(|whole| {
            let digits = whole.strip_prefix('+').unwrap_or(whole);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
        .unwrap_or(text)
}

/// Splits `(60)123…` into what is in the brackets, without `+` or `00`, and the rest.
fn bracketed_country(text: &str) -> Option<(&str, &str)> {
    let (country, rest) = text.strip_prefix('(')?.split_once(')')?;
    let country = country.trim_start_matches('+').trim_start_matches("00");
    let digits = !country.is_empty() && country.bytes().all(|byte| byte.is_ascii_digit());
    (digits && country.len() <= 3 && !country.starts_with('0')).then_some((country, rest))
}

/// Checks a number that begins with brackets: they hold a calling code, or are only a group of a
/// number without one, as in `(185) 0000 1234`.
fn bracketed(country: &str, rest: &str, text: &str) -> Result<Phone, PhoneProblem> {
    match abroad(country, rest) {
        Ok(phone) if phone.0.starts_with(&format!("({country})")) => Ok(phone),
        Ok(_) => domestic(text),
        Err(problem) => domestic(text).map_err(|_| problem),
    }
}

fn is_group_separator(letter: char) -> bool {
    matches!(letter, ' ' | '-' | '.' | '/' | '·' | '(' | ')')
}

fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Checks a number of mainland China without its calling code.
fn domestic(written: &str) -> Result<Phone, PhoneProblem> {
    let written = written.trim_start_matches([' ', '-']);
    // A number has one trunk 0, in brackets or not.
    let bracketed_zero = written.strip_prefix("(0)");
    let written = bracketed_zero.unwrap_or(written);
    let groups: Vec<&str> = written.split(is_group_separator).filter(|g| !g.is_empty()).collect();
    if !groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(PhoneProblem::NotDigits);
    }
    let digits = groups.concat();
    let national =
        if bracketed_zero.is_some() { digits.as_str() } else { without_trunk_zero(&digits) };
    if national.starts_with('0') && (10..=12).contains(&national.len()) {
        return Err(PhoneProblem::Landline);
    }
    match national.len() {
        0..11 => return Err(PhoneProblem::TooShort),
        11 => {}
        _ => return Err(PhoneProblem::TooLong),
    }
    if !is_mobile(national) {
        return Err(PhoneProblem::NotMobile);
    }
    if is_grouped(written, &groups) {
        Ok(Phone(national.to_owned()))
    } else {
        Err(PhoneProblem::NotDigits)
    }
}

/// Removes the 0 that is dialled in front of mobile phones of another city.
fn without_trunk_zero(digits: &str) -> &str {
    digits.strip_prefix('0').filter(|rest| rest.len() == 11 && is_mobile(rest)).unwrap_or(digits)
}

fn is_mobile(national: &str) -> bool {
    let bytes = national.as_bytes();
    bytes.first() == Some(&b'1') && bytes.get(1).is_some_and(|byte| (b'3'..=b'9').contains(byte))
}

/// Returns whether a mobile phone is written in groups as people do: several digits each, and with a
/// full stop or slash between them only as in `185.0000.1234`. Otherwise they are decimals, an
/// extension, or another number: `1850000712.5`, `1850000714/0`.
fn is_grouped(written: &str, groups: &[&str]) -> bool {
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if written.contains(['.', '/', '·']) {
        return matches!(lengths.as_slice(), [3 | 4, 4, 4]);
    }
    if written.contains(['(', ')']) {
        return lengths.iter().all(|length| *length >= 3);
    }
    let (first, rest) = lengths.split_first().unwrap_or((&0, &[]));
    let trunk_zero_alone = *first == 1 && written.starts_with('0');
    (*first >= 2 || trunk_zero_alone) && rest.iter().all(|length| *length >= 2)
}

/// Returns whether `text` is a number in scientific notation, such as `1.38E+10`.
fn looks_like_spreadsheet(text: &str) -> bool {
    text.split_once(['E', 'e']).is_some_and(|(mantissa, exponent)| {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        digits(&mantissa.replacen('.', "", 1)) && digits(exponent.trim_start_matches('+'))
    })
}

/// Checks an international number. `country` is the calling code, or empty if `written` begins with
/// it.
fn abroad(country: &str, written: &str) -> Result<Phone, PhoneProblem> {
    // `+44 (0)7911…`: the 0 is dialled within the country only.
    let has_bracketed_zero = written.contains("(0)");
    let written = written.replacen("(0)", " ", 1);
    let only_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    if !written.split(is_group_separator).all(only_digits) {
        return Err(PhoneProblem::NotDigits);
    }
    let digits = format!("{country}{}", digits_of(&written));
    if digits.len() < 6 {
        return Err(PhoneProblem::TooShort);
    }
    if digits.len() > 15 {
        return Err(PhoneProblem::TooLong);
    }
    if !is_grouped_abroad(&written) {
        return Err(PhoneProblem::NotDigits);
    }
    let number =
        PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None).map_err(|_| PhoneProblem::Abroad)?;
    if !PHONE_NUMBER_UTIL.is_valid_number(&number) {
        return Err(PhoneProblem::Abroad);
    }
    let international = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164);
    let code = number.country_code.to_string();
    if code == "86" {
        // `+(86)185…` and the like.
        return domestic(written.rsplit(')').next().unwrap_or(&written));
    }
    let national = international.trim_start_matches('+').strip_prefix(code.as_str());
    let rest = national.ok_or(PhoneProblem::Abroad)?;
    // The library leaves out what it takes for a trunk prefix. A number has one trunk 0 at most.
    let as_typed = digits == format!("{code}{rest}");
    if as_typed || !has_bracketed_zero && digits == format!("{code}0{rest}") {
        Ok(Phone(format!("({code}){rest}")))
    } else {
        Err(PhoneProblem::Abroad)
    }
}

/// Returns whether full stops and slashes stand between groups, not before decimals or another
/// number: `+1.202.555.0123` and `+49 171/1234567` do.
fn is_grouped_abroad(written: &str) -> bool {
    let stops = written.matches('.').count();
    let slashes = written.matches('/').count();
    let last = written.rsplit(is_group_separator).next().map_or(0, str::len);
    (stops == 0 || stops > 1 && last >= 2) && (slashes == 0 || slashes == 1 && last >= 4)
}

#[cfg(test)]
mod tests;
