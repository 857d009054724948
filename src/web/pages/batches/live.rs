//! `/batches/{id}`: the live page of a batch. The server renders the part that changes and pushes
//! it to every open page (`events`); without JavaScript, the page reloads itself.

mod causes;
pub(super) mod parts;
mod times;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use time::OffsetDateTime;

use super::rejected::file_of_rejected_rows;
use super::watch::{MESSAGES, ShownMessages, Snapshot};
use super::{PageQuery, find};
use crate::app::App;
use crate::db::retention::retained::PastRetention;
use crate::db::sending::batches::Batch;
use crate::db::sending::messages::Message;
use crate::db::sending::send_backs::SentBack;
use crate::db::sending::uploads;
use crate::domain::accounts::role::Permission;
use crate::domain::accounts::sight::{Sight, hidden};
use crate::domain::sending::batch::{BatchState, Package, PauseReason, may_leave};
use crate::domain::sending::budget::Amount;
use crate::domain::sending::call_problem::CallProblem;
use crate::domain::sending::message::{MessageState, Tally};
use crate::domain::sending::version::{Part, Version};
use crate::domain::text;
use crate::ops::sending::batch_actions;
use crate::web::http::error::WebError;
use crate::web::http::member::Member;
use crate::web::http::{page, urls};
use crate::web::ui::batch_row::{BatchStatus, awaits_results};
use crate::web::ui::changes::Shown;
use crate::web::ui::figures::budget_lines::{self, BudgetLine};
use crate::web::ui::figures::costs::{self, CostText};
use crate::web::ui::figures::ledger::Ledger;
use crate::web::ui::layout::{Layout, Section};
use crate::web::ui::message_table::{MessageTable, Viewer};
use crate::web::ui::schedule;
use crate::web::ui::segments::{Segment, segments_of};
use crate::web::ui::status::Status;
use causes::{CauseRow, ProblemRow, causes, messages_href, problems};
use parts::Parts;
use times::waits_until;

#[derive(Template)]
#[template(path = "pages/batches/live/page.html")]
struct BatchPage {
    l: Layout,
    live: LivePart,
    /// Whether it shows the newest messages. Pages of older ones do not update themselves.
    first_page: bool,
    /// What it shows, for the stream of events; empty if there is none.
    seen: String,
    /// What has changed since the page whose form was posted.
    changed: Vec<String>,
}

/// Why a form of the page was not carried out.
#[derive(Debug)]
pub(super) enum Notice {
    /// It was posted by a page that is out of date in these parts.
    OutOfDate(Vec<Part>),
    /// The typed time cannot be used.
    Time {
        /// What was typed.
        typed: String,
        /// What is wrong with it.
        sentence: String,
    },
    /// The reason to send it back cannot be used.
    Reason {
        /// What was typed.
        typed: String,
        /// What is wrong with it.
        sentence: String,
    },
}

#[derive(Template)]
#[template(path = "pages/batches/live.html")]
struct LivePage {
    live: LivePart,
}

/// The part of the page that changes: rendered within the page, and pushed on its own.
#[derive(Template)]
#[template(path = "pages/batches/live/_live.html")]
pub(super) struct LivePart {
    l: Layout,
    batch: Batch,
    status: Status,
    tally: Tally,
    expected: CostText,
    /// What has been billed; `None` as long as nothing was submitted or no price is known.
    billed: Option<CostText>,
    /// The countries that it is sent to.
    countries: String,
    pace: i64,
    ledger: Ledger,
    rows: MessageTable,
    older: Option<String>,
    sessions: Vec<String>,
    problems: Vec<ProblemRow>,
    causes: Vec<CauseRow>,
    /// Link to the messages without a receipt yet.
    waiting: Option<String>,
    /// The state whose messages are listed, if they are not all listed.
    state: Option<MessageState>,
    resends: Vec<Batch>,
    past: PastRetention,
    may_have_sent: Option<OffsetDateTime>,
    /// The name of the file of rejected rows.
    rejected: Option<&'static str>,
    may_send: bool,
    may_approve: bool,
    /// Whether the person may send what was perhaps sent already.
    may_send_rest: bool,
    own: bool,
    may_name_stand_in: bool,
    quiet: bool,
    /// Messages whose call is under way.
    under_way: i64,
    segments: Vec<Segment>,
    /// Some of its texts, for whoever decides whether it is sent.
    samples: Vec<Vec<Segment>>,
    signature: String,
    /// The budgets that it counts for, for whoever decides.
    budgets: Vec<BudgetLine>,
    /// When it is sent, if that is not at once.
    waits_until: Option<String>,
    /// The field for another time, and what is wrong with it.
    schedule_typed: String,
    schedule_problem: Option<String>,
    /// Why it was last sent back, if it was.
    sent_back: Option<SentBack>,
    /// The field for the reason to send it back, and what is wrong with it.
    reason_typed: String,
    reason_problem: Option<String>,
}

