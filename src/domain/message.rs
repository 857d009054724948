//! One recipient's message: its state, and how a batch's messages add up.

/// What is finally known of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(type_name = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The carrier says it arrived.
    Delivered,
    /// The carrier says it did not arrive.
    Failed,
    /// No carrier said anything final in 72 hours.
    Unknown,
    /// The vendor did not take it.
    Refused,
    /// Called off before it left.
    Cancelled,
    /// Taken out because the phone opted out.
    Suppressed,
}

/// Which of a batch's messages are to be sent again. What is in doubt is never among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// Failed for a reason that may pass: switched off, too many texts, a broken channel.
    ForNow,
    /// All that failed, those to phones that do not exist or opted out included.
    All,
    /// Not taken by the vendor.
    Refused,
    /// Called off before they left.
    Cancelled,
}

impl Failed {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ForNow, Self::All, Self::Refused, Self::Cancelled];

    /// The name used in forms and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::ForNow => "for_now",
            Self::All => "all",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads [`Failed::key`] back.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.key() == key)
    }
}

/// Where one message stands: its submission's state until it has an outcome of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(type_name = "message_state", rename_all = "snake_case")]
pub enum MessageState {
    /// Stored, not yet taken by the vendor.
    Queued,
    /// Taken by the vendor; the receipt is awaited.
    Submitted,
    /// Nobody can say yet whether the vendor took it.
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
    /// All states, in the order of a batch's sum.
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

    /// The name used in addresses, files and message keys.
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

/// How many messages of a thing stand in each state. They add up to the number of recipients.
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
    /// How many stand in `state`.
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

    /// The count of `state`, to be changed.
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

    /// Counts one more in `state`.
    pub fn count(&mut self, state: MessageState) {
        *self.of_mut(state) += 1;
    }

    /// All messages together.
    pub fn sum(&self) -> i64 {
        MessageState::ALL.into_iter().map(|state| self.of(state)).sum()
    }

    /// How many left for the vendor and were or may have been taken.
    pub fn sent(&self) -> i64 {
        self.submitted + self.delivered + self.failed + self.unknown + self.in_doubt
    }

    /// How many may still change by themselves.
    pub fn open(&self) -> i64 {
        self.queued + self.submitted + self.in_doubt
    }

    /// Share of the delivered among those with a carrier's word, in percent.
    pub fn delivery_rate(&self) -> Option<f64> {
        let known = self.delivered + self.failed;
        #[allow(clippy::cast_precision_loss)]
        (known > 0).then(|| self.delivered as f64 * 100.0 / known as f64)
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
