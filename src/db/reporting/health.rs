//! Health figures that are cheap enough to be read at any time.

use sqlx::{Connection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::ProjectId;

/// The maximum number of waiting pushes that are counted.
pub const MAX_COUNTED: i64 = 10_000;

/// Checks that the database responds.
pub async fn answers(db: &PgPool) -> sqlx::Result<()> {
    db.acquire().await?.ping().await
}

/// The pending work of the whole installation or of one project.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// The number of pushes that wait to be processed, at most [`MAX_COUNTED`].
    pub inbox: i64,
    /// When the oldest of these came.
    pub inbox_since: Option<OffsetDateTime>,
    /// The number of messages in sending batches that are not submitted yet.
    pub queue: i64,
    /// The number of messages in doubt.
    pub in_doubt: i64,
}

/// Returns the pending work of one project or of all.
pub async fn load(db: &PgPool, project: Option<ProjectId>) -> sqlx::Result<Load> {
    sqlx::query_as!(
        Load,
        r#"select
             (select count(*) from (select from inbox where processed_at is null
                and ($1::bigint is null or project_id = $1) limit $2) few) as "inbox!",
             (select received_at from inbox where processed_at is null
                and ($1::bigint is null or project_id = $1) order by id limit 1) as inbox_since,
             (select coalesce(sum(s.n), 0)::bigint from batches b
                join submissions s on s.batch_id = b.id and s.state in ('ready', 'in_flight')
                where b.state = 'sending' and ($1::bigint is null or b.project_id = $1))
               as "queue!",
             (select coalesce(sum(n), 0)::bigint from submissions where state = 'in_doubt'
                and ($1::bigint is null or project_id = $1)) as "in_doubt!""#,
        project.map(|project| project.0),
        MAX_COUNTED,
    )
    .fetch_one(db)
    .await
}

/// Returns when the last call of a project's submissions began, or `None` if there was none.
pub async fn last_call(db: &PgPool, project: ProjectId) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!(
        "select sent_at from submissions where project_id = $1 and sent_at is not null
         order by sent_at desc limit 1",
        project.0,
    )
    .fetch_optional(db)
    .await
    .map(Option::flatten)
}

/// The running processes.
#[derive(Debug, Clone)]
pub struct Processes {
    /// The number of processes seen since the given time.
    pub alive: i64,
    /// When the longest-running one of these started.
    pub started_at: Option<OffsetDateTime>,
    /// When any process was last seen.
    pub seen_at: Option<OffsetDateTime>,
}

/// Returns the processes that were seen since `alive_since`.
pub async fn processes(db: &PgPool, alive_since: OffsetDateTime) -> sqlx::Result<Processes> {
    sqlx::query_as!(
        Processes,
        r#"select count(*) filter (where seen_at > $1) as "alive!",
             min(started_at) filter (where seen_at > $1) as started_at, max(seen_at) as seen_at
           from workers"#,
        alive_since,
    )
    .fetch_one(db)
    .await
}

/// The vendor's last responses to any process.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// When the vendor last responded.
    pub heard_at: Option<OffsetDateTime>,
    /// When a call last had no response.
    pub trouble_at: Option<OffsetDateTime>,
    /// The problem of that call.
    pub problem: String,
}

/// Returns the vendor's last responses over all processes.
pub async fn heard(db: &PgPool) -> sqlx::Result<Heard> {
    sqlx::query_as!(
        Heard,
        r#"select max(vendor_answered_at) as heard_at, max(vendor_error_at) as trouble_at,
             coalesce((select vendor_error from workers where vendor_error_at is not null
               order by vendor_error_at desc limit 1), '') as "problem!"
           from workers"#,
    )
    .fetch_one(db)
    .await
}

/// Returns how many violations there are of the invariants that are cheap to check, in what a
/// project sent since `since`: submissions whose counters and flags disagree, and finished batches
/// with something left to submit. `doctor` checks all invariants.
pub async fn broken(db: &PgPool, project: ProjectId, since: OffsetDateTime) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select
             (select count(*) from submissions
              where project_id = $1 and sent_at > $2
                and complete <> (state = 'cancelled'
                  or delivered + failed + unknown + refused + suppressed = n))
             + (select count(*) from batches b
                where b.project_id = $1 and b.id > first_id($2) and b.planned
                  and b.state in ('done', 'cancelled')
                  and exists (select from submissions s
                    where s.batch_id = b.id and s.state = 'ready')) as "count!""#,
        project.0,
        since,
    )
    .fetch_one(db)
    .await
}

/// Returns the version of PostgreSQL, without its packager's suffix.
pub async fn server_version(db: &PgPool) -> sqlx::Result<String> {
    sqlx::query_scalar!(
        r#"select split_part(current_setting('server_version'), ' ', 1) as "version!""#
    )
    .fetch_one(db)
    .await
}
