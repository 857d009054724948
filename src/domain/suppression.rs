//! Phones that opted out.

/// Why nothing is sent to a phone any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "suppression_reason", rename_all = "snake_case")]
pub enum SuppressionReason {
    /// The person texted back that they want no more.
    Reply,
    /// The person complained.
    Complaint,
    /// Somebody of the team entered it.
    Person,
    /// It came in a list.
    Import,
}

impl SuppressionReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Reply, Self::Complaint, Self::Person, Self::Import];

    /// The name used in forms, files and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Complaint => "complaint",
            Self::Person => "person",
            Self::Import => "import",
        }
    }

    /// Reads [`SuppressionReason::key`] back.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.key() == key)
    }
}
