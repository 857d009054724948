//! What the pages of signatures and SMS templates have in common: lists with tabs and filters, the
//! timeline, and refreshing the review status.

use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use serde::Deserialize;
use time::OffsetDateTime;

use crate::app::App;
use crate::db::review::review_events::{self, Event};
use crate::db::review::reviewed::{Counts, Cursor, Filter, Row};
use crate::db::review::{signatures as signature_rows, sms_templates as template_rows};
use crate::domain::ids::ApplicationId;
use crate::domain::review::{Purpose, ReviewStatus, Subject};
use crate::ops::review;
use crate::web::http::error::WebError;
use crate::web::http::form::{Form, peer_ip};
use crate::web::http::member::Member;
use crate::web::http::urls::with_query;
use crate::web::http::{flash, page};
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::Moment;
use crate::web::ui::status::{Shown, Status, Tone};

pub mod applications;
pub mod compare;
pub mod deletion;
pub mod destination;
pub mod files;
pub mod findings;
pub mod import;
pub mod locked;
pub mod sensitive_words;
pub mod signatures;
pub mod sms_templates;

/// Rows of a page.
pub const A_PAGE: i64 = 50;
/// The query value of the tab with deleted ones.
const DELETED: &str = "deleted";

/// The query parameters of a list.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// A review status, or `deleted`; otherwise all that are not deleted.
    pub review: String,
    /// Part of an id, name or text.
    pub q: String,
    /// `true` for international, `false` for domestic; otherwise both.
    pub international: String,
    /// A purpose, for templates; otherwise all.
    pub purpose: String,
    /// The cursor after which the page begins.
    pub after: String,
}

impl ListQuery {
    fn status(&self) -> Option<ReviewStatus> {
        ReviewStatus::ALL.into_iter().find(|status| status.key() == self.review)
    }

    /// Returns the chosen purposes.
    pub fn purposes(&self) -> Vec<Purpose> {
        Purpose::read(&self.purpose).map_or_else(|| Purpose::ALL.to_vec(), |purpose| vec![purpose])
    }

    /// Returns whether a filter other than a tab was chosen.
    pub fn is_filtered(&self) -> bool {
        !self.q.trim().is_empty()
            || Purpose::read(&self.purpose).is_some()
            || ["true", "false"].contains(&self.international.as_str())
    }

    /// Returns the filter for the database.
    pub fn filter(&self) -> Filter {
        Filter {
            statuses: self
                .status()
                .map_or_else(|| ReviewStatus::ALL.to_vec(), |status| vec![status]),
            gone: self.review == DELETED,
            search: self.q.trim().to_lowercase().chars().filter(|c| *c != '\0').collect(),
            international: self.international.parse().ok(),
            after: cursor(&self.after),
            limit: A_PAGE,
        }
    }

