//! What the pages of signatures and of templates have in common: lists with tabs and filters, the story
//! of one, refreshing.

use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use serde::Deserialize;
use time::OffsetDateTime;

use super::components::{Shown, Status, Tone};
use super::error::WebError;
use super::form::{Form, peer_address};
use super::layout::{Layout, Section};
use super::member::Member;
use super::moment::Moment;
use super::urls::with_query;
use super::{flash, page};
use crate::app::App;
use crate::db::applications::{self, Application};
use crate::db::review_events::{self, Event};
use crate::db::reviewed::{Counts, Cursor, Filter, Row};
use crate::db::{signatures, sms_templates};
use crate::domain::ids::ApplicationId;
use crate::domain::review::{Purpose, ReviewStatus, Subject};
use crate::ops::review;

pub mod compare;
pub mod deletion;
pub mod findings;
pub mod locked;

/// Rows of a page.
pub const A_PAGE: i64 = 50;
/// The name of the deleted ones among the tabs.
const GONE: &str = "deleted";

/// Which of a list is wanted, as the address says it.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// A review status, or `deleted`; else all that are there.
    pub review: String,
    /// Part of an id, name or text.
    pub q: String,
    /// `true` abroad, `false` at home; else both.
    pub international: String,
    /// Of templates: a purpose; else all.
    pub purpose: String,
    /// Below this.
    pub after: String,
}

impl Wanted {
    fn status(&self) -> Option<ReviewStatus> {
        ReviewStatus::ALL.into_iter().find(|status| status.key() == self.review)
    }

    /// The purposes that are asked for.
    pub fn purposes(&self) -> Vec<Purpose> {
        Purpose::read(&self.purpose).map_or_else(|| Purpose::ALL.to_vec(), |one| vec![one])
    }

    /// Whether anything but a tab was chosen.
    pub fn is_filtered(&self) -> bool {
        !self.q.trim().is_empty()
            || Purpose::read(&self.purpose).is_some()
            || ["true", "false"].contains(&self.international.as_str())
    }

    /// For the database.
    pub fn filter(&self) -> Filter {
        Filter {
            statuses: self.status().map_or_else(|| ReviewStatus::ALL.to_vec(), |one| vec![one]),
            gone: self.review == GONE,
            search: self.q.trim().to_lowercase().chars().filter(|c| *c != '\0').collect(),
            international: self.international.parse().ok(),
            after: cursor(&self.after),
            limit: A_PAGE,
        }
    }

    /// The address of the same list with other values.
    fn address(&self, list: &str, review: &str, after: &str) -> String {
        let all = [
            ("review", review),
            ("q", self.q.trim()),
            ("international", &self.international),
            ("purpose", &self.purpose),
            ("after", after),
        ];
        let query: Vec<(&str, &str)> =
            all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        if query.is_empty() { list.to_owned() } else { with_query(list, &query) }
    }

    /// The next page, if this one is full.
    pub fn next(&self, list: &str, last: Option<(OffsetDateTime, i64)>) -> Option<String> {
        let (changed_at, id) = last?;
        let micros = changed_at.unix_timestamp_nanos() / 1_000;
        Some(self.address(list, &self.review, &format!("{micros}-{id}")))
    }

    /// The first page.
    pub fn first(&self, list: &str) -> String {
        self.address(list, &self.review, "")
    }
}

fn cursor(text: &str) -> Option<Cursor> {
    let (micros, id) = text.split_once('-')?;
    let nanos = micros.parse::<i128>().ok()?.checked_mul(1_000)?;
    Some(Cursor {
        changed_at: OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?,
        id: id.parse().ok()?,
    })
}

/// A tab over a list.
#[derive(Debug)]
pub struct Tab {
    /// Where it leads.
    pub address: String,
    /// What it says.
    pub word: String,
    /// How many are under it.
    pub count: i64,
    /// Whether it is the one that is open.
    pub current: bool,
}

