//! Typed ids. An id holds the time when it was made, in milliseconds since 2020, in its upper bits
//! and a sequence number in the lower 22; the database makes it (`new_id`). Pages and URLs write it
//! as a letter for its type and a base-32 number: `b-0c9yx3qk2w000`.

use std::fmt;
use std::str::FromStr;

use time::{Duration, OffsetDateTime};

/// 2020-01-01 UTC in milliseconds since 1970, where ids begin to count.
const EPOCH_MILLIS: i64 = 1_577_836_800_000;
const SEQUENCE_BITS: u32 = 22;
/// The difference between the numbers of ids that were made a day apart.
pub const NUMBERS_A_DAY: i64 = 86_400_000 << SEQUENCE_BITS;
/// Crockford's alphabet: no i, l, o or u, which are easily confused when an id is read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS: usize = 13;

/// The methods of every id.
pub trait Id: Copy + fmt::Display + FromStr {
    /// Returns the number that the database stores.
    fn number(self) -> i64;

    /// Returns when the id was made, in whole milliseconds, UTC.
    fn made_at(self) -> OffsetDateTime {
        made_at(self.number())
    }
}

/// The error of a text that is not an id of the expected type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid ID")]
pub struct NotAnId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
        #[sqlx(transparent)]
        pub struct $name(pub i64);

        impl Id for $name {
            fn number(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}-{}", $letter, base32(self.0))
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let digits = text.strip_prefix(concat!($letter, "-")).ok_or(NotAnId)?;
                from_base32(digits).map(Self).ok_or(NotAnId)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                String::deserialize(source)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A UCloud project with its API keys.
    ProjectId,
    "p"
);
id!(
    /// An account.
    UserId,
    "u"
);
id!(
    /// A signature; the vendor's own id of it is `sig_id`.
    SignatureId,
    "s"
);
id!(
    /// An SMS template; the vendor's own id of it is `template_id`.
    TemplateId,
    "t"
);
id!(
    /// A batch.
    BatchId,
    "b"
);
id!(
    /// A submission: one API call's worth of messages.
    SubmissionId,
    "c"
);
id!(
    /// A message: one recipient of a batch.
    MessageId,
    "m"
);
id!(
    /// An application file: a certificate or letter of authority.
    FileId,
    "f"
);
id!(
    /// An application to the vendor's review.
    ApplicationId,
    "a"
);

id!(
    /// A push as it came.
    PushId,
    "h"
);
id!(
    /// A suppressed phone.
    SuppressionId,
    "x"
);
id!(
    /// A file of phones to suppress that waits for a person.
    SuppressionImportId,
    "i"
);

id!(
    /// A reply.
    ReplyId,
    "r"
);

id!(
    /// A conversation: all messages to and replies from one phone.
    ConversationId,
    "k"
);

id!(
    /// A group robot that people are told by.
    RobotId,
    "g"
);

id!(
    /// A rule on who is told what.
    AlertRuleId,
    "l"
);

id!(
    /// A budget.
    BudgetId,
    "n"
);

id!(
    /// An audit event.
    AuditEventId,
    "e"
);

impl SubmissionId {
    /// Returns the `UserId` of the submission, which the vendor returns in receipts. The prefix
    /// tells it from those that other programs of the account choose.
    pub fn vendor_user_id(self) -> String {
        format!("{SUBMISSION_PREFIX}{}", base32(self.0))
    }

    /// Parses a `UserId`; `None` if it is not one of a submission.
    pub fn from_vendor_user_id(text: &str) -> Option<Self> {
        text.strip_prefix(SUBMISSION_PREFIX).and_then(from_base32).map(Self)
    }
}

impl MessageId {
    /// Returns the `UserId` of this message in a call that carries many texts.
    pub fn vendor_user_id(self) -> String {
        format!("{MESSAGE_PREFIX}{}", base32(self.0))
    }

    /// Parses a `UserId`; `None` if it is not one of a message.
    pub fn from_vendor_user_id(text: &str) -> Option<Self> {
        text.strip_prefix(MESSAGE_PREFIX).and_then(from_base32).map(Self)
    }
}

/// The prefix of the `UserId` of a submission. With 13 digits it stays far below the 32 characters
/// that the vendor allows (USMS API reference, SendUSMSMessage).
const SUBMISSION_PREFIX: &str = "usmsc-c-";
/// The prefix of the `UserId` of a message.
const MESSAGE_PREFIX: &str = "usmsc-m-";

/// Returns when an id with this number was made.
fn made_at(number: i64) -> OffsetDateTime {
    let millis = (number >> SEQUENCE_BITS) + EPOCH_MILLIS;
    OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(millis)
}

/// Returns the smallest number of an id that is made at `at`, for use as the bound of a time range.
pub fn first_number_at(at: OffsetDateTime) -> i64 {
    let millis = (at - OffsetDateTime::UNIX_EPOCH).whole_milliseconds();
    let millis = i64::try_from(millis).unwrap_or(i64::MAX).saturating_sub(EPOCH_MILLIS);
    millis.clamp(0, i64::MAX >> SEQUENCE_BITS) << SEQUENCE_BITS
}

fn base32(number: i64) -> String {
    let number = number.cast_unsigned();
    (0..DIGITS)
        .rev()
        .map(|digit| char::from(ALPHABET[(number >> (digit * 5)) as usize & 31]))
        .collect()
}

fn from_base32(text: &str) -> Option<i64> {
    if text.len() != DIGITS {
        return None;
    }
    text.bytes()
        .try_fold(0i64, |number, byte| {
            let digit = ALPHABET.iter().position(|letter| *letter == byte)?;
            number.checked_mul(32)?.checked_add(i64::try_from(digit).ok()?)
        })
        .filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    proptest! {
        #[test]
        fn an_id_survives_a_round_trip(number in 1..=i64::MAX) {
            prop_assert_eq!(BatchId(number).to_string().parse(), Ok(BatchId(number)));
            let user_id = SubmissionId(number).vendor_user_id();
            prop_assert!(user_id.len() <= 32);
            let submission = SubmissionId::from_vendor_user_id(&user_id);
            prop_assert_eq!(submission, Some(SubmissionId(number)));
            let user_id = MessageId(number).vendor_user_id();
            prop_assert!(user_id.len() <= 32);
            prop_assert_eq!(MessageId::from_vendor_user_id(&user_id), Some(MessageId(number)));
            prop_assert_eq!(SubmissionId::from_vendor_user_id(&user_id), None);
        }

        #[test]
        fn no_text_makes_parsing_panic(text in ".*") {
            let _ = text.parse::<MessageId>();
            let _ = SubmissionId::from_vendor_user_id(&text);
        }
    }

    #[test]
    fn an_id_of_one_type_is_not_parsed_as_another() {
        assert_eq!(MessageId(7).to_string().parse::<BatchId>(), Err(NotAnId));
    }

    #[test]
    fn an_id_tells_when_it_was_made() {
        let at = datetime!(2026-11-23 06:32:08.123 UTC);
        assert_eq!(BatchId(first_number_at(at) | 77).made_at(), at);
    }
}
