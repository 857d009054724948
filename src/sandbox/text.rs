//! Texts: their variables, what they become, and in how many parts they are billed.

/// Characters of the GSM alphabet besides ASCII letters, digits and blanks.
const GSM: &str = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà^{}\\[~]|€";

/// A text cut at its variables.
enum Piece<'a> {
    Texts(&'a str),
    Variable(usize),
}

/// Cuts the text; `None` when a brace belongs to no variable.
fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (words, from_brace) = rest.split_at(start);
        let (number, after) = from_brace.get(1..)?.split_once('}')?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        found.push(Piece::Texts(words));
        found.push(Piece::Variable(number.parse().ok()?));
        rest = after;
    }
    found.push(Piece::Texts(rest));
    Some(found)
}

/// How many variables a text has, or why they are wrong.
pub(super) fn count_variables(text: &str) -> Result<usize, &'static str> {
    let pieces = pieces(text).ok_or("variables must be written {1}, {2}, …")?;
    let mut numbers: Vec<usize> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Variable(number) => Some(*number),
            Piece::Texts(_) => None,
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.iter().copied().ne(1..=numbers.len()) {
        return Err("variables must be numbered from 1 without gaps");
    }
    Ok(numbers.len())
}

/// Whether a text has nothing but variables.
pub(super) fn variables_only(text: &str) -> bool {
    pieces(text).is_some_and(|pieces| {
        pieces.iter().all(|piece| match piece {
            Piece::Texts(words) => words.trim().is_empty(),
            Piece::Variable(_) => true,
        })
    })
}

/// The text with its variables replaced; a variable without a value becomes nothing.
pub(super) fn render<S: AsRef<str>>(text: &str, values: &[S]) -> String {
    let Some(pieces) = pieces(text) else { return text.to_owned() };
    let mut rendered = String::with_capacity(text.len() * 2);
    for piece in pieces {
        match piece {
            Piece::Texts(words) => rendered.push_str(words),
            Piece::Variable(number) => {
                let value = number.checked_sub(1).and_then(|index| values.get(index));
                rendered.push_str(value.map(AsRef::as_ref).unwrap_or_default());
            }
        }
    }
    rendered
}

/// The whole message: the signature in its brackets before the text.
pub(super) fn whole(signature: &str, international: bool, body: &str) -> String {
    match (signature, international) {
        ("", _) => body.to_owned(),
        (signature, true) => format!("[{signature}]{body}"),
        (signature, false) => format!("【{signature}】{body}"),
    }
}

/// In how many parts a whole message is billed.
pub(super) fn parts(message: &str, international: bool) -> u16 {
    let gsm = |c: char| c == ' ' || c == '\n' || c.is_ascii_alphanumeric() || GSM.contains(c);
    let length = message.chars().count();
    let (single, each) =
        if international && message.chars().all(gsm) { (160, 153) } else { (70, 67) };
    if length <= single { 1 } else { u16::try_from(length.div_ceil(each)).unwrap_or(u16::MAX) }
}
