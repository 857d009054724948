//! `/batches`: the list, one batch as it goes, and what a person can say of it.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::stream;
use serde::Deserialize;

use super::clock_face::Moment;
use super::components::Status;
use super::error::WebError;
use super::flash;
use super::form::{Form, peer_address};
use super::layout::{Layout, Section};
use super::ledger::{Bar, Ledger};
use super::member::Member;
use super::message_rows::{Eyes, MessageRows};
use super::page;
use crate::app::App;
use crate::db::batches::{self, Batch};
use crate::db::{messages, submissions};
use crate::domain::batch::{BatchState, Hold, may_leave};
use crate::domain::ids::{BatchId, MessageId};
use crate::domain::message::Tally;
use crate::domain::role::Permission;
use crate::domain::trouble::Trouble;
use crate::ops::steer::{self, Step, Word};

pub mod doubts;

/// Rows of a page of the list of batches.
const BATCHES: i64 = 30;
/// Rows of a page of a batch's messages.
const MESSAGES: i64 = 100;
/// Troubles and doubts shown.
const TROUBLES: i64 = 20;
/// How often a batch that is watched is looked at, and after how many looks a silent line is kept
/// alive.
const LOOK: std::time::Duration = std::time::Duration::from_secs(1);
const HEARTBEAT_LOOKS: u32 = 15;

/// Where in a list one is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct After {
    after: Option<MessageId>,
    before: Option<BatchId>,
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
            status: Status::new(&Standing::of(&batch, &tally), l.words),
            bar: Bar::thin(&tally, i64::from(batch.total), l.words, label),
            at: l.made_at(batch.id),
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

#[derive(Template)]
#[template(path = "batches/list.html")]
struct ListPage {
    l: Layout,
    rows: Vec<BatchRow>,
    older: Option<String>,
    may_send: bool,
}

/// All batches, newest first.
pub async fn list(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    at: web::Query<After>,
) -> Result<HttpResponse, WebError> {
    let l = member.layout(&app, &request, Section::Batches).await?;
    let found = batches::list(&app.db, member.project.id, at.before, BATCHES).await?;
    let older = page::full(&found, BATCHES).map(|last| {
        super::urls::with_query(&l.urls.batches(), &[("before", &last.id.to_string())])
    });
    let rows = BatchRow::rows(&app, &l, found).await?;
    page::ok(&ListPage { rows, older, may_send: member.may(Permission::Send), l })
}

#[derive(Template)]
#[template(path = "batches/batch.html")]
struct BatchPage {
    l: Layout,
    live: LivePart,
}

#[derive(Template)]
#[template(path = "batches/live.html")]
struct LiveOnly {
    live: LivePart,
}

/// What changes while a batch goes: it is drawn into the page and fetched again alone.
#[derive(Template)]
#[template(path = "batches/_live.html")]
struct LivePart {
    l: Layout,
    batch: Batch,
    status: Status,
    tally: Tally,
    ledger: Ledger,
    rows: MessageRows,
    older: Option<String>,
    sessions: Vec<String>,
    troubles: Vec<TroubleRow>,
    may_send: bool,
    may_approve: bool,
    own: bool,
    quiet: bool,
    pieces: Vec<super::send::view::Piece>,
    signature: String,
}

struct TroubleRow {
    at: Option<Moment>,
    code: Option<i32>,
    what: String,
    n: i32,
}

impl askama::filters::HtmlSafe for LivePart {}

impl LivePart {
    fn goes_on(&self) -> bool {
        self.tally.open() > 0
    }

    fn left(&self) -> i64 {
        self.tally.queued
    }

    fn can_pause(&self) -> bool {
        matches!(self.batch.state, BatchState::Sending | BatchState::Scheduled) && self.left() > 0
    }

    fn can_resume(&self) -> bool {
        self.batch.state == BatchState::Paused
    }

    fn can_cancel(&self) -> bool {
        self.batch.state.can_cancel() && self.left() > 0
    }

    /// What the vendor said about it; where it said nothing, the heading says what happened.
    fn hold_words(&self) -> &str {
        let detail = self.batch.hold_detail.as_str();
        if Trouble::read(detail).is_some() { "" } else { detail }
    }

    fn hold_key(&self) -> Option<&'static str> {
        self.batch.hold.map(Hold::key)
    }
}

/// One batch: how far it is, each phone, and what a person can do.
pub async fn one(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    at: web::Query<After>,
) -> Result<HttpResponse, WebError> {
    let live = live_part(&app, &member, &request, &path.1, at.after).await?;
    let l = member.layout(&app, &request, Section::Batches).await?;
    page::ok(&BatchPage { l, live })
}

/// What changes on the page of a batch, alone.
pub async fn live(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    at: web::Query<After>,
) -> Result<HttpResponse, WebError> {
    let live = live_part(&app, &member, &request, &path.1, at.after).await?;
    page::ok(&LiveOnly { live })
}

async fn find(app: &App, member: &Member, id: &str) -> Result<Batch, WebError> {
    let id: BatchId = id.parse().map_err(|_| WebError::NotFound)?;
    batches::find(&app.db, member.project.id, id).await?.ok_or(WebError::NotFound)
}

