//! A notification.

use serde::{Deserialize, Serialize};

/// The event of pushes that are missing, or are back.
pub const PUSHES_CHANGED: &str = "pushes_changed";

/// The event of a batch that was paused for a reason that needs a person.
pub const BATCH_PAUSED: &str = "batch_paused";

/// The event of a batch that waits for a second person to approve it.
pub const BATCH_AWAITS_APPROVAL: &str = "batch_awaits_approval";

/// A notification: the JSON body of webhooks, and the source of emails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// `review_changed`, [`PUSHES_CHANGED`], [`BATCH_PAUSED`], [`BATCH_AWAITS_APPROVAL`], or `test`.
    pub event: String,
    /// The project's slug.
    pub project: String,
    /// `signature`, `template`, `pushes` or `batch`.
    pub subject: String,
    /// The vendor's id; of a batch, ours.
    pub id: String,
    /// The name of the signature, template or batch.
    pub name: String,
    /// The review status, or `missing`; of pushes, `missing` or `back`; of a batch, the pause reason, or
    /// `awaiting_approval`.
    pub status: String,
    /// The vendor's reason; may be empty.
    pub reason: String,
    /// The SMS package of a paused batch: `notice`, `marketing` or `international`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The calling codes of the countries that a paused international batch is sent to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
    /// When it happened, in RFC 3339, in China.
    pub at: String,
    /// The URL of its page, if `CONSOLE_PUBLIC_URL` is set.
    pub url: Option<String>,
}
