//! Prices of a part, and what messages cost by them.

use std::collections::BTreeMap;

use time::Date;

use crate::domain::review::Purpose;

/// The highest price of a part, in ten-thousandths of a yuan.
const MAX_PRICE: f64 = 1_000_000.0;
/// The calling code of mainland China.
pub const HOME: &str = "86";

/// What a price is for. UCloud's list has a row for each purpose at home (USMS manual, price/3003).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(type_name = "sms_package", rename_all = "snake_case")]
pub enum PriceKind {
    /// 通知类短信; also verification codes as long as they have no price of their own, since both are
    /// taken from one package.
    Notice,
    /// 验证码短信.
    Verification,
    /// 推广类短信.
    Marketing,
    /// 国际及港澳台短信: by country or region.
    International,
}

impl PriceKind {
    /// All kinds.
    pub const ALL: [Self; 4] =
        [Self::Notice, Self::Verification, Self::Marketing, Self::International];

    /// Returns the kind of price of messages of this purpose.
    pub fn of(purpose: Purpose, international: bool) -> Self {
        match purpose {
            _ if international => Self::International,
            Purpose::Verification => Self::Verification,
            Purpose::Notice => Self::Notice,
            Purpose::Marketing => Self::Marketing,
        }
    }

    /// Parses what [`PriceKind::key`] returns.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// Returns the name used in files of prices and message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Verification => "verification",
            Self::Marketing => "marketing",
            Self::International => "international",
        }
    }
}

/// The price of a part from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// What it is the price of.
    pub kind: PriceKind,
    /// The calling code of the country, or an empty string: at home, and abroad for every country
    /// without a price of its own.
    pub country: String,
    /// The first day in China on which it is valid.
    pub valid_from: Date,
    /// The price in ten-thousandths of a yuan; `None` if it is not known any more.
    pub price: Option<i32>,
}

/// The prices that are valid on a day, in ten-thousandths of a yuan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceList(BTreeMap<(PriceKind, String), i32>);

impl PriceList {
    /// Returns the price of a part to a country, given by its calling code, if it is known.
    pub fn price(&self, kind: PriceKind, country: &str) -> Option<i32> {
        let known = |kind, country: &str| self.0.get(&(kind, country.to_owned())).copied();
        match kind {
            PriceKind::International => known(kind, country).or_else(|| known(kind, "")),
            PriceKind::Verification => known(kind, "").or_else(|| known(PriceKind::Notice, "")),
            PriceKind::Notice | PriceKind::Marketing => known(kind, ""),
        }
    }

    /// Returns what parts cost that are sent to several countries.
    pub fn estimate(&self, kind: PriceKind, parts: BTreeMap<String, i64>) -> Estimate {
        let of_country = |(country, parts): (String, i64)| {
            let price = self.price(kind, &country);
            CountryEstimate { country, parts, price }
        };
        Estimate { countries: parts.into_iter().map(of_country).collect() }
    }

    /// Returns whether no price is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Price> for PriceList {
    fn from_iter<I: IntoIterator<Item = Price>>(prices: I) -> Self {
        let known = |price: Price| Some(((price.kind, price.country), price.price?));
        Self(prices.into_iter().filter_map(known).collect())
    }
}

/// Parts that are sent to a country, with their price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountryEstimate {
    /// The calling code; empty if the country is not known.
    pub country: String,
    /// The number of parts.
    pub parts: i64,
    /// The price of a part in ten-thousandths of a yuan, if it is known.
    pub price: Option<i32>,
}

/// What messages cost, country by country.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Estimate {
    /// The countries that they are sent to.
    pub countries: Vec<CountryEstimate>,
}

impl Estimate {
    /// Returns the cost of the parts whose price is known, in ten-thousandths of a yuan.
    pub fn known_cost(&self) -> i64 {
        let costs = self.countries.iter().map(|one| one.parts * i64::from(one.price.unwrap_or(0)));
        costs.sum()
    }

    /// Returns the calling codes of the countries without a known price.
    pub fn unpriced(&self) -> Vec<&str> {
        let unpriced = self.countries.iter().filter(|one| one.price.is_none());
        unpriced.map(|one| one.country.as_str()).collect()
    }

    /// Returns whether any price is known.
    pub fn has_prices(&self) -> bool {
        self.countries.iter().any(|one| one.price.is_some())
    }

    /// Returns the price of a part if it is known and the same in all countries.
    pub fn same_price(&self) -> Option<i32> {
        let first = self.countries.first()?.price?;
        self.countries.iter().all(|one| one.price == Some(first)).then_some(first)
    }

    /// Returns the prices as a text that differs if any of them does.
    pub fn prices_text(&self) -> String {
        let each = self.countries.iter().map(|one| format!("{} {:?}", one.country, one.price));
        each.collect::<Vec<_>>().join(",")
    }
}

