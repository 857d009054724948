//! What of a batch may be sent again, by cause.

use crate::domain::receipt_codes::Category;

/// Why messages did not arrive. Messages in doubt are in none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResendCause {
    /// They failed for this cause.
    Failed(Category),
    /// The vendor did not accept them.
    Refused,
    /// They were cancelled before they were submitted.
    Cancelled,
}

impl ResendCause {
    /// Returns the name used in forms.
    pub fn key(self) -> &'static str {
        match self {
            Self::Failed(category) => category.key(),
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }

    /// Parses what [`ResendCause::key`] returns.
    pub fn from_key(key: &str) -> Option<Self> {
        match key {
            "refused" => Some(Self::Refused),
            "cancelled" => Some(Self::Cancelled),
            _ => Category::from_key(key).map(Self::Failed),
        }
    }

    /// Returns whether sending again soon may succeed without a person changing anything.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::Failed(category) if category.is_temporary())
    }

    /// Returns whether it may be sent again at all: people who opted out or complained may not be
    /// sent to.
    pub fn is_offered(self) -> bool {
        self != Self::Failed(Category::Blacklist)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_found_by_its_key() {
        let failed = Category::ALL.map(ResendCause::Failed);
        for cause in failed.into_iter().chain([ResendCause::Refused, ResendCause::Cancelled]) {
            assert_eq!(ResendCause::from_key(cause.key()), Some(cause));
        }
        assert_eq!(ResendCause::from_key("nothing"), None);
    }

    #[test]
    fn blocked_texts_signatures_and_too_many_messages_are_not_temporary() {
        let temporary =
            Category::ALL.into_iter().filter(|one| ResendCause::Failed(*one).is_temporary());
        assert_eq!(
            temporary.collect::<Vec<_>>(),
            [
                Category::PoweredOff,
                Category::Handset,
                Category::QuietHours,
                Category::Expired,
                Category::Channel,
            ]
        );
    }
}
