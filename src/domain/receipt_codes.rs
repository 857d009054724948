//! Receipt codes sorted by cause. The table is the vendor's public one sorted by rule, so a row can
//! be wrong: the carrier's own words are always shown beside it.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::message::{MessageState, Outcome};
use super::phone::Operator;

/// What a receipt code stands for.
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

    /// The name used in the table, the database and message keys.
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

    /// Causes that do not pass by themselves: sending again to the same phone brings nothing.
    pub fn lasting() -> [&'static str; 5] {
        [Self::InvalidNumber, Self::Suspended, Self::Blacklist, Self::NotProvisioned, Self::Arrears]
            .map(Self::key)
    }

    /// Reads a name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.key() == key)
    }
}

/// By code: the cause at each carrier, and the one that holds at any.
#[derive(Default)]
struct Causes {
    any: Option<Category>,
    of: Vec<(Operator, Category)>,
}

static TABLE: LazyLock<HashMap<String, Causes>> = LazyLock::new(|| {
    let mut table: HashMap<String, Causes> = HashMap::new();
    let mut rows = csv::Reader::from_reader(include_bytes!("receipt_codes.csv").as_slice());
    for (code, carrier, category) in rows.deserialize::<(String, String, String)>().flatten() {
        let Some(category) = Category::from_key(&category) else { continue };
        let causes = table.entry(code.to_ascii_uppercase()).or_default();
        match carrier.as_str() {
            "cmcc" => causes.of.push((Operator::Cmcc, category)),
            "ctcc" => causes.of.push((Operator::Ctcc, category)),
            "cucc" => causes.of.push((Operator::Cucc, category)),
            _ => causes.any = Some(category),
        }
    }
    table
});

/// The cause that `code` most likely stands for. `operator` is whose number the phone was issued as;
/// a receipt itself names no carrier, and one code can mean different things at two of them.
pub fn categorise(code: &str, operator: Option<Operator>) -> Category {
    let code = code.trim().to_ascii_uppercase();
    if code == "DELIVRD" {
        return Category::Delivered;
    }
    let Some(causes) = TABLE.get(&code) else { return Category::CarrierUnspecified };
    let at_its_carrier =
        causes.of.iter().find(|(carrier, _)| Some(*carrier) == operator).map(|(_, cause)| *cause);
    at_its_carrier.or(causes.any).unwrap_or_else(|| agreed(&causes.of))
}

/// How the reason of an outcome is kept: under the cause its code stands for, where it failed; else
/// under what became of the message.
pub fn kept_under(outcome: Outcome, code: &str, phone: &str) -> &'static str {
    match outcome {
        Outcome::Failed => categorise(code, Operator::of(phone)).key(),
        Outcome::Delivered
        | Outcome::Unknown
        | Outcome::Refused
        | Outcome::Cancelled
        | Outcome::Suppressed => MessageState::from(outcome).key(),
    }
}

/// What all carriers mean by a code, if they mean the same.
fn agreed(of: &[(Operator, Category)]) -> Category {
    match of.split_first() {
        Some(((_, first), rest)) if rest.iter().all(|(_, cause)| cause == first) => *first,
        _ => Category::CarrierUnspecified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        let rows = include_str!("receipt_codes.csv").lines().count() - 1;
        let read: usize =
            TABLE.values().map(|causes| causes.of.len() + usize::from(causes.any.is_some())).sum();
        assert!(read > 2_000 && read <= rows, "{read} of {rows}");
    }

    #[test]
    fn a_code_means_what_it_means_at_the_carrier_of_the_phone() {
        assert_eq!(categorise("-1", Some(Operator::Cucc)), Category::InvalidNumber);
        assert_eq!(categorise("-1", Some(Operator::Cmcc)), Category::Expired);
        assert_eq!(categorise("Delivrd", None), Category::Delivered);
        assert_eq!(categorise("no such code", None), Category::CarrierUnspecified);
    }
}
