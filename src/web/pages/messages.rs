//! `/messages`: the message search. The filters are query parameters, so each search has a link.

pub mod columns;
pub mod export;
pub mod filters;
pub mod reveal;
pub mod sent_text;
pub mod timeline;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::app::App;
use crate::db::sending::message_search::{FoundMessage, MessageQuery, Next, RecentlyUsed, Source};
use crate::domain::accounts::role::Permission;
use crate::domain::ids::{MessageId, ProjectId};
use crate::domain::receipt_codes::Category;
use crate::domain::sending::message::MessageState;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::message_table::{Column, MessageTable, Viewer};
use filters::{Filters, ParsedFilters};

/// Rows on one page.
const ROWS_PER_PAGE: usize = 50;
/// Filters that are used less often.
const MORE_FILTERS: &[&str] =
    &["session", "batch", "signature", "code", "cause", "text", "sent_from", "sent_to", "source"];

#[derive(Template)]
#[template(path = "pages/messages/list.html")]
struct MessageListPage {
    l: Layout,
    parsed: ParsedFilters,
    used: Arc<RecentlyUsed>,
    rows: Option<MessageTable>,
    links: PageLinks,
    may_send: bool,
}

impl MessageListPage {
    fn typed(&self) -> &Filters {
        &self.parsed.typed
    }

    fn lists_template(&self) -> bool {
        self.used.template(&self.typed().template).is_some()
    }

    fn lists_signature(&self) -> bool {
        self.used.signature(&self.typed().signature).is_some()
    }

    /// Returns the input type of a time filter. Anything but a valid day is shown as it was typed.
    fn time_field(&self, name: &str) -> &'static str {
        let typed = self.typed().set().find(|(filter, _)| *filter == name);
        let typed = typed.map_or("", |(_, value)| value);
        let is_invalid = self.parsed.problem(name).is_some();
        if !is_invalid && typed.len() <= "2026-11-23".len() { "date" } else { "text" }
    }

    /// Returns the link to the next older page of this search.
    fn older(&self) -> Option<String> {
        let after = self.links.older.after()?.to_string();
        Some(self.parsed.href(&self.l.urls.messages(), &[("after", &after)]))
    }

    /// Returns the link to the next newer page of this search.
    fn newer(&self) -> Option<String> {
        let before = self.links.newer.after()?.to_string();
        Some(self.parsed.href(&self.l.urls.messages(), &[("before", &before)]))
    }

    /// Whether the search stopped before the page was full and continues among older messages.
    fn continues_older(&self) -> bool {
        matches!(self.links.older, Next::LookFurther(_))
    }

    /// Whether the search stopped before the page was full and continues among newer messages.
    fn continues_newer(&self) -> bool {
        matches!(self.links.newer, Next::LookFurther(_))
    }

    /// Returns the link to the first page of this search, on pages after it.
    fn newest(&self) -> Option<String> {
        let newer = self.links.newer.after();
        newer.map(|_| self.list_href())
    }

    /// Returns the link to this search, as the person may know it.
    fn list_href(&self) -> String {
        self.parsed.href(&self.l.urls.messages(), &[])
    }

    fn download_href(&self, kind: &str) -> String {
        self.parsed.href(&self.l.urls.messages_file(kind), &[])
    }
}

/// Where the search continues on both sides of a page.
struct PageLinks {
    newer: Next,
    older: Next,
}

/// Returns the requested page. If the newer messages do not fill a page, it is the newest one.
async fn load_page(
    app: &App,
    project: ProjectId,
    query: &MessageQuery,
    typed: &Filters,
) -> sqlx::Result<(Vec<FoundMessage>, PageLinks)> {
    if let Some(before) = typed.before {
        let found = app.message_search.page_before(project, query, before, ROWS_PER_PAGE).await?;
        if found.next != Next::End {
            let last = found
                .messages
                .last()
                .map_or(MessageId(before.0.saturating_add(1)), FoundMessage::id);
            return Ok((found.messages, PageLinks { newer: found.next, older: Next::After(last) }));
        }
    }
    let after = typed.after.filter(|_| typed.before.is_none());
    let found = app.message_search.page(project, query, after, ROWS_PER_PAGE).await?;
    let first = found.messages.first().map(FoundMessage::id);
    let newer = after.map(|after| first.unwrap_or(MessageId(after.0.saturating_sub(1))));
    let newer = newer.map_or(Next::End, Next::After);
    Ok((found.messages, PageLinks { newer, older: found.next }))
}

/// `/messages`: the messages that the filters find, newest first.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    filters: web::Query<Filters>,
) -> Result<HttpResponse, WebError> {
    let l = Layout::in_project(&member, &app, &request, Section::Messages).await?;
    let project = member.project.id;
    let used = app.message_search.recently_used(project).await?;
    let parsed = ParsedFilters::new(&app, &member, &l, filters.into_inner(), &used).await?;
    let may_send = member.may(Permission::Send);
    let Some(query) = parsed.query() else {
        let links = PageLinks { newer: Next::End, older: Next::End };
        return page::unprocessable(&MessageListPage {
            l,
            parsed,
            used,
            rows: None,
            links,
            may_send,
        });
    };
    let (messages, links) = load_page(&app, project, query, &parsed.typed).await?;
    let viewer = Viewer { l: &l, whole_phones: member.may(Permission::SeePhones) };
    let rows: Vec<_> = messages.iter().map(|message| viewer.logged(message)).collect();
    let rows = (!rows.is_empty()).then(|| {
        let table = MessageTable::new(&l, l.t("messages-caption"), rows);
        table.of_all_kinds(columns::hidden(&request))
    });
    page::ok(&MessageListPage { parsed, used, rows, links, may_send, l })
}
