//! Number formats of spreadsheets (ECMA-376 part 1, 18.8.30 and 18.8.31), as Excel in China shows
//! them. What cannot be reproduced for certain, such as fractions and Chinese numerals, is not shown
//! at all: a person is asked about it instead.

mod date;
mod decimal;
mod pattern;

use pattern::{Condition, Part, Section};

/// A number format.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberFormat {
    sections: Vec<Section>,
    text: Option<Section>,
}

/// The most digits of a whole number that the general format shows.
const GENERAL_DIGITS: usize = 11;
/// The most decimals that it shows: those of `0.123456789`.
const GENERAL_DECIMALS: usize = 9;

/// The most characters of a format code (Excel's specifications and limits). No code is parsed that
/// is longer, since it is held in memory as parts.
const MAX_CODE_LENGTH: usize = 255;

impl NumberFormat {
    /// Parses a format code, such as `#,##0.00;[Red]-#,##0.00`.
    pub fn parse(code: &str) -> Self {
        if code.chars().nth(MAX_CODE_LENGTH).is_some() {
            return Self::unknown();
        }
        let mut sections: Vec<Section> = pattern::sections(code);
        let is_text = sections.len() == 4 || sections.last().is_some_and(Section::has_text);
        let text = if is_text { sections.pop() } else { None };
        Self { sections, text }
    }

    /// Returns a format of which it is not certain how it shows anything.
    pub fn unknown() -> Self {
        let unknown = || Section { parts: vec![Part::Unknown], ..Section::default() };
        Self { sections: vec![unknown()], text: Some(unknown()) }
    }

    /// Returns the format of a number that Excel does not write into files, in its Chinese form
    /// (ECMA-376 part 1, 18.8.30, zh-cn).
    pub fn built_in(id: u32) -> Self {
        Self::parse(match id {
            0 => "General",
            1 => "0",
            2 => "0.00",
            3 => "#,##0",
            4 => "#,##0.00",
            5 | 6 => "¥#,##0;¥-#,##0",
            7 | 8 => "¥#,##0.00;¥-#,##0.00",
            9 => "0%",
            10 => "0.00%",
            11 => "0.00E+00",
            14 => "yyyy/m/d",
            15 => "d-mmm-yy",
            16 => "d-mmm",
            17 => "mmm-yy",
            18 => "h:mm AM/PM",
            19 => "h:mm:ss AM/PM",
            20 => "h:mm",
            21 => "h:mm:ss",
            22 => "yyyy/m/d h:mm",
            27 | 36 | 50 | 52 | 57 => "yyyy年m月",
            28 | 29 | 51 | 53 | 54 | 58 => "m月d日",
            30 => "m-d-yy",
            31 => "yyyy年m月d日",
            32 => "h时mm分",
            33 => "h时mm分ss秒",
            34 | 55 => "上午/下午h时mm分",
            35 | 56 => "上午/下午h时mm分ss秒",
            37 | 38 => "#,##0;-#,##0",
            39 | 40 => "#,##0.00;-#,##0.00",
            41 => "#,##0;-#,##0;-;@",
            42 => "¥#,##0;¥-#,##0;¥-;@",
            43 => "#,##0.00;-#,##0.00;-;@",
            44 => "¥#,##0.00;¥-#,##0.00;¥-;@",
            45 => "mm:ss",
            46 => "[h]:mm:ss",
            47 => "mm:ss.0",
            49 => "@",
            _ => "?/?",
        })
    }

    /// Returns the text that a number is shown as, without spaces around it; `None` if that is not
    /// certain. `from_1904` tells that dates are counted from 1904.
    pub fn show(&self, value: f64, from_1904: bool) -> Option<String> {
        if !value.is_finite() {
            return None;
        }
        let Some((section, signed)) = self.section_of(value)? else {
            // A format of a text only, `@`: numbers are shown as in the general format.
            return general(value);
        };
        let shown = if section.is_date() {
            date::show(section, value, from_1904)?
        } else if section.parts.contains(&Part::Unknown) {
            return None;
        } else {
            decimal::show(section, value, signed)?
        };
        Some(shown.trim().to_owned())
    }

