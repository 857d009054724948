//! Links and phone numbers in texts, which carriers take for an invitation to get in touch and block
//! (USMS notices of 2025-07 and 2025-11).

use std::collections::BTreeSet;

/// Endings of domains that people put into messages.
const DOMAINS: [&str; 23] = [
    ".com", ".cn", ".net", ".org", ".top", ".vip", ".xyz", ".cc", ".io", ".me", ".info", ".shop",
    ".club", ".site", ".online", ".link", ".app", ".ltd", ".tv", ".co", ".lc", ".example", ".gov",
];
/// Endings of domains in Chinese.
const CHINESE_DOMAINS: [&str; 3] = [".中国", ".公司", ".网络"];

/// The fewest digits of a phone number in a text.
pub const MIN_PHONE_DIGITS: usize = 10;

/// The fewest digits of a service number.
pub const MIN_SERVICE_DIGITS: usize = 5;
/// Words beside a number that is to be called.
const CALLING: [&str; 8] = ["电话", "热线", "拨打", "致电", "来电", "客服", "咨询", "联系"];
/// What follows an amount or a number of things, which is no number to call.
const COUNTED: &str = "元块万分积件人名条次个年月天%";

/// The most different phone numbers in the texts of one extension number (每个子端口) that China Mobile
/// registers (USMS notice of 2025-07).
pub const MAX_PHONE_NUMBERS: usize = 2;
/// The most different links in the texts of one extension number that China Mobile registers.
pub const MAX_LINKS: usize = 1;

/// Returns the first link of a text in lower case: a word with a scheme, `www.`, a domain by its
/// ending, or a host with a path.
pub fn find_link(text: &str) -> Option<String> {
    may_have_link(text).then(|| links(&in_lower_ascii(text)).next().map(str::to_owned))?
}

/// Returns the number of different links in a text.
pub fn count_links(text: &str) -> usize {
    links(&in_lower_ascii(text)).collect::<BTreeSet<_>>().len()
}

fn may_have_link(text: &str) -> bool {
    text.contains(['.', '/', '。', '．'])
}

fn in_lower_ascii(text: &str) -> String {
    text.to_lowercase().chars().map(in_ascii).collect()
}

/// Returns the links of a text that [`in_lower_ascii`] returned, those with Chinese domains last.
fn links(lower: &str) -> impl Iterator<Item = &str> {
    let words = |text| str::split(text, |letter: char| !letter.is_ascii_graphic());
    let chinese_words = lower.split(char::is_whitespace).filter(move |word| {
        CHINESE_DOMAINS.iter().any(|end| has_domain(word, end)) && !words(word).any(is_link)
    });
    let links = words(lower).filter(|word| is_link(word)).chain(chinese_words);
    links.map(|link| link.trim_end_matches(|letter| ",.;:!?)".contains(letter)))
}

/// Returns a full-width character, or a Chinese full stop, as the one in ASCII that it looks like.
fn in_ascii(letter: char) -> char {
    match letter {
        '。' => '.',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter),
        other => other,
    }
}

fn is_link(word: &str) -> bool {
    let is_no_host = |letter: char| !letter.is_ascii_alphanumeric() && !"./-_?=".contains(letter);
    word.contains("://")
        || word.contains("www.")
        || DOMAINS.iter().any(|ending| has_domain(word, ending))
        || word.split(is_no_host).any(has_path)
}

/// Returns whether a word has a domain with this ending.
fn has_domain(word: &str, ending: &str) -> bool {
    word.match_indices(ending).any(|(at, _)| {
        let before = word[..at].chars().next_back();
        let after = word[at + ending.len()..].chars().next();
        before.is_some_and(char::is_alphanumeric)
            && after.is_none_or(|letter| !letter.is_ascii_alphanumeric())
    })
}

