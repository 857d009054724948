//! The rows behind found messages.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use time::OffsetDateTime;

use super::remembered::Remembered;
use super::table::Table;
use super::window::Window;
use crate::db::sending::messages::{self, Message, Origin, Reason};
use crate::domain::ids::{BatchId, MessageId, ProjectId};
use crate::domain::sending::message::{MessageState, Outcome};

/// A message that was found.
#[derive(Debug, Clone)]
pub enum FoundMessage {
    /// A message of the project itself.
    Own(Box<Message>),
    /// A message that another program of the account sent.
    ExternalMessage(ExternalMessage),
}

impl FoundMessage {
    /// Returns its id.
    pub fn id(&self) -> MessageId {
        match self {
            Self::Own(message) => message.id,
            Self::ExternalMessage(message) => message.id,
        }
    }

    /// Returns its state.
    pub fn state(&self) -> MessageState {
        match self {
            Self::Own(message) => message.state,
            Self::ExternalMessage(message) => MessageState::from(message.outcome),
        }
    }

    /// Returns the reason for its state, from a receipt or a refusal.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Own(message) => message.reason.as_deref(),
            Self::ExternalMessage(message) => message.reason.as_deref(),
        }
    }
}

/// An external message, known by its receipt.
#[derive(Debug, Clone)]
pub struct ExternalMessage {
    /// Our id; it contains when the receipt came.
    pub id: MessageId,
    /// The session number.
    pub session_no: String,
    /// The whole phone, unless the vendor masked it; pages mask it for viewers.
    pub phone: String,
    /// The sender's `UserId`.
    pub user_id: String,
    /// The outcome that the carrier reported.
    pub outcome: Outcome,
    /// The reason in its receipt.
    pub reason: Option<Arc<Reason>>,
    /// The number of billed parts.
    pub parts: i32,
    /// When it ended, according to the carrier.
    pub receipt_at: Option<OffsetDateTime>,
}

/// A candidate that matches, with the row that was read for it.
#[derive(Debug)]
pub(super) struct Found {
    pub id: i64,
    /// The batch, if it is one of ours.
    batch: Option<BatchId>,
    reason: Option<i32>,
    row: PgRow,
}

/// Returns messages of `table` in `window`, in no order. `pick` appends the query for their ids, with
/// the columns of [`Table::columns`].
///
/// Related rows are looked up for each message (`offset 0`) because there are few messages; the
/// bounds of `window` keep PostgreSQL from opening other partitions.
pub(super) async fn find(
    db: &mut PgConnection,
    table: Table,
    window: Window,
    pick: impl FnOnce(&mut QueryBuilder<Postgres>),
) -> sqlx::Result<Vec<Found>> {
    let mut sql = QueryBuilder::new("");
    let look_up = |sql: &mut QueryBuilder<Postgres>, table: &str| {
        sql.push(format_args!(" from {table} where id = d.id and id >= ")).push_bind(window.from);
        sql.push(" and id < ").push_bind(window.below).push(" offset 0)");
    };
    match table {
        Table::ExternalMessage => pick(&mut sql),
        Table::Messages => {
            sql.push(OWN.replace("{m}", "d").replace("{o}", "o")).push(" from (");
            pick(&mut sql);
            sql.push(") d left join lateral (select outcome, reason_id, parts, receipt_at");
            look_up(&mut sql, "outcomes");
            sql.push(" o on true").push(SUBMISSION);
        }
        Table::Outcomes => {
            sql.push(OWN.replace("{m}", "m").replace("{o}", "d")).push(" from (");
            pick(&mut sql);
            sql.push(") d cross join lateral (select phone, params");
            look_up(&mut sql, "messages");
            sql.push(" m").push(SUBMISSION);
        }
    }
    let read = |row: PgRow| {
        Ok(Found {
            id: row.try_get(0)?,
            reason: row.try_get(1)?,
            batch: match table {
                Table::Messages | Table::Outcomes => Some(row.try_get(2)?),
                Table::ExternalMessage => None,
            },
            row,
        })
    };
    sql.build().fetch_all(db).await?.into_iter().map(read).collect()
}

