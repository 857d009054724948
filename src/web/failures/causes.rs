//! Reasons as a page shows them: causes in words, and the codes that stand for each.

use std::collections::{BTreeMap, BTreeSet};

use time::{Duration, OffsetDateTime};

use crate::db::failures::{Only, Reason};
use crate::domain::message::{MessageState, Outcome};
use crate::domain::period::Period;
use crate::web::chart::Spark;
use crate::web::components::{Shown, Tone};
use crate::web::layout::Layout;

/// A cause of failures.
pub struct Cause {
    /// What became of the messages.
    pub outcome: Outcome,
    /// The cause as addresses name it; empty where the outcome says it all.
    pub category: String,
    /// The cause in words.
    pub title: String,
    /// What to do about it.
    pub advice: Option<String>,
    /// How many messages.
    pub n: i64,
    /// How many in the span before.
    pub before: i64,
    /// Its course.
    pub spark: Spark,
    /// These messages in the log.
    pub messages: String,
    /// The codes, the most common first.
    pub codes: Vec<Code>,
}

impl Cause {
    /// How much the outcome asks for attention.
    pub fn tone(&self) -> Tone {
        state_of(self.outcome).tone()
    }

    /// The shape of the outcome.
    pub fn mark(&self) -> &'static str {
        state_of(self.outcome).mark()
    }

    /// The name of the outcome in addresses.
    pub fn state(&self) -> &'static str {
        state_of(self.outcome).key()
    }
}

/// A code of a cause.
pub struct Code {
    /// The code, as it came.
    pub code: String,
    /// Words that came with it.
    pub words: String,
    /// What a RetCode means; receipt codes mean their cause.
    pub meaning: Option<String>,
    /// What to do about a RetCode.
    pub advice: Option<String>,
    /// How many messages.
    pub n: i64,
    /// How many in the span before.
    pub before: i64,
    /// Its course.
    pub spark: Spark,
    /// These messages in the log.
    pub messages: String,
}

/// All causes of a span, the most common first.
pub struct Causes {
    /// The causes.
    pub rows: Vec<Cause>,
    /// Their messages together.
    pub total: i64,
}

/// The state of messages with this outcome.
pub fn state_of(outcome: Outcome) -> MessageState {
    MessageState::from(outcome)
}

/// A cause and a code of it.
type Key = (u8, String, String);

#[derive(Default)]
struct Sum {
    n: i64,
    before: i64,
    words: String,
    course: BTreeMap<OffsetDateTime, i64>,
}

impl Causes {
    /// Groups the reasons of a span and of the one before it, of which there are `only` these.
    pub fn new(
        l: &Layout,
        (period, days): (&Period, bool),
        only: &Only,
        now: &[Reason],
        before: &[Reason],
    ) -> Self {
        let mut sums: BTreeMap<Key, Sum> = BTreeMap::new();
        for one in now {
            let sum = sums.entry(key(one)).or_default();
            sum.n += one.n;
            *sum.course.entry(one.begins).or_default() += one.n;
            if !one.words.is_empty() {
                sum.words.clone_from(&one.words);
            }
        }
        for one in before {
            let sum = sums.entry(key(one)).or_default();
            sum.before += one.n;
            if sum.words.is_empty() {
                sum.words.clone_from(&one.words);
            }
        }
        let view = View { l, period, days, only };
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

/// Outcomes in the order of the keys.
const OUTCOMES: [Outcome; 3] = [Outcome::Failed, Outcome::Refused, Outcome::Unknown];

fn key(reason: &Reason) -> Key {
    let (place, category) = match reason.outcome {
        Outcome::Failed => (0, reason.category.clone()),
        Outcome::Refused => (1, String::new()),
        Outcome::Unknown | Outcome::Delivered | Outcome::Cancelled | Outcome::Suppressed => {
            (2, String::new())
        }
    };
    (place, category, reason.code.clone())
}

struct View<'a> {
    l: &'a Layout,
    period: &'a Period,
    days: bool,
    only: &'a Only,
}

impl View<'_> {
    fn cause(&self, place: u8, category: &str, sums: &BTreeMap<Key, Sum>) -> Cause {
        let outcome = OUTCOMES[usize::from(place).min(2)];
        let of = sums.iter().filter(|((p, c, _), _)| *p == place && c == category);
        let mut course: BTreeMap<OffsetDateTime, i64> = BTreeMap::new();
        let mut codes = Vec::new();
        for ((_, _, code), sum) in of {
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
        Code {
            code: code.to_owned(),
            words: sum.words.clone(),
            advice: ret.as_ref().and_then(|key| texts.try_t(&format!("{key}-do"))),
            meaning: ret.map(|key| texts.t(&key)),
            n: sum.n,
            before: sum.before,
            spark: self.spark(code, &sum.course),
            messages: self.messages(outcome, &[("cause", category), ("code", code)]),
        }
    }

    fn messages(&self, outcome: Outcome, more: &[(&str, &str)]) -> String {
        let (from, to) = (self.period.from.to_string(), self.period.to.to_string());
        let mut filters = vec![("state", state_of(outcome).key())];
        let all = more.iter().copied().chain([("template", self.only.template.as_str())]);
        filters.extend(all.filter(|(_, value)| !value.is_empty()));
        filters.extend([("from", from.as_str()), ("to", to.as_str())]);
        self.l.urls.messages_where(&filters)
    }

    fn spark(&self, name: &str, course: &BTreeMap<OffsetDateTime, i64>) -> Spark {
        let step = if self.days { Duration::DAY } else { Duration::HOUR };
        let steps = std::iter::successors(Some(self.period.since()), |at| Some(*at + step))
            .take_while(|at| *at < self.period.until());
        let counts: Vec<i64> =
            steps.map(|at| course.get(&at).copied().unwrap_or_default()).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        let values = [("name", name.to_owned().into()), ("most", most.into())];
        Spark::new(self.l.with("failures-course", &values), &counts)
    }
}
