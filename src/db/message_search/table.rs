//! The tables that candidates come from.

/// Where candidates come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Messages,
    Outcomes,
    ExternalMessage,
}

impl Table {
    /// The beginning of a question for rows of it, with what pages show of them.
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
                "select id, reason_id, session_no, phone, user_id, outcome, parts, receipt_at
                 from external_messages"
            }
        }
    }
}
