//! The parts of a format code.

/// A section of a format code: for positive numbers, negative ones, zero, or texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Section {
    pub(super) condition: Option<Condition>,
    pub(super) parts: Vec<Part>,
}

/// A part of a section.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// A text that is shown as it is.
    Literal(String),
    /// A digit that is shown even if it is a leading or trailing 0.
    Zero,
    /// A digit that is not shown then.
    Digit,
    /// A digit that is a space then.
    Space,
    /// The decimal point.
    Point,
    /// A comma: it groups digits by thousands or divides by a thousand.
    Comma,
    /// A percent sign, which multiplies by a hundred.
    Percent,
    /// The exponent of scientific notation, with a plus sign if it is true.
    Exponent(bool),
    /// A number in the general format.
    General,
    /// The text of the cell.
    Text,
    /// A part of a date or time: its letter in lower case, and how often it is written. `n` stands
    /// for minutes.
    Date(char, usize),
    /// Hours, minutes or seconds since the beginning, such as `[h]`.
    Elapsed(char, usize),
    /// Fractions of seconds with this many digits.
    Fraction(usize),
    /// Morning or afternoon: `AM`/`PM`, `上午`/`下午`.
    HalfDay(&'static str, &'static str),
    /// The date or time in the form that is set in the system, with its locale code.
    System(&'static str),
    /// Names of months and weekdays are those of another language than English.
    ForeignNames,
    /// Something that cannot be reproduced.
    Unknown,
}

/// The condition of a section, such as `[>=100]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Condition {
    compare: Compare,
    limit: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Compare {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

impl Condition {
    fn parse(text: &str) -> Option<Self> {
        let signs = [
            ("<=", Compare::LessOrEqual),
            (">=", Compare::GreaterOrEqual),
            ("<>", Compare::NotEqual),
            ("<", Compare::Less),
            (">", Compare::Greater),
            ("=", Compare::Equal),
        ];
        let (sign, compare) = signs.into_iter().find(|(sign, _)| text.starts_with(sign))?;
        Some(Self { compare, limit: text[sign.len()..].trim().parse().ok()? })
    }

    pub(super) fn is_met(self, value: f64) -> bool {
        match self.compare {
            Compare::Less => value < self.limit,
            Compare::LessOrEqual => value <= self.limit,
            #[allow(clippy::float_cmp)]
            Compare::Equal => value == self.limit,
            #[allow(clippy::float_cmp)]
            Compare::NotEqual => value != self.limit,
            Compare::GreaterOrEqual => value >= self.limit,
            Compare::Greater => value > self.limit,
        }
    }
}

impl Section {
    pub(super) fn has_text(&self) -> bool {
        self.parts.contains(&Part::Text)
    }

    pub(super) fn is_date(&self) -> bool {
        self.parts.iter().any(|part| {
            matches!(part, Part::Date(..) | Part::Elapsed(..) | Part::HalfDay(..) | Part::System(_))
        })
    }
}

/// Splits a format code into its sections, at most four.
pub(super) fn sections(code: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let mut rest = code;
    while let Some(letter) = rest.chars().next() {
        if letter == ';' {
            sections.push(Section::default());
            rest = &rest[1..];
            continue;
        }
        let index = sections.len() - 1;
        rest = next_part(rest, letter, &mut sections[index]);
    }
    for section in &mut sections {
        find_minutes(&mut section.parts);
        find_fractions(section);
    }
    sections.truncate(4);
    sections
}

/// Reads the part at the beginning of `rest` and returns what follows it.
fn next_part<'a>(rest: &'a str, letter: char, section: &mut Section) -> &'a str {
    let after = &rest[letter.len_utf8()..];
    for (word, part) in WORDS {
        if let Some(head) = rest.get(..word.len())
            && head.eq_ignore_ascii_case(word)
        {
            section.parts.push(part.clone());
            return &rest[word.len()..];
        }
    }
    match letter {
        '"' => {
            let (literal, rest) = after.split_once('"').unwrap_or((after, ""));
            section.parts.push(Part::Literal(literal.to_owned()));
            return rest;
        }
        '\\' | '!' => return escaped(after, |letter| section.parts.push(literal(letter))),
        // A space as wide as the next character, or that character until the column is full.
        '_' | '*' => return escaped(after, |_| {}),
        '[' => {
            let (inside, rest) = after.split_once(']').unwrap_or((after, ""));
            bracketed(inside, section);
            return rest;
        }
        _ => {}
    }
    let lower = letter.to_ascii_lowercase();
    let part = match letter {
        '0' => Part::Zero,
        '#' => Part::Digit,
        '?' => Part::Space,
        '.' => Part::Point,
        ',' => Part::Comma,
        '%' => Part::Percent,
        '@' => Part::Text,
        _ if "ymdhsa".contains(lower) => {
            let count = rest.chars().take_while(|c| c.eq_ignore_ascii_case(&letter)).count();
            section.parts.push(Part::Date(lower, count));
            return &rest[count..];
        }
        // Anything else in Latin letters has a meaning that is not known here.
        _ if letter.is_ascii_alphabetic() => Part::Unknown,
        _ => literal(letter),
    };
    section.parts.push(part);
    after
}