/// All, then each review status that somebody has, then what was deleted.
pub fn tabs(l: &Layout, list: &str, counts: &Counts, wanted: &Wanted) -> Vec<Tab> {
    let of = |status: ReviewStatus| {
        let found = counts.by_status.iter().find(|(one, _)| *one == status);
        found.map_or(0, |(_, n)| *n)
    };
    let tab = |review: &str, word: String, count, current| Tab {
        address: wanted.address(list, review, ""),
        word,
        count,
        current,
    };
    let everything = counts.by_status.iter().map(|(_, n)| n).sum();
    let open = wanted.status();
    let gone = wanted.review == GONE;
    let mut tabs = vec![tab("", l.t("review-all"), everything, open.is_none() && !gone)];
    for status in [
        ReviewStatus::Rejected,
        ReviewStatus::Waiting,
        ReviewStatus::InReview,
        ReviewStatus::Approved,
        ReviewStatus::Disabled,
    ] {
        let current = open == Some(status);
        if of(status) > 0 || current {
            tabs.push(tab(status.key(), l.t(&status.word()), of(status), current));
        }
    }
    if counts.gone > 0 || gone {
        tabs.push(tab(GONE, l.t("review-deleted"), counts.gone, gone));
    }
    tabs
}

/// An application without an answer, over a list.
#[derive(Debug)]
pub struct OpenOne {
    /// What it is for.
    pub name: String,
    /// Who applied.
    pub person: String,
    /// Since when.
    pub since: Moment,
    /// Where it is shown.
    pub address: String,
}

/// Applications of a kind that have no answer.
pub async fn open_ones(
    app: &App,
    member: &Member,
    l: &Layout,
    subject: Subject,
) -> Result<Vec<OpenOne>, WebError> {
    let open = applications::open(&app.db, member.project.id, subject).await?;
    let open = open.into_iter().filter(|one| one.state == applications::ApplicationState::InDoubt);
    Ok(open
        .map(|one| OpenOne {
            name: name_of(&one),
            since: l.moment(one.id),
            address: l.urls.application(one.id),
            person: one.person,
        })
        .collect())
}

/// What an application calls its subject.
pub fn name_of(one: &Application) -> String {
    let field = match one.subject {
        Subject::Signature => "content",
        Subject::Template => "name",
    };
    one.content[field].as_str().unwrap_or_default().to_owned()
}

/// An event of a story.
#[derive(Debug)]
pub struct TimelineEntry {
    /// When.
    pub at: Moment,
    /// What, in a sentence.
    pub sentence: String,
    /// The vendor's words, or what was there before.
    pub more: String,
    /// The class and shape it is shown with.
    pub tone: Tone,
    /// Its shape in `icons.svg`.
    pub mark: &'static str,
    /// The application, to see what was handed in.
    pub application: Option<ApplicationId>,
}

/// What happened to one, oldest first.
pub async fn timeline(app: &App, l: &Layout, row: Row) -> Result<Vec<TimelineEntry>, WebError> {
    let happened = review_events::of(&app.db, row).await?;
    Ok(happened
        .into_iter()
        .map(|one| {
            let (tone, mark) = match (one.event, one.status) {
                (Event::Missing | Event::Deleted, _) => (Tone::Quiet, "mark-stopped"),
                (Event::ChangedByVendor, _) => (Tone::Doubtful, "mark-doubt"),
                (Event::Status | Event::Imported, Some(status)) => (status.tone(), status.mark()),
                _ => (Tone::Quiet, "mark-submitted"),
            };
            let status = one.status.map(|status| l.t(&status.word())).unwrap_or_default();
            let person = one.person.unwrap_or_default();
            let key = if person.is_empty() { "vendor" } else { "person" };
            let sentence = l.with(
                &format!("timeline-{}-{key}", one.event.key()),
                &[("person", person.into()), ("status", status.into())],
            );
            let more = match one.event {
                Event::ChangedByVendor => l.with("timeline-before", &[("text", one.before.into())]),
                _ if one.reason.is_empty() => String::new(),
                _ => l.with("review-vendor-says", &[("words", one.reason.into())]),
            };
            let at = l.moment(one.at);
            TimelineEntry { at, sentence, more, tone, mark, application: one.application }
        })
        .collect())
}

