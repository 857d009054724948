//! The review of signatures and templates, which proceeds by itself over time.

use serde::{Deserialize, Serialize};

/// Submitted; nobody has looked at it yet.
pub(super) const WAITING: u8 = 0;
/// A reviewer is looking at it.
pub(super) const IN_REVIEW: u8 = 1;
/// It may be used.
pub(super) const APPROVED: u8 = 2;
/// Refused, with a reason.
pub(super) const REJECTED: u8 = 3;
/// Switched off by the platform. This is the largest status.
pub(super) const DISABLED: u8 = 4;

/// The state of a review.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Review {
    /// When it was submitted, in milliseconds.
    pub(super) since: i64,
    /// A status and reason set by hand, which time does not change.
    pub(super) set: Option<(u8, String)>,
}

impl Review {
    /// Creates a review that begins at `now`.
    pub(super) fn begin(now: i64) -> Self {
        Self { since: now, set: None }
    }

    /// Creates a review with a status set by hand.
    pub(super) fn fixed(now: i64, status: u8, reason: &str) -> Self {
        Self { since: now, set: Some((status, reason.to_owned())) }
    }

    /// Returns status and reason at `now`. `text` decides the outcome; a review takes `after`
    /// milliseconds, half of which it is waiting.
    pub(super) fn outcome(&self, text: &str, after: i64, now: i64) -> (u8, String) {
        if let Some(set) = &self.set {
            return set.clone();
        }
        let elapsed = now - self.since;
        if elapsed < after / 2 {
            (WAITING, String::new())
        } else if elapsed < after {
            (IN_REVIEW, String::new())
        } else if is_refused(text) {
            (REJECTED, "审核未通过：内容含有“拒”字，请修改后重新提交".to_owned())
        } else {
            (APPROVED, String::new())
        }
    }
}

/// Returns whether the reviewer refuses a text: one with the character 拒, except in 拒收, with which
/// marketing texts end.
fn is_refused(text: &str) -> bool {
    text.replace("拒收", "").contains('拒')
}

/// Whose words on changing and deleting apply: UCloud's documents contradict each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rules {
    /// The API reference: only what was rejected is changed, and nothing in review is deleted.
    #[default]
    Api,
    /// The manual: what waits or is in review is changed and deleted as well.
    Manual,
}

impl Rules {
    /// Returns whether a signature, or the text of a template, of this status may be changed.
    pub(super) fn may_change(self, status: u8) -> bool {
        match self {
            Self::Api => status == REJECTED,
            Self::Manual => matches!(status, WAITING | IN_REVIEW | REJECTED),
        }
    }

    /// Returns whether something of this status may be deleted.
    pub(super) fn may_delete(self, status: u8) -> bool {
        match self {
            Self::Api => status != IN_REVIEW,
            Self::Manual => true,
        }
    }
}