impl askama::filters::HtmlSafe for LivePart {}

impl LivePart {
    fn in_progress(&self) -> bool {
        self.tally.open() > 0
    }

    /// Returns the number of messages that can still be held back: no call is made for them yet.
    fn left(&self) -> i64 {
        (self.tally.queued - self.under_way).max(0)
    }

    /// Returns how many messages of a cancelled batch may still leave.
    fn may_still_arrive(&self) -> Option<i64> {
        let cancelled = self.batch.state == BatchState::Cancelled && self.under_way > 0;
        cancelled.then_some(self.under_way)
    }

    /// Returns the states of its messages with the links to them: label, link, and whether they are listed.
    fn states(&self) -> Vec<(String, String, bool)> {
        let page = self.l.urls.batch(self.batch.id);
        let all = (self.l.t("batches-all"), page.clone(), self.state.is_none());
        let states = MessageState::ALL.into_iter();
        let states = states.filter(|state| self.tally.of(*state) > 0 || self.state == Some(*state));
        let tab = |state: MessageState| {
            let href = urls::with_query(&page, &[("state", state.key())]);
            let label = format!("{} {}", self.l.state_label(state), self.l.n(self.tally.of(state)));
            (label, href, self.state == Some(state))
        };
        std::iter::once(all).chain(states.map(tab)).collect()
    }

    /// Returns the link to the file of the messages that are listed.
    fn file_href(&self) -> String {
        let file = self.l.urls.batch_part(self.batch.id, "messages.csv");
        self.state.map_or(file.clone(), |state| urls::with_query(&file, &[("state", state.key())]))
    }

    fn can_pause(&self) -> bool {
        matches!(self.batch.state, BatchState::Sending | BatchState::Scheduled)
            && self.tally.queued > 0
    }

    fn can_resume(&self) -> bool {
        self.batch.state == BatchState::Paused && (!self.went_back() || self.may_send_rest)
    }

    /// Whether it is paused because it may have been sent before the database went back in time.
    fn went_back(&self) -> bool {
        self.batch.pause_reason == Some(PauseReason::DatabaseWentBack)
    }

    /// Whether it is paused because its time has passed: resuming it means sending it now.
    fn missed_its_time(&self) -> bool {
        self.batch.pause_reason == Some(PauseReason::MissedSchedule)
    }

    fn can_cancel(&self) -> bool {
        self.batch.state.can_cancel() && self.tally.queued > 0
    }

    fn can_reschedule(&self) -> bool {
        self.batch.can_reschedule()
    }

    /// Whether none of its messages has been deleted or redacted.
    fn is_whole(&self) -> bool {
        self.past == PastRetention::default()
    }

    fn can_resend(&self) -> bool {
        self.is_whole()
            && self.tally.failed + self.tally.refused + self.tally.cancelled > 0
            && self.batch.state != BatchState::Draft
    }

    /// Whether it waits for a decision, which comes before everything else then.
    fn awaits_approval(&self) -> bool {
        self.batch.state == BatchState::AwaitingApproval
    }

    /// Returns why it was cancelled, if it was sent back.
    fn sent_back_for_good(&self) -> Option<&SentBack> {
        self.sent_back.as_ref().filter(|_| self.batch.state == BatchState::Cancelled)
    }

    /// Returns the version that forms which start messages carry.
    fn version(&self) -> Version {
        batch_actions::version_of(&self.batch)
    }

    /// Whether it can be sent at once instead of at its time.
    fn can_send_now(&self) -> bool {
        self.can_reschedule()
            && self.batch.state == BatchState::Scheduled
            && self.batch.schedule_at.is_some()
    }

    /// Returns the detail of a pause: the share of failures or the vendor message. It is empty
    /// where the heading says everything.
    fn pause_detail(&self) -> String {
        let detail = self.batch.pause_detail.as_str();
        match self.batch.pause_reason {
            Some(PauseReason::Failures | PauseReason::Trial) => {
                let (failed, known) = detail.split_once('/').unwrap_or(("0", "0"));
                let number = |text: &str| text.parse::<i64>().unwrap_or(0);
                self.l.with(
                    "batch-paused-share",
                    &[("failed", number(failed).into()), ("known", number(known).into())],
                )
            }
            _ if detail.is_empty() || CallProblem::read(detail).is_some() => String::new(),
            _ => {
                let words = self.l.sight().vendor_text(detail, "");
                self.l.with("batch-paused-detail", &[("words", words.into())])
            }
        }
    }

