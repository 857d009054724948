//! Recoveries: what is done after the database went back in time, until sending may go on.

use sqlx::{PgConnection, PgExecutor, PgPool};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::domain::ids::{BatchId, Id as _, ProjectId, UserId};

/// Processes that were seen so shortly before the last sign of life may have sent after it.
const ALIVE_FOR: Duration = Duration::seconds(15);

/// The id of a recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct RecoveryId(pub Uuid);

/// What shows that the database went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "recovery_cause", rename_all = "snake_case")]
pub enum Cause {
    /// Its timeline is another: a standby was promoted, or it was recovered to a time.
    Promoted,
    /// It is another database than it says: a dump was restored, or it was copied.
    Copied,
    /// Its write-ahead log is behind what a process has seen.
    RolledBack,
    /// No process was alive for long, and the last one did not stop cleanly.
    Silent,
}

impl Cause {
    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::Copied => "copied",
            Self::RolledBack => "rolled_back",
            Self::Silent => "silent",
        }
    }
}

/// How a recovery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "recovery_end", rename_all = "snake_case")]
pub enum RecoveryEnd {
    /// Every process that may have sent in the lost time wrote again what it remembered.
    Repaired,
    /// Batches that others may have sent wait for a person.
    Held,
    /// A person said that this database is the installation; batches that may have been sent wait.
    Adopted,
}

/// A recovery as its page shows it.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// Its id.
    pub id: RecoveryId,
    /// What showed that the database went back.
    pub cause: Cause,
    /// When it was noticed.
    pub noticed_at: OffsetDateTime,
    /// The last sign of life that the database holds.
    pub last_seen_at: Option<OffsetDateTime>,
    /// When sending could go on.
    pub ended_at: Option<OffsetDateTime>,
    /// How it ended.
    pub ended_as: Option<RecoveryEnd>,
}

