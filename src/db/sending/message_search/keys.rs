//! The keys with which a driving index is entered: a few submissions, batches or reasons that stand
//! for many messages.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::filter::SENT_AT;
use super::sent::{SUBMISSION_OFF_TIME, SentRange};
use super::window::{SEQUENCE, Window};
use crate::domain::ids::{BatchId, ProjectId, SignatureId};
use crate::domain::receipt_codes::Category;
use crate::domain::sending::batch::SubmissionState;
use crate::domain::sending::message::MessageState;

/// The maximum number of keys with which an index is entered; with more, it is scanned in order
/// instead.
const MAX_KEYS: usize = 200;
/// The maximum number of submissions considered for one page.
const MAX_SUBMISSIONS: usize = 2_000;

/// The reasons with a code or cause.
#[derive(Debug)]
pub struct Reasons {
    /// Their ids.
    pub ids: Vec<i64>,
    /// The number of reasons of delivered messages; no index leads to these.
    delivered: usize,
}

impl Reasons {
    /// Returns their ids if an index leads to their messages.
    pub fn few(&self) -> Option<&[i64]> {
        let is_few = self.delivered == 0 && self.ids.len() <= MAX_KEYS;
        is_few.then_some(self.ids.as_slice())
    }

    /// Returns whether only delivered messages have them.
    pub fn all_delivered(&self) -> bool {
        self.delivered == self.ids.len()
    }
}

/// Returns the reasons with this code and of this cause, or `None` if neither is given.
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
    let delivered =
        rows.iter().filter(|(_, category)| category == Category::Delivered.key()).count();
    let ids = rows.into_iter().map(|(id, _)| i64::from(id)).collect();
    Ok(Some(Reasons { ids, delivered }))
}

/// Returns the submissions of a session number.
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

/// Submissions with messages in a state.
#[derive(Debug)]
pub struct Submissions {
    /// Their ids.
    pub ids: Vec<i64>,
    /// The id up to which they include all matching submissions; `None` if they include all.
    pub edge: Option<i64>,
}

/// Which submissions are looked for.
#[derive(Debug, Clone, Copy)]
pub struct SubmissionQuery {
    /// The project.
    pub project: ProjectId,
    /// The batch.
    pub batch: Option<BatchId>,
    /// Those with messages in this state.
    pub state: Option<MessageState>,
    /// Those whose call left at this time.
    pub sent: Option<SentRange>,
    /// Only those whose call left off time.
    pub off_time: bool,
}

impl SubmissionQuery {
    /// Returns the number of messages that a submission is looked for, and its condition.
    fn count_and_condition(&self) -> (&'static str, &'static str) {
        match self.state {
            Some(MessageState::Delivered) => ("delivered", "delivered > 0"),
            Some(MessageState::Failed) => ("failed", "failed > 0"),
            Some(MessageState::Unknown) => ("unknown", "unknown > 0"),
            Some(MessageState::Suppressed) => ("suppressed", "suppressed > 0"),
            Some(MessageState::Cancelled) => (OPEN, "state = 'cancelled'"),
            Some(MessageState::Queued | MessageState::Submitted | MessageState::InDoubt) => {
                (OPEN, "not complete")
            }
            Some(MessageState::Refused) | None => ("n", "true"),
        }
    }

    /// Returns whether messages without an outcome of a submission in this state can match.
    fn fits(&self, submission: SubmissionState) -> bool {
        match self.state {
            Some(
                state @ (MessageState::Queued
                | MessageState::Submitted
                | MessageState::InDoubt
                | MessageState::Cancelled),
            ) => message_state(submission) == state,
            Some(
                MessageState::Delivered
                | MessageState::Failed
                | MessageState::Unknown
                | MessageState::Refused
                | MessageState::Suppressed,
            )
            | None => true,
        }
    }

