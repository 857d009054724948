//! What receipts report, before it is known which messages they are about.

use time::OffsetDateTime;

use crate::domain::ids::{MessageId, SubmissionId};
use crate::domain::sending::message::Outcome;

/// A receipt in the console's terms, not yet matched to a message.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The session number.
    pub session_no: String,
    /// The phone, normalized; a masked one keeps its asterisks.
    pub phone: String,
    /// The sender's `UserId`, as it came back.
    pub user_id: String,
    /// The submission that `user_id` names, if it is one of ours.
    pub submission: Option<SubmissionId>,
    /// The message that `user_id` names, if it is one of ours.
    pub message: Option<MessageId>,
    /// The outcome that the carrier reports.
    pub outcome: Outcome,
    /// The receipt code, as it came.
    pub code: String,
    /// The carrier's description.
    pub description: String,
    /// The cause of the code.
    pub category: &'static str,
    /// The number of billed parts.
    pub parts: i32,
    /// When it ended, according to the carrier.
    pub receipt_at: Option<OffsetDateTime>,
}

/// A reason: receipt code, description and cause. The same code and description can have several
/// causes because carriers give them different meanings.
pub type Reason<'a> = (&'a str, &'a str, &'a str);

impl Incoming {
    /// Returns its reason.
    pub fn reason(&self) -> Reason<'_> {
        (&self.code, &self.description, self.category)
    }
}

/// What receipts report, as one array per column for `unnest`.
#[derive(Debug, Default)]
pub(in crate::db) struct Columns {
    pub outcomes: Vec<Outcome>,
    /// The ids of reasons.
    pub reasons: Vec<i32>,
    pub parts: Vec<i32>,
    pub receipt_times: Vec<Option<OffsetDateTime>>,
}

impl Columns {
    /// Collects receipts, each with the id of its reason.
    pub fn collect<'a>(receipts: impl Iterator<Item = (&'a Incoming, i32)>) -> Self {
        let mut columns = Self::default();
        for (receipt, reason) in receipts {
            columns.outcomes.push(receipt.outcome);
            columns.reasons.push(reason);
            columns.parts.push(receipt.parts);
            columns.receipt_times.push(receipt.receipt_at);
        }
        columns
    }
}

/// A receipt with the id of its reason.
pub type ReasonedReceipt<'a> = (&'a Incoming, i32);
