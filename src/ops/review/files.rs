//! Application files (certificates and letters of authority): stored encrypted, and decrypted for
//! the vendor and for people with permission.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use time::Duration;

use crate::app::App;
use crate::db::audit;
use crate::db::review::files::{self, File, NewFile};
use crate::domain::ids::{FileId, ProjectId, UserId, first_number_at};
use crate::domain::limits::MAX_UNUSED_FILES;
use crate::domain::review::file::{FileKind, FileProblem};
use crate::keyring::{CannotOpen, Secret};

/// How long files are kept whose form was never submitted.
const UNUSED: Duration = Duration::days(2);

/// Why a file cannot be stored or opened.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Its type or size is not allowed.
    #[error("file not accepted: {0:?}")]
    Problem(FileProblem),
    /// The person has as many that no application has as one may.
    #[error("too many unused files")]
    TooMany,
    /// It was deleted, or belongs to another project.
    #[error("file no longer exists")]
    Gone,
    /// It cannot be decrypted: the installation's secret key was changed.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Stores a file, encrypted.
///
/// # Errors
///
/// [`FileError::Problem`] if its type or size is not allowed, [`FileError::TooMany`] if the person has
/// too many that no application has.
pub async fn store(
    app: &App,
    project: ProjectId,
    by: UserId,
    name: &str,
    content: &[u8],
) -> Result<FileId, FileError> {
    let kind = FileKind::of(content).map_err(FileError::Problem)?;
    let sealed = app.keyring.seal_bytes(Secret::File, project, content)?;
    let file = NewFile {
        project,
        name: &kind.name_of(name),
        kind,
        bytes: i32::try_from(content.len()).unwrap_or(i32::MAX),
        sealed: &sealed,
        uploaded_by: by,
    };
    let mut tx = app.db.begin().await?;
    if files::lock_unused(&mut tx, project, by).await? >= MAX_UNUSED_FILES {
        return Err(FileError::TooMany);
    }
    let id = files::insert(&mut tx, &file, app.clock.now()).await?;
    tx.commit().await?;
    Ok(id)
}

async fn open(app: &App, project: ProjectId, id: FileId) -> Result<(File, Vec<u8>), FileError> {
    let file = files::find(&app.db, project, id).await?.ok_or(FileError::Gone)?;
    let sealed = files::content(&app.db, project, id).await?.ok_or(FileError::Gone)?;
    Ok((file, app.keyring.open_bytes(Secret::File, project, &sealed)?))
}

/// Decrypts a file for a person. This is audited, since files may contain personal data and stamps.
///
/// # Errors
///
/// [`FileError::Gone`] if it was deleted.
pub async fn show(
    app: &App,
    project: ProjectId,
    id: FileId,
    by: UserId,
    ip: &str,
) -> Result<(File, Vec<u8>), FileError> {
    let opened = open(app, project, id).await?;
    let mut db = app.db.acquire().await?;
    let entry = audit::Entry {
        project: Some(project),
        user: Some(by),
        action: "file_opened",
        subject: &id.to_string(),
        detail: json!({}),
        ip,
    };
    audit::record(&mut db, &entry, app.clock.now()).await?;
    Ok(opened)
}

/// Decrypts and encodes a file for the vendor: base64 for a first application, preceded by its
/// media type for a resubmission (USMS API reference, UpdateUSMSSignature: `File`).
pub(in crate::ops) async fn for_vendor(
    app: &App,
    project: ProjectId,
    id: Option<FileId>,
    resubmits: bool,
) -> Result<Option<String>, FileError> {
    let Some(id) = id else { return Ok(None) };
    let (file, content) = open(app, project, id).await?;
    let encoded = STANDARD.encode(content);
    Ok(Some(if resubmits {
        format!("{};base64,{encoded}", file.kind.media_type())
    } else {
        encoded
    }))
}

/// Deletes the content of a file; its name stays in the history. Returns false if it was deleted
/// before.
pub async fn delete(
    app: &App,
    project: ProjectId,
    id: FileId,
    by: UserId,
    ip: &str,
) -> Result<bool, FileError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let deleted = files::delete(&mut tx, project, id, now).await?;
    if deleted {
        let entry = audit::Entry {
            project: Some(project),
            user: Some(by),
            action: "file_deleted",
            subject: &id.to_string(),
            detail: json!({}),
            ip,
        };
        audit::record(&mut tx, &entry, now).await?;
    }
    tx.commit().await?;
    Ok(deleted)
}

/// Deletes files whose form was never submitted. Returns how many.
pub async fn remove_unused(app: &App) -> sqlx::Result<u64> {
    files::remove_unused(&app.db, first_number_at(app.clock.now() - UNUSED)).await
}
