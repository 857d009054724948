//! How one question is answered: which index drives it, and what is looked up for its candidates.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::filter::{Filter, LookUp, outcome};
use super::keys::{self, Reasons};
use super::rows::{self, Found};
use super::table::Table;
use super::window::Window;
use super::{MessageQuery, Phones};
use crate::domain::ids::ProjectId;
use crate::domain::message::{MessageState, Outcome};

/// Candidates that are looked at for one page when most of them may not fit.
const WINDOW: usize = 5_000;
/// So few reasons are read side by side, each from its newest on, until the page is full. More are
/// fetched first, each as far as its share of the window, and sorted.
const MERGED: usize = 6;
/// Values compared as text cost more.
const TEXT_WINDOW: usize = 2_000;
/// Messages of one submission, at most.
const MAX_PHONES: usize = 1_000;

/// The place or places at which the driving index is entered.
#[derive(Debug)]
enum Key {
    /// All of the project.
    All,
    /// Where the phone is this one.
    Phone(String),
    /// Where an expression equals a text.
    Text(&'static str, String),
    /// Where a column equals a number.
    Number(&'static str, i64),
    /// Where a column equals one of several numbers.
    Several(&'static str, Vec<i64>),
}

const LAST_FOUR: &str = "right(phone, 4)";
const SESSION: &str = "session_no";
const SUBMISSION: &str = "submission_id";
const BATCH: &str = "batch_id";
const TEMPLATE: &str = "template_id";
const REASON: &str = "reason_id";

/// Behind candidates that are few: they are fetched, then sorted. The order is that of the index which
/// finds them: by it alone the planner prefers that index to one that enters the range of ids, which
/// it takes for small.
const FEW: &str = " order by phone offset 0";

/// A question to one table, with the look-ups its answer needs.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    project: ProjectId,
    wanted: &'a MessageQuery,
    window: Window,
    limit: usize,
    table: Table,
    key: Key,
    /// Only candidates with this outcome.
    only: Option<Outcome>,
    /// Reasons that count, when a code or a cause is asked for.
    reasons: Option<Vec<i64>>,
    /// The batches of the signature, when they are few.
    batches: Option<Vec<i64>>,
    /// Templates with the words that are looked for.
    templates: Vec<i64>,
    /// The keys were taken only as far as this id.
    cut: Option<i64>,
}

impl<'a> Plan<'a> {
    /// The questions whose answers together are what is wanted: one to the project's own messages
    /// and one to those of other programs, as far as they can hold any.
    pub(super) async fn all(
        db: &mut PgConnection,
        project: ProjectId,
        wanted: &'a MessageQuery,
        window: Window,
        limit: usize,
    ) -> sqlx::Result<Vec<Self>> {
        let reasons = keys::reasons(db, wanted.code.as_deref(), wanted.cause).await?;
        if reasons.as_ref().is_some_and(|reasons| reasons.ids.is_empty()) {
            return Ok(Vec::new());
        }
        let base = |table| Plan {
            project,
            wanted,
            window,
            limit,
            table,
            key: Key::All,
            only: None,
            reasons: reasons.as_ref().map(|reasons| reasons.ids.clone()),
            batches: None,
            templates: Vec::new(),
            cut: None,
        };
        let own = base(Table::Messages).drive_own(db, reasons.as_ref()).await?;
        let few = reasons.as_ref().and_then(Reasons::few);
        Ok(std::iter::once(own).chain(base(Table::ExternalMessage).drive_external(few)).collect())
    }

    async fn drive_own(
        mut self,
        db: &mut PgConnection,
        reasons: Option<&Reasons>,
    ) -> sqlx::Result<Self> {
        let wanted = self.wanted;
        if let Some(signature) = wanted.signature {
            self.batches = keys::few_batches(db, self.project, signature, self.window).await?;
        }
        if let Some(words) = &wanted.text {
            self.templates = keys::templates_with(db, self.project, words).await?;
        }
        let arrived = wanted.state == Some(MessageState::Delivered)
            || reasons.is_some_and(Reasons::all_arrived);
        let by_submissions = match wanted.state {
            _ if arrived && wanted.template.is_none() && wanted.signature.is_none() => {
                Some(MessageState::Delivered)
            }
            state => state.filter(|state| outcome(*state).is_none()),
        };
        if let Some(session) = &wanted.session {
            let of = keys::submissions_of_session(db, self.project, session).await?;
            self.window = self.window.of_submissions(&of);
            self.key = Key::Several(SUBMISSION, of);
        } else if let Some(key) = phone_key(wanted) {
            self.key = key;
        } else if let Some(state) = by_submissions {
            let (project, batch, window) = (self.project, wanted.batch, self.window);
            let enough = self.enough();
            let of = keys::submissions(db, project, batch, state, window, enough).await?;
            self.window = self.window.of_submissions(&of.ids);
            self.key = Key::Several(SUBMISSION, of.ids);
            self.cut = of.edge;
        } else if let Some(reasons) = reasons.and_then(Reasons::few) {
            self.table = Table::Outcomes;
            self.key = Key::Several(REASON, reasons.to_vec());
        } else if let Some(outcome) = wanted.state.and_then(outcome)
            && outcome != Outcome::Delivered
        {
            self.table = Table::Outcomes;
            self.only = Some(outcome);
            self.key = batch_or_template_key(wanted);
        } else if let Some(batches) = &self.batches
            && wanted.batch.is_none()
            && wanted.template.is_none()
        {
            self.key = Key::Several(BATCH, batches.clone());
        } else {
            self.key = batch_or_template_key(wanted);
        }
        // Also where its own index is entered: in months that a batch has no part in, the planner may
        // take another one.
        if let Some(batch) = wanted.batch {
            self.window = self.window.of_batch(batch, keys::newest_of_batch(db, batch).await?);
        }
        Ok(self)
    }

    /// Messages that submissions should hold for a page to be full: more when they are asked for
    /// something else as well.
    fn enough(&self) -> i64 {
        let others = self.filters().any(|filter| match filter {
            Filter::State(_) => false,
            Filter::Phone(_)
            | Filter::Number(..)
            | Filter::Batches(_)
            | Filter::Signature(_)
            | Filter::Reasons(_)
            | Filter::Text(..) => true,
        });
        let page = self.limit + MAX_PHONES;
        i64::try_from(if others { page.max(WINDOW) } else { page }).unwrap_or(i64::MAX)
    }

    fn drive_external(mut self, few: Option<&[i64]>) -> Option<Self> {
        let wanted = self.wanted;
        let ours_only = wanted.batch.is_some()
            || wanted.template.is_some()
            || wanted.signature.is_some()
            || wanted.text.is_some();
        if ours_only {
            return None;
        }
        // A receipt is all that is known of them.
        let outcome = match wanted.state {
            None => None,
            Some(state) => Some(outcome(state)?),
        };
        if let Some(session) = &wanted.session {
            self.key = Key::Text(SESSION, session.clone());
        } else if let Some(key) = phone_key(wanted) {
            self.key = key;
        } else if let Some(reasons) = few {
            self.key = Key::Several(REASON, reasons.to_vec());
        } else {
            self.only = outcome.filter(|outcome| *outcome != Outcome::Delivered);
        }
        Some(self)
    }

    /// The first messages of the span, as many as are wanted, in no order.
    pub(super) async fn find(&self, db: &mut PgConnection) -> sqlx::Result<Vec<Found>> {
        rows::find(db, self.table, self.reach(), |sql| self.push_picked(sql)).await
    }

    /// As far as candidates are looked at.
    fn reach(&self) -> Window {
        self.window.as_far_as(self.cut)
    }

    /// The candidates that are wanted, as far as the page needs them.
    fn push_picked(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push("select d.* from ");
        self.push_driver(sql);
        let filters: Vec<Filter<'_>> = self.filters().collect();
        for look_up in LookUp::ALL {
            if filters.iter().any(|filter| filter.needs(self.table, look_up)) {
                look_up.push(self.reach(), sql);
            }
        }
        for (n, filter) in filters.iter().enumerate() {
            sql.push(if n == 0 { " where " } else { " and " });
            filter.push(self.table, sql);
        }
        sql.push(format_args!(" order by d.id {} limit {}", self.window.order(), self.limit));
    }

    /// As far as which id candidates were looked at; none when all were.
    pub(super) async fn edge(&self, db: &mut PgConnection) -> sqlx::Result<Option<i64>> {
        let Some(window) = self.window() else { return Ok(self.cut) };
        let mut sql = QueryBuilder::new("select ");
        sql.push(self.window.last()).push("(d.id), count(*) from ");
        self.push_driver(&mut sql);
        let (last, looked_at): (Option<i64>, i64) = sql.build_query_as().fetch_one(db).await?;
        let all = usize::try_from(looked_at).is_ok_and(|looked_at| looked_at < window);
        Ok(self.window.nearer(last.filter(|_| !all), self.cut))
    }

    /// How many candidates are looked at, at most; none when there are few in any case, or when
    /// each one is wanted.
    fn window(&self) -> Option<usize> {
        let most = if self.wanted.text.is_some() { TEXT_WINDOW } else { WINDOW };
        match &self.key {
            _ if self.filters().next().is_none() => None,
            Key::Several(SUBMISSION, _) => None,
            Key::Several(REASON, reasons) if reasons.len() <= MERGED => Some(most.max(self.limit)),
            Key::Several(_, keys) => Some((most / keys.len().max(1)).max(self.limit)),
            Key::All | Key::Phone(_) | Key::Text(..) | Key::Number(..) => {
                Some(most.max(self.limit))
            }
        }
    }

    /// The candidates as `d`, in the order of the span. It is kept through the look-ups, so that these
    /// end when the page is full.
    fn push_driver(&self, sql: &mut QueryBuilder<Postgres>) {
        let limit = match self.window() {
            Some(window) => window.to_string(),
            None if self.filters().next().is_none() => self.limit.to_string(),
            None => "all".to_owned(),
        };
        let first = format!(" order by id {} limit {limit}", self.window.order());
        sql.push("(");
        match &self.key {
            Key::Several(REASON, reasons) if (1..=MERGED).contains(&reasons.len()) => {
                sql.push("select one.* from (");
                for (n, reason) in reasons.iter().enumerate() {
                    sql.push(if n == 0 { "(" } else { " union all (" });
                    self.push_candidates(sql);
                    sql.push(" and reason_id = ").push_bind(*reason).push("::int");
                    sql.push(&first).push(")");
                }
                sql.push(") one");
            }
            Key::Several(column, keys) => {
                sql.push("select one.* from unnest(").push_bind(keys.clone());
                sql.push("::bigint[]) as k (key) cross join lateral (");
                self.push_candidates(sql);
                sql.push(" and ").push(column).push(" = k.key");
                // An index on int is not entered with a bigint.
                sql.push(if *column == REASON { "::int" } else { "" });
                sql.push(if *column == SUBMISSION { FEW } else { &first }).push(") one");
            }
            Key::Text(SESSION, _) => {
                sql.push("select one.* from (");
                self.push_candidates(sql);
                sql.push(FEW).push(") one");
            }
            Key::All | Key::Phone(_) | Key::Text(..) | Key::Number(..) => {
                self.push_candidates(sql);
            }
        }
        sql.push(first).push(") d");
    }

    fn push_candidates(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(self.table.columns()).push(" where project_id = ").push_bind(self.project.0);
        match &self.key {
            Key::All | Key::Several(..) => {}
            Key::Phone(phone) => {
                sql.push(" and right(phone, 4) = right(").push_bind(phone.clone());
                sql.push(", 4) and phone = ").push_bind(phone.clone());
            }
            Key::Text(expression, text) => {
                sql.push(" and ").push(expression).push(" = ").push_bind(text.clone());
            }
            Key::Number(column, number) => {
                sql.push(" and ").push(column).push(" = ").push_bind(*number);
            }
        }
        if let Some(outcome) = self.only {
            sql.push(format_args!(" and outcome = '{}'", MessageState::from(outcome).key()));
        }
        if self.only.is_some() || self.is_keyed_by(REASON) {
            // These indexes leave out what arrived.
            sql.push(" and outcome <> 'delivered'");
        }
        let window = self.reach();
        sql.push(" and id >= ").push_bind(window.from);
        sql.push(" and id < ").push_bind(window.below);
    }

    fn is_keyed_by(&self, expression: &str) -> bool {
        match &self.key {
            Key::All | Key::Phone(_) => false,
            Key::Text(key, _) | Key::Number(key, _) | Key::Several(key, _) => *key == expression,
        }
    }

    /// What the driving index does not answer.
    fn filters(&self) -> impl Iterator<Item = Filter<'_>> {
        let wanted = self.wanted;
        let not = |answered: bool| !answered;
        let by_phone = matches!(self.key, Key::Phone(_)) || self.is_keyed_by(LAST_FOUR);
        let by_batch = matches!(self.key, Key::Number(BATCH, _));
        let by_signature = matches!(self.key, Key::Several(BATCH, _));
        let by_reason = self.is_keyed_by(REASON);
        let all = [
            wanted.phone.as_ref().filter(|_| not(by_phone)).map(Filter::Phone),
            wanted.batch.filter(|_| not(by_batch)).map(|id| Filter::Number(BATCH, id.0)),
            wanted
                .template
                .filter(|_| not(self.is_keyed_by(TEMPLATE)))
                .map(|id| Filter::Number(TEMPLATE, id.0)),
            wanted.signature.filter(|_| not(by_signature)).map(|id| match &self.batches {
                Some(batches) => Filter::Batches(batches),
                None => Filter::Signature(id),
            }),
            wanted.state.filter(|_| self.only.is_none()).map(Filter::State),
            self.reasons.as_deref().filter(|_| not(by_reason)).map(Filter::Reasons),
            wanted.text.as_deref().map(|words| Filter::Text(words, &self.templates)),
        ];
        all.into_iter().flatten()
    }
}

fn phone_key(wanted: &MessageQuery) -> Option<Key> {
    match wanted.phone.as_ref()? {
        Phones::Whole(phone) => Some(Key::Phone(phone.clone())),
        Phones::LastFour(digits) => Some(Key::Text(LAST_FOUR, digits.clone())),
    }
}

fn batch_or_template_key(wanted: &MessageQuery) -> Key {
    match (wanted.batch, wanted.template) {
        (Some(batch), _) => Key::Number(BATCH, batch.0),
        (None, Some(template)) => Key::Number(TEMPLATE, template.0),
        (None, None) => Key::All,
    }
}
