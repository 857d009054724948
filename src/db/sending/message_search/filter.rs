//! Filters that candidates have to pass when the driving index does not cover them, and the rows
//! that are looked up for that.

use sqlx::{Postgres, QueryBuilder};

use super::sent::SentRange;
use super::table::Table;
use super::window::Window;
use super::{Phones, SearchedValues};
use crate::domain::ids::SignatureId;
use crate::domain::sending::message::{MessageState, Outcome};

/// Returns the outcome that a state stands for; the other states come from submissions.
pub(super) fn outcome(state: MessageState) -> Option<Outcome> {
    match state {
        MessageState::Delivered => Some(Outcome::Delivered),
        MessageState::Failed => Some(Outcome::Failed),
        MessageState::Unknown => Some(Outcome::Unknown),
        MessageState::Refused => Some(Outcome::Refused),
        MessageState::Suppressed => Some(Outcome::Suppressed),
        MessageState::Queued
        | MessageState::Submitted
        | MessageState::InDoubt
        | MessageState::Cancelled => None,
    }
}

/// A condition that candidates have to meet.
#[derive(Debug)]
pub(super) enum Filter<'a> {
    Phone(&'a Phones),
    Number(&'static str, i64),
    Batches(&'a [i64]),
    Signature(SignatureId),
    State(MessageState),
    Reasons(&'a [i64]),
    Sent(SentRange),
    Text(&'a str, &'a [i64], SearchedValues),
}

/// A row that is looked up for each candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookUp {
    Message,
    Outcome,
    Submission,
    Batch,
}

impl LookUp {
    /// All of them, in the order in which they are joined.
    pub(super) const ALL: [Self; 4] = [Self::Message, Self::Outcome, Self::Submission, Self::Batch];

    /// Appends the join. `offset 0` keeps PostgreSQL from flattening the look-up and reading the
    /// whole table; the bounds of `window` keep it from opening other partitions.
    pub(super) fn push(self, window: Window, sql: &mut QueryBuilder<Postgres>) {
        let within = |sql: &mut QueryBuilder<Postgres>| {
            sql.push(" and id >= ")
                .push_bind(window.from)
                .push(" and id < ")
                .push_bind(window.below);
        };
        match self {
            Self::Message => {
                sql.push(" cross join lateral (select phone, params from messages where id = d.id");
                within(sql);
                sql.push(" offset 0) m");
            }
            Self::Outcome => {
                sql.push(" left join lateral (select outcome, reason_id from outcomes");
                sql.push(" where id = d.id");
                within(sql);
                sql.push(" offset 0) o on true");
            }
            Self::Submission => {
                sql.push(" cross join lateral (select state, ").push(SENT_AT);
                sql.push(" as sent_at from submissions");
                sql.push(" where id = d.submission_id offset 0) s");
            }
            Self::Batch => {
                sql.push(" cross join lateral (select signature_id from batches");
                sql.push(" where id = d.batch_id offset 0) b");
            }
        }
    }
}

/// When a submission counts: when its call left or, until then, when it was planned.
pub(super) const SENT_AT: &str = "coalesce(sent_at, id_time(id))";

impl Filter<'_> {
    /// Returns whether it needs the row for candidates from `table`.
    pub(super) fn needs(&self, table: Table, look_up: LookUp) -> bool {
        let messages = table == Table::Messages;
        match self {
            Self::Sent(_) => table != Table::ExternalMessage && look_up == LookUp::Submission,
            Self::Phone(_) | Self::Number(..) | Self::Batches(_) => false,
            Self::Signature(_) => look_up == LookUp::Batch,
            Self::State(state) => {
                let by_submission = look_up == LookUp::Submission && outcome(*state).is_none();
                messages && (look_up == LookUp::Outcome || by_submission)
            }
            Self::Reasons(_) => messages && look_up == LookUp::Outcome,
            Self::Text(..) => !messages && look_up == LookUp::Message,
        }
    }

    /// Appends its condition.
    pub(super) fn push(&self, table: Table, sql: &mut QueryBuilder<Postgres>) {
        let messages = table == Table::Messages;
        let outcome_of = if messages { "o" } else { "d" };
        match self {
            Self::Phone(Phones::Whole(phone)) => {
                sql.push("d.phone = ").push_bind((*phone).clone());
            }
            Self::Phone(Phones::LastFour(digits)) => {
                sql.push("right(d.phone, 4) = ").push_bind((*digits).clone());
            }
            Self::Phone(Phones::Masked(mask)) => {
                sql.push("masked_phone(d.phone) like ").push_bind(mask.pattern());
            }
            Self::Number(column, number) => {
                sql.push(format_args!("d.{column} = ")).push_bind(*number);
            }
            Self::Batches(ids) => {
                sql.push("d.batch_id = any(").push_bind(ids.to_vec()).push("::bigint[])");
            }
            Self::Signature(id) => {
                sql.push("b.signature_id = ").push_bind(id.0);
            }
            Self::State(state) if outcome(*state).is_some() => {
                sql.push(format_args!("{outcome_of}.outcome = '{}'", state.key()));
            }
            Self::State(state) => {
                sql.push(format_args!("message_state(s.state, o.outcome) = '{}'", state.key()));
            }
            Self::Reasons(ids) => {
                sql.push(format_args!("{outcome_of}.reason_id = any("));
                sql.push_bind(ids.to_vec()).push("::bigint[])");
            }
            Self::Sent(range) if table == Table::ExternalMessage => {
                range.push("external_time(d.receipt_at, d.recorded_at)", sql);
            }
            Self::Sent(range) => range.push("s.sent_at", sql),
            Self::Text(text, templates, values) => {
                // Most searched texts have no case, and folding it would cost more than all the
                // rest.
                let cased = text.chars().any(|c| c.is_lowercase() || c.is_uppercase());
                let fold = if cased { "lower" } else { "" };
                sql.push("(d.template_id = any(").push_bind(templates.to_vec());
                sql.push("::bigint[]) or case when strpos(").push(fold);
                let row = if messages { "d" } else { "m" };
                let all = format_args!("(array_to_string({row}.params, E'\\n'))");
                if *values == SearchedValues::Masked {
                    sql.push(format_args!("(phones_masked_in({all}, {row}.phone)), "));
                } else {
                    sql.push(format_args!("{all}, "));
                }
                sql.push(fold).push("(").push_bind((*text).to_owned()).push(")) > 0 then ");
                values.push(sql);
                sql.push(" else false end)");
            }
        }
    }
}
