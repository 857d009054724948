//! Application files: certificates and letters of authority, encrypted.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::ids::{FileId, ProjectId, UserId};
use crate::domain::review::file::FileKind;

/// A file, without its content.
#[derive(Debug, Clone)]
pub struct File {
    /// Our id.
    pub id: FileId,
    /// The file name on the person's computer.
    pub name: String,
    /// The kind of file.
    pub kind: FileKind,
    /// Its size in bytes.
    pub bytes: i32,
    /// When its content was deleted, if it was.
    pub deleted_at: Option<OffsetDateTime>,
}

/// A file to insert.
#[derive(Debug)]
pub struct NewFile<'a> {
    /// The project.
    pub project: ProjectId,
    /// The file name on the person's computer.
    pub name: &'a str,
    /// The kind of file.
    pub kind: FileKind,
    /// Its size in bytes.
    pub bytes: i32,
    /// Its content, encrypted.
    pub sealed: &'a [u8],
    /// The account that uploaded it.
    pub uploaded_by: UserId,
}

/// Inserts a file.
pub async fn insert(
    db: &mut PgConnection,
    file: &NewFile<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<FileId> {
    sqlx::query_scalar!(
        r#"insert into files (id, project_id, name, kind, bytes, sealed, uploaded_by)
           values (new_id($7), $1, $2, $3, $4, $5, $6) returning id as "id: FileId""#,
        file.project.0,
        file.name,
        file.kind as FileKind,
        file.bytes,
        file.sealed,
        file.uploaded_by as UserId,
        now,
    )
    .fetch_one(db)
    .await
}

/// Returns how many files of a person in a project no application has. Until the end of the
/// transaction nobody else adds one for this person.
pub async fn lock_unused(
    db: &mut PgConnection,
    project: ProjectId,
    person: UserId,
) -> sqlx::Result<i64> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('files ' || $1::bigint, $2))",
        project.0,
        person.0,
    )
    .fetch_one(&mut *db)
    .await?;
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from files f
           where f.project_id = $1 and f.uploaded_by = $2 and f.sealed is not null
             and not exists (select from applications a where a.certificate_id = f.id)
             and not exists (select from applications a where a.proxy_id = f.id)"#,
        project.0,
        person.0,
    )
    .fetch_one(db)
    .await
}

/// Returns a file of the project.
pub async fn find(db: &PgPool, project: ProjectId, id: FileId) -> sqlx::Result<Option<File>> {
    sqlx::query_as!(
        File,
        r#"select id as "id: FileId", name, kind as "kind: FileKind", bytes, deleted_at
           from files where project_id = $1 and id = $2"#,
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await
}

/// Returns the encrypted content of a file, or `None` once it was deleted.
pub async fn content(db: &PgPool, project: ProjectId, id: FileId) -> sqlx::Result<Option<Vec<u8>>> {
    let content = sqlx::query_scalar!(
        "select sealed from files where project_id = $1 and id = $2",
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(content.flatten())
}

/// Deletes the content of a file, unless it is being sent to the vendor. Returns whether it was
/// deleted.
pub async fn delete(
    db: &mut PgConnection,
    project: ProjectId,
    id: FileId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let updated = sqlx::query!(
        r#"update files set sealed = null, deleted_at = $3
           where project_id = $1 and id = $2 and deleted_at is null
             and not exists (select from applications a
               where (a.certificate_id = $2 or a.proxy_id = $2) and a.state = 'sending')"#,
        project.0,
        id.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Deletes files with ids below `before` whose form was never submitted. Returns how many.
pub async fn remove_unused(db: &PgPool, before: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        r#"delete from files f
           where f.id < $1
             and not exists (select from applications a where a.certificate_id = f.id)
             and not exists (select from applications a where a.proxy_id = f.id)"#,
        before,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}
