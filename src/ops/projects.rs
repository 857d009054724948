//! Projects: created with encrypted keys and a push URL of their own.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::reporting::notifications::{self, AccessChange};
use super::sending::prices::{self, PlainPrices};
use crate::app::App;
use crate::config::DefaultProject;
use crate::db::sending::sending_stops;
use crate::db::{audit, projects};
use crate::domain::ids::ProjectId;
use crate::domain::project::{ProjectNameProblem, check_slug};
use crate::keyring::{CannotOpen, Secret};
use crate::ops::accounts::Manager;
use crate::ops::actor::Actor;
use crate::ops::fingerprints;
use crate::usms::{CallError, Credentials, Verdict};

/// The slug of the project whose keys are in the settings.
pub const DEFAULT: &str = "default";

/// The API keys of a project.
#[derive(Debug, Clone)]
pub struct Keys {
    /// UCloud's project id, `org-…`.
    pub ucloud_project_id: String,
    /// The public key.
    pub public_key: String,
    /// The private key.
    pub private_key: SecretString,
}

impl From<&DefaultProject> for Keys {
    fn from(configured: &DefaultProject) -> Self {
        Self {
            ucloud_project_id: configured.ucloud_project_id.clone(),
            public_key: configured.public_key.clone(),
            private_key: configured.private_key.clone(),
        }
    }
}

/// Why a project cannot be created or changed.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// Its slug is not allowed.
    #[error(transparent)]
    Slug(#[from] ProjectNameProblem),
    /// Its name is not allowed.
    #[error("project name must have 1 to 60 characters and no control characters")]
    Name,
    /// The slug is taken.
    #[error("a project with this slug already exists")]
    Taken,
    /// The vendor refused a call with the keys.
    #[error("UCloud refused the keys: {0}")]
    KeysRefused(String),
    /// The keys could not be tried.
    #[error("the keys could not be tried: {0}")]
    NotTried(String),
    /// Another project has this UCloud project id.
    #[error("project `{0}` has this UCloud project ID already")]
    SameProject(String),
    /// Its keys are in the settings, which bring it back at every start.
    #[error("the project of the settings cannot be archived")]
    ConfiguredProject,
    /// The keys are those of the settings.
    #[error("the keys are set by UCLOUD_PUBLIC_KEY and UCLOUD_PRIVATE_KEY")]
    Configured,
    /// A secret cannot be encrypted or decrypted.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Creates the project `slug` with the keys of the settings, or replaces its keys if it exists. A page
/// cannot replace them then.
///
/// # Errors
///
/// [`ProjectError::Slug`] if the slug is not allowed.
pub async fn ensure(
    app: &App,
    slug: &str,
    name: &str,
    keys: &DefaultProject,
) -> Result<ProjectId, ProjectError> {
    check_slug(slug)?;
    let keys = &Keys::from(keys);
    let mut tx = app.db.begin().await?;
    let id = match projects::by_slug(&mut tx, slug).await? {
        Some(id) => {
            replace_keys(app, &mut tx, Manager::COMMAND_LINE, id, keys).await?;
            id
        }
        None => match insert(app, &mut tx, Manager::COMMAND_LINE, slug, name, keys).await? {
            Some(id) => id,
            // Another process created it at the same time.
            None => projects::by_slug(&mut tx, slug).await?.ok_or(sqlx::Error::RowNotFound)?,
        },
    };
    projects::set_configured(&mut tx, Some(id)).await?;
    tx.commit().await?;
    Ok(id)
}

/// Records that the settings have no keys, so that all are replaced on pages.
pub async fn none_is_configured(app: &App) -> sqlx::Result<()> {
    projects::set_configured(&mut *app.db.acquire().await?, None).await
}

/// Adds a project, after its keys were tried.
///
/// # Errors
///
/// [`ProjectError`] says what is wrong with the name, the slug or the keys.
pub async fn add(
    app: &App,
    by: Manager<'_>,
    slug: &str,
    name: &str,
    keys: &Keys,
) -> Result<ProjectId, ProjectError> {
    check_slug(slug)?;
    let name = name.trim();
    if !(1..=60).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(ProjectError::Name);
    }
    if projects::by_slug(&mut *app.db.acquire().await?, slug).await?.is_some() {
        return Err(ProjectError::Taken);
    }
    check_ucloud_id(app, keys, None).await?;
    try_keys(app, keys).await?;
    let mut tx = app.db.begin().await?;
    let id = insert(app, &mut tx, by, slug, name, keys).await?.ok_or(ProjectError::Taken)?;
    tx.commit().await?;
    Ok(id)
}

/// Replaces the keys of a project, after the new ones were tried. Calls that are under way end with the
/// old ones.
///
/// # Errors
///
/// [`ProjectError`] says what is wrong with the keys; [`ProjectError::Configured`] if they are those of the
/// settings.
pub async fn set_keys(
    app: &App,
    by: Manager<'_>,
    project: ProjectId,
    keys: &Keys,
) -> Result<(), ProjectError> {
    if projects::is_configured(&app.db, project).await? {
        return Err(ProjectError::Configured);
    }
    check_ucloud_id(app, keys, Some(project)).await?;
    try_keys(app, keys).await?;
    let mut tx = app.db.begin().await?;
    replace_keys(app, &mut tx, by, project, keys).await?;
    tx.commit().await?;
    Ok(())
}

