//! Projects: created with encrypted keys and a push URL of their own.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::app::App;
use crate::config::DefaultProject;
use crate::db::{audit, projects};
use crate::domain::ids::ProjectId;
use crate::domain::project::{ProjectNameProblem, check_slug};
use crate::keyring::{CannotOpen, Secret};
use crate::ops::actor::Actor;
use crate::ops::prices::{self, PlainPrices};

/// The slug of the project whose keys are in the settings.
pub const DEFAULT: &str = "default";

/// Why a project cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// Its slug is not allowed.
    #[error(transparent)]
    Name(#[from] ProjectNameProblem),
    /// A secret cannot be encrypted or decrypted.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Creates the project `slug` with these keys, or replaces the keys if it exists.
///
/// # Errors
///
/// [`ProjectError::Name`] if the slug is not allowed.
pub async fn ensure(
    app: &App,
    slug: &str,
    name: &str,
    keys: &DefaultProject,
) -> Result<ProjectId, ProjectError> {
    check_slug(slug)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(id) = projects::by_slug(&mut tx, slug).await? {
        replace_keys(app, &mut tx, id, keys).await?;
        tx.commit().await?;
        return Ok(id);
    }
    let secret = hex::encode(rand::random::<[u8; 32]>());
    let id = projects::next_id(&mut tx, now).await?;
    let push_secret = SecretString::from(secret.clone());
    let new = projects::NewProject {
        id,
        slug,
        name,
        ucloud_project_id: &keys.ucloud_project_id,
        public_key: &keys.public_key,
        private_key_sealed: &app.keyring.seal(Secret::PrivateKey, id, &keys.private_key)?,
        hook_secret_sealed: &app.keyring.seal(Secret::PushSecret, id, &push_secret)?,
        hook_secret_hash: &Sha256::digest(secret.as_bytes()),
    };
    let id = match projects::insert(&mut tx, &new, now).await? {
        Some(id) => id,
        // Another process created it at the same time.
        None => projects::by_slug(&mut tx, slug).await?.ok_or(sqlx::Error::RowNotFound)?,
    };
    let entry = audit::Entry {
        project: Some(id),
        user: None,
        action: "project_added",
        subject: slug,
        detail: json!({ "ucloud_project_id": keys.ucloud_project_id }),
        ip: "-",
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await?;
    Ok(id)
}

/// Replaces the keys of a project by those of the settings, if they differ; this is audited.
async fn replace_keys(
    app: &App,
    db: &mut PgConnection,
    id: ProjectId,
    keys: &DefaultProject,
) -> Result<(), ProjectError> {
    let stored = projects::keys(&mut *db, id).await?;
    let old = app.keyring.open(Secret::PrivateKey, id, &stored.private_key_sealed);
    let is_same = old.is_ok_and(|old| old.expose_secret() == keys.private_key.expose_secret())
        && stored.public_key == keys.public_key
        && stored.ucloud_project_id == keys.ucloud_project_id;
    if is_same {
        return Ok(());
    }
    let sealed = app.keyring.seal(Secret::PrivateKey, id, &keys.private_key)?;
    projects::replace_keys(db, id, &keys.ucloud_project_id, &keys.public_key, &sealed).await?;
    let entry = audit::Entry {
        project: Some(id),
        user: None,
        action: "project_keys_changed",
        subject: "",
        detail: json!({
            "ucloud_project_id": keys.ucloud_project_id,
            "public_key": keys.public_key,
        }),
        ip: "-",
    };
    audit::record(db, &entry, app.clock.now()).await?;
    Ok(())
}

/// Returns the path of a project's push URL.
///
/// # Errors
///
/// [`CannotOpen`] if the secret cannot be decrypted.
pub fn hook_path(app: &App, project: &projects::Listed) -> Result<String, CannotOpen> {
    let secret = app.keyring.open(Secret::PushSecret, project.id, &project.hook_secret_sealed)?;
    Ok(format!("/hooks/{}", secret.expose_secret()))
}

/// Saves the rules for a project's batches and its plain prices, and audits the changes.
pub async fn save_batch_rules(
    app: &App,
    actor: Actor<'_>,
    policy: &projects::BatchRules,
    plain: PlainPrices,
) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    projects::save_batch_rules(&mut tx, actor.project, policy).await?;
    prices::save_plain(&mut tx, app, actor, plain).await?;
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action: "batch_rules_changed",
        subject: "",
        detail: serde_json::json!({ "rules": format!("{policy:?}") }),
        ip: actor.ip,
    };
    audit::record(&mut tx, &entry, app.clock.now()).await?;
    tx.commit().await
}