/// Returns whether a word is a host with a path, such as `suo.im/x` or `1.2.3.4/x`. Dates and
/// amounts are none.
fn has_path(word: &str) -> bool {
    let Some((host, path)) = word.split_once('/') else { return false };
    let labels: Vec<&str> = host.split('.').collect();
    let is_address = labels.len() == 4 && labels.iter().all(|label| label.parse::<u8>().is_ok());
    let is_domain = labels.len() >= 2
        && labels.iter().all(|label| !label.is_empty())
        && labels
            .last()
            .is_some_and(|top| top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_lowercase()));
    !path.is_empty() && (is_address || is_domain)
}

/// Returns the digits of the first phone number of a text: a mobile phone, a landline with its area
/// code, or a number that begins with 400 or 800.
pub fn find_phone_number(text: &str) -> Option<String> {
    phone_numbers(text).next()
}

/// Returns the number of different phone numbers in a text, service numbers included.
pub fn count_phone_numbers(text: &str) -> usize {
    phone_numbers(text).chain(service_numbers(text)).collect::<BTreeSet<_>>().len()
}

fn phone_numbers(text: &str) -> impl Iterator<Item = String> {
    let (mut digits, mut separators) = (String::new(), 0);
    text.chars().chain(std::iter::once('，')).filter_map(move |letter| {
        match in_ascii(letter) {
            digit @ '0'..='9' => {
                digits.push(digit);
                separators = 0;
            }
            // Groups of digits: `138 0000 0000`, `(021)60000000`.
            '-' | '—' | ' ' | '.' | ')' if !digits.is_empty() && separators < 2 => {
                separators += 1;
            }
            _ if is_phone_number(&digits) => return Some(std::mem::take(&mut digits)),
            _ => digits.clear(),
        }
        None
    })
}

/// Returns the first short service number of a text, such as 95500, 962121 or 12345 (9X and 12X in the
/// USMS notice of 2025-07).
pub fn find_service_number(text: &str) -> Option<String> {
    service_numbers(text).next()
}

/// Returns the first short service number of a text that also says to call somebody. Five digits alone
/// may be anything.
pub fn find_called_number(text: &str) -> Option<String> {
    let says_to_call = CALLING.iter().any(|word| text.contains(word));
    says_to_call.then(|| find_service_number(text))?
}

fn service_numbers(text: &str) -> impl Iterator<Item = String> {
    let mut digits = String::new();
    text.chars().map(in_ascii).chain(std::iter::once(' ')).filter_map(move |letter| {
        if letter.is_ascii_digit() {
            digits.push(letter);
            return None;
        }
        let run = std::mem::take(&mut digits);
        (is_service_number(&run) && !COUNTED.contains(letter)).then_some(run)
    })
}

fn is_service_number(digits: &str) -> bool {
    match digits.len() {
        MIN_SERVICE_DIGITS => ["95", "96", "12"].iter().any(|start| digits.starts_with(start)),
        6 if digits.starts_with("96") => true,
        6..=8 => ["950", "951", "952"].iter().any(|start| digits.starts_with(start)),
        _ => false,
    }
}

