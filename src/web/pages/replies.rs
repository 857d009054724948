//! `/replies`: the conversations, one row per phone. When one member has read a reply, it is read
//! for the whole team.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::OffsetDateTime;

use crate::app::App;
use crate::db::replies::conversations::{self, Conversation, Cursor, Filter, Next, Show};
use crate::domain::accounts::role::Permission;
use crate::domain::accounts::sight::Sight;
use crate::domain::phone::{Phone, PhoneMask};
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::http::pools::Pools;
use crate::web::http::urls::with_query;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::moment::Moment;

pub mod actions;
pub mod conversation;
pub mod export;

/// Rows of a page.
const A_PAGE: i64 = 50;

/// The query parameters of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    phone: String,
    q: String,
    show: String,
    after: String,
}

impl ListQuery {
    fn show(&self) -> Show {
        Show::ALL.into_iter().find(|show| show.key() == self.show).unwrap_or_default()
    }

    /// Returns it as far as the member may know: of a phone, what its mask shows.
    fn shown_to(mut self, member: &Member) -> Self {
        if !member.may(Permission::SeePhones)
            && let Some(mask) = PhoneMask::parse(&self.phone)
        {
            self.phone = mask.shown();
        }
        self
    }

    fn filter(&self, member: &Member) -> Filter {
        let without_nuls = |text: &str| text.trim().replace('\0', "");
        let typed = without_nuls(&self.phone);
        let (phone, mask) = if member.may(Permission::SeePhones) || typed.is_empty() {
            (Phone::parse(&typed).map_or(typed, Phone::into_string), None)
        } else {
            match PhoneMask::parse(&typed) {
                Some(mask) => (mask.tail().to_owned(), Some(mask.pattern())),
                // No mask is empty.
                None => (typed, Some(String::new())),
            }
        };
        Filter {
            show: self.show(),
            phone,
            mask,
            masked: !member.may(Permission::SeePhones),
            words: without_nuls(&self.q).to_lowercase(),
            after: cursor(&self.after),
            limit: A_PAGE,
        }
    }

    fn is_search(&self) -> bool {
        !self.phone.trim().is_empty() || !self.q.trim().is_empty()
    }

    /// Returns the parameters that are set, by name.
    fn parameters(&self, show: Show) -> impl Iterator<Item = (&'static str, &str)> {
        let show = if show == Show::All { "" } else { show.key() };
        let all = [("show", show), ("phone", self.phone.trim()), ("q", self.q.trim())];
        all.into_iter().filter(|(_, value)| !value.is_empty())
    }

    /// Returns the URL of the list with these filters, on another tab or page.
    fn href(&self, l: &Layout, show: Show, after: Option<&str>) -> String {
        self.with_parameters(l.urls.replies(), show, after)
    }

    /// Returns the URL of the CSV file with these filters.
    fn file_href(&self, l: &Layout) -> String {
        self.with_parameters(l.urls.replies_csv(), self.show(), None)
    }

    fn with_parameters(&self, page: String, show: Show, after: Option<&str>) -> String {
        let after = after.map(|after| ("after", after));
        let query: Vec<(&str, &str)> = self.parameters(show).chain(after).collect();
        if query.is_empty() { page } else { with_query(&page, &query) }
    }
}

fn cursor(text: &str) -> Option<Cursor> {
    let (micros, id) = text.split_once('_')?;
    Some(Cursor { at: read_micros(micros)?, id: id.parse().ok()? })
}

/// Returns a time as microseconds since 1970, as cursors have it.
fn micros(at: OffsetDateTime) -> i128 {
    at.unix_timestamp_nanos() / 1_000
}

fn read_micros(text: &str) -> Option<OffsetDateTime> {
    let nanos = text.parse::<i128>().ok()?.checked_mul(1_000)?;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()
}

struct Tab {
    href: String,
    label: String,
    /// How many conversations it has, if these need a person.
    count: Option<String>,
    current: bool,
}

struct ConversationLine {
    href: String,
    phone: String,
    copyable: bool,
    text: String,
    unread: i32,
    opted_out: bool,
    undecided: bool,
    replies: i32,
    at: Moment,
}

#[derive(Template)]
#[template(path = "pages/replies/list.html")]
struct ConversationListPage {
    l: Layout,
    tabs: Vec<Tab>,
    lines: Vec<ConversationLine>,
    query: ListQuery,
    filtered: bool,
    first: Option<String>,
    next: Option<String>,
    /// The search stopped before the page was full; the next page continues it.
    looks_further: bool,
    file_href: String,
    may_manage: bool,
}

/// Shows the list, the newest reply first.
pub async fn list(
    app: web::Data<App>,
    pools: web::Data<Pools>,
    member: Member,
    request: HttpRequest,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let app = pools.lists(&app);
    let query = query.into_inner().shown_to(&member);
    let filter = query.filter(&member);
    let found = conversations::list(&app.db, member.project.id, &filter).await?;
    let undecided = conversations::count_undecided(&app.db, member.project.id).await?;
    let l = Layout::in_project(&member, &app, &request, Section::Replies).await?;
    let next = found.next.cursor().map(|last| {
        let after = format!("{}_{}", micros(last.at), last.id);
        query.href(&l, filter.show, Some(&after))
    });
    let tab = |show: Show| Tab {
        href: query.href(&l, show, None),
        label: l.t(&format!("replies-show-{}", show.key())),
        count: (show == Show::Undecided && undecided > 0).then(|| counted(&l, undecided)),
        current: show == filter.show,
    };
    let sight = member.sight(&app);
    let page = ConversationListPage {
        tabs: Show::ALL.map(tab).into(),
        lines: found.conversations.into_iter().map(|found| line(&l, found, sight)).collect(),
        filtered: query.is_search() || filter.show != Show::All || filter.after.is_some(),
        first: filter.after.map(|_| query.href(&l, filter.show, None)),
        next,
        looks_further: matches!(found.next, Next::LookFurther(_)),
        file_href: query.file_href(&l),
        may_manage: member.may(Permission::Manage),
        query,
        l,
    };
    page::ok(&page)
}

/// Returns a number that is counted up to a limit.
fn counted(l: &Layout, count: i64) -> String {
    let more = if count >= conversations::MAX_COUNTED { "+" } else { "" };
    format!("{}{more}", l.n(count))
}

fn line(l: &Layout, conversation: Conversation, sight: Sight) -> ConversationLine {
    ConversationLine {
        href: l.urls.conversation(conversation.id),
        phone: sight.phone(&conversation.phone),
        copyable: sight.whole_phones,
        text: sight.beginning(&conversation.last_text, &conversation.phone).into_owned(),
        unread: conversation.unread,
        opted_out: conversation.opted_out,
        undecided: conversation.undecided,
        replies: conversation.replies,
        at: l.moment(conversation.last_at),
    }
}
