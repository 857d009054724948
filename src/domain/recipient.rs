//! A row of a file and what becomes of it.

use serde::{Deserialize, Serialize};

/// What becomes of a row. Every row has exactly one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type, Serialize, Deserialize,
)]
#[sqlx(type_name = "verdict", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Is sent.
    Ready,
    /// The phone cannot be read.
    WrongPhone,
    /// A phone abroad under a template for home, or the other way round.
    WrongCountry,
    /// A variable has no value.
    MissingValue,
    /// A variable's value cannot be sent.
    BadValue,
    /// The text is longer than the vendor takes.
    TooLong,
    /// The phone stands in an earlier row.
    Duplicate,
    /// The phone opted out.
    Suppressed,
    /// The phone was sent the same within 24 hours.
    Repeat,
}

impl Verdict {
    /// All of them, in the order of the preview.
    pub const ALL: [Self; 9] = [
        Self::Ready,
        Self::Repeat,
        Self::Duplicate,
        Self::WrongPhone,
        Self::WrongCountry,
        Self::MissingValue,
        Self::BadValue,
        Self::TooLong,
        Self::Suppressed,
    ];

    /// The name used in addresses, files and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::WrongPhone => "wrong_phone",
            Self::WrongCountry => "wrong_country",
            Self::MissingValue => "missing_value",
            Self::BadValue => "bad_value",
            Self::TooLong => "too_long",
            Self::Duplicate => "duplicate",
            Self::Suppressed => "suppressed",
            Self::Repeat => "repeat",
        }
    }

    /// Reads [`Verdict::key`] back.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.key() == key)
    }
}

/// A row with its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Its line in the file, from 1, the header included.
    pub position: i32,
    /// What becomes of it.
    pub verdict: Verdict,
    /// The phone as it is sent to, or as it was written when it cannot be read.
    pub phone: String,
    /// The values of the template's variables.
    pub params: Vec<String>,
    /// What exactly is wrong: the name of a phone's problem, or a variable and the problem of its
    /// value as `2:emoji`, or a length.
    pub detail: String,
    /// The row as it was written, when it is not sent.
    pub cells: Option<Vec<String>>,
}
