//! When the next call of a project may leave, shared by all processes and all kinds of calls.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use crate::domain::ids::ProjectId;

/// How fast one project may call.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Time between two calls, over all processes.
    pub interval: Duration,
    /// How far calls may run ahead of that pace after a quiet moment.
    pub burst: Duration,
}

/// Takes a project's next call slot, unless it is not due or another process took it in this moment.
pub async fn take(
    db: &mut PgConnection,
    project: ProjectId,
    pace: Pace,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        r#"insert into call_slots (project_id, next_at) values ($1, $2)
           on conflict (project_id) do update
             set next_at = greatest(call_slots.next_at, $3) + ($2 - $3)
             where call_slots.next_at <= $4"#,
        project.0,
        now + pace.interval,
        now,
        now + pace.burst,
    )
    .execute(db)
    .await?;
    Ok(taken.rows_affected() == 1)
}
