//! The filters of the message search. They are parsed leniently, and each invalid value is reported
//! at its field.

use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;

use crate::app::App;
use crate::db::sending::batches;
use crate::db::sending::message_search::{
    self, MessageQuery, Phones, RecentlyUsed, SearchedValues, Source,
};
use crate::domain::accounts::role::Permission;
use crate::domain::ids::{BatchId, MessageId, SignatureId, TemplateId};
use crate::domain::phone::PhoneMask;
use crate::domain::receipt_codes::Category;
use crate::domain::sending::message::MessageState;
use crate::domain::time as china;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::urls;
use crate::web::ui::figures::counted::NO_CODE;
use crate::web::ui::layout::Layout;

/// The longest value, in characters.
const MAX_CHARACTERS: usize = 100;

/// The filters as query parameters.
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
    /// The first day or minute.
    #[serde(deserialize_with = "clean")]
    pub from: String,
    /// The last day or minute, inclusive.
    #[serde(deserialize_with = "clean")]
    pub to: String,
    /// The first day or minute at which the call left.
    #[serde(deserialize_with = "clean")]
    pub sent_from: String,
    /// The last day or minute at which the call left, inclusive.
    #[serde(deserialize_with = "clean")]
    pub sent_to: String,
    /// `own` or `other`.
    #[serde(deserialize_with = "clean")]
    pub source: String,
    /// A part of the text.
    #[serde(deserialize_with = "clean")]
    pub text: String,
    /// The page begins right after this message. An invalid id means the newest page.
    #[serde(deserialize_with = "id")]
    pub after: Option<MessageId>,
    /// The page ends right before this message; used by links to the next newer page.
    #[serde(deserialize_with = "id")]
    pub before: Option<MessageId>,
}

/// Removes control characters and outer spaces, which people cannot see.
fn clean<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    let typed = String::deserialize(source)?;
    let visible: String = typed.chars().filter(|c| !c.is_control()).collect();
    Ok(visible.trim().to_owned())
}

fn id<'de, D: Deserializer<'de>>(source: D) -> Result<Option<MessageId>, D::Error> {
    Ok(String::deserialize(source)?.parse().ok())
}

impl Filters {
    /// Returns all filters by name.
    fn all(&self) -> [(&'static str, &str); 14] {
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
            ("sent_from", &self.sent_from),
            ("sent_to", &self.sent_to),
            ("source", &self.source),
            ("text", &self.text),
        ]
    }

    /// Returns them as far as the member may know: of a phone, what its mask shows.
    fn shown_to(mut self, member: &Member) -> Self {
        if !member.may(Permission::SeePhones)
            && let Some(mask) = PhoneMask::parse(&self.phone)
        {
            self.phone = mask.shown();
        }
        self
    }

    /// Returns the filters that are set.
    pub fn set(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.all().into_iter().filter(|(_, value)| !value.is_empty())
    }
}

/// A filter that is set, with the link that removes it.
#[derive(Debug)]
pub struct Chip {
    /// Its name and value.
    pub label: String,
    /// Link to the same search without it.
    pub remove_href: String,
}

