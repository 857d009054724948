//! Phones that nothing, or no marketing, is sent to.

/// Why a phone is suppressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "suppression_reason", rename_all = "snake_case")]
pub enum SuppressionReason {
    /// The recipient replied with an opt-out.
    Reply,
    /// The recipient complained.
    Complaint,
    /// A member of the project added it.
    Person,
    /// It was imported from a list.
    Import,
}

impl SuppressionReason {
    /// All reasons, in the order of the form.
    pub const ALL: [Self; 4] = [Self::Reply, Self::Complaint, Self::Person, Self::Import];

    /// Returns the name used in forms, files and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Complaint => "complaint",
            Self::Person => "person",
            Self::Import => "import",
        }
    }

    /// Parses what [`SuppressionReason::key`] returns.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.key() == key)
    }
}

/// What a suppressed phone is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "suppression_scope", rename_all = "snake_case")]
pub enum SuppressionScope {
    /// Nothing.
    All,
    /// Marketing; notices and verification codes are sent.
    Marketing,
}

impl SuppressionScope {
    /// All scopes, in the order of the form.
    pub const ALL: [Self; 2] = [Self::All, Self::Marketing];

    /// Returns the name used in forms, files and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Marketing => "marketing",
        }
    }

    /// Parses what [`SuppressionScope::key`] returns.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.key() == key)
    }
}