/// Begins a recovery, unless one has not ended. Returns the one that is open then.
///
/// The processes that the database names as alive at its last sign of life are expected to report.
pub async fn begin(
    db: &PgPool,
    cause: Cause,
    now: OffsetDateTime,
) -> sqlx::Result<(RecoveryId, Cause)> {
    let mut tx = db.begin().await?;
    let begun = sqlx::query_scalar!(
        r#"insert into recoveries (cause, noticed_at, last_seen_at)
           select $1, $2, max(coalesce(stopped_at, seen_at)) from workers
           on conflict do nothing
           returning id as "id: RecoveryId""#,
        cause as Cause,
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(id) = begun {
        sqlx::query!(
            r#"insert into recovery_reports (recovery_id, worker)
               select $1, id from workers
               where stopped_at is null
                 and seen_at > (select max(coalesce(stopped_at, seen_at)) from workers) - $2::interval"#,
            id.0,
            crate::db::sending::claims::interval(ALIVE_FOR),
        )
        .execute(&mut *tx)
        .await?;
    }
    let open = sqlx::query!(
        r#"select id as "id: RecoveryId", cause as "cause: Cause" from recoveries
           where ended_at is null"#
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok((open.id, open.cause))
}

/// Records that a process has written again what it remembers: everything since `remembers_since`, but
/// for what `has_lost` says.
pub async fn report(
    db: &PgPool,
    recovery: RecoveryId,
    worker: Uuid,
    has_lost: bool,
    remembers_since: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into recovery_reports (recovery_id, worker, reported_at, has_lost, complete)
           select r.id, $2, $3, $4, coalesce($5 < r.last_seen_at, true)
           from recoveries r where r.id = $1
           on conflict (recovery_id, worker) do update
           set reported_at = excluded.reported_at, has_lost = excluded.has_lost,
             complete = excluded.complete"#,
        recovery.0,
        worker,
        now,
        has_lost,
        remembers_since,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which processes have reported.
#[derive(Debug, Clone, Copy)]
pub struct Reports {
    /// How many have.
    pub made: i64,
    /// How many that were alive have not.
    pub missing: i64,
    /// How many have, but do not remember everything.
    pub incomplete: i64,
    /// How many could not write a call again.
    pub with_losses: i64,
    /// When the recovery was noticed.
    pub noticed_at: OffsetDateTime,
}

/// Locks an open recovery and returns its reports; `None` if it has ended.
pub async fn lock(db: &mut PgConnection, recovery: RecoveryId) -> sqlx::Result<Option<Reports>> {
    let noticed_at = sqlx::query_scalar!(
        "select noticed_at from recoveries where id = $1 and ended_at is null for update",
        recovery.0,
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(noticed_at) = noticed_at else { return Ok(None) };
    let counts = sqlx::query!(
        r#"select count(reported_at) as "made!",
             count(*) filter (where reported_at is null) as "missing!",
             count(*) filter (where reported_at is not null and not complete) as "incomplete!",
             count(*) filter (where has_lost) as "with_losses!"
           from recovery_reports where recovery_id = $1"#,
        recovery.0,
    )
    .fetch_one(db)
    .await?;
    Ok(Some(Reports {
        made: counts.made,
        missing: counts.missing,
        incomplete: counts.incomplete,
        with_losses: counts.with_losses,
        noticed_at,
    }))
}

/// Ends a recovery: sending goes on.
pub async fn end(
    db: &mut PgConnection,
    recovery: RecoveryId,
    as_: RecoveryEnd,
    by: Option<UserId>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update recoveries set ended_at = $2, ended_as = $3, decided_by = $4
           where id = $1 and ended_at is null"#,
        recovery.0,
        now,
        as_ as RecoveryEnd,
        by.map(|by| by.0),
    )
    .execute(&mut *db)
    .await?;
    // Otherwise the silence before it would look like another one.
    sqlx::query!(
        "update workers set stopped_at = seen_at where stopped_at is null and seen_at < $1",
        now - ALIVE_FOR,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A batch of which messages may have been sent in the lost time.
#[derive(Debug, Clone, Copy)]
pub struct Affected {
    /// The batch.
    pub batch: BatchId,
    /// Its project.
    pub project: ProjectId,
    /// How many of its messages are not sent, as the database has it.
    pub messages: i64,
}

/// Returns the batches of which messages may have been sent: those that were sending, whose time has
/// come since, or that a person may have resumed.
pub async fn affected(db: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<Vec<Affected>> {
    sqlx::query_as!(
        Affected,
        r#"select b.id as "batch: BatchId", b.project_id as "project: ProjectId",
             case when b.planned then coalesce(s.waiting, 0)
               else b.total - coalesce(s.planned, 0) + coalesce(s.waiting, 0) end as "messages!"
           from batches b
           left join lateral (
             select sum(n)::bigint as planned, sum(n) filter (where state = 'ready')::bigint as waiting
             from submissions where batch_id = b.id
           ) s on true
           where (b.state in ('sending', 'paused') or b.state = 'scheduled' and b.schedule_at <= $1)
             and (not b.planned or s.waiting > 0)
           order by b.id"#,
        now,
    )
    .fetch_all(db)
    .await
}

/// Holds a batch until a person decides. Returns whether it is held now.
pub async fn hold(
    db: &mut PgConnection,
    recovery: RecoveryId,
    affected: &Affected,
) -> sqlx::Result<bool> {
    let held = sqlx::query!(
        r#"update batches set state = 'paused', pause_reason = 'database_went_back', pause_detail = ''
           where id = $1 and state in ('sending', 'scheduled', 'paused')"#,
        affected.batch.0,
    )
    .execute(&mut *db)
    .await?
    .rows_affected();
    sqlx::query!(
        r#"insert into recovery_batches (recovery_id, batch_id, messages) values ($1, $2, $3)
           on conflict do nothing"#,
        recovery.0,
        affected.batch.0,
        affected.messages,
    )
    .execute(db)
    .await?;
    Ok(held == 1)
}

/// Returns the newest recovery, unless it ended before `since`.
pub async fn newest(db: &PgPool, since: OffsetDateTime) -> sqlx::Result<Option<Recovery>> {
    sqlx::query_as!(
        Recovery,
        r#"select id as "id: RecoveryId", cause as "cause: Cause", noticed_at, last_seen_at, ended_at,
             ended_as as "ended_as: RecoveryEnd"
           from recoveries where coalesce(ended_at, 'infinity') > $1
           order by noticed_at desc limit 1"#,
        since,
    )
    .fetch_optional(db)
    .await
}

/// Returns the last sign of life before a recovery that came after this batch, if what was sent then is
/// not known: the batch may have been ordered or approved since, and sent.
pub async fn may_have_sent(db: &PgPool, batch: BatchId) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!(
        r#"select coalesce(last_seen_at, noticed_at) as "at!" from recoveries
           where ended_as in ('held', 'adopted') and noticed_at > $1
           order by noticed_at desc limit 1"#,
        batch.made_at(),
    )
    .fetch_optional(db)
    .await
}

/// A batch that was held, as the page of the recovery shows it.
#[derive(Debug, Clone)]
pub struct HeldBatch {
    /// The batch.
    pub batch: BatchId,
    /// Its name.
    pub name: String,
    /// The slug of its project.
    pub project: String,
    /// How many of its messages may have been sent.
    pub messages: i64,
    /// Whether it still waits for a person.
    pub waits: bool,
}

/// Returns the batches that were held in a recovery, or that still wait, of the projects that a person may see; all if
/// `viewer` is `None`.
pub async fn held(
    db: impl PgExecutor<'_>,
    recovery: RecoveryId,
    viewer: Option<UserId>,
) -> sqlx::Result<Vec<HeldBatch>> {
    sqlx::query_as!(
        HeldBatch,
        r#"select distinct on (b.id) b.id as "batch: BatchId", b.name, p.slug as project, r.messages,
             coalesce(b.pause_reason = 'database_went_back', false) as "waits!"
           from recovery_batches r join batches b on b.id = r.batch_id
             join projects p on p.id = b.project_id
           where (r.recovery_id = $1 or b.pause_reason = 'database_went_back') and ($2::bigint is null
             or exists (select from users u where u.id = $2 and u.is_owner)
             or exists (select from members m where m.user_id = $2 and m.project_id = p.id))
           order by b.id, r.messages desc"#,
        recovery.0,
        viewer.map(|viewer| viewer.0),
    )
    .fetch_all(db)
    .await
}

/// Puts the remaining messages of a held batch in doubt: nobody knows which of them were sent. Rows
/// that are not messages yet become messages in doubt when they are planned. Returns how many
/// messages are in doubt now, or `None` if the batch was not held.
pub async fn doubt_rest(
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    why: &str,
    now: OffsetDateTime,
) -> sqlx::Result<Option<i64>> {
    let moved = sqlx::query!(
        r#"update batches set state = 'sending', pause_reason = null, pause_detail = '',
             rest_in_doubt = not planned, wave = 1, started_at = coalesce(started_at, $3)
           where id = $1 and project_id = $2 and state = 'paused'
             and pause_reason = 'database_went_back'"#,
        batch.0,
        project.0,
        now,
    )
    .execute(&mut *db)
    .await?;
    if moved.rows_affected() == 0 {
        return Ok(None);
    }
    sqlx::query_scalar!(
        r#"with doubted as (
             update submissions set state = 'in_doubt', vendor_message = $2
             where batch_id = $1 and state = 'ready' returning n
           )
           select coalesce(sum(n), 0)::bigint as "messages!" from doubted"#,
        batch.0,
        why,
    )
    .fetch_one(db)
    .await
    .map(Some)
}