    /// Returns the text that a text is shown as.
    pub fn show_text(&self, text: &str) -> Option<String> {
        let Some(section) = &self.text else { return Some(text.to_owned()) };
        let mut shown = String::new();
        for part in &section.parts {
            match part {
                Part::Literal(literal) => shown.push_str(literal),
                Part::Text | Part::General => shown.push_str(text),
                _ => return None,
            }
        }
        Some(shown)
    }

    /// Returns the section for a number, and whether a minus sign is put before a negative one.
    fn section_of(&self, value: f64) -> Option<Option<(&Section, bool)>> {
        if self.sections.iter().any(|section| section.condition.is_some()) {
            return self.section_by_condition(value).map(Some);
        }
        Some(match self.sections.as_slice() {
            [] => None,
            [only] => Some((only, true)),
            [_, negative, ..] if value < 0.0 => Some((negative, false)),
            [_, _, zero] if value == 0.0 => Some((zero, false)),
            [positive, ..] => Some((positive, true)),
        })
    }

    fn section_by_condition(&self, value: f64) -> Option<(&Section, bool)> {
        let fits = |section: &&Section| {
            section.condition.is_none_or(|condition: Condition| condition.is_met(value))
        };
        // How signs are shown then depends on the conditions.
        let section = self.sections.iter().find(fits).filter(|_| value >= 0.0)?;
        Some((section, true))
    }
}

