//! The tables that candidates come from.

/// A table that candidates come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Messages,
    Outcomes,
    ExternalMessage,
}

impl Table {
    /// Returns the beginning of a query for its rows, with the columns that pages show.
    pub(super) fn columns(self) -> &'static str {
        match self {
            Self::Messages => {
                "select id, submission_id, batch_id, template_id, phone, params from messages"
            }
            Self::Outcomes => {
                "select id, submission_id, batch_id, template_id, outcome, reason_id, parts,
                   receipt_at from outcomes"
            }
            Self::ExternalMessage => {
                "select id, reason_id, session_no, phone, user_id, outcome, parts, receipt_at,
                   recorded_at
                 from external_messages"
            }
        }
    }
}
