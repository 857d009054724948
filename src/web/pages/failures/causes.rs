//! Groups the reasons of failures by cause, with the codes of each, as the page shows them.

use std::collections::{BTreeMap, BTreeSet};

use time::{Duration, OffsetDateTime};

use crate::db::reporting::failures::{Only, Reason};
use crate::db::sending::message_search::Source;
use crate::domain::period::Period;
use crate::domain::phone::Carrier;
use crate::domain::receipt_codes::{self, Category};
use crate::domain::sending::message::{MessageState, Outcome};
use crate::web::ui::figures::chart::Spark;
use crate::web::ui::figures::counted::{CountedMessages, NO_CODE};
use crate::web::ui::layout::Layout;
use crate::web::ui::message_table::vendor_advice;
use crate::web::ui::status::{Shown, Tone};

/// A cause of failures.
pub struct Cause {
    /// The outcome of the messages.
    pub outcome: Outcome,
    /// The cause as query parameters name it; empty where the outcome alone is the cause.
    pub category: String,
    /// The cause in plain words.
    pub title: String,
    /// What to do about it.
    pub advice: Option<String>,
    /// How many messages.
    pub n: i64,
    /// How many in the period before.
    pub before: i64,
    /// Its course over the period.
    pub spark: Spark,
    /// Link to these messages in the message search.
    pub messages: String,
    /// The codes, the most common first.
    pub codes: Vec<Code>,
}

impl Cause {
    /// Returns how much attention the outcome asks for.
    pub fn tone(&self) -> Tone {
        state_of(self.outcome).tone()
    }

    /// Returns the shape of the outcome in `icons.svg`.
    pub fn mark(&self) -> &'static str {
        state_of(self.outcome).mark()
    }

    /// Returns the outcome as query parameters name it.
    pub fn state(&self) -> &'static str {
        state_of(self.outcome).key()
    }
}

/// A code with a common cause.
pub struct Code {
    /// The code, as it came.
    pub code: String,
    /// The text that came with it.
    pub words: String,
    /// What it means, for a RetCode; receipt codes mean their cause.
    pub meaning: Option<String>,
    /// What to do about it: for a receipt code, what the vendor advises.
    pub advice: Option<String>,
    /// How many messages.
    pub n: i64,
    /// How many in the period before.
    pub before: i64,
    /// Its course over the period.
    pub spark: Spark,
    /// Link to these messages in the message search.
    pub messages: String,
}

/// All causes of a period, the most common first.
pub struct Causes {
    /// The causes.
    pub rows: Vec<Cause>,
    /// The number of messages of all causes.
    pub total: i64,
}

/// Returns the state of messages with this outcome.
pub fn state_of(outcome: Outcome) -> MessageState {
    MessageState::from(outcome)
}

/// Outcome (an index into [`OUTCOMES`]), category and code.
type Key = (u8, String, String);

#[derive(Default)]
struct Sum {
    n: i64,
    before: i64,
    words: String,
    course: BTreeMap<OffsetDateTime, i64>,
}

impl Causes {
    /// Groups the reasons of a period (`now`) and of the one before it. `period` comes with whether
    /// its counts are by day rather than by hour; `source` says whose messages are counted.
    pub fn new(
        l: &Layout,
        (period, by_day): (&Period, bool),
        (only, source): (&Only, Source),
        now: &[Reason],
        before: &[Reason],
    ) -> Self {
        let mut sums: BTreeMap<Key, Sum> = BTreeMap::new();
        for reason in now {
            let sum = sums.entry(key(reason)).or_default();
            sum.n += reason.n;
            *sum.course.entry(reason.begins).or_default() += reason.n;
            if !reason.words.is_empty() {
                sum.words.clone_from(&reason.words);
            }
        }
        for reason in before {
            let sum = sums.entry(key(reason)).or_default();
            sum.before += reason.n;
            if sum.words.is_empty() {
                sum.words.clone_from(&reason.words);
            }
        }
        let counted = CountedMessages::of_period(period, source);
        let view = View { l, period, by_day, only, counted };
        let causes: BTreeSet<(u8, String)> =
            sums.keys().map(|(outcome, category, _)| (*outcome, category.clone())).collect();
        let mut rows: Vec<Cause> = causes
            .iter()
            .map(|(outcome, category)| view.cause(*outcome, category, &sums))
            .collect();
        rows.sort_by_key(|cause| (-cause.n, -cause.before));
        Self { total: rows.iter().map(|cause| cause.n).sum(), rows }
    }
}

