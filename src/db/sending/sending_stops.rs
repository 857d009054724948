//! Sending that a person stopped, for a project or for the whole installation.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use crate::domain::ids::{ProjectId, UserId};

/// A stop.
#[derive(Debug, Clone)]
pub struct SendingStop {
    /// Whether it is of the whole installation.
    pub is_global: bool,
    /// When it was made.
    pub stopped_at: OffsetDateTime,
    /// The name of the account that made it; `None` if it was made by a command.
    pub by: Option<String>,
}

/// Stops the sending of a project, or of all. Returns whether it was not stopped already.
pub async fn insert(
    db: &mut PgConnection,
    project: Option<ProjectId>,
    by: Option<UserId>,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        r#"insert into sending_stops (project_id, stopped_at, stopped_by) values ($1, $2, $3)
           on conflict do nothing"#,
        project.map(|project| project.0),
        now,
        by.map(|by| by.0),
    )
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Lets sending go on. Returns whether it was stopped.
pub async fn delete(db: &mut PgConnection, project: Option<ProjectId>) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "delete from sending_stops where project_id is not distinct from $1",
        project.map(|project| project.0),
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Returns the stops that hold a project, that of the installation first.
pub async fn of_project(
    db: impl PgExecutor<'_>,
    project: ProjectId,
) -> sqlx::Result<Vec<SendingStop>> {
    sqlx::query_as!(
        SendingStop,
        r#"select s.project_id is null as "is_global!", s.stopped_at, u.name as "by?"
           from sending_stops s left join users u on u.id = s.stopped_by
           where s.project_id is null or s.project_id = $1
           order by s.project_id nulls first"#,
        project.0,
    )
    .fetch_all(db)
    .await
}

/// Returns how many messages are part of calls under way: they may still arrive.
pub async fn under_way(db: impl PgExecutor<'_>, project: Option<ProjectId>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(n), 0)::bigint as "messages!" from submissions
           where state = 'in_flight' and ($1::bigint is null or project_id = $1)"#,
        project.map(|project| project.0),
    )
    .fetch_one(db)
    .await
}
