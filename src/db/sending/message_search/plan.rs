//! Plans: which index drives a query, and what is looked up for its candidates.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::filter::{Filter, LookUp, outcome};
use super::keys::{self, Reasons, SubmissionQuery};
use super::rows::{self, Found};
use super::sent::{EXTERNAL_OFF_TIME, EXTERNAL_OFF_TIME_ORDER, Part, SentRange};
use super::table::Table;
use super::window::Window;
use super::{MessageQuery, Phones, Source};
use crate::domain::ids::ProjectId;
use crate::domain::sending::message::{MessageState, Outcome};

/// The number of candidates considered for one page when most of them may not match.
const MAX_CANDIDATES: usize = 5_000;
/// Up to this many reasons are read side by side, each from its newest message on, until the page
/// is full. More are fetched first, each up to its share of the candidates, and sorted.
const MAX_MERGED_REASONS: usize = 6;
/// The number of candidates when values are compared as text, which costs more.
const MAX_TEXT_CANDIDATES: usize = 2_000;
/// The maximum number of messages of a submission.
const MAX_PHONES: usize = 1_000;

/// How the driving index is entered.
#[derive(Debug)]
enum Key {
    /// All messages of the project.
    All,
    /// External messages that were recorded off the time of their receipt.
    OffTime,
    /// Where the phone equals a phone.
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

/// Follows queries with few candidates, which are fetched first and sorted afterwards. The order is
/// that of the index which finds them: only because of it does the planner prefer that index to one
/// that enters the range of ids, which it takes for small.
const FEW: &str = " order by phone offset 0";

/// A query of one table, with the look-ups it needs.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    project: ProjectId,
    query: &'a MessageQuery,
    window: Window,
    /// Whether only what was sent off time is searched, see [`SentRange`].
    off_time: bool,
    limit: usize,
    table: Table,
    key: Key,
    /// The only outcome of its candidates, if there is one.
    outcome: Option<Outcome>,
    /// The reasons of a code or cause filter.
    reasons: Option<Vec<i64>>,
    /// The batches of the signature, if they are few.
    batches: Option<Vec<i64>>,
    /// The templates that contain the searched text.
    templates: Vec<i64>,
    /// The id up to which keys were collected, if not all were.
    key_edge: Option<i64>,
}

impl<'a> Plan<'a> {
    /// Returns the plans whose results together answer the query: one for the project's own
    /// messages and one for external messages, as far as they can match.
    pub(super) async fn all(
        db: &mut PgConnection,
        project: ProjectId,
        query: &'a MessageQuery,
        window: Window,
        limit: usize,
    ) -> sqlx::Result<Vec<Self>> {
        let reasons = keys::reasons(db, query.code.as_deref(), query.cause).await?;
        if reasons.as_ref().is_some_and(|reasons| reasons.ids.is_empty()) {
            return Ok(Vec::new());
        }
        let base = |part: Part, table| Plan {
            project,
            query,
            window: part.window,
            off_time: part.off_time,
            limit,
            table,
            key: Key::All,
            outcome: None,
            reasons: reasons.as_ref().map(|reasons| reasons.ids.clone()),
            batches: None,
            templates: Vec::new(),
            key_edge: None,
        };
        let few = reasons.as_ref().and_then(Reasons::few);
        let (mut own, mut external) = (Vec::new(), Vec::new());
        if query.source != Some(Source::Other) {
            for part in parts(query, Table::Messages, window) {
                let plan = base(part, Table::Messages).drive_own(db, reasons.as_ref()).await?;
                own.extend(Some(plan).filter(|plan| !plan.finds_nothing()));
            }
        }
        if query.source != Some(Source::Own) {
            for part in parts(query, Table::ExternalMessage, window) {
                external.extend(base(part, Table::ExternalMessage).drive_external(few));
            }
        }
        Ok(own.into_iter().chain(external).collect())
    }

