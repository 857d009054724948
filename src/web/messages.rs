//! `/messages`: the log. What is wanted stands in the address.

pub mod export;
pub mod filters;
pub mod timeline;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::error::WebError;
use super::layout::{Layout, Section};
use super::member::Member;
use super::message_table::{MessageTable, Viewer};
use super::page;
use crate::app::App;
use crate::db::message_search::{FoundMessage, MessageQuery, Next, RecentlyUsed};
use crate::domain::ids::{MessageId, ProjectId};
use crate::domain::message::MessageState;
use crate::domain::receipt_codes::Category;
use crate::domain::role::Permission;
use filters::{Filters, Read};

/// Rows of a page.
const ROWS: usize = 50;
/// Filters that are asked for less often.
const MORE: &[&str] = &["session", "batch", "signature", "code", "cause", "text"];

#[derive(Template)]
#[template(path = "messages/list.html")]
struct ListPage {
    l: Layout,
    read: Read,
    used: Arc<RecentlyUsed>,
    rows: Option<MessageTable>,
    turn: Turn,
    may_send: bool,
}

impl ListPage {
    fn typed(&self) -> &Filters {
        &self.read.typed
    }

    fn lists_template(&self) -> bool {
        self.used.template(&self.typed().template).is_some()
    }

    fn lists_signature(&self) -> bool {
        self.used.signature(&self.typed().signature).is_some()
    }

    /// A day has a field of its own. What is no day is shown as it was typed.
    fn time_field(&self, name: &str) -> &'static str {
        let typed = if name == "from" { &self.typed().from } else { &self.typed().to };
        let fault = self.read.problem(name).is_some();
        if !fault && typed.len() <= "2026-11-23".len() { "date" } else { "text" }
    }

    /// The same question, further back.
    fn older(&self) -> Option<String> {
        let after = self.turn.older.after()?.to_string();
        Some(self.read.address(&self.l.urls.messages(), &[("after", &after)]))
    }

    /// The same question, a page further on.
    fn newer(&self) -> Option<String> {
        let before = self.turn.newer.after()?.to_string();
        Some(self.read.address(&self.l.urls.messages(), &[("before", &before)]))
    }

    /// The page ends before it is full, and goes on among older ones.
    fn looks_further(&self) -> bool {
        matches!(self.turn.older, Next::LookFurther(_))
    }

    /// The page ends before it is full, and goes on among newer ones.
    fn looks_further_on(&self) -> bool {
        matches!(self.turn.newer, Next::LookFurther(_))
    }

    /// The same question from the newest on, when one has gone back.
    fn newest(&self) -> Option<String> {
        let back = self.turn.newer.after();
        back.map(|_| self.read.address(&self.l.urls.messages(), &[]))
    }

    fn file(&self, kind: &str) -> String {
        self.read.address(&self.l.urls.messages_file(kind), &[])
    }
}

/// What lies on both sides of a page.
struct Turn {
    newer: Next,
    older: Next,
}

/// The page that the address asks for. Where newer ones do not fill one, it is the newest.
async fn turned(
    app: &App,
    project: ProjectId,
    wanted: &MessageQuery,
    typed: &Filters,
) -> sqlx::Result<(Vec<FoundMessage>, Turn)> {
    if let Some(before) = typed.before {
        let found = app.log.page_before(project, wanted, before, ROWS).await?;
        if found.next != Next::End {
            let last = found
                .messages
                .last()
                .map_or(MessageId(before.0.saturating_add(1)), FoundMessage::id);
            return Ok((found.messages, Turn { newer: found.next, older: Next::After(last) }));
        }
    }
    let after = typed.after.filter(|_| typed.before.is_none());
    let found = app.log.page(project, wanted, after, ROWS).await?;
    let first = found.messages.first().map(FoundMessage::id);
    let newer = after.map(|after| first.unwrap_or(MessageId(after.0.saturating_sub(1))));
    let newer = newer.map_or(Next::End, Next::After);
    Ok((found.messages, Turn { newer, older: found.next }))
}

/// All messages that the address asks for, newest first.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    typed: web::Query<Filters>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Messages).await?;
    let project = member.project.id;
    let used = app.log.recently_used(project).await?;
    let read = Read::new(&app, &member, &l, typed.into_inner(), &used).await?;
    let may_send = member.may(Permission::Send);
    let Some(wanted) = read.wanted() else {
        let turn = Turn { newer: Next::End, older: Next::End };
        return page::unprocessable(&ListPage { l, read, used, rows: None, turn, may_send });
    };
    let (messages, turn) = turned(&app, project, wanted, &read.typed).await?;
    let eyes = Viewer { l: &l, whole_phones: member.may(Permission::SeePhones) };
    let rows: Vec<_> = messages.iter().map(|message| eyes.logged(message)).collect();
    let rows = (!rows.is_empty())
        .then(|| MessageTable::new(&l, l.t("messages-caption"), rows).of_all_kinds());
    page::ok(&ListPage { read, used, rows, turn, may_send, l })
}
