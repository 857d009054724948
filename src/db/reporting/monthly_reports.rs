//! Which monthly reports are mailed to whom, and which were.

use sqlx::{PgConnection, PgPool};
use time::{Date, OffsetDateTime};

use crate::domain::ids::ProjectId;

/// A report that is due.
#[derive(Debug)]
pub struct DueReport {
    /// The project.
    pub project: ProjectId,
    /// Its slug.
    pub slug: String,
    /// The addresses that it is mailed to.
    pub emails: Vec<String>,
}

/// Returns the projects whose report of a month was not queued yet.
pub async fn due(db: &PgPool, month: Date) -> sqlx::Result<Vec<DueReport>> {
    sqlx::query_as!(
        DueReport,
        r#"select p.id as "project: ProjectId", p.slug, s.report_emails as emails
           from alert_settings s join projects p on p.id = s.project_id
           where cardinality(s.report_emails) > 0
             and not exists (select from monthly_reports r
               where r.project_id = s.project_id and r.month = $1)
           order by p.id"#,
        month,
    )
    .fetch_all(db)
    .await
}

/// Claims the report of a month. Returns whether no process did so before.
pub async fn claim(
    db: &mut PgConnection,
    project: ProjectId,
    month: Date,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        r#"insert into monthly_reports (project_id, month, queued_at) values ($1, $2, $3)
           on conflict do nothing"#,
        project as ProjectId,
        month,
        now,
    )
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Returns the addresses that a project's report is mailed to.
pub async fn emails(db: &PgPool, project: ProjectId) -> sqlx::Result<Vec<String>> {
    let emails = sqlx::query_scalar!(
        "select report_emails from alert_settings where project_id = $1",
        project as ProjectId
    )
    .fetch_optional(db)
    .await?;
    Ok(emails.unwrap_or_default())
}

/// Saves the addresses that a project's report is mailed to.
pub async fn save_emails(
    db: &mut PgConnection,
    project: ProjectId,
    emails: &[String],
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into alert_settings (project_id, report_emails) values ($1, $2)
           on conflict (project_id) do update set report_emails = $2"#,
        project as ProjectId,
        emails,
    )
    .execute(db)
    .await?;
    Ok(())
}
