//! Which passwords are refused: those that guessing would begin with (OWASP ASVS 5.0, 6.2.4, 6.2.11 and
//! 6.2.12). What a person thinks of otherwise is not prescribed.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The fewest and the most characters of a password.
pub const LENGTH: std::ops::RangeInclusive<usize> = 12..=256;
/// Fewer different characters than these are a pattern.
const MIN_DIFFERENT: usize = 5;
/// Names of the product and of whose service it is for.
const PRODUCT: [&str; 4] = ["usms", "console", "ucloud", "优刻得"];
/// Shorter names, in bytes, and shorter parts of a host's name are in too many words.
const MIN_NAME_BYTES: usize = 3;
const MIN_LABEL_BYTES: usize = 4;
/// Characters that follow each other on a keyboard.
const ROWS: [&str; 4] = ["1234567890-=", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./"];

static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("password/common.txt").lines().filter(|line| !line.starts_with('#')).collect()
});

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Fewer than 12 characters.
    #[error("password must have at least {} characters", LENGTH.start())]
    TooShort,
    /// More than 256 characters.
    #[error("password must have at most {} characters", LENGTH.end())]
    TooLong,
    /// It is one of the most common ones, perhaps with digits around it.
    #[error("password is one of the most common ones")]
    Common,
    /// It repeats a few characters, or follows the alphabet or the keyboard.
    #[error("password is a repetition or a sequence, which is guessed first")]
    Pattern,
    /// It has the username in it.
    #[error("password must not contain the username")]
    Name,
    /// It has the name of the product or of the console's host in it.
    #[error("password must not contain the name of the console, of UCloud or of this host")]
    Product,
}

/// Checks a new password of the account `name` of a console at `public_url`.
///
/// # Errors
///
/// [`Weakness`] says what is wrong with it.
pub fn check(password: &str, name: &str, public_url: Option<&str>) -> Result<(), Weakness> {
    let length = password.chars().count();
    let lower = password.to_lowercase();
    let plain = without_substitutes(&lower);
    let contains = |word: &str| lower.contains(word) || plain.contains(word);
    let name = name.to_lowercase();
    if length < *LENGTH.start() {
        Err(Weakness::TooShort)
    } else if length > *LENGTH.end() {
        Err(Weakness::TooLong)
    } else if name.len() >= MIN_NAME_BYTES && (contains(&name) || name.contains(&lower)) {
        Err(Weakness::Name)
    } else if PRODUCT.iter().any(|word| contains(word))
        || public_url.is_some_and(|url| host_names(url).any(|word| contains(&word)))
    {
        Err(Weakness::Product)
    } else if is_pattern(&lower) {
        Err(Weakness::Pattern)
    } else if is_common(&lower) {
        Err(Weakness::Common)
    } else {
        Ok(())
    }
}

/// Returns a text with letters for the digits and signs that people write for them.
fn without_substitutes(text: &str) -> String {
    let letter = |c| match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    text.chars().map(letter).collect()
}

/// Returns the name of the host and its longer labels, without the last one.
fn host_names(url: &str) -> impl Iterator<Item = String> {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default().to_lowercase();
    let parts = host.rsplit_once('.').map_or("", |(parts, _)| parts);
    let labels = parts.split('.').filter(|label| label.len() >= MIN_LABEL_BYTES);
    let labels: Vec<String> = labels.map(str::to_owned).collect();
    std::iter::once(host).filter(|host| host.len() >= MIN_LABEL_BYTES).chain(labels)
}

fn is_pattern(password: &str) -> bool {
    let chars: Vec<char> = password.chars().collect();
    let different: HashSet<&char> = chars.iter().collect();
    let steps = chars.windows(2).filter(|pair| follow(pair[0], pair[1])).count();
    let jumps = chars.len().saturating_sub(1) - steps;
    different.len() < MIN_DIFFERENT || jumps <= chars.len() / 6 || repeated(&chars).is_some()
}

/// Returns whether two characters are the same, or neighbors in the alphabet, among digits or on a
/// keyboard, in any direction.
fn follow(one: char, other: char) -> bool {
    let (a, b) = (u32::from(one), u32::from(other));
    let in_row = |row: &str| {
        let at = |c: char| row.find(c);
        at(one).zip(at(other)).is_some_and(|(a, b)| a.abs_diff(b) == 1)
    };
    a.abs_diff(b) <= 1
        || matches!((one, other), ('9', '0') | ('0', '9'))
        || ROWS.into_iter().any(in_row)
}

/// Returns the part that a text repeats, if it would be too short as a password.
fn repeated(chars: &[char]) -> Option<&[char]> {
    let longest = (chars.len() / 2).min(*LENGTH.start() - 1);
    (1..=longest)
        .map(|length| &chars[..length])
        .find(|part| chars.chunks(part.len()).all(|chunk| part.starts_with(chunk)))
}

fn is_common(password: &str) -> bool {
    let is_listed =
        |text: &str| COMMON.contains(text) || COMMON.contains(&*without_substitutes(text));
    let core = password.trim_matches(|c: char| !c.is_alphabetic());
    is_listed(password) || is_listed(core)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: Option<&str> = Some("https://sms.yunfan-books.example.com:8443");

    fn refused(password: &str) -> Option<Weakness> {
        check(password, "mei.lin", URL).err()
    }

    #[test]
    fn common_passwords_are_refused_however_they_are_dressed_up() {
        for password in [
            "password1234",
            "P@ssw0rd1234",
            "!!iloveyou!!2026",
            "Administrator",
            "1q2w3e4r5t6y",
            "correcthorsebatterystaple",
            "woaini520520",
            "qwerty!@#$%^",
        ] {
            assert_eq!(refused(password), Some(Weakness::Common), "{password}");
        }
    }

    #[test]
    fn repetitions_and_sequences_are_refused() {
        for password in [
            "            ",
            "aaaaaaaaaaab",
            "123456789012",
            "987654321098",
            "abcdefghijkl",
            "qwertyuiopas",
            "qwerasdfzxcv",
            "abcabcabcabc",
            "dragondragon",
            "k9#xk9#xk9#xk9",
        ] {
            assert_eq!(refused(password), Some(Weakness::Pattern), "{password}");
        }
    }

    #[test]
    fn names_that_everybody_can_see_are_refused() {
        assert_eq!(refused("ask Mei.Lin for it"), Some(Weakness::Name));
        assert_eq!(refused("my-usms-password"), Some(Weakness::Product));
        assert_eq!(refused("UCL0UD is my cloud"), Some(Weakness::Product));
        assert_eq!(refused("c0ns0le of ours"), Some(Weakness::Product));
        assert_eq!(refused("we are yunfan-books"), Some(Weakness::Product));
        assert_eq!(refused("this is an example"), Some(Weakness::Product));
        assert_eq!(check("administration", "administration 7", None), Err(Weakness::Name));
    }

    #[test]
    fn what_a_person_thinks_of_otherwise_is_accepted() {
        for password in [
            "a password of tests",
            "a longer password",
            "long enough password",
            "correct pony battery paperclip",
            "云帆书店的短信密码又长又难猜",
            "kR7#vb2!qZpt",
            "it is commonplace",
        ] {
            assert_eq!(refused(password), None, "{password}");
            assert_eq!(check(password, "a", Some("http://127.0.0.1:8080")), Ok(()), "{password}");
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(refused("eleven char"), Some(Weakness::TooShort));
        assert_eq!(refused("云帆书店的密码又长又难"), Some(Weakness::TooShort));
        assert_eq!(refused(&"long enough ".repeat(22)), Some(Weakness::TooLong));
    }
}
