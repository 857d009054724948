//! Why messages of a batch were not delivered, as its page shows it.

use crate::db::sending::messages::Cause;
use crate::db::sending::submissions::Submission;
use crate::domain::receipt_codes::{self, Category};
use crate::domain::sending::batch::SubmissionState;
use crate::domain::sending::message::{MessageState, Outcome};
use crate::web::pages::batches::watch::Snapshot;
use crate::web::ui::call_text::explain;
use crate::web::ui::figures::counted::NO_CODE;
use crate::web::ui::figures::ledger::Bar;
use crate::web::ui::layout::Layout;
use crate::web::ui::message_table::vendor_advice;
use crate::web::ui::moment::Moment;

/// A submission with a call problem.
pub(in crate::web::pages::batches) struct ProblemRow {
    pub(in crate::web::pages::batches) at: Option<Moment>,
    pub(in crate::web::pages::batches) code: Option<i32>,
    pub(in crate::web::pages::batches) what: String,
    pub(in crate::web::pages::batches) n: i32,
}

/// A cause of failures.
pub(in crate::web::pages::batches) struct CauseRow {
    pub(in crate::web::pages::batches) title: String,
    pub(in crate::web::pages::batches) code_text: String,
    pub(in crate::web::pages::batches) advice: String,
    pub(in crate::web::pages::batches) vendor_advice: Option<String>,
    pub(in crate::web::pages::batches) count: i64,
    /// Link to its messages.
    pub(in crate::web::pages::batches) href: Option<String>,
    pub(in crate::web::pages::batches) bar: Bar,
}

/// Returns the link to those of the batch's messages that match the filters, if figures of the batch count messages
/// that can still be listed: recipients that are no messages yet and deleted messages cannot.
pub(in crate::web::pages::batches) fn messages_href(
    l: &Layout,
    snapshot: &Snapshot,
    filters: &[(&str, &str)],
) -> Option<String> {
    let is_listed = snapshot.batch.planned && snapshot.past.deleted == 0;
    let batch = snapshot.batch.id.to_string();
    let all: Vec<_> =
        std::iter::once(("batch", batch.as_str())).chain(filters.iter().copied()).collect();
    is_listed.then(|| l.urls.messages_where(&all))
}

/// Returns the submissions with a call problem.
pub(in crate::web::pages::batches) fn problems(l: &Layout, snapshot: &Snapshot) -> Vec<ProblemRow> {
    let row = |submission: &Submission| ProblemRow {
        at: submission.answered_at.or(submission.sent_at).map(|at| l.moment(at)),
        code: submission.ret_code,
        what: match submission.state {
            SubmissionState::Accepted | SubmissionState::Partly => {
                let what = explain(l, submission);
                l.with("batch-problem-accepted", &[("what", what.into())])
            }
            SubmissionState::Ready
            | SubmissionState::InFlight
            | SubmissionState::Refused
            | SubmissionState::InDoubt
            | SubmissionState::Cancelled => explain(l, submission),
        },
        n: submission.n,
    };
    snapshot.problems.iter().map(row).collect()
}

/// Returns why messages were not delivered.
pub(in crate::web::pages::batches) fn causes(l: &Layout, snapshot: &Snapshot) -> Vec<CauseRow> {
    let total: i64 = snapshot.causes.iter().map(|cause| cause.count).sum();
    let row = |cause: &Cause| {
        let (title, advice) = title_and_advice(l, cause);
        let code_text = l.sight().vendor_text(&cause.words, "").into_owned();
        #[allow(clippy::cast_precision_loss)]
        let share = l.percent(cause.count as f64 * 100.0 / total.max(1) as f64);
        let bar = Bar::of_share(cause.count, total, share);
        CauseRow {
            title,
            advice,
            vendor_advice: vendor_advice_for(l, cause),
            code_text,
            count: cause.count,
            href: cause_href(l, snapshot, cause),
            bar,
        }
    };
    snapshot.causes.iter().map(row).collect()
}

/// Returns the link to the messages of a cause.
fn cause_href(l: &Layout, snapshot: &Snapshot, cause: &Cause) -> Option<String> {
    let state = ("state", MessageState::from(cause.outcome).key());
    match Category::from_key(&cause.category) {
        Some(_) => messages_href(l, snapshot, &[state, ("cause", &cause.category)]),
        None if cause.category.is_empty() => {
            messages_href(l, snapshot, &[state, ("code", NO_CODE)])
        }
        None => None,
    }
}

/// Returns what the vendor advises, if it advises the same for all codes of a cause.
fn vendor_advice_for(l: &Layout, cause: &Cause) -> Option<String> {
    let category = Category::from_key(&cause.category)?;
    let mut each = cause.codes.iter().map(|code| receipt_codes::advice(code, category, None));
    let advice = each.next()??;
    each.all(|other| other == Some(advice)).then(|| vendor_advice(l.texts, advice))?
}

/// Returns what happened and what to do about it.
fn title_and_advice(l: &Layout, cause: &Cause) -> (String, String) {
    match cause.outcome {
        Outcome::Refused => (l.t("batch-cause-refused"), l.t("batch-cause-refused-do")),
        Outcome::Unknown => (l.t("batch-cause-unknown"), l.t("batch-cause-unknown-do")),
        Outcome::Delivered | Outcome::Failed | Outcome::Cancelled | Outcome::Suppressed => {
            let key = format!("cause-{}", cause.category);
            let title = l.texts.try_t(&key).unwrap_or_else(|| cause.category.clone());
            (title, l.texts.try_t(&format!("{key}-do")).unwrap_or_default())
        }
    }
}