fn is_phone_number(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    let second = bytes.get(1).copied().unwrap_or(0);
    match (bytes.first(), bytes.len()) {
        (Some(b'1'), 11) => (b'3'..=b'9').contains(&second),
        (Some(b'0'), 10..=12) => second != b'0',
        (Some(b'4' | b'8'), 10) => digits[1..].starts_with("00"),
        (Some(b'8'), 13) => digits.starts_with("861") && (b'3'..=b'9').contains(&bytes[3]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_are_found_as_people_write_them() {
        for (text, link) in [
            ("请看 https://yunfan.example/o，谢谢", "https://yunfan.example/o"),
            ("请看yunfan.cn", "yunfan.cn"),
            ("suo.im/x", "suo.im/x"),
            ("1.2.3.4/x", "1.2.3.4/x"),
            ("ｗｗｗ．ａ．ｃｏｍ", "www.a.com"),
            ("例子.中国", "例子.中国"),
        ] {
            assert_eq!(find_link(text).as_deref(), Some(link), "{text}");
        }
        for text in ["3.14", "2026/11/29", "2.5/3", "1.5.com5", "完成。", "a。b", "v1.2"] {
            assert_eq!(find_link(text), None, "{text}");
        }
    }

    #[test]
    fn phone_numbers_are_found_in_groups_and_other_numbers_are_none() {
        for text in [
            "18500001234",
            "138 0000 0000",
            "(021)60000000",
            "400-000-0000",
            "１８５００００１２３４",
        ] {
            assert!(find_phone_number(text).is_some(), "{text}");
        }
        for text in ["20261129", "123456", "10.5 11.5", "123456789012345678"] {
            assert_eq!(find_phone_number(text), None, "{text}");
        }
    }

    #[test]
    fn different_links_and_numbers_are_counted() {
        for (text, links) in [
            ("a.cn、b.cn/x", 2),
            ("A.cn，a.cn。", 1),
            ("https://例子.中国", 1),
            ("例子.中国 a.cn", 2),
            ("没有", 0),
        ] {
            assert_eq!(count_links(text), links, "{text}");
        }
        assert_eq!(count_phone_numbers("18500001234、185 0000 1234、400-000-0000"), 2);
        assert_eq!(count_phone_numbers("95500、95588、95533，95500"), 3);
        assert_eq!(count_phone_numbers("400-000-0000、95500、12345、18500001234"), 4);
    }

    #[test]
    fn service_numbers_are_found_and_amounts_are_none() {
        for (text, number) in [
            ("请致电95500。", "95500"),
            ("详询12580", "12580"),
            ("路况请拨12122，", "12122"),
            ("热线962121或前台", "962121"),
            ("反诈专线96110", "96110"),
            ("会议号95013888", "95013888"),
            ("请拨９５５００", "95500"),
        ] {
            assert_eq!(find_service_number(text).as_deref(), Some(number), "{text}");
        }
        for text in ["{1}元，编号955001", "12000元", "95000积分", "100元", "20261201", "10086"]
        {
            assert_eq!(find_service_number(text), None, "{text}");
        }
        assert_eq!(find_called_number("客服热线95500").as_deref(), Some("95500"));
        assert_eq!(find_called_number("95500"), None);
    }

    proptest! {
        #[test]
        fn what_is_found_is_in_the_text(text in "[0-9a-z./。．０-９ -]{0,24}\\PC{0,6}") {
            let ascii: String = text.to_lowercase().chars().map(in_ascii).collect();
            if let Some(link) = find_link(&text) {
                prop_assert!(ascii.contains(&link), "{} in {}", link, text);
            }
            if let Some(number) = find_phone_number(&text) {
                let digits: String = ascii.chars().filter(char::is_ascii_digit).collect();
                prop_assert!(digits.contains(&number), "{} in {}", number, text);
                prop_assert!(number.len() >= MIN_PHONE_DIGITS);
            }
        }

        #[test]
        fn a_link_is_found_wherever_it_stands(
            before in "[一-龥，。！ ]{0,6}", after in "([，！ 一-龥][一-龥]{0,5})?",
            link in "(https?://)?[a-z]{2,8}\\.(com|cn|net|top)(/[a-z0-9]{1,5})?",
        ) {
            let text = format!("{before}{link}{after}");
            // A full stop before it belongs to the host.
            prop_assert!(find_link(&text).is_some_and(|found| found.ends_with(&link)), "{}", text);
        }

        #[test]
        fn a_phone_number_is_found_wherever_it_stands(
            before in "[一-龥，。！a-z]{0,6}", after in "([，！一-龥a-z][一-龥0-9]{0,5})?",
            number in "1[3-9][0-9]{9}", separator in "[ -]?",
        ) {
            let written = format!("{}{separator}{}{separator}{}", &number[..3], &number[3..7], &number[7..]);
            let text = format!("{before}{written}{after}");
            prop_assert_eq!(find_phone_number(&text), Some(number), "{}", text);
        }
    }
}
