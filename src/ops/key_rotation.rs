//! Encrypting all stored secrets anew, after the installation got another secret key.

use serde_json::json;

use crate::app::App;
use crate::db::{audit, sealed_secrets};
use crate::domain::ids::ProjectId;
use crate::keyring::{CannotOpen, Secret};

/// How many secrets were encrypted anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Keys, push secrets and webhooks.
    pub secrets: u32,
    /// Files of applications.
    pub files: u32,
}

/// Why not all secrets could be encrypted anew. What was done stays done, and trying again does the
/// rest.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// One was encrypted with a key that is neither the present nor the previous one.
    #[error(
        "a stored secret was encrypted with another key: set CONSOLE_PREVIOUS_SECRET_KEY to the key \
         that the console had before"
    )]
    Sealed(#[from] CannotOpen),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Encrypts with the present key what is encrypted with the previous one, or was by an earlier
/// version. This is audited.
///
/// # Errors
///
/// [`RotationError::Sealed`] if a secret cannot be opened with either key.
pub async fn rotate(app: &App) -> Result<Rotated, RotationError> {
    let mut rotated = Rotated { secrets: rotate_secrets(app).await?, files: 0 };
    let mut after = i64::MIN;
    while let Some(file) = sealed_secrets::next_file(&app.db, after).await? {
        after = file.id;
        if let Some(sealed) = anew(app, Secret::File, file.project, &file.sealed)? {
            sealed_secrets::update_file(&app.db, file.id, &sealed).await?;
            rotated.files += 1;
        }
    }
    let mut db = app.db.acquire().await?;
    let entry = audit::Entry {
        project: None,
        user: None,
        action: "secret_key_rotated",
        subject: "",
        detail: json!({ "secrets": rotated.secrets, "files": rotated.files }),
        ip: "-",
    };
    audit::record(&mut db, &entry, app.clock.now()).await?;
    Ok(rotated)
}

async fn rotate_secrets(app: &App) -> Result<u32, RotationError> {
    let mut tx = app.db.begin().await?;
    let mut count = 0;
    for mut secrets in sealed_secrets::lock_projects(&mut tx).await? {
        let project = secrets.project;
        let mut changed = 0;
        let mut replace = |what, sealed: &mut Vec<u8>| -> Result<(), CannotOpen> {
            if let Some(new) = anew(app, what, project, sealed)? {
                *sealed = new;
                changed += 1;
            }
            Ok(())
        };
        replace(Secret::PrivateKey, &mut secrets.private_key)?;
        replace(Secret::PushSecret, &mut secrets.push_secret)?;
        if let Some(webhook) = &mut secrets.webhook {
            replace(Secret::Webhook, webhook)?;
        }
        if let Some(key) = &mut secrets.webhook_key {
            replace(Secret::WebhookKey, key)?;
        }
        if changed > 0 {
            sealed_secrets::update_project(&mut tx, &secrets).await?;
        }
        count += changed;
    }
    tx.commit().await?;
    Ok(count)
}

/// Returns the secret encrypted with the present key, unless it is already.
fn anew(
    app: &App,
    what: Secret,
    project: ProjectId,
    sealed: &[u8],
) -> Result<Option<Vec<u8>>, CannotOpen> {
    if app.keyring.is_current(sealed) {
        return Ok(None);
    }
    let content = app.keyring.open_bytes(what, project, sealed)?;
    app.keyring.seal_bytes(what, project, &content).map(Some)
}
