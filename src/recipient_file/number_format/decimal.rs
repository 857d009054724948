//! Numbers in decimal digits, rounded as spreadsheets round them: from the 15 digits that they
//! show, halves away from zero.

use super::pattern::{Part, Section};

/// The significant digits of a number that spreadsheets show.
const PRECISION: usize = 15;

/// A number without its sign: `0.digits` times ten to the power of `point`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    /// The digits, without trailing zeros.
    digits: Vec<u8>,
    /// How many digits stand before the decimal point; negative if zeros follow it first.
    point: i32,
}

impl Decimal {
    pub(super) fn of(value: f64) -> Self {
        let text = format!("{:.*e}", PRECISION - 1, value.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = mantissa.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect();
        Self { digits, point: exponent.parse::<i32>().unwrap_or(0) + 1 }.trimmed()
    }

    fn trimmed(mut self) -> Self {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            self.point = 0;
        }
        self
    }

    /// Returns the number of digits before the decimal point.
    pub(super) fn whole_digits(&self) -> usize {
        usize::try_from(self.point).unwrap_or(0)
    }

    fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Rounds to this many decimals.
    pub(super) fn rounded(&self, decimals: usize) -> Self {
        let kept = self.point + i32::try_from(decimals).unwrap_or(i32::MAX / 2);
        let Ok(kept) = usize::try_from(kept) else {
            return Self { digits: Vec::new(), point: 0 };
        };
        if kept >= self.digits.len() {
            return self.clone();
        }
        let up = self.digits[kept] >= 5;
        let mut digits = self.digits[..kept].to_vec();
        let mut point = self.point;
        if up && !increment(&mut digits) {
            digits.insert(0, 1);
            point += 1;
        }
        Self { digits, point }.trimmed()
    }

    /// Returns the digit at a place: 0 is the last before the decimal point, -1 the first after it.
    fn digit(&self, place: i32) -> u8 {
        let index = usize::try_from(self.point - 1 - place).ok();
        index.and_then(|index| self.digits.get(index)).copied().unwrap_or(0)
    }

    /// Returns the number as text with at most this many decimals.
    pub(super) fn plain(&self, decimals: usize) -> String {
        let mut text: String = match self.point {
            1.. => {
                (0..self.point).rev().map(|place| char::from(b'0' + self.digit(place))).collect()
            }
            _ => "0".to_owned(),
        };
        let decimals = i32::try_from(decimals).unwrap_or(0);
        let fraction: String =
            (1..=decimals).map(|place| char::from(b'0' + self.digit(-place))).collect();
        let fraction = fraction.trim_end_matches('0');
        if !fraction.is_empty() {
            text.push('.');
            text.push_str(fraction);
        }
        text
    }
}

/// Adds one to the last digit. Returns false if it carries out of the first.
fn increment(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit < 9 {
            *digit += 1;
            return true;
        }
        *digit = 0;
    }
    false
}

/// Where the digits of a section are.
struct Layout {
    /// Digits before the decimal point.
    whole: usize,
    /// Digits after it.
    decimals: usize,
    grouped: bool,
    /// By how many powers of ten the number is shown larger: percent signs and commas.
    shift: i32,
    exponent: bool,
}

impl Layout {
    fn of(parts: &[Part]) -> Option<Self> {
        let is_digit = |part: &Part| matches!(part, Part::Zero | Part::Digit | Part::Space);
        let exponent = parts.iter().position(|part| matches!(part, Part::Exponent(_)));
        let mantissa = &parts[..exponent.unwrap_or(parts.len())];
        let point = mantissa.iter().position(|part| *part == Part::Point);
        let (whole_parts, decimal_parts) = mantissa.split_at(point.unwrap_or(mantissa.len()));
        let last_digit = whole_parts.iter().rposition(is_digit);
        let first_digit = whole_parts.iter().position(is_digit);
        let commas = |parts: &[Part]| parts.iter().filter(|part| **part == Part::Comma).count();
        let grouped = match (first_digit, last_digit) {
            (Some(first), Some(last)) => commas(&whole_parts[first..last]) > 0,
            _ => false,
        };
        let last_place = mantissa.iter().rposition(is_digit);
        let dividing = last_digit.map_or(0, |last| commas(&whole_parts[last..]))
            + match (point, last_place) {
                (Some(point), Some(last)) if last > point => commas(&mantissa[last..]),
                _ => 0,
            };
        let percents = parts.iter().filter(|part| **part == Part::Percent).count();
        let shift = 2 * i32::try_from(percents).ok()? - 3 * i32::try_from(dividing).ok()?;
        let count = |parts: &[Part]| parts.iter().filter(|part| is_digit(part)).count();
        Some(Self {
            whole: count(whole_parts),
            decimals: count(decimal_parts),
            grouped,
            shift,
            exponent: exponent.is_some(),
        })
    }
}

