//! What happened around one message: its call, what people said, what it repeats, what was answered.

use sqlx::PgPool;
use time::OffsetDateTime;

use crate::db::submissions::Submission;
use crate::domain::batch::SubmissionState;
use crate::domain::ids::{BatchId, Id, MessageId, ProjectId, SubmissionId};
use crate::domain::message::MessageState;
use crate::domain::suppression::SuppressionReason;

/// The call that carries it.
pub async fn submission(
    db: &PgPool,
    project: ProjectId,
    id: SubmissionId,
) -> sqlx::Result<Option<Submission>> {
    sqlx::query_as!(
        Submission,
        r#"select id as "id: SubmissionId", state as "state: SubmissionState", n, attempts, sent_at,
             answered_at, next_try_at, session_no, ret_code, vendor_message, vendor_request_id
           from submissions where id = $2 and project_id = $1"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// A person's word on its batch.
#[derive(Debug, Clone)]
pub struct AuditedAction {
    /// When.
    pub at: OffsetDateTime,
    /// Who.
    pub actor: String,
    /// What, as the audit log calls it.
    pub action: String,
}

/// Deeds of one batch that are shown.
const DEEDS: i64 = 50;

/// What people said of a batch as a whole, or of one of its submissions, oldest first.
pub async fn audited_actions(
    db: &PgPool,
    project: ProjectId,
    batch: BatchId,
    submission: SubmissionId,
) -> sqlx::Result<Vec<AuditedAction>> {
    let rows = sqlx::query!(
        r#"select id as "id: MessageId", actor, action from audit_log
           where project_id = $1 and subject = $2
             and coalesce(detail->>'submission', $3) = $3
             and action in ('batch_approved', 'batch_paused', 'batch_resumed', 'batch_cancelled',
               'doubt_treated_as_sent', 'doubt_sent_again')
           order by id limit $4"#,
        project.0,
        batch.to_string(),
        submission.to_string(),
        DEEDS,
    )
    .fetch_all(db)
    .await?;
    let audited_action =
        |id: MessageId, actor, action| AuditedAction { at: id.made_at(), actor, action };
    Ok(rows.into_iter().map(|row| audited_action(row.id, row.actor, row.action)).collect())
}

/// The same text to the same phone in another batch.
#[derive(Debug, Clone)]
pub struct Sibling {
    /// The message.
    pub id: MessageId,
    /// Its batch's name.
    pub batch_name: String,
    /// Where it stands.
    pub state: MessageState,
    /// Whether it came later: it repeats the message; else the message repeats it.
    pub later: bool,
}

/// Repetitions of a message to `phone`: in batches that repeat `batch`, and in the one that it
/// repeats.
pub async fn siblings(
    db: &PgPool,
    project: ProjectId,
    batch: BatchId,
    phone: &str,
) -> sqlx::Result<Vec<Sibling>> {
    sqlx::query_as!(
        Sibling,
        r#"select m.id as "id: MessageId", b.name as batch_name,
             message_state(s.state, o.outcome) as "state!: MessageState", b.id > $2 as "later!"
           from messages m
           join batches b on b.id = m.batch_id
           join submissions s on s.id = m.submission_id
           left join lateral (select outcome from outcomes where id = m.id offset 0) o on true
           where m.project_id = $1 and right(m.phone, 4) = right($3, 4) and m.phone = $3
             and m.batch_id = any(array(
             select id from batches where resend_of = $2
             union all
             select resend_of from batches where id = $2 and resend_of is not null))
           order by m.id limit 20"#,
        project.0,
        batch.0,
        phone,
    )
    .fetch_all(db)
    .await
}

/// What a person texted back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What they wrote.
    pub content: String,
    /// When.
    pub at: OffsetDateTime,
}

/// Replies that are shown.
const ANSWERS: i64 = 5;

/// The first replies from `phone` since `since`.
pub async fn answers(
    db: &PgPool,
    project: ProjectId,
    phone: &str,
    since: OffsetDateTime,
) -> sqlx::Result<Vec<Answer>> {
    sqlx::query_as!(
        Answer,
        r#"select content, replied_at as at from replies
           where project_id = $1 and phone = $2 and replied_at >= $3
           order by replied_at limit $4"#,
        project.0,
        phone,
        since,
        ANSWERS,
    )
    .fetch_all(db)
    .await
}

/// When and why a phone opted out, if it did.
pub async fn opt_out(
    db: &PgPool,
    project: ProjectId,
    phone: &str,
) -> sqlx::Result<Option<(OffsetDateTime, SuppressionReason)>> {
    let row = sqlx::query!(
        r#"select id as "id: MessageId", reason as "reason: SuppressionReason"
           from suppressions where project_id = $1 and phone = $2"#,
        project.0,
        phone,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.id.made_at(), row.reason)))
}

/// When the console came to know the outcome of a message, its own or another program's.
pub async fn known_at(db: &PgPool, id: MessageId) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!(
        r#"select recorded_at as "recorded_at!" from outcomes where id = $1
           union all
           select recorded_at from external_messages where id = $1"#,
        id.0,
    )
    .fetch_optional(db)
    .await
}