/// Shows a number in the general format; `None` if Excel shows it in scientific notation.
fn general(value: f64) -> Option<String> {
    let number = decimal::Decimal::of(value);
    let whole = number.whole_digits();
    if whole > GENERAL_DIGITS || value != 0.0 && value.abs() < 1e-4 {
        return None;
    }
    let decimals = (GENERAL_DIGITS - 1).saturating_sub(whole.max(1)).min(GENERAL_DECIMALS);
    let rounded = number.rounded(decimals);
    // Rounding can carry into one more digit.
    let shown = rounded.plain(decimals);
    Some(if value < 0.0 && shown != "0" { format!("-{shown}") } else { shown })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn show(value: f64, code: &str) -> String {
        NumberFormat::parse(code).show(value, false).unwrap_or_else(|| "?".to_owned())
    }

    #[test]
    fn numbers_are_shown_as_excel_shows_them() {
        for (value, code, shown) in [
            (0.1 + 0.2, "General", "0.3"),
            (1_234_567.891_234, "General", "1234567.891"),
            (-3.0, "General", "-3"),
            (18_500_001_234.0, "General", "18500001234"),
            (0.123_456_789_012, "General", "0.123456789"),
            (3.5, "0", "4"),
            (2.5, "0", "3"),
            (1.005, "0.00", "1.01"),
            (3412.0, "000000", "003412"),
            (12.0, "0.##", "12."),
            (12.5, "0.0#", "12.5"),
            (1_234_567.0, "#,##0", "1,234,567"),
            (0.85, "0%", "85%"),
            (0.1234, "0.00%", "12.34%"),
            (1200.0, "\"¥\"#,##0.00", "¥1,200.00"),
            (1200.0, "[$¥-804]#,##0.00", "¥1,200.00"),
            (1200.0, "￥#,##0.00", "￥1,200.00"),
            (1200.0, "#,##0.00\"元\"", "1,200.00元"),
            (-5.0, "#,##0.00_);(#,##0.00)", "(5.00)"),
            (-5.0, "0.00;[Red]-0.00", "-5.00"),
            (-5.0, "0.00;[Red]0.00", "5.00"),
            (-5.5, "¥#,##0.00", "-¥5.50"),
            (0.0, "0.00;-0.00;\"-\"", "-"),
            (
                1200.0,
                "_ \"¥\"* #,##0.00_ ;_ \"¥\"* \\-#,##0.00_ ;_ \"¥\"* \"-\"??_ ;_ @_ ",
                "¥1,200.00",
            ),
            (18_500_001_234.0, "000-0000-0000", "185-0000-1234"),
            (123_456.0, "0!.0,\"万\"", "12.3万"),
            (12_345.0, "0.0,\"k\"", "12.3k"),
            (12_000.0, "[>=10000]0.0,\"k\";0", "12.0k"),
            (900.0, "[>=10000]0.0,\"k\";0", "900"),
            (12_345.0, "0.00E+00", "1.23E+04"),
            (7.0, "\"第\"0\"号\"", "第7号"),
            (5.0, ";;;", ""),
            (5.0, "@", "5"),
        ] {
            assert_eq!(show(value, code), shown, "{value} as {code}");
        }
    }

    #[test]
    fn dates_and_times_are_shown_as_excel_shows_them() {
        let afternoon = 45_621.604_166_666_7;
        for (value, code, shown) in [
            (afternoon, "yyyy/m/d", "2024/11/25"),
            (afternoon, "yyyy/m/d;@", "2024/11/25"),
            (afternoon, "yyyy-mm-dd hh:mm", "2024-11-25 14:30"),
            (afternoon, "yyyy\"年\"m\"月\"d\"日\"", "2024年11月25日"),
            (afternoon, "yyyy年m月d日", "2024年11月25日"),
            (afternoon, "yy-m-d", "24-11-25"),
            (afternoon, "h:mm AM/PM", "2:30 PM"),
            (afternoon, "上午/下午h\"时\"mm\"分\"", "下午2时30分"),
            (afternoon, "d-mmm-yy", "25-Nov-24"),
            (afternoon, "[$-804]aaaa", "星期一"),
            (afternoon, "aaa", "一"),
            (afternoon, "dddd", "Monday"),
            (afternoon, "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "2024年11月25日"),
            (afternoon, "[$-F400]h:mm:ss\\ AM/PM", "14:30:00"),
            (45_621.999_999_9, "yyyy-mm-dd", "2024-11-25"),
            (0.604_166_666_666_7, "h:mm", "14:30"),
            (0.588_321_759_3, "h:mm:ss", "14:07:11"),
            (1.093_75, "[h]:mm", "26:15"),
            (0.052_083_333, "[mm]:ss", "75:00"),
            (0.000_787_037, "mm:ss.0", "01:08.0"),
            (0.999_999_999, "h:mm:ss", "0:00:00"),
            (60.0, "yyyy/m/d", "1900/2/29"),
            (59.0, "yyyy/m/d", "1900/2/28"),
            (61.0, "yyyy/m/d", "1900/3/1"),
            (0.0, "yyyy/m/d", "1900/1/0"),
        ] {
            assert_eq!(show(value, code), shown, "{value} as {code}");
        }
        let from_1904 = NumberFormat::parse("yyyy-mm-dd").show(44_159.0, true);
        assert_eq!(from_1904.as_deref(), Some("2024-11-25"));
    }

    #[test]
    fn formats_that_a_file_only_numbers_are_the_chinese_ones() {
        let shown = |id| NumberFormat::built_in(id).show(45_621.604_166_666_7, false).unwrap();
        assert_eq!(shown(14), "2024/11/25");
        assert_eq!(shown(22), "2024/11/25 14:30");
        assert_eq!(shown(27), "2024年11月");
        assert_eq!(shown(28), "11月25日");
        assert_eq!(shown(31), "2024年11月25日");
        assert_eq!(shown(32), "14时30分");
        assert_eq!(shown(55), "下午2时30分");
        assert_eq!(shown(58), "11月25日");
        assert_eq!(NumberFormat::built_in(44).show(-5.0, false).as_deref(), Some("¥-5.00"));
        assert_eq!(NumberFormat::built_in(12).show(0.5, false), None);
    }

    #[test]
    fn what_is_not_certain_is_not_shown() {
        for (value, code) in [
            (0.5, "# ?/?"),
            (5.0, "[DBNum1]0"),
            (45_621.0, "[$-411]ggge\"年\""),
            (45_621.0, "[$-804]mmmm"),
            (202_411_290_001.0, "General"),
            (6_222_020_200_112_230_000.0, "General"),
            (0.000_01, "General"),
            (-1.0, "yyyy/m/d"),
            (-0.3, "0"),
            (12_345.0, "##0.0E+0"),
            (1.0, "unknown"),
            (f64::NAN, "0"),
        ] {
            assert_eq!(show(value, code), "?", "{value} as {code}");
        }
    }

    #[test]
    fn texts_are_shown_by_the_section_for_texts() {
        assert_eq!(NumberFormat::parse("0;0;0;\"编号\"@").show_text("7").as_deref(), Some("编号7"));
        assert_eq!(NumberFormat::parse("General").show_text("李雷").as_deref(), Some("李雷"));
        assert_eq!(NumberFormat::parse("0.00").show_text("李雷").as_deref(), Some("李雷"));
    }

    proptest! {
        #[test]
        fn any_format_of_any_number_never_panics(code in "[-0#?.,%;@yYmdhsEe/:\\[\\]\"$_*!\\\\ A-Za-z年¥]{0,16}", value in any::<f64>()) {
            let format = NumberFormat::parse(&code);
            let shown = [format.show(value, false), format.show(value % 3e6, true)];
            for shown in shown.into_iter().flatten() {
                prop_assert_eq!(shown.trim(), shown.as_str());
            }
            let _ = format.show_text(&code);
        }

        #[test]
        fn decimals_are_rounded_to_the_nearest(
            number in -1e8_f64..1e8, decimals in 0_usize..6, grouped in any::<bool>(),
        ) {
            let digits = "0".repeat(decimals);
            let point = if decimals > 0 { "." } else { "" };
            let whole = if grouped { "#,##0" } else { "0" };
            let code = format!("{whole}{point}{digits}");
            let shown = show(number, &code).replace(',', "");
            // What is rounded to zero is not certain.
            prop_assume!(shown != "?");
            let half = 0.5 / 10_f64.powi(i32::try_from(decimals).unwrap());
            let off = (shown.parse::<f64>().unwrap() - number).abs();
            prop_assert!(off <= half + 1e-6, "{} as {} is {}", number, code, shown);
            let percent = show(number / 100.0, &format!("{code}%")).replace([',', '%'], "");
            let off = (percent.parse::<f64>().unwrap_or(0.0) - number).abs();
            prop_assert!(off <= half + 1e-6, "{} in percent is {}", number / 100.0, percent);
        }

        #[test]
        fn the_next_day_is_shown_as_the_next_day(day in 61_i32..2_958_465, from_1904 in any::<bool>()) {
            let day = if from_1904 { day - 1_462 } else { day };
            prop_assume!(day >= 0);
            let format = NumberFormat::parse("yyyy-mm-dd");
            let date = |day: i32| {
                let shown = format.show(f64::from(day), from_1904).unwrap();
                time::Date::parse(&shown, &time::format_description::well_known::Iso8601::DATE).unwrap()
            };
            prop_assert_eq!(date(day).next_day(), Some(date(day + 1)));
        }

        #[test]
        fn whole_numbers_keep_their_digits(number in 0_i64..99_999_999_999) {
            #[allow(clippy::cast_precision_loss)]
            let value = number as f64;
            prop_assert_eq!(show(value, "General"), number.to_string());
            prop_assert_eq!(show(value, "0"), number.to_string());
            prop_assert_eq!(show(value, "#,##0").replace(',', ""), number.to_string());
        }
    }
}
