use super::*;
use proptest::prelude::*;

#[test]
fn every_spelling_of_a_phone_is_the_same_phone() {
    for typed in [
        "18500001234",
        " 185 0000 1234 ",
        "185-0000-1234",
        "+86 18500001234",
        "+86-185-0000-1234",
        "0086 18500001234",
        "8618500001234",
        "(86)18500001234",
        "(0086)18500001234",
        "（86）１８５００００１２３４",
        "\u{feff}185\u{200b}00001234",
        "'18500001234",
        "018500001234",
        "0 185 0000 1234",
        "+86 (0)185 0000 1234",
        "185.0000.1234",
        "185/0000/1234",
        "18500001234.0",
        "18500001234.00",
        "+8618500001234.0",
        "18500001234.",
        "185 00 00 12 34",
        "(185)00001234",
        "+(86)18500001234",
        "00(86)18500001234",
        "18500001234.000",
        "18500001234,",
    ] {
        assert_eq!(Phone::parse(typed).map(|p| p.0), Ok("18500001234".into()), "{typed}");
    }
}

#[test]
fn international_phones_get_the_vendors_spelling() {
    assert_eq!(Phone::parse("+60 12-345 6789").map(|p| p.0), Ok("(60)123456789".into()));
    assert_eq!(Phone::parse("(60)123456789").map(|p| p.0), Ok("(60)123456789".into()));
    for typed in ["+1 (202) 555-0123", "+1.202.555.0123", "+1-202-555-0123", "+12025550123.0"] {
        assert_eq!(Phone::parse(typed).map(|p| p.0), Ok("(1)2025550123".into()), "{typed}");
    }
    for twice in ["+(0)490510000", "+44 (0)0 7911 123456", "+86 (0)018500001234", "+783810000000"] {
        assert!(Phone::parse(twice).is_err(), "{twice}");
    }
    for typed in ["+44 (0)7911 123456", "+44 7911 123456", "0044 7911-123456"] {
        assert_eq!(Phone::parse(typed).map(|p| p.0), Ok("(44)7911123456".into()), "{typed}");
    }
    assert_eq!(Phone::parse("+33 6 12 34 56 78").map(|p| p.0), Ok("(33)612345678".into()));
    assert_eq!(Phone::parse("+1 212"), Err(PhoneProblem::TooShort));
    assert_eq!(Phone::parse("+60 999 999 999 999"), Err(PhoneProblem::Abroad));
}

#[test]
fn each_invalid_phone_has_its_problem() {
    let invalid = [
        ("1850000123", PhoneProblem::TooShort),
        ("185000012345", PhoneProblem::TooLong),
        ("010-12345678", PhoneProblem::Landline),
        ("12345678901", PhoneProblem::NotMobile),
        ("1.85E+10", PhoneProblem::Spreadsheet),
        ("李四", PhoneProblem::NotDigits),
        ("185😀00001234", PhoneProblem::NotDigits),
        ("+", PhoneProblem::TooShort),
        ("1850000712.0", PhoneProblem::TooShort),
        ("1850000712.00", PhoneProblem::TooShort),
        ("1850000712.5", PhoneProblem::NotDigits),
        ("1850000714/0", PhoneProblem::NotDigits),
        ("1850000714-0", PhoneProblem::NotDigits),
        ("1850000714 0", PhoneProblem::NotDigits),
        ("1850000.7140", PhoneProblem::NotDigits),
        ("1,850,000,714.0", PhoneProblem::NotDigits),
        ("18500001234/18500001235", PhoneProblem::TooLong),
        ("18500001234-8001", PhoneProblem::TooLong),
        ("(202) 555-0123", PhoneProblem::Abroad),
        ("-18500001234", PhoneProblem::NotDigits),
        ("+12025550123.5", PhoneProblem::NotDigits),
        ("1.8500001234E10", PhoneProblem::Spreadsheet),
    ];
    for (typed, problem) in invalid {
        assert_eq!(Phone::parse(typed), Err(problem), "{typed}");
    }
}

