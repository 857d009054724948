//! What an address of the log asks for: read tolerantly, and each thing that cannot be meant named at
//! its field.

use serde::{Deserialize, Deserializer};
use time::format_description::well_known::Iso8601;
use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, Time};

use crate::app::App;
use crate::db::batches;
use crate::db::message_search::{self, MessageQuery, Phones, RecentlyUsed};
use crate::domain::batch::china;
use crate::domain::ids::{BatchId, MessageId, SignatureId, TemplateId};
use crate::domain::message::MessageState;
use crate::domain::phone::{Phone, VendorPhone};
use crate::domain::receipt_codes::Category;
use crate::web::error::WebError;
use crate::web::layout::Layout;
use crate::web::member::Member;
use crate::web::urls;

/// Letters of a value.
const MAX_CHARACTERS: usize = 100;

/// The filters as they stand in the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// A phone in any spelling, or its last four digits.
    #[serde(deserialize_with = "clean")]
    pub phone: String,
    /// A session number.
    #[serde(deserialize_with = "clean")]
    pub session: String,
    /// A batch's id.
    #[serde(deserialize_with = "clean")]
    pub batch: String,
    /// A template's id.
    #[serde(deserialize_with = "clean")]
    pub template: String,
    /// A signature's id or content.
    #[serde(deserialize_with = "clean")]
    pub signature: String,
    /// A state's name.
    #[serde(deserialize_with = "clean")]
    pub state: String,
    /// The code of a receipt or refusal.
    #[serde(deserialize_with = "clean")]
    pub code: String,
    /// A cause's name.
    #[serde(deserialize_with = "clean")]
    pub cause: String,
    /// From this day or time on.
    #[serde(deserialize_with = "clean")]
    pub from: String,
    /// To this day or minute, all of it.
    #[serde(deserialize_with = "clean")]
    pub to: String,
    /// Words of the text.
    #[serde(deserialize_with = "clean")]
    pub text: String,
    /// Where the page begins; what is no id begins at the newest.
    #[serde(deserialize_with = "id")]
    pub after: Option<MessageId>,
    /// Where the page ends, of one that was asked for as the next newer one.
    #[serde(deserialize_with = "id")]
    pub before: Option<MessageId>,
}

/// What cannot be seen is not meant.
fn clean<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    let typed = String::deserialize(source)?;
    let seen: String = typed.chars().filter(|letter| !letter.is_control()).collect();
    Ok(seen.trim().to_owned())
}

fn id<'de, D: Deserializer<'de>>(source: D) -> Result<Option<MessageId>, D::Error> {
    Ok(String::deserialize(source)?.parse().ok())
}