/// Words with a meaning. The longer of two with the same beginning comes first.
const WORDS: [(&str, Part); 7] = [
    ("General", Part::General),
    ("G/通用格式", Part::General),
    ("AM/PM", Part::HalfDay("AM", "PM")),
    ("A/P", Part::HalfDay("A", "P")),
    ("上午/下午", Part::HalfDay("上午", "下午")),
    ("E+", Part::Exponent(true)),
    ("E-", Part::Exponent(false)),
];

fn literal(letter: char) -> Part {
    Part::Literal(letter.to_string())
}

fn escaped(after: &str, mut take: impl FnMut(char)) -> &str {
    match after.chars().next() {
        Some(letter) => {
            take(letter);
            &after[letter.len_utf8()..]
        }
        None => after,
    }
}

/// Colors of numbers, in English and Chinese, of which only the digits say more.
const COLORS: [&str; 16] = [
    "black",
    "blue",
    "cyan",
    "green",
    "magenta",
    "red",
    "white",
    "yellow",
    "黑色",
    "蓝色",
    "蓝绿色",
    "绿色",
    "洋红色",
    "红色",
    "白色",
    "黄色",
];

/// Reads what stands in square brackets: a color, a condition, a currency with its locale, or time
/// since the beginning.
fn bracketed(inside: &str, section: &mut Section) {
    let lower = inside.to_lowercase();
    let numbered = ["color", "颜色"].iter().any(|word| lower.starts_with(word));
    if COLORS.contains(&lower.as_str()) || numbered {
        return;
    }
    let first = lower.chars().next().unwrap_or(' ');
    if matches!(first, 'h' | 'm' | 's') && lower.chars().all(|letter| letter == first) {
        section.parts.push(Part::Elapsed(first, lower.len()));
    } else if let Some(condition) = Condition::parse(inside) {
        section.condition = Some(condition);
    } else if let Some(currency) = inside.strip_prefix('$') {
        let (sign, locale) = currency.split_once('-').unwrap_or((currency, ""));
        if !sign.is_empty() {
            section.parts.push(Part::Literal(sign.to_owned()));
        }
        section.parts.extend(locale_part(&locale.to_ascii_lowercase()));
    } else {
        section.parts.push(Part::Unknown);
    }
}

/// Returns what a locale code changes: nothing, the form of the system, or something unknown, such
/// as another calendar. Names of months and weekdays are those of the locale.
fn locale_part(locale: &str) -> Option<Part> {
    match locale {
        "f800" | "x-sysdate" => Some(Part::System("yyyy年m月d日")),
        "f400" | "x-systime" => Some(Part::System("h:mm:ss")),
        "" | "409" | "809" | "en-us" | "en-gb" => None,
        other if other.len() <= 5 => Some(Part::ForeignNames),
        _ => Some(Part::Unknown),
    }
}

/// Tells minutes from months: they follow hours or precede seconds.
fn find_minutes(parts: &mut [Part]) {
    let dates: Vec<usize> = (0..parts.len())
        .filter(|index| matches!(parts[*index], Part::Date(..) | Part::Elapsed(..)))
        .collect();
    for (position, index) in dates.iter().enumerate() {
        let Part::Date('m', count @ 1..=2) = parts[*index] else { continue };
        let letter_at = |position: usize| match dates.get(position).map(|index| &parts[*index]) {
            Some(Part::Date(letter, _) | Part::Elapsed(letter, _)) => Some(*letter),
            _ => None,
        };
        let before = position.checked_sub(1).and_then(letter_at);
        if before == Some('h') || letter_at(position + 1) == Some('s') {
            parts[*index] = Part::Date('n', count);
        }
    }
}

/// Joins a point and zeros after seconds to fractions of seconds, and takes other points of dates
/// for texts.
fn find_fractions(section: &mut Section) {
    if !section.is_date() {
        return;
    }
    let mut parts: Vec<Part> = Vec::new();
    for part in section.parts.drain(..) {
        match (part, parts.last_mut()) {
            (Part::Point, _) => parts.push(literal('.')),
            (Part::Comma, _) => parts.push(literal(',')),
            (Part::Zero, Some(Part::Fraction(count))) => *count += 1,
            (Part::Zero, Some(last)) if *last == literal('.') => *last = Part::Fraction(1),
            (Part::Zero | Part::Digit | Part::Space | Part::Percent, _) => {
                parts.push(Part::Unknown)
            }
            (other, _) => parts.push(other),
        }
    }
    section.parts = parts;
}
