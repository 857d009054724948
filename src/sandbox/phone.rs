//! Phones in the forms that the vendor takes.

/// The phone in the form that tells it from all others: eleven digits for a domestic one,
/// `(60)1…` for another. `None` when the vendor would not take it.
pub(super) fn parse(phone: &str) -> Option<String> {
    let Some(rest) = phone.strip_prefix('(') else {
        return domestic(phone);
    };
    let (country, number) = rest.split_once(')')?;
    let country = country.strip_prefix("00").unwrap_or(country);
    if country == "86" {
        return domestic(number);
    }
    let good = digits(country)
        && (1..=4).contains(&country.len())
        && !country.starts_with('0')
        && digits(number)
        && (4..=14).contains(&number.len());
    good.then(|| format!("({country}){number}"))
}

fn domestic(number: &str) -> Option<String> {
    let bytes = number.as_bytes();
    let good = bytes.len() == 11
        && digits(number)
        && bytes.first() == Some(&b'1')
        && bytes.get(1).is_some_and(|second| (b'3'..=b'9').contains(second));
    good.then(|| number.to_owned())
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
