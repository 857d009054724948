//! Texts: their variables, rendering and billed parts.

/// A literal or a variable of a text.
enum Segment<'a> {
    Literal(&'a str),
    Variable(usize),
}

/// Splits a text at its variables; `None` if a brace is not part of a variable.
fn segments(text: &str) -> Option<Vec<Segment<'_>>> {
    let mut segments = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (literal, from_brace) = rest.split_at(start);
        let (number, after) = from_brace.get(1..)?.split_once('}')?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        segments.push(Segment::Literal(literal));
        segments.push(Segment::Variable(number.parse().ok()?));
        rest = after;
    }
    segments.push(Segment::Literal(rest));
    Some(segments)
}

/// Returns the number of variables in a text, or why they are not valid.
pub(super) fn count_variables(text: &str) -> Result<usize, &'static str> {
    let segments = segments(text).ok_or("variables must be written {1}, {2}, …")?;
    let mut numbers: Vec<usize> = segments
        .iter()
        .filter_map(|segment| match segment {
            Segment::Variable(number) => Some(*number),
            Segment::Literal(_) => None,
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.iter().copied().ne(1..=numbers.len()) {
        return Err("variables must be numbered from 1 without gaps");
    }
    Ok(numbers.len())
}

/// Returns whether a text has nothing but variables.
pub(super) fn variables_only(text: &str) -> bool {
    segments(text).is_some_and(|segments| {
        segments.iter().all(|segment| match segment {
            Segment::Literal(literal) => literal.trim().is_empty(),
            Segment::Variable(_) => true,
        })
    })
}

/// Returns the text with its variables replaced; a variable without a value is removed.
fn render<S: AsRef<str>>(text: &str, values: &[S]) -> String {
    let Some(segments) = segments(text) else { return text.to_owned() };
    let mut rendered = String::with_capacity(text.len() * 2);
    for segment in segments {
        match segment {
            Segment::Literal(literal) => rendered.push_str(literal),
            Segment::Variable(number) => {
                let value = number.checked_sub(1).and_then(|index| values.get(index));
                rendered.push_str(value.map(AsRef::as_ref).unwrap_or_default());
            }
        }
    }
    rendered
}

/// Returns the text after the signature: with its variables replaced, and followed by `ending` unless it
/// says how to opt out, be it in a value.
pub(super) fn body<S: AsRef<str>>(text: &str, values: &[S], ending: &str) -> String {
    let mut body = render(text, values);
    if !ending.is_empty() && !says_how_to_opt_out(&body, ending) {
        body.push_str(ending);
    }
    body
}

/// Returns whether a text ends with `ending` or another opt-out instruction: its last clause has a word
/// such as 退订 or 拒收 beside letters to reply with, or beside digits and a verb, and hardly anything
/// else.
fn says_how_to_opt_out(text: &str, ending: &str) -> bool {
    let mark = |c: char| !c.is_alphanumeric() && c != '}';
    let (text, ending) = (text.trim_end_matches(mark), ending.trim_end_matches(mark));
    if !ending.is_empty() && text.ends_with(ending) {
        return true;
    }
    ["退订", "拒收", "取消订阅", "拒绝接收"].into_iter().any(|word| match text.rsplit_once(word) {
        None => false,
        Some((before, after)) => {
            let near = before.chars().rev().take_while(|c| is_filler(*c)).take(24);
            let clause: String = near.chain(after.chars()).map(narrow).collect();
            after.chars().all(is_filler)
                && after.chars().count() <= 24
                && (clause.contains(|c: char| c.is_ascii_alphabetic())
                    || clause.contains(|c: char| c.is_ascii_digit())
                        && clause.contains(['回', '复', '发']))
        }
    })
}

fn is_filler(c: char) -> bool {
    narrow(c).is_ascii_alphanumeric()
        || " 请可直接回复发送编辑至到短信输入字母数字按键或和、即:：，,/“”\"‘’'（）()".contains(c)
}

/// Returns the ASCII character of a full-width one; others as they are.
fn narrow(c: char) -> char {
    let code = u32::from(c);
    if (0xFF01..=0xFF5E).contains(&code) { char::from_u32(code - 0xFEE0).unwrap_or(c) } else { c }
}

/// Returns the text of a message: the signature in its brackets, then the body.
pub(super) fn full_text(signature: &str, international: bool, body: &str) -> String {
    match (signature, international) {
        ("", _) => body.to_owned(),
        (signature, true) => format!("[{signature}]{body}"),
        (signature, false) => format!("【{signature}】{body}"),
    }
}

/// Returns the number of billed parts of a message, signature included. The manual grants 160 and
/// 153 characters to international messages of plain English (纯英文, guide/5005/507), and leaves
/// open what that is: here it is printable ASCII, brackets included.
pub(super) fn parts(message: &str, international: bool) -> u16 {
    let english = message.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    let length = message.chars().count();
    let (single, each) = if international && english { (160, 153) } else { (70, 67) };
    if length <= single { 1 } else { u16::try_from(length.div_ceil(each)).unwrap_or(u16::MAX) }
}
