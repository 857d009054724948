//! Causes of receipt codes, and what the vendor advises. `scripts/receipt-codes` makes the table from
//! the vendor's public one by the rules in `docs/decisions/0036-receipt-codes-by-rules.md`. A rule can
//! be wrong, so pages always show the carrier's own words next to the cause.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::phone::Carrier;
use super::sending::message::{MessageState, Outcome};

mod advice;

pub use advice::Advice;

/// The cause that a receipt code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Category {
    Delivered,
    InvalidNumber,
    Suspended,
    Arrears,
    PoweredOff,
    Handset,
    NumberPortability,
    Blacklist,
    Content,
    Signature,
    Frequency,
    QuietHours,
    NotProvisioned,
    Expired,
    Channel,
    CarrierUnspecified,
}

impl Category {
    /// All causes.
    pub const ALL: [Self; 16] = [
        Self::Delivered,
        Self::InvalidNumber,
        Self::Suspended,
        Self::Arrears,
        Self::PoweredOff,
        Self::Handset,
        Self::NumberPortability,
        Self::Blacklist,
        Self::Content,
        Self::Signature,
        Self::Frequency,
        Self::QuietHours,
        Self::NotProvisioned,
        Self::Expired,
        Self::Channel,
        Self::CarrierUnspecified,
    ];

    /// Returns the name used in the table, the database and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::InvalidNumber => "invalid_number",
            Self::Suspended => "suspended",
            Self::Arrears => "arrears",
            Self::PoweredOff => "powered_off",
            Self::Handset => "handset",
            Self::NumberPortability => "number_portability",
            Self::Blacklist => "blacklist",
            Self::Content => "content",
            Self::Signature => "signature",
            Self::Frequency => "frequency",
            Self::QuietHours => "quiet_hours",
            Self::NotProvisioned => "not_provisioned",
            Self::Expired => "expired",
            Self::Channel => "channel",
            Self::CarrierUnspecified => "carrier_unspecified",
        }
    }

    /// Returns whether it passes without anybody changing the text, the signature, the number or a
    /// contract: the causes for which the vendor advises to switch the phone on, to restart it, to
    /// choose another time or to try again (USMS receipt codes, column 建议的处理方案: 建议用户开机,
    /// 建议重启手机, 建议更换发送时间, 建议用户稍后重试). For the others it advises to change the text, to
    /// send less often, or to ask support.
    pub fn is_temporary(self) -> bool {
        match self {
            Self::PoweredOff | Self::Handset | Self::QuietHours | Self::Expired | Self::Channel => {
                true
            }
            Self::Delivered
            | Self::InvalidNumber
            | Self::Suspended
            | Self::Arrears
            | Self::NumberPortability
            | Self::Blacklist
            | Self::Content
            | Self::Signature
            | Self::Frequency
            | Self::NotProvisioned
            | Self::CarrierUnspecified => false,
        }
    }

    /// Parses what [`Category::key`] returns.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.key() == key)
    }
}

/// What the vendor's table says of a code at one carrier.
#[derive(Debug, Clone, Copy)]
struct Entry {
    cause: Category,
    advice: Advice,
}

/// The entries of one code.
#[derive(Default)]
struct Entries {
    /// The entry for a carrier that is not in `by_carrier`.
    any: Option<Entry>,
    by_carrier: Vec<(Carrier, Entry)>,
}

impl Entries {
    /// Returns the entries that may stand for a carrier, the most likely first.
    fn at(&self, operator: Option<Carrier>) -> impl Iterator<Item = Entry> {
        let own = self.by_carrier.iter().find(|(carrier, _)| Some(*carrier) == operator);
        own.map(|(_, entry)| *entry).into_iter().chain(self.any)
    }
}

static TABLE: LazyLock<HashMap<String, Entries>> = LazyLock::new(|| {
    let mut table: HashMap<String, Entries> = HashMap::new();
    let mut rows = csv::Reader::from_reader(include_bytes!("receipt_codes.csv").as_slice());
    for (code, carrier, cause, advice) in
        rows.deserialize::<(String, String, String, String)>().flatten()
    {
        let (Some(cause), Some(advice)) = (Category::from_key(&cause), Advice::from_key(&advice))
        else {
            continue;
        };
        let entry = Entry { cause, advice };
        let entries = table.entry(code.to_ascii_uppercase()).or_default();
        match Carrier::from_key(&carrier) {
            Some(carrier) => entries.by_carrier.push((carrier, entry)),
            None => entries.any = Some(entry),
        }
    }
    table
});

fn entries(code: &str) -> Option<&'static Entries> {
    TABLE.get(&code.trim().to_ascii_uppercase())
}

/// Returns the most likely cause of `code`. `operator` is the carrier that issued the phone: a
/// receipt does not name its carrier, and a code can mean different things at two carriers.
pub fn categorise(code: &str, operator: Option<Carrier>) -> Category {
    if code.trim().eq_ignore_ascii_case("DELIVRD") {
        return Category::Delivered;
    }
    let Some(entries) = entries(code) else { return Category::CarrierUnspecified };
    let likely = entries.at(operator).next().map(|entry| entry.cause);
    let all = entries.by_carrier.iter().map(|(_, entry)| entry.cause);
    likely.or_else(|| common(all)).unwrap_or(Category::CarrierUnspecified)
}

/// Returns what the vendor advises for `code`, if it advises anything. `cause` is the one that the
/// message was counted under: advice for another one would contradict it.
pub fn advice(code: &str, cause: Category, operator: Option<Carrier>) -> Option<Advice> {
    let entries = entries(code)?;
    let likely = entries.at(operator).find(|entry| entry.cause == cause);
    let others = entries.by_carrier.iter().map(|(_, entry)| entry);
    let advice = match likely {
        Some(entry) => Some(entry.advice),
        None => common(others.filter(|entry| entry.cause == cause).map(|entry| entry.advice)),
    };
    advice.filter(|advice| *advice != Advice::NoneGiven)
}

/// Returns the category that an outcome's reason is stored with: the cause of its code if the
/// message failed, or else the message state.
pub fn reason_category(outcome: Outcome, code: &str, phone: &str) -> &'static str {
    match outcome {
        Outcome::Failed => categorise(code, Carrier::of(phone)).key(),
        Outcome::Delivered
        | Outcome::Unknown
        | Outcome::Refused
        | Outcome::Cancelled
        | Outcome::Suppressed => MessageState::from(outcome).key(),
    }
}

/// Returns what all have in common.
fn common<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.all(|one| one == first).then_some(first)
}

#[cfg(test)]
mod tests;