    async fn drive_own(
        mut self,
        db: &mut PgConnection,
        reasons: Option<&Reasons>,
    ) -> sqlx::Result<Self> {
        let query = self.query;
        if let Some(signature) = query.signature {
            self.batches = keys::few_batches(db, self.project, signature, self.window).await?;
        }
        if let Some(text) = &query.text {
            self.templates = keys::templates_with(db, self.project, text).await?;
        }
        let delivered_only = query.state == Some(MessageState::Delivered)
            || reasons.is_some_and(Reasons::all_delivered);
        let by_submissions = match query.state {
            _ if delivered_only && query.template.is_none() && query.signature.is_none() => {
                Some(MessageState::Delivered)
            }
            state => state.filter(|state| outcome(*state).is_none()),
        };
        if self.off_time {
            self.drive_by_submissions(db, query.state).await?;
        } else if let Some(session) = &query.session {
            let submissions = keys::submissions_of_session(db, self.project, session).await?;
            self.window = self.window.of_submissions(&submissions);
            self.key = Key::Several(SUBMISSION, submissions);
        } else if let Some(key) = phone_key(query) {
            self.key = key;
        } else if let Some(state) = by_submissions {
            self.drive_by_submissions(db, Some(state)).await?;
        } else if let Some(reasons) = reasons.and_then(Reasons::few) {
            self.table = Table::Outcomes;
            self.key = Key::Several(REASON, reasons.to_vec());
        } else if let Some(outcome) = query.state.and_then(outcome)
            && outcome != Outcome::Delivered
        {
            self.table = Table::Outcomes;
            self.outcome = Some(outcome);
            self.key = batch_or_template_key(query);
        } else if let Some(batches) = &self.batches
            && query.batch.is_none()
            && query.template.is_none()
        {
            self.key = Key::Several(BATCH, batches.clone());
        } else {
            self.key = batch_or_template_key(query);
        }
        // This also helps where the batch's own index is entered: in months that a batch has no
        // part in, the planner may choose another one.
        if let Some(batch) = query.batch {
            self.window = self.window.of_batch(batch, keys::newest_of_batch(db, batch).await?);
        }
        Ok(self)
    }

    /// Returns whether there is nothing to enter the driving index with.
    fn finds_nothing(&self) -> bool {
        self.key_edge.is_none()
            && matches!(&self.key, Key::Several(SUBMISSION, ids) if ids.is_empty())
    }

    async fn drive_by_submissions(
        &mut self,
        db: &mut PgConnection,
        state: Option<MessageState>,
    ) -> sqlx::Result<()> {
        let query = SubmissionQuery {
            project: self.project,
            batch: self.query.batch,
            state,
            sent: SentRange::of(self.query),
            off_time: self.off_time,
        };
        let submissions = keys::submissions(db, &query, self.window, self.enough()).await?;
        self.window = self.window.of_submissions(&submissions.ids);
        self.key = Key::Several(SUBMISSION, submissions.ids);
        self.key_edge = submissions.edge;
        Ok(())
    }

    /// Returns how many messages the submissions should hold to fill a page: more if there are
    /// other filters as well.
    fn enough(&self) -> i64 {
        let has_other_filters = self.filters().any(|filter| match filter {
            Filter::State(_) | Filter::Sent(_) => false,
            Filter::Phone(_)
            | Filter::Number(..)
            | Filter::Batches(_)
            | Filter::Signature(_)
            | Filter::Reasons(_)
            | Filter::Text(..) => true,
        });
        let page = self.limit + MAX_PHONES;
        i64::try_from(if has_other_filters { page.max(MAX_CANDIDATES) } else { page })
            .unwrap_or(i64::MAX)
    }

    fn drive_external(mut self, few: Option<&[i64]>) -> Option<Self> {
        let query = self.query;
        let ours_only = query.batch.is_some()
            || query.template.is_some()
            || query.signature.is_some()
            || query.text.is_some();
        if ours_only {
            return None;
        }
        // An external message has no state but the outcome in its receipt.
        let outcome = match query.state {
            None => None,
            Some(state) => Some(outcome(state)?),
        };
        if self.off_time {
            self.key = Key::OffTime;
        } else if let Some(session) = &query.session {
            self.key = Key::Text(SESSION, session.clone());
        } else if let Some(key) = phone_key(query) {
            self.key = key;
        } else if let Some(reasons) = few {
            self.key = Key::Several(REASON, reasons.to_vec());
        } else {
            self.outcome = outcome.filter(|outcome| *outcome != Outcome::Delivered);
        }
        Some(self)
    }

