//! Files of phones to suppress that wait for a person's decision.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::{ProjectId, SuppressionImportId, UserId};
use crate::domain::replies::suppression::{SuppressionReason, SuppressionScope};

/// A file of phones to suppress, without its content.
#[derive(Debug, Clone)]
pub struct SuppressionImport {
    /// Our id; it contains when the file was uploaded.
    pub id: SuppressionImportId,
    /// The file name on the person's computer.
    pub file_name: String,
    /// Phones that were typed beside the file.
    pub typed: Vec<String>,
    /// Why its phones are suppressed.
    pub reason: SuppressionReason,
    /// What is not sent to them.
    pub scope: SuppressionScope,
    /// A note that is stored with them.
    pub note: String,
    /// The columns that a person has chosen; empty before the phones were added, or if none were
    /// chosen.
    pub columns: Vec<String>,
    /// When its phones were added.
    pub added_at: Option<OffsetDateTime>,
    /// How many of them were not suppressed before.
    pub added: i64,
    /// How many of them were.
    pub already: i64,
}

/// A file to insert.
#[derive(Debug)]
pub struct NewSuppressionImport<'a> {
    /// The project.
    pub project: ProjectId,
    /// The account that uploaded it.
    pub by: UserId,
    /// The file name on the person's computer.
    pub file_name: &'a str,
    /// The file.
    pub content: &'a [u8],
    /// Phones that were typed beside the file.
    pub typed: &'a [String],
    /// Why its phones are suppressed.
    pub reason: SuppressionReason,
    /// What is not sent to them.
    pub scope: SuppressionScope,
    /// A note that is stored with them.
    pub note: &'a str,
}

/// Returns how many files of a person in a project there are. Until the end of the transaction nobody
/// else adds one for this person.
pub async fn lock(db: &mut PgConnection, project: ProjectId, person: UserId) -> sqlx::Result<i64> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('opt-out lists ' || $1::bigint, $2))",
        project.0,
        person.0,
    )
    .fetch_one(&mut *db)
    .await?;
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from suppression_imports
           where project_id = $1 and uploaded_by = $2"#,
        project.0,
        person.0,
    )
    .fetch_one(db)
    .await
}

/// Inserts a file.
pub async fn insert(
    db: &mut PgConnection,
    import: &NewSuppressionImport<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<SuppressionImportId> {
    sqlx::query_scalar!(
        r#"insert into suppression_imports
             (id, project_id, uploaded_by, file_name, content, typed, reason, note, scope)
           values (new_id($8), $1, $2, $3, $4, $5, $6, $7, $9)
           returning id as "id: SuppressionImportId""#,
        import.project.0,
        import.by.0,
        import.file_name,
        import.content,
        import.typed,
        import.reason as SuppressionReason,
        import.note,
        now,
        import.scope as SuppressionScope,
    )
    .fetch_one(db)
    .await
}

/// Returns a file of the project.
pub async fn find(
    db: &PgPool,
    project: ProjectId,
    id: SuppressionImportId,
) -> sqlx::Result<Option<SuppressionImport>> {
    sqlx::query_as!(
        SuppressionImport,
        r#"select id as "id: SuppressionImportId", file_name, typed,
             reason as "reason: SuppressionReason", scope as "scope: SuppressionScope", note, columns, added_at, added, already
           from suppression_imports where project_id = $1 and id = $2"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Returns the content of a file.
pub async fn content(
    db: &PgPool,
    project: ProjectId,
    id: SuppressionImportId,
) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(
        "select content from suppression_imports where project_id = $1 and id = $2",
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Returns the newest files of a project that wait for a decision.
pub async fn waiting(
    db: &PgPool,
    project: ProjectId,
    limit: i64,
) -> sqlx::Result<Vec<(SuppressionImportId, String)>> {
    let rows = sqlx::query!(
        r#"select id as "id: SuppressionImportId", file_name from suppression_imports
           where project_id = $1 and added_at is null order by id desc limit $2"#,
        project.0,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.file_name)).collect())
}

/// Marks the phones of a file as added. Returns false if they were added before, or the file was
/// discarded. The row stays locked until the transaction ends.
pub async fn begin_adding(
    db: &mut PgConnection,
    project: ProjectId,
    id: SuppressionImportId,
    columns: &[String],
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let updated = sqlx::query!(
        r#"update suppression_imports set added_at = $4, columns = $3
           where project_id = $1 and id = $2 and added_at is null"#,
        project.0,
        id.0,
        columns,
        now,
    )
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Records how many phones of a file were added, and how many were suppressed before.
pub async fn record_added(
    db: &mut PgConnection,
    id: SuppressionImportId,
    added: i64,
    already: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update suppression_imports set added = $2, already = $3 where id = $1",
        id.0,
        added,
        already,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a file. Returns false if there was none.
pub async fn delete(
    db: &mut PgConnection,
    project: ProjectId,
    id: SuppressionImportId,
) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "delete from suppression_imports where project_id = $1 and id = $2",
        project.0,
        id.0,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Deletes files with ids below `before`. Returns how many.
pub async fn delete_old(db: &PgPool, before: i64) -> sqlx::Result<u64> {
    let deleted =
        sqlx::query!("delete from suppression_imports where id < $1", before).execute(db).await?;
    Ok(deleted.rows_affected())
}