/// Returns a message of the project, its own or an external one.
pub(super) async fn find_one(
    db: &mut PgConnection,
    project: ProjectId,
    id: MessageId,
) -> sqlx::Result<Option<Found>> {
    for table in [Table::Messages, Table::ExternalMessage] {
        let pick = |sql: &mut QueryBuilder<Postgres>| {
            sql.push(table.columns()).push(" where id = ").push_bind(id.0);
            sql.push(" and project_id = ").push_bind(project.0);
        };
        if let Some(found) = find(&mut *db, table, Window::at(id), pick).await?.pop() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The columns of our own messages, from their own row, their outcome's and their submission's.
/// [`own`] reads them in this order.
const OWN: &str = "select d.id, {o}.reason_id, d.batch_id, d.submission_id, {m}.phone, {m}.params,
   message_state(s.state, {o}.outcome), s.session_no, s.sent_at, {o}.parts, {o}.receipt_at";

const SUBMISSION: &str = " cross join lateral (
     select state, session_no, sent_at from submissions where id = d.submission_id offset 0
   ) s";

/// A cache of what many messages share.
#[derive(Debug)]
pub(super) struct Shared {
    origins: Remembered<BatchId, Arc<Origin>>,
    reasons: Remembered<i32, Arc<Reason>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self { origins: Remembered::new(TTL), reasons: Remembered::new(TTL) }
    }
}

/// How long shared rows are cached. A template may be renamed meanwhile; everything else never
/// changes.
const TTL: Duration = Duration::from_secs(3);

impl Shared {
    /// Completes found messages with what they share with others, keeping their order.
    pub(super) async fn complete(
        &self,
        db: &mut PgConnection,
        found: &[Found],
    ) -> sqlx::Result<Vec<FoundMessage>> {
        let batches: BTreeSet<BatchId> = found.iter().filter_map(|found| found.batch).collect();
        let reasons: BTreeSet<i32> = found.iter().filter_map(|found| found.reason).collect();
        let origins = self.origins(&mut *db, batches).await?;
        let reasons = self.reasons(&mut *db, reasons).await?;
        let complete = |found: &Found| {
            let reason = found.reason.and_then(|id| reasons.get(&id).cloned());
            let Some(batch) = found.batch else { return external(&found.row, reason) };
            let origin = origins.get(&batch).ok_or(sqlx::Error::RowNotFound)?;
            own(&found.row, origin.clone(), reason)
        };
        found.iter().map(complete).collect()
    }

    async fn origins(
        &self,
        db: &mut PgConnection,
        batches: BTreeSet<BatchId>,
    ) -> sqlx::Result<HashMap<BatchId, Arc<Origin>>> {
        let (mut cached, missing) = self.origins.get_all(batches);
        if !missing.is_empty() {
            for origin in messages::origins(db, &missing).await? {
                let origin = Arc::new(origin);
                self.origins.insert(origin.batch, origin.clone());
                cached.insert(origin.batch, origin);
            }
        }
        Ok(cached)
    }

    async fn reasons(
        &self,
        db: &mut PgConnection,
        reasons: BTreeSet<i32>,
    ) -> sqlx::Result<HashMap<i32, Arc<Reason>>> {
        let (mut cached, missing) = self.reasons.get_all(reasons);
        if !missing.is_empty() {
            let rows = sqlx::query!(
                "select id, code, description, category from reasons where id = any($1)",
                &missing,
            )
            .fetch_all(db)
            .await?;
            for row in rows {
                let (code, description, category) = (row.code, row.description, row.category);
                let reason = Arc::new(Reason { code, description, category });
                self.reasons.insert(row.id, reason.clone());
                cached.insert(row.id, reason);
            }
        }
        Ok(cached)
    }
}

fn own(
    row: &PgRow,
    origin: Arc<Origin>,
    reason: Option<Arc<Reason>>,
) -> sqlx::Result<FoundMessage> {
    Ok(FoundMessage::Own(Box::new(Message {
        id: row.try_get(0)?,
        submission_id: row.try_get(3)?,
        origin,
        phone: row.try_get(4)?,
        params: row.try_get(5)?,
        state: row.try_get(6)?,
        session_no: row.try_get(7)?,
        sent_at: row.try_get(8)?,
        reason,
        parts: row.try_get(9)?,
        receipt_at: row.try_get(10)?,
    })))
}

/// Reads the columns of [`Table::ExternalMessage`].
fn external(row: &PgRow, reason: Option<Arc<Reason>>) -> sqlx::Result<FoundMessage> {
    Ok(FoundMessage::ExternalMessage(ExternalMessage {
        id: row.try_get(0)?,
        session_no: row.try_get(2)?,
        phone: row.try_get(3)?,
        user_id: row.try_get(4)?,
        outcome: row.try_get(5)?,
        reason,
        parts: row.try_get(6)?,
        receipt_at: row.try_get(7)?,
    }))
}
