//! `/replies`: what people texted back, a row per phone. Whoever of the team reads one has read it
//! for all.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::OffsetDateTime;

use super::error::WebError;
use super::layout::{Layout, Section};
use super::member::Member;
use super::moment::Moment;
use super::page;
use super::urls::with_query;
use crate::app::App;
use crate::db::conversations::{self, Conversation, Cursor, Filter, Next, Show};
use crate::domain::phone::{Phone, masked};
use crate::domain::role::Permission;

pub mod actions;
pub mod conversation;
pub mod export;
pub mod opt_out_keywords;

/// Rows of a page.
const A_PAGE: i64 = 50;

/// Which of the list is wanted, as the address says it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    phone: String,
    q: String,
    show: String,
    after: String,
}

impl Wanted {
    fn show(&self) -> Show {
        Show::ALL.into_iter().find(|show| show.key() == self.show).unwrap_or_default()
    }

    fn filter(&self) -> Filter {
        let without_nuls = |text: &str| text.trim().replace('\0', "");
        Filter {
            show: self.show(),
            phone: match Phone::parse(&self.phone) {
                Ok(phone) => phone.as_str().to_owned(),
                Err(_) => without_nuls(&self.phone),
            },
            words: without_nuls(&self.q).to_lowercase(),
            after: cursor(&self.after),
            limit: A_PAGE,
        }
    }

    fn is_search(&self) -> bool {
        !self.phone.trim().is_empty() || !self.q.trim().is_empty()
    }

    /// What is asked for, by its name in the address.
    fn set(&self, show: Show) -> impl Iterator<Item = (&'static str, &str)> {
        let show = if show == Show::All { "" } else { show.key() };
        let all = [("show", show), ("phone", self.phone.trim()), ("q", self.q.trim())];
        all.into_iter().filter(|(_, value)| !value.is_empty())
    }

    /// The list, as it is asked for, or another part of it.
    fn address(&self, l: &Layout, show: Show, after: Option<&str>) -> String {
        self.of(l.urls.replies(), show, after)
    }

    /// The file of what is asked for.
    fn file(&self, l: &Layout) -> String {
        self.of(l.urls.replies_csv(), self.show(), None)
    }

    fn of(&self, page: String, show: Show, after: Option<&str>) -> String {
        let after = after.map(|after| ("after", after));
        let query: Vec<(&str, &str)> = self.set(show).chain(after).collect();
        if query.is_empty() { page } else { with_query(&page, &query) }
    }
}

fn cursor(text: &str) -> Option<Cursor> {
    let (micros, id) = text.split_once('_')?;
    Some(Cursor { at: read_micros(micros)?, id: id.parse().ok()? })
}

/// A time in an address.
fn micros(at: OffsetDateTime) -> i128 {
    at.unix_timestamp_nanos() / 1_000
}

fn read_micros(text: &str) -> Option<OffsetDateTime> {
    let nanos = text.parse::<i128>().ok()?.checked_mul(1_000)?;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()
}

struct Tab {
    address: String,
    word: String,
    current: bool,
}

struct Line {
    address: String,
    phone: String,
    copyable: bool,
    words: String,
    unread: i32,
    opted_out: bool,
    replies: i32,
    at: Moment,
}

#[derive(Template)]
#[template(path = "replies/list.html")]
struct ListPage {
    l: Layout,
    tabs: Vec<Tab>,
    lines: Vec<Line>,
    wanted: Wanted,
    filtered: bool,
    first: Option<String>,
    next: Option<String>,
    /// The page ends before it is full, and may go on.
    looks_further: bool,
    file: String,
    may_manage: bool,
}

/// The list, the newest reply first.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, WebError> {
    let wanted = wanted.into_inner();
    let filter = wanted.filter();
    let found = conversations::list(&app.db, member.project.id, &filter).await?;
    let l = member.layout(&app, &request, Section::Replies).await?;
    let next = found.next.cursor().map(|last| {
        let after = format!("{}_{}", micros(last.at), last.id);
        wanted.address(&l, filter.show, Some(&after))
    });
    let tab = |show: Show| Tab {
        address: wanted.address(&l, show, None),
        word: l.t(&format!("replies-show-{}", show.key())),
        current: show == filter.show,
    };
    let whole = member.may(Permission::SeePhones);
    let page = ListPage {
        tabs: Show::ALL.map(tab).into(),
        lines: found.conversations.into_iter().map(|one| line(&l, one, whole)).collect(),
        filtered: wanted.is_search() || filter.show != Show::All || filter.after.is_some(),
        first: filter.after.map(|_| wanted.address(&l, filter.show, None)),
        next,
        looks_further: matches!(found.next, Next::LookFurther(_)),
        file: wanted.file(&l),
        may_manage: member.may(Permission::Manage),
        wanted,
        l,
    };
    page::ok(&page)
}

fn line(l: &Layout, one: Conversation, whole: bool) -> Line {
    Line {
        address: l.urls.conversation(one.id),
        phone: if whole { one.phone } else { masked(&one.phone) },
        copyable: whole,
        words: one.last_text,
        unread: one.unread,
        opted_out: one.opted_out,
        replies: one.replies,
        at: l.moment(one.last_at),
    }
}
