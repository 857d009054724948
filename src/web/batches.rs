//! `/batches`: the list, one batch as it goes, and what a person can say of it.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::components::Status;
use super::error::WebError;
use super::layout::{Layout, Section};
use super::ledger::Bar;
use super::member::Member;
use super::moment::Moment;
use super::page;
use crate::app::App;
use crate::db::batches::{self, Batch};
use crate::db::submissions;
use crate::domain::batch::BatchState;
use crate::domain::call_problem::CallProblem;
use crate::domain::ids::{BatchId, MessageId};
use crate::domain::message::Tally;
use crate::domain::role::Permission;

pub mod actions;
pub mod downloads;
pub mod draft;
pub mod in_doubt;
pub mod live;
pub mod new;
pub mod preview;
pub mod resend;
pub mod watch;

/// Rows of a page of the list of batches.
const BATCHES: i64 = 30;
/// Troubles and doubts shown.
const TROUBLES: i64 = 20;
/// Where in a list one is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct After {
    after: Option<MessageId>,
    before: Option<BatchId>,
    state: String,
}

/// One batch as a row of a list.
#[derive(Debug)]
pub struct BatchRow {
    /// The batch.
    pub batch: Batch,
    /// Where it is.
    pub address: String,
    /// Where it stands.
    pub status: Status,
    /// Its sum.
    pub bar: Bar,
    /// When it was ordered.
    pub at: Moment,
    /// Whether it moves by itself.
    pub going: bool,
}

impl BatchRow {
    /// Rows for `batches`, with their sums.
    pub async fn rows(app: &App, l: &Layout, batches: Vec<Batch>) -> Result<Vec<Self>, WebError> {
        let ids: Vec<BatchId> = batches.iter().map(|batch| batch.id).collect();
        let tallies = batches::tallies(&app.db, &ids).await?;
        Ok(batches
            .into_iter()
            .zip(tallies)
            .map(|(batch, tally)| Self::new(l, batch, tally))
            .collect())
    }

    fn new(l: &Layout, batch: Batch, tally: Tally) -> Self {
        let label = l.with("batches-progress-of", &[("name", batch.name.as_str().into())]);
        Self {
            address: l.urls.batch(batch.id),
            status: Status::new(&Standing::of(&batch, &tally), l.texts),
            bar: Bar::thin(&tally, i64::from(batch.total), l.texts, label),
            at: l.made_at(batch.id),
            going: batch.state != BatchState::Draft && tally.open() > 0,
            batch,
        }
    }
}

/// A batch's state as people put it: done means that nothing is left to submit, and whether all
/// receipts are there is said as well.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    state: BatchState,
    awaiting_receipts: bool,
    in_doubt: bool,
}

impl Standing {
    fn of(batch: &Batch, tally: &Tally) -> Self {
        Self {
            state: batch.state,
            awaiting_receipts: tally.submitted > 0,
            in_doubt: tally.in_doubt > 0,
        }
    }
}

impl super::components::Shown for Standing {
    fn tone(&self) -> super::components::Tone {
        use super::components::Tone;
        match self.state {
            BatchState::Done if self.in_doubt => Tone::Doubtful,
            BatchState::Done if self.awaiting_receipts => Tone::Going,
            state => state.tone(),
        }
    }

    fn mark(&self) -> &'static str {
        match self.state {
            BatchState::Done if self.in_doubt => "mark-doubt",
            BatchState::Done if self.awaiting_receipts => "mark-submitted",
            state => state.mark(),
        }
    }

    fn word(&self) -> String {
        match self.state {
            BatchState::Done if self.in_doubt => "batch-standing-in-doubt".to_owned(),
            BatchState::Done if self.awaiting_receipts => "batch-standing-awaiting".to_owned(),
            state => state.word(),
        }
    }
}

/// A tab of the list.
struct Tab {
    word: String,
    address: String,
    current: bool,
}

/// The states that have a tab of their own.
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
    /// Whether something in it moves by itself.
    fn going(&self) -> bool {
        self.rows.iter().any(|row| row.going)
    }
}

/// All batches, or those in one state, newest first.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    at: web::Query<After>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Batches).await?;
    let state = TABS.into_iter().find(|state| state.key() == at.state);
    let found = batches::list(&app.db, member.project.id, state, at.before, BATCHES).await?;
    let here = l.urls.batches();
    let key = state.map_or("", BatchState::key);
    let newest = at.before.map(|_| super::urls::with_query(&here, &[("state", key)]));
    let older = page::full(&found, BATCHES).map(|last| {
        super::urls::with_query(&here, &[("state", key), ("before", &last.id.to_string())])
    });
    let all = Tab { word: l.t("batches-all"), address: here.clone(), current: state.is_none() };
    let tabs = TABS.into_iter().map(|one| Tab {
        word: l.t(&format!("batch-state-{}", one.key())),
        address: super::urls::with_query(&here, &[("state", one.key())]),
        current: state == Some(one),
    });
    let tabs = std::iter::once(all).chain(tabs).collect();
    let rows = BatchRow::rows(&app, &l, found).await?;
    let may_send = member.may(Permission::Send);
    page::ok(&ListPage { rows, newest, older, may_send, tabs, filtered: state.is_some(), l })
}

async fn find(app: &App, member: &Member, id: &str) -> Result<Batch, WebError> {
    let id: BatchId = id.parse().map_err(|_| WebError::NotFound)?;
    batches::find(&app.db, member.project.id, id).await?.ok_or(WebError::NotFound)
}

/// What happened to a submission, in words: the code's, then the vendor's own.
pub(super) fn why(l: &Layout, submission: &submissions::Submission) -> String {
    if let Some(problem) = CallProblem::read(&submission.vendor_message) {
        return l.t(&format!("batch-problem-{}", problem.key()));
    }
    let words = submission
        .ret_code
        .filter(|code| *code != 0)
        .and_then(|code| l.texts.try_t(&format!("ret-{code}")));
    match (words, submission.vendor_message.as_str()) {
        (Some(words), "") => words,
        (Some(words), answer) => format!("{words} · {answer}"),
        (None, answer) => answer.to_owned(),
    }
}

/// A yes to something grave.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConfirmRequest {
    confirm: Option<String>,
}