    /// Returns the first matching messages of the window, up to the limit, in no order.
    pub(super) async fn find(&self, db: &mut PgConnection) -> sqlx::Result<Vec<Found>> {
        rows::find(db, self.table, self.candidate_window(), |sql| self.push_matches(sql)).await
    }

    /// Returns the part of the window that candidates are taken from.
    fn candidate_window(&self) -> Window {
        self.window.as_far_as(self.key_edge)
    }

    /// Appends the matching candidates, as far as the page needs them.
    fn push_matches(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push("select d.* from ");
        self.push_driver(sql);
        let filters: Vec<Filter<'_>> = self.filters().collect();
        for look_up in LookUp::ALL {
            if filters.iter().any(|filter| filter.needs(self.table, look_up)) {
                look_up.push(self.candidate_window(), sql);
            }
        }
        for (n, filter) in filters.iter().enumerate() {
            sql.push(if n == 0 { " where " } else { " and " });
            filter.push(self.table, sql);
        }
        sql.push(format_args!(" order by d.id {} limit {}", self.window.order(), self.limit));
    }

    /// Returns the id up to which candidates were considered, or `None` if all were.
    pub(super) async fn edge(&self, db: &mut PgConnection) -> sqlx::Result<Option<i64>> {
        let Some(max) = self.max_candidates() else { return Ok(self.key_edge) };
        let mut sql = QueryBuilder::new("select ");
        sql.push(self.window.last()).push("(d.id), count(*) from ");
        self.push_driver(&mut sql);
        let (last, looked_at): (Option<i64>, i64) = sql.build_query_as().fetch_one(db).await?;
        let all = usize::try_from(looked_at).is_ok_and(|looked_at| looked_at < max);
        Ok(self.window.nearer(last.filter(|_| !all), self.key_edge))
    }

    /// Returns the maximum number of candidates, or `None` if there are few in any case or all of
    /// them match.
    fn max_candidates(&self) -> Option<usize> {
        let bound = if self.query.text.is_some() { MAX_TEXT_CANDIDATES } else { MAX_CANDIDATES };
        match &self.key {
            _ if self.filters().next().is_none() => None,
            Key::Several(SUBMISSION, _) => None,
            Key::Several(REASON, reasons) if reasons.len() <= MAX_MERGED_REASONS => {
                Some(bound.max(self.limit))
            }
            Key::Several(_, keys) => Some((bound / keys.len().max(1)).max(self.limit)),
            Key::All | Key::OffTime | Key::Phone(_) | Key::Text(..) | Key::Number(..) => {
                Some(bound.max(self.limit))
            }
        }
    }

    /// Appends the candidates as `d`, in the direction of the window. That order is preserved
    /// through the look-ups, so that these stop when the page is full.
    fn push_driver(&self, sql: &mut QueryBuilder<Postgres>) {
        let limit = match self.max_candidates() {
            Some(max) => max.to_string(),
            None if self.filters().next().is_none() => self.limit.to_string(),
            None => "all".to_owned(),
        };
        let order = match &self.key {
            Key::OffTime => EXTERNAL_OFF_TIME_ORDER,
            Key::All | Key::Phone(_) | Key::Text(..) | Key::Number(..) | Key::Several(..) => "id",
        };
        let first = format!(" order by {order} {} limit {limit}", self.window.order());
        sql.push("(");
        match &self.key {
            Key::Several(REASON, reasons) if (1..=MAX_MERGED_REASONS).contains(&reasons.len()) => {
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
                // An index on int is not used for a bigint.
                sql.push(if *column == REASON { "::int" } else { "" });
                sql.push(if *column == SUBMISSION { FEW } else { &first }).push(") one");
            }
            Key::Text(SESSION, _) => {
                sql.push("select one.* from (");
                self.push_candidates(sql);
                sql.push(FEW).push(") one");
            }
            Key::All | Key::OffTime | Key::Phone(_) | Key::Text(..) | Key::Number(..) => {
                self.push_candidates(sql);
            }
        }
        sql.push(first).push(") d");
    }

