//! What the vendor counted, and when it is asked again.

use sqlx::{PgConnection, PgPool};
use time::{Date, OffsetDateTime};

use crate::domain::ids::ProjectId;

/// What the vendor counted on one day for one country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The day in China.
    pub day: Date,
    /// Not in mainland China.
    pub international: bool,
    /// The vendor's letters for the country.
    pub country: String,
    /// Messages taken.
    pub sent: i64,
    /// Messages that arrived.
    pub delivered: i64,
    /// Messages that did not.
    pub failed: i64,
    /// Messages of which nothing is known.
    pub unknown: i64,
    /// Messages that were not taken.
    pub refused: i64,
    /// Pieces taken.
    pub sent_parts: i64,
    /// Pieces that arrived.
    pub delivered_parts: i64,
    /// Pieces that did not.
    pub failed_parts: i64,
    /// Pieces of which nothing is known.
    pub unknown_parts: i64,
}

/// Keeps what the vendor counted, over what it had said of the same days before.
pub async fn keep(
    db: &mut PgConnection,
    project: ProjectId,
    figures: &[Figures],
) -> sqlx::Result<()> {
    for one in figures {
        sqlx::query!(
            r#"insert into vendor_days (project_id, day, international, country, sent, delivered,
                 failed, unknown, refused, sent_parts, delivered_parts, failed_parts,
                 unknown_parts)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
               on conflict (project_id, day, international, country) do update set
                 sent = excluded.sent, delivered = excluded.delivered, failed = excluded.failed,
                 unknown = excluded.unknown, refused = excluded.refused,
                 sent_parts = excluded.sent_parts, delivered_parts = excluded.delivered_parts,
                 failed_parts = excluded.failed_parts, unknown_parts = excluded.unknown_parts"#,
            project.0,
            one.day,
            one.international,
            one.country,
            one.sent,
            one.delivered,
            one.failed,
            one.unknown,
            one.refused,
            one.sent_parts,
            one.delivered_parts,
            one.failed_parts,
            one.unknown_parts,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// One day of all countries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The day in China.
    pub day: Date,
    /// Messages taken.
    pub sent: i64,
    /// Messages that arrived.
    pub delivered: i64,
    /// Pieces taken.
    pub parts: i64,
}

/// The days from `from` to `to` of which the vendor said something, the newest first.
pub async fn days(db: &PgPool, project: ProjectId, from: Date, to: Date) -> sqlx::Result<Vec<Day>> {
    sqlx::query_as!(
        Day,
        r#"select day, sum(sent)::bigint as "sent!", sum(delivered)::bigint as "delivered!",
             sum(sent_parts)::bigint as "parts!"
           from vendor_days where project_id = $1 and day between $2 and $3
           group by 1 order by 1 desc"#,
        project.0,
        from,
        to,
    )
    .fetch_all(db)
    .await
}

/// How asking went last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// When there was an answer.
    pub asked_at: Option<OffsetDateTime>,
    /// Why there was none since then; empty if all is well.
    pub problem: String,
}

/// How asking about a project went last; `None` before the first time.
pub async fn asked(db: &PgPool, project: ProjectId) -> sqlx::Result<Option<Asked>> {
    sqlx::query_as!(
        Asked,
        "select asked_at, problem from vendor_asks where project_id = $1",
        project.0,
    )
    .fetch_optional(db)
    .await
}

/// Takes a project whose turn has come, by moving its next turn to `next`: no two processes ask at
/// once. A project seen for the first time has its first turn then.
pub async fn take_due(
    db: &PgPool,
    now: OffsetDateTime,
    next: OffsetDateTime,
) -> sqlx::Result<Option<ProjectId>> {
    sqlx::query!(
        r#"insert into vendor_asks (project_id, next_at)
           select id, $1 from projects p
           where not exists (select from vendor_asks a where a.project_id = p.id)
           on conflict do nothing"#,
        next,
    )
    .execute(db)
    .await?;
    sqlx::query_scalar!(
        r#"update vendor_asks set next_at = $2
           where project_id = (select project_id from vendor_asks where next_at <= $1
             order by next_at limit 1 for update skip locked)
           returning project_id as "project: ProjectId""#,
        now,
        next,
    )
    .fetch_optional(db)
    .await
}

/// Writes down that the vendor answered.
pub async fn answered(
    db: &mut PgConnection,
    project: ProjectId,
    now: OffsetDateTime,
    next: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into vendor_asks (project_id, next_at, asked_at) values ($1, $3, $2)
           on conflict (project_id) do update set asked_at = $2, next_at = $3, problem = ''"#,
        project.0,
        now,
        next,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down why the vendor did not answer, and when it is asked again.
pub async fn unanswered(
    db: &PgPool,
    project: ProjectId,
    problem: &str,
    next: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into vendor_asks (project_id, next_at, problem) values ($1, $3, $2)
           on conflict (project_id) do update set problem = $2, next_at = $3"#,
        project.0,
        problem,
        next,
    )
    .execute(db)
    .await?;
    Ok(())
}
