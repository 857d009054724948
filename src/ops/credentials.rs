//! A project's API keys, decrypted for a call.

use crate::app::App;
use crate::db::projects;
use crate::domain::ids::ProjectId;
use crate::keyring::{CannotOpen, Secret};
use crate::usms::Credentials;

/// Why a project's keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// They cannot be decrypted: the installation's secret key was changed.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
}

/// Loads and decrypts the keys of `project`.
///
/// # Errors
///
/// [`CredentialsError::Sealed`] if the installation's secret key was changed.
pub async fn of(app: &App, project: ProjectId) -> Result<Credentials, CredentialsError> {
    let sealed = projects::keys(&app.db, project).await?;
    Ok(Credentials {
        public_key: sealed.public_key,
        private_key: app.keyring.open(Secret::PrivateKey, project, &sealed.private_key_sealed)?,
        project_id: Some(sealed.ucloud_project_id),
    })
}