#[test]
fn a_stored_phone_is_whole_only_in_the_vendors_spelling() {
    assert!(Phone::is_whole("18500001234") && Phone::is_whole("(60)123456789"));
    let cut = Phone::from_vendor(&format!("18500001234{}x", " ".repeat(30)));
    let VendorPhone::Other(cut) = cut else { panic!("{cut:?}") };
    assert!(Phone::parse(&cut).is_ok(), "it has lost what makes it none");
    for other in [cut.as_str(), "185****1234", "+8618500001234", "185 0000 1234", ""] {
        assert!(!Phone::is_whole(other), "{other}");
    }
}

#[test]
fn masking_hides_four_digits_at_least() {
    assert_eq!(masked("18500009057"), "185****9057");
    assert_eq!(masked("(60)123456789"), "(60)1****6789");
    assert_eq!(masked("(354)6112345"), "(354)****345");
    assert_eq!(masked("1234"), "****");
    for length in 5..=15 {
        let phone = "123456789012345"[..length].to_owned();
        let mask = masked(&phone);
        let shown = mask.bytes().filter(u8::is_ascii_digit).count();
        assert!(shown <= length - 4 && shown <= 7, "{mask}");
        assert_eq!(masked(&mask), mask);
    }
}

proptest! {
    #[test]
    fn a_phone_has_the_digits_that_were_typed(typed in "[+(]{0,2}[0-9]{1,5}[-.)/ ]{0,2}[0-9]{2,8}[-./ ]?[0-9]{0,5}(\\.0)?") {
        if let Ok(phone) = Phone::parse(&typed) {
            let typed_digits = digits_of(&typed);
            let digits = digits_of(phone.as_str());
            let without_decimals = typed_digits.strip_suffix('0').filter(|_| typed.ends_with(".0"));
            let possible = |whole: &str| whole.ends_with(&digits) && {
                let before = whole[..whole.len() - digits.len()].trim_start_matches("00");
                matches!(before, "" | "0" | "86" | "860")
            } || !phone.is_domestic() && whole.replacen('0', "", 1).ends_with(&digits);
            prop_assert!(
                possible(&typed_digits) || without_decimals.is_some_and(possible),
                "{} became {}", typed, phone,
            );
        }
    }

    #[test]
    fn a_phone_of_china_is_understood_in_groups_and_with_its_prefix(
        number in "1[3-9][0-9]{9}",
        prefix in "|\\+86|0086 ?|\\(86\\)|86|0|\\+86-|'| |\u{feff}",
        separator in "[ -]?",
        suffix in "|,| |。",
        full_width in any::<bool>(),
    ) {
        let groups = [&number[..3], &number[3..7], &number[7..]].join(&separator);
        let typed = format!("{prefix}{groups}{suffix}");
        let wide = |letter: char| match letter {
            '0'..='9' => char::from_u32(u32::from(letter) + 0xFEE0).unwrap(),
            other => other,
        };
        let typed: String = if full_width { typed.chars().map(wide).collect() } else { typed };
        prop_assert_eq!(Phone::parse(&typed).map(|phone| phone.0), Ok(number), "{}", typed);
    }

    #[test]
    fn eleven_digits_are_judged_alike_whether_or_not_something_is_around_them(
        digits in "1[0-9]{10}|[0-9]{11}",
    ) {
        prop_assert_eq!(Phone::parse(&digits), Phone::parse(&format!(" {digits}")));
    }

    #[test]
    fn a_parsed_phone_parses_to_itself(
        typed in "\\PC{0,40}|[+(]?(86|60|1|44|852|33)\\)?[ -]?[1-9][0-9]{6,10}|[0-9]{11}",
    ) {
        if let Ok(phone) = Phone::parse(&typed) {
            prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone));
        }
    }
}
