//! At which places a driving index is entered: few submissions, batches or reasons that stand for
//! many messages.

use sqlx::{PgConnection, QueryBuilder};

use super::window::{SEQUENCE, Window};
use crate::domain::batch::SubmissionState;
use crate::domain::ids::{BatchId, ProjectId, SignatureId};
use crate::domain::message::MessageState;
use crate::domain::receipt_codes::Category;

/// An index is entered at so many places at once; with more, it is read along instead.
const MAX_KEYS: usize = 200;
/// Submissions that are looked at for one page.
const MAX_SUBMISSIONS: usize = 2_000;

/// Reasons with a code, or of a cause.
#[derive(Debug)]
pub struct Reasons {
    /// Their numbers.
    pub ids: Vec<i64>,
    /// How many of them are of messages that arrived: no index leads to these.
    arrived: usize,
}

impl Reasons {
    /// Their numbers, if an index leads to the messages.
    pub fn few(&self) -> Option<&[i64]> {
        let few = self.arrived == 0 && self.ids.len() <= MAX_KEYS;
        few.then_some(self.ids.as_slice())
    }

    /// Whether only messages that arrived have them.
    pub fn all_arrived(&self) -> bool {
        self.arrived == self.ids.len()
    }
}

/// The reasons with this code and of this cause; `None` when neither is asked for.
pub async fn reasons(
    db: &mut PgConnection,
    code: Option<&str>,
    cause: Option<Category>,
) -> sqlx::Result<Option<Reasons>> {
    let cause = cause.map(Category::key);
    let rows = match (code, cause) {
        (None, None) => return Ok(None),
        (Some(code), cause) => {
            sqlx::query!(
                r#"select id, category from reasons
                   where upper(code) = upper($1) and ($2::text is null or category = $2)"#,
                code,
                cause,
            )
            .map(|row| (row.id, row.category))
            .fetch_all(db)
            .await?
        }
        (None, Some(cause)) => {
            sqlx::query!("select id, category from reasons where category = $1", cause)
                .map(|row| (row.id, row.category))
                .fetch_all(db)
                .await?
        }
    };
    let arrived = rows.iter().filter(|(_, category)| category == Category::Delivered.key()).count();
    let ids = rows.into_iter().map(|(id, _)| i64::from(id)).collect();
    Ok(Some(Reasons { ids, arrived }))
}

/// The submissions of a session number.
pub async fn submissions_of_session(
    db: &mut PgConnection,
    project: ProjectId,
    session_no: &str,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select id from submissions where session_no = $2 and project_id = $1",
        project.0,
        session_no,
    )
    .fetch_all(db)
    .await
}

/// Submissions that have messages in a state.
#[derive(Debug)]
pub struct Submissions {
    /// Their numbers.
    pub ids: Vec<i64>,
    /// Messages as far as this id are all among theirs; all are, if there is none.
    pub edge: Option<i64>,
}

/// The first submissions with messages that arrived, or that have no outcome: enough to hold
/// `enough` of them. Submissions count their outcomes, so others are passed by. A message is made
/// in the millisecond of its submission, which orders them well enough.
pub async fn submissions(
    db: &mut PgConnection,
    project: ProjectId,
    batch: Option<BatchId>,
    state: MessageState,
    window: Window,
    enough: i64,
) -> sqlx::Result<Submissions> {
    let (count, which) = match state {
        MessageState::Delivered => ("delivered", "delivered > 0"),
        MessageState::Cancelled => (OPEN, "state = 'cancelled'"),
        MessageState::Queued
        | MessageState::Submitted
        | MessageState::InDoubt
        | MessageState::Failed
        | MessageState::Unknown
        | MessageState::Refused
        | MessageState::Suppressed => (OPEN, "not settled"),
    };
    let mut sql = QueryBuilder::new("select id, state, ");
    sql.push(count).push(" from submissions where ").push(which);
    sql.push(" and project_id = ").push_bind(project.0);
    if let Some(batch) = batch {
        sql.push(" and batch_id = ").push_bind(batch.0);
    }
    let window = window.whole_milliseconds();
    sql.push(" and id >= ").push_bind(window.from).push(" and id < ").push_bind(window.below);
    sql.push(format_args!(" order by id {} limit {MAX_SUBMISSIONS}", window.order()));
    let rows: Vec<(i64, SubmissionState, i32)> = sql.build_query_as().fetch_all(db).await?;
    let full = rows.len() == MAX_SUBMISSIONS;
    let before = |id: i64| window.before_millisecond(id);
    let edge = rows.last().filter(|_| full).map(|(last, ..)| before(*last));
    let mut found = Submissions { ids: Vec::new(), edge };
    let (mut messages, mut previous) = (0, None);
    for (id, stands, count) in rows {
        if messages >= enough && previous != Some(before(id)) {
            found.edge = Some(before(id));
        }
        if found.edge == Some(before(id)) {
            break;
        }
        previous = Some(before(id));
        if state == MessageState::Delivered || message_state(stands) == state {
            messages += i64::from(count);
            found.ids.push(id);
        }
    }
    Ok(found)
}

/// How many messages of a submission have no outcome.
const OPEN: &str = "n - delivered - failed - unknown - refused - suppressed";

/// Where a message without an outcome stands.
fn message_state(submission: SubmissionState) -> MessageState {
    match submission {
        SubmissionState::Ready | SubmissionState::InFlight => MessageState::Queued,
        SubmissionState::Accepted | SubmissionState::Partly => MessageState::Submitted,
        SubmissionState::Refused => MessageState::Refused,
        SubmissionState::InDoubt => MessageState::InDoubt,
        SubmissionState::Cancelled => MessageState::Cancelled,
    }
}

/// The templates whose text has these words, in any case. What was sent is what was reviewed, so the
/// batches need not be asked.
pub async fn templates_with(
    db: &mut PgConnection,
    project: ProjectId,
    words: &str,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"select id from sms_templates
           where project_id = $1 and strpos(lower(text || unsubscribe), lower($2)) > 0"#,
        project.0,
        words,
    )
    .fetch_all(db)
    .await
}

/// A signature's batches that can hold messages of `span`, unless there are many: then the newest
/// messages of the project soon come to some of them.
pub async fn few_batches(
    db: &mut PgConnection,
    project: ProjectId,
    signature: SignatureId,
    window: Window,
) -> sqlx::Result<Option<Vec<i64>>> {
    let most = i64::try_from(MAX_KEYS + 1).unwrap_or(i64::MAX);
    let batches = sqlx::query_scalar!(
        r#"select id from batches
           where signature_id = $2 and project_id = $1 and id < $3 order by id desc limit $4"#,
        project.0,
        signature.0,
        window.whole_milliseconds().below,
        most,
    )
    .fetch_all(db)
    .await?;
    Ok((batches.len() <= MAX_KEYS).then_some(batches))
}

/// The last id that a message of a batch can have: messages are made in the millisecond of their
/// submission, and those are few.
pub async fn newest_of_batch(db: &mut PgConnection, batch: BatchId) -> sqlx::Result<Option<i64>> {
    let newest =
        sqlx::query_scalar!("select max(id) from submissions where batch_id = $1", batch.0)
            .fetch_one(db)
            .await?;
    Ok(newest.map(|id| id | SEQUENCE))
}
