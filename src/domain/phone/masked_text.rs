//! Texts without the phones in them, for those who may not see whole phones. The function
//! `phones_masked_in` of the database does the same, for searches.

use std::borrow::Cow;

use super::{is_mobile, masked};

/// The middle of a mask.
const STARS: &str = "****";
/// Digits of an international number, its calling code included.
const ABROAD_DIGITS: usize = 7;
/// Digits of an international number after its calling code in brackets.
const BRACKETED_DIGITS: usize = 6;
/// The shortest phone that is looked for in the texts that come with it.
const OWN_DIGITS: usize = 5;
/// The digits at the beginning of a phone that its mask shows.
const SHOWN_DIGITS: usize = 3;
/// The digits of the longest phone.
const MOST_DIGITS: usize = 15;
/// The digits of a number that may be a phone, wherever it stands.
const ANY_DIGITS: usize = 7;

/// Returns a text with masks for the Chinese mobile phones in it, with or without their calling code, and
/// without international numbers, which begin with `+`, `00` or a calling code in brackets.
pub fn masked_in(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(text);
    }
    [domestic, abroad, bracketed].iter().fold(Cow::Borrowed(text), |text, found| {
        match replaced(&text, *found) {
            Some(shown) => Cow::Owned(shown),
            None => text,
        }
    })
}

/// Returns the same of a text that comes with a phone, which may stand in it without its calling code.
pub fn masked_about<'a>(text: &'a str, own: &str) -> Cow<'a, str> {
    let national = own.split_once(')').map_or(own, |(_, national)| national);
    if national.chars().count() < OWN_DIGITS || !text.contains(national) {
        return masked_in(text);
    }
    let text = text.replace(national, &masked(national));
    Cow::Owned(masked_in(&text).into_owned())
}

/// Returns a text without anything that may be a phone: with masks for all long numbers.
pub fn all_masked_in(text: &str) -> String {
    let text = masked_in(text);
    let mut shown = String::new();
    let mut rest = text.as_ref();
    while let Some(begin) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let length = digits(&rest[begin..]);
        let (number, after) = rest[begin..].split_at(length);
        shown.push_str(&rest[..begin]);
        if length < ANY_DIGITS {
            shown.push_str(number);
        } else {
            shown.push_str(&masked(number));
        }
        rest = after;
    }
    shown + rest
}

/// Returns how much is shown of a text that was cut and then masked: a number at its end may be a part of
/// a phone.
pub fn shown_beginning(text: &str, own: &str) -> usize {
    let national = own.split_once(')').map_or(own, |(_, national)| national);
    let of_own = (SHOWN_DIGITS + 1..national.len())
        .filter_map(|end| national.get(..end))
        .filter_map(|part| Some(text.strip_suffix(part)?.len()))
        .next_back();
    let mut continued = text.to_owned();
    let of_any = (0..MOST_DIGITS).filter_map(|_| {
        continued.push('0');
        let shown = masked_in(&continued);
        let same = shown.char_indices().zip(text.chars()).find(|((_, a), b)| a != b);
        same.map(|((at, _), _)| at)
    });
    of_any.chain(of_own).min().unwrap_or(text.len())
}

/// What a number that is found becomes: its length, what is kept at its beginning, and at its end.
struct Found {
    length: usize,
    head: usize,
    tail: usize,
}

/// Returns a text with stars in each number that is found at a place; `None` if there is none.
fn replaced(text: &str, found: fn(&str, bool) -> Option<Found>) -> Option<String> {
    let mut shown = String::new();
    let (mut copied, mut at, mut after_digit) = (0, 0, false);
    while let Some(letter) = text[at..].chars().next() {
        match found(&text[at..], after_digit) {
            Some(number) => {
                shown.push_str(&text[copied..at + number.head]);
                shown.push_str(STARS);
                at += number.length;
                copied = at - number.tail;
                after_digit = true;
            }
            None => {
                at += letter.len_utf8();
                after_digit = letter.is_ascii_digit();
            }
        }
    }
    (copied > 0).then(|| shown + &text[copied..])
}

/// Returns the phone at the beginning of a text: `18500001234`, `185 0000 1234`, `86-18500001234`.
fn domestic(text: &str, after_digit: bool) -> Option<Found> {
    if after_digit || !text.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let separated = |text: &str| usize::from(text.starts_with([' ', '-']));
    let mut begin = if text.starts_with("00") { 2 } else { 0 };
    if text[begin..].starts_with("86") {
        begin += 2;
        begin += separated(&text[begin..]);
    }
    let mut at = begin;
    let mut national = String::new();
    for (group, length) in [3, 4, 4].into_iter().enumerate() {
        if group > 0 {
            at += separated(&text[at..]);
        }
        if digits(&text[at..]) < length {
            return None;
        }
        national.push_str(&text[at..at + length]);
        at += length;
    }
    (is_mobile(&national) && digits(&text[at..]) == 0).then_some(Found {
        length: at,
        head: begin + 3,
        tail: 4,
    })
}

