//! The past of the sample data, while it is made.

use rand::rngs::StdRng;
use time::OffsetDateTime;

use super::replies;
use crate::app::App;
use crate::db::review::{signatures, sms_templates};
use crate::domain::ids::{ProjectId, UserId};

/// The past that is being made.
pub(super) struct Past {
    pub(super) app: App,
    pub(super) project: ProjectId,
    pub(super) operator: UserId,
    pub(super) approver: UserId,
    pub(super) signatures: Vec<signatures::Signature>,
    pub(super) templates: Vec<sms_templates::SmsTemplate>,
    pub(super) now: OffsetDateTime,
    pub(super) rng: StdRng,
    /// Replies, to be pushed at the end.
    pub(super) replies: Vec<replies::SampleReply>,
}
