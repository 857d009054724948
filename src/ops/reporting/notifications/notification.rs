//! A notification.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::app::App;
use crate::domain::time::rfc3339;

/// The event of a signature or template whose review status changed.
pub const REVIEW_CHANGED: &str = "review_changed";

/// The event of pushes that are missing, or are back.
pub const PUSHES_CHANGED: &str = "pushes_changed";

/// The event of a batch that was paused for a reason that needs a person.
pub const BATCH_PAUSED: &str = "batch_paused";

/// The event of a batch that waits for a second person to approve it.
pub const BATCH_AWAITS_APPROVAL: &str = "batch_awaits_approval";

/// The event of a batch that was sent back to who ordered it, with a reason.
pub const BATCH_SENT_BACK: &str = "batch_sent_back";

/// The event of a batch of which all outcomes are known, and many are failures.
pub const BATCH_FINISHED: &str = "batch_finished";

/// The event of many messages in doubt.
pub const MESSAGES_IN_DOUBT: &str = "messages_in_doubt";

/// The event of a sign-in with a browser that was not known.
pub const NEW_DEVICE: &str = "signed_in_on_new_device";

/// The event of a member, a role or keys that were changed.
pub const ACCESS_CHANGED: &str = "access_changed";

/// The event of a database that was rolled back.
pub const DATABASE_WENT_BACK: &str = "database_went_back";

/// The event of a database that has no standby any more.
pub const STANDBY_LOST: &str = "standby_lost";

/// The event of a budget of which four fifths are used.
pub const BUDGET_80: &str = "budget_80";

/// The event of a budget that is used up.
pub const BUDGET_100: &str = "budget_100";

/// The event of something that people were notified of before and is over.
pub const ALERT_ENDED: &str = "alert_ended";

/// The event of a report that is mailed.
pub const MONTHLY_REPORT: &str = "monthly_report";

/// The event of several notifications that waited for the end of the quiet hours.
pub const DIGEST: &str = "digest";

/// The event of a notification that was sent to try a channel.
pub const TEST: &str = "test";

/// A notification: the JSON body of webhooks, and the source of emails and of what robots say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// One of the events above.
    pub event: String,
    /// The project's slug.
    pub project: String,
    /// `signature`, `template`, `pushes`, `batch`, `messages`, `user`, `keys`, `database`, or the unit of a
    /// budget: `messages` or `yuan`.
    pub subject: String,
    /// The vendor's id; of a batch, ours.
    pub id: String,
    /// The name of the signature, template, batch or user.
    pub name: String,
    /// The review status, or `missing`; of pushes, `missing` or `back`; of a batch, the pause reason, `awaiting_approval` or
    /// `sent_back`; of a report, the first day of its month; of a budget, `day` or `month`; of access, what
    /// was changed; of the database, what showed it.
    pub status: String,
    /// The reason of the vendor or of a person; may be empty.
    pub reason: String,
    /// The name of the account that ordered a batch that was sent back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The SMS package of a paused batch: `notice`, `marketing` or `international`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The calling codes of the countries that a paused international batch is sent to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
    /// How many messages failed, or are in doubt; of a budget, what is used, in messages or ten-thousandths
    /// of a yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// Of how many, or from how many on people are notified; of a budget, the cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// The event that is over, if this is [`ALERT_ENDED`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// The notifications of a [`DIGEST`], oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Notification>,
    /// When it happened, in RFC 3339, in China.
    pub at: String,
    /// The URL of its page, if `CONSOLE_PUBLIC_URL` is set.
    pub url: Option<String>,
}

impl Notification {
    /// Returns a notification of something that happens now, with its page below the project. The vendor's
    /// ids in paths are letters and digits: nothing to escape.
    pub(in crate::ops) fn now(
        app: &App,
        slug: &str,
        event: &str,
        subject: &str,
        path: &str,
    ) -> Self {
        Self {
            event: event.to_owned(),
            project: slug.to_owned(),
            subject: subject.to_owned(),
            at: rfc3339(app.clock.now()),
            url: app.public_url.as_ref().map(|base| format!("{base}/p/{slug}/{path}")),
            ..Self::default()
        }
    }

    /// Returns the notification that what this one was about is over.
    pub(super) fn over(self, now: OffsetDateTime) -> Self {
        let ended = Some(self.event);
        Self { event: ALERT_ENDED.to_owned(), ended, at: rfc3339(now), ..self }
    }
}