    fn pause_key(&self) -> Option<&'static str> {
        self.batch.pause_reason.map(PauseReason::key)
    }

    /// Returns the SMS package that it is sent from.
    fn package(&self) -> &'static str {
        Package::of(self.batch.purpose, self.batch.international).key()
    }

    /// Returns the seconds until all messages are submitted at the recent pace.
    fn seconds_left(&self) -> Option<i64> {
        let held = self.awaits_trial() || self.quiet;
        let sending = self.batch.state == BatchState::Sending && self.pace > 0 && !held;
        let left = self.tally.queued;
        (sending && left > 0).then(|| (left / self.pace).max(1))
    }

    fn awaits_trial(&self) -> bool {
        self.batch.state == BatchState::Sending && self.batch.wave == 0
    }

    fn awaits_results(&self) -> bool {
        awaits_results(&self.batch)
    }

    fn trial_minutes(&self) -> i32 {
        self.batch.trial_wait_seconds / 60
    }
}

/// `/batches/{id}`: the progress of a batch, its messages and its actions. A draft redirects to its
/// preview.
pub async fn show(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    query: web::Query<PageQuery>,
) -> Result<HttpResponse, WebError> {
    let shown = query.into_inner().shown();
    match batch_page(&app, &member, &request, &path.1, shown, None).await? {
        Ok(drawn) => page::ok(&drawn),
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// Responds to a form that was not carried out with the page as it is now, and says why.
pub(super) async fn with_notice(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    id: &str,
    notice: Notice,
) -> Result<HttpResponse, WebError> {
    match batch_page(app, member, request, id, ShownMessages::default(), Some(notice)).await? {
        Ok(drawn) => page::unprocessable(&drawn),
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// Draws the page, or redirects to the preview of a draft.
async fn batch_page(
    app: &App,
    member: &Member,
    request: &HttpRequest,
    id: &str,
    shown: ShownMessages,
    notice: Option<Notice>,
) -> Result<Result<BatchPage, HttpResponse>, WebError> {
    let batch = find(app, member, id).await?;
    if batch.state == BatchState::Draft {
        return Ok(Err(page::see_other(&member.urls().batch_part(batch.id, "preview"))));
    }
    let snapshot = take_snapshot(app, member, &batch, shown).await?;
    let l = Layout::in_project(member, app, request, Section::Batches).await?;
    let rejected = rejected_file(app, member, &batch).await?;
    let mut live = draw(app, member, l.clone(), &snapshot, rejected);
    let changed = match notice {
        Some(Notice::OutOfDate(changes)) => Shown::of_batch(&batch).sentences(&l, &changes),
        Some(Notice::Time { typed, sentence }) => {
            (live.schedule_typed, live.schedule_problem) = (typed, Some(sentence));
            Vec::new()
        }
        Some(Notice::Reason { typed, sentence }) => {
            (live.reason_typed, live.reason_problem) = (typed, Some(sentence));
            Vec::new()
        }
        None => Vec::new(),
    };
    let first_page = shown == ShownMessages::default();
    let seen = if first_page && live.in_progress() {
        Parts::of(&live.render()?).digests()
    } else {
        String::new()
    };
    Ok(Ok(BatchPage { l, live, first_page, seen, changed }))
}

async fn take_snapshot(
    app: &App,
    member: &Member,
    batch: &Batch,
    shown: ShownMessages,
) -> Result<Snapshot, WebError> {
    Snapshot::take(app, member.project.id, batch.id, shown).await?.ok_or(WebError::NotFound)
}

/// Returns the name of the file of rejected rows, in the kind of file that was uploaded, if the batch
/// has any: rows of its upload that became no message.
pub(super) async fn rejected_file(
    app: &App,
    member: &Member,
    batch: &Batch,
) -> Result<Option<&'static str>, WebError> {
    let upload = uploads::find(&app.db, member.project.id, batch.id).await?;
    let upload = upload.filter(|upload| upload.rows_read > batch.total);
    Ok(upload.map(|upload| file_of_rejected_rows(upload.source)))
}

/// `…/live`: the changing part of a batch's page on its own.
pub async fn live(
    app: web::Data<App>,
    member: Member,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    query: web::Query<PageQuery>,
) -> Result<HttpResponse, WebError> {
    let batch = find(&app, &member, &path.1).await?;
    let snapshot = take_snapshot(&app, &member, &batch, query.into_inner().shown()).await?;
    let l = Layout::in_project(&member, &app, &request, Section::Batches).await?;
    let rejected = rejected_file(&app, &member, &batch).await?;
    page::ok(&LivePage { live: draw(&app, &member, l, &snapshot, rejected) })
}

/// Prepares a snapshot for this member, without reading from the database.
pub(super) fn draw(
    app: &App,
    member: &Member,
    l: Layout,
    snapshot: &Snapshot,
    rejected: Option<&'static str>,
) -> LivePart {
    let l = l.at(app.clock.now());
    let (mut batch, tally) = (snapshot.batch.clone(), snapshot.tally);
    let mut resends = snapshot.resends.clone();
    for shown in resends.iter_mut().chain([&mut batch]) {
        shown.name = l.shown(&shown.name).into_owned();
    }
    let state = snapshot.shown.state;
    let older = page::full(&snapshot.messages, MESSAGES).map(|last| {
        let after = last.id.to_string();
        let state = state.map(|state| ("state", state.key()));
        let next: Vec<_> = state.into_iter().chain([("after", after.as_str())]).collect();
        urls::with_query(&l.urls.batch(batch.id), &next)
    });
    let viewer = Viewer { l: &l, whole_phones: member.may(Permission::SeePhones) };
    let sight = member.sight(app);
    let sample = snapshot.messages.first().map(|message| message.values_for(sight).into_owned());
    let samples = samples(snapshot, sight);
    let sample = sample.or_else(|| samples.first().cloned()).unwrap_or_default();
    let samples = samples.iter().map(|values| segments_of(&batch.text(), values)).collect();
    let amount = Amount { messages: batch.total, cost: snapshot.expected.known_cost() };
    let rows = snapshot.messages.iter().map(|message| viewer.ours(message)).collect();
    let caption = l.t("batch-messages-caption");
    LivePart {
        status: Status::new(&BatchStatus::of(&batch, &tally, l.now()), l.texts),
        ledger: linked_ledger(&l, snapshot),
        waiting: messages_href(&l, snapshot, &[("state", MessageState::Submitted.key())])
            .filter(|_| tally.submitted > 0),
        state,
        rows: MessageTable::new(&l, caption, rows).of_one_batch(),
        expected: costs::expected(&l, &snapshot.expected),
        countries: l
            .texts
            .countries_of_batch(snapshot.expected.countries.iter().map(|one| one.country.as_str())),
        billed: (tally.sent() > 0 && snapshot.expected.has_prices())
            .then(|| costs::billed(&l, snapshot.billed, tally.submitted)),
        older,
        sessions: snapshot.sessions.clone(),
        problems: problems(&l, snapshot),
        causes: causes(&l, snapshot),
        resends,
        past: snapshot.past,
        may_have_sent: snapshot.may_have_sent,
        rejected: rejected.filter(|_| member.may(Permission::Send)),
        may_send: member.may(Permission::Send),
        may_approve: member.may_decide_on(batch.ordered_by),
        may_send_rest: member.may(Permission::Approve),
        own: batch.ordered_by == member.person.id,
        may_name_stand_in: member.role.may(Permission::Approve),
        under_way: snapshot.under_way,
        quiet: tally.queued > 0 && !may_leave(batch.purpose, app.clock.now()),
        segments: segments_of(&batch.text(), &sample),
        samples,
        signature: text::bracketed(&batch.sig_content, batch.international),
        pace: snapshot.pace,
        budgets: budget_lines::lines(&l, &snapshot.budgets, amount),
        waits_until: waits_until(&batch, app.clock.now()).map(|at| l.time(at)),
        schedule_typed: batch.schedule_at.map(schedule::typed).unwrap_or_default(),
        schedule_problem: None,
        sent_back: snapshot.sent_back.clone(),
        reason_typed: String::new(),
        reason_problem: None,
        tally,
        batch,
        l,
    }
}

fn linked_ledger(l: &Layout, snapshot: &Snapshot) -> Ledger {
    let ledger = Ledger::new(&snapshot.tally, i64::from(snapshot.batch.total), l.texts);
    ledger.linked(|state| messages_href(l, snapshot, &[("state", state.key())]))
}

/// Returns the values of some texts of a batch that awaits approval: of the first, the shortest and the
/// longest. Those of a list are taken from its file, which is not planned before.
fn samples(snapshot: &Snapshot, sight: Sight) -> Vec<Vec<String>> {
    let Snapshot { batch, messages, .. } = snapshot;
    if batch.state != BatchState::AwaitingApproval {
        return Vec::new();
    }
    let length = |message: &&Message| -> usize {
        message.params.iter().map(|value| value.chars().count()).sum()
    };
    let chosen =
        [messages.first(), messages.iter().min_by_key(length), messages.iter().max_by_key(length)];
    let sent = chosen.into_iter().flatten().map(|message| message.values_for(sight).into_owned());
    let is_hidden = batch.hides_values || sight.hides_values(batch.purpose, None);
    let listed = snapshot.samples.iter();
    let listed = listed.map(|values| if is_hidden { hidden(values) } else { values.clone() });
    let mut all: Vec<Vec<String>> = Vec::new();
    for values in sent.chain(listed) {
        if !all.contains(&values) {
            all.push(values);
        }
    }
    all
}