async fn live_part(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    id: &str,
    after: Option<MessageId>,
) -> Result<LivePart, WebError> {
    let batch = find(app, member, id).await?;
    let l = member.layout(app, request, Section::Batches).await?;
    let tally =
        batches::tallies(&app.db, &[batch.id]).await?.into_iter().next().unwrap_or_default();
    let found = messages::of_batch(&app.db, member.project.id, batch.id, after, MESSAGES).await?;
    let older = page::full(&found, MESSAGES).map(|last| {
        super::urls::with_query(&l.urls.batch(batch.id), &[("after", &last.id.to_string())])
    });
    let eyes = Eyes { l: &l, whole_phones: member.may(Permission::SeePhones) };
    let sample = found.first().map(|one| one.params.clone()).unwrap_or_default();
    let rows = found.iter().map(|message| eyes.ours(message)).collect();
    let caption = l.t("batch-messages-caption");
    Ok(LivePart {
        status: Status::new(&Standing::of(&batch, &tally), l.words),
        ledger: Ledger::new(&tally, i64::from(batch.total), l.words),
        rows: MessageRows::new(&l, caption, rows).of_one_batch(),
        older,
        sessions: submissions::sessions(&app.db, batch.id, TROUBLES).await?,
        troubles: troubles(app, &l, batch.id).await?,
        may_send: member.may(Permission::Send),
        may_approve: member.may(Permission::Approve) && batch.ordered_by != member.person.id,
        own: batch.ordered_by == member.person.id,
        quiet: tally.queued > 0 && !may_leave(batch.purpose, app.clock.now()),
        pieces: super::send::view::pieces_of(&batch.template_text, &sample),
        signature: crate::domain::text::bracketed(&batch.sig_content, batch.international),
        tally,
        batch,
        l,
    })
}

async fn troubles(app: &App, l: &Layout, batch: BatchId) -> Result<Vec<TroubleRow>, WebError> {
    let found = submissions::troubles(&app.db, batch, TROUBLES).await?;
    Ok(found
        .into_iter()
        .map(|one| TroubleRow {
            at: one.answered_at.or(one.sent_at).map(|at| l.moment(at)),
            code: one.ret_code,
            what: why(l, &one),
            n: one.n,
        })
        .collect())
}

/// What happened to a submission, in words: the code's, then the vendor's own.
fn why(l: &Layout, submission: &submissions::Submission) -> String {
    if let Some(trouble) = Trouble::read(&submission.answer) {
        return l.t(&format!("batch-trouble-{}", trouble.key()));
    }
    let words = submission
        .ret_code
        .filter(|code| *code != 0)
        .and_then(|code| l.words.try_t(&format!("ret-{code}")));
    match (words, submission.answer.as_str()) {
        (Some(words), "") => words,
        (Some(words), answer) => format!("{words} · {answer}"),
        (None, answer) => answer.to_owned(),
    }
}

/// A yes to something grave.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Yes {
    confirm: Option<String>,
}

#[derive(Template)]
#[template(path = "batches/cancel.html")]
struct CancelPage {
    l: Layout,
    batch: Batch,
    left: i64,
}

/// `…/pause`.
pub async fn pause(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    _: Form<Yes>,
) -> Result<HttpResponse, WebError> {
    step(&app, &member, &request, &path.1, Step::Pause).await
}

/// `…/resume`.
pub async fn resume(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    _: Form<Yes>,
) -> Result<HttpResponse, WebError> {
    step(&app, &member, &request, &path.1, Step::Resume).await
}

/// `…/approve`.
pub async fn approve(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    _: Form<Yes>,
) -> Result<HttpResponse, WebError> {
    step(&app, &member, &request, &path.1, Step::Approve).await
}

/// `…/cancel`: asks for a yes first, since it cannot be undone.
pub async fn cancel(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form<Yes>,
) -> Result<HttpResponse, WebError> {
    if form.into_inner().confirm.is_some() {
        return step(&app, &member, &request, &path.1, Step::Cancel).await;
    }
    let batch = find(&app, &member, &path.1).await?;
    let tally =
        batches::tallies(&app.db, &[batch.id]).await?.into_iter().next().unwrap_or_default();
    let l = member.layout(&app, &request, Section::Batches).await?;
    page::ok(&CancelPage { l, batch, left: tally.queued })
}

async fn step(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    id: &str,
    step: Step,
) -> Result<HttpResponse, WebError> {
    let batch = find(app, member, id).await?;
    let address = peer_address(request);
    let word = Word {
        project: member.project.id,
        batch: batch.id,
        by: member.person.id,
        address: &address,
    };
    let moved = steer::take(app, word, step).await?;
    let said = match (moved, step) {
        (false, _) => "batch-not-moved",
        (true, Step::Pause) => "batch-moved-pause",
        (true, Step::Resume) => "batch-moved-resume",
        (true, Step::Cancel) => "batch-moved-cancel",
        (true, Step::Approve) => "batch-moved-approve",
    };
    flash::say(request, &member.words(request).t(said));
    Ok(page::see_other(&member.urls().batch(batch.id)))
}

/// `…/events`: says each time the batch's sum has changed, until all messages are final.
pub async fn events(
    app: web::Data<App>,
    member: Member,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let changes = stream::unfold((app, batch.id, None), |(app, id, last)| async move {
        let (tally, line) = next_change(&app, id, last).await?;
        Some((Ok::<_, std::io::Error>(web::Bytes::from(line)), (app, id, Some(tally))))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Compression would hold events back.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .streaming(changes))
}

/// Waits for the next change of the sum; nothing follows when all messages are final.
async fn next_change(app: &App, id: BatchId, last: Option<Tally>) -> Option<(Tally, String)> {
    if last.is_some_and(|tally| tally.open() == 0) {
        return None;
    }
    for _ in 0..HEARTBEAT_LOOKS {
        let tally = batches::tallies(&app.db, &[id]).await.ok()?.into_iter().next()?;
        if Some(tally) != last {
            let data = serde_json::json!({
                "sent": tally.sent(), "delivered": tally.delivered, "failed": tally.failed,
                "open": tally.open(),
            });
            return Some((tally, format!("event: tally\ndata: {data}\n\n")));
        }
        tokio::time::sleep(LOOK).await;
    }
    last.map(|tally| (tally, ": still here\n\n".to_owned()))
}
