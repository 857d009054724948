//! What is left of messages past their retention, according to their submissions
//! ([`super`]).

use sqlx::{PgConnection, PgPool};

use crate::domain::ids::{BatchId, ProjectId, SubmissionId};

/// What is left of a project's own messages, by the ids of their submissions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retained {
    /// The newest deleted submission.
    pub deleted_to: Option<SubmissionId>,
    /// The oldest submission without phones and texts.
    pub redacted_from: Option<SubmissionId>,
    /// The newest submission without phones and texts.
    pub redacted_to: Option<SubmissionId>,
    /// The oldest submission that is whole.
    pub whole_from: Option<SubmissionId>,
}

/// Returns what is left of a project's own messages.
pub async fn retained(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Retained> {
    sqlx::query_as!(
        Retained,
        r#"select
             (select max(id) from submissions where project_id = $1 and complete
                and retention = 'deleted') as "deleted_to: SubmissionId",
             (select min(id) from submissions where project_id = $1 and complete
                and retention = 'redacted') as "redacted_from: SubmissionId",
             (select max(id) from submissions where project_id = $1 and complete
                and retention = 'redacted') as "redacted_to: SubmissionId",
             (select min(id) from submissions where project_id = $1 and complete
                and retention = 'whole') as "whole_from: SubmissionId""#,
        project.0,
    )
    .fetch_one(db)
    .await
}

/// How many messages of a batch are past their retention.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PastRetention {
    /// The number of deleted messages.
    pub deleted: i64,
    /// The number of messages without phones and values.
    pub redacted: i64,
}

/// Returns how many messages of a batch are past their retention.
pub async fn past_retention(db: &PgPool, batch: BatchId) -> sqlx::Result<PastRetention> {
    sqlx::query_as!(
        PastRetention,
        r#"select coalesce(sum(n) filter (where retention = 'deleted'), 0) as "deleted!",
             coalesce(sum(n) filter (where retention = 'redacted'), 0) as "redacted!"
           from submissions where batch_id = $1"#,
        batch.0,
    )
    .fetch_one(db)
    .await
}
