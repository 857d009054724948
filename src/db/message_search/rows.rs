//! What a page shows of each message.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use time::OffsetDateTime;

use super::remembered::Remembered;
use super::table::Table;
use super::window::Window;
use crate::db::messages::{self, Message, Origin, Reason};
use crate::domain::ids::{BatchId, MessageId, ProjectId};
use crate::domain::message::{MessageState, Outcome};

/// A message of the log.
#[derive(Debug, Clone)]
pub enum FoundMessage {
    /// One of the project's own.
    Own(Box<Message>),
    /// One that another program of the account sent.
    ExternalMessage(ExternalMessage),
}

impl FoundMessage {
    /// Its id.
    pub fn id(&self) -> MessageId {
        match self {
            Self::Own(message) => message.id,
            Self::ExternalMessage(message) => message.id,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> MessageState {
        match self {
            Self::Own(message) => message.state,
            Self::ExternalMessage(message) => MessageState::from(message.outcome),
        }
    }

    /// Why it stands there, as a receipt or a refusal says.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Own(message) => message.reason.as_deref(),
            Self::ExternalMessage(message) => message.reason.as_deref(),
        }
    }
}

/// A message of another program, known by its receipt.
#[derive(Debug, Clone)]
pub struct ExternalMessage {
    /// Our id; when its receipt came is in it.
    pub id: MessageId,
    /// The vendor's session number.
    pub session_no: String,
    /// The whole phone, unless the vendor masked it; pages mask it for viewers.
    pub phone: String,
    /// The `UserId` its sender gave.
    pub user_id: String,
    /// What the carrier says.
    pub outcome: Outcome,
    /// What its receipt says.
    pub reason: Option<Arc<Reason>>,
    /// Billed pieces.
    pub parts: i32,
    /// When the carrier says it ended.
    pub receipt_at: Option<OffsetDateTime>,
}

/// A message that was found, with what its own question brings.
#[derive(Debug)]
pub(super) struct Found {
    pub id: i64,
    /// The batch, if it is one of ours.
    batch: Option<BatchId>,
    reason: Option<i32>,
    row: PgRow,
}

/// Finds messages of `table` that lie in `span`: `pick` adds the question for them, with the columns
/// that [`Table::columns`] names. They come in no order.
///
/// What belongs to each is looked up for it (`offset 0`), since they are few; a narrow span keeps
/// pieces from being opened for that.
pub(super) async fn find(
    db: &mut PgConnection,
    table: Table,
    window: Window,
    pick: impl FnOnce(&mut QueryBuilder<Postgres>),
) -> sqlx::Result<Vec<Found>> {
    let mut sql = QueryBuilder::new("");
    let among = |sql: &mut QueryBuilder<Postgres>, table: &str| {
        sql.push(format_args!(" from {table} where id = d.id and id >= ")).push_bind(window.from);
        sql.push(" and id < ").push_bind(window.below).push(" offset 0)");
    };
    match table {
        Table::ExternalMessage => pick(&mut sql),
        Table::Messages => {
            sql.push(OWN.replace("{m}", "d").replace("{o}", "o")).push(" from (");
            pick(&mut sql);
            sql.push(") d left join lateral (select outcome, reason_id, parts, receipt_at");
            among(&mut sql, "outcomes");
            sql.push(" o on true").push(SUBMISSION);
        }
        Table::Outcomes => {
            sql.push(OWN.replace("{m}", "m").replace("{o}", "d")).push(" from (");
            pick(&mut sql);
            sql.push(") d cross join lateral (select phone, params");
            among(&mut sql, "messages");
            sql.push(" m").push(SUBMISSION);
        }
    }
    let found = |row: PgRow| {
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
    sql.build().fetch_all(db).await?.into_iter().map(found).collect()
}

/// Finds one message of the project, own or another program's.
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

/// What is shown of a message of ours, from its own row, its outcome's and its submission's; [`own`]
/// reads it in this order.
const OWN: &str = "select d.id, {o}.reason_id, d.batch_id, d.submission_id, {m}.phone, {m}.params,
   message_state(s.state, {o}.outcome), s.session_no, s.sent_at, {o}.parts, {o}.receipt_at";

const SUBMISSION: &str = " cross join lateral (
     select state, session_no, sent_at from submissions where id = d.submission_id offset 0
   ) s";

/// What many messages share, as it was read a moment ago.
#[derive(Debug)]
pub(super) struct Shared {
    origins: Remembered<BatchId, Arc<Origin>>,
    reasons: Remembered<i32, Arc<Reason>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self { origins: Remembered::lasting(LASTING), reasons: Remembered::lasting(LASTING) }
    }
}

/// A template may get another name meanwhile; all else never changes.
const LASTING: Duration = Duration::from_secs(3);

impl Shared {
    /// The messages that were found, each with what it shares with others, in their order.
    pub(super) async fn complete(
        &self,
        db: &mut PgConnection,
        found: &[Found],
    ) -> sqlx::Result<Vec<FoundMessage>> {
        let batches: BTreeSet<BatchId> = found.iter().filter_map(|one| one.batch).collect();
        let reasons: BTreeSet<i32> = found.iter().filter_map(|one| one.reason).collect();
        let origins = self.origins(&mut *db, batches).await?;
        let reasons = self.reasons(&mut *db, reasons).await?;
        let complete = |one: &Found| {
            let reason = one.reason.and_then(|id| reasons.get(&id).cloned());
            let Some(batch) = one.batch else { return external(&one.row, reason) };
            let origin = origins.get(&batch).ok_or(sqlx::Error::RowNotFound)?;
            own(&one.row, origin.clone(), reason)
        };
        found.iter().map(complete).collect()
    }

    async fn origins(
        &self,
        db: &mut PgConnection,
        batches: BTreeSet<BatchId>,
    ) -> sqlx::Result<HashMap<BatchId, Arc<Origin>>> {
        let (mut known, unknown) = self.origins.of(batches);
        if !unknown.is_empty() {
            for origin in messages::origins(db, &unknown).await? {
                let origin = Arc::new(origin);
                self.origins.keep(origin.batch, origin.clone());
                known.insert(origin.batch, origin);
            }
        }
        Ok(known)
    }

    async fn reasons(
        &self,
        db: &mut PgConnection,
        reasons: BTreeSet<i32>,
    ) -> sqlx::Result<HashMap<i32, Arc<Reason>>> {
        let (mut known, unknown) = self.reasons.of(reasons);
        if !unknown.is_empty() {
            let rows = sqlx::query!(
                "select id, code, description, category from reasons where id = any($1)",
                &unknown,
            )
            .fetch_all(db)
            .await?;
            for row in rows {
                let (code, description, category) = (row.code, row.description, row.category);
                let reason = Arc::new(Reason { code, description, category });
                self.reasons.keep(row.id, reason.clone());
                known.insert(row.id, reason);
            }
        }
        Ok(known)
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

/// Reads the columns of [`Table::Foreign`].
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
