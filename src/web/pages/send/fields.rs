//! The fields of the send form.

use serde::Deserialize;

/// The fields of the form. Each may be missing or invalid.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct SendFields {
    pub(super) signature_id: String,
    pub(super) template_id: String,
    pub(super) params: Vec<String>,
    pub(super) phones: Vec<String>,
    pub(super) schedule_at: String,
    /// The one-time token: posting it again finds the first order.
    pub(super) form_token: String,
    /// Shows the variables of another template, without sending.
    pub(super) choose: Option<String>,
    /// Set when the person confirmed.
    pub(super) confirm: Option<String>,
    /// Whether to send to repeats too.
    pub(super) again: Option<String>,
    /// The number of messages without repeats that the check page showed.
    pub(super) checked: Option<usize>,
    /// The version of the check page, empty if the form was not drawn by one. Who and what is sent
    /// to is in the form itself.
    pub(super) version: String,
}
