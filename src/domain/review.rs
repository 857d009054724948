//! The vendor's review of signatures and templates.

/// Where a signature or template stands (USMS API reference, QueryUSMSSignature: `Status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "review_status", rename_all = "snake_case")]
pub enum ReviewStatus {
    /// Handed in, not looked at yet.
    Waiting,
    /// Being looked at.
    InReview,
    /// May be sent with.
    Approved,
    /// Refused with a reason; can be mended and handed in again.
    Rejected,
    /// Switched off by the platform.
    Disabled,
}

impl ReviewStatus {
    /// All statuses, in the vendor's order.
    pub const ALL: [Self; 5] =
        [Self::Waiting, Self::InReview, Self::Approved, Self::Rejected, Self::Disabled];

    /// Reads the vendor's number, 0 to 4.
    pub fn from_vendor(status: i64) -> Option<Self> {
        usize::try_from(status).ok().and_then(|index| Self::ALL.get(index)).copied()
    }

    /// The name used in addresses and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Disabled => "disabled",
        }
    }
}

/// What a template is for (USMS API reference, CreateUSMSTemplate: `Purpose`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "purpose", rename_all = "snake_case")]
pub enum Purpose {
    /// A code that proves a phone.
    Verification,
    /// A notice about something the person has with the sender.
    Notice,
    /// Advertising: only 08:00 to 20:00, with a way to unsubscribe, approved by a second person.
    Marketing,
}

impl Purpose {
    /// Reads the vendor's number, 1 to 3.
    pub fn from_vendor(purpose: i64) -> Option<Self> {
        match purpose {
            1 => Some(Self::Verification),
            2 => Some(Self::Notice),
            3 => Some(Self::Marketing),
            _ => None,
        }
    }

    /// The name used in addresses and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Notice => "notice",
            Self::Marketing => "marketing",
        }
    }
}