/// Status as pages show it: deleted and missing stand before what the vendor said last.
#[derive(Debug)]
pub enum Standing {
    /// As the vendor said.
    Status(Status),
    /// In words of ours.
    Ours(&'static str, String),
}

impl Standing {
    /// Of one that may be deleted or missing.
    pub fn of(l: &Layout, status: ReviewStatus, missing: bool, deleted: bool) -> Self {
        if deleted {
            Self::Ours("", l.t("review-deleted"))
        } else if missing {
            Self::Ours("doubtful", l.t("review-missing"))
        } else {
            Self::Status(Status::new(&status, l.texts))
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            // Both words are of our own texts.
            Self::Ours(class, word) => {
                let mark = super::components::Drawing::mark(if class.is_empty() {
                    "mark-stopped"
                } else {
                    "mark-doubt"
                });
                write!(f, "<span class=\"status {class}\">{mark}{word}</span>")
            }
        }
    }
}

impl askama::filters::HtmlSafe for Standing {}

/// Which kind an address is about: both have the same steps below their lists.
#[derive(Debug, Clone, Copy)]
pub struct Kind(pub Subject);

impl FromRequest for Kind {
    type Error = WebError;
    type Future = Ready<Result<Self, WebError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // `/p/{project}/signatures/…`
        ready(match request.path().split('/').nth(3) {
            Some("signatures") => Ok(Self(Subject::Signature)),
            Some("templates") => Ok(Self(Subject::Template)),
            _ => Err(WebError::NotFound),
        })
    }
}

/// The part of the rail a kind is under.
pub fn section(subject: Subject) -> Section {
    match subject {
        Subject::Signature => Section::Signatures,
        Subject::Template => Section::Templates,
    }
}

/// A form that carries nothing but its token.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

/// Asks the vendor about one, now, and shows it again.
pub async fn refresh(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
    path: web::Path<(String, String)>,
    _form: Form<Nothing>,
) -> Result<HttpResponse, WebError> {
    let vendor_id = &path.1;
    let (project, by) = (member.project.id, Some(member.person.id));
    let known = match subject {
        Subject::Signature => signatures::by_sig_id(&app.db, project, vendor_id).await?.is_some(),
        Subject::Template => {
            sms_templates::by_template_id(&app.db, project, vendor_id).await?.is_some()
        }
    };
    if !known {
        return Err(WebError::NotFound);
    }
    let texts = member.texts(&request);
    let looked = match subject {
        Subject::Signature => review::look_up_signature(&app, project, vendor_id, by).await,
        Subject::Template => review::look_up_template(&app, project, vendor_id, by).await,
    };
    let sentence = match looked {
        Ok(seen) => {
            let status = texts.t(&seen.status.word());
            texts.with("review-refreshed", &[("status", status.into())])
        }
        Err(error) => super::import::why_not(texts, error)?,
    };
    flash::say(&request, &sentence);
    Ok(page::see_other(&member.urls().reviewed(subject, vendor_id)))
}

/// Has all of a kind asked about again.
pub async fn refresh_all(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
    _form: Form<Nothing>,
) -> Result<HttpResponse, WebError> {
    let address = peer_address(&request);
    let (project, by) = (member.project.id, member.person.id);
    let n = review::look_at_all(&app, project, subject, by, &address).await?;
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    let said = member.texts(&request).with("review-refreshing", &[("count", n.into())]);
    flash::say(&request, &said);
    Ok(page::see_other(&member.urls().all_reviewed(subject)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_address_and_rubbish_is_none() {
        let wanted = Wanted::default();
        let at = OffsetDateTime::from_unix_timestamp(1_795_000_000).unwrap();
        let next = wanted.next("/list", Some((at, 7))).unwrap();
        let after = next.split("after=").nth(1).unwrap();
        assert_eq!(cursor(after), Some(Cursor { changed_at: at, id: 7 }));
        for rubbish in ["", "-", "1", "x-1", "1-x", "99999999999999999999999999999999999-1"] {
            assert_eq!(cursor(rubbish), None, "{rubbish}");
        }
    }
}