    fn push(&self, window: Window, sql: &mut QueryBuilder<Postgres>) {
        let (count, condition) = self.count_and_condition();
        sql.push("select id, state, ").push(count).push(" as n from submissions where ");
        sql.push(condition).push(" and project_id = ").push_bind(self.project.0);
        if let Some(batch) = self.batch {
            sql.push(" and batch_id = ").push_bind(batch.0);
        }
        if let Some(sent) = self.sent {
            sql.push(" and ");
            sent.push(if self.off_time { "sent_at" } else { SENT_AT }, sql);
        }
        sql.push(" and id >= ").push_bind(window.from).push(" and id < ").push_bind(window.below);
        if self.off_time {
            // There are few: all of them are fetched, and then sorted.
            sql.push(" and ").push(SUBMISSION_OFF_TIME).push(" offset 0");
        }
    }
}

/// Returns the first submissions that can have matching messages, until they hold `enough` of them.
/// Submissions without any are skipped by their counters. A message has the millisecond of its
/// submission in its id, so the order of submissions is close enough to that of messages.
pub async fn submissions(
    db: &mut PgConnection,
    query: &SubmissionQuery,
    window: Window,
    enough: i64,
) -> sqlx::Result<Submissions> {
    let mut sql = QueryBuilder::new("select id, state, n from (");
    let window = window.whole_milliseconds();
    query.push(window, &mut sql);
    sql.push(format_args!(") s order by id {} limit {MAX_SUBMISSIONS}", window.order()));
    let rows: Vec<(i64, SubmissionState, i32)> = sql.build_query_as().fetch_all(db).await?;
    let full = rows.len() == MAX_SUBMISSIONS;
    let before = |id: i64| window.before_millisecond(id);
    let edge = rows.last().filter(|_| full).map(|(last, ..)| before(*last));
    let mut found = Submissions { ids: Vec::new(), edge };
    let (mut messages, mut previous) = (0, None);
    for (id, state, count) in rows {
        if messages >= enough && previous != Some(before(id)) {
            found.edge = Some(before(id));
        }
        if found.edge == Some(before(id)) {
            break;
        }
        previous = Some(before(id));
        if query.fits(state) {
            messages += i64::from(count);
            found.ids.push(id);
        }
    }
    Ok(found)
}

/// The number of messages of a submission without an outcome.
const OPEN: &str = "n - delivered - failed - unknown - refused - suppressed";

/// Returns the state of a message without an outcome.
fn message_state(submission: SubmissionState) -> MessageState {
    match submission {
        SubmissionState::Ready | SubmissionState::InFlight => MessageState::Queued,
        SubmissionState::Accepted | SubmissionState::Partly => MessageState::Submitted,
        SubmissionState::Refused => MessageState::Refused,
        SubmissionState::InDoubt => MessageState::InDoubt,
        SubmissionState::Cancelled => MessageState::Cancelled,
    }
}

/// Returns the templates whose text contains `text`, in upper or lower case. What is sent is the
/// reviewed text, so batches need not be searched.
pub async fn templates_with(
    db: &mut PgConnection,
    project: ProjectId,
    text: &str,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"select id from sms_templates
           where project_id = $1 and strpos(lower(text || unsubscribe), lower($2)) > 0"#,
        project.0,
        text,
    )
    .fetch_all(db)
    .await
}

/// Returns a signature's batches that can have messages in `window`, or `None` if there are many:
/// then the project's newest messages soon include some of them.
pub async fn few_batches(
    db: &mut PgConnection,
    project: ProjectId,
    signature: SignatureId,
    window: Window,
) -> sqlx::Result<Option<Vec<i64>>> {
    let limit = i64::try_from(MAX_KEYS + 1).unwrap_or(i64::MAX);
    let batches = sqlx::query_scalar!(
        r#"select id from batches
           where signature_id = $2 and project_id = $1 and id < $3 order by id desc limit $4"#,
        project.0,
        signature.0,
        window.whole_milliseconds().below,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok((batches.len() <= MAX_KEYS).then_some(batches))
}

/// Returns the last id that a message of a batch can have. Messages get ids in the millisecond of
/// their submission, and a batch has few submissions.
pub async fn newest_of_batch(db: &mut PgConnection, batch: BatchId) -> sqlx::Result<Option<i64>> {
    let newest =
        sqlx::query_scalar!("select max(id) from submissions where batch_id = $1", batch.0)
            .fetch_one(db)
            .await?;
    Ok(newest.map(|id| id | SEQUENCE))
}
