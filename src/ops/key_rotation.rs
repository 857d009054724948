//! Encrypting all stored secrets anew, after the installation got another secret key.

use serde_json::json;

use crate::app::App;
use crate::db::{audit, sealed_secrets};
use crate::domain::ids::ProjectId;
use crate::keyring::{CannotOpen, Secret};

/// What was encrypted anew, and what could not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rotated {
    /// How many keys, push secrets and webhooks were.
    pub secrets: u32,
    /// How many files of applications were.
    pub files: u32,
    /// What was encrypted with a key that is neither the present nor the previous one.
    pub unopened: Vec<Unopened>,
}

/// A secret that could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unopened {
    /// The project.
    pub project: ProjectId,
    /// What it is.
    pub what: Secret,
    /// The id of the file, if it is one.
    pub file: Option<i64>,
}

/// Encrypts with the present key what is encrypted with the previous one, or was by an earlier
/// version. What cannot be opened stays as it is. This is audited.
pub async fn rotate(app: &App) -> sqlx::Result<Rotated> {
    let mut rotated = Rotated::default();
    rotate_secrets(app, &mut rotated).await?;
    rotate_robots(app, &mut rotated).await?;
    rotate_files(app, &mut rotated).await?;
    let mut db = app.db.acquire().await?;
    let entry = audit::Entry {
        project: None,
        user: None,
        action: "secret_key_rotated",
        subject: "",
        detail: json!({
            "secrets": rotated.secrets, "files": rotated.files, "unopened": rotated.unopened.len(),
        }),
        ip: "-",
    };
    audit::record(&mut db, &entry, app.clock.now()).await?;
    Ok(rotated)
}

async fn rotate_secrets(app: &App, rotated: &mut Rotated) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    for mut secrets in sealed_secrets::lock_projects(&mut tx).await? {
        let project = secrets.project;
        let all = [
            (Secret::PrivateKey, Some(&mut secrets.private_key)),
            (Secret::PushSecret, Some(&mut secrets.push_secret)),
            (Secret::Webhook, secrets.webhook.as_mut()),
            (Secret::WebhookKey, secrets.webhook_key.as_mut()),
            (Secret::ErasureKey, secrets.erasure_key.as_mut()),
        ];
        if rotate_all(app, project, all, rotated) {
            sealed_secrets::update_project(&mut tx, &secrets).await?;
        }
    }
    tx.commit().await
}

async fn rotate_robots(app: &App, rotated: &mut Rotated) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    for mut robot in sealed_secrets::lock_robots(&mut tx).await? {
        let all = [
            (Secret::RobotUrl, Some(&mut robot.url)),
            (Secret::RobotSecret, robot.secret.as_mut()),
        ];
        if rotate_all(app, robot.project, all, rotated) {
            sealed_secrets::update_robot(&mut tx, &robot).await?;
        }
    }
    tx.commit().await
}

/// Encrypts secrets of a project anew. Returns whether one changed.
fn rotate_all<'a>(
    app: &App,
    project: ProjectId,
    all: impl IntoIterator<Item = (Secret, Option<&'a mut Vec<u8>>)>,
    rotated: &mut Rotated,
) -> bool {
    let before = rotated.secrets;
    for (what, sealed) in all {
        let Some(sealed) = sealed else { continue };
        match anew(app, what, project, sealed) {
            Ok(Some(new)) => {
                *sealed = new;
                rotated.secrets += 1;
            }
            Ok(None) => {}
            Err(CannotOpen) => rotated.unopened.push(Unopened { project, what, file: None }),
        }
    }
    rotated.secrets > before
}

async fn rotate_files(app: &App, rotated: &mut Rotated) -> sqlx::Result<()> {
    let mut after = i64::MIN;
    while let Some(file) = sealed_secrets::next_file(&app.db, after).await? {
        after = file.id;
        let (project, what) = (file.project, Secret::File);
        match anew(app, what, project, &file.sealed) {
            Ok(Some(sealed)) => {
                sealed_secrets::update_file(&app.db, file.id, &sealed).await?;
                rotated.files += 1;
            }
            Ok(None) => {}
            Err(CannotOpen) => {
                rotated.unopened.push(Unopened { project, what, file: Some(file.id) });
            }
        }
    }
    Ok(())
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
