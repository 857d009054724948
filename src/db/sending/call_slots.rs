//! Call slots: when a project may make its next call, shared by all processes and all kinds of
//! calls.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use crate::domain::ids::ProjectId;

/// The rate of a project's calls.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The time between two calls, over all processes.
    pub interval: Duration,
    /// How far calls may run ahead of that rate after a pause.
    pub burst: Duration,
}

/// The factor by which the calls of a throttled project are slowed down at most.
const MAX_SLOWDOWN: f64 = 64.0;

/// Takes a project's next call slot, unless it is not due or another process took it at this
/// moment. Returns whether it was taken. The row of the slot stays locked until the transaction
/// ends. The slots of a project that was throttled recently are further apart.
pub async fn take(
    db: &mut PgConnection,
    project: ProjectId,
    pace: Pace,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        r#"insert into call_slots (project_id, next_at) values ($1, $2)
           on conflict (project_id) do update
             set next_at = greatest(call_slots.next_at, $3)
               + ($2 - $3) * greatest(1, call_slots.slow * power(0.5,
                   extract(epoch from $3 - coalesce(call_slots.slowed_at, $3))::float8 / 30))
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

/// Takes a call slot for a look-up that a person asks for. Such look-ups are `interval` apart, and take
/// a slot only if nothing has used up those of this moment: sending and the console's own calls go
/// first. Returns whether it was taken.
pub async fn take_for_look_up(
    db: &mut PgConnection,
    project: ProjectId,
    pace: Pace,
    interval: Duration,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        r#"insert into call_slots (project_id, next_at, look_up_at) values ($1, $2, $4)
           on conflict (project_id) do update
             set look_up_at = $4,
               next_at = greatest(call_slots.next_at, $3)
                 + ($2 - $3) * greatest(1, call_slots.slow * power(0.5,
                   extract(epoch from $3 - coalesce(call_slots.slowed_at, $3))::float8 / 30))
             where call_slots.next_at <= $3 and coalesce(call_slots.look_up_at <= $3, true)"#,
        project.0,
        now + pace.interval,
        now,
        now + interval,
    )
    .execute(db)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Slows a project down because the vendor throttled it (RetCode 153): its calls become half as
/// frequent, and the slowdown halves every half minute. Calls that were throttled together count
/// once.
pub async fn slow_down(
    db: &mut PgConnection,
    project: ProjectId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update call_slots
           set slow = least($3, 2 * greatest(1, slow * power(0.5,
               extract(epoch from $2 - coalesce(slowed_at, $2))::float8 / 30))),
             slowed_at = $2
           where project_id = $1 and coalesce(slowed_at + interval '1 second' < $2, true)"#,
        project.0,
        now,
        MAX_SLOWDOWN,
    )
    .execute(db)
    .await?;
    Ok(())
}
