//! Every text that a person reads, in two languages (Fluent).

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use rust_embed::RustEmbed;
use unic_langid::LanguageIdentifier;

#[derive(RustEmbed)]
#[folder = "src/locales"]
struct Locales;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Simplified Chinese.
    ZhCn,
    /// English.
    En,
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 2] = [Self::ZhCn, Self::En];

    /// Returns its BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }

    /// Returns its name in the language itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::ZhCn => "中文",
            Self::En => "English",
        }
    }

    /// Returns the language with exactly this tag, if it is one of ours.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }
}

/// The most countries of a batch that are named.
const MAX_COUNTRIES: usize = 10;

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<[Bundle; 2]> = LazyLock::new(|| Language::ALL.map(bundle));

fn bundle(language: Language) -> Bundle {
    let id: LanguageIdentifier = language.tag().parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![id]);
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(|value, _| whole_number(value).map(grouped)));
    for name in Locales::iter().filter(|name| name.starts_with(&format!("{}/", language.tag()))) {
        let Some(file) = Locales::get(&name) else { continue };
        let text = String::from_utf8_lossy(&file.data).into_owned();
        let resource = FluentResource::try_new(text).unwrap_or_else(|(partial, errors)| {
            tracing::error!(%name, ?errors, "locale file has syntax errors");
            partial
        });
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(%name, ?errors, "duplicate message in locale files");
        }
    }
    bundle
}

/// Returns the value of a variable that is a whole number.
#[allow(clippy::cast_possible_truncation)]
fn whole_number(value: &FluentValue<'_>) -> Option<i64> {
    match value {
        FluentValue::Number(number) if number.value.fract() == 0.0 => Some(number.value as i64),
        FluentValue::Number(_)
        | FluentValue::String(_)
        | FluentValue::Custom(_)
        | FluentValue::None
        | FluentValue::Error => None,
    }
}

/// Formats a number with a comma between groups of three digits.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if number < 0 { format!("-{grouped}") } else { grouped }
}

/// The texts of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Texts(pub Language);

impl Texts {
    fn bundle(self) -> &'static Bundle {
        match self.0 {
            Language::ZhCn => &BUNDLES[0],
            Language::En => &BUNDLES[1],
        }
    }

    /// Returns the text with this key, if there is one.
    pub fn try_t(self, key: &str) -> Option<String> {
        self.format(key, None)
    }

    /// Returns the text with this key. If there is none, logs an error and returns the key.
    pub fn t(self, key: &str) -> String {
        self.try_t(key).unwrap_or_else(|| missing(key))
    }

    /// Returns the text with this key and its variables filled in.
    pub fn with(self, key: &str, values: &[(&'static str, FluentValue<'_>)]) -> String {
        let args: FluentArgs<'_> = values.iter().cloned().collect();
        self.format(key, Some(&args)).unwrap_or_else(|| missing(key))
    }

    fn format(self, key: &str, args: Option<&FluentArgs<'_>>) -> Option<String> {
        let pattern = self.bundle().get_message(key)?.value()?;
        let mut errors = Vec::new();
        let text = self.bundle().format_pattern(pattern, args, &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::error!(key, ?errors, "cannot format message");
        }
        Some(text)
    }

    /// Formats a number with a comma between groups of three digits.
    pub fn n(self, number: impl Count) -> String {
        grouped(number.count())
    }

    /// Returns the country of a calling code, by name if there is a text for it.
    pub fn country(self, code: &str) -> String {
        match self.try_t(&format!("country-{code}")) {
            Some(name) => format!("{name} +{code}"),
            None => format!("+{code}"),
        }
    }

    /// Returns the countries of a batch by their calling codes, the first ten by name;
    /// unknown ones have none.
    pub fn countries_of_batch<'a>(self, codes: impl IntoIterator<Item = &'a str>) -> String {
        let codes: Vec<&str> = codes.into_iter().filter(|code| !code.is_empty()).collect();
        if codes.is_empty() {
            return self.t("batch-countries");
        }
        let named = codes.iter().take(MAX_COUNTRIES).map(|code| self.country(code));
        let separator = match self.0 {
            Language::ZhCn => "、",
            Language::En => ", ",
        };
        let names = named.collect::<Vec<_>>().join(separator);
        match codes.len().saturating_sub(MAX_COUNTRIES) {
            0 => names,
            more => self
                .with("batch-countries-more", &[("names", names.into()), ("count", more.into())]),
        }
    }
}

