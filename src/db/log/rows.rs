//! The rows of a page, once it is known which they are.

use std::collections::HashMap;

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::db::messages::Message;
use crate::domain::ids::{BatchId, MessageId, ProjectId, SubmissionId};
use crate::domain::message::{MessageState, Outcome};

/// A message of the log.
#[derive(Debug, Clone)]
pub enum Logged {
    /// One of the project's own.
    Own(Box<Message>),
    /// One that another program of the account sent.
    Foreign(Foreign),
}

impl Logged {
    /// Its id.
    pub fn id(&self) -> MessageId {
        match self {
            Self::Own(message) => message.id,
            Self::Foreign(message) => message.id,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> MessageState {
        match self {
            Self::Own(message) => message.state,
            Self::Foreign(message) => MessageState::from(message.outcome),
        }
    }
}

/// A message of another program, known by its receipt.
#[derive(Debug, Clone)]
pub struct Foreign {
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
    /// The receipt's code.
    pub code: Option<String>,
    /// The carrier's own words.
    pub description: Option<String>,
    /// The cause the code stands for.
    pub category: Option<String>,
    /// Billed pieces.
    pub parts: i32,
    /// When the carrier says it ended.
    pub receipt_at: Option<OffsetDateTime>,
}

/// The messages with these ids, each marked as own or another program's, in this order. What is
/// not there any more is left out.
pub async fn rows(
    db: &mut PgConnection,
    project: ProjectId,
    ids: &[(i64, bool)],
) -> sqlx::Result<Vec<Logged>> {
    let of = |own: bool| -> Vec<i64> {
        ids.iter().filter(|(_, is_own)| *is_own == own).map(|(id, _)| *id).collect()
    };
    let mut found: HashMap<i64, Logged> = HashMap::with_capacity(ids.len());
    let own_ids = of(true);
    if !own_ids.is_empty() {
        let own = own(&mut *db, project, &own_ids).await?;
        found.extend(own.into_iter().map(|one| (one.id.0, Logged::Own(Box::new(one)))));
    }
    let foreign_ids = of(false);
    if !foreign_ids.is_empty() {
        let foreign = foreign(&mut *db, project, &foreign_ids).await?;
        found.extend(foreign.into_iter().map(|one| (one.id.0, Logged::Foreign(one))));
    }
    Ok(ids.iter().filter_map(|(id, _)| found.remove(id)).collect())
}

/// The oldest and the newest of `ids`: beside the ids themselves, so that only the pieces between
/// them are opened.
fn ends(ids: &[i64]) -> (i64, i64) {
    (ids.iter().copied().min().unwrap_or(0), ids.iter().copied().max().unwrap_or(0))
}

/// Read in the order of ids, so that what belongs together is merged; the rest is looked up for each,
/// since a page has few rows and the project may have many batches.
async fn own(db: &mut PgConnection, project: ProjectId, ids: &[i64]) -> sqlx::Result<Vec<Message>> {
    let (oldest, newest) = ends(ids);
    sqlx::query_as!(
        Message,
        r#"select m.id as "id: MessageId", m.batch_id as "batch_id: BatchId",
             m.submission_id as "submission_id: SubmissionId", b.each_own,
             b.name as batch_name, t.name as template_name, b.vendor_template_id, m.phone,
             m.params, message_state(s.state, o.outcome) as "state!: MessageState",
             s.session_no, s.sent_at, r.code as "code?", r.description as "description?",
             r.category as "category?", o.parts as "parts?", o.receipt_at as "receipt_at?",
             b.template_text, b.sig_content, b.international
           from (
             select id, batch_id, submission_id, phone, params from messages
             where id = any($2) and id between $3 and $4 and project_id = $1 order by id offset 0
           ) m
           left join (
             select id, outcome, reason_id, parts, receipt_at from outcomes
             where id = any($2) and id between $3 and $4 order by id offset 0
           ) o on o.id = m.id
           cross join lateral (select * from submissions where id = m.submission_id offset 0) s
           cross join lateral (select * from batches where id = m.batch_id offset 0) b
           cross join lateral (select name from sms_templates where id = b.template_id offset 0) t
           left join reasons r on r.id = o.reason_id"#,
        project.0,
        ids,
        oldest,
        newest,
    )
    .fetch_all(db)
    .await
}

async fn foreign(
    db: &mut PgConnection,
    project: ProjectId,
    ids: &[i64],
) -> sqlx::Result<Vec<Foreign>> {
    let (oldest, newest) = ends(ids);
    sqlx::query_as!(
        Foreign,
        r#"select f.id as "id: MessageId", f.session_no, f.phone, f.user_id,
             f.outcome as "outcome: Outcome", r.code as "code?", r.description as "description?",
             r.category as "category?", f.parts, f.receipt_at
           from foreign_messages f left join reasons r on r.id = f.reason_id
           where f.id = any($2) and f.id between $3 and $4 and f.project_id = $1"#,
        project.0,
        ids,
        oldest,
        newest,
    )
    .fetch_all(db)
    .await
}