/// The outcomes in the order of their index in a [`Key`].
const OUTCOMES: [Outcome; 3] = [Outcome::Failed, Outcome::Refused, Outcome::Unknown];

fn key(reason: &Reason) -> Key {
    let (index, category) = match reason.outcome {
        Outcome::Failed => (0, reason.category.clone()),
        Outcome::Refused => (1, String::new()),
        Outcome::Unknown | Outcome::Delivered | Outcome::Cancelled | Outcome::Suppressed => {
            (2, String::new())
        }
    };
    (index, category, reason.code.clone())
}

struct View<'a> {
    l: &'a Layout,
    period: &'a Period,
    by_day: bool,
    only: &'a Only,
    counted: CountedMessages,
}

impl View<'_> {
    fn cause(&self, index: u8, category: &str, sums: &BTreeMap<Key, Sum>) -> Cause {
        let outcome = OUTCOMES[usize::from(index).min(2)];
        let own = sums.iter().filter(|((i, c, _), _)| *i == index && c == category);
        let mut course: BTreeMap<OffsetDateTime, i64> = BTreeMap::new();
        let mut codes = Vec::new();
        for ((_, _, code), sum) in own {
            for (at, n) in &sum.course {
                *course.entry(*at).or_default() += n;
            }
            codes.push(self.code(outcome, category, code, sum));
        }
        codes.sort_by_key(|code| (-code.n, -code.before));
        let texts = self.l.texts;
        let (title, advice) = match outcome {
            Outcome::Failed => {
                let title = texts.try_t(&format!("cause-{category}"));
                (title.unwrap_or_else(|| category.to_owned()), format!("cause-{category}-do"))
            }
            Outcome::Refused => (texts.t("failures-refused"), "failures-refused-do".to_owned()),
            Outcome::Unknown | Outcome::Delivered | Outcome::Cancelled | Outcome::Suppressed => {
                (texts.t("message-unknown-what"), "message-unknown-do".to_owned())
            }
        };
        Cause {
            outcome,
            category: category.to_owned(),
            n: codes.iter().map(|code| code.n).sum(),
            before: codes.iter().map(|code| code.before).sum(),
            spark: self.spark(&title, &course),
            advice: texts.try_t(&advice),
            messages: self.messages(outcome, &[("cause", category), ("code", &self.only.code)]),
            title,
            codes,
        }
    }

    fn code(&self, outcome: Outcome, category: &str, code: &str, sum: &Sum) -> Code {
        let texts = self.l.texts;
        let known = texts.try_t(&format!("ret-{code}")).is_some();
        let ret = match outcome {
            Outcome::Refused if known => Some(format!("ret-{code}")),
            Outcome::Refused => Some("ret-other".to_owned()),
            Outcome::Failed
            | Outcome::Unknown
            | Outcome::Delivered
            | Outcome::Cancelled
            | Outcome::Suppressed => None,
        };
        let advice = match &ret {
            Some(key) => texts.try_t(&format!("{key}-do")),
            None => self.vendor_advice(category, code),
        };
        Code {
            code: code.to_owned(),
            words: self.l.sight().vendor_text(&sum.words, "").into_owned(),
            advice,
            meaning: ret.map(|key| texts.t(&key)),
            n: sum.n,
            before: sum.before,
            spark: self.spark(code, &sum.course),
            messages: self.messages(
                outcome,
                &[("cause", category), ("code", if code.is_empty() { NO_CODE } else { code })],
            ),
        }
    }

    fn vendor_advice(&self, category: &str, code: &str) -> Option<String> {
        let cause = Category::from_key(category)?;
        let operator = Carrier::from_key(&self.only.operator);
        vendor_advice(self.l.texts, receipt_codes::advice(code, cause, operator)?)
    }

    fn messages(&self, outcome: Outcome, more: &[(&str, &str)]) -> String {
        let template = [("template", self.only.template.as_str())];
        self.counted.href(&self.l.urls, state_of(outcome), &[more, &template].concat())
    }

    fn spark(&self, name: &str, course: &BTreeMap<OffsetDateTime, i64>) -> Spark {
        let step = if self.by_day { Duration::DAY } else { Duration::HOUR };
        let steps = std::iter::successors(Some(self.period.since()), |at| Some(*at + step))
            .take_while(|at| *at < self.period.until());
        let counts: Vec<i64> =
            steps.map(|at| course.get(&at).copied().unwrap_or_default()).collect();
        let max = counts.iter().copied().max().unwrap_or(0);
        let values = [("name", name.to_owned().into()), ("most", max.into())];
        Spark::new(self.l.with("failures-course", &values), &counts)
    }
}