    /// Returns the URL of the same list with another tab or page.
    fn href(&self, list: &str, review: &str, after: &str) -> String {
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

    /// Returns the URL of the next page; `last` is the last row, if this page is full.
    pub fn next(&self, list: &str, last: Option<(OffsetDateTime, i64)>) -> Option<String> {
        let (changed_at, id) = last?;
        let micros = changed_at.unix_timestamp_nanos() / 1_000;
        Some(self.href(list, &self.review, &format!("{micros}-{id}")))
    }

    /// Returns the URL of the first page.
    pub fn first(&self, list: &str) -> String {
        self.href(list, &self.review, "")
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
    /// Its URL.
    pub href: String,
    /// Its text.
    pub label: String,
    /// How many rows it has.
    pub count: i64,
    /// Whether it is open.
    pub current: bool,
}

/// Returns the tabs: all, each review status that occurs, and deleted.
pub fn tabs(l: &Layout, list: &str, counts: &Counts, query: &ListQuery) -> Vec<Tab> {
    let count_of = |status: ReviewStatus| {
        let found = counts.by_status.iter().find(|(counted, _)| *counted == status);
        found.map_or(0, |(_, n)| *n)
    };
    let tab = |review: &str, label: String, count, current| Tab {
        href: query.href(list, review, ""),
        label,
        count,
        current,
    };
    let total = counts.by_status.iter().map(|(_, n)| n).sum();
    let open = query.status();
    let is_deleted = query.review == DELETED;
    let mut tabs = vec![tab("", l.t("review-all"), total, open.is_none() && !is_deleted)];
    for status in [
        ReviewStatus::Rejected,
        ReviewStatus::Waiting,
        ReviewStatus::InReview,
        ReviewStatus::Approved,
        ReviewStatus::Disabled,
    ] {
        let current = open == Some(status);
        if count_of(status) > 0 || current {
            tabs.push(tab(status.key(), l.t(&status.word()), count_of(status), current));
        }
    }
    if counts.gone > 0 || is_deleted {
        tabs.push(tab(DELETED, l.t("review-deleted"), counts.gone, is_deleted));
    }
    tabs
}

/// An event of a timeline.
#[derive(Debug)]
pub struct TimelineEntry {
    /// When it happened.
    pub at: Moment,
    /// What happened, in a sentence.
    pub sentence: String,
    /// The vendor message, or the previous text.
    pub more: String,
    /// The tone that it is shown in.
    pub tone: Tone,
    /// Its icon in `icons.svg`.
    pub mark: &'static str,
    /// The application that was submitted, if the event is one.
    pub application: Option<ApplicationId>,
}

/// Returns the timeline of a signature or template, oldest event first.
pub async fn timeline(app: &App, l: &Layout, row: Row) -> Result<Vec<TimelineEntry>, WebError> {
    let events = review_events::of(&app.db, row).await?;
    Ok(events
        .into_iter()
        .map(|row| {
            let (tone, mark) = match (row.event, row.status) {
                (Event::Missing | Event::Deleted, _) => (Tone::Quiet, "mark-stopped"),
                (Event::ChangedByVendor, _) => (Tone::Doubtful, "mark-doubt"),
                (Event::Status | Event::Imported, Some(status)) => (status.tone(), status.mark()),
                _ => (Tone::Quiet, "mark-submitted"),
            };
            let status = row.status.map(|status| l.t(&status.word())).unwrap_or_default();
            let person = row.person.unwrap_or_default();
            let key = if person.is_empty() { "vendor" } else { "person" };
            let sentence = l.with(
                &format!("timeline-{}-{key}", row.event.key()),
                &[("person", person.into()), ("status", status.into())],
            );
            let more = match row.event {
                Event::ChangedByVendor => l.with("timeline-before", &[("text", row.before.into())]),
                Event::DestinationChanged => {
                    let before = l.destination(row.before == "international");
                    l.with("timeline-before", &[("text", before.into())])
                }
                _ if row.reason.is_empty() => String::new(),
                _ => l.with("review-vendor-says", &[("words", row.reason.into())]),
            };
            let at = l.moment(row.at);
            TimelineEntry { at, sentence, more, tone, mark, application: row.application }
        })
        .collect())
}

/// The review status as pages show it: deleted and missing take precedence over the last status of
/// the vendor.
#[derive(Debug)]
pub enum Standing {
    /// A review status of the vendor.
    Status(Status),
    /// A status of the console: its CSS class and text.
    Local(&'static str, String),
}

impl Standing {
    /// Returns the status of one that may be deleted, or missing at the vendor.
    pub fn of(l: &Layout, status: ReviewStatus, missing: bool, deleted: bool) -> Self {
        if deleted {
            Self::Local("", l.t("review-deleted"))
        } else if missing {
            Self::Local("doubtful", l.t("review-missing"))
        } else {
            Self::Status(Status::new(&status, l.texts))
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            // Class and text are the console's own: nothing needs escaping.
            Self::Local(class, text) => {
                let mark = crate::web::ui::status::Drawing::mark(if class.is_empty() {
                    "mark-stopped"
                } else {
                    "mark-doubt"
                });
                write!(f, "<span class=\"status {class}\">{mark}{text}</span>")
            }
        }
    }
}

impl askama::filters::HtmlSafe for Standing {}

/// Whether a URL is about signatures or templates: both have the same actions below their lists.
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

/// Returns the navigation section of signatures or templates.
pub fn section(subject: Subject) -> Section {
    match subject {
        Subject::Signature => Section::Signatures,
        Subject::Template => Section::Templates,
    }
}

/// A form without fields.
#[derive(Debug, Deserialize)]
pub struct EmptyForm {}

/// Queries the vendor for the status of one now, and redirects to its page.
pub async fn refresh(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
    path: web::Path<(String, String)>,
    _form: Form<EmptyForm>,
) -> Result<HttpResponse, WebError> {
    let vendor_id = &path.1;
    let (project, by) = (member.project.id, Some(member.person.id));
    let exists = match subject {
        Subject::Signature => {
            signature_rows::by_sig_id(&app.db, project, vendor_id).await?.is_some()
        }
        Subject::Template => {
            template_rows::by_template_id(&app.db, project, vendor_id).await?.is_some()
        }
    };
    if !exists {
        return Err(WebError::NotFound);
    }
    let texts = member.texts(&request);
    let result = match subject {
        Subject::Signature => review::look_up_signature(&app, project, vendor_id, by).await,
        Subject::Template => review::look_up_template(&app, project, vendor_id, by).await,
    };
    let sentence = match result {
        Ok(found) => {
            let status = texts.t(&found.status.word());
            texts.with("review-refreshed", &[("status", status.into())])
        }
        Err(error) => super::review::import::lookup_error_text(texts, error)?,
    };
    flash::say(&request, &sentence);
    Ok(page::see_other(&member.urls().reviewed(subject, vendor_id)))
}

/// Queries the vendor for the status of all signatures or all templates, in the background.
pub async fn refresh_all(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    Kind(subject): Kind,
    _form: Form<EmptyForm>,
) -> Result<HttpResponse, WebError> {
    let ip = peer_ip(&request);
    let (project, by) = (member.project.id, member.person.id);
    let count = review::schedule_all_checks(&app, project, subject, by, &ip).await?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let message = member.texts(&request).with("review-refreshing", &[("count", count.into())]);
    flash::say(&request, &message);
    Ok(page::see_other(&member.urls().all_reviewed(subject)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_through_urls_and_invalid_ones_are_ignored() {
        let query = ListQuery::default();
        let at = OffsetDateTime::from_unix_timestamp(1_795_000_000).unwrap();
        let next = query.next("/list", Some((at, 7))).unwrap();
        let after = next.split("after=").nth(1).unwrap();
        assert_eq!(cursor(after), Some(Cursor { changed_at: at, id: 7 }));
        for invalid in ["", "-", "1", "x-1", "1-x", "99999999999999999999999999999999999-1"] {
            assert_eq!(cursor(invalid), None, "{invalid}");
        }
    }
}
