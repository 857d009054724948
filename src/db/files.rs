//! Certificates and letters of authority, sealed.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::domain::file::FileKind;
use crate::domain::ids::{FileId, ProjectId, UserId};

/// A file, without its content.
#[derive(Debug, Clone)]
pub struct File {
    /// Our id.
    pub id: FileId,
    /// What the person called it.
    pub name: String,
    /// What it is.
    pub kind: FileKind,
    /// Its size.
    pub bytes: i32,
    /// When its content was deleted, if it was.
    pub deleted_at: Option<OffsetDateTime>,
}

/// A file to keep.
#[derive(Debug)]
pub struct NewFile<'a> {
    /// Whose.
    pub project: ProjectId,
    /// What the person called it.
    pub name: &'a str,
    /// What it is.
    pub kind: FileKind,
    /// Its size.
    pub bytes: i32,
    /// Its content, sealed.
    pub sealed: &'a [u8],
    /// Who brought it.
    pub uploaded_by: UserId,
}

/// Keeps a file.
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

/// One file of the project.
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

/// The sealed content of a file; `None` once it was deleted.
pub async fn content(db: &PgPool, project: ProjectId, id: FileId) -> sqlx::Result<Option<Vec<u8>>> {
    let sealed = sqlx::query_scalar!(
        "select sealed from files where project_id = $1 and id = $2",
        project.0,
        id.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(sealed.flatten())
}

/// Deletes the content of a file, unless it is on its way to the vendor. Answers whether it did.
pub async fn delete(
    db: &mut PgConnection,
    project: ProjectId,
    id: FileId,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
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
    Ok(done.rows_affected() == 1)
}

/// Removes files that came with a form which was never handed in and is older than `before`.
pub async fn remove_unused(db: &PgPool, before: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"delete from files f
           where f.id < $1
             and not exists (select from applications a where a.certificate_id = f.id)
             and not exists (select from applications a where a.proxy_id = f.id)"#,
        before,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
