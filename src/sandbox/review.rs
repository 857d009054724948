//! The review of signatures and templates, which passes by itself as time goes by.

use serde::{Deserialize, Serialize};

/// Handed in, nobody has looked yet.
pub(super) const WAITING: u8 = 0;
/// Somebody is looking.
pub(super) const IN_REVIEW: u8 = 1;
/// May be used.
pub(super) const APPROVED: u8 = 2;
/// Refused, with a reason.
pub(super) const REJECTED: u8 = 3;
/// The last of the numbers: switched off by the platform.
pub(super) const DISABLED: u8 = 4;

/// Where a review stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Review {
    /// When it was handed in, in milliseconds.
    pub(super) since: i64,
    /// An outcome set by hand, which time does not change.
    pub(super) set: Option<(u8, String)>,
}

impl Review {
    /// A review that begins now.
    pub(super) fn begin(now: i64) -> Self {
        Self { since: now, set: None }
    }

    /// A review with an outcome set by hand.
    pub(super) fn settled(now: i64, status: u8, reason: &str) -> Self {
        Self { since: now, set: Some((status, reason.to_owned())) }
    }

    /// Status and reason. `text` decides the outcome, `after` is how long a review takes.
    pub(super) fn outcome(&self, text: &str, after: i64, now: i64) -> (u8, String) {
        if let Some(set) = &self.set {
            return set.clone();
        }
        let passed = now - self.since;
        if passed < after / 2 {
            (WAITING, String::new())
        } else if passed < after {
            (IN_REVIEW, String::new())
        } else if refused(text) {
            (REJECTED, "审核未通过：内容含有“拒”字，请修改后重新提交".to_owned())
        } else {
            (APPROVED, String::new())
        }
    }
}

/// The sign 拒 is the reviewer's order to refuse, but 拒收 is how marketing texts end.
fn refused(text: &str) -> bool {
    text.replace("拒收", "").contains('拒')
}

/// Whether a status means that the review is not over.
pub(super) fn pending(status: u8) -> bool {
    status == WAITING || status == IN_REVIEW
}
