//! `/batches`: the list of batches, the live page of one batch, and the actions on it.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::OffsetDateTime;

use super::components::Status;
use super::error::WebError;
use super::i18n::Texts;
use super::layout::{Layout, Section};
use super::ledger::Bar;
use super::member::Member;
use super::moment::Moment;
use super::page;
use super::pools::Pools;
use crate::app::App;
use crate::db::batches::{self, Batch};
use crate::db::submissions;
use crate::domain::batch::{BatchState, may_leave};
use crate::domain::call_problem::CallProblem;
use crate::domain::ids::{BatchId, MessageId};
use crate::domain::message::Tally;
use crate::domain::role::Permission;

pub mod access;
pub mod actions;
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

/// A batch as a row of a list.
#[derive(Debug)]
pub struct BatchRow {
    /// The batch.
    pub batch: Batch,
    /// Link to its page.
    pub href: String,
    /// Its state.
    pub status: Status,
    /// Its messages by state.
    pub bar: Bar,
    /// When it was ordered.
    pub at: Moment,
    /// Whether it still changes by itself.
    pub in_progress: bool,
}

impl BatchRow {
    /// Returns the rows for `batches`, in their order.
    pub async fn rows(app: &App, l: &Layout, batches: Vec<Batch>) -> Result<Vec<Self>, WebError> {
        let ids: Vec<BatchId> = batches.iter().map(|batch| batch.id).collect();
        let tallies = batches::tallies(&app.db, &ids).await?;
        Ok(batches
            .into_iter()
            .zip(tallies)
            .map(|(batch, tally)| Self::new(l, batch, tally))
            .collect())
    }

    fn new(l: &Layout, mut batch: Batch, tally: Tally) -> Self {
        batch.name = l.shown(&batch.name).into_owned();
        let label = l.with("batches-progress-of", &[("name", batch.name.as_str().into())]);
        Self {
            href: l.urls.batch(batch.id),
            status: Status::new(&BatchStatus::of(&batch, &tally, l.now()), l.texts),
            bar: Bar::thin(&tally, i64::from(batch.total), l.texts, label),
            at: l.moment(batch.since()),
            in_progress: batch.state != BatchState::Draft && tally.open() > 0,
            batch,
        }
    }
}

/// The state of a batch as pages show it. [`BatchState::Done`] means that nothing is left to
/// submit, so a done batch also shows whether it awaits receipts or has messages in doubt; one that
/// is [sending](BatchState::Sending) shows what it waits for instead.
#[derive(Debug, Clone, Copy)]
enum BatchStatus {
    State(BatchState),
    /// Nothing is left to submit; receipts are awaited.
    AwaitingReceipts,
    /// Nothing is left to submit; some messages are in doubt.
    InDoubt,
    /// Its trial batch was sent; the rest waits for the results.
    Trial,
    /// It waits for the hours for marketing.
    Night,
}

impl BatchStatus {
    fn of(batch: &Batch, tally: &Tally, now: OffsetDateTime) -> Self {
        match batch.state {
            BatchState::Done if tally.in_doubt > 0 => Self::InDoubt,
            BatchState::Done if tally.submitted > 0 => Self::AwaitingReceipts,
            BatchState::Sending if awaits_results(batch) => Self::Trial,
            BatchState::Sending if tally.queued > 0 && !may_leave(batch.purpose, now) => {
                Self::Night
            }
            state => Self::State(state),
        }
    }
}

impl super::components::Shown for BatchStatus {
    fn tone(&self) -> super::components::Tone {
        use super::components::Tone;
        match self {
            Self::State(state) => state.tone(),
            Self::InDoubt => Tone::Doubtful,
            Self::AwaitingReceipts | Self::Trial => Tone::Going,
            Self::Night => Tone::Quiet,
        }
    }

