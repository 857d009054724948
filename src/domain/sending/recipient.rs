//! Rows of a recipient list and their verdicts.

use serde::{Deserialize, Serialize};

/// What happens to a row. Every row has exactly one verdict.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type, Serialize, Deserialize,
)]
#[sqlx(type_name = "verdict", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is sent.
    Ready,
    /// The phone is invalid.
    WrongPhone,
    /// An international phone with a domestic template, or the reverse.
    WrongCountry,
    /// A variable has no value.
    MissingValue,
    /// A variable's value cannot be sent.
    BadValue,
    /// The text is longer than the vendor accepts.
    TooLong,
    /// The phone is in an earlier row.
    Duplicate,
    /// The phone is suppressed.
    Suppressed,
    /// The phone was sent the same template and values within 24 hours.
    Repeat,
}

impl Verdict {
    /// All verdicts, in the order of the preview.
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

    /// Returns the name used in URLs, files and message keys.
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

    /// Parses what [`Verdict::key`] returns.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.key() == key)
    }
}

/// A row with its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Its line in the file, from 1, the header included.
    pub position: i32,
    /// What happens to it.
    pub verdict: Verdict,
    /// The phone as it is sent to, or as it was written if it is invalid.
    pub phone: String,
    /// The values of the template's variables.
    pub params: Vec<String>,
    /// What exactly is wrong: the key of a `PhoneProblem`; a variable and the key of a
    /// `ParamProblem`, as in `2:emoji`; or a length in characters.
    pub detail: String,
    /// The row as it was written, if it is not sent.
    pub cells: Option<Vec<String>>,
}
