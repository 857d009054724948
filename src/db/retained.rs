//! What is retained of messages whose time to be kept is over, as submissions say ([`super::keeping`]).

use sqlx::{PgConnection, PgPool};

use crate::domain::ids::{BatchId, ProjectId, SubmissionId};

/// What is retained of a project's own messages, by the time of their submissions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retained {
    /// The newest that was removed.
    pub deleted_to: Option<SubmissionId>,
    /// The oldest without phones and texts.
    pub redacted_from: Option<SubmissionId>,
    /// The newest of those.
    pub redacted_to: Option<SubmissionId>,
    /// The oldest that is whole.
    pub whole_from: Option<SubmissionId>,
}

/// What is retained of a project's own messages.
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

/// What of a batch's messages is past keeping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PastRetention {
    /// Messages that are removed.
    pub deleted: i64,
    /// Messages without their phones and values.
    pub redacted: i64,
}

/// What of a batch's messages is past keeping.
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
