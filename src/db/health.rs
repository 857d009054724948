//! Figures that say whether all is well: cheap enough to be asked for at any time.

use sqlx::{Connection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::ProjectId;

/// No more waiting pushes than this are counted.
pub const MAX_COUNTED: i64 = 10_000;

/// Asks the database whether it is there.
pub async fn answers(db: &PgPool) -> sqlx::Result<()> {
    db.acquire().await?.ping().await
}

/// What the whole installation has to do, for those who watch it from outside.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Pushes that wait to be settled; no more than [`MOST_COUNTED`] are counted.
    pub inbox: i64,
    /// When the oldest of them came.
    pub inbox_since: Option<OffsetDateTime>,
    /// Messages of batches that are sending, not yet handed to the vendor.
    pub queue: i64,
    /// Messages whose call is in doubt.
    pub in_doubt: i64,
}

/// What there is to do, of one project or of all.
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

/// When the last call of a project's batches that are sending began. `None` when none has.
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

/// The processes that work.
#[derive(Debug, Clone)]
pub struct Processes {
    /// How many were seen since the time that was asked for.
    pub alive: i64,
    /// When the longest-running of them started.
    pub started_at: Option<OffsetDateTime>,
    /// When any process was seen last.
    pub seen_at: Option<OffsetDateTime>,
}

/// The processes that were seen since `alive_since`.
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

/// What any process heard from the vendor.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// When the vendor answered last.
    pub heard_at: Option<OffsetDateTime>,
    /// When a call had no answer last.
    pub trouble_at: Option<OffsetDateTime>,
    /// What was seen instead.
    pub problem: String,
}

/// What was heard from the vendor last, over all processes.
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

/// How often the promises that are cheap to look at are broken for what a project sent since
/// `since`: submissions whose counters and marks disagree, and finished batches with something left
/// to submit. `doctor` looks at all promises.
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

/// The version of PostgreSQL, without what its packagers add.
pub async fn server_version(db: &PgPool) -> sqlx::Result<String> {
    sqlx::query_scalar!(
        r#"select split_part(current_setting('server_version'), ' ', 1) as "version!""#
    )
    .fetch_one(db)
    .await
}