/// Shows a number in a section; `None` if that is not certain. `signed` tells that a negative number
/// gets a minus sign.
pub(super) fn show(section: &Section, value: f64, signed: bool) -> Option<String> {
    if section.parts.contains(&Part::General) {
        return with_general(section, value, signed);
    }
    if section.parts.contains(&Part::Text) {
        return None;
    }
    let layout = Layout::of(&section.parts)?;
    let is_fraction = section.parts.iter().any(|part| *part == Part::Literal("/".to_owned()));
    if is_fraction && layout.whole + layout.decimals > 0 {
        return None;
    }
    let mut number = Decimal::of(value);
    let mut exponent = 0;
    if layout.exponent {
        if layout.whole != 1 {
            return None;
        }
        (number, exponent) = scientific(&number, layout.decimals);
    } else if !number.is_zero() {
        number.point += layout.shift;
    }
    let number = number.rounded(layout.decimals);
    // Whether Excel shows a minus sign before what is rounded to zero depends on its version.
    let no_digits = layout.whole + layout.decimals == 0;
    if value < 0.0 && number.is_zero() && signed && !no_digits {
        return None;
    }
    let digits = write_digits(&section.parts, &layout, &number, exponent);
    Some(if value < 0.0 && signed { format!("-{digits}") } else { digits })
}

/// Returns the mantissa with one digit before the decimal point, and the exponent.
fn scientific(number: &Decimal, decimals: usize) -> (Decimal, i32) {
    if number.is_zero() {
        return (number.clone(), 0);
    }
    let mantissa = Decimal { digits: number.digits.clone(), point: 1 }.rounded(decimals);
    let exponent = number.point - 1 + (mantissa.point - 1);
    (Decimal { point: 1, ..mantissa }, exponent)
}

fn with_general(section: &Section, value: f64, signed: bool) -> Option<String> {
    let mut shown = String::new();
    for part in &section.parts {
        match part {
            Part::Literal(literal) => shown.push_str(literal),
            Part::General => shown.push_str(&super::general(value.abs())?),
            _ => return None,
        }
    }
    Some(if value < 0.0 && signed { format!("-{shown}") } else { shown })
}

fn write_digits(parts: &[Part], layout: &Layout, number: &Decimal, exponent: i32) -> String {
    let mut shown = String::new();
    let mut place = i32::try_from(layout.whole).unwrap_or(0);
    let highest = i32::try_from(number.whole_digits()).unwrap_or(0).max(place);
    let lowest = i32::try_from(number.digits.len()).unwrap_or(0) - number.point;
    let (mut in_decimals, mut in_exponent, mut first) = (false, false, true);
    for part in parts {
        match part {
            Part::Literal(literal) => shown.push_str(literal),
            Part::Percent => shown.push('%'),
            Part::Point => {
                if first && layout.whole == 0 {
                    // `.00` shows the digits before the point all the same.
                    write_whole(&mut shown, number, highest, 0, layout.grouped, true);
                }
                (in_decimals, place) = (true, 0);
                shown.push('.');
            }
            Part::Exponent(plus) => {
                in_exponent = true;
                write_exponent(&mut shown, exponent, *plus, parts);
            }
            Part::Zero | Part::Digit | Part::Space if in_exponent => {}
            Part::Zero | Part::Digit | Part::Space if in_decimals => {
                place -= 1;
                match part {
                    Part::Zero => shown.push(char::from(b'0' + number.digit(place))),
                    _ if -place <= lowest => shown.push(char::from(b'0' + number.digit(place))),
                    Part::Space => shown.push(' '),
                    _ => {}
                }
            }
            Part::Zero | Part::Digit | Part::Space => {
                // The first place takes all digits before it as well.
                let from = if first { highest } else { place };
                place -= 1;
                let significant = number.whole_digits() > usize::try_from(place).unwrap_or(0);
                if significant || *part == Part::Zero {
                    write_whole(&mut shown, number, from, place, layout.grouped, false);
                } else if *part == Part::Space {
                    shown.push(' ');
                }
                first = false;
            }
            _ => {}
        }
    }
    shown
}

/// Writes the digits from a place down to another one.
fn write_whole(
    shown: &mut String,
    number: &Decimal,
    from: i32,
    to: i32,
    grouped: bool,
    skip_zero: bool,
) {
    let significant = i32::try_from(number.whole_digits()).unwrap_or(0);
    let from = if from > to + 1 { from.min(significant.max(to + 1)) } else { from };
    for place in (to..from).rev() {
        if skip_zero && significant == 0 {
            return;
        }
        shown.push(char::from(b'0' + number.digit(place)));
        if grouped && place > 0 && place % 3 == 0 {
            shown.push(',');
        }
    }
}

fn write_exponent(shown: &mut String, exponent: i32, plus: bool, parts: &[Part]) {
    let after = parts.iter().skip_while(|part| !matches!(part, Part::Exponent(_)));
    let width = after.filter(|part| matches!(part, Part::Zero)).count();
    shown.push('E');
    if exponent < 0 {
        shown.push('-');
    } else if plus {
        shown.push('+');
    }
    shown.push_str(&format!("{:0width$}", exponent.abs()));
}
