//! What is left of messages whose time to be kept is over, as submissions say ([`super::keeping`]).

use sqlx::{PgConnection, PgPool};

use crate::domain::ids::{BatchId, ProjectId, SubmissionId};

/// What is left of a project's own messages, by the time of their submissions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// The newest that was removed.
    pub gone_to: Option<SubmissionId>,
    /// The oldest without phones and texts.
    pub blanked_from: Option<SubmissionId>,
    /// The newest of those.
    pub blanked_to: Option<SubmissionId>,
    /// The oldest that is whole.
    pub whole_from: Option<SubmissionId>,
}

/// What is left of a project's own messages.
pub async fn left(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Left> {
    sqlx::query_as!(
        Left,
        r#"select
             (select max(id) from submissions where project_id = $1 and settled
                and kept = 'gone') as "gone_to: SubmissionId",
             (select min(id) from submissions where project_id = $1 and settled
                and kept = 'blanked') as "blanked_from: SubmissionId",
             (select max(id) from submissions where project_id = $1 and settled
                and kept = 'blanked') as "blanked_to: SubmissionId",
             (select min(id) from submissions where project_id = $1 and settled
                and kept = 'whole') as "whole_from: SubmissionId""#,
        project.0,
    )
    .fetch_one(db)
    .await
}

/// What of a batch's messages is past keeping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Past {
    /// Messages that are removed.
    pub gone: i64,
    /// Messages without their phones and values.
    pub blanked: i64,
}

/// What of a batch's messages is past keeping.
pub async fn past_of(db: &PgPool, batch: BatchId) -> sqlx::Result<Past> {
    sqlx::query_as!(
        Past,
        r#"select coalesce(sum(n) filter (where kept = 'gone'), 0) as "gone!",
             coalesce(sum(n) filter (where kept = 'blanked'), 0) as "blanked!"
           from submissions where batch_id = $1"#,
        batch.0,
    )
    .fetch_one(db)
    .await
}
