//! The state of a message, and counts of messages by state.

/// What is finally known of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(type_name = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The carrier reported that it arrived.
    Delivered,
    /// The carrier reported that it did not arrive.
    Failed,
    /// No final receipt came within 72 hours.
    Unknown,
    /// The vendor did not accept it.
    Refused,
    /// Cancelled before it was submitted.
    Cancelled,
    /// Left out because the phone is suppressed.
    Suppressed,
}

/// The state of a message: its outcome, or else what the state of its submission says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(type_name = "message_state", rename_all = "snake_case")]
pub enum MessageState {
    /// Stored, but not yet submitted.
    Queued,
    /// Accepted by the vendor; waits for its receipt.
    Submitted,
    /// The response was lost: the vendor may or may not have accepted it.
    InDoubt,
    /// See [`Outcome::Delivered`].
    Delivered,
    /// See [`Outcome::Failed`].
    Failed,
    /// See [`Outcome::Unknown`].
    Unknown,
    /// See [`Outcome::Refused`].
    Refused,
    /// See [`Outcome::Cancelled`].
    Cancelled,
    /// See [`Outcome::Suppressed`].
    Suppressed,
}

impl MessageState {
    /// All states, in the order in which a batch's page adds them up.
    pub const ALL: [Self; 9] = [
        Self::Delivered,
        Self::Failed,
        Self::Unknown,
        Self::Refused,
        Self::Suppressed,
        Self::Cancelled,
        Self::InDoubt,
        Self::Submitted,
        Self::Queued,
    ];

    /// Returns the name used in URLs, files and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Submitted => "submitted",
            Self::InDoubt => "in_doubt",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Suppressed => "suppressed",
        }
    }
}

/// The number of messages in each state. They add up to the number of recipients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// See [`MessageState::Queued`].
    pub queued: i64,
    /// See [`MessageState::Submitted`].
    pub submitted: i64,
    /// See [`MessageState::InDoubt`].
    pub in_doubt: i64,
    /// See [`MessageState::Delivered`].
    pub delivered: i64,
    /// See [`MessageState::Failed`].
    pub failed: i64,
    /// See [`MessageState::Unknown`].
    pub unknown: i64,
    /// See [`MessageState::Refused`].
    pub refused: i64,
    /// See [`MessageState::Cancelled`].
    pub cancelled: i64,
    /// See [`MessageState::Suppressed`].
    pub suppressed: i64,
}

impl Tally {
    /// Returns the count of `state`.
    pub fn of(&self, state: MessageState) -> i64 {
        match state {
            MessageState::Queued => self.queued,
            MessageState::Submitted => self.submitted,
            MessageState::InDoubt => self.in_doubt,
            MessageState::Delivered => self.delivered,
            MessageState::Failed => self.failed,
            MessageState::Unknown => self.unknown,
            MessageState::Refused => self.refused,
            MessageState::Cancelled => self.cancelled,
            MessageState::Suppressed => self.suppressed,
        }
    }

    /// Returns a mutable reference to the count of `state`.
    pub fn of_mut(&mut self, state: MessageState) -> &mut i64 {
        match state {
            MessageState::Queued => &mut self.queued,
            MessageState::Submitted => &mut self.submitted,
            MessageState::InDoubt => &mut self.in_doubt,
            MessageState::Delivered => &mut self.delivered,
            MessageState::Failed => &mut self.failed,
            MessageState::Unknown => &mut self.unknown,
            MessageState::Refused => &mut self.refused,
            MessageState::Cancelled => &mut self.cancelled,
            MessageState::Suppressed => &mut self.suppressed,
        }
    }

    /// Adds one to the count of `state`.
    pub fn count(&mut self, state: MessageState) {
        *self.of_mut(state) += 1;
    }

    /// Returns the number of all messages.
    pub fn sum(&self) -> i64 {
        MessageState::ALL.into_iter().map(|state| self.of(state)).sum()
    }

    /// Returns how many messages the vendor accepted or may have accepted.
    pub fn sent(&self) -> i64 {
        self.submitted + self.delivered + self.failed + self.unknown + self.in_doubt
    }

    /// Returns how many messages may still change without a person.
    pub fn open(&self) -> i64 {
        self.queued + self.submitted + self.in_doubt
    }

    /// Returns the share of delivered messages among those with a final receipt, in percent; `None`
    /// when there are none.
    pub fn delivery_rate(&self) -> Option<f64> {
        let known = self.delivered + self.failed;
        #[allow(clippy::cast_precision_loss)]
        (known > 0).then(|| self.delivered as f64 * 100.0 / known as f64)
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        for state in MessageState::ALL {
            *self.of_mut(state) += other.of(state);
        }
    }
}

impl From<Outcome> for MessageState {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Delivered => Self::Delivered,
            Outcome::Failed => Self::Failed,
            Outcome::Unknown => Self::Unknown,
            Outcome::Refused => Self::Refused,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Suppressed => Self::Suppressed,
        }
    }
}