/// Returns the phone at the beginning of a text: `+60 12-345 6789` or `0060123456789`.
fn abroad(text: &str, after_digit: bool) -> Option<Found> {
    let plus = text.chars().next().filter(|letter| matches!(letter, '+' | '＋'));
    let head = match plus {
        Some(plus) => plus.len_utf8(),
        None if !after_digit && text.starts_with("00") => 2,
        None => return None,
    };
    if plus.is_none() && !text[head..].starts_with(|letter| matches!(letter, '1'..='9')) {
        return None;
    }
    let (count, length) = grouped_digits(&text[head..], &[' ', '.', '(', ')', '-'], 2);
    (count >= ABROAD_DIGITS).then_some(Found { length: head + length, head, tail: 0 })
}

/// Returns the phone at the beginning of a text, as the vendor spells it: `(60)123456789`.
fn bracketed(text: &str, _: bool) -> Option<Found> {
    let country = text.strip_prefix('(').map_or(0, digits);
    if !(1..=3).contains(&country) || text[1..].starts_with('0') {
        return None;
    }
    let head = 1 + country + 1;
    if !text[1 + country..].starts_with(')') {
        return None;
    }
    let (count, length) = grouped_digits(&text[head..], &[' ', '.', '-'], 1);
    (count >= BRACKETED_DIGITS).then_some(Found { length: head + length, head, tail: 0 })
}

/// Returns how many digits a text begins with, and their length with the separators between them, of
/// which at most `most` stand in one place.
fn grouped_digits(text: &str, separators: &[char], most: usize) -> (usize, usize) {
    let (mut count, mut length) = (0, 0);
    loop {
        let rest = &text[length..];
        let gap = rest.chars().take(most).take_while(|letter| separators.contains(letter)).count();
        if digits(&rest[gap..]) == 0 {
            return (count, length);
        }
        count += 1;
        length += gap + 1;
    }
}

/// Returns the number of digits that a text begins with.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_in_a_text_are_masked_and_other_numbers_are_not() {
        for (text, shown) in [
            ("请致电18500001234或+8618500001235。", "请致电185****1234或+86185****1235。"),
            ("008618500001234", "0086185****1234"),
            ("185-0000-1234, 185 0000 1235", "185****1234, 185****1235"),
            ("86 18500001234", "86 185****1234"),
            ("订单2026112312345678", "订单2026112312345678"),
            ("1850000123 185000012345 12345678901", "1850000123 185000012345 12345678901"),
            ("2026-11-23 10:00 1234567", "2026-11-23 10:00 1234567"),
            ("call +60 12-345 6789 or 0060123456789.", "call +**** or 00****."),
            ("+1 (212) 555-0100、＋3545551234", "+****、＋****"),
            ("(60)123456789 (60)12 345", "(60)**** (60)12 345"),
            ("1+234567, +123456, 00123456", "1+234567, +123456, 00123456"),
            ("", ""),
        ] {
            assert_eq!(masked_in(text), shown);
        }
    }

    #[test]
    fn the_phone_that_a_text_comes_with_is_masked_without_its_calling_code() {
        let own = "(60)123456789";
        assert_eq!(masked_about("123456789没空", own), "1****6789没空");
        assert_eq!(masked_about("+60123456789", own), "+601****6789");
        assert_eq!(masked_about("123456780", own), "123456780");
        assert_eq!(masked_about("A18500001234B5", "18500001234"), "A185****1234B5");
        assert_eq!(masked_about("0118500001234", "18500001234"), "01185****1234");
        assert_eq!(masked_about("1234", "(60)1234"), "1234");
    }

    #[test]
    fn all_long_numbers_are_masked_where_no_long_number_has_to_be_read() {
        assert_eq!(all_masked_in("no 1234567, 123456"), "no ****567, 123456");
        assert_eq!(all_masked_in("18500001234"), "185****1234");
        assert_eq!(all_masked_in("未知"), "未知");
    }

    #[test]
    fn a_part_of_a_phone_at_the_end_of_a_beginning_is_not_shown() {
        let own = "(60)123456789";
        for (text, shown) in [
            ("请打18500001", "请打185"),
            ("请打185 0000 1", "请打185"),
            ("call +60 12", "call +"),
            ("我是1234567", "我是"),
            ("我是123456789", "我是123456789"),
            ("2026-11-23", "2026-11-23"),
            ("收到", "收到"),
        ] {
            assert_eq!(&text[..shown_beginning(text, own)], shown);
        }
    }
}