/// Parses a price typed in yuan, with at most four decimals. Returns ten-thousandths of a yuan.
pub fn parse_yuan(typed: &str) -> Option<i32> {
    let typed = typed.trim().trim_start_matches(['¥', '￥']);
    let amount = typed.parse::<f64>().ok()? * 10_000.0;
    let rounded = amount.round();
    let is_exact = (amount - rounded).abs() < 1e-6;
    #[allow(clippy::cast_possible_truncation)]
    ((0.0..=MAX_PRICE).contains(&rounded) && is_exact).then_some(rounded as i32)
}

/// Parses an amount typed in yuan, with at most two decimals. Returns ten-thousandths of a yuan.
pub fn parse_amount(typed: &str) -> Option<i64> {
    let typed = typed.trim().trim_start_matches(['¥', '￥']).replace(',', "");
    let (whole, cents) = typed.split_once('.').unwrap_or((&typed, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(cents) || whole.len() > 9 || cents.len() > 2 {
        return None;
    }
    let cents: i64 = format!("{cents:0<2}").parse().ok()?;
    Some(whole.parse::<i64>().ok()? * 10_000 + cents * 100)
}

/// Parses a calling code of another country: `60`, `+60`, `0060` or `(60)`.
pub fn parse_calling_code(typed: &str) -> Option<&str> {
    let code = typed.trim().trim_start_matches(['+', '(', '（']).trim_end_matches([')', '）']);
    let code = code.strip_prefix("00").unwrap_or(code);
    let is_code = (1..=4).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_digit())
        && !code.starts_with('0')
        && code != HOME;
    is_code.then_some(code)
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    fn list() -> PriceList {
        let price = |kind, country: &str, price| Price {
            kind,
            country: country.to_owned(),
            valid_from: date!(2026 - 01 - 01),
            price,
        };
        [
            price(PriceKind::Notice, "", Some(450)),
            price(PriceKind::International, "60", Some(3_000)),
            price(PriceKind::International, "65", None),
        ]
        .into_iter()
        .collect()
    }

    fn parts(of: &[(&str, i64)]) -> BTreeMap<String, i64> {
        of.iter().map(|(country, parts)| ((*country).to_owned(), *parts)).collect()
    }

    #[test]
    fn each_country_costs_its_own_price_and_those_without_one_are_named() {
        let estimate =
            list().estimate(PriceKind::International, parts(&[("60", 2), ("65", 3), ("81", 1)]));
        assert_eq!(estimate.known_cost(), 6_000);
        assert_eq!(estimate.unpriced(), ["65", "81"]);
        assert_eq!(estimate.same_price(), None);
    }

    #[test]
    fn the_default_price_holds_for_every_country_without_its_own() {
        let mut list = list();
        list.0.insert((PriceKind::International, String::new()), 5_000);
        assert_eq!(list.price(PriceKind::International, "60"), Some(3_000));
        assert_eq!(list.price(PriceKind::International, "65"), Some(5_000));
        assert_eq!(list.price(PriceKind::International, "81"), Some(5_000));
    }

    #[test]
    fn a_purpose_without_a_price_does_not_borrow_that_of_another_package() {
        assert_eq!(list().price(PriceKind::Notice, HOME), Some(450));
        assert_eq!(list().price(PriceKind::Marketing, HOME), None);
    }

    #[test]
    fn verification_codes_cost_what_notices_do_unless_they_have_their_own_price() {
        let mut list = list();
        assert_eq!(list.price(PriceKind::Verification, HOME), Some(450));
        list.0.insert((PriceKind::Verification, String::new()), 400);
        assert_eq!(list.price(PriceKind::Verification, HOME), Some(400));
        assert_eq!(list.price(PriceKind::Notice, HOME), Some(450));
    }

    #[test]
    fn an_amount_is_read_to_the_cent_or_not_at_all() {
        for (typed, amount) in
            [("500", 5_000_000), (" ¥1,200.5", 12_005_000), ("0", 0), ("0.05", 500)]
        {
            assert_eq!(parse_amount(typed), Some(amount), "{typed}");
        }
        for wrong in ["", "-1", "1.234", "1e3", "a", "1.", ".5", "12345678901"] {
            assert_eq!(parse_amount(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_price_is_read_exactly_or_not_at_all() {
        for (typed, price) in [("0.045", 450), (" ¥0.0450", 450), ("￥1", 10_000), ("0", 0)] {
            assert_eq!(parse_yuan(typed), Some(price), "{typed}");
        }
        for typed in ["", "free", "-0.1", "0.04567", "101", "NaN", "inf", "0,045"] {
            assert_eq!(parse_yuan(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_calling_code_is_read_in_the_usual_spellings() {
        for typed in ["60", "+60", "(60)", "（60）", "0060", " +60 "] {
            assert_eq!(parse_calling_code(typed), Some("60"), "{typed}");
        }
        for typed in ["", "86", "+86", "0", "12345", "MY", "6 0"] {
            assert_eq!(parse_calling_code(typed), None, "{typed}");
        }
    }
}
