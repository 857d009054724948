//! The sources of a message's timeline: its call, people's actions, resends and replies.

use sqlx::PgPool;
use time::OffsetDateTime;

use crate::db::sending::submissions::Submission;
use crate::domain::ids::{BatchId, Id, MessageId, ProjectId, SubmissionId};
use crate::domain::replies::suppression::{SuppressionReason, SuppressionScope};
use crate::domain::sending::batch::SubmissionState;
use crate::domain::sending::message::MessageState;

/// Returns the submission of a message.
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

/// A person's action on the batch.
#[derive(Debug, Clone)]
pub struct AuditedAction {
    /// When it happened.
    pub at: OffsetDateTime,
    /// The name of the account.
    pub actor: String,
    /// The action, as the audit log calls it.
    pub action: String,
}

/// The maximum number of actions shown.
const MAX_ACTIONS: i64 = 50;

/// Returns people's actions on a batch as a whole or on one of its submissions, oldest first.
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
        MAX_ACTIONS,
    )
    .fetch_all(db)
    .await?;
    let audited_action =
        |id: MessageId, actor, action| AuditedAction { at: id.made_at(), actor, action };
    Ok(rows.into_iter().map(|row| audited_action(row.id, row.actor, row.action)).collect())
}

/// A message with the same text to the same phone in another batch.
#[derive(Debug, Clone)]
pub struct Sibling {
    /// The message.
    pub id: MessageId,
    /// Its batch's name.
    pub batch_name: String,
    /// Its state.
    pub state: MessageState,
    /// Whether it was sent later, as a resend of this message; otherwise this message is a resend
    /// of it.
    pub later: bool,
}

/// Returns messages to `phone` in batches that resend `batch`, and in the batches that it resends.
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
             select batch_id from resend_sources where source_id = $2
             union all
             select source_id from resend_sources where batch_id = $2))
           order by m.id limit 20"#,
        project.0,
        batch.0,
        phone,
    )
    .fetch_all(db)
    .await
}

/// A reply from the phone.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The text of the reply.
    pub content: String,
    /// When it was written.
    pub at: OffsetDateTime,
}

/// The maximum number of replies shown.
const MAX_REPLIES: i64 = 5;

/// Returns the first replies from `phone` since `since`.
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
        MAX_REPLIES,
    )
    .fetch_all(db)
    .await
}

/// Returns when, why and how far a phone was suppressed, if it is.
pub async fn opt_out(
    db: &PgPool,
    project: ProjectId,
    phone: &str,
) -> sqlx::Result<Option<(OffsetDateTime, SuppressionReason, SuppressionScope)>> {
    let row = sqlx::query!(
        r#"select id as "id: MessageId", reason as "reason: SuppressionReason",
             scope as "scope: SuppressionScope"
           from suppressions where project_id = $1 and phone = $2"#,
        project.0,
        phone,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.id.made_at(), row.reason, row.scope)))
}

/// Returns when the outcome of a message was recorded, whether it is one of ours or external.
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
