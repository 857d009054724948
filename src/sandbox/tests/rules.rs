//! Rules that need no socket.

use super::*;

#[test]
fn request_signatures_equal_the_vendors_examples() {
    let sign = |query: &str, key: &str| {
        signing::sign(&Params::read("", "", query.as_bytes()).unwrap(), key)
    };
    let query = "Action=DescribeUHostInstance&Limit=10&Region=cn-bj2\
        &PublicKey=ucloudsomeone%40example.com1296235120854146120";
    assert_eq!(
        sign(query, "46f09bb9fab4f12dfc160dae12273d5332b5debe"),
        "cba5cf5ec4d4233d206b1b54951e3787350a642f"
    );
    let key = "my_private_key";
    assert_eq!(sign("foo=bar", key), "634edc1bb957c0d65e5ab5494cf3b7784fbc87af");
    let with_key = "PublicKey=my_public_key&foo=bar&Signature=x";
    assert_eq!(sign(with_key, key), "d4411ab30953fb0bbcb1e7313081f05e4e91a394");
}

#[test]
fn json_is_flattened_as_the_sdks_do() {
    let body = br#"{"A":["x",{"B":1.0}],"C":true,"D":null,"E":12}"#;
    let params = Params::read("", "application/json", body).unwrap();
    let pairs: Vec<_> = params.pairs().collect();
    assert_eq!(pairs, [("A.0", "x"), ("A.1.B", "1"), ("C", "true"), ("E", "12")]);
}

#[test]
fn phones_and_texts_follow_the_vendors_rules() {
    for same in ["18512345678", "(86)18512345678", "(0086)18512345678"] {
        assert_eq!(phone::parse(same).as_deref(), Some("18512345678"));
    }
    assert_eq!(phone::parse("(0060)123456789").as_deref(), Some("(60)123456789"));
    for invalid in ["", "1851234567", "+8618512345678", "185 1234 5678", "28512345678", "(86)123"] {
        assert_eq!(phone::parse(invalid), None, "{invalid}");
    }
    assert_eq!(text::count_variables("{2}和{1}和{1}"), Ok(2));
    assert!(text::count_variables("{1}{3}").is_err());
    assert!(text::count_variables("{name}").is_err());
    assert!(text::variables_only("{1} {2}") && !text::variables_only("{1}元"));
    assert_eq!(text::body("{2}-{1}", &["a", "b"], ""), "b-a");
    assert_eq!(text::parts(&"字".repeat(70), false), 1);
    assert_eq!(text::parts(&"字".repeat(71), false), 2);
    assert_eq!(text::parts(&"字".repeat(135), false), 3);
    assert_eq!(text::parts(&"a".repeat(160), true), 1);
    assert_eq!(text::parts(&"a".repeat(161), true), 2);
    assert_eq!(text::parts(&"字".repeat(71), true), 2);
    let printable: String = (' '..='~').collect();
    assert_eq!(text::parts(&format!("[YunFan]{printable}"), true), 1);
    for other in ["é", "£", "Δ", "\n", "【"] {
        assert_eq!(text::parts(&format!("{other}{}", "a".repeat(70)), true), 2, "{other:?}");
    }
}

#[test]
fn outcomes_have_distinct_digits_and_are_in_the_manual() {
    let digits: HashSet<_> = outcomes::OUTCOMES.iter().map(|outcome| outcome.digits).collect();
    assert_eq!(digits.len(), outcomes::OUTCOMES.len());
    assert_eq!(outcomes::outcome("18500000001").code, "ERRNUM");
    assert_eq!(outcomes::outcome("18512345678").code, "DELIVRD");
    let manual = include_str!("../../../docs/SANDBOX.md");
    for outcome in outcomes::OUTCOMES {
        let row = format!("| `{}` | ", outcome.digits);
        let line = manual.lines().find(|line| line.starts_with(&row)).expect(outcome.digits);
        assert!(line.contains(outcome.code) && line.contains(outcome.desc), "{line}");
    }
    for credential in [PUBLIC_KEY, PRIVATE_KEY, PROJECT_ID] {
        assert!(manual.contains(credential));
    }
}
