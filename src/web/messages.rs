//! `/messages`: the log. What is wanted stands in the address.

pub mod export;
pub mod filters;
pub mod story;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::error::WebError;
use super::layout::{Layout, Section};
use super::member::Member;
use super::message_rows::{Eyes, MessageRows};
use super::page;
use crate::app::App;
use crate::db::log::{self, Next, UsedLately};
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
    used: UsedLately,
    rows: Option<MessageRows>,
    next: Next,
    may_send: bool,
}

impl ListPage {
    fn typed(&self) -> &Filters {
        &self.read.typed
    }

    fn lists_template(&self) -> bool {
        self.used.templates.iter().any(|(id, _)| *id == self.typed().template)
    }

    fn lists_signature(&self) -> bool {
        self.used.signatures.iter().any(|(id, _)| *id == self.typed().signature)
    }

    /// A day has a field of its own. What is no day is shown as it was typed.
    fn time_field(&self, name: &str) -> &'static str {
        let typed = if name == "from" { &self.typed().from } else { &self.typed().to };
        let fault = self.read.problem(name).is_some();
        if !fault && typed.len() <= "2026-11-23".len() { "date" } else { "text" }
    }

    /// The same question, further back.
    fn older(&self) -> Option<String> {
        let after = self.next.after()?.to_string();
        Some(self.read.address(&self.l.urls.messages(), &[("after", &after)]))
    }

    fn looks_further(&self) -> bool {
        matches!(self.next, Next::LookFurther(_))
    }

    /// The same question from the newest on, when one has gone back.
    fn newest(&self) -> Option<String> {
        let back = self.typed().after.is_some();
        back.then(|| self.read.address(&self.l.urls.messages(), &[]))
    }

    fn file(&self, kind: &str) -> String {
        self.read.address(&self.l.urls.messages_file(kind), &[])
    }
}

/// All messages that the address asks for, newest first.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    typed: web::Query<Filters>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Messages).await?;
    let read = Read::new(&app, &member, &l, typed.into_inner()).await?;
    let project = member.project.id;
    let used = log::used_lately(&app.db, project).await?;
    let may_send = member.may(Permission::Send);
    let Some(wanted) = read.wanted() else {
        let next = Next::End;
        return page::unprocessable(&ListPage { l, read, used, rows: None, next, may_send });
    };
    let found = log::page(&app.db, project, wanted, read.typed.after, ROWS).await?;
    let eyes = Eyes { l: &l, whole_phones: member.may(Permission::SeePhones) };
    let rows: Vec<_> = found.messages.iter().map(|message| eyes.logged(message)).collect();
    let rows = (!rows.is_empty())
        .then(|| MessageRows::new(&l, l.t("messages-caption"), rows).of_all_kinds());
    page::ok(&ListPage { read, used, rows, next: found.next, may_send, l })
}
