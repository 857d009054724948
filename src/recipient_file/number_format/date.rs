//! Dates and times. A date is a number of days; the day before 1900-03-01 is the 29th of February
//! of a year that was none, as in the first spreadsheets.

use time::{Date, Duration, Month, Weekday};

use super::pattern::{self, Part, Section};

const SECONDS_PER_DAY: i64 = 86_400;
/// The day after the last that can be shown, 9999-12-31.
const END_OF_DAYS: f64 = 2_958_466.0;

/// A moment as it is shown.
struct Moment {
    year: i32,
    month: u8,
    day: u8,
    weekday: Option<Weekday>,
    /// Since midnight, in the unit of the section: seconds, or fractions of them.
    units: i64,
    units_per_second: i64,
    /// Since the beginning of the calendar, in the same unit.
    all_units: i64,
}

/// Shows a date or time; `None` if that is not certain.
pub(super) fn show(section: &Section, value: f64, from_1904: bool) -> Option<String> {
    if let Some(form) = system_form(section) {
        let section = pattern::sections(form).into_iter().next()?;
        return show(&section, value, from_1904);
    }
    // A date alone is that of the moment, however near the next day is.
    let has_time = section.parts.iter().any(|part| {
        matches!(part, Part::Date('h' | 'n' | 's', _) | Part::Elapsed(..) | Part::HalfDay(..))
    });
    let value = if has_time { value } else { value.floor() };
    let moment = Moment::of(value, from_1904, fraction_digits(section)?)?;
    let half_days = section.parts.iter().any(|part| matches!(part, Part::HalfDay(..)));
    let foreign_names = section.parts.contains(&Part::ForeignNames);
    let mut shown = String::new();
    for part in &section.parts {
        match part {
            Part::Literal(literal) => shown.push_str(literal),
            Part::HalfDay(morning, afternoon) => {
                shown.push_str(if moment.hour() < 12 { morning } else { afternoon });
            }
            Part::Date('m' | 'd', 3..) if foreign_names => return None,
            Part::ForeignNames => {}
            Part::Date(letter, count) => shown.push_str(&moment.part(*letter, *count, half_days)?),
            Part::Elapsed(letter, count) => {
                let unit = match letter {
                    'h' => 3_600,
                    'm' => 60,
                    _ => 1,
                };
                let elapsed = moment.all_units / moment.units_per_second / unit;
                shown.push_str(&padded(elapsed, *count));
            }
            Part::Fraction(count) => {
                let fraction = moment.units % moment.units_per_second;
                shown.push('.');
                shown.push_str(&padded(fraction, *count));
            }
            _ => return None,
        }
    }
    Some(shown)
}

fn system_form(section: &Section) -> Option<&'static str> {
    section.parts.iter().find_map(|part| match part {
        Part::System(form) => Some(*form),
        _ => None,
    })
}

/// Returns the digits of the fractions of seconds; `None` if there are more than can be shown.
fn fraction_digits(section: &Section) -> Option<u32> {
    let digits = section.parts.iter().find_map(|part| match part {
        Part::Fraction(digits) => Some(*digits),
        _ => None,
    });
    u32::try_from(digits.unwrap_or(0)).ok().filter(|digits| *digits <= 3)
}

fn padded(number: i64, width: usize) -> String {
    format!("{number:0width$}")
}

impl Moment {
    fn of(value: f64, from_1904: bool, fraction_digits: u32) -> Option<Self> {
        if !(0.0..END_OF_DAYS).contains(&value) {
            return None;
        }
        let units_per_second = 10_i64.pow(fraction_digits);
        let units_per_day = SECONDS_PER_DAY * units_per_second;
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        let all_units = (value * units_per_day as f64).round() as i64;
        let days = all_units / units_per_day;
        let (year, month, day, weekday) = calendar_day(days, from_1904)?;
        let units = all_units % units_per_day;
        Some(Self { year, month, day, weekday, units, units_per_second, all_units })
    }

    fn seconds(&self) -> i64 {
        self.units / self.units_per_second
    }

    fn hour(&self) -> i64 {
        self.seconds() / 3_600
    }

    /// Shows the part of a letter that is written `count` times.
    fn part(&self, letter: char, count: usize, half_days: bool) -> Option<String> {
        let month = Month::try_from(self.month).ok()?;
        Some(match (letter, count) {
            ('y', 1 | 2) => padded(i64::from(self.year % 100), 2),
            ('y', _) => padded(i64::from(self.year), 4),
            ('m', 1 | 2) => padded(i64::from(self.month), count),
            ('m', 3) => month.to_string()[..3].to_owned(),
            ('m', 4) => month.to_string(),
            ('d', 1 | 2) => padded(i64::from(self.day), count),
            ('d', 3) => self.weekday?.to_string()[..3].to_owned(),
            ('d', 4) => self.weekday?.to_string(),
            ('a', 3) => chinese(self.weekday?).to_owned(),
            ('a', 4) => format!("星期{}", chinese(self.weekday?)),
            ('h', 1 | 2) if half_days => padded((self.hour() + 11) % 12 + 1, count),
            ('h', 1 | 2) => padded(self.hour(), count),
            ('n', 1 | 2) => padded(self.seconds() / 60 % 60, count),
            ('s', 1 | 2) => padded(self.seconds() % 60, count),
            _ => return None,
        })
    }
}

/// Returns year, month and day of a number of days, and the weekday unless spreadsheets disagree
/// with the calendar about it.
fn calendar_day(days: i64, from_1904: bool) -> Option<(i32, u8, u8, Option<Weekday>)> {
    let beginning = |year, day| Date::from_calendar_date(year, Month::January, day).ok();
    let date = match days {
        _ if from_1904 => beginning(1904, 1)?.checked_add(Duration::days(days))?,
        0 => return Some((1900, 1, 0, None)),
        60 => return Some((1900, 2, 29, None)),
        1..60 => beginning(1900, 1)?.checked_add(Duration::days(days - 1))?,
        _ => beginning(1900, 1)?.checked_add(Duration::days(days - 2))?,
    };
    let weekday = Some(date.weekday()).filter(|_| from_1904 || days > 60);
    Some((date.year(), u8::from(date.month()), date.day(), weekday))
}

fn chinese(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "一",
        Weekday::Tuesday => "二",
        Weekday::Wednesday => "三",
        Weekday::Thursday => "四",
        Weekday::Friday => "五",
        Weekday::Saturday => "六",
        Weekday::Sunday => "日",
    }
}
