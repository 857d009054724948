//! A batch as a row of a list.

use time::OffsetDateTime;

use super::figures::ledger::Bar;
use super::layout::Layout;
use super::moment::Moment;
use super::status::{Shown, Status, Tone};
use crate::app::App;
use crate::db::sending::batches::{self, Batch};
use crate::domain::ids::BatchId;
use crate::domain::sending::batch::{BatchState, may_leave};
use crate::domain::sending::message::{MessageState, Tally};
use crate::web::http::error::WebError;

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
    /// The number of failed messages with the link to them, if there are any.
    pub failed: Option<(i64, String)>,
    /// When it leaves, if it waits for its time.
    pub leaves: Option<Moment>,
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
        let id = batch.id.to_string();
        let failed = [("batch", id.as_str()), ("state", MessageState::Failed.key())];
        let leaves = batch.schedule_at.filter(|_| batch.can_reschedule());
        Self {
            failed: (tally.failed > 0).then(|| (tally.failed, l.urls.messages_where(&failed))),
            leaves: leaves.map(|at| l.moment(at)),
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
pub enum BatchStatus {
    /// The state of the batch says it.
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
    /// Returns the state to show.
    pub fn of(batch: &Batch, tally: &Tally, now: OffsetDateTime) -> Self {
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

impl Shown for BatchStatus {
    fn tone(&self) -> Tone {
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
pub fn awaits_results(batch: &Batch) -> bool {
    batch.wave == 0 && batch.trial_sent_at.is_some()
}