impl Filters {
    /// Each filter by its name.
    fn all(&self) -> [(&'static str, &str); 11] {
        [
            ("phone", &self.phone),
            ("session", &self.session),
            ("batch", &self.batch),
            ("template", &self.template),
            ("signature", &self.signature),
            ("state", &self.state),
            ("code", &self.code),
            ("cause", &self.cause),
            ("from", &self.from),
            ("to", &self.to),
            ("text", &self.text),
        ]
    }

    /// Those that are set.
    pub fn set(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.all().into_iter().filter(|(_, value)| !value.is_empty())
    }
}

/// A filter that is set, with the way to take it off.
#[derive(Debug)]
pub struct Chip {
    /// What it asks for, in words.
    pub word: String,
    /// The same question without it.
    pub without: String,
}

/// An address of the log, read.
#[derive(Debug)]
pub struct Read {
    /// As it was typed.
    pub typed: Filters,
    /// What is set, in words.
    pub chips: Vec<Chip>,
    wanted: MessageQuery,
    problems: Vec<(&'static str, String)>,
}

impl Read {
    /// Reads what was typed. What is among the things that were used of late is not looked for.
    pub async fn new(
        app: &App,
        member: &Member,
        l: &Layout,
        typed: Filters,
        used: &RecentlyUsed,
    ) -> Result<Self, WebError> {
        let mut read = Self {
            typed,
            chips: Vec::new(),
            wanted: MessageQuery::default(),
            problems: Vec::new(),
        };
        let set: Vec<(&'static str, String)> =
            read.typed.set().map(|(name, value)| (name, value.to_owned())).collect();
        for (name, value) in set {
            let long = value.chars().count() > MAX_CHARACTERS;
            let shown =
                if long { None } else { read.take(app, member, l, (name, &value), used).await? };
            match shown {
                Some(shown) => {
                    let label = l.t(&format!("messages-filter-{name}"));
                    let word =
                        l.with("messages-chip", &[("name", label.into()), ("value", shown.into())]);
                    let without = read.without(&l.urls.messages(), name);
                    read.chips.push(Chip { word, without });
                }
                None => read.problems.push((name, l.t(&format!("messages-error-{name}")))),
            }
        }
        let backward = |(since, until): (OffsetDateTime, OffsetDateTime)| since >= until;
        if read.wanted.since.zip(read.wanted.until).is_some_and(backward) {
            read.problems.push(("to", l.t("messages-error-order")));
        }
        Ok(read)
    }

    /// Takes one filter over. Answers how it is shown; `None` when it cannot be meant.
    async fn take(
        &mut self,
        app: &App,
        member: &Member,
        l: &Layout,
        (name, value): (&str, &str),
        used: &RecentlyUsed,
    ) -> Result<Option<String>, WebError> {
        let (db, project) = (&app.db, member.project.id);
        let wanted = &mut self.wanted;
        let same = || value.to_owned();
        let shown = match name {
            "phone" => {
                wanted.phone = phones(value);
                wanted.phone.as_ref().map(|phones| match phones {
                    Phones::Whole(_) => same(),
                    Phones::LastFour(digits) => {
                        l.with("messages-last-four", &[("digits", digits.as_str().into())])
                    }
                })
            }
            "session" => {
                wanted.session = Some(same());
                Some(same())
            }
            "batch" => {
                let batch = match value.parse::<BatchId>() {
                    Ok(id) => batches::find(db, project, id).await?,
                    Err(_) => None,
                };
                wanted.batch = batch.as_ref().map(|batch| batch.id);
                batch.map(|batch| batch.name)
            }
            "template" => {
                let found = match used.template(value) {
                    Some(used) => Some(used.clone()),
                    None => {
                        message_search::template(db, project, value, value.parse().ok()).await?
                    }
                };
                wanted.template = found.as_ref().map(|one| TemplateId(one.id));
                found.map(|one| one.name)
            }
            "signature" => {
                let found = match used.signature(value) {
                    Some(used) => Some(used.clone()),
                    None => {
                        message_search::signature(db, project, value, value.parse().ok()).await?
                    }
                };
                wanted.signature = found.as_ref().map(|one| SignatureId(one.id));
                found.map(|one| one.name)
            }
            "state" => {
                wanted.state = MessageState::ALL.into_iter().find(|state| state.key() == value);
                wanted.state.map(|state| l.state_word(state))
            }
            "code" => {
                wanted.code = Some(same());
                Some(same())
            }
            "cause" => {
                wanted.cause = Category::from_key(value);
                wanted.cause.map(|cause| l.t(&format!("cause-{}", cause.key())))
            }
            "from" => {
                wanted.since = time(value).map(|(at, _)| at);
                wanted.since.map(|_| value.replace('T', " "))
            }
            "to" => {
                wanted.until = time(value).map(|(at, long)| at + long);
                wanted.until.map(|_| value.replace('T', " "))
            }
            _ => {
                wanted.text = Some(same());
                Some(same())
            }
        };
        Ok(shown)
    }

    /// What is wanted, if all of it can be meant.
    pub fn wanted(&self) -> Option<&MessageQuery> {
        self.problems.is_empty().then_some(&self.wanted)
    }

    /// What is wrong, by filter.
    pub fn problems(&self) -> &[(&'static str, String)] {
        &self.problems
    }

    /// What is wrong with a filter.
    pub fn problem(&self, name: &str) -> Option<&str> {
        self.problems.iter().find(|(of, _)| *of == name).map(|(_, words)| words.as_str())
    }

    /// Whether one of these filters is set.
    pub fn is_set(&self, names: &[&str]) -> bool {
        self.typed.set().any(|(name, _)| names.contains(&name))
    }

    /// Whether any filter is set.
    pub fn any(&self) -> bool {
        self.typed.set().next().is_some()
    }

    /// `page` with this question in its address, and what is added to it.
    pub fn address(&self, page: &str, more: &[(&str, &str)]) -> String {
        let set = self.typed.set().map(|(name, value): (&str, &str)| (name, value));
        with_query(page, set.chain(more.iter().copied()))
    }

    fn without(&self, page: &str, name: &str) -> String {
        let set = self.typed.set().map(|(name, value): (&str, &str)| (name, value));
        with_query(page, set.filter(|(of, _)| *of != name))
    }
}

fn with_query<'a>(page: &str, query: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let query: Vec<(&'a str, &'a str)> = query.collect();
    if query.is_empty() { page.to_owned() } else { urls::with_query(page, &query) }
}

/// A phone in any spelling; its last four digits; or as it is shown to those who may not see all of
/// it, which says no more than these.
fn phones(typed: &str) -> Option<Phones> {
    let four = |text: &str| {
        let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| Phones::LastFour(text.to_owned()))
    };
    match Phone::from_vendor(typed) {
        VendorPhone::Whole(phone) => Some(Phones::Whole(phone.as_str().to_owned())),
        VendorPhone::Masked(phone) => phone.rsplit('*').next().and_then(four),
        VendorPhone::Other(text) => four(&text),
    }
}

/// A day or a minute in China: when it begins, and how long it is.
fn time(typed: &str) -> Option<(OffsetDateTime, Duration)> {
    let typed = typed.replace(' ', "T");
    let (at, long) = if typed.contains('T') {
        (PrimitiveDateTime::parse(&typed, &Iso8601::DEFAULT).ok()?, Duration::MINUTE)
    } else {
        (Date::parse(&typed, &Iso8601::DATE).ok()?.with_time(Time::MIDNIGHT), Duration::DAY)
    };
    // Beyond these years no time can be counted on.
    (1970..9000).contains(&at.year()).then(|| (at.assume_offset(china()), long))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_phone_is_read_whole_by_its_last_four_digits_or_masked() {
        let four = Some(Phones::LastFour("1234".to_owned()));
        assert_eq!(phones("1234"), four);
        assert_eq!(phones("185****1234"), four);
        assert_eq!(phones("+86 185-0000-1234"), Some(Phones::Whole("18500001234".to_owned())));
        for wrong in ["123", "12a4", "185****12", "1850000", "****", "１２３４５"] {
            assert_eq!(phones(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_lasts_to_its_end_and_a_time_for_its_minute() {
        let day = (datetime!(2026-11-16 16:00 UTC), Duration::DAY);
        assert_eq!(time("2026-11-17"), Some(day));
        let minute = (datetime!(2026-11-17 06:30 UTC), Duration::MINUTE);
        assert_eq!(time("2026-11-17T14:30"), Some(minute));
        assert_eq!(time("2026-11-17 14:30"), Some(minute));
        for wrong in ["2026-13-01", "yesterday", "2026", "9999-12-31", "-001-01-01", ""] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }
}