    fn mark(&self) -> &'static str {
        match self {
            Self::State(state) => state.mark(),
            Self::InDoubt => "mark-doubt",
            Self::AwaitingReceipts => "mark-submitted",
            Self::Trial | Self::Night => "mark-waiting",
        }
    }

    fn word(&self) -> String {
        match self {
            Self::State(state) => state.word(),
            Self::InDoubt => "batch-standing-in-doubt".to_owned(),
            Self::AwaitingReceipts => "batch-standing-awaiting".to_owned(),
            Self::Trial => "batch-standing-trial".to_owned(),
            Self::Night => "batch-standing-night".to_owned(),
        }
    }
}

/// Whether the trial batch of a batch was sent, and the rest waits for its results.
fn awaits_results(batch: &Batch) -> bool {
    batch.wave == 0 && batch.trial_sent_at.is_some()
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
#[template(path = "batches/list.html")]
struct ListPage {
    l: Layout,
    tabs: Vec<Tab>,
    rows: Vec<BatchRow>,
    newest: Option<String>,
    older: Option<String>,
    may_send: bool,
    filtered: bool,
}

impl ListPage {
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
    let l = member.layout(&app, &request, Section::Batches).await?;
    let state = TABS.into_iter().find(|state| state.key() == query.state);
    let found =
        batches::list(&app.db, member.project.id, state, query.before, BATCHES_PER_PAGE).await?;
    let list_href = l.urls.batches();
    let key = state.map_or("", BatchState::key);
    let newest = query.before.map(|_| super::urls::with_query(&list_href, &[("state", key)]));
    let older = page::full(&found, BATCHES_PER_PAGE).map(|last| {
        super::urls::with_query(&list_href, &[("state", key), ("before", &last.id.to_string())])
    });
    let all_tab =
        Tab { label: l.t("batches-all"), href: list_href.clone(), current: state.is_none() };
    let tabs = TABS.into_iter().map(|tab_state| Tab {
        label: l.t(&format!("batch-state-{}", tab_state.key())),
        href: super::urls::with_query(&list_href, &[("state", tab_state.key())]),
        current: state == Some(tab_state),
    });
    let tabs = std::iter::once(all_tab).chain(tabs).collect();
    let rows = BatchRow::rows(&app, &l, found).await?;
    let may_send = member.may(Permission::Send);
    page::ok(&ListPage { rows, newest, older, may_send, tabs, filtered: state.is_some(), l })
}

/// Returns a batch, with its name as the member sees it.
async fn find(app: &App, member: &Member, id: &str) -> Result<Batch, WebError> {
    let id: BatchId = id.parse().map_err(|_| WebError::NotFound)?;
    let batch = batches::find(&app.db, member.project.id, id).await?;
    let mut batch = batch.ok_or(WebError::NotFound)?;
    batch.name = member.sight(app).text(&batch.name).into_owned();
    Ok(batch)
}

/// Returns the text of a call problem.
pub fn problem_text(texts: Texts, problem: CallProblem) -> String {
    let key = format!("batch-problem-{}", problem.key());
    texts.with(&key, &[("status", problem.status().into())])
}

/// Returns why a submission ended as it did: the text of its call problem, or the meaning of its
/// RetCode followed by the vendor message.
pub(super) fn explain(l: &Layout, submission: &submissions::Submission) -> String {
    if let Some(problem) = CallProblem::read(&submission.vendor_message) {
        return problem_text(l.texts, problem);
    }
    let meaning = submission
        .ret_code
        .filter(|code| *code != 0)
        .and_then(|code| l.texts.try_t(&format!("ret-{code}")));
    match (meaning, submission.vendor_message.as_str()) {
        (Some(meaning), "") => meaning,
        (Some(meaning), message) => format!("{meaning} · {}", l.sight().vendor_text(message, "")),
        (None, message) => l.sight().vendor_text(message, "").into_owned(),
    }
}

/// The form of an action that may ask for confirmation.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConfirmForm {
    confirm: Option<String>,
}