/// The filters after parsing.
#[derive(Debug)]
pub struct ParsedFilters {
    /// The filters as typed.
    pub typed: Filters,
    /// The filters that are set.
    pub chips: Vec<Chip>,
    query: MessageQuery,
    problems: Vec<(&'static str, String)>,
}

impl ParsedFilters {
    /// Parses what was typed. Signatures and templates that are in `used` are not looked up.
    pub async fn new(
        app: &App,
        member: &Member,
        l: &Layout,
        typed: Filters,
        used: &RecentlyUsed,
    ) -> Result<Self, WebError> {
        let typed = typed.shown_to(member);
        let mut parsed =
            Self { typed, chips: Vec::new(), query: MessageQuery::default(), problems: Vec::new() };
        let set: Vec<(&'static str, String)> =
            parsed.typed.set().map(|(name, value)| (name, value.to_owned())).collect();
        for (name, value) in set {
            let is_too_long = value.chars().count() > MAX_CHARACTERS;
            let shown = if is_too_long {
                None
            } else {
                parsed.apply(app, member, l, (name, &value), used).await?
            };
            match shown {
                Some(shown) => {
                    let filter = l.t(&format!("messages-filter-{name}"));
                    let label = l
                        .with("messages-chip", &[("name", filter.into()), ("value", shown.into())]);
                    let remove_href = parsed.without(&l.urls.messages(), name);
                    parsed.chips.push(Chip { label, remove_href });
                }
                None => parsed.problems.push((name, l.t(&format!("messages-error-{name}")))),
            }
        }
        let is_backward = |(since, until): (OffsetDateTime, OffsetDateTime)| since >= until;
        let query = &parsed.query;
        for (name, times) in [
            ("to", query.since.zip(query.until)),
            ("sent_to", query.sent_since.zip(query.sent_until)),
        ] {
            if times.is_some_and(is_backward) {
                parsed.problems.push((name, l.t("messages-error-order")));
            }
        }
        Ok(parsed)
    }

    /// Adds a filter to the query. Returns how its value is shown, or `None` if it is invalid.
    async fn apply(
        &mut self,
        app: &App,
        member: &Member,
        l: &Layout,
        (name, value): (&str, &str),
        used: &RecentlyUsed,
    ) -> Result<Option<String>, WebError> {
        let (db, project) = (&app.db, member.project.id);
        let query = &mut self.query;
        let same = || value.to_owned();
        let shown = match name {
            "phone" => {
                query.phone = Phones::parse(value, member.may(Permission::SeePhones));
                query.phone.as_ref().map(|phones| match phones {
                    Phones::Whole(_) => same(),
                    Phones::Masked(mask) if !mask.is_tail() => same(),
                    Phones::Masked(mask) => {
                        l.with("messages-last-four", &[("digits", mask.tail().into())])
                    }
                    Phones::LastFour(digits) => {
                        l.with("messages-last-four", &[("digits", digits.as_str().into())])
                    }
                })
            }
            "session" => {
                query.session = Some(same());
                Some(same())
            }
            "batch" => {
                let batch = match value.parse::<BatchId>() {
                    Ok(id) => batches::find(db, project, id).await?,
                    Err(_) => None,
                };
                query.batch = batch.as_ref().map(|batch| batch.id);
                batch.map(|batch| l.shown(&batch.name).into_owned())
            }
            "template" => {
                let found = match used.template(value) {
                    Some(used) => Some(used.clone()),
                    None => {
                        message_search::template(db, project, value, value.parse().ok()).await?
                    }
                };
                query.template = found.as_ref().map(|template| TemplateId(template.id));
                found.map(|template| template.name)
            }
            "signature" => {
                let found = match used.signature(value) {
                    Some(used) => Some(used.clone()),
                    None => {
                        message_search::signature(db, project, value, value.parse().ok()).await?
                    }
                };
                query.signature = found.as_ref().map(|signature| SignatureId(signature.id));
                found.map(|signature| signature.name)
            }
            "state" => {
                query.state = MessageState::ALL.into_iter().find(|state| state.key() == value);
                query.state.map(|state| l.state_label(state))
            }
            "code" => {
                query.code = Some(if value == NO_CODE { String::new() } else { same() });
                Some(same())
            }
            "cause" => {
                query.cause = Category::from_key(value);
                query.cause.map(|cause| l.t(&format!("cause-{}", cause.key())))
            }
            "from" => {
                query.since = china::span(value).map(|(at, _)| at);
                query.since.map(|_| value.replace('T', " "))
            }
            "to" => {
                query.until = china::span(value).map(|(at, duration)| at + duration);
                query.until.map(|_| value.replace('T', " "))
            }
            "sent_from" => {
                query.sent_since = china::span(value).map(|(at, _)| at);
                query.sent_since.map(|_| value.replace('T', " "))
            }
            "sent_to" => {
                query.sent_until = china::span(value).map(|(at, duration)| at + duration);
                query.sent_until.map(|_| value.replace('T', " "))
            }
            "source" => {
                query.source = Source::ALL.into_iter().find(|source| source.key() == value);
                query.source.map(|source| l.t(&format!("messages-source-{}", source.key())))
            }
            _ => {
                query.text = Some(same());
                query.values = SearchedValues::of(member.sight(app));
                Some(same())
            }
        };
        Ok(shown)
    }

    /// Returns the query, if all filters are valid.
    pub fn query(&self) -> Option<&MessageQuery> {
        self.problems.is_empty().then_some(&self.query)
    }

    /// Returns what is wrong, by the name of the filter.
    pub fn problems(&self) -> &[(&'static str, String)] {
        &self.problems
    }

    /// Returns what is wrong with a filter.
    pub fn problem(&self, name: &str) -> Option<&str> {
        self.problems.iter().find(|(filter, _)| *filter == name).map(|(_, text)| text.as_str())
    }

    /// Whether any of these filters is set.
    pub fn is_set(&self, names: &[&str]) -> bool {
        self.typed.set().any(|(name, _)| names.contains(&name))
    }

    /// Whether any filter is set.
    pub fn is_any_set(&self) -> bool {
        self.typed.set().next().is_some()
    }

    /// Returns the link to `page` with these filters and `more` query parameters.
    pub fn href(&self, page: &str, more: &[(&str, &str)]) -> String {
        let set = self.typed.set().map(|(name, value): (&str, &str)| (name, value));
        with_query(page, set.chain(more.iter().copied()))
    }

    fn without(&self, page: &str, name: &str) -> String {
        let set = self.typed.set().map(|(name, value): (&str, &str)| (name, value));
        with_query(page, set.filter(|(filter, _)| *filter != name))
    }
}

fn with_query<'a>(page: &str, query: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let query: Vec<(&'a str, &'a str)> = query.collect();
    if query.is_empty() { page.to_owned() } else { urls::with_query(page, &query) }
}
