//! Countries and regions by calling code, as pages name them.

use crate::domain::sending::price::parse_calling_code;
use crate::web::http::i18n::{Language, Texts};

/// The calling codes with a name, besides that of mainland China.
pub const NAMED: [&str; 31] = [
    "1", "7", "33", "34", "39", "44", "49", "52", "55", "60", "61", "62", "63", "64", "65", "66",
    "81", "82", "84", "90", "91", "92", "95", "852", "853", "855", "856", "880", "886", "966",
    "971",
];

/// Returns the calling code of a country other than mainland China, which is typed as a calling code
/// or as its name in any language, with or without the code.
pub fn code_of(typed: &str) -> Option<String> {
    let typed = typed.trim();
    if let Some(code) = parse_calling_code(typed) {
        return Some(code.to_owned());
    }
    let is_named = |code: &&str| {
        Language::ALL.into_iter().any(|language| {
            let texts = Texts(language);
            let short = texts.t(&format!("country-{code}"));
            [short, texts.country(code)].iter().any(|name| name.eq_ignore_ascii_case(typed))
        })
    };
    NAMED.into_iter().find(is_named).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_country_is_read_by_its_code_and_its_names() {
        for code in NAMED {
            for language in Language::ALL {
                let texts = Texts(language);
                let short = texts.try_t(&format!("country-{code}"));
                assert!(short.is_some(), "{code} has no name");
                for typed in [code.to_owned(), short.unwrap_or_default(), texts.country(code)] {
                    assert_eq!(code_of(&typed).as_deref(), Some(code), "{typed}");
                }
            }
        }
        assert_eq!(code_of("Atlantis"), None);
        assert_eq!(code_of("Mainland China"), None);
    }
}
