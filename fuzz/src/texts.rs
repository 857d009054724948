//! Texts that people type: phones, replies, templates, prices, and other fields.

use std::collections::HashSet;

use time::macros::datetime;
use usms_console::domain::ids::{BatchId, Id, MessageId};
use usms_console::domain::period::Period;
use usms_console::domain::phone::{Phone, PhoneList, PhoneMask, masked, masked_in};
use usms_console::domain::replies::opt_out::{self, UNSUBSCRIBE};
use usms_console::domain::replies::reply::{self as replies, OptOutKeywords};
use usms_console::domain::review::Purpose;
use usms_console::domain::review::file::FileKind;
use usms_console::domain::review::sms_template::{
    Lengths, TemplateApplication, read_instruction, write_instruction,
};
use usms_console::domain::sending::cell;
use usms_console::domain::sending::contact;
use usms_console::domain::sending::price::parse_yuan;
use usms_console::domain::text::{self, Kind, Segment, TemplateText};
use usms_console::domain::time as times;
use usms_console::web::pages::settings::prices::price_file;

/// A phone, and a field of many.
pub fn phones(data: &[u8]) {
    let typed = String::from_utf8_lossy(data);
    if let Ok(phone) = Phone::parse(&typed) {
        assert_eq!(Phone::parse(phone.as_str()), Ok(phone.clone()), "of {typed:?}");
        assert!(Phone::is_whole(phone.as_str()));
        let digits = phone.as_str().bytes().filter(u8::is_ascii_digit).count();
        assert!((6..=15).contains(&digits), "{phone}");
        // Of a short one, a mask shows nothing.
        if let Some(mask) = PhoneMask::parse(phone.as_str()) {
            assert_eq!(PhoneMask::parse(&mask.shown()), Some(mask));
        }
        assert!(masked(phone.as_str()).contains('*'));
    }
    let list = PhoneList::read(&typed);
    let counted = list.phones.len() + list.wrong.len() + list.duplicates.len();
    assert_eq!(counted, list.entries);
    let different: HashSet<&Phone> = list.phones.iter().collect();
    assert_eq!(different.len(), list.phones.len());
    assert!(list.duplicates.iter().all(|phone| different.contains(phone)));
    assert!(list.wrong.iter().all(|wrong| wrong.text.chars().count() <= 40));
    let shown = masked_in(&typed);
    assert_eq!(masked_in(&shown), shown);
}

/// The text of a reply.
pub fn reply(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let typed = ["T", "退订", "no more"].map(str::to_owned);
    let keywords = OptOutKeywords::new(&typed);
    let clean = replies::clean(&text);
    assert!(clean.chars().count() <= replies::MAX_LENGTH);
    assert!(!clean.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\t')));
    assert_eq!(replies::clean(&clean), clean);
    let verdict = keywords.judge(&clean);
    assert_eq!(keywords.judge(&format!(" {clean}\n")), verdict, "spaces do not matter");
    let _ = replies::is_bare_no(&clean);
    let _ = OptOutKeywords::new(std::slice::from_ref(&clean)).judge(&clean);
}

/// The text of a template, behind the number of values that are filled in.
pub fn template(data: &[u8]) {
    let Some((values, text)) = data.split_first() else { return };
    let body = String::from_utf8_lossy(text);
    let parsed = TemplateText::parse(&body);
    assert!(parsed.variables() <= 999);
    let literals: usize = parsed
        .segments(&[])
        .map(|segment| match segment {
            Segment::Literal(literal) => literal.len(),
            Segment::Variable { n, .. } => {
                assert!(n > 0);
                0
            }
        })
        .sum();
    let values: Vec<String> = (0..*values).map(|n| n.to_string()).collect();
    let full = parsed.full_text(&values, "云帆科技", false);
    assert!(full.len() >= literals);
    for kind in [Kind::Domestic, Kind::International] {
        let (length, parts) = text::measure(&full, kind);
        let (single, each) = text::limits(&full, kind);
        assert_eq!(length, full.encode_utf16().count());
        assert!(parts * single >= length && (parts - 1) * each < length.max(1));
    }
    let lengths = Lengths::of(&body, "云帆科技", false);
    assert!(lengths.shortest <= lengths.longest && lengths.shortest_parts <= lengths.longest_parts);
    let meanings = read_instruction(&body, parsed.variables());
    let written = write_instruction(&meanings);
    let _ = read_instruction(&written, meanings.len());
    for purpose in Purpose::ALL {
        let unsubscribe = values.first().cloned().unwrap_or_default();
        let added = opt_out::added_to(&body, &unsubscribe, purpose, false);
        assert!(["", UNSUBSCRIBE, unsubscribe.trim()].contains(&added));
        assert_eq!(
            text::param_problem(&body, purpose),
            text::param_problems(&body, purpose).next()
        );
        let application = TemplateApplication {
            name: body.chars().take(40).collect(),
            purpose,
            text: body.to_string(),
            international: values.len() % 2 == 1,
            remark: String::new(),
            unsubscribe,
            instruction: written.clone(),
        };
        let _ = application.check(false, &["赌博".to_owned()]);
    }
}

/// A file of prices.
pub fn prices(data: &[u8]) {
    match price_file::read(data) {
        Ok(prices) => {
            assert!((1..=5_000).contains(&prices.len()));
            assert!(prices.iter().all(|one| one.price.is_some_and(|price| price >= 0)));
            let keys: HashSet<_> =
                prices.iter().map(|one| (one.kind.key(), &one.country, one.valid_from)).collect();
            assert_eq!(keys.len(), prices.len());
        }
        Err(wrong) => assert!(!wrong.is_empty()),
    }
    let typed = String::from_utf8_lossy(data);
    let _ = parse_yuan(&typed);
}

/// Other fields: cells, times, days, ids, names of files, links.
pub fn fields(data: &[u8]) {
    let typed = String::from_utf8_lossy(data);
    assert_eq!(cell::read(&cell::in_csv(&typed)), typed);
    assert_eq!(cell::read(&cell::in_spreadsheet(&typed)), typed);
    // Who reads a time refuses those that cannot be computed with.
    if let Some(at) = times::read(&typed).filter(|at| (1970..9000).contains(&at.year())) {
        assert_eq!(times::read(&times::rfc3339(at)), Some(at), "{typed:?}");
    }
    let now = datetime!(2026-11-30 10:00 UTC);
    let (from, to) = typed.split_once('\n').unwrap_or((&typed, ""));
    if let Ok(period) = Period::typed(from, to, now) {
        assert!(period.since() < period.until() && period.days() > 0);
        let _ = (period.before(), period.before_until(now));
    }
    if let Ok(id) = typed.parse::<MessageId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
        let _ = id.made_at();
    }
    if let Some(id) = MessageId::from_vendor_user_id(&typed) {
        assert_eq!(MessageId::from_vendor_user_id(&id.vendor_user_id()), Some(id));
    }
    let _ = typed.parse::<BatchId>();
    let name = FileKind::Png.name_of(&typed);
    assert!(name.to_ascii_lowercase().ends_with(".png"), "{name:?}");
    assert!(!name.contains(['/', '\\', '\0', '\u{202e}']) && name.chars().count() <= 130);
    assert_eq!(contact::find_link(&typed).is_some(), contact::count_links(&typed) > 0);
    let number = contact::find_phone_number(&typed).is_some();
    assert_eq!(number, contact::count_phone_numbers(&typed) > 0);
}