fn missing(key: &str) -> String {
    tracing::error!(key, "missing message");
    key.to_owned()
}

/// An integer that pages show.
pub trait Count {
    /// Returns it as an `i64`.
    fn count(&self) -> i64;
}

impl Count for i64 {
    fn count(&self) -> i64 {
        *self
    }
}

impl Count for i32 {
    fn count(&self) -> i64 {
        i64::from(*self)
    }
}

impl Count for usize {
    fn count(&self) -> i64 {
        i64::try_from(*self).unwrap_or(i64::MAX)
    }
}

impl<T: Count> Count for &T {
    fn count(&self) -> i64 {
        (*self).count()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// Returns every key with the variables that its text uses.
    fn keys(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let mut keys = BTreeMap::new();
        let mut current = String::new();
        for name in Locales::iter().filter(|name| name.starts_with(language.tag())) {
            let file = Locales::get(&name).unwrap();
            let text = String::from_utf8(file.data.into_owned()).unwrap();
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                if let Some((key, _)) = line.split_once(" =").filter(|_| !line.starts_with(' ')) {
                    current = key.to_owned();
                    let earlier = keys.insert(current.clone(), BTreeSet::new());
                    assert!(earlier.is_none(), "{key} is there twice in {name}");
                }
                for rest in line.split('$').skip(1) {
                    let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
                    keys.get_mut(&current).unwrap().insert(rest[..end].to_owned());
                }
            }
        }
        keys
    }

    #[test]
    fn both_languages_have_the_same_texts_with_the_same_variables() {
        let (chinese, english) = (keys(Language::ZhCn), keys(Language::En));
        let names = |all: &BTreeMap<String, BTreeSet<String>>| -> BTreeSet<String> {
            all.keys().cloned().collect()
        };
        let (zh, en) = (names(&chinese), names(&english));
        assert_eq!(zh.symmetric_difference(&en).collect::<Vec<_>>(), Vec::<&String>::new());
        for (key, variables) in &chinese {
            assert_eq!(variables, &english[key], "{key}");
        }
    }

    #[test]
    fn every_text_that_a_page_names_exists() {
        let all = keys(Language::En);
        let mut files: Vec<std::path::PathBuf> =
            vec!["src/web".into(), "src/ops/reporting/notifications.rs".into(), "templates".into()];
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            if !path.extension().is_some_and(|kind| kind == "rs" || kind == "html") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for call in ["t(\"", "with(\"", "Words(\"", "Count(\""] {
                for (at, _) in text.match_indices(call) {
                    let before = text[..at].chars().next_back();
                    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                        continue;
                    }
                    let rest = &text[at + call.len()..];
                    let key = &rest[..rest.find('"').unwrap()];
                    let is_key = key.contains('-') && !key.contains(['{', ' ', '/', ':']);
                    assert!(!is_key || all.contains_key(key), "{key} in {}", path.display());
                }
            }
        }
    }

    #[test]
    fn states_and_causes_have_texts() {
        let texts = Texts(Language::En);
        for state in crate::domain::sending::message::MessageState::ALL {
            assert!(texts.try_t(&format!("message-state-{}", state.key())).is_some(), "{state:?}");
        }
        for category in crate::domain::receipt_codes::Category::ALL {
            assert!(texts.try_t(&format!("cause-{}", category.key())).is_some(), "{category:?}");
        }
        for advice in crate::domain::receipt_codes::Advice::ALL {
            let given = advice != crate::domain::receipt_codes::Advice::NoneGiven;
            let key = format!("advice-{}", advice.key());
            assert_eq!(texts.try_t(&key).is_some(), given, "{advice:?}");
        }
        for problem in crate::domain::sending::call_problem::CallProblem::ALL {
            assert!(texts.try_t(&format!("batch-problem-{}", problem.key())).is_some());
        }
        for status in crate::domain::review::ReviewStatus::ALL {
            assert!(texts.try_t(&format!("review-status-{}", status.key())).is_some());
        }
    }

    #[test]
    fn numbers_are_grouped() {
        let texts = Texts(Language::En);
        assert_eq!(texts.n(1_234_567_i64), "1,234,567");
        assert_eq!(texts.n(999_usize), "999");
        assert_eq!(texts.n(-1_000), "-1,000");
    }
}
