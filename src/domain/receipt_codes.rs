//! Causes of receipt codes. The table is the vendor's public one, classified by rules, so a row can
//! be wrong: pages always show the carrier's own words next to the cause.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::message::{MessageState, Outcome};
use super::phone::Carrier;

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

/// The causes of one code.
#[derive(Default)]
struct Causes {
    /// The cause at a carrier that is not in `by_carrier`.
    any: Option<Category>,
    by_carrier: Vec<(Carrier, Category)>,
}

static TABLE: LazyLock<HashMap<String, Causes>> = LazyLock::new(|| {
    let mut table: HashMap<String, Causes> = HashMap::new();
    let mut rows = csv::Reader::from_reader(include_bytes!("receipt_codes.csv").as_slice());
    for (code, carrier, category) in rows.deserialize::<(String, String, String)>().flatten() {
        let Some(category) = Category::from_key(&category) else { continue };
        let causes = table.entry(code.to_ascii_uppercase()).or_default();
        match carrier.as_str() {
            "cmcc" => causes.by_carrier.push((Carrier::Cmcc, category)),
            "ctcc" => causes.by_carrier.push((Carrier::Ctcc, category)),
            "cucc" => causes.by_carrier.push((Carrier::Cucc, category)),
            _ => causes.any = Some(category),
        }
    }
    table
});

/// Returns the most likely cause of `code`. `operator` is the carrier that issued the phone: a
/// receipt does not name its carrier, and a code can mean different things at two carriers.
pub fn categorise(code: &str, operator: Option<Carrier>) -> Category {
    let code = code.trim().to_ascii_uppercase();
    if code == "DELIVRD" {
        return Category::Delivered;
    }
    let Some(causes) = TABLE.get(&code) else { return Category::CarrierUnspecified };
    let mut by_carrier = causes.by_carrier.iter();
    let at_carrier =
        by_carrier.find(|(carrier, _)| Some(*carrier) == operator).map(|(_, cause)| *cause);
    at_carrier.or(causes.any).unwrap_or_else(|| common_cause(&causes.by_carrier))
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

/// Returns the cause that all carriers agree on.
fn common_cause(by_carrier: &[(Carrier, Category)]) -> Category {
    match by_carrier.split_first() {
        Some(((_, first), rest)) if rest.iter().all(|(_, cause)| cause == first) => *first,
        _ => Category::CarrierUnspecified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let rows = include_str!("receipt_codes.csv").lines().count() - 1;
        let read: usize = TABLE
            .values()
            .map(|causes| causes.by_carrier.len() + usize::from(causes.any.is_some()))
            .sum();
        assert!(read > 2_000 && read <= rows, "{read} of {rows}");
    }

    #[test]
    fn the_carrier_of_the_phone_decides_what_a_code_means() {
        assert_eq!(categorise("-1", Some(Carrier::Cucc)), Category::InvalidNumber);
        assert_eq!(categorise("-1", Some(Carrier::Cmcc)), Category::Expired);
        assert_eq!(categorise("Delivrd", None), Category::Delivered);
        assert_eq!(categorise("no such code", None), Category::CarrierUnspecified);
    }
}
