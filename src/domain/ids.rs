//! Ids as types. An id is a time: milliseconds since 2020 in the upper bits and a running number
//! in the lower 22, made by the database (`new_id`). On pages and in addresses it is written as a
//! letter for its kind and a base-32 number: `b-0c9yx3qk2w000`.

use std::fmt;
use std::str::FromStr;

use time::{Duration, OffsetDateTime};

/// Milliseconds between 1970 and 2020, where ids begin to count.
const EPOCH_MILLIS: i64 = 1_577_836_800_000;
const SEQUENCE_BITS: u32 = 22;
/// So far apart are the numbers of ids that were made a day apart.
pub const NUMBERS_A_DAY: i64 = 86_400_000 << SEQUENCE_BITS;
/// Crockford's alphabet: no i, l, o, u, so that an id read aloud arrives whole.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS: usize = 13;

/// What every id has in common.
pub trait Id: Copy + fmt::Display + FromStr {
    /// The number the database keeps.
    fn number(self) -> i64;

    /// When the thing was made, in whole milliseconds.
    fn made_at(self) -> OffsetDateTime {
        made_at(self.number())
    }
}

/// A text that is no id of the expected kind.
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
    /// A UCloud project with its keys.
    ProjectId,
    "p"
);
id!(
    /// A person with an account.
    UserId,
    "u"
);
id!(
    /// A signature as the console keeps it; the vendor's own id is `sig_id`.
    SignatureId,
    "s"
);
id!(
    /// An SMS template as the console keeps it; the vendor's own id is `template_id`.
    TemplateId,
    "t"
);
id!(
    /// One order to send.
    BatchId,
    "b"
);
id!(
    /// One API call's worth of messages.
    SubmissionId,
    "c"
);
id!(
    /// One recipient of a batch.
    MessageId,
    "m"
);
id!(
    /// A certificate or letter of authority.
    FileId,
    "f"
);
id!(
    /// What was handed in to the vendor's review, once.
    ApplicationId,
    "a"
);

id!(
    /// A push as it came.
    PushId,
    "h"
);
id!(
    /// A phone that opted out.
    SuppressionId,
    "x"
);

id!(
    /// What a person texted back, once.
    ReplyId,
    "r"
);

id!(
    /// All that went to and came from one phone that texted back.
    ConversationId,
    "k"
);

impl SubmissionId {
    /// The `UserId` the vendor returns in receipts: ours by its prefix, since other programs of
    /// the account choose theirs too.
    pub fn vendor_user_id(self) -> String {
        format!("{VENDOR_USER_ID_PREFIX}{}", base32(self.0))
    }

    /// The submission a receipt's `UserId` names, if it is one of ours.
    pub fn from_vendor_user_id(text: &str) -> Option<Self> {
        text.strip_prefix(VENDOR_USER_ID_PREFIX).and_then(from_base32).map(Self)
    }
}

/// Prefix of our `UserId`s of whole submissions; with 13 digits it stays far below the 32
/// characters that the vendor allows (USMS API reference, SendUSMSMessage).
impl MessageId {
    /// The `UserId` of this message in a call that carries many texts.
    pub fn vendor_user_id(self) -> String {
        format!("{VENDOR_USER_ID_OF_ONE}{}", base32(self.0))
    }

    /// Reads a `UserId` back; other programs of the account choose theirs freely.
    pub fn from_vendor_user_id(text: &str) -> Option<Self> {
        text.strip_prefix(VENDOR_USER_ID_OF_ONE).and_then(from_base32).map(Self)
    }
}

const VENDOR_USER_ID_PREFIX: &str = "usmsc-c-";
const VENDOR_USER_ID_OF_ONE: &str = "usmsc-m-";

/// When an id with this number was made.
fn made_at(number: i64) -> OffsetDateTime {
    let millis = (number >> SEQUENCE_BITS) + EPOCH_MILLIS;
    OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(millis)
}

/// The smallest number an id made at `at` can have: the border of a range of time.
pub fn first_number_at(at: OffsetDateTime) -> i64 {
    let millis = (at - OffsetDateTime::UNIX_EPOCH).whole_milliseconds();
    let since = i64::try_from(millis).unwrap_or(i64::MAX).saturating_sub(EPOCH_MILLIS);
    since.clamp(0, i64::MAX >> SEQUENCE_BITS) << SEQUENCE_BITS
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
        fn an_id_survives_being_written_and_read(number in 1..=i64::MAX) {
            prop_assert_eq!(BatchId(number).to_string().parse(), Ok(BatchId(number)));
            let user_id = SubmissionId(number).vendor_user_id();
            prop_assert!(user_id.len() <= 32);
            prop_assert_eq!(SubmissionId::from_vendor_user_id(&user_id), Some(SubmissionId(number)));
            let user_id = MessageId(number).vendor_user_id();
            prop_assert!(user_id.len() <= 32);
            prop_assert_eq!(MessageId::from_vendor_user_id(&user_id), Some(MessageId(number)));
            prop_assert_eq!(SubmissionId::from_vendor_user_id(&user_id), None);
        }

        #[test]
        fn no_text_makes_reading_an_id_panic(text in ".*") {
            let _ = text.parse::<MessageId>();
            let _ = SubmissionId::from_vendor_user_id(&text);
        }
    }

    #[test]
    fn an_id_of_one_kind_is_not_read_as_another() {
        assert_eq!(MessageId(7).to_string().parse::<BatchId>(), Err(NotAnId));
    }

    #[test]
    fn an_id_knows_when_it_was_made() {
        let at = datetime!(2026-11-23 06:32:08.123 UTC);
        assert_eq!(BatchId(first_number_at(at) | 77).made_at(), at);
    }
}