    fn push_candidates(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(self.table.columns()).push(" where project_id = ").push_bind(self.project.0);
        match &self.key {
            Key::All | Key::Several(..) => {}
            Key::OffTime => {
                sql.push(" and ").push(EXTERNAL_OFF_TIME);
            }
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
        if let Some(outcome) = self.outcome {
            sql.push(format_args!(" and outcome = '{}'", MessageState::from(outcome).key()));
        }
        if self.outcome.is_some() || self.is_keyed_by(REASON) {
            // These indexes do not contain delivered messages.
            sql.push(" and outcome <> 'delivered'");
        }
        let window = self.candidate_window();
        sql.push(" and id >= ").push_bind(window.from);
        sql.push(" and id < ").push_bind(window.below);
        if matches!(self.key, Key::OffTime) {
            sql.push(" and id + 0 >= ").push_bind(window.from);
            sql.push(" and id + 0 < ").push_bind(window.below);
        }
    }

    fn is_keyed_by(&self, expression: &str) -> bool {
        match &self.key {
            Key::All | Key::OffTime | Key::Phone(_) => false,
            Key::Text(key, _) | Key::Number(key, _) | Key::Several(key, _) => *key == expression,
        }
    }

    /// Returns the filters that the driving index does not cover.
    fn filters(&self) -> impl Iterator<Item = Filter<'_>> {
        let query = self.query;
        let not = |covered: bool| !covered;
        let is_masked = matches!(query.phone, Some(Phones::Masked(_)));
        let by_phone =
            matches!(self.key, Key::Phone(_)) || self.is_keyed_by(LAST_FOUR) && !is_masked;
        let by_batch = matches!(self.key, Key::Number(BATCH, _));
        let by_signature = matches!(self.key, Key::Several(BATCH, _));
        let by_reason = self.is_keyed_by(REASON);
        let all = [
            query.phone.as_ref().filter(|_| not(by_phone)).map(Filter::Phone),
            query.batch.filter(|_| not(by_batch)).map(|id| Filter::Number(BATCH, id.0)),
            query
                .template
                .filter(|_| not(self.is_keyed_by(TEMPLATE)))
                .map(|id| Filter::Number(TEMPLATE, id.0)),
            query.signature.filter(|_| not(by_signature)).map(|id| match &self.batches {
                Some(batches) => Filter::Batches(batches),
                None => Filter::Signature(id),
            }),
            query.state.filter(|_| self.outcome.is_none()).map(Filter::State),
            self.reasons.as_deref().filter(|_| not(by_reason)).map(Filter::Reasons),
            SentRange::of(query).map(Filter::Sent),
            query.text.as_deref().map(|text| Filter::Text(text, &self.templates, query.values)),
        ];
        all.into_iter().flatten()
    }
}

/// Returns the parts of the window that are searched separately. What a phone or session number has is
/// little, whenever it was sent.
fn parts(query: &MessageQuery, table: Table, window: Window) -> Vec<Part> {
    match SentRange::of(query) {
        Some(sent) if query.phone.is_none() && query.session.is_none() => sent.parts(table, window),
        _ => vec![Part { window, off_time: false }],
    }
}

fn phone_key(query: &MessageQuery) -> Option<Key> {
    match query.phone.as_ref()? {
        Phones::Whole(phone) => Some(Key::Phone(phone.clone())),
        Phones::LastFour(digits) => Some(Key::Text(LAST_FOUR, digits.clone())),
        Phones::Masked(mask) => Some(Key::Text(LAST_FOUR, mask.tail().to_owned())),
    }
}

fn batch_or_template_key(query: &MessageQuery) -> Key {
    match (query.batch, query.template) {
        (Some(batch), _) => Key::Number(BATCH, batch.0),
        (None, Some(template)) => Key::Number(TEMPLATE, template.0),
        (None, None) => Key::All,
    }
}
