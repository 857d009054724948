//! Phones in the spellings that the vendor accepts.

/// Returns the canonical spelling of a phone: eleven digits for a domestic one, `(60)1…` for an
/// international one. `None` if the vendor would not accept it.
pub(super) fn parse(phone: &str) -> Option<String> {
    let Some(rest) = phone.strip_prefix('(') else {
        return domestic(phone);
    };
    let (country, number) = rest.split_once(')')?;
    let country = country.strip_prefix("00").unwrap_or(country);
    if country == "86" {
        return domestic(number);
    }
    let valid = is_digits(country)
        && (1..=4).contains(&country.len())
        && !country.starts_with('0')
        && is_digits(number)
        && (4..=14).contains(&number.len());
    valid.then(|| format!("({country}){number}"))
}

fn domestic(number: &str) -> Option<String> {
    let bytes = number.as_bytes();
    let valid = bytes.len() == 11
        && is_digits(number)
        && bytes.first() == Some(&b'1')
        && bytes.get(1).is_some_and(|second| (b'3'..=b'9').contains(second));
    valid.then(|| number.to_owned())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