/// Two projects with the same UCloud project would take each other's receipts and replies.
async fn check_ucloud_id(
    app: &App,
    keys: &Keys,
    except: Option<ProjectId>,
) -> Result<(), ProjectError> {
    match projects::with_ucloud_id(&app.db, &keys.ucloud_project_id, except).await? {
        Some(slug) => Err(ProjectError::SameProject(slug)),
        None => Ok(()),
    }
}

/// Archives a project, which stops its sending, or restores it, which lets members resume it. Returns
/// whether that changed anything.
///
/// # Errors
///
/// [`ProjectError::ConfiguredProject`] if its keys are those of the settings.
pub async fn set_archived(
    app: &App,
    by: Manager<'_>,
    project: ProjectId,
    archived: bool,
) -> Result<bool, ProjectError> {
    if archived && projects::is_configured(&app.db, project).await? {
        return Err(ProjectError::ConfiguredProject);
    }
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if !projects::set_archived(&mut tx, project, archived.then_some(now)).await? {
        return Ok(false);
    }
    if archived {
        sending_stops::insert(&mut tx, Some(project), by.user, now).await?;
    }
    let entry = audit::Entry {
        project: Some(project),
        user: by.user,
        action: if archived { "project_archived" } else { "project_restored" },
        subject: "",
        detail: json!({}),
        ip: by.ip,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// A session number that no project has: asking for its receipts costs nothing and tries the keys.
const NO_SESSION: &str = "usms-console-key-check";

/// Makes a call with keys that changes nothing.
async fn try_keys(app: &App, keys: &Keys) -> Result<(), ProjectError> {
    let credentials = Credentials {
        public_key: keys.public_key.clone(),
        private_key: keys.private_key.clone(),
        project_id: Some(keys.ucloud_project_id.clone()),
    };
    match app.usms.get_send_receipt(&credentials, &[NO_SESSION]).await {
        Ok(_) => Ok(()),
        Err(error @ CallError::Refused { ret_code, .. })
            if ret_code.verdict() == Verdict::CallPerson =>
        {
            Err(ProjectError::KeysRefused(error.to_string()))
        }
        // The keys were right: it refused the session number.
        Err(CallError::Refused { .. }) => Ok(()),
        Err(error) => Err(ProjectError::NotTried(error.to_string())),
    }
}

async fn insert(
    app: &App,
    db: &mut PgConnection,
    by: Manager<'_>,
    slug: &str,
    name: &str,
    keys: &Keys,
) -> Result<Option<ProjectId>, ProjectError> {
    let now = app.clock.now();
    let secret = hex::encode(rand::random::<[u8; 32]>());
    let id = projects::next_id(db, now).await?;
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
    let Some(id) = projects::insert(db, &new, now).await? else { return Ok(None) };
    let entry = audit::Entry {
        project: Some(id),
        user: by.user,
        action: "project_added",
        subject: slug,
        detail: json!({ "ucloud_project_id": keys.ucloud_project_id }),
        ip: by.ip,
    };
    audit::record(db, &entry, now).await?;
    Ok(Some(id))
}

/// Replaces the keys of a project, if they differ; this is audited.
async fn replace_keys(
    app: &App,
    db: &mut PgConnection,
    by: Manager<'_>,
    id: ProjectId,
    keys: &Keys,
) -> Result<(), ProjectError> {
    let stored = projects::keys(&mut *db, id).await?;
    let old = app.keyring.open(Secret::PrivateKey, id, &stored.private_key_sealed);
    let before = old.as_ref().ok().map(|old| fingerprints::of(old.expose_secret()));
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
        user: by.user,
        action: "project_keys_changed",
        subject: "",
        detail: json!({
            "ucloud_project_id": keys.ucloud_project_id,
            "ucloud_project_id_before": stored.ucloud_project_id,
            "public_key": fingerprints::of(&keys.public_key),
            "public_key_before": fingerprints::of(&stored.public_key),
            "private_key": fingerprints::of(keys.private_key.expose_secret()),
            "private_key_before": before,
        }),
        ip: by.ip,
    };
    audit::record(db, &entry, app.clock.now()).await?;
    notifications::access_changed(app, db, id, AccessChange::KeysChanged, "").await?;
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
    let before = projects::policy(&mut tx, actor.project).await?;
    projects::save_batch_rules(&mut tx, actor.project, policy).await?;
    prices::save_plain(&mut tx, app, actor, plain).await?;
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action: "batch_rules_changed",
        subject: "",
        detail: changes_of(&before, policy),
        ip: actor.ip,
    };
    audit::record(&mut tx, &entry, app.clock.now()).await?;
    tx.commit().await
}

/// Returns the rules that changed, each before and after.
fn changes_of(before: &projects::BatchRules, after: &projects::BatchRules) -> Value {
    let fields = |rules: &projects::BatchRules| {
        [
            ("approval_over", json!(rules.approval_over)),
            ("approval_over_cost", json!(rules.approval_over_cost)),
            ("failure_percent", json!(rules.failure_percent)),
            ("failure_least", json!(rules.failure_least)),
        ]
    };
    let pairs = fields(before).into_iter().zip(fields(after));
    let changed = pairs.filter(|(before, after)| before.1 != after.1);
    changed.map(|(before, after)| (before.0.to_owned(), json!([before.1, after.1]))).collect()
}
