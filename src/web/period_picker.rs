//! Choosing a span of time: by name, or by its first and last day. It stands in the address.

use askama::Template;
use time::OffsetDateTime;

use super::components::Drawing;
use super::i18n::Texts;
use super::urls::with_query;
use crate::domain::period::{Named, Period, PeriodProblem};

/// What is shown when nothing is asked for.
const USUAL: Named = Named::Week;

/// The span of a page.
#[derive(Debug, Clone)]
pub struct PeriodChoice {
    /// The span that is shown.
    pub period: Period,
    /// What is wrong with what was typed; the usual span is shown then.
    pub problem: Option<PeriodProblem>,
    named: Option<Named>,
    from: String,
    to: String,
}

impl PeriodChoice {
    /// Reads what the address asks for; days that were typed come before a name.
    pub fn read(name: &str, from: &str, to: &str, now: OffsetDateTime) -> Self {
        let named = Named::from_key(name).unwrap_or(USUAL);
        let of_name = Period::named(named, now);
        let by_name = |problem| Self {
            period: of_name,
            problem,
            named: Some(named),
            from: of_name.from.to_string(),
            to: of_name.to.to_string(),
        };
        if from.trim().is_empty() && to.trim().is_empty() {
            return by_name(None);
        }
        match Period::typed(from, to, now) {
            Ok(period) => Self {
                period,
                problem: None,
                named: None,
                from: period.from.to_string(),
                to: period.to.to_string(),
            },
            Err(problem) => {
                Self { from: from.to_owned(), to: to.to_owned(), ..by_name(Some(problem)) }
            }
        }
    }

    /// The part of an address that asks for this span again.
    pub fn query(&self) -> Vec<(&'static str, String)> {
        match self.named {
            Some(named) => vec![("span", named.key().to_owned())],
            None => vec![("from", self.from.clone()), ("to", self.to.clone())],
        }
    }

    /// What a page compares with, in words: yesterday, the 30 days before.
    pub fn before_words(&self, texts: Texts) -> String {
        texts.with("period-before", &[("days", self.period.days().into())])
    }

    /// How the page chooses. `address` is the page without a query; `more` is the rest of its query.
    pub fn picker(
        &self,
        texts: Texts,
        address: String,
        more: Vec<(&'static str, String)>,
    ) -> PeriodPicker {
        PeriodPicker { texts, address, more, choice: self.clone() }
    }
}

/// Tabs of named spans, and two fields.
#[derive(Debug, Clone, Template)]
#[template(path = "components/period.html")]
pub struct PeriodPicker {
    texts: Texts,
    address: String,
    more: Vec<(&'static str, String)>,
    choice: PeriodChoice,
}

impl askama::filters::HtmlSafe for PeriodPicker {}

impl PeriodPicker {
    fn address_of(&self, named: &Named) -> String {
        let mut query = vec![("span", named.key())];
        query.extend(self.more.iter().map(|(name, value)| (*name, value.as_str())));
        with_query(&self.address, &query)
    }

    fn is_current(&self, named: &Named) -> bool {
        self.choice.named == Some(*named) && self.choice.problem.is_none()
    }

    /// Whether the field called so holds the mistake.
    fn is_wrong(&self, field: &str) -> bool {
        match self.choice.problem {
            Some(PeriodProblem::To) => field == "to",
            Some(
                PeriodProblem::From
                | PeriodProblem::Backwards
                | PeriodProblem::Future
                | PeriodProblem::TooLong,
            ) => field == "from",
            None => false,
        }
    }
}
