//! The vendor's own statistics, and when they are fetched next.

use sqlx::{PgConnection, PgPool};
use time::{Date, OffsetDateTime};

use crate::domain::ids::ProjectId;

/// The vendor's statistics of one day and one country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The day, in China.
    pub day: Date,
    /// Whether the country is not mainland China.
    pub international: bool,
    /// The vendor's code of the country.
    pub country: String,
    /// The number of accepted messages.
    pub sent: i64,
    /// The number of delivered messages.
    pub delivered: i64,
    /// The number of failed messages.
    pub failed: i64,
    /// The number of messages without a known outcome.
    pub unknown: i64,
    /// The number of refused messages.
    pub refused: i64,
    /// The number of accepted parts.
    pub sent_parts: i64,
    /// The number of delivered parts.
    pub delivered_parts: i64,
    /// The number of failed parts.
    pub failed_parts: i64,
    /// The number of parts without a known outcome.
    pub unknown_parts: i64,
}

/// Upserts the vendor's statistics.
pub async fn upsert(
    db: &mut PgConnection,
    project: ProjectId,
    figures: &[Figures],
) -> sqlx::Result<()> {
    for figure in figures {
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
            figure.day,
            figure.international,
            figure.country,
            figure.sent,
            figure.delivered,
            figure.failed,
            figure.unknown,
            figure.refused,
            figure.sent_parts,
            figure.delivered_parts,
            figure.failed_parts,
            figure.unknown_parts,
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// The vendor's statistics of one day, over all countries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The day, in China.
    pub day: Date,
    /// The number of accepted messages.
    pub sent: i64,
    /// The number of delivered messages.
    pub delivered: i64,
    /// The number of accepted parts.
    pub parts: i64,
}

/// Returns the days from `from` to `to` with statistics of the vendor, newest first.
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

/// The result of the last fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// When there was a response.
    pub asked_at: Option<OffsetDateTime>,
    /// The problem since then, or an empty string.
    pub problem: String,
}

/// Returns the result of the last fetch of a project, or `None` before the first one.
pub async fn asked(db: &PgPool, project: ProjectId) -> sqlx::Result<Option<Asked>> {
    sqlx::query_as!(
        Asked,
        "select asked_at, problem from vendor_asks where project_id = $1",
        project.0,
    )
    .fetch_optional(db)
    .await
}

/// Claims a project whose fetch is due by moving the next one to `next`, so that no two processes
/// fetch at the same time. A new project is first due at `next`.
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

/// Records that the vendor responded.
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

/// Records why the vendor did not respond, and when the next fetch is due.
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
