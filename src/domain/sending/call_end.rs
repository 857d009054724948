//! How the call of a submission ended.

use super::batch::PauseReason;
use crate::domain::ids::MessageId;

/// A message that the vendor did not accept, with the vendor's reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedMessage {
    /// The message.
    pub id: MessageId,
    /// The vendor's reason.
    pub reason: String,
}

/// The result of an attempt to send a submission.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum End {
    /// The vendor accepted all messages but `not_taken`.
    Taken { session_no: String, request_id: String, ret_code: i64, not_taken: Vec<RefusedMessage> },
    /// The same, with a RetCode and a message about all of them.
    TakenWithComplaint {
        session_no: String,
        request_id: String,
        ret_code: i64,
        answer: String,
        not_taken: Vec<RefusedMessage>,
    },
    /// The vendor refused all messages; `each` has the reasons of single ones.
    Refused { ret_code: i64, answer: String, request_id: String, each: Vec<RefusedMessage> },
    /// Surely nothing was accepted: the submission is retried, unless the batch is paused.
    NotSent {
        ret_code: Option<i64>,
        why: String,
        pause_reason: Option<PauseReason>,
        throttled: bool,
    },
    /// It is unknown whether the messages were accepted.
    InDoubt { ret_code: Option<i64>, why: String, request_id: String },
    /// The call was not made: the submission goes back into the queue.
    NotBegun,
}

impl End {
    /// Returns the result of a submission that was not sent, for a reason on our side.
    pub fn not_sent(why: String, pause_reason: Option<PauseReason>) -> Self {
        Self::NotSent { ret_code: None, why, pause_reason, throttled: false }
    }

    /// Returns whether the vendor surely accepted nothing, so that the call may be made again.
    pub fn may_be_repeated(&self) -> bool {
        match self {
            Self::NotSent { .. } | Self::NotBegun => true,
            Self::Taken { .. }
            | Self::TakenWithComplaint { .. }
            | Self::Refused { .. }
            | Self::InDoubt { .. } => false,
        }
    }

    /// Returns the name used in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Taken { .. } | Self::TakenWithComplaint { .. } => "taken",
            Self::Refused { .. } => "refused",
            Self::NotSent { .. } => "not_taken",
            Self::InDoubt { .. } => "in_doubt",
            Self::NotBegun => "not_begun",
        }
    }
}
