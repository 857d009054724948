//! The control that chooses a period, by name or by its first and last day. The choice is part of
//! the query.

use askama::Template;
use time::OffsetDateTime;

use super::status::Drawing;
use crate::domain::period::{Named, Period, PeriodProblem};
use crate::web::http::i18n::Texts;
use crate::web::http::urls::with_query;

/// The period of a page whose query names none.
const DEFAULT: Named = Named::Week;

/// The period that a page shows, and how it was chosen.
#[derive(Debug, Clone)]
pub struct PeriodChoice {
    /// The period that is shown.
    pub period: Period,
    /// What is wrong with the typed days; the default period is shown then.
    pub problem: Option<PeriodProblem>,
    named: Option<Named>,
    from: String,
    to: String,
}

impl PeriodChoice {
    /// Reads the query parameters. Days take precedence over a name.
    pub fn read(name: &str, from: &str, to: &str, now: OffsetDateTime) -> Self {
        let named = Named::from_key(name).unwrap_or(DEFAULT);
        let named_period = Period::named(named, now);
        let from_named = |problem| Self {
            period: named_period,
            problem,
            named: Some(named),
            from: named_period.from.to_string(),
            to: named_period.to.to_string(),
        };
        if from.trim().is_empty() && to.trim().is_empty() {
            return from_named(None);
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
                Self { from: from.to_owned(), to: to.to_owned(), ..from_named(Some(problem)) }
            }
        }
    }

    /// Returns the query parameters that choose this period again.
    pub fn query(&self) -> Vec<(&'static str, String)> {
        match self.named {
            Some(named) => vec![("span", named.key().to_owned())],
            None => vec![("from", self.from.clone()), ("to", self.to.clone())],
        }
    }

    /// Returns the text for the period before, which the page compares with: "yesterday", "the 30
    /// days before".
    pub fn before_text(&self, texts: Texts) -> String {
        texts.with("period-before", &[("days", self.period.days().into())])
    }

    /// Returns the control for a page. `href` is the page without a query; `more` holds its other
    /// query parameters.
    pub fn picker(
        &self,
        texts: Texts,
        href: String,
        more: Vec<(&'static str, String)>,
    ) -> PeriodPicker {
        PeriodPicker { texts, href, more, choice: self.clone() }
    }
}

/// Tabs for the named periods, and two date fields.
#[derive(Debug, Clone, Template)]
#[template(path = "ui/period_picker.html")]
pub struct PeriodPicker {
    texts: Texts,
    href: String,
    more: Vec<(&'static str, String)>,
    choice: PeriodChoice,
}

impl askama::filters::HtmlSafe for PeriodPicker {}

impl PeriodPicker {
    fn href_of(&self, named: &Named) -> String {
        let mut query = vec![("span", named.key())];
        query.extend(self.more.iter().map(|(name, value)| (*name, value.as_str())));
        with_query(&self.href, &query)
    }

    fn is_current(&self, named: &Named) -> bool {
        self.choice.named == Some(*named) && self.choice.problem.is_none()
    }

    /// Returns whether `field` is the one that is wrong.
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
