//! `/batches`: the list of batches, the live page of one batch, and the actions on it.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::app::App;
use crate::db::sending::batches::{self, Batch};
use crate::domain::accounts::role::Permission;
use crate::domain::ids::{BatchId, MessageId};
use crate::domain::sending::batch::BatchState;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::page;
use crate::web::http::pools::Pools;
use crate::web::ui::batch_row::BatchRow;
use crate::web::ui::layout::{Layout, Section};

pub mod actions;
pub mod confirm_fields;
pub mod downloads;
pub mod draft;
pub mod events;
mod hidden;
pub mod in_doubt;
pub mod live;
pub mod new;
mod parts;
pub mod preview;
mod questions;
pub mod read_options;
pub mod rejected;
pub mod resend;
pub mod send_back;
mod unreadable;
mod verdicts;
pub mod watch;

/// Rows on one page of the list of batches.
const BATCHES_PER_PAGE: i64 = 30;

/// Query parameters of the list of batches and of a batch's messages.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PageQuery {
    after: Option<MessageId>,
    before: Option<BatchId>,
    state: String,
}

/// A tab of the list.
struct Tab {
    label: String,
    href: String,
    current: bool,
}

/// The states that have their own tab.
const TABS: [BatchState; 7] = [
    BatchState::Draft,
    BatchState::AwaitingApproval,
    BatchState::Scheduled,
    BatchState::Sending,
    BatchState::Paused,
    BatchState::Done,
    BatchState::Cancelled,
];

#[derive(Template)]
#[template(path = "pages/batches/list.html")]
struct BatchListPage {
    l: Layout,
    tabs: Vec<Tab>,
    rows: Vec<BatchRow>,
    newest: Option<String>,
    older: Option<String>,
    may_send: bool,
    filtered: bool,
}

impl BatchListPage {
    /// Whether any of the batches still changes by itself.
    fn in_progress(&self) -> bool {
        self.rows.iter().any(|row| row.in_progress)
    }
}

/// `/batches`: all batches, or those in one state, newest first.
pub async fn list(
    app: web::Data<App>,
    pools: web::Data<Pools>,
    member: Member,
    request: HttpRequest,
    query: web::Query<PageQuery>,
) -> Result<HttpResponse, WebError> {
    let app = pools.lists(&app);
    let l = Layout::in_project(&member, &app, &request, Section::Batches).await?;
    let state = TABS.into_iter().find(|state| state.key() == query.state);
    let found =
        batches::list(&app.db, member.project.id, state, query.before, BATCHES_PER_PAGE).await?;
    let list_href = l.urls.batches();
    let key = state.map_or("", BatchState::key);
    let newest =
        query.before.map(|_| crate::web::http::urls::with_query(&list_href, &[("state", key)]));
    let older = page::full(&found, BATCHES_PER_PAGE).map(|last| {
        crate::web::http::urls::with_query(
            &list_href,
            &[("state", key), ("before", &last.id.to_string())],
        )
    });
    let all_tab =
        Tab { label: l.t("batches-all"), href: list_href.clone(), current: state.is_none() };
    let tabs = TABS.into_iter().map(|tab_state| Tab {
        label: l.t(&format!("batch-state-{}", tab_state.key())),
        href: crate::web::http::urls::with_query(&list_href, &[("state", tab_state.key())]),
        current: state == Some(tab_state),
    });
    let tabs = std::iter::once(all_tab).chain(tabs).collect();
    let rows = BatchRow::rows(&app, &l, found).await?;
    let may_send = member.may(Permission::Send);
    page::ok(&BatchListPage { rows, newest, older, may_send, tabs, filtered: state.is_some(), l })
}

/// Returns a batch, with its name as the member sees it.
async fn find(app: &App, member: &Member, id: &str) -> Result<Batch, WebError> {
    let id: BatchId = id.parse().map_err(|_| WebError::NotFound)?;
    let batch = batches::find(&app.db, member.project.id, id).await?;
    let mut batch = batch.ok_or(WebError::NotFound)?;
    batch.name = member.sight(app).text(&batch.name).into_owned();
    Ok(batch)
}

/// Refuses those who may approve, but not this batch. Their own batch says so by itself.
fn check_may_decide(member: &Member, batch: &Batch) -> Result<(), WebError> {
    let may = batch.ordered_by == member.person.id || member.may_decide_on(batch.ordered_by);
    if may { Ok(()) } else { Err(WebError::Forbidden) }
}

/// The form of an action that may ask for confirmation.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConfirmForm {
    confirm: Option<String>,
}
